"""zmesos events --from and --since-start: what was before it came, and what was lost on the way, is printed too."""
from __future__ import annotations

import json

import pytest
from command_line import Cli
from following import SIMULATED, Load, heads_of, journal, wait_pruned

pytestmark = pytest.mark.usefixtures("needs_local")


def numbers(process, head: int) -> list[tuple[str, int]]:
    """Class and number of what is printed, until TASK `head` is."""
    found = []
    for line in process.stdout:
        header = json.loads(line)["header"]
        found.append((header["class"], int(header["number"])))
        if found[-1] == ("TASK", head):
            return found
    raise AssertionError(f"ended before {head}")


@pytest.fixture
def cluster(start_cluster):
    return start_cluster("--events-hwm", "500", **SIMULATED)


def test_all_since_the_start_and_through_a_restart(cluster):
    Load(cluster, 300).finish()
    with cluster.client() as client:
        running = Cli(cluster).begin("--json", "events", "--since-start", "task/")
        try:
            head = heads_of(client.status())["TASK"]
            assert numbers(running.process, head) == [("TASK", n) for n in range(1, head + 1)]
            load = Load(cluster, 0, ids=[f"more-{n}" for n in range(600)], batch=100, pause=0.05)
            cluster.restart(kill=True)
            load.finish()
            after = heads_of(client.status())["TASK"]
            assert numbers(running.process, after) == [("TASK", n) for n in range(head + 1, after + 1)]
        finally:
            running.close()
        assert [line for line in running.lines if "missed" in line] == []


def test_from_a_number_under_a_prefix(cluster):
    cli = Cli(cluster)
    Load(cluster, 200).finish()
    last = "task/a-198/FINISHED"
    cluster.restart()
    cluster.wait_subscribed()
    printed = cli("--json", "events", "--from", "101", "--count", "400", "task/a-").stdout.splitlines()
    cluster.daemon.stop()
    wanted = [n for n, topic in sorted(journal(cluster.daemon)["TASK"].items()) if n > 100 and topic.startswith("task/a-")]
    got = [int(json.loads(line)["header"]["number"]) for line in printed]
    assert got == wanted[:400] and last in journal(cluster.daemon)["TASK"].values()


def test_what_is_wrong_is_said(start_cluster):
    cluster = start_cluster("--keep-events", "50", **SIMULATED)
    cli = Cli(cluster)
    Load(cluster, 100).finish()
    cluster.restart()
    cluster.wait_subscribed()
    with cluster.client() as client:
        wait_pruned(client, 50)
    for words in (["--from", "0", "task/"], ["--from", "x", "task/"], ["--from", "1"], ["--from", "1", "task/", "mesos/UPDATE/"]):
        assert "--from" in cli("events", *words, code=2).stderr
    assert "future" in cli("events", "--from", "1000000", "task/", code=1, text="").stderr
    done = cli("--json", "events", "--from", "1", "--count", "1", "task/")
    number = int(json.loads(done.stdout)["header"]["number"])
    assert number > 1 and f"missed: TASK from 1 to {number - 1} are not kept any more" in done.stderr
    assert cli("--json", "events", "--since-start", "--count", "1", "task/").stderr == ""
