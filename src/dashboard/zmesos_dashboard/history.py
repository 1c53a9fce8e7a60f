"""How many tasks were in which state over time, for the chart. Pure: no socket, no clock.

Four spans of time, each with its own width of bucket; a bucket has how many tasks were alive in each group of states at its
end, and how many ended in it. Buckets in which nothing happened are not kept, so memory is bounded by the spans.

Fed with the journal from its oldest event on. Tasks that were alive before that show later: by an event that is not their
first, or by the snapshot. They are counted from the beginning, in the state that comes before the one they show up in.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Iterable

from zmesos.messages import messages

S = messages.TaskState.Value
SECOND = 1_000_000_000

ALIVE = ("waiting", "starting", "running", "killing", "out_of_sight")
ENDED = ("finished", "failed", "killed", "other")
_ALIVE: dict[int, int] = {
    S("QUEUED"): 0,
    S("LAUNCHING"): 1,
    S("STAGING"): 1,
    S("STARTING"): 1,
    S("RUNNING"): 2,
    S("KILLING"): 3,
    S("UNREACHABLE"): 4,
    S("UNKNOWN"): 4,
}
_ENDED: dict[int, int] = {S("FINISHED"): 0, S("FAILED"): 1, S("KILLED"): 2, S("ERROR"): 3, S("GONE"): 3, S("LOST"): 3}
# Where a task was before, as a rule. QUEUED again is after an attempt.
_BEFORE: dict[int, int] = {S("LAUNCHING"): 0, S("STAGING"): 1, S("STARTING"): 1, S("RUNNING"): 1, S("ERROR"): 1}
_MOST_LIKELY = 2  # RUNNING


@dataclass(frozen=True)
class Span:
    """seconds: that are shown; width: of a bucket."""

    name: str
    seconds: int
    width: int


SPANS = (
    Span("10m", 600, 2),
    Span("3h", 3 * 3600, 30),
    Span("2d", 2 * 86400, 600),
    Span("30d", 30 * 86400, 7200),
)


@dataclass(slots=True)
class _Bucket:
    start: int  # seconds since 1970
    alive: list[int]
    ended: list[int]


class _Line:
    """The buckets of one span, oldest first."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.buckets: deque[_Bucket] = deque()

    def note(self, second: int, alive: list[int], ended: int | None) -> None:
        start = second - second % self.span.width
        last = self.buckets[-1] if self.buckets else None
        if last is None or start > last.start:  # a clock that was set back does not go back here
            last = _Bucket(start, alive, [0] * len(ENDED))
            self.buckets.append(last)
            # One from before the span stays: it says how many were alive when the span begins.
            while len(self.buckets) > 1 and self.buckets[1].start <= start - self.span.seconds - self.span.width:
                self.buckets.popleft()
        last.alive = alive.copy()
        if ended is not None:
            last.ended[ended] += 1


class History:
    """The chart's numbers."""

    def __init__(self) -> None:
        self._lines = {span.name: _Line(span) for span in SPANS}
        self._where: dict[str, int] = {}  # of each task that is alive, or may return: its state
        self._alive = [0] * len(ALIVE)  # since the beginning of what was read
        self._before = [0] * len(ALIVE)  # that were there at that time
        self.events = 0

    def note(self, task_id: str, state: int, revision: int, time_ns: int) -> None:
        """An event; they come in the order of their numbers."""
        self.events += 1
        before = self._where.pop(task_id, None)
        if before is not None:
            group = _ALIVE.get(before)
        elif revision > 1:
            group = _BEFORE.get(state, _MOST_LIKELY)
            self._before[group] += 1
        else:
            group = None
        if group is not None:
            self._alive[group] -= 1
        now = _ALIVE.get(state)
        if now is not None:
            self._alive[now] += 1
        if now is not None or state == S("LOST"):
            self._where[task_id] = state
        second = time_ns // SECOND
        for line in self._lines.values():
            line.note(second, self._alive, _ENDED.get(state))

    def complete(self, tasks: Iterable[tuple[str, int]]) -> None:
        """All tasks that there are, by id and state, once all events up to now were noted: those of which no event
        came were as they are all the time."""
        for task_id, state in tasks:
            if task_id in self._where:
                continue
            group = _ALIVE.get(state)
            if group is not None:
                self._where[task_id] = state
                self._before[group] += 1
            elif state == S("LOST"):
                self._where[task_id] = state

    def alive(self) -> list[int]:
        """How many tasks are in each group of ALIVE now."""
        return self._at(self._alive)

    def points(self, name: str, now: int) -> dict[str, Any]:
        """The numbers of a span that ends `now` (seconds since 1970), a point for each bucket; KeyError for no span.
        A value of None: nothing is known of that time."""
        line = self._lines[name]
        width = line.span.width
        last = max(now, line.buckets[-1].start if line.buckets else 0) // width * width
        first = last - line.span.seconds + width
        alive: list[list[int | None]] = [[] for _ in ALIVE]
        ended: list[list[int]] = [[] for _ in ENDED]
        kept = deque(line.buckets)
        known: list[int] | None = None
        for start in range(first, last + width, width):
            counted = [0] * len(ENDED)
            while kept and kept[0].start <= start:
                bucket = kept.popleft()
                known = self._at(bucket.alive)
                if bucket.start == start:
                    counted = bucket.ended
            for values, index in zip(alive, range(len(ALIVE))):
                values.append(None if known is None else known[index])
            for totals, count in zip(ended, counted):
                totals.append(count)
        return {
            "span": name,
            "width": width,
            "first": first,
            "alive": dict(zip(ALIVE, alive)),
            "ended": dict(zip(ENDED, ended)),
        }

    def newest(self, start: int) -> list[dict[str, Any]]:
        """The buckets of the shortest span from the second `start` on, oldest first."""
        line = self._lines[SPANS[0].name]
        found: list[dict[str, Any]] = []
        for bucket in reversed(line.buckets):
            if bucket.start < start:
                break
            alive = dict(zip(ALIVE, self._at(bucket.alive)))
            ended = dict(zip(ENDED, bucket.ended))
            found.append({"span": line.span.name, "start": bucket.start, "alive": alive, "ended": ended})
        found.reverse()
        return found

    def _at(self, alive: list[int]) -> list[int]:
        return [max(0, count + before) for count, before in zip(alive, self._before)]
