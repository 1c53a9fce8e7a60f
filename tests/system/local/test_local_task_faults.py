"""Launches that stay STAGING, tasks that nobody launched, updates that come again; frameworks that end."""
import pathlib

import pytest

from local_program import LATE, ONE_AGENT, until
from local_scheduler import Framework, fresh, info, lasting, reconcile, task
from test_local_agent_faults import staged, words


def test_staging_for_ever_until_killed(local):
    framework = lasting(local)
    name, offer = staged(local, framework)
    status = reconcile(framework, name, offer["agent_id"])
    assert words(status) == ("TASK_STAGING", "REASON_RECONCILIATION", "SOURCE_MASTER",
                             "Reconciliation: Latest task state", False)
    other, _ = framework.run()                                   # one alone was meant
    assert {entry["id"]: entry["pid"] > 0 for entry in local.state()["tasks"]} == {name: False, other: True}
    framework.call("KILL", task_id={"value": name}, agent_id=offer["agent_id"])
    assert words(framework.update(name)) == ("TASK_KILLED", "REASON_TASK_KILLED_DURING_LAUNCH", "SOURCE_AGENT",
                                             "Killed before delivery to the executor", True)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_GONE"


def test_staging_for_a_while(local):
    framework = lasting(local)
    name, offer = staged(local, framework, ms=LATE)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_STAGING"
    local.release()
    assert framework.states(name, "TASK_RUNNING") == ["TASK_STARTING", "TASK_RUNNING"]


def test_staging_and_deaf(local):
    """A KILL changes nothing, however often it comes; then the task starts after all."""
    framework = lasting(local)
    name, offer = staged(local, framework, how="deaf", ms=LATE)
    for _ in range(3):
        framework.call("KILL", task_id={"value": name}, agent_id=offer["agent_id"])
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_STAGING"
    local.release()
    assert framework.states(name, "TASK_RUNNING") == ["TASK_STARTING", "TASK_RUNNING"]
    framework.call("KILL", task_id={"value": name}, agent_id=offer["agent_id"])
    assert framework.states(name, "TASK_KILLED") == ["TASK_KILLING", "TASK_KILLED"]


def test_a_launch_that_never_reached_its_agent(local):
    framework = lasting(local)
    name, offer = staged(local, framework, how="lost", count=2)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_STAGING"
    framework.call("KILL", task_id={"value": name}, agent_id=offer["agent_id"])
    assert words(framework.update(name)) == (
        "TASK_DROPPED", "REASON_EXECUTOR_TERMINATED", "SOURCE_AGENT", "Cannot find executor", True)
    second, third = fresh(), fresh()
    rest = framework.offer()
    framework.launch(rest, task(second, rest), task(third, rest))
    assert framework.states(third, "TASK_FINISHED")[-1] == "TASK_FINISHED"     # the third is not meant
    local.fault("failover", agents_return_ms=0)
    while framework.event():
        pass
    again = framework.again()
    until(lambda: local.state()["agents"][0]["state"] == "registered")
    assert reconcile(again, second, offer["agent_id"])["state"] == "TASK_GONE"
    assert local.state()["tasks"] == []


def test_a_launch_that_the_agent_is_asked_for(local):
    """After a while, or when the agent registers again, it says that it has no such task."""
    framework = lasting(local)
    for restart in (False, True):
        name, offer = staged(local, framework, how="lost", ms=0 if restart else 200)
        if restart:
            local.fault("restart_agent", agent=1)
        assert words(framework.update(name)) == ("TASK_DROPPED", "REASON_RECONCILIATION", "SOURCE_AGENT",
                                                 "Reconciliation: task unknown to the agent", True)


def test_staging_on_one_agent_until_cleared(start):
    local = start("--agents", "2", "--allocation-interval", "0.1")
    framework = lasting(local)
    local.fault("stage_tasks", agent=2, count=0)
    slow = local.state()["agents"][1]["id"]
    names = {}
    while len(names) < 6:
        for offer in framework.wait("OFFERS")["offers"]:
            names[name := fresh()] = offer["agent_id"]["value"]
            framework.launch(offer, task(name, offer, "sleep 1000"))
    until(lambda: len(local.state()["tasks"]) == len(names))
    assert {entry["id"] for entry in local.state()["tasks"] if entry["pid"] == 0} == {
        name for name, agent in names.items() if agent == slow} != set()
    local.fault("clear")
    framework.wait("OFFERS", lambda body: any(offer["agent_id"]["value"] == slow for offer in body["offers"]))
    offer = next(offer for offer in framework.seen[-1]["offers"]["offers"] if offer["agent_id"]["value"] == slow)
    framework.launch(offer, task("last", offer))
    framework.update("last", "TASK_FINISHED")


def test_a_pending_launch_survives_a_failover(local):
    framework = lasting(local)
    name, offer = staged(local, framework)
    local.fault("failover", agents_return_ms=0)
    while framework.event():
        pass
    again = framework.again()
    until(lambda: local.state()["agents"][0]["state"] == "registered")
    assert reconcile(again, name, offer["agent_id"])["state"] == "TASK_STAGING"


@pytest.mark.parametrize("state", ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"])
def test_an_orphan(local, state):
    """An update that has to be acknowledged, a task in the state of the master, an end by KILL."""
    framework = lasting(local)
    assert local.fault("orphan", task="a.1.1", state=state) is None
    status = framework.wait("UPDATE")["status"]
    assert (status["task_id"]["value"], status["state"], status["source"]) == ("a.1.1", state, "SOURCE_EXECUTOR")
    framework.acknowledge(status)
    assert reconcile(framework, "a.1.1", status["agent_id"])["state"] == state
    framework.call("KILL", task_id={"value": "a.1.1"}, agent_id=status["agent_id"])
    assert framework.states("a.1.1", "TASK_KILLED")[-1] == "TASK_KILLED"
    assert local.state()["tasks"] == []


def test_an_orphan_that_has_not_begun(local):
    framework = lasting(local)
    local.fault("orphan", task="a", state="TASK_STAGING")
    framework.call("RECONCILE", tasks=[])
    assert words(framework.update("a"))[:3] == ("TASK_STAGING", "REASON_RECONCILIATION", "SOURCE_MASTER")
    framework.call("KILL", task_id={"value": "a"})
    framework.update("a", "TASK_KILLED")


@pytest.mark.parametrize("state", ["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_GONE", "TASK_LOST", "TASK_DROPPED"])
def test_an_orphan_that_is_over(local, state):
    framework = lasting(local)
    local.fault("orphan", task="a", state=state)
    status = framework.wait("UPDATE")["status"]
    assert status["state"] == state and "uuid" in status
    framework.acknowledge(status)
    until(lambda: local.state()["tasks"] == [])


def test_an_orphan_that_runs_and_says_nothing(local, tmp_path):
    """Only an implicit reconciliation tells; it is a process."""
    framework = lasting(local)
    local.fault("orphan", framework=framework.id["value"], agent=1, task="a", command=f"touch {tmp_path}/ran; sleep 1000",
                quiet=True)
    until((tmp_path / "ran").exists)
    pid = local.state()["tasks"][0]["pid"]
    assert local.state()["counts"]["events"].get("UPDATE", 0) == 0
    framework.call("RECONCILE", tasks=[])
    status = framework.update()
    assert (status["task_id"]["value"], status["state"]) == ("a", "TASK_RUNNING") and "uuid" not in status
    framework.call("KILL", task_id={"value": "a"})
    assert framework.states("a", "TASK_KILLED") == ["TASK_KILLING", "TASK_KILLED"]
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists())


def test_an_orphan_of_an_agent_that_is_away(local):
    framework = lasting(local)
    offer = framework.offer()
    local.fault("lose_agent", agent=1)
    framework.wait("FAILURE")
    local.fault("orphan", task="a")
    assert reconcile(framework, "a", offer["agent_id"])["state"] == "TASK_UNREACHABLE"
    local.fault("return_agent", agent=1)
    assert framework.update("a")["state"] == "TASK_RUNNING"


def test_updates_again(local):
    framework = lasting(local)
    local.fault("orphan", task="a")
    first = framework.wait("UPDATE")["status"]
    local.fault("repeat_updates", framework=framework.id["value"], times=3)
    assert [framework.wait("UPDATE")["status"] for _ in range(3)] == [first] * 3
    framework.acknowledge(first)
    until(lambda: local.state()["tasks"][0]["unacknowledged"] == 0)
    local.fault("repeat_updates")
    local.fault("lose_agent", agent=1)
    framework.wait("FAILURE")
    local.fault("orphan", task="b")
    local.fault("repeat_updates")                                # nothing passes between the agent and the master
    assert reconcile(framework, "b", first["agent_id"])["state"] == "TASK_UNREACHABLE"
    assert [event["type"] for event in framework.seen[-2:]] == ["UPDATE", "UPDATE"]
    local.fault("return_agent", agent=1)
    again = framework.wait("UPDATE", lambda body: "uuid" in body["status"])     # beside the master's word about each
    assert again["status"]["task_id"]["value"] == "b"                           # nothing more of a


def test_each_update_twice(local):
    framework = lasting(local)
    local.fault("double_updates")
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer))
    for state in ("TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"):
        one, two = framework.wait("UPDATE")["status"], framework.wait("UPDATE")["status"]
        assert one == two and one["state"] == state
        framework.acknowledge(one)
        framework.acknowledge(two)                               # the second is for nothing
    local.fault("clear")
    until(lambda: local.state()["tasks"] == [])
    other = framework.offer()
    framework.launch(other, task("last", other))
    assert framework.states("last", "TASK_FINISHED") == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]


def test_a_framework_that_is_removed(local):
    framework, other = lasting(local), lasting(local)
    framework.run()
    pid = local.state()["tasks"][0]["pid"]
    assert local.fault("remove_framework", framework=framework.id["value"]) is None
    while framework.event():
        pass
    assert framework.stream.ended == "end"
    assert framework.post("REVIVE")[:2] == (400, "Framework cannot be found")
    for _ in range(2):
        assert framework.again().first == {"type": "ERROR", "error": {"message": "Framework has been removed"}}
    until(lambda: local.state()["tasks"] == [] and not pathlib.Path(f"/proc/{pid}").exists())
    other.call("REVIVE")
    local.fault("failover", agents_return_ms=0)                  # remembered in memory alone
    assert framework.again().first["type"] == "SUBSCRIBED"


def test_a_framework_that_fails_over_elsewhere(local):
    framework, other = lasting(local), lasting(local)
    name, offer = framework.run()
    assert local.fault("failover_framework", framework=framework.id["value"]) is None
    assert framework.wait("ERROR") == {"message": "Framework failed over"}
    assert framework.event() is None and framework.stream.ended == "end"
    assert framework.post("REVIVE")[:2] == (403, "Framework is not subscribed")
    other.call("REVIVE")
    again = framework.again()
    assert again.first["type"] == "SUBSCRIBED"
    assert reconcile(again, name, offer["agent_id"])["state"] == "TASK_RUNNING"


@pytest.mark.parametrize("body, word", [
    ({"name": "stage_tasks", "how": "well"}, "well"),
    ({"name": "stage_tasks", "agent": 2}, "agent"),
    ({"name": "orphan"}, "task"),
    ({"name": "orphan", "task": "a/b"}, "task"),
    ({"name": "orphan", "task": "x" * 256}, "task"),
    ({"name": "orphan", "task": "a", "state": "TASK_UNKNOWN"}, "TASK_UNKNOWN"),
    ({"name": "orphan", "task": "a", "state": "TASK_FAILED", "quiet": True}, "quiet"),
    ({"name": "orphan", "task": "a", "state": "TASK_STAGING", "command": "true"}, "command"),
    ({"name": "orphan", "task": "there"}, "there"),
    ({"name": "orphan", "task": "a", "framework": "nobody"}, "nobody"),
    ({"name": "repeat_updates", "times": 0}, "times"),
    ({"name": "repeat_updates", "times": 1001}, "times"),
    ({"name": "double_updates", "on": "yes"}, "on"),
    ({"name": "remove_framework", "framework": "nobody"}, "nobody"),
    ({"name": "failover_framework", "framework": "nobody"}, "nobody"),
    ({"name": "delay", "what": "nothing"}, "nothing"),
    ({"name": "double", "after_ms": -1}, "after_ms"),
    ({"name": "answer", "status": 200, "for_ms": "long"}, "for_ms"),
    ({"name": "answer", "status": 200, "skip": -1}, "skip"),
    ({"name": "stall", "only": "you"}, "you"),
])
def test_what_is_not_understood(local, body, word):
    framework = lasting(local)
    local.fault("orphan", task="there")
    assert word in local.fault(**body)
    framework.update("there", "TASK_RUNNING")
    framework.call("REVIVE")


def test_an_orphan_needs_to_know_whose(start):
    local = start(*ONE_AGENT)
    assert "framework" in local.fault("orphan", task="a")
    Framework(local.master, info(failover_timeout=3600.0))
    Framework(local.master, info(failover_timeout=3600.0))
    assert "framework" in local.fault("orphan", task="a")
