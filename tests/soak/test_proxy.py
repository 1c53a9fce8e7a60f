"""The soak's proxy: it reads requests however they are cut, and each break does what it says to a request and its answer."""
from __future__ import annotations

import io
import json
import pathlib
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import proxy as proxies  # noqa: E402
from programs import wait_for  # noqa: E402
from proxy import Proxy, Requests  # noqa: E402
from zmesos import scheduler  # noqa: E402

LIMIT = 60.0


def call(uuid: bytes = b"\x01\x02") -> bytes:
    made = scheduler.Call(type=scheduler.Call.ACKNOWLEDGE)
    made.acknowledge.agent_id.value, made.acknowledge.task_id.value, made.acknowledge.uuid = "agent", "a.1.1", uuid
    return made.SerializeToString()


def request(body: bytes, chunked: bool = False) -> bytes:
    head = b"POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\n"
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


@pytest.mark.parametrize("size", [1, 3, 50, 10_000])
def test_requests_are_read_however_they_are_cut(size: int) -> None:
    bodies = [b"first", b"", b"\r\n\r\n0\r\n", b"x" * 300]
    stream = request(bodies[0]) + request(bodies[1]) + request(bodies[2], True) + request(bodies[3], True)
    requests, found = Requests(), []
    for at in range(0, len(stream), size):
        got, end = requests.feed(stream[at:at + size])
        assert bool(got) == bool(end) and end <= size
        found += got
    assert found == bodies


def test_the_end_of_the_last_whole_request_is_told() -> None:
    whole, rest = request(b"body"), request(b"another")[:-2]
    assert Requests().feed(whole + rest) == ([b"body"], len(whole))


class Master:
    """Takes connections one after the other and answers each whole request with 202; keeps what came."""

    ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.bodies: list[bytes] = []
        self.closed = 0
        self.threads = [threading.Thread(target=self._serve)]
        self.threads[0].start()

    def _serve(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            with connection:
                requests = Requests()
                try:
                    while data := connection.recv(4096):
                        if data == b"stop":
                            return
                        got, _ = requests.feed(data)
                        self.bodies += got
                        connection.sendall(self.ANSWER * len(got))
                except OSError:
                    pass
            self.closed += 1

    def stop(self) -> None:
        with socket.create_connection(("127.0.0.1", int(self.address.rsplit(":")[1]))) as connection:
            connection.sendall(b"stop")
        self.threads[0].join(LIMIT)
        self.socket.close()


@pytest.fixture
def master() -> Iterator[Master]:
    made = Master()
    yield made
    made.stop()


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def proxy(master: Master, log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(proxies, "LATE", (0.05, 0.1))
    monkeypatch.setattr(proxies, "HANDLED", LIMIT)  # a reset before the master has read would take the request back
    monkeypatch.setattr(proxies, "REFUSALS", (LIMIT, LIMIT))  # until the test ends it
    made = Proxy(master.address, 1, 1e9, log)
    yield made
    made.stop()


def connect(proxy: Proxy) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", int(proxy.address.rsplit(":")[1])), timeout=LIMIT)
    wait_for(lambda: proxy._connections, "a connection")
    return made


def arm(proxy: Proxy, how: str) -> None:
    [connection] = proxy._connections
    connection.armed = how


def answer(connection: socket.socket) -> bytes:
    """All that comes until the end or the reset."""
    got = b""
    try:
        while data := connection.recv(4096):
            got += data
    except ConnectionResetError:
        pass
    return got


def test_without_a_break_everything_passes_and_calls_are_noted(master: Master, proxy: Proxy, log: io.StringIO) -> None:
    with connect(proxy) as connection:
        connection.sendall(request(call()) + request(call(b"\x03"), True))
        got = b""
        while len(got) < 2 * len(Master.ANSWER):
            got += connection.recv(4096)
    assert got == 2 * Master.ANSWER and master.bodies == [call(), call(b"\x03")]
    proxy.stop()
    assert [json.loads(line) for line in log.getvalue().splitlines()] == [
        {"acknowledge": "a.1.1", "uuid": "0102"}, {"acknowledge": "a.1.1", "uuid": "03"}]
    assert not proxy.breaks


def test_a_lost_answer_is_that_of_a_request_that_arrived(master: Master, proxy: Proxy) -> None:
    with connect(proxy) as connection:
        arm(proxy, "lose")
        connection.sendall(request(call()))
        assert answer(connection) == b""
    assert master.bodies == [call()] and proxy.breaks == {"lose": 1} and proxy.calls == {"ACKNOWLEDGE": 1}


def test_a_cut_answer_ends_in_the_middle(master: Master, proxy: Proxy) -> None:
    with connect(proxy) as connection:
        arm(proxy, "cut")
        connection.sendall(request(call()))
        got = answer(connection)
    assert Master.ANSWER.startswith(got) and len(got) < len(Master.ANSWER)
    assert master.bodies == [call()] and proxy.breaks == {"cut": 1}


def test_a_swallowed_request_never_arrives(master: Master, proxy: Proxy, log: io.StringIO) -> None:
    with connect(proxy) as connection:
        arm(proxy, "swallow")
        connection.sendall(request(call()))
        assert answer(connection) == b""
    wait_for(lambda: master.closed, "the end of the connection to the master")
    assert master.bodies == [] and proxy.breaks == {"swallow": 1} and not log.getvalue() and not proxy.calls


def test_a_late_request_arrives_after_its_sender_was_cut_off(master: Master, proxy: Proxy) -> None:
    with connect(proxy) as connection:
        arm(proxy, "late")
        connection.sendall(request(call()))
        assert answer(connection) == b""
    wait_for(lambda: master.bodies == [call()], "the late request")
    assert proxy.breaks == {"late": 1} and proxy.calls == {"ACKNOWLEDGE": 1}


def test_closing_refusing_and_stalling(master: Master, proxy: Proxy) -> None:
    with connect(proxy) as connection:
        proxy._loop.call_soon_threadsafe(lambda: proxy._close_all(list(proxy._connections)))
        assert answer(connection) == b""
    wait_for(lambda: not proxy._connections, "the end of the connection")
    proxy._loop.call_soon_threadsafe(lambda: proxy._refuse([]))
    wait_for(lambda: proxy._refuse_until, "the refusal")
    try:
        with socket.create_connection(("127.0.0.1", int(proxy.address.rsplit(":")[1])), timeout=LIMIT) as connection:
            assert answer(connection) == b""
    except ConnectionResetError:  # so early
        pass
    assert not proxy._connections
    proxy.breaking(False)
    wait_for(lambda: not proxy._refuse_until, "the end of the refusal")
    with connect(proxy) as connection:
        [mine] = proxy._connections
        mine.until = {"up": float("inf"), "down": 0.0}
        connection.sendall(request(call()))
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):  # cannot be too short: nothing may come
            connection.recv(1)
        assert master.bodies == []
