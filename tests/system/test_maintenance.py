"""Maintenance: agents that are avoided, inverse offers answered, tasks drained. The schedule is set at the master."""
from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any, Optional

import pytest

import zmesos
from programs import PATIENCE, Cluster, wait_for


def machines(cluster: Cluster) -> list[dict[str, str]]:
    """As the master names them: of a real one on one machine, one for all its agents."""
    if cluster.local:
        return [{"hostname": agent["hostname"]} for agent in cluster.local.state()["agents"]]
    with urllib.request.urlopen(f"http://{cluster.master}/slaves", timeout=20) as answer:
        agents = json.loads(answer.read())["slaves"]
    found = {(agent["hostname"], agent["pid"].split("@")[1].split(":")[0]) for agent in agents}
    return [{"hostname": hostname, "ip": ip} for hostname, ip in found]


class Schedule:
    """The master's; empty again at the end."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def __enter__(self) -> "Schedule":
        return self

    def __exit__(self, *ignored: Any) -> None:
        self.set()

    def set(self, seconds: Optional[float] = None, duration: float = 600, on: Optional[list[dict[str, str]]] = None) -> None:
        """All machines (or those) in so many seconds; nothing at all without."""
        windows = [] if seconds is None else [{
            "machine_ids": on or machines(self.cluster),
            "unavailability": {"start": {"nanoseconds": int((time.time() + seconds) * 1e9)},
                               "duration": {"nanoseconds": int(duration * 1e9)}}}]
        request = urllib.request.Request(f"http://{self.cluster.master}/master/maintenance/schedule",
                                         json.dumps({"windows": windows}).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=20).close()


def state(client: zmesos.Client, task_id: str) -> str:
    return zmesos.state_name(client.task(task_id).state)


def reasons(client: zmesos.Client, task_id: str) -> list[str]:
    return [zmesos.messages.Reason.Kind.Name(reason.kind) for reason in client.why(task_id)[task_id].reasons]


def test_agents_that_are_maintained_soon_are_avoided(cluster):
    with cluster.client() as client, Schedule(cluster) as schedule:
        schedule.set(1800)
        client.launch("true", id="minds", cpus=0.1, mem=32)
        client.launch("true", id="bold", cpus=0.1, mem=32, despite_maintenance=True)
        assert zmesos.state_name(client.wait("bold", timeout=PATIENCE).state) == "FINISHED"
        wait_for(lambda: "MAINTENANCE" in reasons(client, "minds"), "the reason")
        assert state(client, "minds") == "QUEUED" and client.status().maintenance > 0
        schedule.set()
        assert zmesos.state_name(client.wait("minds", timeout=2 * PATIENCE).state) == "FINISHED"


def test_maintenance_in_some_hours_is_no_matter(cluster):
    with cluster.client() as client, Schedule(cluster) as schedule:
        schedule.set(7200)
        client.launch("true", id="runs", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("runs", timeout=PATIENCE).state) == "FINISHED"


def statuses(cluster: Cluster) -> set[str]:
    """What the master took as our answers."""
    with urllib.request.urlopen(f"http://{cluster.master}/master/maintenance/status", timeout=20) as answer:
        draining = json.loads(answer.read()).get("draining_machines", [])
    ours = cluster.status().framework_id
    return {status["status"] for machine in draining for status in machine.get("statuses", [])
            if status["framework_id"]["value"] == ours}


def answered(start_cluster, call: str, *flags: str) -> None:
    cluster = start_cluster(*flags)
    with cluster.client() as client, cluster.subscribe("mesos/INVERSE_OFFERS", "mesos/RESCIND") as events, \
            Schedule(cluster) as schedule:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        wait_for(lambda: state(client, "t") == "RUNNING", "t to run")
        schedule.set(1800)
        agent = client.task("t").attempts[-1].agent_id
        asked: dict[str, str] = {}
        while agent not in asked:  # other agents are asked for too, where an offer of them is out
            event = events.recv(PATIENCE)
            for offer in event.mesos.inverse_offers.inverse_offers if event.topic == "mesos/INVERSE_OFFERS" else ():
                asked[offer.agent_id.value] = offer.id.value
        if cluster.local:
            def answers() -> list[dict[str, Any]]:
                bodies = [entry["call"][call.lower()] for entry in cluster.local.call_log(call)]
                return [body for body in bodies if {"value": asked[agent]} in body["inverse_offer_ids"]]

            assert [body["filters"]["refuse_seconds"] for body in wait_for(answers, call)] == [3600.0]
            assert set(cluster.local.state()["counts"]["calls"]) & {
                "ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS"} == {call}
        else:
            wait_for(lambda: call.split("_")[0] in statuses(cluster), "the master to have the answer")
        assert state(client, "t") == "RUNNING"  # an answer is an intention, nothing is killed by it


def test_inverse_offers_are_accepted(start_cluster):
    answered(start_cluster, "ACCEPT_INVERSE_OFFERS")


def test_inverse_offers_are_declined_by_policy(start_cluster):
    answered(start_cluster, "DECLINE_INVERSE_OFFERS", "--maintenance", "decline")


def test_drained_tasks_are_killed(start_cluster):
    cluster = start_cluster("--drain", "--drain-grace", "5")
    with cluster.client() as client, Schedule(cluster) as schedule:
        client.launch("sleep 600", id="plain", cpus=0.1, mem=32)
        client.launch("sleep 600", id="bold", cpus=0.1, mem=32, despite_maintenance=True)
        for name in ("plain", "bold"):
            wait_for(lambda: state(client, name) == "RUNNING", f"{name} to run")
        schedule.set(7)
        over = client.wait("plain", timeout=PATIENCE)
        assert zmesos.state_name(over.state) == "KILLED" and "maintenance" in over.message
        assert state(client, "bold") == "RUNNING"


def test_drained_tasks_go_elsewhere(start_cluster, needs_local):
    cluster = start_cluster("--drain", "--drain-grace", "1")
    with cluster.client() as client, Schedule(cluster) as schedule:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32, retry={"max_attempts": 3, "on": "DRAINED", "backoff": 0.1})
        wait_for(lambda: state(client, "t") == "RUNNING", "t to run")
        first = client.task("t").attempts[-1]
        schedule.set(2, on=[{"hostname": first.hostname}])
        wait_for(lambda: len(client.task("t").attempts) == 2 and state(client, "t") == "RUNNING", "another attempt")
        assert client.task("t").attempts[-1].agent_id != first.agent_id


def test_a_rescinded_inverse_offer_ends_the_avoidance(start_cluster, needs_local):
    cluster = start_cluster("--revive-interval", "0.2")
    with cluster.client() as client, cluster.subscribe("mesos/RESCIND_INVERSE_OFFER") as events, \
            Schedule(cluster) as schedule:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        wait_for(lambda: state(client, "t") == "RUNNING", "t to run")
        cluster.local.swallow("ACCEPT_INVERSE_OFFERS")
        schedule.set(600)
        wait_for(lambda: client.status().maintenance, "the window to be known")
        schedule.set()
        assert events.recv(PATIENCE).topic == "mesos/RESCIND_INVERSE_OFFER"
        wait_for(lambda: not client.status().maintenance, "the window to be forgotten")
        client.launch("true", id="after", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("after", timeout=PATIENCE).state) == "FINISHED"


def test_a_schedule_that_cannot_be_read(cluster, needs_local):
    for body in (b"", b"[]", b'{"windows": 1}', b'{"windows": [{}]}', b'{"windows": [{"machine_ids": [], "unavailability": {}}]}'):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://{cluster.master}/maintenance/schedule", body, timeout=20)
        assert caught.value.code == 400
