"""What runs in a task of an Executor: it fetches one function, calls it, and brings back what came of it.

bootstrap.py in the task has got this text from the Executor. It needs nothing but Python's standard library. It is the
protocol's definition too (docs/executor.md "On the wire"): the Executor's side imports what is here.

Both sides prove with each frame that they know the task's key. Pickles are code: neither side unpickles a byte before.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
import socket
import struct
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it would cost a small function a tenth of its time
    from typing import Any, NoReturn, Optional

MAGIC = b"zmesos-function 1\n"
NONCE_BYTES = 16
MAC_BYTES = 32
HEADER = struct.Struct(">BQ")  # kind, bytes of the payload
HELLO_LENGTH = struct.Struct(">H")
WORDS = 1 << 17  # characters of a sentence, and of a traceback, that are sent in words

# Kinds, to the task:
CALL, MODULE, GO_ON, DONE, REFUSED = 1, 2, 3, 4, 5
# and from the task:
RESULT, RAISED, FAILED, WANT_MODULE = 16, 17, 18, 19
TO_TASK, FROM_TASK = b"\x00", b"\x01"

CALL_HEAD = struct.Struct(">Q?16s")  # the limit of a result, whether it is many calls, the version of cloudpickle needed

EXIT_PARENT_GONE = 75
EXIT_UNREACHED = 76
EXIT_REFUSED = 77

PATIENCE = 60.0  # seconds for a connection, the first one and each further one
REFUSED_PATIENCE = 5.0  # seconds of refusals: the machine is there, and the program is not
PAUSE = 0.2


class BadFrame(Exception):
    """Not what the other side would have sent."""


def sign(key: bytes, *parts: bytes) -> bytes:
    """The authentication code of these bytes."""
    made = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        made.update(part)
    return made.digest()


class Session:
    """The codes of one connection's frames: none fits another connection, direction or place in the order."""

    def __init__(self, key: bytes, challenge: bytes, answer: bytes, mine: bytes, theirs: bytes) -> None:
        self._key = sign(key, b"session", challenge, answer)
        self._mine, self._theirs = mine, theirs
        self._sent = self._received = 0

    def seal(self, kind: int, payload: bytes) -> tuple[bytes, bytes]:
        """What goes before the payload, and behind it."""
        header = HEADER.pack(kind, len(payload))
        code = sign(self._key, self._mine, self._sent.to_bytes(8, "big"), header, payload)
        self._sent += 1
        return header, code

    def check(self, header: bytes, payload: bytes, code: bytes) -> int:
        """The kind of the next frame; BadFrame where it is forged."""
        right = sign(self._key, self._theirs, self._received.to_bytes(8, "big"), header, payload)
        if not hmac.compare_digest(right, code):
            raise BadFrame("a frame that does not have the task's key")
        self._received += 1
        kind: int = HEADER.unpack(header)[0]
        return kind


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes; EOFError where the connection ends before."""
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(1 << 20, count - len(parts)))
        if not part:
            raise EOFError("the connection has ended")
        parts += part
    return bytes(parts)


def watch_over(connection: socket.socket) -> None:
    """Finds a peer that has gone without a word: in half a minute where all is silent, a minute where something waits."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 60_000)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Link:
    """The way to the Executor: made anew when it breaks. What is to be delivered is sent on each connection once, until
    the Executor says that it has it."""

    def __init__(self, host: str, port: int, task: str, key: bytes, attempt: str) -> None:
        self.place = (host, port)
        self.task, self.key, self.attempt = task, key, attempt
        self.taken = threading.Event()
        self._lock = threading.Lock()
        self._connection: Optional[socket.socket] = None
        self._session: Optional[Session] = None
        self._outcome: Optional[tuple[int, bytes]] = None

    def connect(self, resume: bool) -> tuple[int, bytes]:
        """The Executor's first frame on a new connection; OSError, EOFError or BadFrame where that fails for too long."""
        start = time.monotonic()
        while True:
            try:
                return self._connect_once(resume)
            except (OSError, EOFError, BadFrame) as error:
                refused = isinstance(error, ConnectionRefusedError)
                if time.monotonic() - start > (REFUSED_PATIENCE if refused else PATIENCE):
                    raise
            time.sleep(PAUSE)

    def _connect_once(self, resume: bool) -> tuple[int, bytes]:
        connection = socket.create_connection(self.place, timeout=PATIENCE)
        try:
            watch_over(connection)
            if read_exactly(connection, len(MAGIC)) != MAGIC:
                raise BadFrame("that is no Executor")
            challenge, answer = read_exactly(connection, NONCE_BYTES), os.urandom(NONCE_BYTES)
            version = "%d.%d" % sys.version_info[:2]
            words = (self.task, sys.implementation.name, version, self.attempt, "resume" if resume else "call")
            hello = answer + "\n".join(words).encode()
            connection.sendall(HELLO_LENGTH.pack(len(hello)) + hello + sign(self.key, b"hello", challenge, hello))
            session = Session(self.key, challenge, answer, FROM_TASK, TO_TASK)
            frame = receive(connection, session)
            connection.settimeout(None)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._session = connection, session
            if self._outcome is not None and frame[0] == GO_ON:
                self._send(*self._outcome)
        return frame

    def _send(self, kind: int, payload: bytes) -> None:
        assert self._connection is not None and self._session is not None
        header, code = self._session.seal(kind, payload)
        for part in (header, payload, code):
            self._connection.sendall(part)

    def ask(self, kind: int) -> tuple[int, bytes]:
        """The answer to a frame, before listen() begins."""
        assert self._connection is not None and self._session is not None
        self._send(kind, b"")
        return receive(self._connection, self._session)

    def listen(self) -> None:
        """A thread of its own: ends the process when nobody waits for it any more."""
        while True:
            assert self._connection is not None and self._session is not None
            try:
                kind, payload = receive(self._connection, self._session)
            except (OSError, EOFError, BadFrame):
                try:
                    kind, payload = self.connect(resume=True)
                except (OSError, EOFError, BadFrame) as error:
                    leave(EXIT_PARENT_GONE, "the program that waits for the function is gone: %s" % error)
            if kind == REFUSED:
                leave(EXIT_REFUSED, payload.decode())
            if kind == DONE:
                with self._lock:
                    delivered = self._outcome is not None
                if not delivered:
                    leave(0, "the function's result is not wanted any more")
                self.taken.set()
                return

    def deliver(self, kind: int, payload: bytes) -> None:
        """Returns when the Executor has it. Where the connection is broken, listen() makes another and sends it there."""
        with self._lock:
            self._outcome = (kind, payload)
            try:
                self._send(kind, payload)
            except OSError:
                pass
        self.taken.wait()


def receive(connection: socket.socket, session: Session) -> tuple[int, bytes]:
    """The next frame."""
    header = read_exactly(connection, HEADER.size)
    payload = read_exactly(connection, HEADER.unpack(header)[1])
    return session.check(header, payload, read_exactly(connection, MAC_BYTES)), payload


def flush() -> None:
    """What was printed is in the sandbox; the function may have closed its streams."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass


def leave(status: int, words: str) -> NoReturn:
    """Ends the process from any thread, with words for the sandbox's stderr."""
    try:
        flush()
        os.write(2, ("zmesos: %s\n" % words).encode())
    finally:  # a disk may be full, a pipe without a reader
        os._exit(status)


def failure(what: str, trace: str = "") -> tuple[int, bytes]:
    """An outcome in words: what, and the traceback that belongs to it."""
    return FAILED, (what[:WORDS] + "\x00" + trace[-WORDS:]).encode("utf-8", "replace")


def told(error: BaseException) -> str:
    """Its traceback, as Python prints it, without the frames of this file."""
    import traceback

    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def have_cloudpickle(link: Link, version: str) -> None:
    """That very version can be imported: another one need not understand the pickle. The Executor sends it."""
    import importlib

    try:
        if importlib.import_module("cloudpickle").__version__ == version:
            return
    except ImportError:
        pass
    kind, archive = link.ask(WANT_MODULE)
    if kind != MODULE:
        raise BadFrame("another answer than the module cloudpickle")
    for name in [name for name in sys.modules if name.split(".")[0] == "cloudpickle"]:
        del sys.modules[name]
    path = os.path.abspath("zmesos-cloudpickle-%s.zip" % version)
    with open(path, "wb") as file:
        file.write(archive)
    sys.path.insert(0, path)


def freeze(value: Any) -> bytes:
    """A pickle of it; with cloudpickle where it is here and pickle does not do."""
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception:
        try:
            import cloudpickle
        except ImportError:
            pass
        else:
            return bytes(cloudpickle.dumps(value))
        raise


def call(function: Any, positional: Any, named: Any, many: bool, limit: int) -> tuple[int, bytes]:
    """Calls it; the outcome, of whatever kind."""
    try:
        value = [function(*each) for each in positional] if many else function(*positional, **named)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are what came of it, too
        return raised(error, limit)
    try:
        frozen = freeze(value)
    except Exception as error:
        return failure("the result cannot be pickled: %s: %s" % (type(error).__name__, error), told(error))
    return (RESULT, frozen) if len(frozen) <= limit else failure(too_large("the result", len(frozen), limit))


def raised(error: BaseException, limit: int) -> tuple[int, bytes]:
    """The exception itself and its traceback in words; the words alone where it cannot be pickled and read again."""
    text = told(error)
    try:
        frozen = freeze((error.with_traceback(None), text))
        pickle.loads(frozen)  # some can be pickled, and not read again
        if len(frozen) <= limit:
            return RAISED, frozen
        why = too_large("it", len(frozen), limit)
    except Exception as reason:
        why = "it cannot be pickled: %s: %s" % (type(reason).__name__, reason)
    return failure("the function raised %s: %s; %s" % (type(error).__name__, error, why), text)


def too_large(what: str, size: int, limit: int) -> str:
    return (
        "%s has %d bytes pickled, and %d are the most (max_bytes): write it to a directory that both machines see, "
        "and hand over its path" % (what, size, limit)
    )


def main() -> int:
    """The function that the task's environment names."""
    address = os.environ.pop("ZMESOS_FUNCTION_ADDRESS")
    host, _, port = address.rpartition(":")
    key = bytes.fromhex(os.environ.pop("ZMESOS_FUNCTION_KEY"))
    attempt = os.environ.get("MESOS_EXECUTOR_ID", "").rpartition(".")[2]
    link = Link(host.strip("[]"), int(port), os.environ.pop("ZMESOS_FUNCTION_TASK"), key, attempt)
    try:
        kind, payload = link.connect(resume=False)
        if kind == REFUSED:
            leave(EXIT_REFUSED, payload.decode())
        if kind != CALL:
            leave(0, "the function's result is not wanted any more")
        limit, many, version = CALL_HEAD.unpack_from(payload)
        if version.strip(b"\0"):
            have_cloudpickle(link, version.strip(b"\0").decode())
    except (OSError, EOFError, BadFrame) as error:
        leave(EXIT_UNREACHED, "%s could not be reached from here: %s" % (address, error))
    loaded = None
    try:
        loaded = pickle.loads(memoryview(payload)[CALL_HEAD.size :])
    except Exception as error:
        words = "the task could not load the function or its arguments: %s: %s" % (type(error).__name__, error)
        outcome = failure(words, told(error))
    del payload
    threading.Thread(target=link.listen, daemon=True).start()
    if loaded is not None:
        function, positional, named = loaded
        outcome = call(function, positional, named, many, limit)
    flush()
    link.deliver(*outcome)
    return 0
