"""Authentication: HTTP basic, from a file in either of Mesos's forms."""
import json

import pytest

import zmesos
from programs import wait_for

pytestmark = pytest.mark.usefixtures("needs_local")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "credentials").write_text("zmesos secret-word\n")
    (tmp_path / "line").write_text("zmesos secret-word\n")
    (tmp_path / "json").write_text(json.dumps({"principal": "zmesos", "secret": "secret-word"}))
    (tmp_path / "wrong").write_text("zmesos other-word\n")
    return tmp_path


@pytest.mark.parametrize("form", ["line", "json"])
def test_a_credential_opens(start_cluster, files, form):
    cluster = start_cluster("--credential", str(files / form), local={"credentials": str(files / "credentials")})
    with cluster.client() as client:
        client.launch("true", id="t", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"
    assert "secret-word" not in cluster.daemon.log_text()


@pytest.mark.parametrize("flags", [[], ["wrong"]], ids=["none", "wrong"])
def test_without_the_right_one_it_says_so_and_goes_on_trying(start_cluster, files, flags):
    flags = ["--credential", str(files / flags[0])] if flags else []
    cluster = start_cluster(*flags, local={"credentials": str(files / "credentials")}, wait=False)
    status = wait_for(lambda: (lambda s: s if s.message else None)(cluster.status()), "a reason")
    assert "401" in status.message
    assert zmesos.messages.Subscription.Name(status.subscription) == "REFUSED"
    assert "other-word" not in cluster.daemon.log_text()
