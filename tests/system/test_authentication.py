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


def test_a_secret_that_is_corrected_is_taken_without_a_restart(start_cluster, files):
    credential = files / "wrong"
    cluster = start_cluster("--credential", str(credential), "--log-level", "debug",
                            local={"credentials": str(files / "credentials")}, wait=False)
    cluster.daemon.wait_subscription("REFUSED")
    for text in ("", "other secret-word\n", "not a credential at all\n"):  # half written, another principal's, broken
        credential.write_text(text)
        before = len(cluster.daemon.log_lines("waiting -> subscribing"))
        wait_for(lambda: len(cluster.daemon.log_lines("waiting -> subscribing")) >= before + 2, "it to be read and tried")
    assert cluster.status().message.endswith("status 401")
    credential.write_text("zmesos secret-word\n")
    cluster.wait_subscribed()
    assert cluster.status().run == 1 and len(cluster.daemon.log_lines("has another secret now")) == 1
    assert "secret-word" not in cluster.daemon.log_text()
