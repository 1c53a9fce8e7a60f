"""A task's attempts and states with their times, from the task itself and from the daemon's journal of task events.

The journal is on the daemon's disk, so what it tells holds over restarts of both sides. It has no index of topics: the first
time, the place where the task begins is found by the times of events, and later only what is new is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Iterator, Optional

from .errors import Conflict, Invalid, Truncated
from .events import Event
from .messages import Request, Task, messages
from .states import state_name

if TYPE_CHECKING:
    from .client import AsyncClient

LOOKED_AT = 20_000  # events that the daemon looks at for one page: with no more than that, the beginning is not searched for
MARGIN_NS = 60_000_000_000  # that the daemon's clock may have been set back
ASK_AGAIN = 0.05  # seconds
TASK_CLASS = messages.EventClass.Value("TASK")


@dataclass(frozen=True)
class StateChange:
    """The task as it was published once. attempt: 0 before the first. time: UTC, to the microsecond."""

    state: str
    time: datetime
    attempt: int
    revision: int
    message: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Attempt:
    """One try to run the task. changed: when its state was last heard of. replaced: it was given up, and another runs."""

    number: int
    state: str
    hostname: str
    agent_id: str
    launched: Optional[datetime]
    changed: Optional[datetime]
    message: str = ""
    reason: str = ""
    replaced: bool = False


@dataclass(frozen=True)
class History:
    """Attempts and states, oldest first. Iterate over it for the states: one for each event that was published of the task,
    so the same state may come again with something else changed.

    complete: whether all are here that there were: the daemon keeps events for a time only (--keep-events)."""

    attempts: tuple[Attempt, ...] = ()
    states: tuple[StateChange, ...] = ()
    complete: bool = False

    def __iter__(self) -> Iterator[StateChange]:
        return iter(self.states)

    def __len__(self) -> int:
        return len(self.states)

    def __str__(self) -> str:
        """A line for each state."""
        return "\n".join(
            f"{change.time:%Y-%m-%d %H:%M:%S.%f} {change.state}"
            + (f", attempt {change.attempt}" if change.attempt > 1 else "")
            + (f": {change.message}" if change.message else "")
            for change in self.states
        )


class Journaled:
    """The history of one task as far as it was asked for."""

    def __init__(self, client: "AsyncClient", task_id: str) -> None:
        self.history = History()
        self._client = client
        self._task_id = task_id
        self._store: Optional[str] = None
        self._next = 0  # the first number that was not asked for; 0: nothing was
        self._changes: dict[int, StateChange] = {}  # by revision
        self._cut = False  # the journal does not begin with the first event
        self._lost = False  # between two changes that are known there may have been others

    async def refresh(self, task: Task) -> None:
        """Takes in the task as it is, and what was published of it since the last time."""
        if task.revision not in self._changes:
            try:
                await self._read_on(task)
            except (Conflict, Invalid) as error:  # another history is in the place of the one that the numbers are of
                if self._store is None or not error.field.endswith((".store", ".from")):
                    raise
                self._store, self._next = None, 0
                self._changes.clear()
                self._cut = self._lost = False
                await self._read_on(task)
        states = tuple(self._changes[revision] for revision in sorted(self._changes) if revision <= task.revision)
        self.history = History(
            attempts=tuple(map(_attempt, task.attempts)),
            states=states,
            complete=1 in self._changes and not self._lost,
        )

    async def _read_on(self, task: Task) -> None:
        if self._next == 0:
            self._next = await self._beginning(task.created_ns - MARGIN_NS)
            searched = self._next > 1
            await self._read(task)
            if searched and 1 not in self._changes and not self._cut:  # a clock that was set back further misled the search
                self._next = 1
                await self._read(task)
        else:
            await self._read(task)

    async def _read(self, task: Task) -> None:
        """Up to the event that tells the task as it is, or to the last one."""
        while task.revision not in self._changes:
            try:
                page = await self._page(self._next, 1000, f"task/{self._task_id}/")
            except Truncated as error:
                self._cut = True
                self._lost = bool(self._changes)
                self._next = error.oldest
                continue
            for publication in page.events:
                self._note(Event.of_publication(publication))
            if page.next <= min(self._next, page.head):  # no step further: the store has not written it yet
                await self._client._io.sleep(ASK_AGAIN)
            self._next = page.next
            if page.next > page.head:
                return

    def _note(self, event: Event) -> None:
        task = event.task
        if task is None:
            return
        number = task.attempts[-1].number if task.attempts else 0
        self._changes[task.revision] = StateChange(
            state_name(task.state), event.time, number, task.revision, task.message, task.reason
        )

    async def _page(self, start: int, size: int, prefix: Optional[str] = None) -> messages.ReplayPage:
        wanted = messages.Replay(page_size=size, prefixes=[] if prefix is None else [prefix], store=self._store)
        setattr(wanted, "class", TASK_CLASS)
        setattr(wanted, "from", start)
        page = (await self._client._ask(Request(replay=wanted))).replay
        self._store = page.store
        return page

    async def _beginning(self, created_ns: int) -> int:
        """A number before which the task has no event: by halves, so it takes a few small requests however long the journal."""
        first = 1
        try:
            page = await self._page(first, 1)
        except Truncated as error:
            first = error.oldest
            self._cut = True
            page = await self._page(first, 1)
        last = page.head
        while last - first > LOOKED_AT:
            middle = (first + last) // 2
            page = await self._page(middle, 1)
            if page.events and page.events[0].header.time_ns < created_ns:
                first = middle
            else:
                last = middle
        return first


def _time(nanoseconds: int) -> Optional[datetime]:
    if nanoseconds == 0:
        return None
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=nanoseconds // 1000)


def _attempt(attempt: messages.Attempt) -> Attempt:
    return Attempt(
        number=attempt.number,
        state=state_name(attempt.state),
        hostname=attempt.hostname,
        agent_id=attempt.agent_id,
        launched=_time(attempt.launched_ns),
        changed=_time(attempt.changed_ns),
        message=attempt.message,
        reason=attempt.reason,
        replaced=attempt.replaced,
    )
