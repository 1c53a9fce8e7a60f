"""What the tests of followers share: load, a proxy that cuts connections, and the account of what came.

The account is held against the daemon's own database, read with SQLite once the daemon has ended: not against anything that
the daemon says.
"""
from __future__ import annotations

import collections
import pathlib
import socket
import sqlite3
import threading
import time
from typing import Any, Optional

from programs import PATIENCE, Cluster, Daemon, wait_for

import zmesos

CLASSES = {"TASK": 1, "UPDATE": 2}
SIMULATED = {"local": {"agents": "10", "allocation_interval": "0.1", "resources": "cpus:64;mem:65536;disk:65536"},
             "local_flags": ("--simulate",)}


class Load:
    """Tasks that end at once, launched in batches by a thread; ids are the names in turn, with a number."""

    def __init__(self, cluster: Cluster, tasks: int, names: tuple[str, ...] = ("a", "b"), batch: int = 500,
                 pause: float = 0.0, ids: Optional[list[str]] = None) -> None:
        self._client = cluster.client(timeout=120.0, attempts=60)  # it may be killed with a request in its hands
        self._patient = cluster.client(timeout=120.0, attempts=6)  # or take none while too many calls wait for the master
        self.ids = ids or [f"{names[n % len(names)]}-{n}" for n in range(tasks)]
        self._batch, self._pause = batch, pause
        self.error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run)
        self.began = time.monotonic()
        self._thread.start()

    def _run(self) -> None:
        try:
            for first in range(0, len(self.ids), self._batch):
                specs = [zmesos.task_spec("true", id=task, cpus=0.01, mem=1) for task in self.ids[first:first + self._batch]]
                for result in self._client.launch_many(specs):
                    result.check()
                time.sleep(self._pause)
        except BaseException as error:  # told by finish(), in the test's own thread
            self.error = error

    def finish(self) -> float:
        """Waits until all are over; the seconds since it began."""
        self._thread.join(PATIENCE * 2)
        if self.error:
            raise self.error
        deadline = time.monotonic() + PATIENCE * 2
        while any(not zmesos.is_over(count) for count in self._patient.status().counts):
            assert time.monotonic() < deadline, "tasks do not end"
            time.sleep(0.1)
        return time.monotonic() - self.began


class Cutter:
    """A TCP proxy in front of an endpoint, that can cut all its connections. Without one it has no `target` until that is set."""

    def __init__(self, endpoint: str = "tcp://:0") -> None:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._shut = False
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.endpoint = f"tcp://{self.address}"
        self._start(self._accept)

    def _start(self, run: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            with self._lock:
                if self._shut:
                    near.close()
                    far.close()
                    continue
                self._pairs.append((near, far))
                self.connections += 1
            self._start(self._copy, near, far)
            self._start(self._copy, far, near)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self, shut: bool = False) -> int:
        """Ends all connections; shut: and takes none until it is told otherwise. How many there were."""
        with self._lock:
            self._shut = shut
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        return len(pairs)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts
        self._server.close()
        self.cut()


class Account:
    """What a follower gave, by class; all of it up to the numbers in `heads`. More may be published behind them: an agent says
    again what it was not told in time to be known, also of a task that is over."""

    def __init__(self, start: zmesos.Position) -> None:
        self.start = start
        self.heads: dict[str, int] = {}
        self.numbers: dict[str, list[int]] = collections.defaultdict(list)
        self.topics: dict[tuple[str, int], str] = {}
        self.started_over: list[zmesos.StartedOver] = []
        self.disordered = 0

    def note(self, found: zmesos.Followed) -> None:
        if isinstance(found, zmesos.StartedOver):
            self.started_over.append(found)
            return
        numbers = self.numbers[found.event_class]
        self.disordered += bool(numbers) and found.number <= numbers[-1]
        numbers.append(found.number)
        self.topics[found.event_class, found.number] = found.topic

    def take(self, follower: zmesos.Follower, heads: dict[str, int], limit: float = PATIENCE * 2) -> None:
        """All events up to these heads."""
        self.heads = heads
        deadline = time.monotonic() + limit
        while any(follower.position.numbers.get(name, number) < number for name, number in heads.items()):
            if time.monotonic() > deadline:
                return  # the account will show it
            found = follower.recv(1.0)
            if found is not None:
                self.note(found)
        while (found := follower.recv(0)) is not None:
            self.note(found)


def heads_of(status: Any) -> dict[str, int]:
    names = {number: name for name, number in CLASSES.items()}
    return {names[getattr(head, "class")]: head.number for head in status.heads if getattr(head, "class") in names}


def wait_pruned(client: zmesos.Client, keep: int) -> None:
    """Until the journal holds no more than `--keep-events`: what is beyond goes by and by."""
    def pruned(event_class: str, head: int) -> bool:
        try:
            return next(iter(client.replay(event_class, start=1))).number > head - keep
        except zmesos.Truncated as error:
            return error.oldest > head - keep
    for event_class, head in heads_of(client.status()).items():
        if head > keep:
            wait_for(lambda: pruned(event_class, head), f"the journal to forget of {event_class}")


def journal(daemon: Daemon) -> dict[str, dict[int, str]]:
    """Number to topic, by class, in the database of a daemon that has ended."""
    database = sqlite3.connect(pathlib.Path(daemon.state_dir) / "zmesos.db")
    try:
        found: dict[str, dict[int, str]] = {name: {} for name in CLASSES}
        names = {number: name for name, number in CLASSES.items()}
        for number, place, topic in database.execute("SELECT class, number, topic FROM event WHERE class IN (1, 2)"):
            found[names[number]][place] = topic
        return found
    finally:
        database.close()


def settle(what: str, cluster: Cluster, accounts: dict[str, tuple[Account, tuple[str, ...]]], words: str = "") -> None:
    """Ends the daemon and holds each account against its journal, under the prefixes that were followed."""
    cluster.daemon.stop()
    kept = journal(cluster.daemon)
    for name, (account, prefixes) in accounts.items():
        for event_class, rows in kept.items():
            start = account.start.numbers.get(event_class)
            if start is None:
                continue
            got = account.numbers[event_class]
            last = max([account.heads.get(event_class, 0), *got])
            wanted = {number for number, topic in rows.items() if start < number <= last and topic.startswith(prefixes)}
            missing, repeated = len(wanted - set(got)), len(got) - len(set(got))
            strange = len(set(got) - wanted) + sum(rows.get(number) != account.topics[event_class, number] for number in set(got))
            print(f"{what}, {name}, {event_class}: {len(wanted)} events, {missing} missing, {repeated} repeated, "
                  f"{account.disordered} out of order{words}")
            assert (missing, repeated, account.disordered, strange) == (0, 0, 0, 0)
            assert wanted, "nothing was to be followed: this proves nothing"
        assert not account.started_over
