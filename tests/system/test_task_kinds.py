"""Kinds of task: each example of docs/tasks.md is sent to the daemon, and what the master then gets is compared with it; checks
and time limits with agents that run them."""
from __future__ import annotations

import json
import pathlib
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmesos
from google.protobuf import json_format
from zmesos.messages import messages

from command_line import Cli
from programs import REAL_MASTER, TOP, Cluster, Daemon, Gate, wait_for
from tap import Tap

EXAMPLES = [json.loads(text) for text in
            re.findall(r"```json\n(.*?)```", (TOP / "docs" / "tasks.md").read_text(encoding="utf-8"), re.DOTALL)]
SMALL = {"cpus": 0.1, "mem": 32}
# Of a specification, what a TaskInfo has under the same name.
PASSED_ON = ["command", "executor", "container", "health_check", "check", "kill_policy", "labels", "discovery", "max_completion_time",
             "data", "limits"]
WAITS = {"volumes"}  # the simulated agents have no such disk


def state(task: zmesos.Task) -> str:
    return zmesos.state_name(task.state)


@pytest.fixture
def tapped(start_cluster: Callable[..., Cluster], start_daemon: Callable[..., Daemon],
           needs_local: None) -> Iterator[tuple[Daemon, Tap]]:
    """A daemon whose agents take everything and run nothing, and what it sends."""
    cluster = start_cluster(local={"resources": "cpus:8;mem:4096;disk:10240;ports:[31000-32000];bandwidth:100;licences:{a,b};"
                                                "vlans:{blue,red}"}, local_flags=("--simulate",))
    tap = Tap(cluster.master)
    try:
        yield start_daemon(tap.address), tap
    finally:
        tap.close()


def without_ports(info: Any) -> Any:
    """Without what zmesosd puts into the environment of a task with ports."""
    variables = info.command.environment.variables
    kept = [variable for variable in variables if not re.fullmatch(r"PORTS|PORT\d+", variable.name)]
    if len(kept) < len(variables):
        del variables[:]
        variables.extend(kept)
        if not kept:
            info.command.ClearField("environment")
    return info


def read(fields: dict[str, Any]) -> messages.TaskSpec:
    """As the command line does: a map of Mesos's JSON is a list of entries here."""
    limits = [{"key": key, "value": value} for key, value in fields.get("limits", {}).items()]
    return json_format.ParseDict({**fields, "limits": limits}, messages.TaskSpec())


def tasks_of(example: Any) -> list[dict[str, Any]]:
    """One, or those of a group."""
    return example if isinstance(example, list) else [example]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: tasks_of(example)[0]["id"])
def test_an_example_is_sent_as_it_is(tapped: tuple[Daemon, Tap], example: Any) -> None:
    daemon, tap = tapped
    cli = Cli(daemon)
    cli("launch", "--file", "-", text=json.dumps(example))
    for task in tasks_of(example):
        if task["id"] in WAITS:
            wait_for(lambda: "what its resources ask for" in cli("why", task["id"]).stdout, "the reason")
        else:
            expect_as_it_is(tap, task)


def expect_as_it_is(tap: Tap, task: dict[str, Any]) -> None:
    info, spec = without_ports(wait_for(lambda: tap.task_info(task["id"]), "the launch")), read(task)
    if "group" in task:
        executor = tap.group_executor(task["id"])
        executor.ClearField("framework_id")
        assert executor == spec.executor
        spec.ClearField("executor")
    for name in PASSED_ON:
        field = spec.DESCRIPTOR.fields_by_name[name]
        given, sent = getattr(spec, name), getattr(info, name)
        if field.label != field.LABEL_REPEATED:
            assert info.HasField(name) == spec.HasField(name), name
        assert (list(sent), name) == (list(given), name) if field.label == field.LABEL_REPEATED else sent == given


def test_the_examples_are_all_of_it() -> None:
    """What a task can say and no example says is not documented."""
    tasks = [task for example in EXAMPLES for task in tasks_of(example)]
    assert set(PASSED_ON) - {field for task in tasks for field in task} == set()
    assert len(tasks) == len({task["id"] for task in tasks})


# ---- with agents that run them -------------------------------------------------------------------------

def last_attempt(client: zmesos.Client, task_id: str) -> Any:
    return client.task(task_id).attempts[-1]


def test_health_is_shown(cluster: Cluster, gate: Gate) -> None:
    check = {"type": "COMMAND", "command": {"value": "test ! -e sick"}, "delay_seconds": 0, "interval_seconds": 0.2,
             "grace_period_seconds": 0, "consecutive_failures": 2}
    with cluster.client() as client:
        client.launch(f"{gate.wait}; touch sick; sleep 1000", id="h", health_check=check, **SMALL)
        wait_for(lambda: last_attempt(client, "h").healthy if client.task("h").attempts else False, "the check to be passed")
        gate.open()
        task = client.wait("h", timeout=60)
        assert state(task) in ("KILLED", "FAILED")
        assert task.attempts[-1].HasField("healthy") and not task.attempts[-1].healthy
        assert "unhealthy" in Cli(cluster)("task", "h").stdout


def test_too_long_is_tried_again_where_it_is_named(cluster: Cluster) -> None:
    with cluster.client() as client:
        client.launch("sleep 1000", id="once", max_completion_time=0.5, retry={"max_attempts": 3, "on": ["FAILED"]}, **SMALL)
        client.launch("sleep 1000", id="twice", max_completion_time=0.5, **SMALL,
                      retry={"max_attempts": 2, "on": ["MAX_COMPLETION_TIME"], "backoff": 0.1})
        once, twice = client.wait("once", timeout=60), client.wait("twice", timeout=60)
        assert [(state(task), task.reason, len(task.attempts)) for task in (once, twice)] == [
            ("FAILED", "REASON_MAX_COMPLETION_TIME_REACHED", 1), ("FAILED", "REASON_MAX_COMPLETION_TIME_REACHED", 2)]


def test_a_port_by_its_number(cluster: Cluster) -> None:
    port = {"name": "ports", "ranges": {"range": [{"begin": 31234, "end": 31234}]}}
    with cluster.client() as client:
        client.launch("test $PORT0 = 31234 && test $PORTS = 31234", id="p", resources=[port], **SMALL)
        task = client.wait("p", timeout=60)
        assert (state(task), list(task.attempts[-1].ports)) == ("FINISHED", [31234])


def scalar(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def test_tasks_share_an_executor(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """Its resources are taken once, also for a task that comes while it runs; all agree on what it is, or Mesos would say ERROR."""
    program = tmp_path / "executor.py"
    program.write_text((TOP / "tests" / "system" / "local" / "executor.py").read_text())
    for directory in [tmp_path, *tmp_path.parents[:2]]:
        directory.chmod(directory.stat().st_mode | 0o055)
    executor = {"type": "CUSTOM", "executor_id": {"value": f"shared-{uuid.uuid4().hex[:8]}"},
                "command": {"value": f"exec {sys.executable} {program}"},
                "resources": [scalar("cpus", 0.1), scalar("mem", 32)]}
    with cluster.client() as client:
        client.launch(id="a", executor=executor, data=b"run", **SMALL)
        wait_for(lambda: state(client.task("a")) == "RUNNING", "a to run")
        agent = last_attempt(client, "a").agent_id
        here = [zmesos.equals("agent_id", agent)]
        client.launch(id="b", executor=executor, data=b"run", constraints=here, **SMALL)
        client.launch(id="c", executor=executor, data=b"finish", constraints=here, **SMALL)
        assert state(client.wait("c", timeout=60)) == "FINISHED"
        wait_for(lambda: state(client.task("b")) == "RUNNING", "b to run")
        assert client.task("b").message == "here it is"
        client.kill("b")
        assert state(client.wait("b", timeout=60)) == "KILLED"
        assert state(client.task("a")) == "RUNNING"  # they live and die by themselves
        client.kill("a")
        assert state(client.wait("a", timeout=60)) == "KILLED"


@pytest.mark.skipif(not REAL_MASTER, reason="zmesos-local has no checks but health checks")
def test_what_a_check_says(cluster: Cluster) -> None:
    check = {"type": "COMMAND", "command": {"command": {"value": "test -e ready && exit 7; exit 3"}}, "delay_seconds": 0,
             "interval_seconds": 0.2}
    with cluster.client() as client:
        client.launch("sleep 2; touch ready; sleep 1000", id="c", check=check, **SMALL)

        def code() -> int | None:
            attempts = client.task("c").attempts
            status = attempts[-1].check_status.command if attempts else None
            return status.exit_code if status is not None and status.HasField("exit_code") else None
        wait_for(lambda: code() == 3, "the first result")
        wait_for(lambda: code() == 7, "the second result")
        assert "exit code 7" in Cli(cluster)("task", "c").stdout
        client.kill("c")
        assert state(client.wait("c", timeout=60)) == "KILLED"
