"""Requests over ZeroMQ: one at a time on REQ sockets, many in flight on a DEALER.

A ZeroMQ socket must not be used by two threads, so each thread gets a REQ socket of its own. A request that is
not answered is sent again, byte for byte: zmesosd answers a repeated launch with what it knows. Once a request is
given up its socket is closed with it, so that nothing still unsent reaches the daemon later.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import Iterable, Iterator, Optional

import zmq
from google.protobuf.message import DecodeError

from .errors import ProtocolError, TimedOut, ZmesosError
from .messages import Reply, messages

VERSION = 1
KEEPALIVE_S = 3
FIRST_PAUSE = 0.05  # seconds, before asking again where the daemon said UNAVAILABLE; doubles
LONGEST_PAUSE = 1.0


@dataclass(frozen=True)
class Question:
    """A request as it goes out. The id tells its reply from others."""

    id: str
    data: bytes


def prepare(socket: zmq.Socket) -> zmq.Socket:
    """The options of every socket of ours. No heartbeats of ZeroMQ: libzmq 4.3.4 ends the process where a socket that has
    them has stopped reading (all that may wait does), and loses its connection. TCP's own signs of life find a peer that has
    gone without a word."""
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, KEEPALIVE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, KEEPALIVE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
    return socket


def read_reply(data: bytes) -> Reply:
    """The reply in these bytes; ProtocolError if there is none, or one of a newer protocol."""
    try:
        reply = Reply.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"a reply of {len(data)} bytes that cannot be read") from error
    if reply.version > VERSION:
        raise ProtocolError(f"a reply of protocol version {reply.version}; this package knows {VERSION}")
    return reply


def try_later(reply: Reply) -> bool:
    """Whether the daemon asks for the same request again."""
    return reply.code == messages.UNAVAILABLE and reply.retry


@dataclass
class _Slot:
    """One thread's REQ socket. The lock is only ever contended by close()."""

    thread: threading.Thread
    process: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    socket: Optional[zmq.Socket] = None

    def drop(self) -> None:
        if self.socket is not None:
            self.socket.close(0)
            self.socket = None


class Requester:
    """Asks one question at a time, from any thread."""

    def __init__(self, endpoint: str, timeout: float, attempts: int) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self.attempts = attempts
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
        deadline = time.monotonic() + total
        pause = FIRST_PAUSE
        unanswered = 0
        slot = self._slot()
        with slot.lock:
            while True:
                if self._closed:
                    raise ZmesosError("the client is closed")
                until = min(deadline, time.monotonic() + total / attempts)
                reply = self._try(slot, question, until)
                now = time.monotonic()
                if reply is None:
                    unanswered += 1  # a poll may end a moment before its time: the clock alone does not say that it was the last
                    if now >= deadline or unanswered >= attempts:
                        slot.drop()
                        raise TimedOut(f"no answer from {self.endpoint} within {total:g} s")
                elif try_later(reply) and now + pause < deadline:
                    time.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                else:
                    return reply

    def close(self) -> None:
        """Closes the sockets of all threads; waits for requests under way. Again: nothing."""
        with self._lock:
            self._closed = True
            slots, self._slots = self._slots, []
        for slot in slots:
            if slot.process == os.getpid():
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
        """Sends once; the reply, or None at `until`."""
        if slot.socket is None:
            slot.socket = prepare(zmq.Context.instance().socket(zmq.REQ))
            slot.socket.setsockopt(zmq.REQ_RELAXED, 1)
            slot.socket.setsockopt(zmq.REQ_CORRELATE, 1)
            slot.socket.connect(self.endpoint)
        try:
            slot.socket.setsockopt(zmq.SNDTIMEO, milliseconds(until))
            slot.socket.send(question.data)
            slot.socket.setsockopt(zmq.RCVTIMEO, milliseconds(until))
            frames = slot.socket.recv_multipart()
        except zmq.Again:
            return None
        if len(frames) != 1:
            raise ProtocolError(f"a reply of {len(frames)} frames")
        reply = read_reply(frames[0])
        if reply.id not in (question.id, ""):  # "": the daemon could not read the request
            raise ProtocolError(f"a reply to request {reply.id} instead of {question.id}")
        return reply


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
        waiting = enumerate(questions)
        flights: dict[str, _Flight] = {}
        socket = prepare(zmq.Context.instance().socket(zmq.DEALER))
        try:
            socket.connect(self.endpoint)
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
                    socket.send_multipart([b"", flight.question.data])
                if not flights:
                    return
                for reply in self._replies(socket, min(flight.again for flight in flights.values())):
                    answered = self._match(flights, reply)
                    if answered is not None:
                        yield answered.index, reply
                self._repeat(socket, flights)
        finally:
            socket.close(0)

    def _replies(self, socket: zmq.Socket, until: float) -> Iterator[Reply]:
        """Waits for replies until then, and gives those that are there."""
        if not socket.poll(milliseconds(until)):
            return
        while True:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(frames) != 2 or frames[0]:
                raise ProtocolError(f"a reply of {len(frames)} frames")
            yield read_reply(frames[1])

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

    def _repeat(self, socket: zmq.Socket, flights: dict[str, _Flight]) -> None:
        now = time.monotonic()
        for flight in flights.values():
            if now >= flight.deadline:
                raise TimedOut(f"no answer from {self.endpoint} within {self.timeout:g} s")
            if now >= flight.again:
                flight.again = min(flight.deadline, now + self.timeout / self.attempts)
                socket.send_multipart([b"", flight.question.data])


def milliseconds(until: float) -> int:
    """From now until then, rounded up: a wait that ends early would spin."""
    left = until - time.monotonic()
    return int(left * 1000) + 1 if left > 0 else 0
