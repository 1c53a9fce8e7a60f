"""What is asked after a crash and at the end: the database, the tasks' own files, zmesos-local, and what was published.

A witness reads and never writes: the database is read from a copy.
"""
from __future__ import annotations

import pathlib
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmesos

UPDATE = zmesos.messages.EventClass.Value("UPDATE")
JOURNALED_BELOW = zmesos.messages.EventClass.Value("OFFERS")

# How many updates an agent of zmesos-local has made for a task in this state.
UPDATES_MADE = {"TASK_STAGING": 0, "TASK_STARTING": 1, "TASK_RUNNING": 2, "TASK_FINISHED": 3}


@contextmanager
def database(state_dir: pathlib.Path) -> Iterator[sqlite3.Connection]:
    """A copy of the database with its log, as the next start would find it."""
    with tempfile.TemporaryDirectory(prefix="zmesos-crash-") as place:
        for name in ("zmesos.db", "zmesos.db-wal"):
            if (state_dir / name).exists():
                shutil.copyfile(state_dir / name, pathlib.Path(place) / name)
        connection = sqlite3.connect(pathlib.Path(place) / "zmesos.db")
        try:
            yield connection
        finally:
            connection.close()


def journaled_updates(connection: sqlite3.Connection) -> dict[str, set[bytes]]:
    """By Mesos task id, the uuids of the updates that are on disk."""
    updates: dict[str, set[bytes]] = defaultdict(set)
    for (body,) in connection.execute("SELECT body FROM event WHERE class=?", (UPDATE,)):
        status = zmesos.scheduler.Event.FromString(body).update.status
        if status.uuid:
            updates[status.task_id.value].add(status.uuid)
    return updates


def acknowledged_early(local: Any, state_dir: pathlib.Path, started: pathlib.Path) -> list[str]:
    """Tasks of which more updates were acknowledged than are on disk. The daemon is not running."""
    ran = {file.name for file in started.iterdir()}  # before the agents are asked: they know each of these, or knew it
    tasks = {task["id"]: task for task in local.state()["tasks"]}
    with database(state_dir) as connection:
        on_disk = journaled_updates(connection)
    early = []
    for mesos_id, task in tasks.items():
        acknowledged = UPDATES_MADE[task["state"]] - task["unacknowledged"]
        if acknowledged > len(on_disk.get(mesos_id, ())):
            early.append(f"{mesos_id}: {acknowledged} acknowledged, {len(on_disk.get(mesos_id, ()))} on disk")
    held = {mesos_id.rsplit(".", 2)[0] for mesos_id in tasks}
    complete = {mesos_id.rsplit(".", 2)[0] for mesos_id, uuids in on_disk.items() if len(uuids) >= 3}
    # An agent lets a task go when its last update was acknowledged.
    early += [f"{task_id}: all acknowledged, not all on disk" for task_id in sorted(ran - held - complete)]
    return early


def wrong_numbers(connection: sqlite3.Connection, published: dict[tuple[int, int], zmesos.Event]) -> list[str]:
    """Holes in the journal, and publications that are not in it as they were published."""
    wrong = []
    for event_class, least, most, count in connection.execute(
            "SELECT class, min(number), max(number), count(*) FROM event GROUP BY class"):
        if least != 1 or most != count:
            wrong.append(f"class {event_class}: {count} events from {least} to {most}")
    journal = {(row[0], row[1]): row[2:] for row in
               connection.execute("SELECT class, number, topic, body FROM event")}
    for key, event in published.items():
        if journal.get(key) != (event.topic, event.body):
            wrong.append(f"class {key[0]} number {key[1]}: published as {event.topic}, "
                         f"on disk {(journal.get(key) or ['nothing'])[0]}")
    return wrong


def starts(started: pathlib.Path) -> Counter[str]:
    """By task id, how often its command ran: each run appends a line."""
    return Counter({file.name: len(file.read_text().splitlines()) for file in started.iterdir()})
