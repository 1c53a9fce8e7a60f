"""Agents that restart, are removed, come back late or without some of their tasks."""
import pathlib

import pytest

from local_program import LATE, ONE_AGENT, until
from local_scheduler import Framework, fresh, lasting, reconcile, task


def staged(local, framework, how="slow", **fault):
    """A task that is STAGING: (id, offer)."""
    local.fault("stage_tasks", how=how, **fault)
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer, "sleep 1000"))
    return name, offer


def words(status):
    return tuple(status.get(field) for field in ("state", "reason", "source", "message")) + ("uuid" in status,)


def test_removed_and_back_alive(local):
    """LOST, the master knows nothing of agent and task, and then both are back."""
    framework = lasting(local)
    name, offer = framework.run()
    pid = local.state()["tasks"][0]["pid"]
    local.fault("lose_agent", agent=1, how="removed")
    assert words(framework.update(name)) == (
        "TASK_LOST", "REASON_AGENT_REMOVED", "SOURCE_MASTER", "Agent agent1 removed: the agent unregistered", False)
    assert framework.wait("FAILURE")["agent_id"] == offer["agent_id"]
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_UNKNOWN"
    framework.call("KILL", task_id={"value": name}, agent_id=offer["agent_id"])
    assert framework.update(name)["state"] == "TASK_UNKNOWN"
    assert pathlib.Path(f"/proc/{pid}").exists()
    local.fault("return_agent", agent=1)
    assert words(framework.update(name)) == (
        "TASK_RUNNING", "REASON_AGENT_REREGISTERED", "SOURCE_MASTER", "Unknown agent reregistered", False)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_RUNNING"
    framework.call("KILL", task_id={"value": name}, agent_id=offer["agent_id"])
    assert framework.states(name, "TASK_KILLED") == ["TASK_KILLING", "TASK_KILLED"]


def test_removed_and_back_without_its_task(local):
    framework = lasting(local)
    name, offer = framework.run()
    local.fault("lose_agent", agent=1, how="removed")
    framework.update(name, "TASK_LOST")
    local.fault("return_agent", agent=1, with_tasks=False)
    assert words(reconcile(framework, name, offer["agent_id"])) == (
        "TASK_GONE", "REASON_RECONCILIATION", "SOURCE_MASTER", "Reconciliation: Task is unknown to the agent", False)


def test_back_without_one_task_and_without_a_word(local):
    framework = lasting(local)
    kept, offer = framework.run()
    gone, _ = framework.run()
    local.fault("lose_agent", agent=1)
    framework.update(gone, "TASK_UNREACHABLE")
    assert local.fault("return_agent", agent=1, without=[gone, "never-was"]) is None
    status = framework.update(kept, "TASK_RUNNING")
    assert status["message"] == "Unreachable agent re-reregistered"
    assert reconcile(framework, gone, offer["agent_id"])["state"] == "TASK_GONE"
    assert [entry["id"] for entry in local.state()["tasks"]] == [kept]


def test_cut_off_and_back_without_its_task(local):
    """The master has not given the agent up and asks for the task: the agent says that it has none."""
    framework = lasting(local)
    name, offer = framework.run()
    local.fault("lose_agent", agent=1, after_ms=100000)
    local.fault("return_agent", agent=1, with_tasks=False)
    assert words(framework.update(name)) == ("TASK_DROPPED", "REASON_RECONCILIATION", "SOURCE_AGENT",
                                             "Reconciliation: task unknown to the agent", True)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_GONE"


def test_cut_off_and_back_in_time(local):
    """When it would have been given up, it is not."""
    framework = lasting(local)
    name, offer = framework.run()
    local.fault("lose_agent", agent=1, after_ms=3000)
    local.fault("return_agent", agent=1)
    local.fault("delay", call="REVIVE", ms=3300)
    framework.call("REVIVE")                                     # a clock of the same loop
    assert local.state()["agents"][0]["state"] == "registered"
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_RUNNING"


def test_restarted_with_its_tasks(local):
    """Nothing is said of them, what was not acknowledged is said again, and the offers are new."""
    framework = lasting(local)
    name, offer = framework.run()
    late = fresh()
    other = framework.offer()
    framework.launch(other, task(late, other, "sleep 1000"))
    assert framework.wait("UPDATE")["status"]["state"] == "TASK_STARTING"       # not acknowledged
    rest = framework.offer()
    local.fault("restart_agent", agent=1, after_ms=LATE)
    assert framework.wait("RESCIND")["offer_id"] == rest["id"]
    assert local.state()["agents"][0]["state"] == "disconnected"
    local.release()
    assert framework.states(late, "TASK_RUNNING") == ["TASK_STARTING", "TASK_RUNNING"]
    until(lambda: local.state()["frameworks"][0]["offers"] not in ([], [rest["id"]["value"]]))
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_RUNNING"


def test_restarted_with_a_task_that_had_not_begun(local):
    framework = lasting(local)
    name, offer = staged(local, framework)
    local.fault("restart_agent", agent=1)
    assert words(framework.update(name)) == (
        "TASK_DROPPED", "REASON_AGENT_RESTARTED", "SOURCE_AGENT", "Task launched during agent restart", True)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_GONE"


def test_cut_off_with_a_task_that_had_not_begun(local):
    """An agent that was only cut off goes on with it."""
    framework = lasting(local)
    name, offer = staged(local, framework)
    local.fault("lose_agent", agent=1, after_ms=100000)
    local.fault("return_agent", agent=1)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_STAGING"


def test_restarted_and_its_tasks_have_ended(local):
    framework = lasting(local)
    name, offer = framework.run()
    pid = local.state()["tasks"][0]["pid"]
    local.fault("restart_agent", agent=1, tasks="ended")
    status = framework.wait("UPDATE")["status"]
    assert words(status) == ("TASK_GONE", "REASON_EXECUTOR_REREGISTRATION_TIMEOUT", "SOURCE_AGENT",
                             "Executor did not reregister within 2secs", True)
    known = framework.call("RECONCILE", tasks=[{"task_id": {"value": name}, "agent_id": offer["agent_id"]}])
    known = framework.wait("UPDATE")["status"]
    assert words(known) == ("TASK_GONE", "REASON_RECONCILIATION", "SOURCE_MASTER", "Reconciliation: Latest task state",
                            False)
    framework.acknowledge(status)
    assert reconcile(framework, name, offer["agent_id"])["message"] == "Reconciliation: Task is unknown to the agent"
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists())


def test_restarted_and_has_forgotten_its_tasks(local):
    framework = lasting(local)
    name, offer = framework.run()
    pid = local.state()["tasks"][0]["pid"]
    local.fault("restart_agent", agent=1, tasks="forgotten")
    assert words(framework.update(name)) == ("TASK_DROPPED", "REASON_RECONCILIATION", "SOURCE_AGENT",
                                             "Reconciliation: task unknown to the agent", True)
    until(lambda: local.state()["tasks"] == [] and not pathlib.Path(f"/proc/{pid}").exists())
    framework.whole_offer(lambda free: free["resources"] == offer["resources"])


def test_restarted_and_has_forgotten_a_task_that_was_over(local):
    """DROPPED after FINISHED: the master knows better."""
    framework = lasting(local)
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer))
    for state in ("TASK_STARTING", "TASK_RUNNING"):
        framework.update(name, state)
    finished = framework.wait("UPDATE")["status"]
    assert finished["state"] == "TASK_FINISHED"                  # not acknowledged
    local.fault("restart_agent", agent=1, tasks="forgotten")
    dropped = framework.wait("UPDATE")["status"]
    assert dropped["state"] == "TASK_DROPPED" and dropped["uuid"] != finished["uuid"]
    framework.acknowledge(finished)                              # too late: it waits for the other
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_FINISHED"
    framework.acknowledge(dropped)
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_GONE"


def test_restarted_as_a_new_agent(local):
    framework = lasting(local)
    name, offer = framework.run()
    pid = local.state()["tasks"][0]["pid"]
    local.fault("restart_agent", agent=1, tasks="new", after_ms=100)
    assert words(framework.update(name)) == (
        "TASK_LOST", "REASON_AGENT_REMOVED", "SOURCE_MASTER",
        "Agent agent1 removed: a new agent registered at the same address", False)
    assert framework.wait("FAILURE")["agent_id"] == offer["agent_id"]
    new = framework.wait("OFFERS", lambda body: body["offers"][0]["agent_id"] != offer["agent_id"])["offers"][0]
    assert (new["hostname"], new["resources"]) == (offer["hostname"], offer["resources"])
    assert reconcile(framework, name, offer["agent_id"])["state"] == "TASK_UNKNOWN"
    assert local.state()["tasks"] == []
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize("tasks, state", [("ended", "TASK_GONE"), ("kept", "TASK_RUNNING")])
def test_restarted_while_it_was_unreachable(local, tasks, state):
    framework = lasting(local)
    name, offer = framework.run()
    local.fault("lose_agent", agent=1)
    framework.update(name, "TASK_UNREACHABLE")
    local.fault("restart_agent", agent=1, tasks=tasks)
    status = framework.update(name)
    assert (status["state"], status["reason"]) == (state, "REASON_AGENT_REREGISTERED")
    if state == "TASK_GONE":
        assert "uuid" in framework.update(name, "TASK_GONE")


def test_without_partitions_it_is_lost(local):
    framework = lasting(local, capabilities=[{"type": "MULTI_ROLE"}])
    for tasks in ("ended", "forgotten"):
        name, _ = framework.run()
        local.fault("restart_agent", agent=1, tasks=tasks)
        assert framework.update(name)["state"] == "TASK_LOST"


def test_a_group_whose_agent_forgets(start):
    local = start("--simulate", *ONE_AGENT)
    framework = lasting(local)
    offer = framework.offer()
    executor = {"type": "DEFAULT", "executor_id": {"value": "e"}, "framework_id": framework.id, "resources": [
        {"name": name, "type": "SCALAR", "scalar": {"value": 32 if name != "cpus" else 1}}
        for name in ("cpus", "mem", "disk")]}
    never = {"labels": [{"key": "simulate_outcome", "value": "never"}]}
    tasks = [task(name, offer, labels=never) for name in ("one", "two")]
    framework.accept(offer, {"type": "LAUNCH_GROUP", "launch_group": {"executor": executor,
                                                                      "task_group": {"tasks": tasks}}})
    running = {framework.update(state="TASK_RUNNING")["task_id"]["value"] for _ in range(2)}
    assert running == {"one", "two"}
    local.fault("restart_agent", agent=1, tasks="forgotten")
    dropped = {framework.update(state="TASK_DROPPED")["task_id"]["value"] for _ in range(2)}
    assert dropped == {"one", "two"}
    until(lambda: local.state()["agents"][0]["tasks"] == 0)
    framework.whole_offer(lambda free: free["resources"] == offer["resources"])


def test_a_failover_with_an_agent_that_has_lost_its_tasks(start):
    local = start("--agents", "2", "--allocation-interval", "0.1")
    framework = lasting(local)
    placed = {}
    while len(placed) < 2:
        for offer in framework.wait("OFFERS")["offers"]:
            if offer["agent_id"]["value"] not in placed:
                placed[offer["agent_id"]["value"]] = name = fresh()
                framework.launch(offer, task(name, offer, "sleep 1000"))
    for name in placed.values():
        until(lambda: all(entry["pid"] for entry in local.state()["tasks"]))
    local.fault("failover", agents_return_ms=0, with_tasks=[True, False])
    while framework.event():
        pass
    again = framework.again()
    until(lambda: {agent["state"] for agent in local.state()["agents"]} == {"registered"})
    agents = [agent["id"] for agent in local.state()["agents"]]
    assert [reconcile(again, placed[agent], {"value": agent})["state"] for agent in agents][1] == "TASK_GONE"
    assert [entry["id"] for entry in local.state()["tasks"]] == [placed[agents[0]]]


def test_a_failover_with_an_agent_that_is_given_up(local):
    """No answer, then UNREACHABLE; and when it is back after all it says what runs."""
    framework = lasting(local)
    name, offer = framework.run()
    local.fault("failover", give_up_ms=LATE)
    while framework.event():
        pass
    again = framework.again()
    assert reconcile(again, name, offer["agent_id"]) is None
    local.release()
    assert again.wait("FAILURE")["agent_id"] == offer["agent_id"]
    status = reconcile(again, name, offer["agent_id"])
    assert (status["state"], status["message"]) == ("TASK_UNREACHABLE", "Reconciliation: Task is unreachable")
    assert "unreachable_time" in status
    local.fault("return_agent", agent=1)
    assert words(again.update(name))[:2] == ("TASK_RUNNING", "REASON_AGENT_REREGISTERED")


def test_many_failovers_at_speed(start):
    """Thousands of tasks while the master fails over again and again: each ends once, nothing is held."""
    local = start("--simulate", "--agents", "4", "--resources", "cpus:1000;mem:1000000", "--allocation-interval", "0.05")
    framework = lasting(local)
    never = {"labels": [{"key": "simulate_outcome", "value": "never"}]}
    names, seen = set(), set()
    for part, offer in enumerate(framework.wait("OFFERS")["offers"]):
        more = [f"t{part}-{n}" for n in range(500)]
        framework.launch(offer, *(task(name, offer, labels=never, cpus=0.01, mem=1) for name in more))
        names |= set(more)
    while len(seen) < len(names):
        status = framework.update()
        seen |= {status["task_id"]["value"]} if status["state"] == "TASK_RUNNING" else set()
    for _ in range(5):
        local.fault("failover", agents_return_ms=[0, 20, 40, 60])
        while framework.event():
            pass
        framework = framework.again()
        until(lambda: {agent["state"] for agent in local.state()["agents"]} == {"registered"})
        framework.call("RECONCILE", tasks=[])
        again = set()
        while len(again) < len(names):
            status = framework.wait("UPDATE")["status"]
            assert status["state"] == "TASK_RUNNING"
            again.add(status["task_id"]["value"])
    assert again == names == {entry["id"] for entry in local.state()["tasks"]}


@pytest.mark.parametrize("body, word", [
    ({"name": "restart_agent"}, "agent"),
    ({"name": "restart_agent", "agent": 1, "tasks": "some"}, "some"),
    ({"name": "return_agent", "agent": 1, "without": "x"}, "without"),
    ({"name": "return_agent", "agent": 1, "without": [1]}, "without"),
    ({"name": "return_agent", "agent": 1, "without": ["x"]}, "away"),
    ({"name": "failover", "with_tasks": 1}, "with_tasks"),
    ({"name": "failover", "with_tasks": [True, 1]}, "with_tasks"),
    ({"name": "failover", "give_up_ms": -1}, "give_up_ms"),
])
def test_what_is_not_understood(local, body, word):
    framework = Framework(local.master)
    assert word in local.fault(**body)
    framework.call("REVIVE")                                     # and nothing was done
