"""map(): a task for each item, so many at a time. How many were alive at once, the daemon's journal tells."""
from __future__ import annotations

import itertools
import pathlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmesos
from following import SIMULATED
from programs import PATIENCE, Cluster, Gate, wait_for
from test_python import NEVER, SMALL, impatient, in_thread


def most_at_once(client: zmesos.Client) -> int:
    """The most tasks that were unfinished at one time, by the events of all."""
    alive: set[str] = set()
    most = 0
    for event in client.replay("TASK"):
        assert event.task is not None
        (alive.discard if zmesos.is_over(event.task) else alive.add)(event.task.id)
        most = max(most, len(alive))
    return most


def states(client: zmesos.Client) -> dict[str, str]:
    return {task.id: zmesos.state_name(task.state) for task in client.tasks()}


def all_over(client: zmesos.Client) -> dict[str, str]:
    def look() -> Any:
        found = list(client.tasks())
        return found if all(map(zmesos.is_over, found)) else None
    return {task.id: zmesos.state_name(task.state) for task in wait_for(look, "all tasks to be over")}


def test_in_order_and_never_more_at_once(cluster: Cluster) -> None:
    client = cluster.client()
    done = list(client.map("sleep 0.{}".format, [5, 1, 2, 1, 3, 1, 1], concurrency=3, timeout=PATIENCE, **SMALL))
    assert [(one.item, one.ok, one.state, one.error) for one in done] == [
        (item, True, "FINISHED", None) for item in [5, 1, 2, 1, 3, 1, 1]]
    assert all(one.task is not None and one.task.id == one.id and one.check() is one for one in done)
    assert most_at_once(client) == 3
    assert len(states(client)) == 7


def test_as_they_end(cluster: Cluster, gate: Gate) -> None:
    client = cluster.client()
    results = client.map({"slow": gate.wait, "fast": "true"}.get, ["slow", "fast"], ordered=False, timeout=PATIENCE, **SMALL)
    assert next(results).item == "fast"
    gate.open()
    assert [one.item for one in results] == ["slow"]
    assert list(client.map(str, [], **SMALL)) == []


def test_one_at_a_time(cluster: Cluster) -> None:
    client = cluster.client()
    assert [one.ok for one in client.map(lambda n: "true", range(4), concurrency=1, timeout=PATIENCE, **SMALL)] == [True] * 4
    assert most_at_once(client) == 1
    for wrong in (0, -1):
        with pytest.raises(ValueError):
            client.map(str, [1], concurrency=wrong)


def test_what_is_refused_or_fails_is_said(cluster: Cluster) -> None:
    client = cluster.client()
    made: dict[str, Any] = {
        "fine": ["/bin/sh", "-c", "exit 0"],
        "fails": "exit 3",
        "refused": {"command": "true", "id": "bad/id"},
        "whole": {"command": "exit 4", "id": "whole", "cpus": 0.2},
    }
    done = {one.item: one for one in client.map(made.get, made, timeout=PATIENCE, **SMALL)}
    assert list(done) == list(made)
    assert done["fine"].ok and not done["fails"].ok and done["fails"].state == "FAILED"
    with pytest.raises(zmesos.TaskFailed, match="3"):
        done["fails"].check()
    refused = done["refused"]
    assert (refused.task, refused.state, refused.ok, refused.id) == (None, None, False, "bad/id")
    with pytest.raises(zmesos.Invalid, match="id"):
        refused.check()
    assert client.task("whole", with_spec=True).spec.cpus == 0.2
    spec = zmesos.task_spec("true", id="by-spec", **SMALL)
    assert [one.id for one in client.map(lambda _: spec, [1], timeout=PATIENCE)] == ["by-spec"]
    with pytest.raises(TypeError, match="cpus"):
        list(client.map(lambda _: spec, [1], **SMALL))


def test_infinitely_many_and_a_break_kills(cluster: Cluster) -> None:
    client = cluster.client()
    taken = []

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    for one in client.map(lambda n: "true" if n < 5 else "sleep 600", numbers(), concurrency=4, timeout=PATIENCE, **SMALL):
        assert one.ok
        if one.item == 4:
            break
    assert len(taken) <= 5 + 4
    ended = all_over(client)  # all of them, since nobody has the iteration any more
    assert sorted(ended.values()) == ["FINISHED"] * 5 + ["KILLED"] * (len(taken) - 5)


class Clock:
    """One that can be put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.mark.parametrize("how", ["close", "with", "exception", "make", "items", "time"])
def test_what_ends_early_kills(cluster: Cluster, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, clock = cluster.client(), Clock()
    monkeypatch.setattr(zmesos.mapping, "time", clock)

    def make(item: str) -> str:
        if item == "bad":
            raise KeyError(item)
        return item

    def items() -> Iterator[str]:
        yield from ("true", "sleep 600", "sleep 601")
        if how == "make":
            yield "bad"
        if how == "items":
            raise KeyError("items")

    results = client.map(make, items(), concurrency=2, timeout=PATIENCE, **SMALL)
    assert next(results).item == "true"
    if how == "close":
        results.close()
        assert next(results, None) is None
    elif how == "with":
        with results:
            pass
    elif how == "exception":
        with pytest.raises(KeyError), results:
            raise KeyError
    else:
        if how == "time":
            clock.ahead = PATIENCE
        else:
            client.kill(next(task.id for task in client.tasks() if not zmesos.is_over(task)))
        with pytest.raises(zmesos.TimedOut if how == "time" else KeyError):
            while True:
                assert next(results).state == "KILLED"
        with pytest.raises(zmesos.ZmesosError, match="broken off by"):
            next(results)
    assert sorted(all_over(client).values()) == ["FINISHED", "KILLED", "KILLED"]


def test_tasks_may_be_kept_running_and_taken_up_again(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    gate = tmp_path / "gate"
    client = cluster.client()

    def make(item: int) -> dict[str, Any]:
        return {"command": "true" if item == 0 else f"while [ ! -e {gate} ]; do sleep 0.1; done", "id": f"job-{item}"}

    with client.map(make, range(4), concurrency=2, keep_running=True, **SMALL) as results:
        assert next(results).id == "job-0"
    assert {task.id for task in client.tasks() if not zmesos.is_over(task)} == {"job-1", "job-2"}
    gate.touch()
    with cluster.client() as another:
        again = list(another.map(make, range(4), concurrency=2, timeout=PATIENCE, **SMALL))
    assert [(one.id, one.state) for one in again] == [(f"job-{n}", "FINISHED") for n in range(4)]
    assert all(len(one.task.attempts) == 1 for one in again if one.task is not None)


def test_two_items_of_one_task(cluster: Cluster) -> None:
    client = cluster.client()
    done = list(client.map(lambda item: {"command": "true", "id": "same"}, "ab", timeout=PATIENCE, **SMALL))
    assert [(one.item, one.id, one.ok) for one in done] == [("a", "same", True), ("b", "same", True)]


def test_results_that_wait_are_bounded(start_cluster: Callable[..., Cluster], needs_local: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(zmesos.mapping, "MOST_HELD", 20)
    cluster = start_cluster()
    client = cluster.client()
    taken = []

    def make(item: int) -> dict[str, Any]:
        taken.append(item)
        return {"command": "true", **(NEVER if item == 0 else SMALL)}

    results = client.map(make, itertools.count(), concurrency=5)
    first = in_thread(lambda: next(results))
    wait_for(lambda: len(taken) >= 21, "items to be taken")
    wait_for(lambda: sum(state == "FINISHED" for state in states(client).values()) == len(taken) - 1, "all but the first")
    assert len(taken) <= 20 + 5
    client.kill(min(states(client), key=lambda name: int(name.rsplit("-", 1)[1])))
    done = first()
    assert (done.item, done.state) == (0, "KILLED")
    results.close()


def test_many_through_a_daemon_that_is_killed(start_cluster: Callable[..., Cluster], needs_local: None) -> None:
    """kill -9 three times in the middle; each item is told once, and the bound holds."""
    cluster = start_cluster(**SIMULATED)
    client = cluster.client()
    got, restarts = [], []

    def away() -> None:
        """For longer than a request may take."""
        cluster.daemon.kill()
        with cluster.client(timeout=1.5) as another, pytest.raises(zmesos.TimedOut):
            another.ping()
        cluster.daemon.start()

    for one in client.map(lambda n: "true", range(600), concurrency=40, timeout=4 * PATIENCE, cpus=0.01, mem=1):
        got.append(one)
        if len(got) == 1:  # a daemon that never answered would not be waited for
            impatient(client, 1.0)
        if len(got) in (100, 250, 400):
            for restart in restarts:
                restart()
            restarts.append(in_thread(away))
    for restart in restarts:
        restart()
    assert [one.item for one in got] == list(range(600)) and all(one.ok for one in got)
    client = cluster.client()
    tasks = list(client.tasks())
    assert len(tasks) == 600 and all(re.fullmatch(r"map-\w+-\d+", task.id) for task in tasks)
    assert most_at_once(client) <= 40
    assert client.status().run == 4


def test_a_daemon_that_never_answered(cluster: Cluster) -> None:
    cluster.daemon.stop()
    with pytest.raises(zmesos.TimedOut) as caught:
        next(cluster.client(timeout=0.3).map(str, [1], **SMALL))
    assert "1 tasks may go on" in caught.value.__notes__[0]
