"""Groups of tasks: one LAUNCH_GROUP for each, tasks that live and die together. With a real master the agents need Mesos's
containerizer, which runs the default executor."""
from __future__ import annotations

import json
import pathlib
from collections.abc import Callable

import pytest
import zmesos
from zmesos.messages import mesos, messages

from command_line import Cli
from programs import Cluster, Daemon, Gate, wait_for
from tap import Tap

SMALL = {"cpus": 0.1, "mem": 32}


def spec(name: str, command: str, **more: object) -> zmesos.TaskSpec:
    return zmesos.task_spec(command, id=name, **{**SMALL, **more})


def state(client: zmesos.Client, name: str) -> str:
    return zmesos.state_name(client.task(name).state)


def wait_state(client: zmesos.Client, name: str, wanted: str) -> None:
    wait_for(lambda: state(client, name) == wanted, f"{name} to be {wanted}")


def test_a_group_runs_on_one_agent_and_each_task_ends(cluster: Cluster) -> None:
    with cluster.client() as client:
        results = client.launch_group([spec("one", "echo first"), spec("two", "echo second"), spec("three", "echo $PORT0", ports=1)])
        assert [result.id for result in results] == ["one", "two", "three"]
        tasks = [client.wait(name, timeout=120) for name in ("one", "two", "three")]
        assert [zmesos.state_name(task.state) for task in tasks] == ["FINISHED"] * 3, tasks
        assert {task.group for task in tasks} == {"one"}
        assert len({task.attempts[-1].agent_id for task in tasks}) == 1
        cli = Cli(cluster)
        assert cli("logs", "two").stdout.endswith("second\n")
        assert cli("logs", "three").stdout.endswith(f"{tasks[2].attempts[-1].ports[0]}\n")
        again = client.launch_group([spec("one", "echo first"), spec("two", "echo second"), spec("three", "echo $PORT0", ports=1)])
        assert [result.known for result in again] == [True] * 3
        with pytest.raises(zmesos.Conflict):
            client.launch_group([spec("one", "echo first"), spec("two", "echo second")], name="one")


def test_one_that_fails_ends_the_others(cluster: Cluster) -> None:
    with cluster.client() as client:
        client.launch_group([spec("lives", "sleep 600"), spec("fails", "sleep 1; exit 3")], name="pair")
        assert zmesos.state_name(client.wait("fails", timeout=120).state) == "FAILED"
        assert zmesos.state_name(client.wait("lives", timeout=60).state) == "KILLED"


def test_a_kill_of_one_ends_the_group(cluster: Cluster) -> None:
    with cluster.client() as client:
        client.launch_group([spec("left", "sleep 600"), spec("right", "sleep 600")], name="pair")
        wait_state(client, "left", "RUNNING")
        wait_state(client, "right", "RUNNING")
        client.kill("right")
        for name in ("left", "right"):
            task = client.wait(name, timeout=60)
            assert zmesos.state_name(task.state) == "KILLED" and task.kill_requested


def test_a_group_that_waits_says_why_and_is_killed_as_one(cluster: Cluster) -> None:
    with cluster.client() as client:
        client.launch_group([spec("a", "true", cpus=30000), spec("b", "true", cpus=30000)])
        wait_for(lambda: client.why("b")["b"].reasons[0].kind == messages.Reason.CPUS, "b to say what it lacks")
        reason = client.why("b")["b"].reasons[0]
        assert reason.wanted == pytest.approx(60000.1)
        assert client.kill("b")[0].state == "KILLED"
        assert state(client, "a") == "KILLED"


def test_a_group_is_refused_as_a_whole(cluster: Cluster) -> None:
    with cluster.client() as client:
        with pytest.raises(zmesos.Invalid) as caught:
            client.launch_group([spec("good", "true"), spec("bad", "true", retry={"max_attempts": 2})])
        assert caught.value.field == "launch.tasks[1].retry"
        assert [result.ok for result in caught.value.results] == [False, False]
        assert client.get(["good", "bad"]) == {}


def test_a_group_outlives_the_daemon(cluster: Cluster, gate: Gate) -> None:
    with cluster.client() as client:
        client.launch_group([spec("left", "sleep 600"), spec("right", gate.wait)], name="pair")
        client.launch_group([spec("waits1", "true", cpus=30000), spec("waits2", "true")])
        wait_state(client, "left", "RUNNING")
        wait_state(client, "right", "RUNNING")
        cluster.restart(kill=True)
        cluster.wait_subscribed()
        gate.open()
        assert zmesos.state_name(client.wait("right", timeout=60).state) == "FINISHED"
        assert state(client, "left") == "RUNNING"
        assert state(client, "waits2") == "QUEUED"
        client.kill("left", "waits2")
        assert zmesos.state_name(client.wait("left", timeout=60).state) == "KILLED"
        assert state(client, "waits1") == "KILLED"


def test_an_executor_of_ones_own_size(cluster: Cluster) -> None:
    executor = {"type": "DEFAULT", "executor_id": {"value": "mine"},
                "resources": [{"name": name, "type": "SCALAR", "scalar": {"value": amount}}
                              for name, amount in (("cpus", 0.05), ("mem", 40), ("disk", 10))]}
    with cluster.client() as client:
        client.launch_group([spec("one", "sleep 1", executor=executor), spec("two", "sleep 1", executor=executor)])
        for name in ("one", "two"):
            task = client.wait(name, timeout=120)
            assert zmesos.state_name(task.state) == "FINISHED", task


def test_one_operation_for_all(cluster: Cluster, start_daemon: Callable[..., Daemon]) -> None:
    tap = Tap(cluster.master)
    try:
        with start_daemon(tap.address).client() as client:
            client.launch_group([spec("one", "true"), spec("two", "true")])
            client.wait(["one", "two"], timeout=120)
            framework = client.status().framework_id
        operations = tap.operations()
    finally:
        tap.close()
    assert [mesos.Offer.Operation.Type.Name(operation.type) for operation in operations] == ["LAUNCH_GROUP"]
    group = operations[0].launch_group
    ids = [task.task_id.value for task in group.task_group.tasks]
    assert len(set(ids)) == 2 and not any(task.HasField("executor") for task in group.task_group.tasks)
    assert group.executor.type == mesos.ExecutorInfo.DEFAULT and group.executor.framework_id.value == framework
    assert group.executor.executor_id.value == f"group.{ids[0]}"
    amounts = {resource.name: resource.scalar.value for resource in group.executor.resources}
    assert amounts == {"cpus": 0.1, "mem": 64, "disk": 64}


def test_many_in_batches_keep_their_groups_whole(start_cluster: Callable[..., Cluster], needs_local: None) -> None:
    cluster = start_cluster(local={"resources": "cpus:1000;mem:100000;disk:100000"}, local_flags=("--simulate",))
    tasks = [spec(f"t{n}", "true", cpus=0.01, mem=1, **({"group": f"g{n % 700}"} if n % 2 else {})) for n in range(2100)]
    with cluster.client(timeout=30.0) as client:
        results = client.launch_many(tasks)
        assert [result.id for result in results] == [task.id for task in tasks]
        assert all(result.ok for result in results)
        ended = client.wait([task.id for task in tasks], timeout=300)
        assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}


def test_a_file_with_a_group(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    cli = Cli(cluster)
    tasks = [{"id": name, "group": "g", "cpus": 0.1, "mem": 32, "command": {"value": "true"}} for name in ("a", "b")]
    path = tmp_path / "group.json"
    path.write_text(json.dumps([tasks[0], {"id": "x", "cpus": 0.1, "mem": 32, "command": {"value": "true"}}, tasks[1]]))
    cli("launch", "--file", str(path))
    with cluster.client() as client:
        for name in ("a", "b", "x"):
            assert zmesos.state_name(client.wait(name, timeout=120).state) == "FINISHED"
    shown = cli("task", "b").stdout
    assert any(line.split() == ["group", "g"] for line in shown.splitlines()), shown
