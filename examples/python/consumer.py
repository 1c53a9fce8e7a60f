#!/usr/bin/env python3
"""Keeps the updates of tasks in an SQLite file: each is on disk there before Mesos may forget it.

usage: consumer.py [--name NAME] [--idle SECONDS] [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT]
                   DATABASE

For tasks launched with this consumer, as by: zmesos launch --consumer ledger --confirm-after wait -- ./task
Ends with Ctrl-C, or when nothing came for so long. Kill it at any moment, even with -9, and start it again: what was
not confirmed is asked for anew, and what was written and not confirmed is known by its uuid, so the file gets every
update once. The same goes for a zmesosd that is killed.
"""

import argparse
import contextlib
import itertools
import sqlite3
import sys
import time

import zmesos

AT_ONCE = 1000
SCHEMA = """
CREATE TABLE IF NOT EXISTS updates(
  number INTEGER PRIMARY KEY, uuid BLOB UNIQUE NOT NULL, task TEXT NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL, message TEXT NOT NULL, timestamp REAL NOT NULL)"""


def open_database(path: str) -> sqlite3.Connection:
    """A commit in it is on disk."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(SCHEMA)
    return database


def row(update: zmesos.UnconfirmedUpdate) -> tuple[bytes, str, int, str, str, float]:
    """What is kept of an update; its event has all that the master said."""
    status = zmesos.scheduler.Event.FromString(update.event).update.status
    state = zmesos.mesos.TaskState.Name(status.state)
    return update.uuid, update.task_id, update.attempt, state, status.message, status.timestamp


def take(client: zmesos.Client, database: sqlite3.Connection, name: str) -> int:
    """Writes what waits, then confirms it: in this order, whatever happens in between. How many there were."""
    updates = list(itertools.islice(client.unconfirmed(name), AT_ONCE))
    rows = [row(update) for update in updates]
    with database:  # one transaction; committed at its end
        database.executemany(
            "INSERT OR IGNORE INTO updates(uuid, task, attempt, state, message, timestamp) VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
    for result in client.confirm(name, updates):
        if not result.ok:  # kept all the same: its time limit had passed long ago, say
            print(f"{result.id}: {result.code}: {result.message}", file=sys.stderr, flush=True)
    for _, task, attempt, state, message, _ in rows:
        print(f"{task}/{attempt} {state} {message}".rstrip(), flush=True)
    return len(updates)


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep the updates of tasks in an SQLite file.")
    parser.add_argument("database", help="the file; made where there is none")
    parser.add_argument("--name", default="ledger", help="of this consumer (default: ledger)")
    parser.add_argument("--idle", type=float, help="end when nothing came for so many seconds")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()
    with (
        zmesos.Client(options.control, options.events, options.pipeline) as client,
        client.subscribe("mesos/UPDATE/") as events,  # only to know when to look
    ):
        events.ready()
        busy = time.monotonic()
        with contextlib.closing(open_database(options.database)) as database, contextlib.suppress(KeyboardInterrupt):
            while options.idle is None or time.monotonic() - busy < options.idle:
                try:
                    if take(client, database, options.name):
                        busy = time.monotonic()
                        continue
                except zmesos.TimedOut:  # zmesosd is not there now; it has what is not confirmed
                    continue
                if events.recv(1.0) is not None:
                    while events.recv(0) is not None:
                        pass
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zmesos.ZmesosError as error:
        sys.exit(f"consumer.py: {error}")
