"""Handles: what launch() gives, and client.handle(); waiting, killing, and a history that is held against the daemon's journal."""
from __future__ import annotations

import pathlib
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
import zmesos
from programs import PATIENCE, Cluster, Daemon, wait_for
from test_python import NEVER, SMALL, impatient, in_thread, looks, spec


def journal(daemon: Daemon, task_id: str) -> list[tuple[str, int, int]]:
    """State, revision and time in ns of each event of the task, in the database of a daemon that has ended."""
    database = sqlite3.connect(pathlib.Path(daemon.state_dir) / "zmesos.db")
    try:
        rows = database.execute("SELECT topic, header FROM event WHERE class = 1 ORDER BY number").fetchall()
    finally:
        database.close()
    headers = [(topic, zmesos.messages.EventHeader.FromString(header)) for topic, header in rows]
    return [(topic.split("/")[2], header.revision, header.time_ns)
            for topic, header in headers if topic.startswith(f"task/{task_id}/")]


def told(history: zmesos.History) -> list[tuple[str, int, int]]:
    """As journal(), to the microsecond."""
    epoch = datetime.fromtimestamp(0, timezone.utc)
    return [(one.state, one.revision, round((one.time - epoch).total_seconds() * 1e6)) for one in history]


def same(history: zmesos.History, rows: list[tuple[str, int, int]]) -> bool:
    return [(state, revision) for state, revision, _ in rows] == [(one[0], one[1]) for one in told(history)] and all(
        abs(ns // 1000 - us) <= 1 for (_, _, ns), (_, _, us) in zip(rows, told(history)))


def test_launch_gives_a_handle(cluster: Cluster) -> None:
    client = cluster.client()
    handle = client.launch("exit 0", name="one", **SMALL)
    assert handle.id.startswith("one-") and handle.ok and not handle.known and handle.kept > 0
    assert (handle.state, handle.revision, handle.over, handle.task, list(handle.history)) == ("QUEUED", 1, False, None, [])
    assert repr(handle) == f"<Handle {handle.id} QUEUED>" and handle.check() is handle
    task = handle.wait(PATIENCE)
    assert zmesos.state_name(task.state) == "FINISHED" and handle.task == task
    assert handle.over and handle.state == "FINISHED" and handle.revision == task.revision and handle.check() is handle
    assert [change.state for change in handle.history][0] == "QUEUED" and handle.history.complete
    assert [change.state for change in handle.history][-1] == "FINISHED"
    with pytest.raises(zmesos.Invalid):
        client.launch("true", id="bad/id", **SMALL)


def test_a_failed_task_can_be_raised(cluster: Cluster) -> None:
    handle = cluster.client().launch("exit 7", **SMALL)
    assert zmesos.state_name(handle.wait(PATIENCE).state) == "FAILED"
    with pytest.raises(zmesos.TaskFailed, match=f"{handle.id} FAILED: .*7") as caught:
        handle.check()
    assert caught.value.task == handle.task


def test_a_handle_of_a_task_of_another_program(cluster: Cluster) -> None:
    cluster.client().launch(spec=spec("other", "sleep 600"))
    client = cluster.client()
    handle = client.handle("other")
    assert handle.id == "other" and handle.known and handle.task is not None and handle.state == zmesos.state_name(handle.task.state)
    wait_for(lambda: handle.refresh().state == "RUNNING", "the task to run")
    assert [change.state for change in handle.history][-1] == "RUNNING"
    handle.kill(grace=1)
    assert zmesos.state_name(handle.wait(PATIENCE).state) == "KILLED" and handle.state == "KILLED"
    handle.kill()  # one that is over: nothing
    assert handle.refresh().state == "KILLED"
    with pytest.raises(zmesos.NotFound, match="nobody"):
        client.handle("nobody")


def test_why_a_handles_task_waits(cluster: Cluster) -> None:
    client = cluster.client()
    handle = client.launch("true", id="waits", **NEVER)
    wait_for(lambda: any(reason.kind == zmesos.messages.Reason.CPUS for reason in handle.why().reasons), "the reason")
    with pytest.raises(zmesos.TimedOut):
        handle.wait(0.2)
    handle.kill()
    assert handle.state == "KILLED" and not handle.why().reasons


def test_the_history_has_each_attempt_and_state(cluster: Cluster, needs_local: None) -> None:
    client = cluster.client()
    handle = client.launch("n=${MESOS_EXECUTOR_ID##*.}; sleep 0.2; test $n -ge 3", retry={"max_attempts": 5, "backoff": 0.1},
                           id="thrice", **SMALL)
    other = client.launch("sleep 600", **SMALL)
    before = time.time()
    task = handle.wait(PATIENCE)
    history = handle.history
    assert [(one.number, one.state) for one in history.attempts] == [(1, "FAILED"), (2, "FAILED"), (3, "FINISHED")]
    assert all(one.hostname and one.agent_id and one.launched <= one.changed for one in history.attempts)
    assert all(abs(one.changed.timestamp() - before) < 2 * PATIENCE for one in history.attempts)
    assert [change.revision for change in history] == list(range(1, task.revision + 1)) and history.complete
    assert [change.state for change in history].count("QUEUED") == 3
    assert {change.attempt for change in history} == {0, 1, 2, 3}
    lines = str(history).splitlines()
    assert len(lines) == len(history) and lines[0].endswith(" QUEUED") and "FINISHED, attempt 3" in lines[-1]
    handle.refresh()
    assert handle.history == history
    other.kill(grace=0.1)
    other.wait(PATIENCE)
    assert other.history.complete  # though a wish to kill is a revision without an event
    cluster.daemon.stop()
    assert same(history, journal(cluster.daemon, "thrice")), (told(history), journal(cluster.daemon, "thrice"))
    assert same(other.history, journal(cluster.daemon, other.id))


def test_the_history_is_true_after_restarts(cluster: Cluster, needs_local: None, tmp_path: pathlib.Path) -> None:
    gate = tmp_path / "gate"
    client = cluster.client(timeout=PATIENCE, attempts=60)
    handle = client.launch(spec=spec("gated", f"while [ ! -e {gate} ]; do sleep 0.1; done"))
    wait_for(lambda: handle.refresh().state == "RUNNING", "the task to run")
    first = handle.history
    waited = in_thread(lambda: handle.wait(2 * PATIENCE))
    for _ in range(2):
        cluster.restart(kill=True)
        cluster.wait_subscribed()
    gate.touch()
    assert zmesos.state_name(waited().state) == "FINISHED"
    assert handle.history.states[: len(first)] == first.states and handle.history.complete
    assert len(handle.history.attempts) == 1
    late = cluster.client().handle("gated").refresh().history
    assert late == handle.history
    cluster.daemon.stop()
    assert same(late, journal(cluster.daemon, "gated"))


def test_a_wait_for_a_handle_whose_daemon_is_away(cluster: Cluster, needs_local: None, tmp_path: pathlib.Path,
                                                  monkeypatch: Any) -> None:
    """The daemon is gone for longer than a request may take, and is asked meanwhile."""
    monkeypatch.setattr(zmesos.waiting, "LOOK_EVERY", 0.1)
    gate = tmp_path / "gate"
    client = cluster.client()
    handle = client.launch(spec=spec("gated", f"while [ ! -e {gate} ]; do sleep 0.1; done"))
    wait_for(lambda: handle.refresh().state == "RUNNING", "the task to run")
    looked = looks(monkeypatch)
    waited = in_thread(lambda: handle.wait(2 * PATIENCE))
    wait_for(lambda: looked, "the wait to have begun: a daemon that never answered would not be waited for")
    impatient(client, 1.0)
    cluster.daemon.kill()
    gate.touch()
    for _ in range(2):
        with pytest.raises(zmesos.TimedOut):
            client.ping()
    cluster.daemon.start()
    assert zmesos.state_name(waited().state) == "FINISHED"
    assert handle.history.complete


def test_the_history_of_a_journal_that_was_cut(start_cluster: Callable[..., Cluster], needs_local: None) -> None:
    cluster = start_cluster("--keep-events", "30")
    client = cluster.client()
    handle = client.launch("sleep 600", id="long", **SMALL)
    wait_for(lambda: handle.refresh().state == "RUNNING", "the task to run")
    assert handle.history.complete
    early = client.handle("long")
    for batch in range(10):
        client.launch_many(zmesos.task_spec("true", id=f"filler-{batch}-{n}", **NEVER) for n in range(100))
    cluster.restart()  # what is in memory would do
    cluster.wait_subscribed()
    with pytest.raises(zmesos.Truncated):
        next(client.replay("TASK"))
    early.refresh()
    assert not early.history.complete and [one.state for one in early.history.attempts] == ["RUNNING"]
    handle.kill(grace=0.1)
    handle.wait(PATIENCE)
    # What it knew, it keeps; what came between that and the oldest event, nobody knows any more.
    assert [one.revision for one in handle.history][:4] == [1, 2, 3, 4] and handle.history.states[-1].state == "KILLED"
    assert not handle.history.complete
    early.wait(PATIENCE)
    assert early.history.states[-1].state == "KILLED" and not early.history.complete


def test_the_beginning_is_found_in_a_long_journal(cluster: Cluster, needs_local: None, monkeypatch: Any) -> None:
    """By halves, with a limit low enough that a few hundred events are many; and also where times mislead."""
    monkeypatch.setattr(zmesos.history, "LOOKED_AT", 10)
    monkeypatch.setattr(zmesos.history, "MARGIN_NS", 0)
    client = cluster.client()

    def fill(name: str) -> None:
        client.launch_many(zmesos.task_spec("true", id=f"{name}-{n}", **NEVER) for n in range(150))
    fill("before")
    handle = client.launch("true", id="sought", **SMALL)
    handle.wait(PATIENCE)
    fill("after")
    late = client.handle("sought").refresh()
    assert late.history.complete and late.history == handle.history
    monkeypatch.setattr(zmesos.history, "MARGIN_NS", -10**18)  # as if the clock had been set back by decades
    assert client.handle("sought").refresh().history == handle.history
