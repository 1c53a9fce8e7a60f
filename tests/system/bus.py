"""What the tests of the bridges (examples/bus) share: brokers and bridges as processes, and the account of what arrived."""
from __future__ import annotations

import collections
import json
import os
import pathlib
import random
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any, Optional, Protocol

import pytest

from following import heads_of, journal, wait_pruned
from programs import BUILD, PATIENCE, TOP, Cluster, Program, wait_for

import zmesos

HOSTILE = ["plain", "a+b", "#", "+", "a#b", "sp ace", "dot.ted", ".hidden", "*", ">", "$SYS", "%2F", "ü€😀", "\u0085\ufffe\ufdd0", "~",
           '"quoted"', "a,b;c=d?e&f", "x" * 200, "%"]
POISON = {  # what it is answered with
    b"": "MALFORMED", b"rubbish": "MALFORMED", b"[1]": "MALFORMED", b"\xff\xfe{": "MALFORMED", b"[" * 100_000: "MALFORMED",
    b'{"a":' * 900 + b"1" + b"}" * 900: "INVALID", b'{"launch": {}, "launch": {}}': "MALFORMED", b'{"teardown": {}}': "INVALID",
    b"{}": "UNKNOWN_OPERATION", b'{"launch": {"tasks": 7}}': "INVALID", b'{"kill": {"task_ids": ["nobody"]}}': "SOME_REFUSED",
    b'{"command": 5, "id": "a"}': "INVALID", b'{"command": "true", "id": "a/b"}': "SOME_REFUSED", b'{"command": "true", "id": "x", "cpus": "many"}': "INVALID",
    b'{"command": "true", "id": "x", "colour": "red"}': "INVALID", b'{"version": 2, "kill": {}}': "UNSUPPORTED_VERSION",
    b'{"command": "\xc3\x28", "id": "x"}': "MALFORMED", b'{"command": "\\ud800", "id": "x"}': "MALFORMED",
    b'{"command": "' + b"x" * (1 << 20) + b'"}': "TOO_LARGE",
}


def journal_forgets(cluster: Cluster, client: zmesos.Client) -> None:
    """So many tasks run that nothing up to now is kept any more, with `--keep-events 100`, and nothing else will go."""
    ids = [f"later-{number}" for number in range(300)]
    client.launch_many([zmesos.task_spec("true", id=task, cpus=0.01, mem=1) for task in ids])
    client.wait(ids, timeout=PATIENCE)
    assert cluster.local
    wait_for(lambda: cluster.local.unacknowledged() == 0, "all updates to be acknowledged, so that none comes again")
    cluster.restart()  # the newest are in memory, kept or not
    wait_pruned(client, 100)


def free_port() -> int:
    """Below those that the system gives to connections, so that none takes it while a broker is down."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10_000, max(lowest, 20_000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server:
    """A broker on a port and a directory of its own, to be killed and started again."""

    program_name = ""

    def __init__(self, directory: pathlib.Path) -> None:
        if not shutil.which(self.program_name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin"):
            pytest.skip(f"there is no {self.program_name}: scripts/setup installs it")
        self.directory = directory
        directory.mkdir(parents=True)
        directory.chmod(0o700)
        self.port = free_port()
        self.program: Optional[Program] = None
        self.start()

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        self.program = Program(self.command(), self.directory / "broker.log")
        wait_for(self._listens, f"{self.program_name} to listen; log:\n{self.program.text()[-2000:]}")

    def _listens(self) -> bool:
        assert self.program
        assert self.program.process.poll() is None, f"{self.program_name} ended:\n{self.program.text()[-2000:]}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self.program:
            self.program.kill()

    def stop(self) -> None:
        assert self.program
        self.program.stop()


class Bridge:
    """A bridge as a process."""

    def __init__(self, directory: pathlib.Path, command: list[str], cluster: Cluster) -> None:
        self.command, self.cluster = command, cluster
        self.log = directory / f"bridge{len(list(directory.glob('bridge*.log')))}.log"
        self._told = 0  # of the log, when it was started last
        self.program: Optional[Program] = None
        self.start()

    @classmethod
    def in_python(cls, directory: pathlib.Path, name: str, cluster: Cluster, *flags: str) -> "Bridge":
        return cls(directory, [sys.executable, str(TOP / "examples" / "bus" / name), *flags], cluster)

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(BUILD / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
        ends = ["--control", self.cluster.control, "--events", self.cluster.events]
        self._told = len(self.log.read_text(errors="replace")) if self.log.exists() else 0
        self.program = Program(self.command + ends, self.log, env=environment)

    def kill(self) -> None:
        if self.program:
            self.program.kill()

    def stop(self) -> int:
        assert self.program
        return self.program.stop(limit=PATIENCE)

    def text(self) -> str:
        assert self.program
        return self.program.text()

    def ready(self) -> "Bridge":
        """Once both directions are at work: a broker may keep no requests for whom it has never seen."""
        wait_for(lambda: all(word in self.text()[self._told:] for word in ("requests: ready", "events: ready")),
                 "the bridge to be ready")
        return self


class Ready:
    """A bridge as a victim that is back only when it is at work."""

    def __init__(self, bridge: Bridge) -> None:
        self.kill, self._bridge = bridge.kill, bridge

    def start(self) -> None:
        self._bridge.start()
        self._bridge.ready()


class Victim(Protocol):
    def kill(self) -> None: ...

    def start(self) -> None: ...


class Arrivals:
    """The events that a consumer took off a broker, in the order in which they came. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.numbers: dict[str, list[int]] = collections.defaultdict(list)
        self.topics: dict[tuple[str, int], str] = {}
        self.notices: list[dict[str, Any]] = []
        self.strange: list[str] = []
        self.count = 0
        self.awaited: dict[str, int] = {}  # by all_there(); more may happen after that: an update that is sent again

    def note(self, text: str | bytes, topic: Optional[str] = None) -> None:
        """`topic`: what it had on the broker, unescaped."""
        event = json.loads(text)
        with self._lock:
            self.count += 1
            if topic is not None and topic != event["topic"]:
                self.strange.append(f"{topic} has {event['topic']}")
            if event["topic"] == "bus/STARTED_OVER":
                self.notices.append(event)
                return
            if event["id"] != f"{event['store']}/{event['class']}/{event['number']}":
                self.strange.append(event["id"])
            self.numbers[event["class"]].append(event["number"])
            self.topics[event["class"], event["number"]] = event["topic"]

    def has(self, heads: dict[str, int]) -> bool:
        with self._lock:
            return all(number == 0 or number in self.numbers[name] for name, number in heads.items())

    def settle(self, what: str, cluster: Cluster, once: bool = False) -> None:
        """Ends the daemon and holds what arrived against its journal."""
        cluster.daemon.stop()
        for name, rows in journal(cluster.daemon).items():
            got = self.numbers[name]
            first = list(dict.fromkeys(got))  # duplicates removed, the rest in the order of arrival
            wanted = {number for number in rows if number <= self.awaited.get(name, number)}
            missing, repeated, disordered = len(wanted - set(got)), len(got) - len(first), sum(
                later < earlier for earlier, later in zip(first, first[1:]))
            print(f"{what}, {name}: {len(rows)} events, missing {missing}, repeated {repeated}, out of order {disordered}")
            assert rows, "nothing happened: this proves nothing"
            assert missing == 0 and disordered == 0
            assert set(got) <= rows.keys() and all(self.topics[name, number] == rows[number] for number in got)
            assert not once or repeated == 0
        assert not self.strange


def through_kills(cluster: Cluster, arrivals: Arrivals, victims: list[Victim], tasks: int = 40) -> None:
    """Has events all the time, while each of these in turn is killed in the middle of them, is away while more happens, and
    is started again. Waits for what happens, not for a time, and in the end until all has arrived."""
    client = cluster.client(timeout=PATIENCE, attempts=20)
    made = 0

    def launch() -> None:
        nonlocal made
        ids = [f"t-{number}" for number in range(made, made + tasks)]
        for result in client.launch_many(zmesos.task_spec("true", id=task, cpus=0.01, mem=1) for task in ids):
            result.check()
        made += tasks

    for turn, victim in enumerate(victims):
        seen = arrivals.numbers[("TASK", "UPDATE")[turn % 2]]  # a bridge has the first sort before the second
        before = len(seen)
        launch()
        wait_for(lambda: len(seen) > before, "events on the broker", PATIENCE * 2)
        victim.kill()
        if victim is not cluster.daemon:
            launch()
        victim.start()
    launch()
    all_there(cluster, arrivals)


def all_there(cluster: Cluster, arrivals: Arrivals) -> None:
    """Waits until all tasks are over and the last events of all classes have arrived."""
    client = cluster.client(timeout=PATIENCE, attempts=20)
    wait_for(lambda: all(zmesos.is_over(count) for count in client.status().counts), "the tasks to end", PATIENCE * 2)
    heads = arrivals.awaited = heads_of(client.status())
    wait_for(lambda: arrivals.has(heads), f"the events up to {heads} on the broker", PATIENCE * 2)


def launched(cluster: Cluster) -> list[str]:
    """The ids of all tasks, in the order in which they were launched; all are over, and each ran once. (An attempt that never
    ran, because zmesosd was killed before it was sent, is followed by another.)"""
    client = cluster.client(timeout=PATIENCE, attempts=20)
    wait_for(lambda: all(zmesos.is_over(count) for count in client.status().counts), "the tasks to end", PATIENCE * 2)
    tasks = list(client.tasks())
    for task in tasks:
        assert [zmesos.state_name(attempt.state) for attempt in task.attempts].count("FINISHED") == 1, task
    return [task.id for task in tasks]


def daemon_json(cluster: Cluster, event_class: str) -> Iterator[Any]:
    """The bodies of a class's events as zmesosd itself writes them."""
    import zmq

    request = {"version": 1, "replay": {"class": event_class, "from": 1, "page_size": 1000}}
    with zmq.Context.instance().socket(zmq.REQ) as asking:
        asking.setsockopt(zmq.LINGER, 0)
        asking.setsockopt(zmq.RCVTIMEO, int(PATIENCE * 1000))
        asking.connect(cluster.control)
        while True:
            asking.send_json(request)
            page = asking.recv_json()["replay"]
            for event in page["events"]:
                yield event["header"]["number"], json.loads(event["json"])
            if page["next"] > page["head"]:
                return
            request["replay"]["from"] = page["next"]
