"""Executors of a framework's own: real processes that speak the executor API, see executor.py."""
import base64
import json
import pathlib
import sys

import pytest

from local_program import ONE_AGENT, PATIENCE, until
from local_scheduler import Framework, fresh, info, post, scalar, task

PROGRAM = pathlib.Path(__file__).parent / "executor.py"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def executor(name, **fields):
    return {"executor_id": {"value": name}, "command": {"value": f"exec {sys.executable} {PROGRAM}"},
            "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
            "shutdown_grace_period": {"nanoseconds": PATIENCE * 10**9}, **fields}


def with_executor(name, offer, mine, what="run"):
    body = task(name, offer, data=encoded(what), executor=mine)
    del body["command"]
    return body


def launch(framework, mine, what="run"):
    """(id, offer)"""
    offer, name = framework.offer(), fresh()
    framework.launch(offer, with_executor(name, offer, mine, what))
    return name, offer


def running(framework, what="run", **fields):
    mine = executor(fresh(), **fields)
    name, offer = launch(framework, mine, what)
    framework.update(name, "TASK_RUNNING")
    return name, mine, offer


def events(local, mine):
    """What the executor got, as JSON."""
    out = next(local.work_dir.glob(f"*/*/{mine['executor_id']['value']}/stdout"))
    lines = out.read_text().split("\n")[:-1]                     # whole ones
    return [json.loads(line) for line in lines if line.startswith("{")]


def types(local, mine):
    return [event["type"] for event in events(local, mine)]


def is_of(mine):
    return lambda body: body.get("executor_id") == mine["executor_id"]


def test_a_task_reports_through_its_executor(local):
    framework = Framework(local.master)
    mine = executor(fresh())
    name, offer = launch(framework, mine, "finish")
    status = framework.update(name)
    assert (status["state"], status["source"], status["message"]) == ("TASK_RUNNING", "SOURCE_EXECUTOR", "here it is")
    assert (status["data"], status["executor_id"]) == (encoded("it runs"), mine["executor_id"])
    assert status["labels"] == {"labels": [{"key": "of", "value": "mine"}]}
    assert status["container_status"]["container_id"]["value"]
    assert framework.update(name)["state"] == "TASK_FINISHED"
    until(lambda: types(local, mine).count("ACKNOWLEDGED") == 2)
    subscribed, launched = events(local, mine)[:2]
    for key, value in {**mine, "framework_id": framework.id, "command": {**mine["command"]}}.items():
        assert subscribed["subscribed"]["executor_info"][key] == value
    assert subscribed["subscribed"]["framework_info"]["id"] == framework.id
    assert subscribed["subscribed"]["agent_info"]["id"] == offer["agent_id"]
    assert launched["launch"]["task"]["task_id"] == {"value": name}


def wait_for_cpus(framework, wanted):
    """Until that much is offered at once."""
    framework.whole_offer(lambda offer: scalar("cpus", wanted)["scalar"] in [
        resource["scalar"] for resource in offer["resources"] if resource["name"] == "cpus"])


def test_an_executor_for_many_tasks(local):
    """It stays when they have ended, and so do its resources."""
    framework = Framework(local.master)
    first, mine, offer = running(framework)
    second, _ = launch(framework, mine)
    framework.update(second, "TASK_RUNNING")
    assert types(local, mine).count("SUBSCRIBED") == 1
    for name in (first, second):
        framework.call("KILL", task_id={"value": name})
        framework.update(name, "TASK_KILLED")
    wait_for_cpus(framework, 3.9)
    framework.call("SHUTDOWN", agent_id=offer["agent_id"], executor_id=mine["executor_id"])
    assert framework.wait("FAILURE", is_of(mine))["status"] == 0
    wait_for_cpus(framework, 4)


def test_one_that_was_never_started_gives_its_resources_back(local):
    """Its only task was killed, or dropped, before the agent had begun with it."""
    framework = Framework(local.master)
    local.fault("stage_tasks", count=2)
    name, _ = launch(framework, executor(fresh()))
    framework.call("KILL", task_id={"value": name})
    assert framework.update(name)["state"] == "TASK_KILLED"
    wait_for_cpus(framework, 4)
    framework.give_back()
    name, _ = launch(framework, executor(fresh()))
    local.fault("restart_agent", agent=1)
    assert framework.update(name)["reason"] == "REASON_AGENT_RESTARTED"
    wait_for_cpus(framework, 4)


def test_one_that_was_never_started_ends_with_its_framework(local):
    framework = Framework(local.master)
    local.fault("stage_tasks")
    launch(framework, executor(fresh()))
    framework.call("TEARDOWN")
    wait_for_cpus(Framework(local.master), 4)


def test_one_that_was_never_started_begins_with_the_next_task(local):
    framework, mine = Framework(local.master), executor(fresh())
    local.fault("stage_tasks")
    first, _ = launch(framework, mine)
    second, _ = launch(framework, mine)
    framework.update(second, "TASK_RUNNING")
    framework.call("KILL", task_id={"value": first})
    assert framework.update(first)["state"] == "TASK_KILLED"
    assert local.fault("stage_tasks") is None
    third, _ = launch(framework, mine)
    framework.call("KILL", task_id={"value": third})
    assert framework.update(third)["state"] == "TASK_KILLED"
    fourth, offer = launch(framework, mine)
    framework.update(fourth, "TASK_RUNNING")
    assert types(local, mine).count("SUBSCRIBED") == 1
    framework.call("SHUTDOWN", agent_id=offer["agent_id"], executor_id=mine["executor_id"])
    framework.wait("FAILURE", is_of(mine))
    wait_for_cpus(framework, 4)


def test_messages_both_ways(local):
    framework = Framework(local.master)
    _, mine, offer = running(framework)
    data = encoded("\x00 hello")
    framework.call("MESSAGE", agent_id=offer["agent_id"], executor_id=mine["executor_id"], data=data)
    message = framework.wait("MESSAGE")
    assert message == {"agent_id": offer["agent_id"], "executor_id": mine["executor_id"],
                       "data": encoded("echo \x00 hello")}
    framework.call("MESSAGE", agent_id=offer["agent_id"], executor_id={"value": "nobody"}, data=data)
    framework.call("MESSAGE", agent_id={"value": "nowhere"}, executor_id=mine["executor_id"], data=data)
    framework.call("MESSAGE", agent_id=offer["agent_id"], executor_id=mine["executor_id"], data=encoded("last"))
    assert framework.wait("MESSAGE")["data"] == encoded("echo last")


def test_kill_reaches_the_executor(local):
    framework = Framework(local.master)
    name, mine, _ = running(framework)
    policy = {"grace_period": {"nanoseconds": 5}}
    framework.call("KILL", task_id={"value": name}, kill_policy=policy)
    status = framework.update(name)
    assert (status["state"], status["source"]) == ("TASK_KILLED", "SOURCE_EXECUTOR")
    kill = next(event["kill"] for event in events(local, mine) if event["type"] == "KILL")
    assert kill == {"task_id": {"value": name}, "kill_policy": policy}


def test_shutdown(local):
    framework = Framework(local.master)
    name, mine, offer = running(framework)
    framework.call("SHUTDOWN", agent_id=offer["agent_id"], executor_id=mine["executor_id"])
    assert framework.update(name)["state"] == "TASK_KILLED"
    assert framework.wait("FAILURE", is_of(mine)) == {"agent_id": offer["agent_id"], "status": 0,
                                                      "executor_id": mine["executor_id"]}
    assert "SHUTDOWN" in types(local, mine)


def test_shutdown_of_one_that_does_not_listen(local):
    framework = Framework(local.master)
    name, mine, offer = running(framework, "deaf", shutdown_grace_period={"nanoseconds": 100 * 10**6})
    framework.call("SHUTDOWN", agent_id=offer["agent_id"], executor_id=mine["executor_id"])
    status = framework.update(name)
    assert (status["state"], status["reason"], status["source"], status["message"]) == (
        "TASK_FAILED", "REASON_EXECUTOR_TERMINATED", "SOURCE_AGENT", "Executor terminated")
    assert framework.wait("FAILURE", is_of(mine))["status"] == 9


def test_one_that_ends_takes_its_tasks_with_it(local):
    framework = Framework(local.master)
    first, mine, _ = running(framework)
    second, _ = launch(framework, mine, "quit")
    for _ in range(2):
        status = framework.update(state="TASK_FAILED")
        assert status["task_id"]["value"] in (first, second)
        assert (status["reason"], status["source"]) == ("REASON_EXECUTOR_TERMINATED", "SOURCE_AGENT")
    # No order is promised between it and the updates: it may have come while they were waited for.
    failures = [event["failure"] for event in framework.seen if event["type"] == "FAILURE" and is_of(mine)(event["failure"])]
    assert (failures[0] if failures else framework.wait("FAILURE", is_of(mine)))["status"] == 3 << 8
    wait_for_cpus(framework, 4)


def test_a_program_that_does_not_start(local):
    framework = Framework(local.master)
    name, _ = launch(framework, executor(fresh(), command={"shell": False, "value": "/nonexistent/program"}))
    status = framework.update(name)
    assert (status["state"], status["reason"]) == ("TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED")


def test_killed_before_it_was_delivered(local):
    framework = Framework(local.master)
    name, _ = launch(framework, executor(fresh(), command={"value": "sleep 1000"}))
    framework.call("KILL", task_id={"value": name})
    status = framework.update(name)
    assert (status["state"], status["reason"], status["source"], status["message"]) == (
        "TASK_KILLED", "REASON_TASK_KILLED_DURING_LAUNCH", "SOURCE_AGENT", "Killed before delivery to the executor")
    framework.wait("FAILURE")                                    # and nothing is left for it to do


def test_a_framework_that_is_torn_down(local):
    framework = Framework(local.master)
    _, mine, _ = running(framework)
    framework.call("TEARDOWN")
    until(lambda: local.state()["tasks"] == [] and "SHUTDOWN" in types(local, mine))
    wait_for_cpus(Framework(local.master), 4)


def test_it_goes_on_while_the_master_is_away(local):
    framework = Framework(local.master, info(failover_timeout=3600.0, checkpoint=True))
    name, mine, offer = running(framework)
    assert local.fault("failover") is None
    again = framework.again()
    assert local.fault("return_agent", agent=1) is None
    until(lambda: local.state()["agents"][0]["state"] == "registered")
    again.call("MESSAGE", agent_id=offer["agent_id"], executor_id=mine["executor_id"], data=encoded("x"))
    assert again.wait("MESSAGE")["data"] == encoded("echo x")
    again.call("KILL", task_id={"value": name})
    again.update(name, "TASK_KILLED")


def test_an_agent_that_restarts_without_it(local):
    framework = Framework(local.master, info(failover_timeout=3600.0, checkpoint=True))
    name, _, offer = running(framework)
    assert local.fault("restart_agent", agent=1, tasks="ended") is None
    assert framework.update(name, "TASK_GONE")["reason"] == "REASON_EXECUTOR_REREGISTRATION_TIMEOUT"
    wait_for_cpus(framework, 4)


WRONG = [
    ({"command": None}, "'ExecutorInfo.command' must be set"),
    ({"type": "CUSTOM", "command": None}, "'ExecutorInfo.command' must be set for 'CUSTOM' executor"),
    ({"type": "DEFAULT"}, "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"),
    ({"type": "DEFAULT", "command": None}, "'ExecutorInfo.type' must be 'CUSTOM'"),
    ({"executor_id": {"value": "a/b"}}, "'a/b' contains invalid characters"),
    ({"framework_id": {"value": "x"}}, "ExecutorInfo has an invalid FrameworkID (Actual: x vs Expected: "),
    ({"shutdown_grace_period": {"nanoseconds": -1}},
     "ExecutorInfo's 'shutdown_grace_period' must be non-negative"),
    ({"resources": [scalar("cpus", 4), scalar("mem", 32)]}, " required by task and its executor is more than available "),
]


@pytest.mark.parametrize("change, words", WRONG)
def test_what_is_wrong(local, change, words):
    framework = Framework(local.master)
    mine = {key: value for key, value in (executor("e") | change).items() if value is not None}
    name, _ = launch(framework, mine)
    status = framework.update(name)
    assert (status["state"], status["reason"]) == ("TASK_ERROR", "REASON_TASK_INVALID")
    assert words in status["message"]


def test_one_id_is_one_executor(local):
    framework = Framework(local.master)
    _, mine, _ = running(framework)
    name, _ = launch(framework, {**mine, "name": "other"})
    status = framework.update(name)
    assert status["state"] == "TASK_ERROR"
    assert "not compatible with existing ExecutorInfo with same ExecutorID" in status["message"]


def test_what_the_api_refuses(start):
    local = start("--agents", "2", "--allocation-interval", "0.1", *ONE_AGENT[2:])
    framework = Framework(local.master)
    _, mine, offer = running(framework)
    number = next(i for i, agent in enumerate(local.state()["agents"], 1) if agent["id"] == offer["agent_id"]["value"])
    path = f"/slave({number})/api/v1/executor"
    ids = {"framework_id": framework.id, "executor_id": mine["executor_id"]}

    def answer(body, path=path):
        return post(local.master, body, path=path)[:2]

    status = {"task_id": {"value": "t"}, "state": "TASK_RUNNING", "source": "SOURCE_EXECUTOR"}
    assert answer({"type": "SUBSCRIBE", **ids}) == (400, "Failed to validate Executor::Call: Expecting 'subscribe' to be present")
    assert answer({"type": "UPDATE", **ids, "update": {"status": status}}) == (
        400, "Failed to validate Executor::Call: Expecting 'uuid' to be present")
    status["uuid"] = encoded("0123456789abcdef")
    assert answer({"type": "UPDATE", **ids, "update": {"status": {**status, "source": "SOURCE_AGENT"}}})[0] == 400
    assert answer({"type": "UPDATE", **ids, "update": {"status": {**status, "state": "TASK_STAGING"}}})[0] == 400
    assert answer({"type": "UPDATE", **ids, "update": {"status": status}}) == (202, "")     # of a task it does not have
    assert answer({"type": "MESSAGE", **ids, "message": {"data": encoded("m")}}, "/api/v1/executor") == (202, "")
    assert framework.wait("MESSAGE")["data"] == encoded("m")
    other = {**ids, "executor_id": {"value": "nobody"}}
    assert answer({"type": "MESSAGE", **other, "message": {"data": ""}}) == (400, "Executor cannot be found")
    other = {**ids, "framework_id": {"value": "nobody"}}
    assert answer({"type": "MESSAGE", **other, "message": {"data": ""}}) == (400, "Framework cannot be found")
    elsewhere = f"/slave({3 - number})/api/v1/executor"
    assert answer({"type": "MESSAGE", **ids, "message": {"data": ""}}, elsewhere)[0] == 400
    assert answer({"type": "HEARTBEAT", **ids}) == (202, "")


def test_a_call_before_it_has_subscribed(local):
    framework = Framework(local.master)
    mine = executor(fresh(), command={"value": "sleep 1000"})
    launch(framework, mine)
    until(lambda: local.state()["tasks"] != [])
    assert post(local.master, {"type": "MESSAGE", "framework_id": framework.id, "executor_id": mine["executor_id"],
                               "message": {"data": ""}}, path="/slave(1)/api/v1/executor")[:2] == (
        403, "Executor is not subscribed")


def group(framework, offer, change, member=None):
    """What is said of a task group whose executor, or second task, is not right."""
    mine = {"type": "DEFAULT", "executor_id": {"value": "e"}, "framework_id": framework.id,
            "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)], **change}
    mine = {key: value for key, value in mine.items() if value is not None}
    names = [fresh(), fresh()]
    tasks = [task(names[0], offer), task(names[1], offer, **(member or {}))]
    framework.accept(offer, {"type": "LAUNCH_GROUP", "launch_group": {"executor": mine, "task_group": {"tasks": tasks}}})
    statuses = [framework.update() for _ in names]
    assert {status["task_id"]["value"] for status in statuses} == {one["task_id"]["value"] for one in tasks}
    assert {(status["state"], status["reason"]) for status in statuses} == {("TASK_ERROR", "REASON_TASK_GROUP_INVALID")}
    assert statuses[0]["message"] == statuses[1]["message"]
    return statuses[0]["message"]


WRONG_GROUPS = [
    ({"framework_id": None}, {}, "'ExecutorInfo.framework_id' must be set"),
    ({"type": None}, {}, "'ExecutorInfo.type' must be set"),
    ({"command": {"value": "true"}}, {}, "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"),
    ({"resources": [scalar("cpus", 0.001), scalar("mem", 32), scalar("disk", 1)]}, {},
     "Executor 'e' uses less CPUs (0.001) than the minimum required (0.01)"),
    ({"resources": [scalar("cpus", 0.01), scalar("mem", 16), scalar("disk", 1)]}, {},
     "Executor 'e' uses less memory (16MB) than the minimum required (32MB)"),
    ({"resources": [scalar("cpus", 0.01), scalar("mem", 32)]}, {}, "Executor 'e' uses no disk"),
    ({}, {"cpus": 3.9},
     "Total resources cpus(allocated: *):4.1; mem(allocated: *):96; disk(allocated: *):32 required by task group and its "
     "executor are more than available ports(allocated: *):[31000-32000]; cpus(allocated: *):4; mem(allocated: *):4096; "
     "disk(allocated: *):4096"),
    ({}, {"task_id": {"value": "a/b"}}, "Task 'a/b' is invalid: 'a/b' contains invalid characters"),
    ({}, {"task_id": {"value": "T"}, "executor": {"executor_id": {"value": "other"}}},
     "The `ExecutorInfo` of task 'T' is different from executor 'e'"),
]


@pytest.mark.parametrize("change, member, words", WRONG_GROUPS)
def test_groups_that_are_wrong(local, change, member, words):
    framework = Framework(local.master)
    assert group(framework, framework.offer(), change, member) == words


def test_the_executor_of_a_group_ends_with_it(local):
    framework = Framework(local.master)
    offer, names = framework.offer(), [fresh(), fresh()]
    mine = {"type": "DEFAULT", "executor_id": {"value": "e"}, "framework_id": framework.id,
            "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)]}
    framework.accept(offer, {"type": "LAUNCH_GROUP", "launch_group": {
        "executor": mine, "task_group": {"tasks": [task(name, offer, "sleep 1000") for name in names]}}})
    for _ in names:
        framework.update(state="TASK_RUNNING")
    framework.call("RECONCILE", tasks=[{"task_id": {"value": names[0]}}])
    assert framework.update(names[0])["executor_id"] == {"value": "e"}
    framework.call("KILL", task_id={"value": names[0]})
    assert framework.wait("FAILURE") == {"agent_id": offer["agent_id"], "executor_id": {"value": "e"}, "status": 0}
