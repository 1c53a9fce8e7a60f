"""Agents that go away and come back, and masters that fail over."""
import pathlib

from local_program import LATE, until
from local_scheduler import Framework, fresh, lasting, reconcile, task


def test_an_unreachable_agent_returns_with_its_task(local):
    framework = lasting(local)
    name, offer = framework.run()
    agent = offer["agent_id"]
    local.fault("lose_agent", agent=1)
    status = framework.update(name)
    assert (status["state"], status["reason"], status["source"]) == (
        "TASK_UNREACHABLE", "REASON_AGENT_REMOVED", "SOURCE_MASTER")
    assert "uuid" not in status and "unreachable_time" in status
    assert framework.wait("FAILURE")["agent_id"] == agent
    assert reconcile(framework, name, agent)["state"] == "TASK_UNREACHABLE"
    assert reconcile(framework, name)["state"] == "TASK_UNKNOWN"
    framework.call("RECONCILE", tasks=[])                        # unreachable ones are absent
    framework.call("KILL", task_id={"value": name}, agent_id=agent)
    assert framework.update(name)["state"] == "TASK_UNREACHABLE"
    local.fault("return_agent", agent=1)
    status = framework.update(name)
    assert (status["state"], status["reason"]) == ("TASK_RUNNING", "REASON_AGENT_REREGISTERED")
    assert reconcile(framework, name, agent)["state"] == "TASK_RUNNING"
    framework.call("KILL", task_id={"value": name}, agent_id=agent)
    assert framework.states(name, "TASK_KILLED") == ["TASK_KILLING", "TASK_KILLED"]


def test_an_agent_returns_without_its_task(local):
    framework = lasting(local)
    name, offer = framework.run()
    pid = local.state()["tasks"][0]["pid"]
    local.fault("lose_agent", agent=1)
    framework.update(name, "TASK_UNREACHABLE")
    local.fault("return_agent", agent=1, with_tasks=False)
    again = framework.offer()
    assert (again["agent_id"], again["resources"]) == (offer["agent_id"], offer["resources"])
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_GONE"
    assert local.state()["tasks"] == []
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists())


def test_a_task_that_ends_while_its_agent_is_away(local, tmp_path):
    framework = lasting(local)
    go = tmp_path / "go"
    name, _ = framework.run(f"while [ ! -e {go} ]; do sleep 0.02; done; exit 4")
    local.fault("lose_agent", agent=1)
    framework.update(name, "TASK_UNREACHABLE")
    go.touch()
    until(lambda: local.state()["tasks"][0]["state"] == "TASK_FAILED")
    local.fault("return_agent", agent=1)
    statuses = [framework.update(name), framework.update(name)]
    assert [status["state"] for status in statuses] == ["TASK_FAILED"] * 2
    assert statuses[0]["reason"] == "REASON_AGENT_REREGISTERED" and "uuid" not in statuses[0]
    assert statuses[1]["message"] == "Command exited with status 4" and "uuid" in statuses[1]


def test_disconnected_for_a_while_first(local):
    framework = lasting(local)
    name, offer = framework.run()
    other = framework.offer()
    local.fault("lose_agent", agent=1, after_ms=LATE)
    assert framework.wait("RESCIND")["offer_id"] == other["id"]
    framework.call("KILL", task_id={"value": name})              # lost
    local.release()
    assert framework.update(name)["state"] == "TASK_UNREACHABLE"
    assert local.state()["tasks"][0]["state"] == "TASK_RUNNING"


def test_lost_for_those_that_know_no_partitions(local):
    framework = lasting(local, capabilities=[{"type": "MULTI_ROLE"}])
    name, offer = framework.run()
    local.fault("lose_agent", agent=1)
    assert framework.update(name)["state"] == "TASK_LOST"
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_LOST"


def test_gone_for_ever(local):
    framework = lasting(local)
    name, offer = framework.run()
    pid = local.state()["tasks"][0]["pid"]
    local.fault("lose_agent", agent=1, how="gone")
    status = framework.update(name)
    assert (status["state"], status["reason"]) == ("TASK_GONE_BY_OPERATOR", "REASON_AGENT_REMOVED_BY_OPERATOR")
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_GONE_BY_OPERATOR"
    assert local.state()["tasks"] == [] and pid > 0
    local.fault("return_agent", agent=1)
    new = framework.offer()
    assert new["agent_id"] != offer["agent_id"] and new["hostname"] == offer["hostname"]


def test_a_framework_that_ends_while_the_agent_is_away(local):
    framework = lasting(local)
    framework.run()
    local.fault("lose_agent", agent=1)
    framework.call("TEARDOWN")
    assert len(local.state()["tasks"]) == 1
    local.fault("return_agent", agent=1)
    assert local.state()["tasks"] == []


def test_the_master_fails_over(start):
    local = start("--agents", "2")
    framework = lasting(local)
    name, offer = framework.run()
    master = local.state()["master"]
    assert local.fault("failover", agents_return_ms=[]) is None
    while framework.event():
        pass
    assert framework.post("REVIVE")[:2] == (400, "Framework cannot be found")
    again = framework.again()
    assert again.id == framework.id and again.stream_id != framework.stream_id
    assert local.state()["master"] != master
    assert reconcile(again, name, offer["agent_id"]) is None
    assert reconcile(again, name) is None
    number = next(i + 1 for i, agent in enumerate(local.state()["agents"]) if agent["id"] == offer["agent_id"]["value"])
    local.fault("return_agent", agent=number)
    assert again.offer()["agent_id"] == offer["agent_id"]
    assert reconcile(again, name, offer["agent_id"])["state"] == "TASK_RUNNING"
    local.fault("return_agent", agent=3 - number)
    assert reconcile(again, "never", None)["state"] == "TASK_UNKNOWN"
    again.call("KILL", task_id={"value": name})
    assert again.states(name, "TASK_KILLED") == ["TASK_KILLING", "TASK_KILLED"]


def test_agents_return_by_themselves_before_the_framework(local):
    framework = lasting(local)
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer, "exit 3"))
    assert framework.wait("UPDATE")["status"]["state"] == "TASK_STARTING"    # not acknowledged
    local.fault("failover", agents_return_ms=50)
    until(lambda: local.state()["agents"][0]["state"] == "registered")
    assert local.state()["frameworks"][0]["state"] == "recovered"
    assert framework.post("REVIVE")[0] == 403
    again = framework.again()
    assert again.states(name, "TASK_FAILED") == ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]


def test_removed_frameworks_are_forgotten_by_a_failover(local):
    framework = Framework(local.master)
    framework.call("TEARDOWN")
    assert framework.again().first["type"] == "ERROR"
    local.fault("failover", agents_return_ms=0)
    assert framework.again().first["type"] == "SUBSCRIBED"
