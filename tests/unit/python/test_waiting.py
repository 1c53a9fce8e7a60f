"""Waiting for ends: what is looked at and when, with a scripted daemon. Each way to miss an end is a test."""

from types import SimpleNamespace

import pytest
import zmesos
from zmesos import waiting
from zmesos.driving import AsyncStream, Stream
from zmesos.messages import EventHeader, messages

HEARD, RESTARTED = ("s", 1), ("s", 2)


def task(task_id, state):
    return zmesos.Task(id=task_id, state=messages.TaskState.Value(state))


def told(task_id, state):
    return zmesos.Event(f"task/{task_id}/{state}", EventHeader(), task(task_id, state).SerializeToString())


class Daemon:
    """Stands for a client and its subscription: `script` has what recv() gives or does, `now` what get() says."""

    timeout = 5.0

    def __init__(self, script=(), **now):
        self.script = list(script)
        self.now = {task_id: task(task_id, state) for task_id, state in now.items()}
        self.looks = []
        self.failures = []
        self.listened = 0
        self.run = None
        self.prefixes = None

    def subscribe(self, *prefixes):
        self.prefixes = prefixes
        return self

    async def close(self):
        pass

    async def get(self, ids, timeout=None):
        self.looks.append(list(ids))
        assert timeout <= self.timeout
        if self.failures and self.failures[0] == len(self.looks):
            self.failures.pop(0)
            raise zmesos.TimedOut("no answer")
        return {task_id: self.now[task_id] for task_id in ids if task_id in self.now}

    async def recv(self, timeout):
        self.listened += 1
        assert timeout <= waiting.LISTEN and self.listened < 1_000_000
        step = self.script.pop(0) if self.script else None
        return step(self) if callable(step) else step


def heard(run=HEARD):
    """The subscription's heartbeat comes in."""

    def step(daemon):
        daemon.run = run

    return step


def ends(task_id, state="FINISHED"):
    """The task ends, and no word of it arrives."""

    def step(daemon):
        daemon.now[task_id] = task(task_id, state)

    return step


def completed(daemon, ids, timeout):
    return Stream(AsyncStream(waiting.as_completed(daemon, ids, timeout)))


def ended(daemon, ids, timeout=30):
    return [(one.id, zmesos.state_name(one.state)) for one in completed(daemon, ids, timeout)]


@pytest.fixture
def patient(monkeypatch):
    """No look but those for a reason."""
    monkeypatch.setattr(waiting, "LOOK_EVERY", 1e9)


def test_what_was_over_before(patient):
    daemon = Daemon(a="FAILED", b="LOST")
    assert ended(daemon, ["a", "b", "a"]) == [("a", "FAILED"), ("b", "LOST")]
    assert daemon.looks == [["a", "b"]]


def test_an_end_that_is_told(patient):
    script = [told("a", "RUNNING"), told("other", "FINISHED"), None, told("a", "KILLED"), told("a", "KILLED")]
    daemon = Daemon(script, a="QUEUED")
    assert ended(daemon, ["a"]) == [("a", "KILLED")]
    assert len(daemon.looks) == 1


def test_queued_again_is_not_over(patient):
    second = task("a", "FINISHED")
    second.attempts.add(number=2)
    last = zmesos.Event("task/a/FINISHED", EventHeader(), second.SerializeToString())

    def whole(daemon):
        daemon.now["a"] = task("a", "FINISHED")
        for number in (1, 2):
            daemon.now["a"].attempts.add(number=number)
        return last

    daemon = Daemon([told("a", "RUNNING"), told("a", "QUEUED"), None, told("a", "RUNNING"), whole], a="QUEUED")
    task_of_all, = completed(daemon, ["a"], 30)
    assert [attempt.number for attempt in task_of_all.attempts] == [1, 2]
    assert not daemon.script and len(daemon.looks) == 2


def test_an_end_before_the_subscription_was_heard(patient):
    daemon = Daemon([ends("a"), heard()], a="RUNNING")
    assert ended(daemon, ["a"]) == [("a", "FINISHED")]
    assert len(daemon.looks) == 2


def test_an_end_while_the_daemon_was_started_anew(patient):
    daemon = Daemon([heard(), ends("a"), heard(RESTARTED)], a="RUNNING")
    assert ended(daemon, ["a"]) == [("a", "FINISHED")]
    assert len(daemon.looks) == 3


def test_an_end_whose_event_was_lost(monkeypatch):
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.0)
    daemon = Daemon(a="RUNNING")
    once = iter([None])

    async def get(ids, timeout=None):
        if next(once, daemon) is daemon:
            ends("a")(daemon)
        return {"a": daemon.now["a"]}

    daemon.get = get
    assert ended(daemon, ["a"]) == [("a", "FINISHED")]


def test_a_daemon_that_does_not_answer_is_asked_later(patient):
    daemon = Daemon([heard(), ends("a"), heard(RESTARTED)], a="RUNNING")
    daemon.failures = [2]
    assert ended(daemon, ["a"]) == [("a", "FINISHED")]
    daemon = Daemon(a="RUNNING")
    daemon.failures = [1]
    with pytest.raises(zmesos.TimedOut, match="no answer"):
        ended(daemon, ["a"])


def test_one_look_is_for_those_still_awaited(patient):
    daemon = Daemon([heard(), told("b", "FINISHED")], a="FINISHED", b="RUNNING")
    assert ended(daemon, ["a", "b"]) == [("a", "FINISHED"), ("b", "FINISHED")]
    assert daemon.looks == [["a", "b"], ["b"]]


def test_the_time_is_up(patient, monkeypatch):
    now = 0.0
    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: now))

    def passes(daemon):
        nonlocal now
        now += 20

    with pytest.raises(zmesos.TimedOut, match="1 of the tasks"):
        ended(Daemon([None, passes, passes], a="RUNNING", b="FINISHED"), ["a", "b"], timeout=30)


@pytest.mark.parametrize("ids", [["nobody"], ["a", "nobody"], ["a/b"]])
def test_unknown_ids(patient, ids):
    with pytest.raises(zmesos.NotFound):
        ended(Daemon(a="RUNNING"), ids)


def test_few_are_subscribed_to_one_by_one(patient):
    few = {f"t{number}": "FINISHED" for number in range(waiting.MOST_PREFIXES)}
    daemon = Daemon(**few)
    ended(daemon, few)
    assert daemon.prefixes == tuple(f"task/{task_id}/" for task_id in few)
    many = {**few, "one-more": "FINISHED"}
    daemon = Daemon(**many)
    ended(daemon, many)
    assert daemon.prefixes == ("task/",)
    assert ended(Daemon(), []) == []
