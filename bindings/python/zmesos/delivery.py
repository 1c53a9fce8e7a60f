"""The Executor's side of runner.py: tasks connect, show that they have their key, get their function, bring what came of it.

One thread with an event loop of its own, whatever the number of tasks. It never unpickles, nor calls what is a user's.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Coroutine, Optional, Protocol

from .functions import cloudpickle_archive
from .runner import (
    CALL, DONE, FAILED, FROM_TASK, GO_ON, HEADER, HELLO_LENGTH, MAC_BYTES, MAGIC, MODULE, NONCE_BYTES, RAISED, REFUSED, RESULT,
    TO_TASK, WANT_MODULE, WORDS, BadFrame, Session, sign, watch_over,
)  # fmt: skip

HELLO_WITHIN = 30.0  # seconds
MOST_HELLO = 1024  # bytes
SLICE = 1 << 20
BACKLOG = 1024
HERE = (sys.implementation.name, "%d.%d" % sys.version_info[:2])


class Work(Protocol):
    """What the server asks of the jobs, from its own thread: nothing that takes long."""

    def begin(self, task: str) -> Optional[bytes]:
        """What the task is to run; None where nobody wants it."""

    def wanted(self, task: str) -> bool:
        """Whether its result is."""

    def deliver(self, task: str, kind: int, payload: bytes, attempt: Optional[int]) -> None:
        """What came of it."""

    def mismatch(self, task: str, there: str, where: str) -> str:
        """That its Python is another one; the words for it."""

    def fail(self, error: BaseException) -> None:
        """The server has ended by an error of its own."""


class _Peer:
    """One authenticated connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: Session) -> None:
        self._reader, self._writer, self._session = reader, writer, session
        self._order = asyncio.Lock()

    async def send(self, kind: int, payload: bytes = b"") -> None:
        async with self._order:
            header, code = self._session.seal(kind, payload)
            self._writer.write(header)
            for first in range(0, len(payload), SLICE):
                self._writer.write(payload[first : first + SLICE])
                await self._writer.drain()
            self._writer.write(code)
            await self._writer.drain()

    async def receive(self, limits: dict[int, int]) -> tuple[int, bytes]:
        header = await self._reader.readexactly(HEADER.size)
        kind, size = HEADER.unpack(header)
        if kind not in limits or size > limits[kind]:
            raise BadFrame(f"a frame of kind {kind} with {size} bytes")
        payload = await self._reader.readexactly(size)
        return self._session.check(header, payload, await self._reader.readexactly(MAC_BYTES)), payload


class Server:
    """Listens at once; serves from the start of its thread to stop().

    secret: of which each task's key is made; limit: bytes of a result; most: connections at once that have not shown yet
    who they are.
    """

    def __init__(self, listener: socket.socket, secret: bytes, limit: int, most: int, work: Work) -> None:
        self._listener, self._secret, self._most, self._work = listener, secret, most, work
        self._runner = Path(__file__).with_name("runner.py").read_bytes()
        self._limits = {RESULT: limit, RAISED: limit, FAILED: 8 * WORDS + 1, WANT_MODULE: 0}
        self._strangers = 0
        self._peers: dict[str, set[_Peer]] = {}
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._handlers: set[asyncio.Task[None]] = set()
        self.thread = threading.Thread(target=self._run, name="zmesos-executor-server")

    def key(self, task: str) -> bytes:
        """What the task proves itself with."""
        return sign(self._secret, b"task", task.encode())

    def stop(self) -> None:
        """From any thread; the thread ends soon."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    def close(self) -> None:
        """After the thread has ended, and the last forget()."""
        self._loop.close()

    def forget(self, task: str) -> None:
        """Tells attempts of the task that still run that they are not wanted any more. From any thread."""
        self._loop.call_soon_threadsafe(self._dismiss, task)

    # ---- in the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._work.fail(error)
        finally:
            self._listener.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, sock=self._listener, backlog=BACKLOG, limit=SLICE)
        await self._stopping.wait()
        server.close()
        for handler in list(self._handlers):
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    def _dismiss(self, task: str) -> None:
        for peer in self._peers.get(task, ()):
            self._keep(asyncio.ensure_future(self._quietly(peer.send(DONE))))

    def _keep(self, handler: asyncio.Task[None]) -> None:
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)

    @staticmethod
    async def _quietly(sending: Coroutine[Any, Any, None]) -> None:
        try:
            await sending
        except OSError:
            pass  # it is gone, as it is to be

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        self._keep(current)
        try:
            watch_over(writer.get_extra_info("socket"))
            await self._talk(reader, writer)
        except (OSError, EOFError, BadFrame, TimeoutError):
            pass  # a task asks again on another connection, and others have no business here
        except asyncio.CancelledError:
            pass  # stop()
        except Exception as error:
            self._work.fail(error)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._strangers >= self._most:
            return
        self._strangers += 1
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                session, words = await self._meet(reader, writer)
        finally:
            self._strangers -= 1
        task, implementation, version, attempt, how = words
        peer = _Peer(reader, writer, session)
        if (implementation, version) != HERE:
            where = str(writer.get_extra_info("peername")[0])
            await peer.send(REFUSED, self._work.mismatch(task, f"{implementation} {version}", where).encode())
            return
        if how == "runner":
            await (peer.send(MODULE, self._runner) if self._work.wanted(task) else peer.send(DONE))
            return
        self._peers.setdefault(task, set()).add(peer)
        try:
            await self._work_with(peer, task, int(attempt) if attempt.isascii() and attempt.isdigit() else None, how)
        finally:
            self._peers[task].discard(peer)
            if not self._peers[task]:
                del self._peers[task]

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Session, list[str]]:
        challenge = os.urandom(NONCE_BYTES)
        writer.write(MAGIC + challenge)
        (size,) = HELLO_LENGTH.unpack(await reader.readexactly(HELLO_LENGTH.size))
        if not NONCE_BYTES <= size <= MOST_HELLO:
            raise BadFrame(f"a hello of {size} bytes")
        hello = await reader.readexactly(size)
        code = await reader.readexactly(MAC_BYTES)
        answer, text = hello[:NONCE_BYTES], hello[NONCE_BYTES:]
        key = sign(self._secret, b"task", text.split(b"\n")[0])
        if not hmac.compare_digest(sign(key, b"hello", challenge, hello), code):
            raise BadFrame("a hello without the task's key")
        try:
            words = text.decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise BadFrame("a hello that is not UTF-8") from error
        if len(words) != 5:
            raise BadFrame(f"a hello of {len(words)} words")
        return Session(key, challenge, answer, TO_TASK, FROM_TASK), words

    async def _work_with(self, peer: _Peer, task: str, attempt: Optional[int], how: str) -> None:
        if how == "resume":
            await peer.send(GO_ON if self._work.wanted(task) else DONE)
        else:
            payload = self._work.begin(task)
            if payload is None:
                await peer.send(DONE)
                return
            await peer.send(CALL, payload)
            del payload
        while True:
            kind, payload = await peer.receive(self._limits)
            if kind == WANT_MODULE:
                await peer.send(MODULE, cloudpickle_archive())
            else:
                self._work.deliver(task, kind, payload, attempt)
                await peer.send(DONE)
                return
