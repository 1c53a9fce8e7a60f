"""The account that is kept of events: counts that only grow, and the tasks that are not over. No input or output."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Callable, Iterable, Mapping, Optional, Sequence

import zmesos
from zmesos import messages

from .labels import LabelSets

STATES: tuple[str, ...] = tuple(messages.TaskState.keys())
OVER = frozenset(state for state in STATES if zmesos.is_over(zmesos.Task(state=zmesos.state_number(state))))
NOT_LAUNCHED_YET = frozenset(("QUEUED", "LAUNCHING", "STAGING", "STARTING"))
OTHER = "other"
REASONS = frozenset(zmesos.mesos.TaskStatus.Reason.keys())
BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)  # seconds
SECOND = 1_000_000_000

LabelsOf = Callable[[Sequence[str]], Mapping[str, tuple[str, ...]]]


@dataclass
class Histogram:
    """How many took how long: one count for each bound, and the last for what took longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    sum: float = 0.0

    def observe(self, nanoseconds: int) -> None:
        """Clocks that were set back make no negative times."""
        seconds = max(0, nanoseconds) / SECOND
        place = next((place for place, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        self.counts[place] += 1
        self.sum += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them."""
        total, found = 0, []
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self.counts):
            total += count
            found.append((bound, float(total)))
        return found


@dataclass
class Live:
    """A task that is not over. since_ns: since when it waits for being RUNNING; 0: it was, or nobody knows."""

    revision: int
    state: str
    since_ns: int
    labels: tuple[str, ...]


class Account:
    """Take the events of class TASK and OPERATION in order, each once. One thread at a time."""

    def __init__(self, label_sets: LabelSets) -> None:
        self.label_sets = label_sets
        self.position: Optional[zmesos.Position] = None  # all up to here is counted
        self.transitions: Counter[str] = Counter()  # by the state that was entered
        self.ends: Counter[tuple[str, str, tuple[str, ...]]] = Counter()  # by state, reason, labels
        self.retries: Counter[str] = Counter()  # by the state in which the attempt before ended
        self.operation_ends: Counter[tuple[str, str]] = Counter()  # by type, state
        self.queued = Histogram()  # from QUEUED to LAUNCHING
        self.launch = Histogram()  # from QUEUED to RUNNING
        self.lost: Counter[str] = Counter()  # events that could not be had, by class
        self.started_over: Counter[str] = Counter()  # by reason
        self.replayed = 0  # events that had to be asked for once more
        self.live: dict[str, Live] = {}
        self.live_by_labels: Counter[tuple[str, tuple[str, ...]]] = Counter()

    # ---- what happened --------------------------------------------------------------------------------

    def note(self, event: zmesos.Event, labels: Mapping[str, tuple[str, ...]]) -> None:
        """One event. labels: of the tasks that are not in `live`, where labels are wanted."""
        if event.task is not None:
            self._note_task(event.task, event.header.time_ns, labels)
        elif event.operation is not None and zmesos.operation_is_over(event.operation):
            operation = event.operation
            kind = zmesos.mesos.Offer.Operation.Type.Name(operation.type) if operation.HasField("type") else ""
            self.operation_ends[kind, zmesos.operation_state_name(operation.state)] += 1

    def note_started_over(self, over: zmesos.StartedOver) -> None:
        """Some are lost: seed() has to follow."""
        self.started_over[over.reason] += 1
        if over.missed is not None:
            self.lost[over.event_class or ""] += over.missed[1] - over.missed[0] + 1
        self.position = over.position
        self.live.clear()
        self.live_by_labels.clear()

    def seed(self, tasks: Iterable[zmesos.Task]) -> None:
        """The tasks of a snapshot that are not over; those that events told more of stay as they are."""
        for task in tasks:
            known = self.live.get(task.id)
            if known is not None and known.revision >= task.revision:
                continue
            state = zmesos.state_name(task.state)
            since = 0
            if state in NOT_LAUNCHED_YET and len(task.attempts) <= (state != "QUEUED"):
                since = task.created_ns
            elif state == "QUEUED":
                since = max(task.changed_ns, task.retry_ns)
            labels = self.label_sets.of(task) if self.label_sets.keys else ()
            self._put(task.id, Live(task.revision, state, since, labels))

    def unknown(self, events: Iterable[zmesos.Event]) -> list[str]:
        """The tasks of these events whose labels are to be asked for."""
        if not self.label_sets.keys:
            return []
        return list({event.task.id: None for event in events if event.task and event.task.id not in self.live})

    # ---- one task -------------------------------------------------------------------------------------

    def _note_task(self, task: zmesos.Task, time_ns: int, labels: Mapping[str, tuple[str, ...]]) -> None:
        state = zmesos.state_name(task.state)
        known = self.live.get(task.id)
        mine = known.labels if known is not None else labels.get(task.id, self.label_sets.none)
        self.transitions[state] += 1
        if state in OVER:
            self.ends[state, reason_of(task), mine] += 1
        elif state == "QUEUED" and task.attempts:
            self.retries[zmesos.state_name(task.attempts[-1].state)] += 1
        if known is not None and known.revision >= task.revision:
            return  # the snapshot knew
        since = known.since_ns if known is not None else 0
        if state == "QUEUED":
            since = max(time_ns, task.retry_ns) if task.attempts else task.created_ns
        elif state == "LAUNCHING" and since:
            self.queued.observe(time_ns - since)
        elif state == "RUNNING" and since:
            self.launch.observe(time_ns - since)
        if state not in NOT_LAUNCHED_YET:
            since = 0
        self._put(task.id, Live(task.revision, state, since, mine))

    def _put(self, task_id: str, live: Live) -> None:
        old = self.live.pop(task_id, None)
        if old is not None:
            self.live_by_labels[old.state, old.labels] -= 1
        # Without labels only what is still to be timed is kept: a million tasks that run cost nothing.
        if live.state not in OVER and (self.label_sets.keys or live.since_ns):
            self.live[task_id] = live
            self.live_by_labels[live.state, live.labels] += 1


def reason_of(task: zmesos.Task) -> str:
    """Mesos's reason; none: "". One that this program does not know is "other", so that there are never too many."""
    return task.reason if not task.reason or task.reason in REASONS else OTHER
