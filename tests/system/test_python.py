"""The Python package against the real zmesosd: what it launches, kills, lists, follows, and what it outlives."""

from __future__ import annotations

import pathlib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import zmesos
from programs import PATIENCE, Cluster, wait_for

SMALL = {"cpus": 0.1, "mem": 32}
NEVER = {"cpus": 1_000_000, "mem": 32}  # more than any agent has: accepted, and waits


def spec(task_id: str, command: str = "true", **fields: Any) -> zmesos.TaskSpec:
    return zmesos.task_spec(command, id=task_id, **{**SMALL, **fields})


def in_thread(function: Callable[[], Any]) -> Callable[[], Any]:
    """Starts it; calling what comes back waits for it and gives its result or raises its exception."""
    box: list[Any] = []

    def run() -> None:
        try:
            box.append((function(), None))
        except BaseException as error:  # raised again in the test's thread
            box.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result() -> Any:
        thread.join(2 * PATIENCE)
        assert box, "the thread did not end"
        value, error = box[0]
        if error is not None:
            raise error
        return value

    return result


def impatient(client: Any, seconds: float) -> None:
    """Requests from now on are given up after so long; those before had all the time they needed."""
    logic = getattr(client, "_logic", client)
    logic._timeout = seconds
    for asks in (logic._io.requester, logic._io.pipeline):
        asks.timeout, asks.attempts = seconds, 3


def looks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Has an entry, who waits, for each time that one who waits for tasks has asked the daemon for them: the first time it was
    answered, or had raised."""
    looked: list[Any] = []
    look = zmesos.waiting.Ends._look

    async def noting(self: Any, left: Any) -> Any:
        found = await look(self, left)
        looked.append(self)
        return found

    monkeypatch.setattr(zmesos.waiting.Ends, "_look", noting)
    return looked


# ---- launching ---------------------------------------------------------------------------------------------


def test_launch_and_wait(cluster: Cluster) -> None:
    client = cluster.client()
    result = client.launch("exit 0", name="one", labels={"team": "x"}, **SMALL)
    assert result.ok and not result.known and result.id.startswith("one-")
    task = client.wait(result.id, PATIENCE)
    assert (task.id, zmesos.state_name(task.state), task.name) == (result.id, "FINISHED", "one")
    assert task.attempts[-1].hostname and task.attempts[-1].mesos_task_id.startswith(result.id + ".")
    failed = client.wait(client.launch(["/bin/sh", "-c", "exit 3"], **SMALL).id, PATIENCE)
    assert zmesos.state_name(failed.state) == "FAILED"
    assert "3" in failed.message
    looked = client.task(result.id, with_spec=True)
    assert looked.spec.labels.labels[0].key == "team"
    assert looked.revision == task.revision


def test_a_launch_again_is_known_and_another_is_a_conflict(cluster: Cluster) -> None:
    client = cluster.client()
    assert not client.launch(spec=spec("job")).known
    client.wait("job", PATIENCE)
    again = client.launch(spec=spec("job"))
    assert again.known and again.state == "FINISHED"
    with pytest.raises(zmesos.Conflict):
        client.launch(spec=spec("job", mem=33))
    assert len(client.task("job").attempts) == 1


def test_many_with_some_refused(cluster: Cluster) -> None:
    client = cluster.client()
    specs = [spec(f"t{number}") for number in range(6)]
    specs[2] = zmesos.task_spec("true", id="t2")  # no resources
    specs[4] = spec("bad/id")
    results = client.launch_many(specs)
    assert [result.id for result in results] == ["t0", "t1", "t2", "t3", "bad/id", "t5"]
    assert [result.code for result in results] == ["OK", "OK", "INVALID", "OK", "INVALID", "OK"]
    assert "tasks[4].id" in results[4].field
    ended = client.wait(["t0", "t1", "t3", "t5"], PATIENCE)
    assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}
    assert client.get(["t2", "bad/id"]) == {}


@pytest.mark.parametrize(
    "fields, at",
    [({"cpus": float("nan")}, "cpus"), ({"mem": -1}, "mem"), ({"id": "a/b"}, "id"), ({"role": "nobody"}, "role")],
)
def test_refusals_name_the_field(cluster: Cluster, fields: dict[str, Any], at: str) -> None:
    client = cluster.client()
    with pytest.raises(zmesos.Invalid) as caught:
        client.launch("true", **{**SMALL, **fields})
    assert caught.value.field.endswith("." + at)
    assert caught.value.message and not caught.value.retry
    assert list(client.tasks()) == []


def test_thousands_through_the_pipeline_are_seen_once_each(start_cluster: Callable[..., Cluster], needs_local: None) -> None:
    room = "cpus:200;mem:65536;disk:10240;ports:[31000-32000]"
    cluster = start_cluster(local_flags=("--simulate",), local={"resources": room})
    client = cluster.client(timeout=PATIENCE)
    events = cluster.subscribe("task/")
    ids = [f"t{number}" for number in range(3500)]
    results = client.launch_many(spec(task_id) for task_id in ids)
    assert [result.id for result in results] == ids and all(result.ok for result in results)
    ended = client.wait(ids, 2 * PATIENCE)
    assert list(ended) == ids
    assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}
    seen: dict[str, list[str]] = {task_id: [] for task_id in ids}
    for event in events.catch_up(client.status(), PATIENCE):
        assert event.task is not None
        seen[event.task.id].append(zmesos.state_name(event.task.state))
    assert events.missed == 0
    for task_id, states in seen.items():
        assert states[0] == "QUEUED" and states[-1] == "FINISHED", (task_id, states)
        assert len(set(states)) == len(states), (task_id, states)


# ---- killing -----------------------------------------------------------------------------------------------


def test_kill_a_running_task(cluster: Cluster) -> None:
    client = cluster.client()
    events = cluster.subscribe("task/long/")
    client.launch(spec=spec("long", "sleep 600"))
    wait_for(lambda: (event := events.recv(1)) and event.topic == "task/long/RUNNING", "the task to run")
    assert client.kill("long", grace=1)[0].ok
    task = client.wait("long", PATIENCE)
    assert zmesos.state_name(task.state) == "KILLED" and task.kill_requested


def test_kill_what_was_not_launched_cancels_it(cluster: Cluster) -> None:
    client = cluster.client()
    client.launch("true", id="waits", **NEVER)
    assert client.kill("waits")[0].state == "KILLED"
    task = client.task("waits")
    assert zmesos.state_name(task.state) == "KILLED" and not task.attempts


def test_kill_by_label(cluster: Cluster) -> None:
    client = cluster.client()
    for number in range(6):
        client.launch("true", id=f"t{number}", labels={"team": "red" if number % 2 else "blue"}, **NEVER)
    assert sorted(result.id for result in client.kill(label="team=red")) == ["t1", "t3", "t5"]
    assert sorted(task.id for task in client.tasks(state="KILLED")) == ["t1", "t3", "t5"]
    assert sorted(result.id for result in client.kill(label=("team", None))) == ["t0", "t2", "t4"]
    assert client.kill(label="team") == []


def test_kill_with_an_unknown_id_kills_the_others(cluster: Cluster) -> None:
    client = cluster.client()
    client.launch("true", id="waits", **NEVER)
    with pytest.raises(zmesos.NotFound) as caught:
        client.kill("nobody", "waits")
    assert [(result.id, result.code) for result in caught.value.results] == [("nobody", "NOT_FOUND"), ("waits", "OK")]
    assert zmesos.state_name(client.task("waits").state) == "KILLED"


# ---- looking -----------------------------------------------------------------------------------------------


def test_tasks_by_state_label_and_prefix_in_pages(cluster: Cluster) -> None:
    client = cluster.client()
    ids = [f"{'a' if number % 2 else 'b'}{number:02}" for number in range(25)]
    client.launch_many(
        zmesos.task_spec("true", id=task_id, labels={"third": str(number % 3 == 0)}, **NEVER)
        for number, task_id in enumerate(ids)
    )
    client.kill("a01")
    assert [task.id for task in client.tasks(page_size=4)] == ids
    assert [task.id for task in client.tasks(page_size=1000)] == ids
    assert [task.id for task in client.tasks(prefix="a", page_size=5)] == ids[1::2]
    assert [task.id for task in client.tasks(label="third=True", page_size=2)] == ids[::3]
    assert [task.id for task in client.tasks(state="KILLED")] == ["a01"]
    assert len(list(client.tasks(state=["QUEUED", "KILLED"], prefix="a"))) == 12
    assert list(client.tasks(prefix="c")) == []
    assert not next(client.tasks()).HasField("spec")
    assert next(client.tasks(with_spec=True)).spec.id == ids[0]
    for size in (0, 1001):
        with pytest.raises(zmesos.Refused, match="list.page_size"):
            list(client.tasks(page_size=size))


def test_unknown_tasks(cluster: Cluster) -> None:
    client = cluster.client()
    for call in (client.task, lambda task_id: client.wait(task_id, PATIENCE), client.kill):
        with pytest.raises(zmesos.NotFound):
            call("nobody")
    assert client.get(["nobody"]) == {}


def test_status_reconcile_and_ping(cluster: Cluster) -> None:
    client = cluster.client()
    assert client.ping() > 0
    client.launch("true", id="waits", **NEVER)
    client.wait(client.launch(spec=spec("done")).id, PATIENCE)
    status = client.status()
    assert status.framework_id and status.store and status.run == 1 and status.version
    assert {zmesos.state_name(count.state): count.tasks for count in status.counts} == {"QUEUED": 1, "FINISHED": 1}
    assert client.reconcile() >= 0


# ---- waiting -----------------------------------------------------------------------------------------------


def test_wait_gives_up_in_time_and_the_task_goes_on(cluster: Cluster) -> None:
    client = cluster.client()
    client.launch("true", id="waits", **NEVER)
    with pytest.raises(zmesos.TimedOut):
        client.wait("waits", 0.2)
    assert zmesos.state_name(client.task("waits").state) == "QUEUED"


def test_as_completed_gives_each_once_as_it_ends(cluster: Cluster) -> None:
    client = cluster.client()
    client.launch("true", id="last", **NEVER)
    client.launch(spec=spec("first"))
    order = []
    for task in client.as_completed(["last", "first", "last"], PATIENCE):
        order.append((task.id, zmesos.state_name(task.state)))
        if task.id == "first":
            client.kill("last")
    assert order == [("first", "FINISHED"), ("last", "KILLED")]


def test_wait_outlives_a_killed_daemon(cluster: Cluster, needs_local: None, tmp_path: pathlib.Path) -> None:
    gate = tmp_path / "gate"
    client = cluster.client()
    events = cluster.subscribe("task/")
    client.launch(spec=spec("gated", f"while [ ! -e {gate} ]; do sleep 0.1; done"))
    wait_for(lambda: (event := events.recv(1)) and event.topic == "task/gated/RUNNING", "the task to run")
    waited = in_thread(lambda: client.wait("gated", 2 * PATIENCE))
    cluster.restart(kill=True)
    cluster.wait_subscribed()
    gate.touch()
    task = waited()
    assert zmesos.state_name(task.state) == "FINISHED" and len(task.attempts) == 1


def test_wait_goes_through_the_attempts(cluster: Cluster) -> None:
    client = cluster.client()
    second = "n=${MESOS_EXECUTOR_ID##*.}; test $n -ge 2"
    ids = [
        client.launch(second, retry={"max_attempts": 3, "backoff": 0.2}, **SMALL).id,
        client.launch("exit 1", retry=zmesos.retry_policy(max_attempts=2, backoff=0), **SMALL).id,
    ]
    ended = client.wait(ids, PATIENCE)
    assert [zmesos.state_name(ended[task_id].state) for task_id in ids] == ["FINISHED", "FAILED"]
    for task_id, last in zip(ids, ("FINISHED", "FAILED")):
        states = [zmesos.state_name(attempt.state) for attempt in ended[task_id].attempts]
        assert states == ["FAILED", last]  # all of them, though an event has the last alone


# ---- repeating ---------------------------------------------------------------------------------------------


def test_a_launch_asked_while_the_daemon_is_away_happens_once(cluster: Cluster) -> None:
    client = cluster.client(timeout=2 * PATIENCE, attempts=200)
    assert client.ping() > 0
    cluster.daemon.stop()
    launched = in_thread(lambda: client.launch(spec=spec("job")))
    with pytest.raises(zmesos.TimedOut):
        cluster.client(timeout=0.5).ping()
    cluster.daemon.start()
    assert launched().ok
    assert zmesos.state_name(client.wait("job", PATIENCE).state) == "FINISHED"
    assert [(task.id, len(task.attempts)) for task in client.tasks()] == [("job", 1)]


def test_threads_share_a_client(cluster: Cluster) -> None:
    client = cluster.client(timeout=PATIENCE)
    threads = [
        in_thread(lambda n=n: [client.launch("true", id=f"t{n}-{k}", **NEVER).id for k in range(10)])  # type: ignore[misc]
        for n in range(8)
    ]
    launched = [task_id for thread in threads for task_id in thread()]
    assert sorted(task.id for task in client.tasks()) == sorted(launched)
    assert len(launched) == 80


def test_tasks_whose_specifications_do_not_fit_into_one_reply(cluster: Cluster) -> None:
    client = cluster.client(timeout=PATIENCE)
    wide = {"FILLER": "x" * 100_000}  # a reply has 4 MiB of specifications at most
    specs = [zmesos.task_spec("true", id=f"wide-{n}", env=wide, **NEVER) for n in range(50)]
    assert all(result.ok for result in client.launch_many(specs))
    found = client.get([*(spec.id for spec in specs), "unknown"], with_spec=True)
    assert list(found) == [spec.id for spec in specs]
    assert all(len(task.spec.command.environment.variables[0].value) == 100_000 for task in found.values())


# ---- backups, and what comes of them -------------------------------------------------------------------------


def test_a_backup_is_a_file_of_the_daemons(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    client, alone = cluster.client(), zmesos.Client(cluster.control)
    with alone:
        for number, one in enumerate((client, alone)):  # by the pipeline, and by the control socket
            path = tmp_path / f"copy{number}.db"
            done = one.backup(path, timeout=PATIENCE)
            assert (done.path, done.bytes) == (str(path), path.stat().st_size) and done.bytes > 0
            with pytest.raises(zmesos.Conflict, match="backup.path"):
                one.backup(path, timeout=PATIENCE)
    for wrong in ("copy.db", "", "/" + 4096 * "x"):
        with pytest.raises(zmesos.Invalid, match="backup.path"):
            client.backup(wrong, timeout=PATIENCE)


def test_a_backup_at_the_end_is_made_or_not_as_is_told(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    client = cluster.client()
    for number in range(4):
        client.launch("true", id=f"large{number}", data=bytes(900_000), **NEVER)
    for number in range(6):
        path = tmp_path / f"copy{number}.db"
        asked = in_thread(lambda path=path: client.backup(path, timeout=PATIENCE))  # type: ignore[misc]
        limit = time.monotonic() + PATIENCE
        while f"making a backup: {path}" not in cluster.daemon.log.read_text():  # it takes some ten milliseconds: no pause
            assert time.monotonic() < limit
        cluster.restart()
        try:
            told = asked().bytes
        except zmesos.Unavailable:
            told = None
        assert (path.stat().st_size if path.exists() else None) == told


def test_what_was_restored_is_held_until_it_is_released(cluster: Cluster, tmp_path: pathlib.Path, needs_local: None) -> None:
    client = cluster.client(timeout=PATIENCE)
    before = client.status()
    assert not before.HasField("restored_ns")
    for task_id in ("waits1", "waits2", "waits3"):
        client.launch("true", id=task_id, **NEVER)
    client.wait(client.launch("true", id="over", **SMALL).id, PATIENCE)
    client.backup(tmp_path / "copy.db", timeout=PATIENCE)
    client.wait(client.launch(spec=spec("later")).id, PATIENCE)  # of which the copy knows nothing
    cluster.daemon.set_back(tmp_path / "copy.db")
    cluster.wait_subscribed()

    status = client.status()
    assert status.held == 3 and status.restored_ns > before.started_ns
    assert status.store != before.store and status.framework_id == before.framework_id
    assert {task.id: task.held for task in client.tasks()} == {"waits1": True, "waits2": True, "waits3": True, "over": False}
    assert [(result.id, result.state) for result in client.release("run", "waits2")] == [("waits2", "QUEUED")]
    with pytest.raises(zmesos.NotFound) as caught:
        client.release("DROP", "nobody", "waits1")
    assert [(result.id, result.code) for result in caught.value.results] == [("nobody", "NOT_FOUND"), ("waits1", "OK")]
    assert [(result.id, result.state) for result in client.release("DROP")] == [("waits3", "KILLED")]
    assert client.release("RUN") == [] and client.status().held == 0
    idle, = client.release("DROP", "waits2")
    assert idle.known and idle.state == "QUEUED"  # it is not held any more: nothing was done
    assert {task.id: zmesos.state_name(task.state) for task in client.tasks()} == \
        {"waits1": "KILLED", "waits2": "QUEUED", "waits3": "KILLED", "over": "FINISHED"}
    again = client.launch(spec=spec("later"))
    assert not again.known and again.kept and zmesos.state_name(client.wait("later", PATIENCE).state) == "FINISHED"


def test_an_orphan_is_an_event_and_a_task(cluster: Cluster, needs_local: None) -> None:
    client, events = cluster.client(), cluster.subscribe("zmesos/ORPHAN/")
    agent = cluster.local.state()["agents"][0]["id"]
    word = {"task_id": {"value": "stranger"}, "agent_id": {"value": agent}, "state": "TASK_RUNNING"}
    cluster.local.fault("send_event", event={"type": "UPDATE", "update": {"status": word}}, repeat=2)
    event = events.recv(PATIENCE)
    assert event is not None and event.topic == "zmesos/ORPHAN/stranger" and event.event_class == "ORPHAN"
    assert event.orphan.action == zmesos.Orphan.ADOPTED and event.orphan.task_id == "stranger"
    assert (event.orphan.mesos_task_id, event.orphan.agent_id) == ("stranger", agent)
    assert client.task("stranger").adopted
    assert list(events.catch_up(client.status(), PATIENCE)) == [] and events.missed == 0  # told once


# ---- events ------------------------------------------------------------------------------------------------


def test_a_task_is_told_step_by_step(cluster: Cluster) -> None:
    client = cluster.client()
    events = cluster.subscribe("task/job1/", "mesos/UPDATE/job1/")
    client.launch_many([spec("job1"), spec("job10")])
    tasks, updates = [], []
    while not tasks or not zmesos.is_over(tasks[-1].task):
        event = events.recv(PATIENCE)
        assert event is not None and event.task_id == "job1"
        (tasks if event.task else updates).append(event)
    client.wait("job10", PATIENCE)
    states = [event.topic.split("/")[2] for event in tasks]
    assert states[0] == "QUEUED" and states[-1] == "FINISHED" and "RUNNING" in states
    assert states == [zmesos.state_name(event.task.state) for event in tasks]
    revisions = [event.revision for event in tasks]
    assert revisions == sorted(set(revisions)) and revisions[0] == 1
    assert all(event.task.revision == event.revision and not event.task.HasField("spec") for event in tasks)
    # The master's words may come after ours: no order is promised between classes.
    while not updates or updates[-1].mesos.update.status.state != zmesos.mesos.TASK_FINISHED:
        event = events.recv(PATIENCE)
        assert event is not None
        updates.append(event)
    assert {event.topic for event in updates} == {"mesos/UPDATE/job1/1"}
    mesos_id = client.task("job1").attempts[0].mesos_task_id
    assert {event.mesos.update.status.task_id.value for event in updates} == {mesos_id}
    assert events.missed == 0  # gaps in the numbers are job10's


def test_everything_has_a_number_and_none_is_missed(cluster: Cluster) -> None:
    client = cluster.client()
    events = cluster.subscribe()
    ids = [client.launch(spec=spec(f"t{number}")).id for number in range(5)]
    client.wait(ids, PATIENCE)
    status = client.status()
    seen = list(events.catch_up(status, PATIENCE))
    assert events.missed == 0
    for name in ("TASK", "UPDATE"):
        numbers = [event.number for event in seen if event.event_class == name]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) >= 2 * len(ids)
    offers = [event for event in seen if event.topic == "mesos/OFFERS"]
    assert offers and all(offer.hostname for event in offers for offer in event.mesos.offers.offers)
    assert {(event.store, event.run) for event in seen} == {(status.store, status.run)}
    for event in seen:
        assert str(event).startswith(event.topic)


def test_a_subscription_outlives_a_killed_daemon(cluster: Cluster) -> None:
    client = cluster.client(timeout=PATIENCE)
    events = cluster.subscribe("task/")
    client.wait(client.launch(spec=spec("before")).id, PATIENCE)
    before = list(events.catch_up(client.status(), PATIENCE))
    run = events.run
    cluster.restart(kill=True)
    wait_for(lambda: events.recv(0.1) or events.run != run, "a heartbeat of the new run")
    client.wait(client.launch(spec=spec("after")).id, 2 * PATIENCE)
    after = list(events.catch_up(client.status(), PATIENCE))
    # The numbers go on where they were.
    numbers = [event.number for event in before + after]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert {event.run for event in before} == {1} and {event.run for event in after} == {2}
    assert events.missed == 0
