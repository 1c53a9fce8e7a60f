"""zmesos.Executor as an executor of the standard library's: what concurrent.futures promises, with real tasks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import gc
import itertools
import operator
import os
import pathlib
import pickle
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import cloudpickle
import pytest
import zmesos
from executing import SMALL, begun, by_value, gated, make, service_threads, state, wait_state
from programs import BUILD, PATIENCE, Cluster, wait_for


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("executor"))
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def sent_by_value() -> Iterator[None]:
    yield from by_value(sys.modules[__name__])


@pytest.fixture
def executor(cluster: Cluster) -> Iterator[zmesos.Executor]:
    with make(cluster) as made:
        yield made
        made.kill_all()


class Odd(Exception):
    """Of this module, with an argument more than pickle knows of."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = second


class Point:
    def __init__(self, x: int) -> None:
        self.x = x


def add(*numbers: float, **more: float) -> float:
    return sum(numbers) + sum(more.values())


def inverse(number: float) -> float:
    return 1 / number


# ---- submit ------------------------------------------------------------------------------------------------


def test_it_is_an_executor_and_calls_in_other_processes(executor: zmesos.Executor) -> None:
    assert isinstance(executor, concurrent.futures.Executor)
    futures = [executor.submit(os.getpid) for _ in range(3)]
    assert all(isinstance(future, concurrent.futures.Future) for future in futures)
    processes = {future.result(PATIENCE) for future in futures}
    assert len(processes) == 3 and os.getpid() not in processes


def test_arguments_of_any_name(executor: zmesos.Executor) -> None:
    futures = {
        6: executor.submit(add, 1, 2, third=3),
        7: executor.submit(add, fn=3, self=4),
        8: executor.submit(functools.partial(add, 5), 3),
        9: executor.submit(lambda *, args, kwargs: args + kwargs, args=4, kwargs=5),
    }
    assert {wanted: future.result(PATIENCE) for wanted, future in futures.items()} == {n: n for n in (6, 7, 8, 9)}
    with pytest.raises(TypeError):
        executor.submit()  # type: ignore[call-arg]


def test_the_task_has_the_functions_name_and_the_executors_label(cluster: Cluster, executor: zmesos.Executor) -> None:
    future = executor.with_options(labels={"team": "x"}, env={"COLOUR": "red"}, cpus=0.2).submit(os.getenv, "COLOUR")
    assert future.result(PATIENCE) == "red"
    with cluster.daemon.client() as client:
        (task,) = client.tasks(label=("zmesos.executor", executor.id), with_spec=True)
    assert (task.id, task.name, task.spec.cpus) == (future.task_id, "getenv", 0.2)
    assert {label.key: label.value for label in task.spec.labels.labels} == {"team": "x", "zmesos.executor": executor.id}
    wait_state(cluster, task.id, "FINISHED")


def test_the_function_sees_no_key(executor: zmesos.Executor) -> None:
    names = executor.submit(lambda: sorted(__import__("os").environ)).result(PATIENCE)
    assert not [name for name in names if name.startswith("ZMESOS_FUNCTION")] and "MESOS_EXECUTOR_ID" in names


def test_what_it_prints_is_in_the_sandbox(cluster: Cluster, executor: zmesos.Executor) -> None:
    future = executor.submit(print, "hello from the task")
    assert future.result(PATIENCE) is None
    wait_state(cluster, future.task_id, "FINISHED")
    said = subprocess.run(
        [BUILD / "bin" / "zmesos", "--control", cluster.control, "logs", future.task_id],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert said.stdout == "hello from the task\n", said.stderr


def test_arguments_are_as_they_were_when_submitted(executor: zmesos.Executor) -> None:
    numbers = [1, 2]
    future = executor.submit(sum, numbers)
    numbers.append(100)
    assert future.result(PATIENCE) == 3


def test_classes_of_the_caller_come_back_as_themselves(executor: zmesos.Executor) -> None:
    point = executor.submit(lambda x: Point(x + 1), 4).result(PATIENCE)
    assert type(point) is Point and point.x == 5


def test_nothing_is_kept_of_arguments_and_results(executor: zmesos.Executor) -> None:
    point = Point(1)
    gone = weakref.ref(point)
    future = executor.submit(lambda point: Point(point.x), point)
    result = weakref.ref(future.result(PATIENCE))
    del point, future
    wait_for(lambda: gc.collect() >= 0 and gone() is None and result() is None, "the objects to be gone")


# ---- what goes wrong in a function --------------------------------------------------------------------------


def test_exceptions_come_back_as_themselves(executor: zmesos.Executor) -> None:
    future = executor.submit(inverse, 0)
    error = future.exception(PATIENCE)
    assert type(error) is ZeroDivisionError and isinstance(error.__cause__, zmesos.RemoteTraceback)
    assert "in inverse" in str(error.__cause__) and "return 1 / number" in str(error.__cause__)
    assert "zmesos-runner" not in str(error.__cause__)
    with pytest.raises(ZeroDivisionError):
        future.result()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_it_raises_is_its_exception(executor: zmesos.Executor, kind: type[BaseException]) -> None:
    def leave() -> None:
        raise kind("7")

    error = executor.submit(leave).exception(PATIENCE)
    assert type(error) is kind and error.args == ("7",)


def test_an_exception_that_cannot_be_brought_is_told(executor: zmesos.Executor) -> None:
    def strange() -> None:
        raise Odd("one", "two")

    error = executor.submit(strange).exception(PATIENCE)
    assert isinstance(error, zmesos.RemoteError)
    assert "Odd: one" in str(error) and "in strange" in str(error.__cause__)


def test_what_cannot_be_pickled_is_the_futures_exception(executor: zmesos.Executor) -> None:
    for submitted in (executor.submit(len, [threading.Lock()]), executor.submit("no function")):  # type: ignore[arg-type]
        assert isinstance(submitted.exception(PATIENCE), TypeError)
    error = executor.submit(threading.Lock).exception(PATIENCE)
    assert isinstance(error, zmesos.RemoteError) and "result cannot be pickled" in str(error)


def test_a_module_that_the_agent_lacks_is_named(executor: zmesos.Executor, tmp_path: pathlib.Path) -> None:
    (tmp_path / "only_here.py").write_text("def function():\n    return 1\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import only_here  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))
    error = executor.submit(only_here.function).exception(PATIENCE)
    assert isinstance(error, zmesos.RemoteError) and "No module named 'only_here'" in str(error)


def test_too_much_is_refused_with_what_to_do_instead(cluster: Cluster) -> None:
    """At the limit, and one past, both ways."""
    call, result = len(cloudpickle.dumps((len, (bytes(90_000),), {}))), len(pickle.dumps(bytes(90_000), pickle.HIGHEST_PROTOCOL))
    most = 190_000 - call
    with make(cluster, max_bytes=100_000) as executor:
        assert executor.submit(len, bytes(most)).result(PATIENCE) == most
        error = executor.submit(len, bytes(most + 1)).exception(PATIENCE)
        assert isinstance(error, zmesos.TooLarge) and re.search("100001 bytes .* 100000 .* directory", str(error))
        most = 190_000 - result
        assert len(executor.submit(bytes, most).result(PATIENCE)) == most
        error = executor.submit(bytes, most + 1).exception(PATIENCE)
        assert isinstance(error, zmesos.RemoteError) and re.search("100001 bytes .* 100000 .* directory", str(error))


def test_megabytes_go_both_ways(executor: zmesos.Executor) -> None:
    sent = os.urandom(20 << 20)
    assert executor.submit(lambda data: data[::-1], sent).result(PATIENCE) == sent[::-1]


# ---- map ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_map_is_in_order(executor: zmesos.Executor, chunk: int) -> None:
    assert list(executor.map(pow, range(8), range(8), chunksize=chunk)) == list(map(pow, range(8), range(8)))
    assert list(executor.map(pow, range(3), range(8), chunksize=chunk)) == [1, 1, 4]
    assert list(executor.map(pow, [], [], chunksize=chunk)) == []
    assert list(executor.map(pow)) == []


def test_map_raises_where_the_function_did(executor: zmesos.Executor) -> None:
    results = executor.map(inverse, [1, 2, 0, 4])
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_map_out_of_time(executor: zmesos.Executor, tmp_path: pathlib.Path) -> None:
    results = executor.map(operator.call, [gated(tmp_path, "late")], timeout=0.01)
    with pytest.raises(TimeoutError):
        next(results)
    (tmp_path / "go").touch()
    assert list(executor.map(operator.neg, [1], timeout=PATIENCE)) == [-1]


def test_map_of_an_endless_iterable(cluster: Cluster, executor: zmesos.Executor) -> None:
    taken = itertools.count()
    results = executor.map(operator.neg, taken, chunksize=2, buffersize=3)
    assert [next(results) for _ in range(5)] == [0, -1, -2, -3, -4]
    assert next(taken) == 2 * (3 + 3)  # three results of two were asked for, and three are ahead
    results.close()  # type: ignore[attr-defined]
    wait_for(lambda: not executor._jobs.futures(), "what was ahead to be cancelled or done")


@pytest.mark.parametrize("wrong", [{"chunksize": 0}, {"chunksize": -1}, {"buffersize": 0}])
def test_map_refuses_what_makes_no_sense(executor: zmesos.Executor, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        executor.map(operator.neg, [1], **wrong)


# ---- futures -----------------------------------------------------------------------------------------------


def test_waiting_for_many(executor: zmesos.Executor, tmp_path: pathlib.Path) -> None:
    slow = executor.submit(gated(tmp_path, "slow"))
    fast, wrong = executor.submit(inverse, 2), executor.submit(inverse, 0)
    done, _ = concurrent.futures.wait([slow, fast], PATIENCE, concurrent.futures.FIRST_COMPLETED)
    assert done == {fast}
    done, _ = concurrent.futures.wait([slow, wrong], PATIENCE, concurrent.futures.FIRST_EXCEPTION)
    assert done == {wrong}
    with pytest.raises(TimeoutError):
        slow.result(0.01)
    (tmp_path / "go").touch()
    assert set(concurrent.futures.as_completed([slow, fast, wrong], PATIENCE)) == {slow, fast, wrong}
    assert slow.result() == "slow"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is told, as it must
def test_callbacks_are_called_and_harm_nobody(executor: zmesos.Executor) -> None:
    heard: list[Any] = []

    def leave(future: Any) -> None:
        raise SystemExit(3)

    first = executor.submit(operator.neg, 1)
    first.add_done_callback(lambda future: heard.append(future.result()))
    first.add_done_callback(lambda future: inverse(0))
    first.add_done_callback(leave)
    assert first.result(PATIENCE) == -1
    second = executor.submit(operator.neg, 3)
    second.add_done_callback(lambda future: heard.append(executor.submit(operator.neg, 4)))  # which a callback may
    wait_for(lambda: len(heard) == 2, "the callbacks")
    assert heard[0] == -1 and heard[1].result(PATIENCE) == -4 and second.result(PATIENCE) == -3


def test_one_that_waits_is_cancelled_and_its_task_killed(cluster: Cluster, executor: zmesos.Executor) -> None:
    never = executor.with_options(cpus=1_000_000)
    future = never.submit(inverse, 2)
    wait_state(cluster, future.task_id, "QUEUED")
    told: list[Any] = []
    future.add_done_callback(told.append)
    assert not future.running() and future.cancel() and future.cancelled() and told == [future]
    assert future.cancel()  # once more is as good
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(PATIENCE)
    assert concurrent.futures.wait([future], PATIENCE).done == {future}
    wait_state(cluster, future.task_id, "KILLED")


def test_one_that_runs_is_not_cancelled(executor: zmesos.Executor, tmp_path: pathlib.Path) -> None:
    future = executor.submit(gated(tmp_path, 5))
    begun(tmp_path)
    assert future.running() and not future.cancel() and not future.done()
    (tmp_path / "go").touch()
    assert future.result(PATIENCE) == 5 and not future.cancel()


def test_one_that_runs_can_be_killed(cluster: Cluster, executor: zmesos.Executor, tmp_path: pathlib.Path) -> None:
    future = executor.submit(gated(tmp_path, 5))
    begun(tmp_path)
    future.kill()
    with pytest.raises(zmesos.BrokenTask) as caught:
        future.result(PATIENCE)
    assert (caught.value.state, caught.value.task_id) == ("KILLED", future.task_id)
    assert isinstance(caught.value, concurrent.futures.BrokenExecutor) and isinstance(caught.value, zmesos.ZmesosError)
    assert executor.submit(inverse, 2).result(PATIENCE) == 0.5  # the executor is as good as before


def test_a_loop_of_asyncio_waits_for_it(executor: zmesos.Executor) -> None:
    async def several() -> list[Any]:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(executor, operator.neg, number) for number in range(3)]
        return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)

    assert asyncio.run(several()) == [0, -1, -2]


# ---- how many at once --------------------------------------------------------------------------------------


def test_no_more_tasks_than_allowed(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    with make(cluster, max_tasks=2) as executor:
        futures = [executor.submit(gated(tmp_path, number)) for number in range(5)]
        begun(tmp_path, 2)
        with cluster.daemon.client() as client:
            assert len(list(client.tasks(label=("zmesos.executor", executor.id)))) == 2
        assert [future.running() for future in futures].count(False) == 3
        assert futures[4].cancel()  # never had a task
        (tmp_path / "go").touch()
        assert [future.result(PATIENCE) for future in futures[:4]] == [0, 1, 2, 3]
    with cluster.daemon.client() as client:
        assert len(list(client.tasks(label=("zmesos.executor", executor.id)))) == 4


def test_thousands(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """Of small functions, many a task; and of submissions that wait, and are cancelled."""
    with make(cluster, max_tasks=8) as executor:
        assert list(executor.map(operator.neg, range(3000), chunksize=150)) == [-number for number in range(3000)]
        first = [executor.submit(gated(tmp_path, 1)) for _ in range(8)]
        begun(tmp_path, 8)
        waiting = [executor.submit(operator.neg, number) for number in range(3000)]
        assert all(future.cancel() for future in waiting[1::2])
        (tmp_path / "go").touch()
        assert [future.result(PATIENCE) for future in first] == [1] * 8
        executor.shutdown(cancel_futures=True)
    states = [future.cancelled() for future in waiting]
    assert all(states[1::2]) and any(states[::2]) and all(future.done() for future in waiting)


def test_submit_waits_where_too_many_wait(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    with make(cluster, max_tasks=1, max_waiting=1) as executor:
        futures = [executor.submit(gated(tmp_path, 0))]
        begun(tmp_path)
        futures.append(executor.submit(operator.neg, 1))  # waits here
        third = threading.Thread(target=lambda: futures.append(executor.submit(operator.neg, 2)))
        third.start()
        third.join(0.5)
        assert third.is_alive() and len(futures) == 2
        (tmp_path / "go").touch()
        third.join(PATIENCE)
        assert [future.result(PATIENCE) for future in futures] == [0, -1, -2]


# ---- the end -----------------------------------------------------------------------------------------------


def test_after_shutdown_nothing_is_taken(cluster: Cluster) -> None:
    executor = make(cluster)
    future = executor.submit(inverse, 4)
    executor.shutdown()
    assert future.done() and future.result() == 0.25
    for late in (lambda: executor.submit(inverse, 4), lambda: list(executor.map(inverse, [4])), lambda: executor.submit(len, threading.Lock())):
        with pytest.raises(RuntimeError, match="after shutdown"):
            late()
    executor.shutdown()
    assert not service_threads()


def test_shutdown_without_waiting(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    executor = make(cluster)
    future = executor.submit(gated(tmp_path, 1))
    begun(tmp_path)
    executor.shutdown(wait=False)
    assert not future.done()
    (tmp_path / "go").touch()
    assert future.result(PATIENCE) == 1
    wait_for(lambda: not service_threads(), "the threads to end")


def test_shutdown_that_cancels(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    executor = make(cluster, max_tasks=2)
    running = executor.submit(gated(tmp_path, 1))
    begun(tmp_path)
    queued = executor.with_options(cpus=1_000_000).submit(inverse, 2)
    wait_state(cluster, queued.task_id, "QUEUED")
    waiting = [executor.submit(inverse, 2) for _ in range(3)]
    ending = threading.Thread(target=executor.shutdown, kwargs={"cancel_futures": True})
    ending.start()
    wait_for(lambda: all(future.cancelled() for future in waiting), "what waits to be cancelled")
    assert ending.is_alive() and not running.done()
    (tmp_path / "go").touch()
    ending.join(PATIENCE)
    assert not ending.is_alive()
    assert running.result(0) == 1 and queued.cancelled() and all(future.cancelled() for future in waiting)
    assert state(cluster, queued.task_id) == "KILLED"


def test_views_share_everything_but_options(cluster: Cluster) -> None:
    with make(cluster) as executor:
        view = executor.with_options(env={"X": "1"})
        assert view.with_options(env=None).submit(os.getenv, "X", "none").result(PATIENCE) == "none"
        assert view.submit(os.getenv, "X").result(PATIENCE) == "1"
        view.shutdown()
        with pytest.raises(RuntimeError):
            executor.submit(inverse, 1)


def test_one_that_nobody_has_ends(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    executor = make(cluster)
    future = executor.submit(gated(tmp_path, 1))
    begun(tmp_path)
    del executor
    gc.collect()
    assert service_threads() and not future.done()  # what was submitted is finished first
    (tmp_path / "go").touch()
    assert future.result(PATIENCE) == 1
    wait_for(lambda: not service_threads(), "the threads to end")


def test_a_program_that_ends_finishes_what_it_submitted(cluster: Cluster) -> None:
    program = f"""
import zmesos
def double(number):
    return 2 * number
client = zmesos.Client({cluster.control!r}, {cluster.events!r}, {cluster.pipeline!r}, timeout={PATIENCE})
executor = zmesos.Executor(client, **{SMALL!r})
executor.submit(double, 21).add_done_callback(lambda future: print(future.result(), flush=True))
"""
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "")


def test_a_forked_child_is_told(executor: zmesos.Executor) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            executor.submit(inverse, 2)
        except RuntimeError as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as said:
        assert "before a fork" in said.read()
    os.waitpid(child, 0)


# ---- bad options -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"max_tasks": 0}, ValueError, "max_tasks"),
        ({"max_tasks": 10_000_000}, ValueError, "open files"),
        ({"max_waiting": 0}, ValueError, "max_waiting"),
        ({"max_bytes": 1023}, ValueError, "max_bytes"),
        ({"pickler": "marshal"}, ValueError, "pickler"),
        ({"python": ""}, ValueError, "python"),
        ({"max_tasks": "many"}, TypeError, "max_tasks"),
        ({"max_bytes": 2048.5}, TypeError, "max_bytes"),
        ({"listen": 5050}, TypeError, "listen"),
        ({"cpus": "two"}, TypeError, "cpus"),
        ({"labels": "x"}, TypeError, "labels"),
        ({"container": {"nonsense": 1}}, ValueError, "container"),
        ({"listen": "127.0.0.1:x"}, ValueError, "listen"),
        ({"listen": "127.0.0.1:65536"}, ValueError, "listen"),
        ({"listen": "0.0.0.0:0"}, ValueError, "address"),
        ({"address": ":1"}, ValueError, "address"),
        ({"address": "here:port"}, ValueError, "address"),
        ({"listen": "192.0.2.1:0"}, OSError, "assign"),
        ({"colour": "red"}, TypeError, "colour"),
        ({"command": "true"}, TypeError, "command"),
        ({"id": "mine"}, TypeError, "id"),
        ({"retry": {"often": 3}}, TypeError, "often"),
        ({"image": "python:3.11", "container": {"type": "MESOS"}}, ValueError, "image"),
    ],
)
def test_options_that_make_no_sense(cluster: Cluster, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make(cluster, **options)
    assert not service_threads()


def test_a_client_without_events_and_a_daemon_that_is_not_there(cluster: Cluster) -> None:
    with zmesos.Client(cluster.control) as client, pytest.raises(zmesos.ZmesosError, match="events endpoint"):
        zmesos.Executor(client, **SMALL)
    with zmesos.Client("ipc:///nowhere/at/all", cluster.events, timeout=0.2) as client, pytest.raises(zmesos.TimedOut):
        zmesos.Executor(client, **SMALL)


def test_what_the_daemon_refuses_is_the_futures_exception(executor: zmesos.Executor) -> None:
    error = executor.with_options(cpus=0, mem=0).submit(inverse, 2).exception(PATIENCE)
    assert isinstance(error, zmesos.Invalid) and "resource" in str(error)
    error = executor.with_options(role="nobody").submit(inverse, 2).exception(PATIENCE)
    assert isinstance(error, zmesos.Invalid) and error.field.endswith("role")


def test_an_image_is_one_for_mesos(executor: zmesos.Executor, cluster: Cluster) -> None:
    future = executor.with_options(image="python:3.11", cpus=1_000_000).submit(inverse, 2)
    wait_state(cluster, future.task_id, "QUEUED")
    with cluster.daemon.client() as client:
        container = client.task(future.task_id, with_spec=True).spec.container
    assert (container.type, container.mesos.image.docker.name) == (zmesos.mesos.ContainerInfo.MESOS, "python:3.11")
    assert future.cancel()


def test_by_pickle_alone(cluster: Cluster) -> None:
    with make(cluster, pickler="pickle") as executor:
        assert executor.submit(operator.neg, 3).result(PATIENCE) == -3
        assert isinstance(executor.submit(lambda: 1).exception(PATIENCE), (pickle.PicklingError, AttributeError))
        mine = type("Main", (), {"__module__": "__main__", "__call__": lambda self: 1})()
        error = executor.submit(mine).exception(PATIENCE)
        assert isinstance(error, pickle.PicklingError) and "python3-cloudpickle" in str(error)


def test_many_threads_submit(executor: zmesos.Executor) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        results = threads.map(lambda n: executor.submit(operator.neg, n).result(PATIENCE), range(12))
        assert list(results) == [-n for n in range(12)]
