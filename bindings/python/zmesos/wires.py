"""ZeroMQ sockets of which one waits until a message is there, and then takes it: a wait that is given up loses nothing.

Two kinds with the same methods: BlockingWire for drive() of driving.py, AsyncWire for an event loop.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Awaitable, Optional, TypeVar, Union, cast

import zmq
import zmq.asyncio

from .errors import BadEndpoint

KEEPALIVE_S = 3
TAKEN_AT_ONCE = 64  # messages, before other tasks of the event loop have their turn

Socket = TypeVar("Socket", bound="zmq.Socket[Any]")
Value = TypeVar("Value")


def prepare(socket: Socket) -> Socket:
    """The options of every socket of ours. No heartbeats of ZeroMQ: libzmq 4.3.4 ends the process where a socket that has
    them has stopped reading (all that may wait does), and loses its connection. TCP's own signs of life find a peer that has
    gone without a word."""
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, KEEPALIVE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, KEEPALIVE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
    return socket


def connect(socket: zmq.Socket[Any], endpoint: str, name: str) -> None:
    """Connects, or closes the socket. name: of the endpoint, for BadEndpoint."""
    try:
        socket.connect(endpoint)
    except BaseException as error:  # also of an endpoint that is no text
        socket.close(0)
        if isinstance(error, zmq.ZMQError) and not isinstance(error, zmq.ContextTerminated):
            raise BadEndpoint(name, endpoint, error.strerror) from error
        raise


def milliseconds(until: float) -> int:
    """From now until then, rounded up: a wait that ends early would spin."""
    left = until - time.monotonic()
    return int(left * 1000) + 1 if left > 0 else 0


class BlockingWire:
    """A socket whose waits block the thread."""

    def __init__(self, kind: int) -> None:
        self.socket = prepare(zmq.Context.instance().socket(kind))

    def send(self, frames: list[bytes]) -> None:
        """zmq.Again where too much is unsent already."""
        self.socket.send_multipart(frames, zmq.NOBLOCK)

    def take(self) -> Optional[list[bytes]]:
        """A message that is there; None if there is none."""
        try:
            return self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None

    async def receive(self, until: Optional[float]) -> Optional[list[bytes]]:
        """The next message; None if none came by then (monotonic; None: waits)."""
        while (frames := self.take()) is None:
            if not self.socket.poll(None if until is None else milliseconds(until)):
                return None
        return frames

    def close(self) -> None:
        self.socket.close(0)


def _done(future: Awaitable[Value]) -> Value:
    """Of an asyncio socket, asked with NOBLOCK: it is done, in one way or the other."""
    return cast("asyncio.Future[Value]", future).result()


class _LoopSocket(zmq.asyncio.Socket):
    """pyzmq puts some looks at a socket off to the next turn of the loop; one that is closed by then is no error to be logged."""

    def _handle_events(self, fd: int = 0, events: int = 0) -> None:
        if not self.closed:
            super()._handle_events(fd, events)  # type: ignore[no-untyped-call]


class AsyncWire:
    """A socket whose waits let the event loop go on."""

    def __init__(self, kind: int) -> None:
        self.socket = prepare(_LoopSocket(zmq.Context.instance(), kind))
        self._taken = 0

    def send(self, frames: list[bytes]) -> None:
        _done(self.socket.send_multipart(frames, zmq.NOBLOCK))

    def take(self) -> Optional[list[bytes]]:
        try:
            return _done(self.socket.recv_multipart(zmq.NOBLOCK))
        except zmq.Again:
            return None

    async def receive(self, until: Optional[float]) -> Optional[list[bytes]]:
        self._taken += 1
        if self._taken % TAKEN_AT_ONCE == 0:
            await asyncio.sleep(0)
        while (frames := self.take()) is None:
            if not await self.socket.poll(None if until is None else milliseconds(until)):
                return None
        return frames

    def close(self) -> None:
        self.socket.close(0)

    def __del__(self) -> None:
        # The loop has the socket as long as it is open: nobody else would close it.
        if "socket" in vars(self) and not self.socket.closed:
            self.close()


Wire = Union[BlockingWire, AsyncWire]
