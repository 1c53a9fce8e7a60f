"""What is known of agents: list_agents by the Python client, the command line and JSON."""
from __future__ import annotations

import pytest
import zmesos
import zmq
from zmesos import messages

from command_line import Cli
from programs import wait_for

SMALL = {"cpus": 0.5, "mem": 64, "disk": 10}


def running(client: zmesos.Client, ids: list[str]) -> dict[str, str]:
    """The agent of each task, once all run."""
    def look() -> dict[str, zmesos.Task] | None:
        found = client.get(ids)
        return found if all(zmesos.state_name(task.state) == "RUNNING" for task in found.values()) else None
    return {name: task.attempts[-1].agent_id for name, task in wait_for(look, f"{ids} RUNNING").items()}


def test_agents_and_their_use(start_cluster, needs_local):
    cluster = start_cluster(local={"agents": "3"})
    cli = Cli(cluster)
    with cluster.client() as client:
        ids = [f"t{n}" for n in range(6)]
        refused = [result for result in client.launch_many(
            zmesos.task_spec("sleep 600", id=name, name="web", constraints=[zmesos.max_per("agent_id", 2)], **SMALL)
            for name in ids) if not result.ok]
        assert not refused
        agents_of = running(client, ids)
        found = {agent.id: agent for agent in client.agents(page_size=2)}
        there = {agent["id"]: agent for agent in cluster.local.state()["agents"]}
        assert set(found) == set(there) == set(agents_of.values())
        assert list(found) == sorted(found) and client.status().agents == 3
        for agent in found.values():
            assert agent.tasks == 2 and agent.strays == 0
            assert (agent.used.cpus, agent.used.mem, agent.used.disk, agent.used.gpus) == (1, 128, 20, 0)
            assert (agent.known.cpus, agent.known.mem, agent.known.disk, agent.known.gpus) == (4, 4096, 10240, 0)
            assert agent.last_offer.cpus <= 4 and agent.last_offer_ns > 0
            assert {label.key: label.value for label in agent.attributes} == {"rack": "r1", "zone": "a"}
            assert agent.hostname and agent.url.startswith("http://")
        lines = cli("agents").stdout.splitlines()
        assert lines[0].split() == ["AGENT", "HOST", "TASKS", "CPUS", "MEM", "DISK", "GPUS", "NOTE"]
        rows = {line.split()[0]: line.split()[2:7] + sorted(line.split()[7:]) for line in lines[1:]}
        assert rows == {name: ["2", "1/4", "128/4096", "20/10240", "0/0", "rack=r1", "zone=a"] for name in found}
        assert [agent["id"] for agent in cli.json("agents")] == sorted(found)
        client.kill(*ids)
        client.wait(ids, timeout=60)
        assert {(agent.tasks, agent.used.cpus, agent.known.cpus) for agent in client.agents()} == {(0, 0, 4)}


def test_after_a_restart_they_are_known_by_their_tasks_until_they_make_an_offer(start_cluster, needs_local):
    cluster = start_cluster(local={"agents": "2"})
    with cluster.client() as client:
        client.launch("sleep 600", id="one", **SMALL)
        agent_id = running(client, ["one"])["one"]
        assert client.status().subscription_since_ns > 0
        cluster.daemon.kill()
        cluster.daemon.start()
        cluster.wait_subscribed()
    with cluster.client() as client:
        # Nothing waits: its role is suppressed, and no offer comes.
        agent, = client.agents()
        assert (agent.id, agent.tasks, agent.used.cpus) == (agent_id, 1, 0.5)
        assert not agent.HasField("known") and not agent.HasField("last_offer") and not agent.attributes
        assert agent.hostname and agent.url
        assert Cli(cluster)("agents").stdout.splitlines()[1].split()[2:] == ["1", "0.5/?", "64/?", "10/?", "0/?"]
        client.launch("true", id="two", **SMALL)
        client.wait("two", timeout=60)
        def offered() -> zmesos.Agent | None:
            return next((agent for agent in client.agents() if agent.id == agent_id and agent.HasField("known")), None)
        agent = wait_for(offered, "an offer of that agent")
        assert agent.known.cpus == 4 and agent.used.cpus == 0.5
        client.kill("one")


@pytest.mark.parametrize("asked, code, field", [
    ({"page_size": 0}, "INVALID", "list_agents.page_size"),
    ({"page_size": 1001}, "TOO_LARGE", "list_agents.page_size"),
    ({"page_size": -1}, "INVALID", "list_agents.page_size"),
    ({"after": 7}, "INVALID", "list_agents.after"),
    ({"hostname": "h"}, "INVALID", "list_agents.hostname"),
    ({"page_size": 1000, "after": "zzzz"}, "OK", None),
])
def test_what_cannot_be_asked(cluster, asked, code, field):
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 60_000)
        socket.connect(cluster.control)
        socket.send_json({"version": 1, "list_agents": asked})
        reply = socket.recv_json()
    assert (reply["code"], reply.get("field")) == (code, field), reply
    assert code != "OK" or reply["agents"] == {"total": reply["agents"]["total"]}


def test_the_daemon_tells_what_waits(cluster):
    """Beside the counts of the core, a status has what the daemon knows; so have its heartbeats."""
    with cluster.client() as client, cluster.subscribe("zmesos/HEARTBEAT") as events:
        for status in (client.status(), events.ready()):
            for field in ("outputs_waiting", "calls_waiting", "agents", "subscription_since_ns", "journal_events", "journal_bytes",
                          "commits", "commits_us", "longest_commit_us"):
                assert status.HasField(field), field
            assert status.subscription == messages.SUBSCRIBED
    words = Cli(cluster)("status").stdout.splitlines()
    assert {line.split()[0] for line in words} >= {"since", "agents", "waiting", "journal", "disk"}


def test_the_command_takes_no_arguments(cluster):
    assert "'A1' is too much" in Cli(cluster)("agents", "A1", code=2).stderr
