"""Following events so that none is missed and none comes twice: docs/protocol.md "Nothing missed".

Publications tell what is new, at once; ZeroMQ may drop them. What was dropped shows by the numbers, by the heads in the
heartbeats and, under a narrow prefix, by the daemon's count; then the daemon is asked for it once more.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, AsyncGenerator, Generator, Iterable, Iterator, Mapping, Optional, Union

from .closing import AsyncClosing, Closing
from .driving import Stream, document, drive, streamed
from .errors import Conflict, Invalid, TimedOut, Truncated, Unavailable, ZmesosError
from .events import AsyncEvents, Event
from .ledger import FIRST_VOLATILE, TOPICS, whole_classes
from .messages import DaemonStatus, Request, messages

if TYPE_CHECKING:
    from .client import AsyncClient, Client

MOST_PREFIXES = 10_000
PAGE = 1000  # events asked for at a time
DRAIN = 1000  # publications taken before they are looked at
ASK_TIMEOUT = 3.0  # seconds
ASK_AGAIN = 0.5  # seconds, where the daemon did not answer
VERIFY_SHARE = 4  # so many times as long as a count took nothing is counted


@dataclass(frozen=True)
class Position:
    """How far events are known: the last number of each class, by its name, in the history that `store` names."""

    store: str
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class StartedOver:
    """Stands among the events where some are lost for good: whoever keeps a state takes it anew, by
    Client.snapshot(), before the next event, and then drops events that do not raise a task's revision.

    reason: "TRUNCATED": the events of `event_class` with the numbers `missed` (first and last) are not kept any more;
    "ADDED": the position that was begun with says nothing of `event_class`, which was not followed or not known then: it
    begins at its head, and its events `missed` are not told. Client.replay() has those that are kept.
    "STORE": the daemon's history is another one since it was restored from a backup (`missed` and `event_class` are None).
    position: what follows comes after it.
    """

    reason: str
    event_class: Optional[str]
    missed: Optional[tuple[int, int]]
    position: Position


Followed = Union[Event, StartedOver]
Start = Union[str, Position]


class _Lane:
    """One class of events: what has been told, and what waits until all before it is."""

    def __init__(self, event_class: int, prefixes: tuple[str, ...]) -> None:
        self.event_class = event_class
        self.name = messages.EventClass.Name(event_class)
        self.prefixes = prefixes  # none: the whole class
        self.done = 0  # all up to here is ready, or was told
        self.told = 0  # the last number that was told
        self.heard = 0  # that much has been published, and what came of it is aside
        self.aside: dict[int, Event] = {}
        self.ready: deque[Event] = deque()
        self.not_before = 0.0  # monotonic: when the daemon may be asked again
        self.from_oldest = False  # nothing is known yet: it begins wherever the journal does

    def begin(self, number: int) -> None:
        self.done = self.told = self.heard = number
        self.from_oldest = False
        self.aside.clear()
        self.ready.clear()

    def take(self, event: Event) -> None:
        """A publication."""
        number = event.number
        if number == self.done + 1 and not self.prefixes:
            self.ready.append(event)
            self.done = number
            self.from_oldest = False
        elif number > self.done:
            self.aside[number] = event
        self.heard = max(self.heard, number)

    def settle(self, until: int, events: Iterable[Event]) -> None:
        """All up to `until` is known: these, and nothing else."""
        self.ready.extend(events)
        self.done = max(self.done, until)
        self.from_oldest = False
        self.heard = max(self.heard, until)
        for number in [number for number in self.aside if number <= self.done]:
            del self.aside[number]
        while not self.prefixes and self.done + 1 in self.aside:
            self.done += 1
            self.ready.append(self.aside.pop(self.done))

    @property
    def hole(self) -> int:
        """How many numbers at least are to be asked for."""
        if not self.prefixes and self.aside:
            return min(self.aside) - 1 - self.done
        return self.heard - self.done

    @property
    def position(self) -> int:
        return self.told if self.ready else self.done


class Follower(Closing):
    """Each event of the journaled classes under topic prefixes, once, in the order of its class. Iterate over it, or
    recv() with a timeout. Made by Client.follow(). One thread at a time.

    In place of events that are lost for good comes a StartedOver. While the daemon is away nothing comes; it goes on by
    itself. Under a prefix that does not take a whole class ("task/" does, "task/job1/" does not) each event waits until
    the daemon has said that there was none before it: a request, or one for many events.
    """

    def __init__(
        self,
        client: "Client",
        prefixes: tuple[str, ...] = (),
        start: Start = "now",
        high_water: int = 100_000,
        ready: float = 10.0,
    ) -> None:
        self._logic = AsyncFollower(client._logic, prefixes, start, high_water, ready)
        drive(self._logic._open())

    def close(self) -> None:
        """Ends the subscription. Again: nothing."""
        drive(self._logic.close())

    @property
    def replayed(self) -> int:
        """Events that the daemon was asked for once more."""
        return self._logic.replayed

    @property
    def position(self) -> Position:
        """After what has been returned so far: another follower goes on from there."""
        return self._logic.position

    def recv(self, timeout: Optional[float] = None) -> Optional[Followed]:
        """The next event; None if there is none within `timeout` seconds (0: takes what is there; None: waits)."""
        return drive(self._logic.recv(timeout))

    def __iter__(self) -> Iterator[Followed]:
        """Every event, for ever."""
        while True:
            found = self.recv()
            if found is not None:
                yield found

    def within(self, seconds: float) -> Stream[Followed]:
        """Every event of the next so many seconds."""
        return Stream(self._logic.within(seconds))


class AsyncFollower(AsyncClosing):
    """As zmesos.Follower, for one task of the event loop at a time. Made by aio.Client.follow(): `async for` over it, or
    `await` it, or use it in an `async with`: these begin it where nothing has, and "now" is then. A wait that is cancelled
    loses no event, and the next one goes on; what it had asked the daemon is asked anew. So to wait for a short time again and
    again use recv(timeout), which lets a question be answered, and not a cancellation.
    """

    def __init__(
        self,
        client: "AsyncClient",
        prefixes: tuple[str, ...] = (),
        start: Start = "now",
        high_water: int = 100_000,
        ready: float = 10.0,
    ) -> None:
        if len(prefixes) > MOST_PREFIXES:
            raise ValueError(f"at most {MOST_PREFIXES} prefixes")
        if isinstance(start, str) and start not in ("now", "oldest"):
            raise ValueError("start is 'now', 'oldest' or a Position")
        self._client = client
        self._lanes = {lane.event_class: lane for lane in _lanes(prefixes or ("",))}
        if not self._lanes:
            raise ValueError("no journaled event has such a topic")
        self._start = start
        self._ready = ready
        self._begun = False
        self._events = AsyncEvents._over(client._io.wire, client._events_from(), prefixes, high_water)
        self._news: deque[StartedOver] = deque()
        self._replayed = 0

    async def _open(self) -> "AsyncFollower":
        if not self._begun:
            try:
                status = await self._events.ready(self._ready)
            except ZmesosError:  # one that is cancelled can be begun again
                await self._events.close()
                raise
            self._begun = True
            self._begin(status, self._start)
        return self

    def __await__(self) -> Generator[Any, None, "AsyncFollower"]:
        return self._open().__await__()

    async def __aenter__(self) -> "AsyncFollower":
        return await self._open()

    async def close(self) -> None:
        await self._events.close()

    @property
    def replayed(self) -> int:
        return self._replayed

    @property
    def position(self) -> Position:
        if not self._begun:
            raise ZmesosError("this follower has not begun: await it")
        return Position(self._store, {lane.name: lane.position for lane in self._lanes.values()})

    async def recv(self, timeout: Optional[float] = None) -> Optional[Followed]:
        deadline = None if timeout is None else time.monotonic() + timeout
        await self._open()
        while True:
            self._look_at_heartbeat()  # also where the wait in which one came was cancelled
            found = self._next()
            if found is not None:
                return found
            if await self._work():
                continue
            left = self._patience() if deadline is None else min(self._patience(), deadline - time.monotonic())
            event = await self._events.recv(max(0.0, left))
            if event is not None:
                await self._take(event)
            self._look_at_heartbeat()
            if event is None and deadline is not None and time.monotonic() >= deadline and not await self._work():
                return self._next()

    def __aiter__(self) -> "AsyncFollower":
        """Every event, for ever."""
        return self

    async def __anext__(self) -> Followed:
        while True:
            found = await self.recv()
            if found is not None:
                return found

    @streamed
    async def within(self, seconds: float) -> AsyncGenerator[Followed, None]:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            found = await self.recv(left)
            if found is not None:
                yield found

    # ---- what comes in --------------------------------------------------------------------------------

    def _begin(self, status: DaemonStatus, start: Start) -> None:
        self._store = status.store
        self._beat = status
        heads = _heads(status)
        for lane in self._lanes.values():
            lane.begin(0 if start == "oldest" else heads.get(lane.event_class, 0))
            lane.heard = heads.get(lane.event_class, 0)
            lane.from_oldest = start == "oldest"
        if isinstance(start, Position):
            # Numbers that were not given yet: an older copy of the daemon's state is in the place of that one.
            ahead = any(start.numbers.get(lane.name, 0) > lane.heard for lane in self._lanes.values())
            if start.store != status.store or ahead:
                self._start_over_store(status)
                return
            for lane in self._lanes.values():
                if lane.name in start.numbers:
                    lane.begin(start.numbers[lane.name])
                    lane.heard = max(lane.done, heads.get(lane.event_class, 0))
            for lane in self._lanes.values():
                if lane.name not in start.numbers and lane.done > 0:
                    self._news.append(StartedOver("ADDED", lane.name, (1, lane.done), self.position))

    async def _take(self, event: Event) -> None:
        """One publication, and those behind it."""
        following: Optional[Event] = event
        for left in range(DRAIN, 0, -1):
            if following is None:
                return
            lane = self._lanes.get(getattr(following.header, "class"))
            if lane is not None and following.store == self._store:
                lane.take(following)
            following = await self._events.recv(0) if left > 1 else None

    def _look_at_heartbeat(self) -> None:
        """All that its heads count was published before it, on the same socket."""
        beat = self._events.heartbeat
        if beat is None or beat is self._beat:
            return
        self._beat = beat
        if beat.store != self._store:
            self._start_over_store(beat)
            return
        for event_class, number in _heads(beat).items():
            lane = self._lanes.get(event_class)
            if lane is not None:
                lane.heard = max(lane.heard, number)

    def _next(self) -> Optional[Followed]:
        if self._news:
            return self._news.popleft()
        for lane in self._lanes.values():
            if lane.ready:
                event = lane.ready.popleft()
                lane.told = event.number
                return event
        return None

    # ---- what is asked for ----------------------------------------------------------------------------

    def _behind(self) -> Iterator[_Lane]:
        """Lanes of which more was published than is ready."""
        return (lane for lane in self._lanes.values() if lane.heard > lane.done)

    def _patience(self) -> float:
        """For how long only publications are waited for."""
        now = time.monotonic()
        return min([1.0] + [max(0.0, lane.not_before - now) for lane in self._behind()])

    async def _work(self) -> bool:
        """Asks the daemon where something may be missing; whether something is ready now."""
        for lane in list(self._behind()):
            if time.monotonic() < lane.not_before:
                continue
            try:
                if not lane.prefixes or not await self._verify(lane):
                    await self._fill(lane)
            except Truncated as error:
                self._start_over_lane(lane, error.oldest)
            except (Conflict, Invalid) as error:
                if not error.field.endswith((".store", ".from", ".after")):
                    raise
                await self._look_at_store(lane)
            except (TimedOut, Unavailable):
                lane.not_before = time.monotonic() + ASK_AGAIN
        return bool(self._news) or any(lane.ready for lane in self._lanes.values())

    async def _verify(self, lane: _Lane) -> bool:
        """Whether what is aside is all that there is, as far as the daemon has counted: then it is ready."""
        began = time.monotonic()
        wanted = messages.Tail(prefixes=lane.prefixes, after=lane.done, until=lane.heard, store=self._store)
        setattr(wanted, "class", lane.event_class)
        tail = (await self._client._ask(Request(tail=wanted), ASK_TIMEOUT)).tail
        ended = time.monotonic()
        lane.not_before = ended + min(1.0, VERIFY_SHARE * (ended - began))
        numbers = sorted(number for number in lane.aside if number <= tail.until)
        if len(numbers) != tail.count:
            return False
        lane.settle(tail.until, [lane.aside[number] for number in numbers])
        return True

    async def _fill(self, lane: _Lane) -> None:
        """A page of what was published."""
        wanted = messages.Replay(prefixes=lane.prefixes, page_size=min(PAGE, lane.hole), store=self._store)
        setattr(wanted, "class", lane.event_class)
        setattr(wanted, "from", lane.done + 1)
        page = (await self._client._ask(Request(replay=wanted), ASK_TIMEOUT)).replay
        # No step further: the store has not written it yet.
        lane.not_before = 0.0 if page.next > lane.done + 1 else time.monotonic() + ASK_AGAIN
        self._replayed += len(page.events)
        lane.settle(page.next - 1, [Event.of_publication(event) for event in page.events])

    def _start_over_lane(self, lane: _Lane, oldest: int) -> None:
        first, from_oldest = lane.done + 1, lane.from_oldest
        lane.settle(oldest - 1, ())
        lane.told = oldest - 1
        if from_oldest:
            lane.from_oldest = lane.done == lane.told  # the journal's beginning may have gone on meanwhile
            return
        self._news.append(StartedOver("TRUNCATED", lane.name, (first, oldest - 1), self.position))

    async def _look_at_store(self, lane: _Lane) -> None:
        """The daemon knows no such numbers. It may have gone meanwhile: then it is asked once more."""
        try:
            self._start_over_store(await self._client.status(ASK_TIMEOUT))
        except (TimedOut, Unavailable):
            lane.not_before = time.monotonic() + ASK_AGAIN

    def _start_over_store(self, status: DaemonStatus) -> None:
        self._store = status.store
        heads = _heads(status)
        for lane in self._lanes.values():
            lane.begin(heads.get(lane.event_class, 0))
        self._news.append(StartedOver("STORE", None, None, self.position))


document(AsyncFollower, Follower)


def _heads(status: DaemonStatus) -> dict[int, int]:
    return {getattr(head, "class"): head.number for head in status.heads}


def _lanes(prefixes: tuple[str, ...]) -> Iterator[_Lane]:
    """The journaled classes of which these prefixes take something."""
    whole = whole_classes(prefixes)
    for event_class, topics in TOPICS.items():
        if event_class >= FIRST_VOLATILE:
            continue
        matching = tuple(prefix for prefix in prefixes if any(_meet(prefix, topic) for topic in topics))
        if matching:
            yield _Lane(event_class, () if event_class in whole else matching)


def _meet(prefix: str, topic: str) -> bool:
    return topic.startswith(prefix) or prefix.startswith(topic)

