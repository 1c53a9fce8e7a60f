"""zmesos.Executor when something breaks: tasks, agents, connections, the daemon, the program itself."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmesos
from executing import SMALL, begun, by_value, gated, make, service_threads, state, wait_state
from following import Cutter, heads_of
from programs import BUILD, PATIENCE, Cluster, wait_for
from test_python import impatient

# A thread of the Executor that fails fails the test.
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def sent_by_value() -> Iterator[None]:
    yield from by_value(sys.modules[__name__])


def inverse(number: float) -> float:
    return 1 / number


def broken(future: zmesos.TaskFuture[Any]) -> zmesos.BrokenTask:
    error = future.exception(2 * PATIENCE)
    assert isinstance(error, zmesos.BrokenTask), repr(error)
    assert error.task_id == future.task_id and future.task_id in str(error)
    return error


def program(path: pathlib.Path, text: str) -> str:
    """A shell script that agents take for a Python."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def first_dies(directory: pathlib.Path) -> Callable[[], int]:
    """Kills its process when it is called for the first time, and returns how often it was."""
    calls = str(directory / "calls")

    def function() -> int:
        import os
        import signal

        with open(calls, "a") as file:
            file.write("x")
        if os.path.getsize(calls) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.path.getsize(calls)

    return function


# ---- tasks -------------------------------------------------------------------------------------------------


def test_a_task_that_dies_says_how(cluster: Cluster) -> None:
    with make(cluster) as executor:
        killed = broken(executor.submit(lambda: os.kill(os.getpid(), signal.SIGKILL)))
        assert killed.state == "FAILED" and "signal" in killed.message and killed.hostname and killed.hostname in str(killed)
        left = broken(executor.submit(os._exit, 3))
        assert left.state == "FAILED" and "status 3" in left.message
        silent = broken(executor.submit(os._exit, 0))
        assert silent.state == "FINISHED" and "ended its interpreter" in str(silent)
        assert executor.submit(inverse, 2).result(PATIENCE) == 0.5  # the others are as they were


def test_a_task_killed_by_somebody_else(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    with make(cluster) as executor:
        future = executor.submit(gated(tmp_path))
        begun(tmp_path)
        cluster.client().kill(label=("zmesos.executor", executor.id))
        assert broken(future).state == "KILLED"


def test_out_of_memory(cluster: Cluster, needs_local: None, tmp_path: pathlib.Path) -> None:
    """As an agent's memory isolator says it."""
    assert cluster.local
    with make(cluster) as executor:
        future = executor.submit(gated(tmp_path))
        begun(tmp_path)
        wait_state(cluster, future.task_id, "RUNNING")
        attempt = cluster.client().task(future.task_id).attempts[0]
        status = {
            "task_id": {"value": attempt.mesos_task_id},
            "state": "TASK_FAILED",
            "reason": "REASON_CONTAINER_LIMITATION_MEMORY",
            "message": "Memory limit exceeded: Requested: 32MB",
            "source": "SOURCE_AGENT",
            "agent_id": {"value": attempt.agent_id},
        }
        cluster.local.fault("send_event", event={"type": "UPDATE", "update": {"status": status}})
        error = broken(future)
        assert (error.state, error.message) == ("FAILED", "Memory limit exceeded: Requested: 32MB")
        assert "MEMORY" in error.reason


def test_a_retry_calls_it_again(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    with make(cluster, retry={"max_attempts": 3, "backoff": 0}) as executor:
        future = executor.submit(first_dies(tmp_path))
        assert future.result(2 * PATIENCE) == 2
        wait_state(cluster, future.task_id, "FINISHED")
        states = [zmesos.state_name(attempt.state) for attempt in cluster.client().task(future.task_id).attempts]
        assert states == ["FAILED", "FINISHED"]


def test_an_exception_is_a_result_and_not_tried_again(cluster: Cluster) -> None:
    with make(cluster, retry={"max_attempts": 3, "backoff": 0}) as executor:
        future = executor.submit(inverse, 0)
        assert isinstance(future.exception(PATIENCE), ZeroDivisionError)
        wait_state(cluster, future.task_id, "FINISHED")
        assert len(cluster.client().task(future.task_id).attempts) == 1


def test_two_attempts_at_once_give_one_result(
    start_cluster: Callable[..., Cluster], needs_local: None, tmp_path: pathlib.Path
) -> None:
    """The first attempt is cut off and given up; the second is made, and both bring a result."""
    cluster = start_cluster()
    assert cluster.local
    retry = {"max_attempts": 2, "backoff": 0, "on": ["UNREACHABLE"], "replace_after": 1}
    with make(cluster, retry=retry) as executor:
        told: list[Any] = []
        future = executor.submit(gated(tmp_path, 7))
        future.add_done_callback(told.append)
        begun(tmp_path)
        agent = cluster.client().task(future.task_id).attempts[0].agent_id
        cluster.local.fault("lose_agent", agent=cluster.local.agent_number(agent), how="unreachable")
        wait_for(lambda: len((tmp_path / "begun").read_text()) == 2, "the second attempt to run", 3 * PATIENCE)
        (tmp_path / "go").touch()
        assert future.result(PATIENCE) == 7
    assert told == [future] and len((tmp_path / "begun").read_text()) == 2


def test_a_second_attempt_that_is_not_wanted_any_more_is_killed(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """It brought its result, and its process died all the same: the retry is for nobody."""
    with make(cluster, retry={"max_attempts": 5, "backoff": 600}) as executor:  # before which it is killed
        def function() -> int:
            import atexit
            import os

            atexit.register(os._exit, 9)
            return 5

        future = executor.submit(function)
        assert future.result(PATIENCE) == 5
        wait_state(cluster, future.task_id, "KILLED")
        assert len(cluster.client().task(future.task_id).attempts) == 1


# ---- agents ------------------------------------------------------------------------------------------------


def test_an_agent_that_is_gone(start_cluster: Callable[..., Cluster], needs_local: None, tmp_path: pathlib.Path) -> None:
    cluster = start_cluster()
    assert cluster.local
    with make(cluster) as executor:
        future = executor.submit(gated(tmp_path))
        begun(tmp_path)
        wait_state(cluster, future.task_id, "RUNNING")
        agent = cluster.client().task(future.task_id).attempts[0].agent_id
        cluster.local.fault("lose_agent", agent=cluster.local.agent_number(agent), how="gone")
        assert broken(future).state in ("GONE", "LOST", "KILLED")


def test_an_agent_with_another_python(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    old = program(
        tmp_path / "python3.9",
        f"""exec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])' "$2" """,
    )
    with make(cluster, python=old) as executor:
        future = executor.submit(inverse, 2)
        error = broken_by_version(future)
        assert "cpython 3.9" in error and f"cpython {sys.version_info[0]}.{sys.version_info[1]}" in error and "`python`" in error
        wait_state(cluster, future.task_id, "FAILED")
        assert executor.with_options(python=sys.executable).submit(inverse, 2).result(PATIENCE) == 0.5


def broken_by_version(future: zmesos.TaskFuture[Any]) -> str:
    error = future.exception(PATIENCE)
    assert isinstance(error, zmesos.PythonMismatch) and isinstance(error, zmesos.BrokenTask)
    return str(error)


def test_an_agent_without_python(cluster: Cluster) -> None:
    with make(cluster, python="/no/such/python") as executor:
        assert "`python` of the Executor" in str(broken(executor.submit(inverse, 2)))


def test_an_agent_without_cloudpickle_gets_it(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    bare = program(tmp_path / "python", f'exec {sys.executable} -S "$@"')  # no packages at all
    with make(cluster, python=bare) as executor:
        found = executor.submit(lambda: __import__("cloudpickle").__file__).result(PATIENCE)
        assert ".zip" in found
        files = executor.submit(os.listdir).result(PATIENCE)  # a function that needs none gets none
        assert "stdout" in files and not [name for name in files if name.endswith(".zip")]


def test_an_address_that_agents_do_not_reach(cluster: Cluster) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        with make(cluster, address=f"127.0.0.1:{taken.getsockname()[1]}") as executor:
            error = broken(executor.submit(inverse, 2))
    assert "could not reach 127.0.0.1:" in str(error) and "`address`" in str(error)


# ---- the daemon --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kill, most", [(False, 4), (True, 4), (True, 50)])
def test_the_daemon_is_started_again_in_the_middle(
    start_cluster: Callable[..., Cluster], needs_local: None, tmp_path: pathlib.Path, kill: bool, most: int
) -> None:
    """What waits here is launched afterwards; what was to be launched meanwhile is launched once (`most` is 50)."""
    cluster = start_cluster()
    client = cluster.client()
    calls = str(tmp_path / "calls")

    def noted(number: int) -> float:
        with open(calls, "a") as file:
            file.write(f"{number}\n")
        return 1 / number

    with zmesos.Executor(client, max_tasks=most, **SMALL) as executor:
        futures = [executor.submit(gated(tmp_path, number)) for number in range(4)]
        begun(tmp_path, 4)
        impatient(client, 1.0)
        futures += [executor.submit(noted, number) for number in range(1, 5)]
        cluster.daemon.kill() if kill else cluster.daemon.stop()
        futures += [executor.submit(noted, number) for number in range(5, 9)]
        (tmp_path / "go").touch()
        # A result needs no daemon.
        assert [future.result(PATIENCE) for future in futures[:4]] == [0, 1, 2, 3]
        if most > 12:
            wait_for(lambda: futures[-1].task_id in executor._jobs._lists.flying, "the last to be launched, in vain")
        assert futures[-1].cancel()
        cluster.daemon.start()
        assert [future.result(2 * PATIENCE) for future in futures[4:-1]] == [1 / number for number in range(1, 8)]
    with cluster.daemon.client() as client:
        tasks = list(client.tasks(label=("zmesos.executor", executor.id)))
    called = [task for task in tasks if task.id != futures[-1].task_id]
    # A daemon that was killed between deciding on a launch and asking the master for it makes another attempt: the first is GONE.
    began = [[attempt for attempt in task.attempts if zmesos.state_name(attempt.state) != "GONE"] for task in called]
    assert len(called) == 11 and {len(attempts) for attempts in began} == {1}
    assert sorted((tmp_path / "calls").read_text().split()) == [str(number) for number in range(1, 8)]
    assert len((tmp_path / "begun").read_text()) == 4
    # Whether the last launch had reached the daemon nobody knew: so it was made, to be killed.
    assert len(tasks) == (11 if most == 4 else 12)


def test_a_daemon_that_does_not_know_the_task_any_more(
    start_cluster: Callable[..., Cluster], needs_local: None, tmp_path: pathlib.Path
) -> None:
    """Its state is an older copy, made before the function was submitted."""
    cluster = start_cluster()
    copy = tmp_path / "copy.db"
    with make(cluster) as executor:
        cluster.client().backup(copy, timeout=PATIENCE)
        future = executor.with_options(cpus=1_000_000).submit(inverse, 2)
        wait_state(cluster, future.task_id, "QUEUED")
        cluster.daemon.set_back(copy)
        error = broken(future)
        assert error.state == "UNKNOWN" and "backup" in str(error)
        assert executor.submit(inverse, 2).result(PATIENCE) == 0.5


# ---- connections -------------------------------------------------------------------------------------------


@pytest.fixture
def cutter() -> Iterator[Cutter]:
    """What tasks connect to instead of the Executor."""
    made = Cutter()
    yield made
    made.close()


def test_a_result_outlives_its_connection(cluster: Cluster, cutter: Cutter, tmp_path: pathlib.Path) -> None:
    with make(cluster, address=cutter.address) as executor:
        cutter.target = ("127.0.0.1", executor._server._listener.getsockname()[1])
        futures = [executor.submit(gated(tmp_path, number)) for number in range(3)]
        begun(tmp_path, 3)
        for _ in range(5):
            wait_for(lambda: cutter.cut(), "connections to be cut")
        cutter.cut(shut=True)
        (tmp_path / "go").touch()
        cutter.cut(shut=False)
        assert [future.result(PATIENCE) for future in futures] == [0, 1, 2]
    assert len((tmp_path / "begun").read_text()) == 3  # each was called once


def test_the_program_that_waits_dies(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """Its tasks notice, and end by themselves: the one that runs, and one that comes to run later."""
    text = f"""
import sys, zmesos, time
client = zmesos.Client({cluster.control!r}, {cluster.events!r}, {cluster.pipeline!r}, timeout={PATIENCE})
executor = zmesos.Executor(client, **{SMALL!r})
executor.submit(time.sleep, 600)
later = executor.with_options(cpus=8).submit(time.sleep, 600)
print(executor.id, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", text], env={**os.environ, "PYTHONPATH": str(BUILD / "python")},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert parent.stdout and parent.stdin
        name = parent.stdout.readline().strip()
        wait_state(cluster, f"{name}-1", "RUNNING")
        wait_state(cluster, f"{name}-2", "QUEUED")
    finally:
        parent.kill()
        parent.communicate()
    wait_state(cluster, f"{name}-1", "FAILED")
    message = cluster.client().task(f"{name}-1").message
    assert "status 75" in message or "status 76" in message  # before, or after, it had its function
    cluster.client().kill(f"{name}-2")
    wait_state(cluster, f"{name}-2", "KILLED")


def test_a_task_that_finds_nobody_ends(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """The Executor has gone before the task begins."""
    executor = make(cluster, max_tasks=1)
    future = executor.submit(gated(tmp_path, 1))
    begun(tmp_path)
    spec = executor._spec(f"{executor.id}-99", inverse)  # a task of its that it knows nothing of
    other = cluster.client()
    other.launch(spec=spec)
    wait_state(cluster, spec.id, "FINISHED")  # it is not wanted
    (tmp_path / "go").touch()
    future.result(PATIENCE)
    executor.shutdown()
    late = zmesos.TaskSpec()
    late.CopyFrom(spec)
    late.id = f"{executor.id}-100"
    other.launch(spec=late)
    wait_state(cluster, late.id, "FAILED")
    assert "status 76" in other.task(late.id).message


# ---- the Executor itself -----------------------------------------------------------------------------------


def test_an_error_inside_breaks_it_for_all_to_see(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """The client that it uses is closed by somebody: nothing waits for ever."""
    client = cluster.client()
    executor = zmesos.Executor(client, max_tasks=1, **SMALL)
    running = executor.submit(gated(tmp_path, 1))
    waiting = executor.submit(inverse, 2)
    begun(tmp_path)
    # What is told of a task while the client is closed breaks it as well, so nothing is on its way that comes before the result.
    wait_state(cluster, running.task_id, "RUNNING")
    head = heads_of(cluster.status())["TASK"]
    wait_for(lambda: executor._jobs._follower.position.numbers["TASK"] >= head, "the Executor to have heard all")
    client.close()
    (tmp_path / "go").touch()
    assert running.result(PATIENCE) == 1
    error = waiting.exception(PATIENCE)
    assert type(error).__name__ == "BrokenExecutor" and "the client is closed" in str(error)
    with pytest.raises(RuntimeError, match="the client is closed"):
        executor.submit(inverse, 2)
    executor.shutdown()
    assert not service_threads() and state(cluster, waiting.task_id) == ""
