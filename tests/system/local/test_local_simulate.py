"""--simulate: nothing runs, labels say what happens."""
import pathlib

from local_scheduler import Framework, fresh, task

BIG = ("--simulate", "--agents", "1", "--resources", "cpus:100000;mem:100000000", "--allocation-interval", "0.05")


def labelled(name, offer, **labels):
    return task(name, offer, "false", labels={"labels": [
        {"key": f"simulate_{key}", "value": value} for key, value in labels.items()]})


def test_outcomes(start):
    framework = Framework(start(*BIG).master)
    offer = framework.offer()
    outcomes = ["finished", "failed", "lost", "gone", "dropped", "error"]
    framework.launch(offer, *(labelled(name, offer, outcome=name) for name in outcomes), task("plain", offer))
    states = {name: [] for name in [*outcomes, "plain"]}
    while not all(found and found[-1] not in ("TASK_STARTING", "TASK_RUNNING") for found in states.values()):
        status = framework.update()
        states[status["task_id"]["value"]].append(status["state"])
        assert "uuid" in status
    run = ["TASK_STARTING", "TASK_RUNNING"]
    assert states == {"finished": [*run, "TASK_FINISHED"], "failed": [*run, "TASK_FAILED"], "lost": [*run, "TASK_LOST"],
                      "gone": [*run, "TASK_GONE"], "dropped": ["TASK_DROPPED"], "error": ["TASK_ERROR"],
                      "plain": [*run, "TASK_FINISHED"]}


def test_durations_and_kills(start):
    local = start(*BIG)
    framework = Framework(local.master)
    offer = framework.offer()
    framework.launch(offer, labelled("short", offer, seconds="0.2"), labelled("long", offer, seconds="1000"),
                     labelled("never", offer, outcome="never"))
    framework.update("short", "TASK_FINISHED")
    assert {entry["id"]: entry["state"] for entry in local.state()["tasks"] if entry["id"] != "short"} == {
        "long": "TASK_RUNNING", "never": "TASK_RUNNING"}
    for name in ("long", "never"):
        framework.call("KILL", task_id={"value": name})
        assert framework.states(name, "TASK_KILLED")[-2:] == ["TASK_KILLING", "TASK_KILLED"]
    assert local.state()["tasks"] == []


def test_nothing_runs(start):
    local = start(*BIG)
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer, "sleep 1000"))
    framework.update(name, "TASK_FINISHED")
    worker = local.worker()
    assert pathlib.Path(f"/proc/{worker}/task/{worker}/children").read_text() == ""
    assert list(local.work_dir.iterdir()) == []


def test_a_group_that_fails(start):
    framework = Framework(start(*BIG, "--resources", "cpus:4;mem:4096;disk:4096").master)
    offer = framework.offer()
    executor = {"type": "DEFAULT", "executor_id": {"value": "e"}, "framework_id": framework.id, "resources": [
        {"name": name, "type": "SCALAR", "scalar": {"value": 32 if name != "cpus" else 1}}
        for name in ("cpus", "mem", "disk")]}
    tasks = [labelled("one", offer, outcome="never"), labelled("two", offer, outcome="failed"), task("three", offer)]
    framework.accept(offer, {"type": "LAUNCH_GROUP", "launch_group": {"executor": executor,
                                                                      "task_group": {"tasks": tasks}}})
    last = {}
    while len(last) < 3:
        status = framework.update()
        if status["state"] not in ("TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"):
            last[status["task_id"]["value"]] = status["state"]
    assert last == {"one": "TASK_KILLED", "two": "TASK_FAILED", "three": "TASK_KILLED"}


def test_many(start):
    """Each of many tasks comes through its states once, and all resources are free again."""
    local = start(*BIG)
    framework = Framework(local.master)
    count, done, states, uuids = 2000, 0, {}, set()
    offer = framework.offer()
    names = [f"many-{i}" for i in range(count)]
    framework.launch(offer, *(task(name, offer) for name in names))
    while done < count:
        status = framework.update()
        if status["uuid"] in uuids:                              # again: its acknowledgement took ten seconds
            continue
        uuids.add(status["uuid"])
        states.setdefault(status["task_id"]["value"], []).append(status["state"])
        done += status["state"] == "TASK_FINISHED"
    assert states == {name: ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] for name in names}
    agent, = local.state()["agents"]
    assert local.state()["tasks"] == [] and agent["tasks"] == 0
    framework.call("SUPPRESS")
    local.fault("rescind")
    assert local.state()["agents"][0]["free"] == agent["total"]


def test_events_go_out_when_nothing_else_happens(start):
    """What a call writes to the stream does not wait for a timer or another request."""
    local = start(*BIG, "--allocation-interval", "3600", "--heartbeat", "3600")
    framework = Framework(local.master)
    offer = framework.offer()
    framework.launch(offer, task("one", offer))
    assert framework.wait("UPDATE")["status"]["state"] == "TASK_STARTING"
