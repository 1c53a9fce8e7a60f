"""What the bridges to MQTT and to Redis have in common.

Two directions, each with connections of its own and in a thread of its own. Events: followed from the position that the
broker itself remembers, so that a broker which forgets (kill -9, an older backup) is given again what it forgot. Requests:
answered first and acknowledged then. A session runs until anything goes wrong with the broker or with zmesosd, and then
another one begins where the broker says; nothing is kept in this process.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Callable, Iterable, Optional

import zmq
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict

import zmesos

MOST_ENTRIES = 200  # handed to the broker at a time
MOST_BYTES = 1 << 20  # but no more than that and one event
REQUEST_MAX = 1 << 20  # zmesosd's own limit; past four times as much it would cut the connection
QUOTED = 65536  # bytes of a refused request that its dead letter has
ASK_S = 3.0
ASKED = 3  # times, before zmesosd counts as away
PAUSES = (0.1, 5.0)  # seconds between sessions: at first, at most
INTEGERS = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)


def options_of(description: str, broker: str) -> argparse.ArgumentParser:
    """The options that the bridges share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--broker", default=broker, help=f"default: {broker}")
    parser.add_argument("--root", default="zmesos", help="what all names on the broker begin with (default: zmesos)")
    parser.add_argument("--prefix", action="append", default=[], help="of topics, as task/; may be repeated (default: all)")
    parser.add_argument("--start", choices=("oldest", "now"), default="oldest", help="where the broker knows of no position")
    parser.add_argument("--allow", default="launch,kill", help="requests that are passed on (default: launch,kill)")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    return parser


# ---- events --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """What goes onto the broker. `id` is the same however often it goes there: store/class/number."""

    topic: str
    id: str
    text: str


def entry_of(found: zmesos.Followed) -> Entry:
    """An event as JSON; docs in README.md, "Events"."""
    if isinstance(found, zmesos.StartedOver):
        return notice_of(found.reason, found.position, found.event_class, found.missed)
    header = found.header
    entry: dict[str, Any] = {
        "id": f"{found.store}/{found.event_class}/{found.number}",
        "topic": found.topic.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "store": found.store,
        "run": found.run,
        "class": found.event_class,
        "number": found.number,
        "time_ns": header.time_ns,
    }
    if found.revision is not None:
        entry["revision"] = found.revision
    try:
        entry["body"] = body_of(found)
    except (zmesos.ProtocolError, UnicodeDecodeError):  # never a reason to stop: the numbers would have a hole
        entry["body"], entry["bytes"] = None, base64.b64encode(found.body).decode()
    return Entry(found.topic, entry["id"], json.dumps(entry))


def notice_of(
    reason: str,
    position: zmesos.Position,
    event_class: Optional[str] = None,
    missed: Optional[tuple[int, int]] = None,
) -> Entry:
    """Says on the broker that what follows does not join what is there: some was lost, or may come again."""
    name = f"{position.store}/STARTED_OVER/{reason}" + (f"/{event_class}/{missed[1]}" if event_class and missed else "")
    text: dict[str, Any] = {"id": name, "topic": "bus/STARTED_OVER", "reason": reason, "position": as_dict(position)}
    if event_class and missed:
        text.update({"class": event_class, "missed": missed})
    return Entry("bus/STARTED_OVER", name, json.dumps(text))


def body_of(event: zmesos.Event) -> dict[str, Any]:
    views = (event.task, event.operation, event.mesos, event.orphan, event.unconfirmed)
    message = next(view for view in views if view is not None)
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    _number(message.DESCRIPTOR, found)
    return found


def _number(kind: Descriptor, found: dict[str, Any]) -> None:
    """Integers of 64 bits as numbers, as zmesosd writes them; protobuf's own library makes strings of them."""
    for name, value in found.items():
        field = kind.fields_by_name[name]
        if field.message_type is not None:
            for part in value if isinstance(value, list) else [value]:
                _number(field.message_type, part)
        elif field.cpp_type in INTEGERS:
            found[name] = [int(part) for part in value] if isinstance(value, list) else int(value)


def as_dict(position: zmesos.Position) -> dict[str, Any]:
    return {"store": position.store, "numbers": dict(position.numbers)}


def position_text(position: zmesos.Position) -> str:
    """For the broker to keep."""
    return json.dumps(as_dict(position), sort_keys=True)


def read_position(text: bytes, where: str) -> zmesos.Position:
    """What position_text() wrote there; ProtocolError for anything else."""
    try:
        found = json.loads(text)
        return zmesos.Position(str(found["store"]), {str(name): int(number) for name, number in found["numbers"].items()})
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise zmesos.ProtocolError(f"{where} holds no position of a bridge: {text[:60]!r}; take it away to begin anew") from error


def escape(topic: str) -> str:
    """Each level as in a URL: ids may hold what brokers take for a wildcard, or refuse."""
    return urllib.parse.quote(topic.encode("utf-8", "surrogateescape"), safe="/")


def follow(
    options: argparse.Namespace,
    stop: threading.Event,
    position: Optional[zmesos.Position],
    put: Callable[[list[Entry], zmesos.Position], None],
) -> None:
    """Gives put() all events from `position` on (None: the broker knows of none), with the position after them; at least
    each second, with none if there are none. It returns once the broker has both. No further event is taken meanwhile."""
    with zmesos.Client(options.control, options.events) as client:
        with client.follow(*options.prefix, start=position or options.start) as follower:
            say("events: ready")
            if position is None:
                put([notice_of("NEW", follower.position)], follower.position)
            while not stop.is_set():
                entries: list[Entry] = []
                size = 0
                found = follower.recv(1.0)
                while found is not None:
                    entries.append(entry_of(found))
                    size += len(entries[-1].text)
                    full = len(entries) >= MOST_ENTRIES or size >= MOST_BYTES
                    found = None if full else follower.recv(0)
                put(entries, follower.position)


# ---- requests ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """The reply in zmesosd's words. bad: nothing that would help by being tried again; it goes to the dead letters."""

    text: str
    bad: bool


class _Bad(Exception):
    """A request that is answered here."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.reply = {"version": 1, "code": code, "message": message, **({"field": field} if field else {})}


class Requests:
    """Passes requests on to zmesosd as JSON. For one thread."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._allowed = options.allow.split(",")
        self._socket = zmq.Context.instance().socket(zmq.REQ)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.REQ_RELAXED, 1),
            (zmq.REQ_CORRELATE, 1),
            (zmq.SNDTIMEO, int(ASK_S * 1000)),
            (zmq.RCVTIMEO, int(ASK_S * 1000)),
        ):
            self._socket.setsockopt(option, value)
        self._socket.connect(options.control)

    def __enter__(self) -> "Requests":
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def answer(self, data: bytes, message_id: Optional[str]) -> Answer:
        """message_id: the broker's own for this message, the same at each delivery; tasks without an id are named after it.
        TimedOut or Unavailable: not now. The message is to stay where it is, and be given again."""
        try:
            reply = self._ask(self._read(data, message_id))
        except _Bad as error:
            reply = error.reply
        for part in [reply, *reply.get("items", {}).get("items", [])]:
            if part.get("code") == "UNAVAILABLE" and part.get("retry"):
                raise zmesos.Unavailable("UNAVAILABLE", part.get("message", ""), retry=True)
        return Answer(json.dumps(reply), reply["code"] != "OK")

    def _read(self, data: bytes, message_id: Optional[str]) -> bytes:
        """What zmesosd is to be sent for these bytes."""
        if len(data) > REQUEST_MAX:
            raise _Bad("TOO_LARGE", f"the request has {len(data)} bytes, and may have {REQUEST_MAX}")
        try:
            found = json.loads(data.decode("utf-8"), object_pairs_hook=_object)
            return json.dumps(self._complete(found, message_id)).encode()
        except ValueError as error:
            raise _Bad("MALFORMED", f"this is no request: {error}") from error
        except RecursionError as error:
            raise _Bad("MALFORMED", "this is no request: it is nested too deeply") from error

    def _complete(self, found: Any, message_id: Optional[str]) -> dict[str, Any]:
        """The request with what a message may leave out."""
        if not isinstance(found, dict):
            raise _Bad("MALFORMED", "this is no request: an object was expected")
        if isinstance(found.get("command"), str):  # the short form: a task, its command as a line of the shell
            task = {"cpus": 0.1, "mem": 32, **found, "command": {"value": found["command"]}}
            found = {"launch": {"tasks": [task]}}
        elif "command" in found:
            raise _Bad("INVALID", "a command line was expected, a text", "command")
        for operation in sorted(found.keys() - {"version", "id", *self._allowed}):
            raise _Bad("INVALID", f"only these are passed on: {', '.join(self._allowed)}", operation)
        launch = found.get("launch")
        tasks = launch.get("tasks") if isinstance(launch, dict) else None
        tasks = tasks if isinstance(tasks, list) else []
        for place, task in enumerate(tasks):
            if isinstance(task, dict) and task.get("id") is None:
                if message_id is None:
                    raise _Bad("INVALID", "messages here have no ids to name a task after: name it", f"launch.tasks[{place}].id")
                task["id"] = message_id if len(tasks) == 1 else f"{message_id}-{place}"
        return {"version": 1, **found}

    def _ask(self, request: bytes) -> dict[str, Any]:
        for _ in range(ASKED):
            try:
                self._socket.send(request)
                reply: dict[str, Any] = json.loads(self._socket.recv())
                return reply
            except zmq.Again:  # asked once more: the same request does nothing twice
                continue
        raise zmesos.TimedOut("zmesosd does not answer")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def dead_letter(data: bytes, answer: Answer) -> str:
    """A request that was refused, for people: with the reply, and no more of it than will do."""
    quoted = data[:QUOTED].decode("utf-8", "replace")
    return json.dumps({"reply": json.loads(answer.text), "size": len(data), "request": quoted})


# ---- sessions ------------------------------------------------------------------------------------------


def run(sessions: Iterable[Callable[[threading.Event], None]], errors: tuple[type[Exception], ...]) -> int:
    """Each session in its thread, anew after each of these errors, until SIGTERM or SIGINT; the process's exit status. Any
    other error is a bug, and ends them all."""
    stop = threading.Event()
    ends: SimpleQueue[None] = SimpleQueue()  # put() takes no lock, so a signal handler may call it
    passing: tuple[type[Exception], ...] = (zmesos.ZmesosError, *errors)
    failed: list[BaseException] = []

    def keep(session: Callable[[threading.Event], None]) -> None:
        pause = PAUSES[0]
        while not stop.is_set():
            began = time.monotonic()
            try:
                session(stop)
            except passing as error:
                pause = PAUSES[0] if time.monotonic() - began > PAUSES[1] else min(2 * pause, PAUSES[1])
                say(f"{session.__name__}: {error}; again in {pause:.1f} s")
                stop.wait(pause)

    def guard(session: Callable[[threading.Event], None]) -> None:
        try:
            keep(session)
        except BaseException as error:
            failed.append(error)
        finally:
            ends.put(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ends.put(None))
    threads = [threading.Thread(target=guard, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    ends.get()
    stop.set()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return 0


def say(words: str) -> None:
    print(f"{os.path.basename(sys.argv[0])}: {words}", file=sys.stderr, flush=True)
