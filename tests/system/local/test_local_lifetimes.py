"""What goes away while something else holds it: frameworks that only an agent remembers, executors of tasks whose id is used again."""
from local_program import ONE_AGENT, until
from local_scheduler import fresh, lasting, scalar, task

NEVER = {"labels": [{"key": "simulate_outcome", "value": "never"}]}


def agents_are(local, *states):
    until(lambda: tuple(agent["state"] for agent in local.state()["agents"]) == states)


def on_agent(framework, number):
    return framework.offer(lambda offer: offer["hostname"] == f"agent{number}")


def group(framework, offer, name):
    """The task as a group of its own, in the executor of that group."""
    mine = {"type": "DEFAULT", "executor_id": {"value": "e"}, "framework_id": framework.id,
            "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)]}
    framework.accept(offer, {"type": "LAUNCH_GROUP", "launch_group": {
        "executor": mine, "task_group": {"tasks": [task(name, offer, labels=NEVER)]}}})


def test_a_forgotten_framework_is_removed_with_its_last_task(start):
    """The new master hears of it by an orphan, and of its other agent that nothing is left there."""
    local = start("--simulate", "--agents", "2", "--allocation-interval", "0.1")
    framework = lasting(local)
    offer, name = on_agent(framework, 2), fresh()
    framework.launch(offer, task(name, offer, labels=NEVER))
    framework.update(name, "TASK_RUNNING")
    assert local.fault("failover", agents_return_ms=[0]) is None
    agents_are(local, "registered", "recovering")
    assert local.fault("orphan", agent=1, task="orphan") is None
    assert [entry["state"] for entry in local.state()["frameworks"]] == ["recovered"]
    assert local.fault("return_agent", agent=2, with_tasks=False) is None
    assert local.fault("remove_framework") is None
    assert local.state()["frameworks"] == local.state()["tasks"] == []


def test_an_id_that_is_used_again_on_its_agent(start):
    """It is in use there, also where the master knows another agent's task by it."""
    local = start("--simulate", "--agents", "2", *ONE_AGENT[2:], "--allocation-interval", "0.1")
    framework, name = lasting(local), fresh()
    group(framework, on_agent(framework, 1), name)
    framework.update(name, "TASK_RUNNING")
    assert local.fault("lose_agent", agent=1, how="removed") is None
    framework.update(name, "TASK_LOST")
    second = on_agent(framework, 2)
    framework.launch(second, task(name, second, labels=NEVER))
    framework.update(name, "TASK_RUNNING")
    for number in (1, 2):  # so that the second agent's is the one that is known
        local.fault("lose_agent", agent=number, how="removed")
        local.fault("return_agent", agent=number)
    known = {entry["agent"]: entry["known"] for entry in local.state()["tasks"]}
    assert known == {agent["id"]: agent["id"] == second["agent_id"]["value"] for agent in local.state()["agents"]}
    framework.call("KILL", task_id={"value": name})
    framework.update(name, "TASK_KILLED")
    group(framework, on_agent(framework, 1), name)
    assert framework.update(name, "TASK_ERROR")["message"].endswith(f"Task has duplicate ID: {name}")
