"""The account of zmesos-exporter, event by event: what is timed, what is counted when a snapshot knew it, what is bounded."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "src" / "exporter"))

import zmesos  # noqa: E402
from zmesos import messages  # noqa: E402
from zmesos_exporter.account import BOUNDS, Account  # noqa: E402
from zmesos_exporter.collector import DaemonCollector, of_status  # noqa: E402
from zmesos_exporter.labels import LabelSets  # noqa: E402
from zmesos_exporter.numbers import EventNumbers  # noqa: E402

SECOND = 10**9


def event(number: int, state: str, at: float, **task: Any) -> zmesos.Event:
    attempts = [messages.Attempt(state=ended) for ended in task.pop("attempts", ())]
    body = zmesos.Task(id=task.pop("id", "job"), state=state, attempts=attempts, **task)
    header = messages.EventHeader(number=number, time_ns=round(at * SECOND))
    return zmesos.Event(f"task/{body.id}/{state}", header, body.SerializeToString())


def note(account: Account, *events: zmesos.Event) -> None:
    for one in events:
        account.note(one, {})


def test_times_are_of_each_attempt_and_without_the_backoff() -> None:
    account = Account(LabelSets())
    note(
        account,
        event(1, "QUEUED", 10, revision=1, created_ns=10 * SECOND),
        event(2, "LAUNCHING", 12, revision=2, created_ns=10 * SECOND),
        event(3, "RUNNING", 13, revision=3, created_ns=10 * SECOND),
        event(4, "UNREACHABLE", 14, revision=4),
        event(5, "RUNNING", 100, revision=5),  # is back: was not launched
        event(6, "QUEUED", 101, revision=6, retry_ns=150 * SECOND, attempts=["FAILED"]),
        event(7, "LAUNCHING", 154, revision=7),
        event(8, "STAGING", 155, revision=8),
        event(9, "RUNNING", 158, revision=9),
        event(10, "FAILED", 160, revision=10, reason="REASON_COMMAND_EXECUTOR_FAILED"),
    )
    assert (account.queued.sum, sum(account.queued.counts)) == (2 + 4, 2)
    assert (account.launch.sum, sum(account.launch.counts)) == (3 + 8, 2)
    assert account.retries == {"FAILED": 1} and account.live == {}
    assert account.ends == {("FAILED", "REASON_COMMAND_EXECUTOR_FAILED", ()): 1}
    assert account.transitions == {"QUEUED": 2, "LAUNCHING": 2, "STAGING": 1, "RUNNING": 3, "UNREACHABLE": 1, "FAILED": 1}


def test_a_snapshot_that_knew_more_changes_no_count() -> None:
    account = Account(LabelSets(["team"]))
    task = zmesos.Task(id="job", state="RUNNING", revision=3, created_ns=SECOND)
    account.seed([task, zmesos.Task(id="old", state="QUEUED", revision=1, created_ns=SECOND)])
    account.seed([zmesos.Task(id="job", state="QUEUED", revision=1)])  # older than what is known
    note(account, event(1, "LAUNCHING", 2, revision=2), event(2, "RUNNING", 3, revision=3))
    assert account.transitions == {"LAUNCHING": 1, "RUNNING": 1}
    assert +account.live_by_labels == {("RUNNING", ("",)): 1, ("QUEUED", ("",)): 1}
    note(account, event(3, "LAUNCHING", 5, id="old", revision=2), event(4, "FINISHED", 6, revision=4))
    assert +account.live_by_labels == {("LAUNCHING", ("",)): 1} and account.queued.sum == 4


def test_what_is_lost_may_return_and_end_again() -> None:
    account = Account(LabelSets(["team"]))
    note(account, event(1, "LOST", 2, revision=4), event(2, "RUNNING", 3, revision=5), event(3, "FINISHED", 4, revision=6))
    assert account.transitions == {"LOST": 1, "RUNNING": 1, "FINISHED": 1} and sum(account.launch.counts) == 0
    assert +account.live_by_labels == {}


def test_reasons_are_those_of_mesos() -> None:
    account = Account(LabelSets())
    for number, reason in enumerate(("", "REASON_TASK_KILLED_DURING_LAUNCH", "REASON_OF_TOMORROW", "another")):
        note(account, event(number, "KILLED", 1, id=f"t{number}", revision=1, reason=reason))
    assert {reason: count for (_, reason, _), count in account.ends.items()} == {
        "": 1, "REASON_TASK_KILLED_DURING_LAUNCH": 1, "other": 2}


def of_the_disk(**fields: int) -> dict[str, float]:
    """What is told of the disk and the journal for a status."""
    metrics = of_status(messages.DaemonStatus(**fields))
    told = {sample.name: sample.value for metric in metrics for sample in metric.samples}
    return {name: value for name, value in told.items() if "commit" in name or "journal" in name}


def test_the_disk_and_the_journal() -> None:
    told = of_the_disk(journal_events=7, commits=4, commits_us=2_500_000, longest_commit_us=1_000_000)
    wanted = {"zmesos_journal_events": 7, "zmesos_commits_total": 4, "zmesos_commit_seconds_total": 2.5,
              "zmesos_longest_commit_seconds": 1}
    assert told == wanted  # the bytes are not known yet
    assert of_the_disk(journal_events=7, journal_bytes=700, commits=4, commits_us=2_500_000,
                       longest_commit_us=1_000_000) == {**wanted, "zmesos_journal_bytes": 700}
    assert of_the_disk() == {}  # a daemon that is older


def test_a_gap_is_told_and_forgets_what_was_live() -> None:
    account = Account(LabelSets(["team"]))
    account.seed([zmesos.Task(id="job", state="RUNNING", revision=3)])
    position = zmesos.Position("s", {"TASK": 20})
    account.note_started_over(zmesos.StartedOver("TRUNCATED", "TASK", (11, 20), position))
    assert account.lost == {"TASK": 10} and account.position == position
    assert account.live == {} and not +account.live_by_labels
    account.note_started_over(zmesos.StartedOver("STORE", None, None, position))
    assert account.started_over == {"TRUNCATED": 1, "STORE": 1} and account.lost == {"TASK": 10}


def test_label_sets_at_their_limit_and_past_it() -> None:
    sets = LabelSets(["a"], most=2)
    assert [sets.bounded((value,)) for value in ("x", "y", "z", "", "x")] == [("x",), ("y",), ("other",), ("",), ("x",)]
    assert sets.overflowed == 1
    longest = "é" * 64  # 128 bytes
    assert LabelSets(["a"]).bounded((longest,)) == (longest,)
    assert LabelSets(["a"]).bounded((longest + "e",)) == ("other",)
    assert LabelSets([f"k{number}" for number in range(8)]).names[7] == "label_k7"
    for keys, most in (([f"k{number}" for number in range(9)], 1), (["a.b", "a-b"], 1), ([""], 1), (["a"], 0)):
        with pytest.raises(ValueError):
            LabelSets(keys, most)


def test_bounds_count_what_is_on_them() -> None:
    account = Account(LabelSets())
    for seconds in (*BOUNDS, BOUNDS[-1] + 1, -5):
        account.launch.observe(round(seconds * SECOND))
    assert account.launch.counts == [2] + [1] * len(BOUNDS)
    assert account.launch.buckets()[-1] == ("+Inf", len(BOUNDS) + 2) and account.launch.sum == sum(BOUNDS) + BOUNDS[-1] + 1


def test_an_older_daemon_has_no_agents_and_is_up() -> None:
    class Old:
        def status(self, timeout: float) -> zmesos.DaemonStatus:
            return status("s", 1, TASK=3)

        def agents(self) -> Any:
            raise zmesos.Unsupported("UNKNOWN_OPERATION", "there is no operation this daemon knows, but a field 44")

    watch = SimpleNamespace(lock=threading.Lock(), numbers=EventNumbers(), account=Account(LabelSets()), caught_up=True)
    told = {sample.name: sample.value for family in DaemonCollector(Old(), watch, 1.0).collect() for sample in family.samples}
    assert told["zmesos_up"] == 1 and told["zmesos_offers"] == 0 and "zmesos_agents_cpus" not in told


def status(store: str, run: int, **heads: int) -> zmesos.DaemonStatus:
    made = zmesos.DaemonStatus(store=store, run=run)
    for name, number in heads.items():
        head = made.heads.add(number=number)
        setattr(head, "class", messages.EventClass.Value(name))
    return made


def test_numbers_go_on_over_runs_and_stores() -> None:
    numbers = EventNumbers()
    for one, total in (
        (status("s", 1, TASK=100, DAEMON=50), (0, 0)),  # what was before is not counted
        (status("s", 1, TASK=110, DAEMON=60), (10, 10)),
        (status("s", 1, TASK=108, DAEMON=59), (10, 10)),  # an answer that was overtaken
        (status("s", 2, TASK=115, DAEMON=7), (15, 17)),  # another run: volatile numbers from 1
        (status("s", 1, TASK=110, DAEMON=61), (15, 17)),
        (status("t", 3, TASK=40, DAEMON=4), (15, 21)),  # restored: those 40 were counted once
        (status("t", 3, TASK=42, DAEMON=4), (17, 21)),
    ):
        numbers.note(one)
        assert (numbers.totals["TASK"], numbers.totals["DAEMON"]) == total
