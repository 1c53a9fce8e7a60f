"""What was published, once more; how much of it there is; and what came of it: a part of Client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, AsyncGenerator, Iterable, Optional, Union, cast

from .driving import Stream, document, drive, streamed
from .errors import ProtocolError
from .events import Event
from .follow import AsyncFollower, Follower, Position, Start
from .ledger import FIRST_VOLATILE
from .messages import Reply, Request, Task, mesos, messages
from .states import StateLike, state_numbers

if TYPE_CHECKING:
    from .client import AsyncClient, Client

LabelLike = Union[str, tuple[str, Optional[str]]]


@dataclass
class Snapshot:
    """Tasks by id, and how far events are in them: a follower that starts at `position` has all that come after it,
    and some that are in the tasks already; apply() tells them apart."""

    tasks: dict[str, Task]
    position: Position

    def apply(self, event: Event) -> bool:
        """Takes in an event about a task; False where it was known."""
        task = event.task
        if task is None or (task.id in self.tasks and self.tasks[task.id].revision >= task.revision):
            return False
        self.tasks[task.id] = task
        return True


class Journal:
    """What Client inherits; not for itself."""

    _logic: "AsyncClient"

    def follow(self, *prefixes: str, start: Start = "now", high_water: int = 100_000, ready: float = 10.0) -> Follower:
        """Every event of the journaled classes under these topic prefixes (none: all), once, in the order of its class,
        through lost connections and restarts of the daemon. Iterate over it.

        start: "now"; "oldest", all that is kept; or a Position: of a Snapshot, or of another follower, to go on where that
        one stopped. high_water: how many may wait here; those dropped are asked for again. TimedOut if there is no
        heartbeat within `ready` seconds.
        """
        return Follower(cast("Client", self), prefixes, start, high_water, ready)

    def snapshot(
        self,
        state: Union[StateLike, Iterable[StateLike], None] = None,
        label: Optional[LabelLike] = None,
        prefix: Optional[str] = None,
        with_spec: bool = False,
        page_size: int = 250,
    ) -> Snapshot:
        """The tasks under all the conditions given, with the position in the events after which they are to be followed."""
        return drive(self._logic.snapshot(state, label, prefix, with_spec, page_size))

    def replay(self, event_class: str, *prefixes: str, start: int = 1) -> Stream[Event]:
        """The events of a journaled class ("TASK", "UPDATE", ...) from the number `start` to the last one, of those under
        these topic prefixes (none: all). Truncated where they are not kept from there on."""
        return Stream(self._logic.replay(event_class, *prefixes, start=start))

    def tail(self, event_class: str, *prefixes: str, after: int = 0) -> messages.TailCount:
        """How many events of a class came after a number (`count`), of those under these topic prefixes (none: all), and
        the last of them (`last`). Of a volatile class: of the whole class in this run of the daemon."""
        return drive(self._logic.tail(event_class, *prefixes, after=after))


class AsyncJournal:
    """What aio.Client inherits: the logic of Journal."""

    async def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        raise NotImplementedError

    def follow(
        self, *prefixes: str, start: Start = "now", high_water: int = 100_000, ready: float = 10.0
    ) -> AsyncFollower:
        return AsyncFollower(cast("AsyncClient", self), prefixes, start, high_water, ready)

    async def snapshot(
        self,
        state: Union[StateLike, Iterable[StateLike], None] = None,
        label: Optional[LabelLike] = None,
        prefix: Optional[str] = None,
        with_spec: bool = False,
        page_size: int = 250,
    ) -> Snapshot:
        asked = messages.Snapshot(page_size=page_size, with_spec=with_spec, states=state_numbers(state))
        if label is not None:
            asked.label.CopyFrom(as_label(label))
        if prefix is not None:
            asked.id_prefix = prefix
        while True:
            asked.after = 0
            found: Optional[Snapshot] = None
            while True:
                page = (await self._ask(Request(snapshot=asked))).snapshot
                if found is None:
                    found = Snapshot({}, Position(page.store, _numbers(page.heads)))
                if found.position.store != page.store:
                    break  # restored meanwhile: begin again
                found.tasks.update((task.id, task) for task in page.tasks)
                if not page.HasField("next"):
                    return found
                if page.next <= asked.after:
                    raise ProtocolError(f"a page after {asked.after} that is followed by {page.next}")
                asked.after = page.next

    @streamed
    async def replay(self, event_class: str, *prefixes: str, start: int = 1) -> AsyncGenerator[Event, None]:
        asked = messages.Replay(prefixes=prefixes)
        setattr(asked, "class", messages.EventClass.Value(event_class))
        setattr(asked, "from", start)
        head: Optional[int] = None
        while True:
            page = (await self._ask(Request(replay=asked))).replay
            asked.store = page.store
            head = page.head if head is None else head
            for publication in page.events:
                yield Event.of_publication(publication)
            if page.next > head:
                return
            setattr(asked, "from", page.next)

    async def tail(self, event_class: str, *prefixes: str, after: int = 0) -> messages.TailCount:
        asked = messages.Tail(prefixes=prefixes, after=after)
        setattr(asked, "class", messages.EventClass.Value(event_class))
        found = (await self._ask(Request(tail=asked))).tail
        head = found.head
        while found.HasField("until") and found.until < head:
            asked.after, asked.store = found.until, found.store
            more = (await self._ask(Request(tail=asked))).tail
            more.count += found.count
            if not more.HasField("last") and found.HasField("last"):
                more.last = found.last
            found = more
        return found


document(AsyncJournal, Journal)


def as_label(label: LabelLike) -> mesos.Label:
    """From "key", "key=value" or a pair."""
    if isinstance(label, str):
        key, separator, text = label.partition("=")
        value: Optional[str] = text if separator else None
    else:
        key, value = label
    return mesos.Label(key=key) if value is None else mesos.Label(key=key, value=value)


def _numbers(heads: Iterable[messages.Head]) -> dict[str, int]:
    names = messages.EventClass
    return {
        names.Name(getattr(head, "class")): head.number
        for head in heads
        if getattr(head, "class") in names.values() and getattr(head, "class") < FIRST_VOLATILE
    }
