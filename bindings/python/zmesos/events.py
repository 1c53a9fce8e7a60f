"""The events that a zmesosd publishes: every event of Mesos as it came, the daemon's view of each task, its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import AsyncGenerator, Callable, Iterator, Optional, TypeVar

import zmq
from google.protobuf.message import DecodeError, Message

from .closing import AsyncClosing, Closing
from .describe import describe
from .driving import Stream, document, drive, streamed
from .errors import ProtocolError, TimedOut, ZmesosError
from .ledger import Ledger
from .messages import (
    DaemonStatus,
    EventHeader,
    Explanation,
    LeaseChange,
    Operation,
    Orphan,
    Task,
    UnconfirmedUpdate,
    messages,
    scheduler,
)
from .wires import AsyncWire, BlockingWire, Wire, connect

DEFAULT_EVENTS = "tcp://127.0.0.1:5562"
HEARTBEAT = "zmesos/HEARTBEAT"
LEASE = "zmesos/LEASE/"
ORPHAN = "zmesos/ORPHAN/"
WHY = "zmesos/WHY/"
UNCONFIRMED = "zmesos/UNCONFIRMED/"

AnyMessage = TypeVar("AnyMessage", bound=Message)


class Event:
    """One publication: topic, header and body; the body is parsed when it is asked for."""

    def __init__(self, topic: str, header: EventHeader, body: bytes) -> None:
        self.topic = topic
        self.header = header
        self.body = body

    @classmethod
    def of_frames(cls, frames: list[bytes]) -> "Event":
        """From the three frames of the wire."""
        if len(frames) != 3:
            raise ProtocolError(f"an event of {len(frames)} frames")
        topic = frames[0].decode("utf-8", "surrogateescape")
        try:
            return cls(topic, EventHeader.FromString(frames[1]), frames[2])
        except DecodeError as error:
            raise ProtocolError(f"an event under {topic} whose header cannot be read") from error

    @classmethod
    def of_publication(cls, publication: messages.Publication) -> "Event":
        """Of a replay: what was published once."""
        return cls(publication.topic, publication.header, publication.body)

    @property
    def event_class(self) -> str:
        """The class that the number counts in, as UPDATE."""
        number = getattr(self.header, "class")
        if number in messages.EventClass.values():
            return messages.EventClass.Name(number)
        return str(number)

    @property
    def number(self) -> int:
        """Within the class: one more than the event before. Journaled classes: for ever; others: in this run."""
        return self.header.number

    @property
    def run(self) -> int:
        """Which start of the daemon published it."""
        return self.header.run

    @property
    def store(self) -> str:
        """Names the history that the numbers belong to."""
        return self.header.store

    @property
    def revision(self) -> Optional[int]:
        """Of the task or operation, where the event is about one."""
        return self.header.revision if self.header.HasField("revision") else None

    @property
    def time(self) -> datetime:
        """When it was published, UTC, to the microsecond."""
        return datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=self.header.time_ns // 1000)

    @cached_property
    def task(self) -> Optional[Task]:
        """The daemon's view of the task, for topics under task/."""
        return self._parse(Task, "task/")

    @cached_property
    def mesos(self) -> Optional[scheduler.Event]:
        """The master's event as it came, for topics under mesos/."""
        return self._parse(scheduler.Event, "mesos/")

    @cached_property
    def status(self) -> Optional[DaemonStatus]:
        """How the daemon is, for zmesos/HEARTBEAT and zmesos/MASTER."""
        others = (ORPHAN, WHY, LEASE, UNCONFIRMED)
        return None if self.topic.startswith(others) else self._parse(DaemonStatus, "zmesos/")

    @cached_property
    def orphan(self) -> Optional[Orphan]:
        """A task that was found alive and was not known, for topics under zmesos/ORPHAN/."""
        return self._parse(Orphan, ORPHAN)

    @cached_property
    def operation(self) -> Optional[Operation]:
        """The daemon's view of the operation, for topics under operation/."""
        return self._parse(Operation, "operation/")

    @cached_property
    def explanation(self) -> Optional[Explanation]:
        """Why a task waits, for topics under zmesos/WHY/."""
        return self._parse(Explanation, WHY)

    @cached_property
    def unconfirmed(self) -> Optional[UnconfirmedUpdate]:
        """An update that its consumer has not confirmed in time, for topics under zmesos/UNCONFIRMED/."""
        return self._parse(UnconfirmedUpdate, UNCONFIRMED)

    @cached_property
    def lease(self) -> Optional[LeaseChange]:
        """What has become of a lease, for topics under zmesos/LEASE/."""
        return self._parse(LeaseChange, LEASE)

    @property
    def task_id(self) -> Optional[str]:
        """Which task it is about, by the topic: task/<id>/<state> or mesos/UPDATE/<id>/<attempt>. None for others,
        also for an update of a task that the daemon does not know, mesos/UPDATE//<mesos task id>."""
        parts = self.topic.split("/")
        if parts[0] == "task" and len(parts) == 3:
            return parts[1]
        if parts[:2] == ["mesos", "UPDATE"] and len(parts) == 4:
            return parts[2] or None
        return None

    def __str__(self) -> str:
        """A line for people."""
        return describe(self)

    def __repr__(self) -> str:
        return f"<Event {self.topic} {self.event_class} {self.number}>"

    def _parse(self, message: type[AnyMessage], prefix: str) -> Optional[AnyMessage]:
        if not self.topic.startswith(prefix):
            return None
        try:
            return message.FromString(self.body)
        except DecodeError as error:
            raise ProtocolError(f"an event under {self.topic} whose body cannot be read") from error


class Events(Closing):
    """A subscription. Iterate over it, or recv() with a timeout. One thread at a time: another is refused.

    prefixes: of topics; a trailing / keeps task/job1/ from taking job10's. None: everything.
    high_water: how many events may wait here unread; the daemon drops what does not fit, and goes on.

    Publications from before the subscription reached the daemon are not seen: after ready() none is missed unless
    it was dropped on the way or the connection broke. `missed` counts those, as far as it can be known: by gaps in
    the numbers of the classes that the prefixes take *whole* ("task/", "mesos/", "", but not "task/job1/"), from
    the first event or heartbeat on. The last events before a silence leave no gap; catch_up() counts them too.
    """

    def __init__(self, endpoint: str = DEFAULT_EVENTS, *prefixes: str, high_water: int = 100_000) -> None:
        self._logic = AsyncEvents._over(BlockingWire, endpoint, prefixes, high_water)

    def close(self) -> None:
        """Ends the subscription. Again: nothing."""
        drive(self._logic.close())

    @property
    def endpoint(self) -> str:
        """Where the events come from."""
        return self._logic.endpoint

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Of the topics; one that is empty takes everything."""
        return self._logic.prefixes

    @property
    def missed(self) -> int:
        """Events that are known not to have come; see the class."""
        return self._logic.missed

    @property
    def heartbeat(self) -> Optional[DaemonStatus]:
        """The daemon's last heartbeat on this subscription, one a second; None before the first."""
        return self._logic.heartbeat

    @property
    def run(self) -> Optional[tuple[str, int]]:
        """Store and run of the last heartbeat: another value means that the daemon was started anew."""
        return self._logic.run

    def ready(self, timeout: float = 10.0) -> DaemonStatus:
        """Waits until the daemon is known to have the subscription: nothing published from now on is skipped.
        Events that come meanwhile are kept. TimedOut if no heartbeat comes."""
        return drive(self._logic.ready(timeout))

    def recv(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event; None if none comes within `timeout` seconds (0: takes what is there; None: waits)."""
        return drive(self._logic.recv(timeout))

    def __iter__(self) -> Iterator[Event]:
        """Every event, for ever."""
        while True:
            event = self.recv()
            if event is not None:
                yield event

    def within(self, seconds: float) -> Stream[Event]:
        """Every event of the next so many seconds."""
        return Stream(self._logic.within(seconds))

    def catch_up(self, status: DaemonStatus, timeout: float = 5.0) -> Stream[Event]:
        """Every event up to the heads in `status` (of Client.status()), and ends then. What has not come within
        `timeout` seconds counts as missed. Only classes taken whole are compared."""
        return Stream(self._logic.catch_up(status, timeout))


class AsyncEvents(AsyncClosing):
    """A subscription, for one task of the event loop at a time: another is refused. `async for` over it, or recv() with a
    timeout. A wait that is cancelled loses no event.

    All else is as told of zmesos.Events. One that is forgotten instead of closed is closed when nobody has it any more.
    """

    def __init__(self, endpoint: str = DEFAULT_EVENTS, *prefixes: str, high_water: int = 100_000) -> None:
        self._begin(AsyncWire, endpoint, prefixes, high_water)

    @classmethod
    def _over(
        cls, make_wire: Callable[[int], Wire], endpoint: str, prefixes: tuple[str, ...], high_water: int = 100_000
    ) -> "AsyncEvents":
        made = cls.__new__(cls)
        made._begin(make_wire, endpoint, prefixes, high_water)
        return made

    def _begin(
        self, make_wire: Callable[[int], Wire], endpoint: str, prefixes: tuple[str, ...], high_water: int
    ) -> None:
        self._endpoint = endpoint
        self._prefixes = prefixes or ("",)
        self._ledger = Ledger(self._prefixes)
        self._waiting: deque[Event] = deque()
        self._heartbeat: Optional[DaemonStatus] = None
        self._busy = threading.Lock()
        self._wire = make_wire(zmq.SUB)
        try:
            socket = self._wire.socket
            socket.setsockopt(zmq.RCVHWM, high_water)
            socket.setsockopt(zmq.SNDHWM, 0)  # of subscriptions: libzmq drops those past it without a word
            for prefix in self._prefixes:
                socket.subscribe(prefix.encode("utf-8", "surrogateescape"))
            # Last, by order and by the alphabet (which counts after a reconnect): when a heartbeat comes, the
            # daemon has read the others.
            socket.subscribe(HEARTBEAT)
            connect(socket, endpoint, "events")
        except BaseException:
            self._wire.close()
            raise

    async def close(self) -> None:
        with self._alone():
            self._wire.close()

    @property
    def endpoint(self) -> str:
        return self._endpoint

    @property
    def prefixes(self) -> tuple[str, ...]:
        return self._prefixes

    @property
    def missed(self) -> int:
        return self._ledger.missed

    @property
    def heartbeat(self) -> Optional[DaemonStatus]:
        return self._heartbeat

    @property
    def run(self) -> Optional[tuple[str, int]]:
        return None if self._heartbeat is None else (self._heartbeat.store, self._heartbeat.run)

    async def ready(self, timeout: float = 10.0) -> DaemonStatus:
        deadline = time.monotonic() + timeout
        with self._alone():
            while self._heartbeat is None:
                event = await self._receive(deadline)
                if event is None:
                    raise TimedOut(f"no heartbeat from {self._endpoint} within {timeout:g} s")
                if self._wanted(event):
                    self._waiting.append(event)
            return self._heartbeat

    async def recv(self, timeout: Optional[float] = None) -> Optional[Event]:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._alone():
            if self._waiting:
                return self._waiting.popleft()
            while True:
                event = await self._receive(deadline)
                if event is None or self._wanted(event):
                    return event

    def __aiter__(self) -> "AsyncEvents":
        """Every event, for ever."""
        return self

    async def __anext__(self) -> Event:
        while True:
            event = await self.recv()
            if event is not None:
                return event

    @streamed
    async def within(self, seconds: float) -> AsyncGenerator[Event, None]:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            event = await self.recv(left)
            if event is not None:
                yield event

    @streamed
    async def catch_up(self, status: DaemonStatus, timeout: float = 5.0) -> AsyncGenerator[Event, None]:
        deadline = time.monotonic() + timeout
        while self._waiting or self._ledger.behind(status) > 0:
            left = deadline - time.monotonic()
            if left <= 0:
                self._ledger.give_up(status)
                return
            event = await self.recv(left)
            if event is not None:
                yield event

    def _alone(self) -> "_Alone":
        return _Alone(self._busy)

    async def _receive(self, deadline: Optional[float]) -> Optional[Event]:
        """One message off the socket, wanted or not; None if there is none at the deadline."""
        if self._wire.socket.closed:
            raise ZmesosError("the subscription is closed")
        frames = await self._wire.receive(deadline)
        if frames is None:
            return None
        event = Event.of_frames(frames)
        self._ledger.note(event.header)
        if event.topic == HEARTBEAT:
            status = event.status
            assert status is not None
            if self._heartbeat is None:
                self._ledger.begin(status)
            self._heartbeat = status
        return event

    def _wanted(self, event: Event) -> bool:
        """False for a heartbeat that only this class asked for."""
        return event.topic.startswith(self._prefixes)


document(AsyncEvents, Events)


class _Alone:
    """Holds the subscription for one call; a second thread meanwhile is an error, not a wait."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise ZmesosError("another thread or task is using this subscription: give each its own")

    def __exit__(self, *exception: object) -> None:
        self._lock.release()
