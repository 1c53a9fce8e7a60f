"""What happened in a soak, from all its witnesses, read from the files that they wrote. compare.py judges it.

The directory: client-*.log and listener-*.log (see client.py and listener.py), calls.log (the proxy: see proxy.py), evidence/
(a file for each task that ran: see plan.py), daemon/state/zmesos.db.
"""
from __future__ import annotations

import hashlib
import json
import pathlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Optional

import programs  # noqa: F401  (puts the built package on the path)
from zmesos import messages, scheduler, state_name

TASK, UPDATE = messages.TASK, messages.UPDATE


def digest(topic: bytes, header: bytes, body: bytes) -> str:
    """Names the content of an event."""
    whole = hashlib.blake2b(digest_size=12)
    for part in (topic, header, body):
        whole.update(len(part).to_bytes(4, "big") + part)
    return whole.hexdigest()


@dataclass
class Launched:
    """A launch as its client planned it and was answered."""

    id: str
    max_starts: int = 1
    overlap: bool = False
    elsewhere: bool = False     # may wait for an agent for ever
    code: Optional[str] = None  # the first answer's; None: never answered
    message: str = ""


@dataclass
class Refused:
    """A launch that must be refused. It would leave `mark` in the file of `id`."""

    id: str
    mark: str
    code: Optional[str] = None


@dataclass
class View:
    """Somebody's word of a task's state at a revision."""

    source: str
    id: str
    revision: int
    state: str


@dataclass
class Seen:
    """An event as a subscriber got it."""

    store: str
    run: int
    event_class: int
    number: int
    topic: str
    digest: str


@dataclass
class Stream:
    """What one subscriber wrote down."""

    name: str
    events: list[Seen] = field(default_factory=list)
    holes: list[tuple[int, int, int]] = field(default_factory=list)    # class, first, last
    dropped: list[tuple[int, int, int]] = field(default_factory=list)
    heads: dict[int, int] = field(default_factory=dict)
    end: Optional[dict[int, int]] = None  # what it had to reach, by class; None: it did not come to its end
    whole: frozenset[int] = frozenset()   # classes that it takes whole


@dataclass
class Task:
    """A task's row in the database."""

    key: int
    id: str
    state: str
    revision: int = 1
    attempts: int = 0
    kill_requested: bool = False
    message: str = ""
    reason: str = ""


@dataclass
class Attempt:
    """An attempt's row."""

    task_key: int
    number: int
    state: str
    mesos_id: str


@dataclass
class TaskEvent:
    """A journaled TASK event."""

    number: int
    id: str
    revision: int
    state: str
    attempt: int = 0  # the last one's number; 0: none


@dataclass
class History:
    launches: dict[str, Launched] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    kills: list[View] = field(default_factory=list)          # answered OK; revision 0 and state "" where not told
    unknown: list[tuple[str, str]] = field(default_factory=list)    # client, id: not found though it was launched before
    surprises: list[str] = field(default_factory=list)       # answers that nothing explains
    views: list[View] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    store: str = ""
    integrity: str = "ok"
    tasks: dict[str, Task] = field(default_factory=dict)
    attempts: dict[int, list[Attempt]] = field(default_factory=lambda: defaultdict(list))
    journal: dict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))  # class: number: digest
    task_events: list[TaskEvent] = field(default_factory=list)
    updates: set[str] = field(default_factory=set)           # uuids of journaled updates, in hexadecimal
    orphans: list[str] = field(default_factory=list)         # Mesos task ids of ORPHAN events
    evidence: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # file: (mark, Mesos task id)
    accepts: list[str] = field(default_factory=list)         # Mesos task ids, as often as they went to the master
    acknowledged: list[tuple[str, str]] = field(default_factory=list)  # Mesos task id, uuid


def read(directory: pathlib.Path) -> History:
    """All that the witnesses in this directory say. The daemon has been stopped."""
    history = History()
    for log in sorted(directory.glob("client-*.log")):
        read_client(history, log.stem, _lines(log))
    for log in sorted(directory.glob("listener-*.log")):
        history.streams.append(read_stream(log.stem, _lines(log)))
    for record in _lines(directory / "calls.log"):
        history.accepts += record.get("accept", [])
        if "acknowledge" in record:
            history.acknowledged.append((record["acknowledge"], record["uuid"]))
    for file in (directory / "evidence").iterdir():
        history.evidence[file.name] = [_mark(line) for line in file.read_text().splitlines()]
    read_database(history, directory / "daemon" / "state" / "zmesos.db")
    return history


def _lines(path: pathlib.Path) -> Iterator[Any]:
    with path.open() as lines:
        for line in lines:
            if line.endswith("\n"):  # the last one of a process that was ended may be torn
                yield json.loads(line)


def _mark(line: str) -> tuple[str, str]:
    mark, _, mesos_id = line.partition(" ")
    return mark, mesos_id


def read_client(history: History, name: str, records: Iterator[dict[str, Any]]) -> None:
    to_refuse: dict[str, list[Refused]] = defaultdict(list)
    acknowledged: set[str] = set()
    for record in records:
        if "plan" in record:
            plan = record["plan"]
            if plan["refused"]:
                refused = Refused(plan["id"], plan["mark"])
                history.refused.append(refused)
                to_refuse[plan["id"]].append(refused)
            else:
                history.launches[plan["id"]] = Launched(plan["id"], plan["max_starts"], plan["overlap"], plan["elsewhere"])
        for task_id, code, state, revision, message in record.get("launched", []):
            launched = history.launches[task_id]
            if launched.code in (None, "OK"):  # the first refusal stays
                launched.code, launched.message = code, message
            if code == "OK":
                acknowledged.add(task_id)
                _view(history, name, task_id, revision, state)
        for task_id, code, *_ in record.get("refusals", []):
            to_refuse[task_id].pop(0).code = code
        for task_id, code, state, revision, message in record.get("killed", []):
            if code == "OK":
                history.kills.append(View(name, task_id, revision or 0, state or ""))
                _view(history, name, task_id, revision, state)
            elif code == "NOT_FOUND" and task_id in acknowledged:
                history.unknown.append((name, task_id))
            elif code != "NOT_FOUND":
                history.surprises.append(f"{name}: a kill of {task_id} is answered {code}: {message}")
        for task_id, state, revision in record.get("view", []):
            _view(history, name, task_id, revision, state)
        history.unknown += [(name, task_id) for task_id in record.get("missing", []) if task_id in acknowledged]
        if "refused" in record and record["refused"] != "UNAVAILABLE":
            history.surprises.append(f"{name}: {record['what']} was answered {record['refused']}: {record['message']}")


def _view(history: History, name: str, task_id: str, revision: Optional[int], state: Optional[str]) -> None:
    if revision and state:
        history.views.append(View(name, task_id, revision, state))


# Which classes a prefix takes whole, of those that are journaled; by a listener's name.
WHOLE = {"all": frozenset(range(1, messages.OFFERS)), "tasks": frozenset([TASK]), "updates": frozenset([UPDATE])}
PREFIXES = {"all": "", "tasks": "task/", "updates": "mesos/UPDATE/", "some": "task/soak-1"}


def read_stream(name: str, records: Iterator[list[Any]]) -> Stream:
    """`name` is listener-KIND or listener-KIND-anything, KIND as in WHOLE and PREFIXES."""
    stream = Stream(name, whole=WHOLE.get(name.split("-")[1], frozenset()))
    for kind, *what in records:
        if kind == "event":
            store, run, event_class, number, _, topic, content = what
            stream.events.append(Seen(store, run, event_class, number, topic, content))
        elif kind in ("hole", "dropped"):
            (stream.holes if kind == "hole" else stream.dropped).append((what[0], what[1], what[2]))
        elif kind == "heads":
            stream.heads = {int(event_class): number for event_class, number in what[0].items()}
        elif kind == "end":
            stream.end = {int(event_class): number for event_class, number in what[0].items()}
    return stream


def read_database(history: History, path: pathlib.Path) -> None:
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        history.integrity = database.execute("PRAGMA integrity_check").fetchone()[0]
        [(history.store,)] = database.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchall()
        for key, task_id, state, revision, attempts, kill, message, reason in database.execute(
                "SELECT key, id, state, revision, attempts, kill_requested, message, reason FROM task"):
            history.tasks[task_id] = Task(key, task_id, state_name(state), revision, attempts, bool(kill), message, reason)
        for task_id, key, number, state, mesos_id in database.execute(
                "SELECT task.id, key, number, attempt.state, mesos_id FROM attempt JOIN task ON key = task_key "
                "ORDER BY key, number"):
            history.attempts[key].append(Attempt(key, number, state_name(state), mesos_id or f"{task_id}.{key}.{number}"))
        for event_class, number, topic, header, body in database.execute(
                "SELECT class, number, topic, header, body FROM event ORDER BY class, number"):
            _read_event(history, event_class, number, topic, header or b"", body or b"")
    finally:
        database.close()


def _read_event(history: History, event_class: int, number: int, topic: str, header: bytes, body: bytes) -> None:
    history.journal[event_class][number] = digest(topic.encode(), header, body)
    if event_class == TASK:
        task = messages.Task.FromString(body)
        attempt = task.attempts[-1].number if task.attempts else 0
        history.task_events.append(TaskEvent(number, task.id, task.revision, state_name(task.state), attempt))
    elif event_class == UPDATE:
        status = scheduler.Event.FromString(body).update.status
        if status.uuid:
            history.updates.add(status.uuid.hex())
    elif event_class == messages.ORPHAN:
        history.orphans.append(messages.Orphan.FromString(body).mesos_task_id)
