"""Requests over ZeroMQ: one at a time on REQ sockets, many in flight on a DEALER.

A ZeroMQ socket must not be used by two threads, so each thread gets a REQ socket of its own; under asyncio, each request that
is under way. A request that is not answered is sent again, byte for byte: zmesosd answers a repeated launch with what it
knows. Once a request is given up its socket is closed with it, so that nothing still unsent reaches the daemon later.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from typing import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Optional

import zmq
from google.protobuf.message import DecodeError

from .driving import AsyncStream, Stream, drive
from .errors import ProtocolError, TimedOut, ZmesosError
from .messages import Reply, messages
from .wires import AsyncWire, BlockingWire, Wire, connect, milliseconds, prepare

VERSION = 1
FIRST_PAUSE = 0.05  # seconds, before asking again where the daemon said UNAVAILABLE; doubles
LONGEST_PAUSE = 1.0
MOST_AT_ONCE = 32  # requests of one asyncio client; others wait until one is answered


@dataclass(frozen=True)
class Question:
    """A request as it goes out. The id tells its reply from others."""

    id: str
    data: bytes


def read_reply(data: bytes) -> Reply:
    """The reply in these bytes; ProtocolError if there is none, or one of a newer protocol."""
    try:
        reply = Reply.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"a reply of {len(data)} bytes that cannot be read") from error
    if reply.version > VERSION:
        raise ProtocolError(f"a reply of protocol version {reply.version}; this package knows {VERSION}")
    return reply


def read_answer(frames: list[bytes], question: Question) -> Reply:
    """The reply to this question."""
    if len(frames) != 1:
        raise ProtocolError(f"a reply of {len(frames)} frames")
    reply = read_reply(frames[0])
    if reply.id not in (question.id, ""):  # "": the daemon could not read the request
        raise ProtocolError(f"a reply to request {reply.id} instead of {question.id}")
    return reply


def try_later(reply: Reply) -> bool:
    """Whether the daemon asks for the same request again."""
    return reply.code == messages.UNAVAILABLE and reply.retry


async def persist(
    send: Callable[[float], Awaitable[Optional[Reply]]],
    sleep: Callable[[float], Awaitable[None]],
    endpoint: str,
    total: float,
    attempts: int,
) -> Reply:
    """The reply, or TimedOut after `total` seconds and at most `attempts` unanswered ones. send(until): asks once, and has
    None where there is no answer by then."""
    deadline = time.monotonic() + total
    pause = FIRST_PAUSE
    unanswered = 0
    while True:
        reply = await send(min(deadline, time.monotonic() + total / attempts))
        now = time.monotonic()
        if reply is None:
            unanswered += 1  # a poll may end a moment before its time: the clock alone does not say that it was the last
            if now >= deadline or unanswered >= attempts:
                raise TimedOut(f"no answer from {endpoint} within {total:g} s")
        elif try_later(reply) and now + pause < deadline:
            await sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return reply


@dataclass
class _Slot:
    """One thread's REQ socket. The lock is only ever contended by close(). busy: the thread asks by it."""

    thread: threading.Thread
    process: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    busy: bool = False
    socket: Optional[zmq.Socket[bytes]] = None

    def drop(self) -> None:
        if self.socket is not None:
            self.socket.close(0)
            self.socket = None


class Requester:
    """Asks one question at a time, from any thread."""

    def __init__(self, endpoint: str, timeout: float, attempts: int, name: str = "control") -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self.attempts = attempts
        self._name = name
        self._process = os.getpid()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._slots: list[_Slot] = []
        self._closed = False

    def ask(
        self, question: Question, timeout: Optional[float] = None, attempts: Optional[int] = None
    ) -> Reply:
        """The reply, or TimedOut after `timeout` seconds and at most `attempts` unanswered ones."""
        total = self.timeout if timeout is None else timeout
        attempts = self.attempts if attempts is None else attempts
        slot = self._slot()
        if not slot.busy:
            return self._ask(slot, question, total, attempts)
        # This thread is asking already: it is a signal handler, or what the garbage collector has ended, that asks as well.
        other = _Slot(slot.thread, slot.process)
        try:
            return self._ask(other, question, total, attempts)
        finally:
            other.drop()

    def _ask(self, slot: _Slot, question: Question, total: float, attempts: int) -> Reply:
        async def send(until: float) -> Optional[Reply]:
            if self._closed:
                raise ZmesosError("the client is closed")
            return self._try(slot, question, until)

        slot.busy = True
        try:
            with slot.lock:
                try:
                    reply = drive(persist(send, _sleep, self.endpoint, total, attempts))
                except BaseException:  # given up, also by a signal handler that raises: what is unsent goes with the socket
                    slot.drop()
                    raise
                if self._closed:  # amid this
                    slot.drop()
                return reply
        finally:
            slot.busy = False

    def close(self) -> None:
        """Closes the sockets of all threads; waits for requests under way, but for one that this very call has broken into:
        that closes its own. Again: nothing."""
        with self._lock:
            self._closed = True
            slots, self._slots = self._slots, []
        for slot in slots:
            if slot.process == os.getpid() and not (slot.busy and slot.thread is threading.current_thread()):
                with slot.lock:
                    slot.drop()

    def _slot(self) -> _Slot:
        if os.getpid() != self._process:
            raise ZmesosError("this client was made before a fork: make one in the child")
        slot: Optional[_Slot] = getattr(self._local, "slot", None)
        if slot is None:
            slot = _Slot(threading.current_thread(), self._process)
            with self._lock:
                if self._closed:
                    raise ZmesosError("the client is closed")
                for old in [old for old in self._slots if not old.thread.is_alive()]:
                    old.drop()
                    self._slots.remove(old)
                self._slots.append(slot)
            self._local.slot = slot
        return slot

    def _try(self, slot: _Slot, question: Question, until: float) -> Optional[Reply]:
        """Sends once; the reply, or None at `until`. By a poll, since a time limit of the socket's would begin anew with each
        signal that comes meanwhile."""
        if slot.socket is None:
            socket = prepare(zmq.Context.instance().socket(zmq.REQ))
            socket.setsockopt(zmq.REQ_RELAXED, 1)
            socket.setsockopt(zmq.REQ_CORRELATE, 1)
            connect(socket, self.endpoint, self._name)
            slot.socket = socket
        socket = slot.socket
        try:
            socket.send(question.data, zmq.NOBLOCK)
        except zmq.Again:  # too much is unsent already
            time.sleep(max(0.0, until - time.monotonic()))
            return None
        while socket.poll(milliseconds(until)):
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:  # it was the reply to what was asked before
                continue
            return read_answer(frames, question)
        return None


async def _sleep(seconds: float) -> None:
    time.sleep(seconds)


class AsyncRequester:
    """Asks under asyncio: up to MOST_AT_ONCE questions at a time, each on a REQ socket that no other question uses meanwhile."""

    def __init__(self, endpoint: str, timeout: float, attempts: int, name: str) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self.attempts = attempts
        self._name = name
        self._process = os.getpid()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._idle: list[AsyncWire] = []
        self._asking = 0
        self._closed = False
        self._last: Optional["asyncio.Future[None]"] = None  # done when nothing is asked any more

    async def ask(self, question: Question, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        """The reply, or TimedOut after `timeout` seconds, which begin when there is room for it."""
        self.check()
        total = self.timeout if timeout is None else timeout
        attempts = self.attempts if attempts is None else attempts
        self._asking += 1
        try:
            async with self._room:
                if self._closed:
                    raise ZmesosError("the client is closed")
                wire = self._idle.pop() if self._idle else self._connect()
                try:
                    reply = await persist(
                        lambda until: self._try(wire, question, until), asyncio.sleep, self.endpoint, total, attempts
                    )
                except BaseException:  # given up, cancelled for one: what is unsent goes with the socket
                    wire.close()
                    raise
                if self._closed:
                    wire.close()
                else:
                    self._idle.append(wire)
                return reply
        finally:
            self._asking -= 1
            if self._asking == 0 and self._last is not None and not self._last.done():
                self._last.set_result(None)

    async def close(self) -> None:
        """Closes the sockets; waits for requests under way. Again: nothing."""
        if os.getpid() != self._process:
            return
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        if self._asking > 0:
            if self._last is None:
                self._last = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._last)

    def check(self) -> None:
        """Raises ZmesosError where it cannot be used."""
        if os.getpid() != self._process:
            raise ZmesosError("this client was made before a fork: make one in the child")
        if self._closed:
            raise ZmesosError("the client is closed")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ZmesosError("this client is used by another event loop: make one in each")

    def _connect(self) -> AsyncWire:
        wire = AsyncWire(zmq.REQ)
        wire.socket.setsockopt(zmq.REQ_RELAXED, 1)
        wire.socket.setsockopt(zmq.REQ_CORRELATE, 1)
        connect(wire.socket, self.endpoint, self._name)
        return wire

    async def _try(self, wire: AsyncWire, question: Question, until: float) -> Optional[Reply]:
        """Sends once; the reply, or None at `until`."""
        try:
            wire.send([question.data])
        except zmq.Again:  # too much is unsent already
            await asyncio.sleep(max(0.0, until - time.monotonic()))
            return None
        frames = await wire.receive(until)
        return None if frames is None else read_answer(frames, question)


@dataclass
class _Flight:
    index: int
    question: Question
    deadline: float
    again: float
    pause: float = FIRST_PAUSE


class Pipeline:
    """Asks many questions at once, so that the daemon can commit them together."""

    def __init__(self, endpoint: str, timeout: float, attempts: int, window: int = 16) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self.attempts = attempts
        self.window = window

    def ask_all(self, questions: Iterable[Question]) -> Iterator[tuple[int, Reply]]:
        """Each question's place and reply, as the replies come. TimedOut as soon as one is not answered in time;
        those asked before it may have been done."""
        return Stream(AsyncStream(self.exchange(BlockingWire, questions)))

    async def exchange(
        self, make_wire: Callable[[int], Wire], questions: Iterable[Question]
    ) -> AsyncGenerator[tuple[int, Reply], None]:
        """ask_all() over a socket of either kind."""
        waiting = enumerate(questions)
        flights: dict[str, _Flight] = {}
        wire = make_wire(zmq.DEALER)
        try:
            connect(wire.socket, self.endpoint, "pipeline")
            exhausted = False
            while True:
                while not exhausted and len(flights) < self.window:
                    entry = next(waiting, None)
                    if entry is None:
                        exhausted = True
                        break
                    now = time.monotonic()
                    flight = _Flight(entry[0], entry[1], now + self.timeout, now + self.timeout / self.attempts)
                    flights[flight.question.id] = flight
                    self._send(wire, flight)
                if not flights:
                    return
                frames = await wire.receive(min(flight.again for flight in flights.values()))
                while frames is not None:
                    reply = self._read(frames)
                    answered = self._match(flights, reply)
                    if answered is not None:
                        yield answered.index, reply
                    frames = wire.take()
                self._repeat(wire, flights)
        finally:
            wire.close()

    def _send(self, wire: Wire, flight: _Flight) -> None:
        with contextlib.suppress(zmq.Again):  # too much is unsent already: it is sent when its time comes again
            wire.send([b"", flight.question.data])

    def _read(self, frames: list[bytes]) -> Reply:
        if len(frames) != 2 or frames[0]:
            raise ProtocolError(f"a reply of {len(frames)} frames")
        return read_reply(frames[1])

    def _match(self, flights: dict[str, _Flight], reply: Reply) -> Optional[_Flight]:
        """The flight that this ends. None for one to be asked again, and for a second answer to one asked twice."""
        flight = flights.get(reply.id)
        if flight is None:
            if not reply.id:
                raise ProtocolError(f"a reply to no request in particular: {reply.message}")
            return None
        now = time.monotonic()
        if try_later(reply) and now + flight.pause < flight.deadline:
            flight.again = now + flight.pause
            flight.pause = min(2 * flight.pause, LONGEST_PAUSE)
            return None
        del flights[reply.id]
        return flight

    def _repeat(self, wire: Wire, flights: dict[str, _Flight]) -> None:
        now = time.monotonic()
        for flight in flights.values():
            if now >= flight.deadline:
                raise TimedOut(f"no answer from {self.endpoint} within {self.timeout:g} s")
            if now >= flight.again:
                flight.again = min(flight.deadline, now + self.timeout / self.attempts)
                self._send(wire, flight)
