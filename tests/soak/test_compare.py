"""The comparison finds each kind of broken promise in histories that are made up, and nothing in one that is right."""
from __future__ import annotations

import json
import pathlib
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import programs  # noqa: E402, F401  (puts the built package on the path)
from compare import CHECKS, LOST, TWICE, compare  # noqa: E402
from history import (TASK, UPDATE, Attempt, History, Launched, Refused, Seen, Stream, Task, TaskEvent, View,  # noqa: E402
                     digest, read)
from zmesos import messages, scheduler  # noqa: E402

STORE = "store-1"
STATES = ["QUEUED", "LAUNCHING", "STARTING", "RUNNING"]


def add_task(history: History, task_id: str, end: str = "FINISHED", attempts: int = 1, max_starts: int = 1) -> Task:
    """A task that was launched, ran as often as it says, ended, and was seen by all."""
    key = len(history.tasks) + 1
    history.launches[task_id] = Launched(task_id, max_starts, code="OK")
    task = Task(key, task_id, end, 0, attempts)
    history.tasks[task_id] = task
    history.evidence[task_id] = []
    for number in range(1, attempts + 1):
        mesos_id = f"{task_id}.{key}.{number}"
        history.accepts.append(mesos_id)
        history.attempts[key].append(Attempt(key, number, end if number == attempts else "FAILED", mesos_id))
        history.evidence[task_id] += [("S", mesos_id), ("E", mesos_id)]
        for state in STATES:
            add_event(history, task, state, number if state != "QUEUED" else number - 1)
        uuid = f"{mesos_id}-uuid"
        history.updates.add(uuid)
        history.acknowledged += [(mesos_id, uuid)] * 2
    add_event(history, task, end, attempts)
    return task


def add_event(history: History, task: Task, state: str, attempt: int) -> None:
    number = len(history.journal[TASK]) + 1
    task.revision += 1
    topic, content = f"task/{task.id}/{state}", f"digest-{number}"
    history.journal[TASK][number] = content
    history.task_events.append(TaskEvent(number, task.id, task.revision, state, attempt))
    history.views.append(View("client", task.id, task.revision, state))
    [stream] = history.streams
    stream.events.append(Seen(STORE, 1, TASK, number, topic, content))
    stream.heads[TASK] = number
    stream.end = {TASK: number}


def good() -> History:
    """a finished at once, b was tried twice, c was killed before it ran, d is LOST, e returned; some were refused."""
    history = History(store=STORE, streams=[Stream("listener-all", whole=frozenset([TASK, UPDATE]), end={})])
    add_task(history, "a")
    add_task(history, "b", attempts=2, max_starts=2)
    killed = add_task(history, "c", "KILLED", 0)
    history.kills.append(View("client", "c", killed.revision, "KILLED"))
    del history.evidence["c"]
    add_task(history, "d", "LOST")
    returned = add_task(history, "e", "LOST")
    add_event(history, returned, "RUNNING", 1)
    add_event(history, returned, "FINISHED", 1)
    returned.state = "FINISHED"
    history.orphans += ["orphan-7", "orphan-8"]  # the first is seen to run, the other was over before
    add_task(history, "orphan-7")
    del history.launches["orphan-7"]
    history.refused += [Refused("f", "S", "INVALID"), Refused("a", "X", "CONFLICT"), Refused("g", "S", None)]
    return history


def test_a_good_history_has_no_findings() -> None:
    history = good()
    assert compare(history) == []
    assert len(history.task_events) > 20 and len(history.streams[0].events) == len(history.task_events)


Break = Callable[[History], Any]
BREAKS: dict[str, list[tuple[str, Break]]] = {}


def breaks(kind: str) -> Callable[[Break], Break]:
    def keep(function: Break) -> Break:
        BREAKS.setdefault(kind, []).append((function.__name__, function))
        return function
    return keep


@breaks(LOST)
def answered_and_not_there(history: History) -> None:
    history.launches["never"] = Launched("never", code="OK")


@breaks(LOST)
def waits_without_a_reason(history: History) -> None:
    task = history.tasks["a"]
    task.state = history.task_events[4].state = "QUEUED"
    task.attempts = 0
    history.attempts[task.key].clear()
    history.task_events[4].attempt = history.task_events[3].attempt + 1
    history.evidence["a"] = []
    history.launches["a"].max_starts = 2
    history.views = [view for view in history.views if view.id != "a"]


@breaks(LOST)
def staging_at_the_end(history: History) -> None:
    task = add_task(history, "h", "FINISHED")
    task.state = history.task_events[-1].state = "STAGING"
    history.task_events[-1].attempt = 2
    history.task_events[-2].state = "QUEUED"
    history.launches["h"].max_starts = 2
    history.views = [view for view in history.views if view.id != "h"]
    task.message = "on its way"


@breaks(LOST)
def finished_without_a_line(history: History) -> None:
    del history.evidence["a"]


@breaks(TWICE)
def started_twice(history: History) -> None:
    task = history.tasks["a"]
    history.attempts[task.key].append(Attempt(task.key, 2, "FINISHED", f"a.{task.key}.2"))
    task.attempts = 2
    history.evidence["a"].insert(1, ("S", f"a.{task.key}.2"))
    history.evidence["a"].pop()
    history.evidence["a"].append(("E", f"a.{task.key}.2"))


@breaks(TWICE)
def more_often_than_its_policy_says(history: History) -> None:
    history.launches["b"].max_starts = 1


@breaks(TWICE)
def one_attempt_twice(history: History) -> None:
    history.launches["a"].max_starts = 3
    history.evidence["a"] *= 2


@breaks("a good launch was refused")
def good_launch_refused(history: History) -> None:
    history.launches["h"] = Launched("h", code="INVALID", message="no")


@breaks("a bad launch was taken")
def bad_launch_taken(history: History) -> None:
    history.refused[0].code = "OK"


@breaks("a refused launch ran")
def refused_is_in_the_database(history: History) -> None:
    add_task(history, "f")
    del history.launches["f"]


@breaks("a refused launch ran")
def conflict_ran(history: History) -> None:
    history.evidence["a"].append(("X", "a.1.1"))


@breaks("a killed task is unknown")
def killed_and_unknown(history: History) -> None:
    history.kills.append(View("client", "never", 3, "RUNNING"))


@breaks("a kill was not carried out")
def killed_and_runs(history: History) -> None:
    task = add_task(history, "h", "RUNNING")
    task.state, task.message = "RUNNING", "on its way"
    history.task_events[-1].revision = history.task_events[-2].revision + 1
    history.kills.append(View("client", "h", 1, "QUEUED"))


@breaks("a task ran after it was cancelled")
def cancelled_and_ran(history: History) -> None:
    history.evidence["c"] = [("S", "c.3.1")]


@breaks("a launched task was unknown")
def unknown_after_the_answer(history: History) -> None:
    history.unknown.append(("client", "a"))


@breaks("an answer without an explanation")
def surprised(history: History) -> None:
    history.surprises.append("client: get was answered MALFORMED")


@breaks("a revision with two states")
def two_states_by_reply_and_journal(history: History) -> None:
    history.views.append(View("another", "a", 2, "RUNNING"))


@breaks("a revision with two states")
def two_states_by_two_replies(history: History) -> None:
    history.tasks["a"].revision = 9  # a change that is not published, such as a kill's
    history.views += [View("one", "a", 8, "FINISHED"), View("another", "a", 8, "RUNNING")]


@breaks("a revision that is not in the database")
def told_a_revision_that_was_lost(history: History) -> None:
    history.views.append(View("client", "a", 77, "FINISHED"))


@breaks("two attempts at once")
def overlapped(history: History) -> None:
    one, two = "b.2.1", "b.2.2"
    history.evidence["b"] = [("S", one), ("S", two), ("E", one), ("E", two)]


@breaks("finished without an end")
def no_end_line(history: History) -> None:
    history.evidence["a"].pop()


@breaks("ran, and is said never to have run")
def error_that_ran(history: History) -> None:
    task = add_task(history, "h", "ERROR")
    history.evidence["h"] = [("S", f"h.{task.key}.1")]


@breaks("an attempt that is not in the database ran")
def unknown_attempt_ran(history: History) -> None:
    history.evidence["a"] = [("S", "a.1.7"), ("E", "a.1.7")]


@breaks("ran, and was never launched")
def stranger_ran(history: History) -> None:
    history.evidence["stranger"] = [("S", "stranger.9.1")]


@breaks("an attempt was sent twice")
def sent_twice(history: History) -> None:
    history.accepts.append(history.accepts[0])


@breaks("acknowledged, and not in the journal")
def acknowledged_and_forgotten(history: History) -> None:
    history.updates.remove(history.acknowledged[0][1])


@breaks("the database is damaged")
def damaged(history: History) -> None:
    history.integrity = "row 7 missing from index"


@breaks("attempts without a row")
def attempt_row_missing(history: History) -> None:
    history.attempts[history.tasks["d"].key].clear()
    history.evidence["d"].clear()


@breaks("an orphan of its own")
def orphan_of_its_own(history: History) -> None:
    history.orphans.append("a.1.1")


@breaks("an orphan was told twice")
def orphan_twice(history: History) -> None:
    history.orphans.append("orphan-8")


@breaks("a hole in the journal")
def hole(history: History) -> None:
    del history.journal[TASK][3]
    del history.task_events[2]
    history.streams[0].events = [event for event in history.streams[0].events if event.number != 3]
    history.streams[0].holes.append((TASK, 3, 3))


@breaks("a revision that does not grow")
def revision_repeated(history: History) -> None:
    event = history.task_events[3]
    event.revision -= 1
    history.views = [view for view in history.views if view.id != event.id]
    history.task_events[2].state = event.state


@breaks("state went backwards")
def over_and_then_not(history: History) -> None:
    task = history.tasks["a"]
    add_event(history, task, "RUNNING", 1)
    task.state, task.message = "RUNNING", "again"


@breaks("state went backwards")
def over_and_then_over_otherwise(history: History) -> None:
    task = history.tasks["a"]
    add_event(history, task, "FAILED", 1)
    task.state = "FAILED"


@breaks("state went backwards")
def running_and_then_staging(history: History) -> None:
    history.task_events[3].state = "STAGING"
    history.task_events[2].state = "RUNNING"
    history.views = [view for view in history.views if view.id != "a"]


@breaks("state went backwards")
def an_earlier_attempt_again(history: History) -> None:
    history.task_events[10].attempt = 1
    history.task_events[9].attempt = 2


@breaks("state went backwards")
def ran_and_waits_again(history: History) -> None:
    history.launches["b"].max_starts = 1
    history.evidence["b"] = history.evidence["b"][2:]


@breaks("the journal and the table differ")
def table_says_otherwise(history: History) -> None:
    history.tasks["d"].state = "GONE"
    history.tasks["d"].revision += 1


@breaks("an event of another store")
def other_store(history: History) -> None:
    history.streams[0].events[4].store = "store-2"


@breaks("an event number came again")
def number_again(history: History) -> None:
    history.streams[0].events.insert(5, history.streams[0].events[4])


@breaks("an event came out of order")
def out_of_order(history: History) -> None:
    events = history.streams[0].events
    events[4], events[5] = events[5], events[4]


@breaks("published, and not in the journal")
def published_before_it_was_durable(history: History) -> None:
    history.streams[0].events.append(Seen(STORE, 1, TASK, 999, "task/a/RUNNING", "digest-999"))


@breaks("published, and not in the journal")
def published_in_an_empty_class(history: History) -> None:
    history.streams[0].events.append(Seen(STORE, 1, UPDATE, 1, "mesos/UPDATE/a/1", "digest"))


@breaks("an event number with different content")
def other_content(history: History) -> None:
    history.streams[0].events[4].digest = "another"


@breaks("dropped for a subscriber that was not slow")
def dropped(history: History) -> None:
    history.streams[0].events.pop(4)
    history.streams[0].holes.append((TASK, 5, 5))
    history.streams[0].dropped.append((TASK, 5, 5))


@breaks("a subscriber did not come to its end")
def subscriber_died(history: History) -> None:
    history.streams[0].end = None


@breaks("missed, and it could not tell")
def missed_in_silence(history: History) -> None:
    history.streams[0].events.pop(4)


@breaks("missed, and it could not tell")
def last_one_missed_and_not_in_the_heads(history: History) -> None:
    history.streams[0].heads[TASK] -= 1
    history.streams[0].events.pop()
    assert history.streams[0].end == {TASK: len(history.journal[TASK])}


@breaks("told as missed, and seen")
def told_and_seen(history: History) -> None:
    history.streams[0].holes.append((TASK, 5, 5))


@pytest.mark.parametrize(("kind", "name", "function"),
                         [(kind, name, function) for kind, several in BREAKS.items() for name, function in several])
def test_a_broken_promise_is_found(kind: str, name: str, function: Break) -> None:
    history = good()
    function(history)
    kinds = [finding.kind for finding in compare(history)]
    assert kind in kinds
    # A history that is broken in one way is not accused of others, but where one implies the other.
    implied = {"started_twice": {"two attempts at once"}, "refused_is_in_the_database": {"ran, and was never launched"},
               "cancelled_and_ran": {"ran, and is said never to have run", "an attempt that is not in the database ran"},
               "more_often_than_its_policy_says": {"state went backwards"}}
    assert set(kinds) <= {kind} | implied.get(name, set())


def test_every_check_has_a_broken_history() -> None:
    """A check that no history above sets off would be untested."""
    silent = set(CHECKS)
    for several in BREAKS.values():
        for _, function in several:
            history = good()
            function(history)
            silent -= {check for check in silent if list(check(history))}
    assert silent == set()


# ---- what must not be accused --------------------------------------------------------------------------

def test_a_task_that_was_forgotten_after_its_end_is_not_lost() -> None:
    history = good()
    task = history.tasks.pop("a")
    del history.attempts[task.key]
    history.kills.append(View("client", "a", 1, "RUNNING"))
    history.unknown.append(("client", "a"))
    assert compare(history) == []


def test_a_launch_that_was_not_answered_may_be_there_or_not() -> None:
    history = good()
    history.launches["a"].code = None
    history.launches["nowhere"] = Launched("nowhere")
    assert compare(history) == []


def test_attempts_may_overlap_under_a_policy_that_says_so() -> None:
    history = good()
    overlapped(history)
    history.launches["b"].overlap = True
    assert compare(history) == []


def test_a_task_may_wait_for_an_agent_that_its_policy_allows() -> None:
    history = good()
    waits_without_a_reason(history)
    history.launches["a"].elsewhere = True
    assert compare(history) == []


def test_a_kill_waits_for_a_task_that_is_cut_off() -> None:
    history = good()
    killed_and_runs(history)
    task = history.tasks["h"]
    add_event(history, task, "UNKNOWN", 1)
    task.state = "UNKNOWN"
    assert compare(history) == []


def test_an_unreachable_attempt_may_return_in_an_earlier_state() -> None:
    history = good()
    history.task_events[3].state = "UNREACHABLE"
    history.views = []
    add = history.tasks["a"]
    history.task_events[4].state = "STARTING"
    add_event(history, add, "FINISHED", 1)
    assert compare(history) == []


def test_a_subscriber_that_began_late_or_told_its_holes_is_right() -> None:
    history = good()
    stream = history.streams[0]
    stream.events = stream.events[3:6] + stream.events[8:-2]
    stream.holes.append((TASK, 7, 8))
    assert compare(history) == []


def test_what_comes_after_a_subscriber_has_ended_is_not_missed() -> None:
    history = good()
    stream = history.streams[0]
    stream.events = stream.events[:-2]
    stream.heads = stream.end = {TASK: stream.events[-1].number}
    assert compare(history) == []


def test_a_narrow_subscriber_is_not_asked_for_all() -> None:
    history = good()
    history.streams[0].whole = frozenset()
    history.streams[0].events = history.streams[0].events[::3]
    history.streams[0].dropped.append((TASK, 2, 3))
    assert compare(history) == []


# ---- reading what the witnesses wrote ------------------------------------------------------------------

def write_lines(path: pathlib.Path, *records: Any) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_a_history_is_read_from_the_witnesses_files(tmp_path: pathlib.Path) -> None:
    plan = {"id": "a", "max_starts": 2, "overlap": True, "elsewhere": True, "refused": False, "mark": "S"}
    write_lines(tmp_path / "client-1-control.log", {"plan": plan}, {"plan": {**plan, "id": "never"}},
                {"plan": {**plan, "refused": True, "mark": "X"}}, {"unanswered": "launched", "ids": ["never"]},
                {"launched": [["a", "OK", "QUEUED", 1, ""]]}, {"refusals": [["a", "CONFLICT", None, None, "taken"]]},
                {"launched": [["a", "OK", "RUNNING", 4, ""]]},
                {"killed": [["a", "OK", "RUNNING", 5, ""], ["x", "NOT_FOUND", None, None, ""]]},
                {"view": [["a", "KILLED", 6]]}, {"missing": ["a", "never"]},
                {"refused": "UNAVAILABLE", "message": "", "what": "get"},
                {"refused": "INVALID", "message": "why", "what": "get"})
    with (tmp_path / "client-1-control.log").open("a") as log:
        log.write('{"launched": [["torn')
    write_lines(tmp_path / "listener-tasks.log", ["event", "s", 2, TASK, 7, 1, "task/a/QUEUED", "d"], ["hole", TASK, 3, 6],
                ["dropped", TASK, 3, 6], ["heads", {str(TASK): 9}], ["end", {str(TASK): 7}])
    write_lines(tmp_path / "calls.log", {"accept": ["a.1.1", "b.2.1"]}, {"acknowledge": "a.1.1", "uuid": "00ff"})
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "a").write_text("S a.1.1\nE a.1.1\n")
    (tmp_path / "daemon" / "state").mkdir(parents=True)
    write_database(tmp_path / "daemon" / "state" / "zmesos.db")

    history = read(tmp_path)
    assert history.launches == {"a": Launched("a", 2, True, True, "OK"), "never": Launched("never", 2, True, True, None)}
    assert history.refused == [Refused("a", "X", "CONFLICT")]
    assert history.kills == [View("client-1-control", "a", 5, "RUNNING")]
    assert [(view.revision, view.state) for view in history.views] == [
        (1, "QUEUED"), (4, "RUNNING"), (5, "RUNNING"), (6, "KILLED")]
    assert history.unknown == [("client-1-control", "a")]
    assert history.surprises == ["client-1-control: get was answered INVALID: why"]
    assert history.streams == [Stream("listener-tasks", [Seen("s", 2, TASK, 7, "task/a/QUEUED", "d")], [(TASK, 3, 6)],
                                      [(TASK, 3, 6)], {TASK: 9}, {TASK: 7}, frozenset([TASK]))]
    assert history.accepts == ["a.1.1", "b.2.1"] and history.acknowledged == [("a.1.1", "00ff")]
    assert history.evidence == {"a": [("S", "a.1.1"), ("E", "a.1.1")]}
    assert (history.store, history.integrity) == ("s", "ok")
    assert history.tasks == {"a": Task(1, "a", "KILLED", 6, 1, True, "words", "WHY")}
    assert dict(history.attempts) == {1: [Attempt(1, 1, "KILLED", "a.1.1"), Attempt(1, 2, "KILLED", "a-stranger")]}
    assert history.task_events == [TaskEvent(1, "a", 4, "RUNNING", 1)]
    assert history.updates == {"00ff"} and history.orphans == ["q.1.1"]
    assert history.journal[UPDATE] == {5: digest(b"mesos/UPDATE/a/1", b"h", update().SerializeToString())}


def update() -> scheduler.Event:
    event = scheduler.Event(type=scheduler.Event.UPDATE)
    event.update.status.task_id.value = "a.1.1"
    event.update.status.state = 1
    event.update.status.uuid = bytes.fromhex("00ff")
    return event


def write_database(path: pathlib.Path) -> None:
    task = messages.Task(id="a", state=messages.RUNNING, revision=4)
    task.attempts.add(number=1)
    database = sqlite3.connect(path)
    database.executescript("CREATE TABLE meta(name, value); CREATE TABLE event(class, number, topic, header, body);"
                           "CREATE TABLE task(key, id, state, revision, attempts, kill_requested, message, reason);"
                           "CREATE TABLE attempt(task_key, number, state, mesos_id)")
    database.execute("INSERT INTO meta VALUES('store_id', 's')")
    database.execute("INSERT INTO task VALUES(1, 'a', ?, 6, 1, 1, 'words', 'WHY')", [messages.KILLED])
    database.execute("INSERT INTO attempt VALUES(1, 1, ?, ''), (1, 2, ?, 'a-stranger')", [messages.KILLED] * 2)
    database.executemany("INSERT INTO event VALUES(?, ?, ?, ?, ?)", [
        (TASK, 1, "task/a/RUNNING", b"h", task.SerializeToString()),
        (UPDATE, 5, "mesos/UPDATE/a/1", b"h", update().SerializeToString()),
        (messages.ORPHAN, 1, "zmesos/ORPHAN/q.1.1", b"h",
         messages.Orphan(mesos_task_id="q.1.1").SerializeToString())])
    database.commit()
    database.close()
