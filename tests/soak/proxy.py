"""A TCP proxy between zmesosd and its master that breaks connections, and knows which calls it has passed on.

What reaches the master is read on the way (HTTP requests with a protobuf Call), so that a break can be put at a call's
end, and so that the comparison knows what was sent whatever became of its answer: which Mesos task ids an ACCEPT launched and
which updates were acknowledged. Everything runs on one event loop in a thread of its own.

A call counts as passed on before its last byte is written to the master: what the proxy says was sent may not have arrived,
what it does not say was never sent.
"""
from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Optional, TextIO

import programs  # noqa: F401  (puts the built package on the path)
from zmesos import scheduler

READ_BYTES = 65536
HEADER_LIMIT = 1 << 20
CUT_BYTES = 300         # a cut answer is at most so long
STALLS = (0.2, 6.0)     # seconds
LATE = (0.5, 8.0)       # seconds until a held request is delivered after all
HANDLED = 1.0           # seconds in which a master has begun to handle what came late, before the connection ends
REFUSALS = (0.1, 2.0)   # seconds in which every new connection is closed

Call = scheduler.Call


class Requests:
    """The HTTP requests in the bytes of one connection. feed() gives the bodies of those complete, and how many of the
    bytes given end the last of them."""

    def __init__(self) -> None:
        self._data = b""
        self._need: Optional[int] = None  # bytes of a body of known length
        self._chunks: Optional[list[bytes]] = None

    def feed(self, data: bytes) -> tuple[list[bytes], int]:
        before = len(self._data)
        self._data += data
        taken = 0
        bodies = []
        while (step := self._step()) is not None:
            used, body = step
            self._data = self._data[used:]
            taken += used
            if body is not None:
                bodies.append(body)
                end = taken - before
        return bodies, end if bodies else 0

    def _step(self) -> Optional[tuple[int, Optional[bytes]]]:
        if self._chunks is not None:
            return self._chunk(self._chunks)
        if self._need is not None:
            if len(self._data) < self._need:
                return None
            used, self._need = self._need, None
            return used, self._data[:used]
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > HEADER_LIMIT:
                raise ValueError("a header without an end")
            return None
        fields = {}
        for line in self._data[:end].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            fields[name.strip().lower()] = value.strip().lower()
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            self._chunks = []
        else:
            self._need = int(fields.get(b"content-length", b"0"))
        return end + 4, None

    def _chunk(self, chunks: list[bytes]) -> Optional[tuple[int, Optional[bytes]]]:
        end = self._data.find(b"\r\n")
        if end < 0:
            return None
        size = int(self._data[:end].split(b";")[0], 16)
        if len(self._data) < end + 2 + size + 2:
            return None
        chunks.append(self._data[end + 2:end + 2 + size])
        if size == 0:
            self._chunks = None
            return end + 4, b"".join(chunks)
        return end + 4 + size, None


class Connection:
    """One of zmesosd's connections and ours to the master, and the break that is armed for it."""

    def __init__(self, proxy: "Proxy", client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
                 master: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.proxy = proxy
        self.client_reader, self.client = client
        self.master_reader, self.master = master
        self.requests = Requests()
        self.armed: Optional[str] = None
        self.until = {"up": 0.0, "down": 0.0}  # nothing goes on in this direction before
        self.open = True

    async def run(self) -> None:
        pumps = [asyncio.ensure_future(self._up()), asyncio.ensure_future(self._down())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            results = await asyncio.gather(*pumps, return_exceptions=True)
            self.close()
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result

    async def _wait(self, direction: str) -> None:
        while (left := self.until[direction] - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)

    async def _up(self) -> None:
        while data := await self.client_reader.read(READ_BYTES):
            await self._wait("up")
            bodies, end = self.requests.feed(data)
            if bodies and self.armed in ("swallow", "late"):
                await self._hold(data, bodies, end)
                return
            self.proxy.note(bodies)
            self.master.write(data)
            await self.master.drain()

    async def _hold(self, data: bytes, bodies: list[bytes], end: int) -> None:
        """The request is whole here, and its sender is cut off: it never arrives, or later."""
        how, self.armed = self.armed, None
        assert how
        self.proxy.count(how)
        self.close_client()
        if how == "late":
            await asyncio.sleep(self.proxy.random.uniform(*LATE))
            self.proxy.note(bodies)
            self.master.write(data[:end])
            await self.master.drain()
            await asyncio.sleep(HANDLED)

    async def _down(self) -> None:
        while data := await self.master_reader.read(READ_BYTES):
            await self._wait("down")
            if self.armed in ("cut", "lose"):
                self.proxy.count(self.armed)
                keep = 0 if self.armed == "lose" else self.proxy.random.randrange(1, CUT_BYTES)
                self.armed = None
                self.client.write(data[:min(keep, len(data) - 1)])
                await asyncio.wait_for(self.client.drain(), 5.0)
                return
            if not self.client.is_closing():  # else a request is held, and _hold() ends the connection
                self.client.write(data)
                await self.client.drain()

    def close_client(self) -> None:
        reset = self.proxy.random.random() < 0.5
        _close(self.client, reset)

    def close(self) -> None:
        if self.open:
            self.open = False
            self.close_client()
            _close(self.master, self.proxy.random.random() < 0.5)


def _close(writer: asyncio.StreamWriter, reset: bool) -> None:
    """In order, or by a reset: what was not sent by then is dropped."""
    if writer.is_closing():
        return
    if reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


class Proxy:
    """Listens on a port of its own from the constructor on; stop() ends it. Breaks come while breaking(True)."""

    def __init__(self, master: str, seed: int, every: float, log: TextIO) -> None:
        self.host, port = master.rsplit(":", 1)
        self.port = int(port)
        self.random = random.Random(seed)
        self.every = every
        self.breaks: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.error: Optional[BaseException] = None
        self.address = ""
        self._log = log
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._breaking = False
        self._refuse_until = 0.0
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="proxy")
        self._thread.start()
        ready.wait()
        if self.error:
            raise self.error

    def breaking(self, on: bool) -> None:
        def switch() -> None:
            self._breaking = on
            if not on:
                self._refuse_until = 0.0
                for connection in self._connections:
                    connection.armed = None
                    connection.until = {"up": 0.0, "down": 0.0}
        self._loop.call_soon_threadsafe(switch)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        if self.error:
            raise self.error

    def count(self, how: str) -> None:
        self.breaks[how] += 1

    def note(self, bodies: list[bytes]) -> None:
        """Writes down what the comparison wants to know of calls that go to the master now."""
        for body in bodies:
            call = Call.FromString(body)
            self.calls[Call.Type.Name(call.type)] += 1
            record: dict[str, Any] = {}
            if call.type == Call.ACCEPT:
                tasks = [info.task_id.value for operation in call.accept.operations
                         for info in operation.launch.task_infos]
                record = {"accept": tasks} if tasks else {}
            elif call.type == Call.ACKNOWLEDGE:
                record = {"acknowledge": call.acknowledge.task_id.value, "uuid": call.acknowledge.uuid.hex()}
            if record:
                self._log.write(json.dumps(record) + "\n")

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(ready))
        except BaseException as error:
            self.error = error
        finally:
            ready.set()
            self._log.flush()
            self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        ready.set()
        breaker = asyncio.ensure_future(self._break_things())
        stopped = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({breaker, stopped}, return_when=asyncio.FIRST_COMPLETED)
        breaker.cancel()
        stopped.cancel()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if breaker.done() and not breaker.cancelled() and breaker.exception():
            raise breaker.exception()  # type: ignore[misc]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            if self._loop.time() < self._refuse_until:
                _close(writer, True)
                return
            try:
                master = await asyncio.open_connection(self.host, self.port)
            except OSError:  # the master is away
                _close(writer, True)
                return
            connection = Connection(self, (reader, writer), master)
            self._connections.add(connection)
            try:
                await connection.run()
            finally:
                self._connections.discard(connection)
        except Exception as error:
            self.error = error
            self._stop.set()
        finally:
            self._tasks.discard(task)

    async def _break_things(self) -> None:
        kinds: dict[str, Callable[[list[Connection]], None]] = {
            "close": self._close_one, "reset": self._close_one, "stall": self._stall_one, "all": self._close_all,
            "refuse": self._refuse}
        while True:
            await asyncio.sleep(self.random.expovariate(1 / self.every))
            alive = sorted(self._connections, key=id)
            if not self._breaking or not alive:
                continue
            how = self.random.choice(["close", "reset", "stall", "all", "refuse", *2 * ["cut", "lose", "swallow", "late"]])
            if how in kinds:
                self.count(how)
                kinds[how](alive)
            else:
                self.random.choice(alive).armed = how  # counted when it happens

    def _close_one(self, alive: list[Connection]) -> None:
        self.random.choice(alive).close()

    def _close_all(self, alive: list[Connection]) -> None:
        for connection in alive:
            connection.close()

    def _refuse(self, alive: list[Connection]) -> None:
        self._refuse_until = self._loop.time() + self.random.uniform(*REFUSALS)
        self._close_all(alive)

    def _stall_one(self, alive: list[Connection]) -> None:
        until = self._loop.time() + self.random.uniform(*STALLS)
        connection = self.random.choice(alive)
        for direction in self.random.choice([["up"], ["down"], ["up", "down"]]):
            connection.until[direction] = until
