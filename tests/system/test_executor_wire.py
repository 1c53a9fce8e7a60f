"""Who connects to an Executor without the key of a task gets nothing and is not listened to."""

from __future__ import annotations

import os
import pathlib
import pickle
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any, Optional

import pytest
import zmesos
from executing import begun, gated, make
from programs import PATIENCE, Cluster, wait_for
from zmesos import runner

# A thread of the Executor that fails fails the test.
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("wire"))
    yield made
    made.close()


class Running:
    """An Executor with one function that runs, and waits for a file."""

    def __init__(self, cluster: Cluster, directory: pathlib.Path, **options: Any) -> None:
        self.executor = make(cluster, **options)
        self._go = directory / "go"
        self.future = self.executor.submit(gated(directory, "right"))
        self.key = self.executor._server.key(self.future.task_id)
        begun(directory)

    def connect(self) -> socket.socket:
        host, port = self.executor.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=PATIENCE)

    def meet(self, key: Optional[bytes] = None, how: str = "resume", version: str = "") -> tuple[socket.socket, runner.Session]:
        """As the task's own process does."""
        connection = self.connect()
        challenge = runner.read_exactly(connection, len(runner.MAGIC) + runner.NONCE_BYTES)[len(runner.MAGIC) :]
        answer = os.urandom(runner.NONCE_BYTES)
        words = (self.future.task_id, "cpython", version or "%d.%d" % __import__("sys").version_info[:2], "1", how)
        hello = answer + "\n".join(words).encode()
        code = runner.sign(key or self.key, b"hello", challenge, hello)
        connection.sendall(runner.HELLO_LENGTH.pack(len(hello)) + hello + code)
        return connection, runner.Session(self.key, challenge, answer, runner.FROM_TASK, runner.TO_TASK)

    def finish(self) -> None:
        """The future is as if nobody else had ever said a word."""
        assert not self.future.done()
        self._go.touch()
        assert self.future.result(PATIENCE) == "right"
        self.executor.shutdown()


@pytest.fixture
def running(cluster: Cluster, tmp_path: pathlib.Path) -> Iterator[Running]:
    made = Running(cluster, tmp_path)
    yield made
    made.finish()


def closed(connection: socket.socket) -> bool:
    """Whether the other side ends the connection, and says nothing more than it had to."""
    with connection:
        try:
            said = b""
            while data := connection.recv(65536):
                said += data
        except ConnectionResetError:
            pass
    return len(said) in (0, len(runner.MAGIC) + runner.NONCE_BYTES)


def deadly(directory: pathlib.Path) -> bytes:
    """A pickle that makes a file when it is loaded."""
    made = pathlib.Path(directory, "loaded")
    return pickle.dumps(type("Deadly", (), {"__reduce__": lambda self: (os.mkdir, (str(made),))})())


def test_without_the_key(running: Running, tmp_path: pathlib.Path) -> None:
    other = running.executor._server.key(f"{running.executor.id}-2")
    for key in (bytes(32), b"", other):
        for how in ("call", "resume", "runner"):
            connection, _ = running.meet(key or b"x", how)
            connection.sendall(runner.HEADER.pack(runner.RESULT, 8) + deadly(tmp_path))
            assert closed(connection)
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize("spoil", ["payload", "kind", "order", "direction", "session"])
def test_a_forged_frame(running: Running, tmp_path: pathlib.Path, spoil: str) -> None:
    """It is the task, and somebody in between changes what it says, or repeats what was said."""
    connection, session = running.meet()
    kind, _ = runner.receive(connection, session)
    assert kind == runner.GO_ON
    payload = deadly(tmp_path)
    if spoil == "direction":
        session = runner.Session(running.key, bytes(16), bytes(16), runner.TO_TASK, runner.TO_TASK)
    if spoil == "session":
        _, session = running.meet()
    header, code = session.seal(runner.RESULT, payload)
    if spoil == "order":
        header, code = session.seal(runner.RESULT, payload)
    if spoil == "kind":
        header = runner.HEADER.pack(runner.RAISED, len(payload))
    if spoil == "payload":
        payload = payload[:-1] + b"!"
    connection.sendall(header + payload + code)
    assert closed(connection)
    assert not (tmp_path / "loaded").exists()


def test_a_session_that_is_played_once_more(running: Running, tmp_path: pathlib.Path) -> None:
    connection = running.connect()
    challenge = runner.read_exactly(connection, len(runner.MAGIC) + runner.NONCE_BYTES)[len(runner.MAGIC) :]
    hello = os.urandom(runner.NONCE_BYTES) + "\n".join((running.future.task_id, "cpython", "3.11", "1", "resume")).encode()
    said = runner.HELLO_LENGTH.pack(len(hello)) + hello + runner.sign(running.key, b"hello", challenge, hello)
    connection.close()
    again = running.connect()
    again.sendall(said)
    assert closed(again)


@pytest.mark.parametrize(
    "frame",
    [(runner.RESULT, 5000), (runner.RESULT, 1 << 62), (runner.FAILED, 1 << 30), (runner.WANT_MODULE, 1), (runner.CALL, 0), (99, 0)],
)
def test_frames_that_no_task_sends(cluster: Cluster, tmp_path: pathlib.Path, frame: tuple[int, int]) -> None:
    """By who has the key: nothing is kept of what is too large, and the connection is ended."""
    running = Running(cluster, tmp_path, max_bytes=4999)
    connection, session = running.meet()
    assert runner.receive(connection, session)[0] == runner.GO_ON
    connection.sendall(runner.HEADER.pack(*frame))
    assert closed(connection)
    running.finish()


def test_noise(running: Running) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    noise = random.Random(seed)
    size = runner.HELLO_LENGTH.pack
    for said in (b"", b"GET / HTTP/1.1\r\n\r\n", size(0), size(15) + bytes(15), size(1025), size(65535), size(16) + bytes(48)):
        with running.connect() as connection:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            assert closed(connection)
    for _ in range(100):
        with running.connect() as connection:
            try:
                connection.sendall(noise.randbytes(noise.randrange(4096)))
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                continue  # it had heard enough
            assert closed(connection)


def test_a_hello_of_other_words(running: Running) -> None:
    for text in ("", f"{running.future.task_id}\ncpython\n3.11", "\udcff\n\n\n\n"):
        connection = running.connect()
        challenge = runner.read_exactly(connection, len(runner.MAGIC) + runner.NONCE_BYTES)[len(runner.MAGIC) :]
        hello = bytes(runner.NONCE_BYTES) + text.encode("utf-8", "surrogateescape")
        key = runner.sign(running.executor._server._secret, b"task", hello[16:].split(b"\n")[0])
        connection.sendall(runner.HELLO_LENGTH.pack(len(hello)) + hello + runner.sign(key, b"hello", challenge, hello))
        assert closed(connection), text


def test_silent_strangers_do_not_keep_tasks_out(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are let in at once, for as long as they may be silent."""
    monkeypatch.setattr("zmesos.delivery.HELLO_WITHIN", 0.5)
    strangers = [running.connect() for _ in range(running.executor._server._most + 20)]
    try:
        assert running.executor.submit(abs, -3).result(2 * PATIENCE) == 3
        for stranger in strangers:
            assert closed(stranger)
    finally:
        for stranger in strangers:
            stranger.close()


def test_of_several_results_one_is_taken(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    running = Running(cluster, tmp_path)
    ends = [running.meet() for _ in range(3)]
    for connection, session in ends:
        assert runner.receive(connection, session)[0] == runner.GO_ON
    told: list[Any] = []
    running.future.add_done_callback(lambda future: told.append(future.result()))
    for number, (connection, session) in enumerate(ends):
        header, code = session.seal(runner.RESULT, payload := pickle.dumps(number))
        connection.sendall(header + payload + code)
    for connection, session in ends:
        assert runner.receive(connection, session)[0] == runner.DONE
        connection.close()
    assert running.future.result(PATIENCE) in range(3)
    wait_for(lambda: told, "the callback")
    assert told == [running.future.result()]
    running.executor.shutdown()  # and the process that still runs the function is told that it may end


def test_a_pickle_that_cannot_be_loaded_is_the_futures_exception(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    running = Running(cluster, tmp_path)
    connection, session = running.meet()
    runner.receive(connection, session)
    header, code = session.seal(runner.RESULT, b"no pickle")
    connection.sendall(header + b"no pickle" + code)
    error = running.future.exception(PATIENCE)
    assert isinstance(error, zmesos.RemoteError) and "cannot be loaded here" in str(error)
    connection.close()
    running.executor.shutdown()


def test_the_key_is_not_the_next_ones(cluster: Cluster) -> None:
    with make(cluster) as one, make(cluster) as other:
        keys: list[Callable[[str], bytes]] = [one._server.key, other._server.key]
        assert len({key(task) for key in keys for task in ("a-1", "a-2")}) == 4
