"""Tasks as real processes: what they are given, how they end, groups, health."""
import json
import os
import pathlib

from local_program import until
from local_scheduler import Framework, fresh, info, scalar, task


def run(framework, command, **fields):
    """Run one task to its end; returns its last status."""
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer, command, **fields))
    while True:
        status = framework.update(name)
        if status["state"] in ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR"):
            return status


def test_environment_and_sandbox(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer, {
        "value": "env; pwd; echo problem >&2",
        "environment": {"variables": [{"name": "COLOUR", "value": "blue"}, {"name": "HOME", "value": "/nowhere"}]}}))
    framework.update(name, "TASK_FINISHED")
    sandbox = local.work_dir / offer["agent_id"]["value"] / framework.id["value"] / name
    lines = (sandbox / "stdout").read_text().splitlines()
    for line in (f"MESOS_TASK_ID={name}", f"MESOS_SANDBOX={sandbox}", f"MESOS_FRAMEWORK_ID={framework.id['value']}",
                 "COLOUR=blue", "HOME=/nowhere", str(sandbox)):
        assert line in lines
    assert (sandbox / "stderr").read_text() == "problem\n"


def test_descriptors_end_with_zmesos_local(start):
    """One that zmesos-local was given itself does not reach its tasks."""
    reading, writing = os.pipe()
    local = start(pass_fds=[writing])
    os.close(writing)
    framework = Framework(local.master)
    name, _ = framework.run("ls /proc/$$/fd; exec sleep 1000")
    stdout = next(local.work_dir.glob(f"*/*/{name}/stdout"))
    until(lambda: len(stdout.read_text().split()) >= 3)
    assert stdout.read_text().split() == ["0", "1", "2"]
    os.close(reading)


def test_arguments_without_a_shell(local):
    framework = Framework(local.master)
    status = run(framework, {"shell": False, "value": "sh", "arguments": ["sh", "-c", "exit $1", "x", "6"]})
    assert status["message"] == "Command exited with status 6"


def test_a_program_is_looked_up_in_the_path_of_the_task(local, tmp_path):
    program = tmp_path / "a-program-of-this-test"
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o755)
    framework = Framework(local.master)
    path = {"variables": [{"name": "PATH", "value": f"/nonexistent:{tmp_path}"}]}
    status = run(framework, {"shell": False, "value": program.name, "environment": path})
    assert status["message"] == "Command exited with status 5"
    status = run(framework, {"shell": False, "value": "sh", "environment": path})
    assert status["reason"] == "REASON_CONTAINER_LAUNCH_FAILED"
    assert run(framework, {"shell": False, "value": "true"})["state"] == "TASK_FINISHED"        # its own path as before


def test_resources_that_are_too_much_for_a_number(local):
    """Each may be asked for; together they must not come out as less than nothing."""
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    framework.launch(offer, {**task(name, offer), "resources": [scalar("cpus", 1e12)] * 9300})
    status = framework.update(name)
    assert (status["state"], status["message"]) == ("TASK_ERROR", "Invalid resources: more than 1000")


def test_a_program_that_is_not_there(local):
    status = run(Framework(local.master), {"shell": False, "value": "/nonexistent/program"})
    assert (status["state"], status["reason"]) == ("TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED")
    assert "/nonexistent/program" in status["message"]


def test_a_second_kill_shortens_the_grace(local):
    framework = Framework(local.master)
    name, _ = framework.run("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    stdout = next(local.work_dir.glob(f"*/*/{name}/stdout"))
    until(lambda: stdout.read_text() == "ready\n")
    framework.call("KILL", task_id={"value": name}, kill_policy={"grace_period": {"nanoseconds": 3600 * 10**9}})
    framework.update(name, "TASK_KILLING")
    framework.call("KILL", task_id={"value": name}, kill_policy={"grace_period": {"nanoseconds": 0}})
    assert framework.update(name)["message"] == "Command terminated with signal Killed"


def test_no_killing_for_those_that_do_not_know_it(local):
    framework = Framework(local.master, info(capabilities=[{"type": "MULTI_ROLE"}]))
    name, _ = framework.run()
    framework.call("KILL", task_id={"value": name})
    assert framework.update(name)["state"] == "TASK_KILLED"


def test_kill_with_a_wrong_agent_is_ignored(local):
    framework = Framework(local.master)
    name, offer = framework.run()
    framework.call("KILL", task_id={"value": name}, agent_id={"value": "nobody"})
    framework.call("RECONCILE", tasks=[{"task_id": {"value": name}}])
    assert framework.update(name)["state"] == "TASK_RUNNING"


def test_health_checks_kill(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    check = {"type": "COMMAND", "command": {"value": "test ! -e sick"}, "delay_seconds": 0, "interval_seconds": 0.02,
             "grace_period_seconds": 0, "consecutive_failures": 2}
    framework.launch(offer, task(name, offer, "sleep 1000", health_check=check))
    framework.update(name, "TASK_RUNNING")
    assert framework.update(name)["healthy"] is True
    (local.work_dir / offer["agent_id"]["value"] / framework.id["value"] / name / "sick").touch()
    found = [framework.update(name) for _ in range(4)]
    assert [(status["state"], status.get("healthy")) for status in found] == [
        ("TASK_RUNNING", False), ("TASK_RUNNING", False), ("TASK_KILLING", False), ("TASK_KILLED", False)]


def test_a_health_check_that_hangs_has_failed(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    check = {"type": "COMMAND", "command": {"value": "sleep 1000"}, "delay_seconds": 0, "timeout_seconds": 0.05,
             "grace_period_seconds": 0, "consecutive_failures": 1}
    framework.launch(offer, task(name, offer, "sleep 1000", health_check=check))
    assert framework.states(name, "TASK_KILLED") == [
        "TASK_STARTING", "TASK_RUNNING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"]


def group(framework, *commands, **executor):
    """Launch a group; returns the names of its tasks and the offer."""
    offer, names = framework.offer(), [fresh() for _ in commands]
    own = {"type": "DEFAULT", "executor_id": {"value": fresh()}, "framework_id": framework.id,
           "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)], **executor}
    tasks = [task(name, offer, command) for name, command in zip(names, commands)]
    framework.accept(offer, {"type": "LAUNCH_GROUP",
                             "launch_group": {"executor": own, "task_group": {"tasks": tasks}}})
    return names, offer


def ends(framework, names):
    """The last status of each task."""
    last = {}
    while set(last) != set(names):
        status = framework.update()
        if status["state"] not in ("TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"):
            last[status["task_id"]["value"]] = status
    return [last[name] for name in names]


def test_a_group_dies_with_the_first_failure(local):
    framework = Framework(local.master)
    names, _ = group(framework, "sleep 1000", "exit 5", "sleep 1000")
    assert [status["state"] for status in ends(framework, names)] == ["TASK_KILLED", "TASK_FAILED", "TASK_KILLED"]


def test_a_group_outlives_a_task_that_finishes(local):
    framework = Framework(local.master)
    names, _ = group(framework, "true", "sleep 1000")
    framework.update(names[0], "TASK_FINISHED")
    framework.call("RECONCILE", tasks=[{"task_id": {"value": names[1]}}])
    assert framework.update(names[1])["state"] in ("TASK_STARTING", "TASK_RUNNING")


def test_killing_one_kills_the_group(local):
    framework = Framework(local.master)
    names, _ = group(framework, "sleep 1000", "sleep 1000")
    until(lambda: {task["state"] for task in local.state()["tasks"]} == {"TASK_RUNNING"})
    framework.call("KILL", task_id={"value": names[0]})
    statuses = ends(framework, names)
    assert [status["state"] for status in statuses] == ["TASK_KILLED"] * 2
    containers = [status["container_status"]["container_id"] for status in statuses]
    assert containers[0]["parent"] == containers[1]["parent"] and containers[0]["value"] != containers[1]["value"]
    framework.call("SUPPRESS")
    local.fault("rescind")                                       # what is left over is offered after a while
    assert local.state()["agents"][0]["free"] == local.state()["agents"][0]["total"]


def test_one_bad_task_refuses_the_group(local):
    framework = Framework(local.master)
    offer, names = framework.offer(), [fresh(), fresh()]
    tasks = [task(names[0], offer), task(names[1], offer, cpus=1000)]
    executor = {"type": "DEFAULT", "executor_id": {"value": "e"}, "framework_id": framework.id,
                "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)]}
    framework.accept(offer, {"type": "LAUNCH_GROUP", "launch_group": {"executor": executor,
                                                                      "task_group": {"tasks": tasks}}})
    statuses = ends(framework, names)
    assert {(status["state"], status["reason"]) for status in statuses} == {("TASK_ERROR", "REASON_TASK_GROUP_INVALID")}


def test_an_executor_too_small(local):
    framework = Framework(local.master)
    names, _ = group(framework, "true", resources=[scalar("cpus", 0.1), scalar("mem", 31), scalar("disk", 32)])
    assert ends(framework, names)[0]["state"] == "TASK_ERROR"


def test_what_is_not_supported_is_said(local):
    framework = Framework(local.master)
    for fields, word in (
            ({"container": {"type": "DOCKER", "docker": {"image": "x"}}}, "images"),
            ({"check": {"type": "TCP", "tcp": {"port": 1}}}, "checks"),
            ({"health_check": {"type": "TCP", "tcp": {"port": 1}}}, "health"),
            ({"command": {"value": "true", "uris": [{"value": "http://x"}]}}, "URIs"),
            ({"command": "", "executor": {"executor_id": {"value": "e"}, "command": {"value": "x"},
                                          "container": {"type": "MESOS"}}}, "containers")):
        offer, name = framework.offer(), fresh()
        wanted = task(name, offer, **fields)
        if "executor" in fields:
            del wanted["command"]
        framework.launch(offer, wanted)
        status = framework.update(name)
        assert status["state"] == "TASK_ERROR" and word in status["message"]


def test_ids_are_at_most_255_bytes(local):
    framework = Framework(local.master)
    for name, state in (("x" * 255, "TASK_FINISHED"), ("y" * 256, "TASK_ERROR")):
        offer = framework.offer()
        framework.launch(offer, task(name, offer))
        framework.update(name, state)


def test_a_task_has_at_most_1000_ranges(local):
    """In all its resources together."""
    framework = Framework(local.master)
    for count, word in ((500, "Total resources"), (501, "more than 1000 ranges")):
        offer, name = framework.offer(), fresh()
        wanted = task(name, offer)
        wanted["resources"] += [{"name": "ports", "type": "RANGES", "ranges": {
            "range": [{"begin": first + 2 * i, "end": first + 2 * i} for i in range(length)]}}
            for first, length in ((1, count), (10001, 500))]
        framework.launch(offer, wanted)
        status = framework.update(name)
        assert status["state"] == "TASK_ERROR" and word in status["message"]


def test_a_group_has_at_most_1000_tasks(start):
    framework = Framework(start("--simulate", "--agents", "1", "--resources", "cpus:9999;mem:999999;disk:9999",
                                "--allocation-interval", "0.1").master)
    names, _ = group(framework, *["true"] * 1001)
    assert {status["message"] for status in ends(framework, names)} == {"Task group has more than 1000 tasks"}
    names, _ = group(framework, *["true"] * 1000)
    assert {status["state"] for status in ends(framework, names)} == {"TASK_FINISHED"}


def test_state_tells_of_a_task(local):
    framework = Framework(local.master)
    name, offer = framework.run()
    entry, = local.state()["tasks"]
    assert (entry["id"], entry["state"], entry["agent"]) == (name, "TASK_RUNNING", offer["agent_id"]["value"])
    assert pathlib.Path(f"/proc/{entry['pid']}").exists()
    assert json.dumps(local.state()["counts"]["calls"])
    assert local.state()["counts"]["calls"]["ACKNOWLEDGE"] == 2
