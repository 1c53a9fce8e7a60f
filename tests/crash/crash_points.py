#!/usr/bin/env python3
"""Crash points: zmesosd ended at operations of its store, as a failing machine does, in a run of 200 tasks.

A first run without crashes tells the number of operations (writes, truncations, syncs, deletions). Then, in one long run,
the daemon ends at each of the sampled points and is started again on what a restarted machine would find: all, some or
nothing of what was not synced, or the last write torn. zmesos-local, its tasks and the clients live on. After each crash, no
update may be acknowledged that is not on disk; at the end every task that was accepted has run exactly once and is over, and
every event that was published is in the journal under its number, which has no holes.

    crash_points.py --build DIR               100 points
    crash_points.py --build DIR --points 30 --seed 7
    crash_points.py --build DIR --all         every operation of the run is a point once

The last line is `crash points: N points, L lost, T twice, E early`; exit status 0 means that all was well.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import random
import shutil
import signal
import struct
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

TOP = pathlib.Path(__file__).resolve().parents[2]

TASKS = 200
POINTS = 100
WINDOW = 3          # tasks that are not over at a time
PATIENCE = 120.0    # seconds for anything at all
CRASHED = 86        # crash_vfs.h: CRASH_STATUS
DISK_FAILED = 74    # store.h: STORE_EXIT_STATUS
CANNOT_START = 1
HOWS = ("lose", "some", "torn", "keep")


@dataclass(frozen=True)
class Point:
    """Where a life of the daemon ends: the environment of crashd.c, and the statuses that it may end with."""

    environment: dict[str, str]
    statuses: tuple[int, ...]

    @classmethod
    def crash(cls, operation: int, how: str, seed: int) -> "Point":
        return cls({"ZMESOS_CRASH_AT": str(operation), "ZMESOS_CRASH_HOW": how, "ZMESOS_CRASH_SEED": str(seed)},
                   (CRASHED,))

    @classmethod
    def fault(cls, name: str, number: int, how: str, seed: int) -> "Point":
        """The disk fails: before the start is complete, that is a start that fails."""
        return cls({name: str(number), "ZMESOS_CRASH_HOW": how, "ZMESOS_CRASH_SEED": str(seed)},
                   (DISK_FAILED, CANNOT_START))


@dataclass
class Findings:
    """What must not be."""

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    points: int = 0

    def add(self, more: "Findings") -> None:
        for name in ("lost", "twice", "early", "other"):
            getattr(self, name).extend(getattr(more, name))
        self.points += more.points

    def __bool__(self) -> bool:
        return bool(self.lost or self.twice or self.early or self.other)

    def summary(self) -> str:
        return (f"crash points: {self.points} points, {len(self.lost)} lost, {len(self.twice)} twice, "
                f"{len(self.early)} early")


class Daemon:
    """zmesosd-crash on one state directory and, after its first life, one set of endpoints."""

    def __init__(self, build: pathlib.Path, directory: pathlib.Path, master: str) -> None:
        directory.mkdir(parents=True)
        self.directory, self.state_dir = directory, directory / "state"
        self.control = self.pipeline = self.events = "tcp://127.0.0.1:*"
        self.program: Any = None
        self._command = [str(build / "tests" / "crash" / "zmesosd-crash"), "--state", str(self.state_dir),
                         "--master", master, "--failover-timeout", "600", "--revive-interval", "0.1",
                         "--offer-hold", "60", "--log-level", "warn"]

    def start(self, environment: dict[str, str], wait: bool = False) -> None:
        command = self._command + ["--control", self.control, "--pipeline", self.pipeline, "--events", self.events]
        self.program = programs.Program(command, self.directory / "zmesosd.log",
                                        env={**os.environ, **environment,
                                             "ZMESOS_CRASH_COUNT": str(self.directory / "count")})
        if wait:
            places = dict(word.split("=", 1) for word in self.program.first_line("zmesosd ready ").split())
            self.control, self.pipeline, self.events = places["control"], places["pipeline"], places["events"]

    def operations(self) -> int:
        """Of this life so far."""
        return int(struct.unpack("=Q", (self.directory / "count").read_bytes())[0])

    def log_end(self) -> str:
        return (self.directory / "zmesosd.log").read_text(errors="replace")[-3000:]


class Broken(Exception):
    """The run cannot go on."""


class Run:
    """One zmesos-local, one client and one listener, and as many lives of the daemon as there are points."""

    def __init__(self, build: pathlib.Path, directory: pathlib.Path, tasks: int) -> None:
        self.tasks = tasks
        self.started = directory / "started"
        self.started.mkdir(parents=True)
        self.findings = Findings()
        self.operations = 0
        self.published: dict[tuple[int, int], Any] = {}
        self.accepted: list[str] = []
        self._no_more_points = threading.Event()
        self._stopping = threading.Event()
        self._failure: Optional[str] = None
        self.local = programs.Local(directory / "local", agents="2", resources="cpus:8;mem:8192;disk:8192",
                                    allocation_interval="0.05")
        self.daemon = Daemon(build, directory / "daemon", self.local.address)

    def close(self) -> None:
        if self.daemon.program:
            self.daemon.program.kill()
        self.local.stop()

    # ---- clients ----

    def _guard(self, work: Any) -> None:
        try:
            work()
        except BaseException:
            self._failure = traceback.format_exc()

    def _load(self) -> None:
        """Some tasks at a time, until the number is reached and there are no more points."""
        waiting: set[str] = set()
        with zmesos.Client(self.daemon.control, self.daemon.events, self.daemon.pipeline, timeout=PATIENCE,
                           attempts=int(PATIENCE * 4)) as client:
            while not self._stopping.is_set():
                more = len(self.accepted) < self.tasks or not self._no_more_points.is_set()
                if not more and not waiting:
                    return
                while more and len(waiting) < WINDOW:
                    task_id = f"t{len(self.accepted)}"
                    client.launch(f"echo ran >> {self.started}/{task_id}", id=task_id, cpus=0.1, mem=32)
                    self.accepted.append(task_id)
                    waiting.add(task_id)
                found = client.get(waiting)
                waiting -= {task_id for task_id, task in found.items() if zmesos.is_over(task)}
                for task_id in waiting - found.keys():
                    self.findings.lost.append(f"{task_id}: accepted, and not known any more")
                waiting &= found.keys()
                time.sleep(0.005)

    def _listen(self) -> None:
        with zmesos.Events(self.daemon.events, "task/", "mesos/") as events:
            while not self._stopping.is_set():
                event = events.recv(0.2)
                if event is None:
                    continue
                key = (getattr(event.header, "class"), event.number)
                if key[0] >= witnesses.JOURNALED_BELOW:
                    continue
                if key in self.published:
                    self.findings.other.append(f"class {key[0]} number {key[1]} was published twice")
                self.published[key] = event

    # ---- lives ----

    def _check(self) -> None:
        if self._failure:
            raise Broken(f"{self._failure}\nlog of zmesosd:\n{self.daemon.log_end()}")

    def _live(self, point: Point) -> None:
        """One life, to its point."""
        self.daemon.start(point.environment)
        deadline = time.monotonic() + PATIENCE
        while (status := self.daemon.program.process.poll()) is None:
            self._check()
            if time.monotonic() > deadline:
                raise Broken(f"{point} was not reached; log of zmesosd:\n{self.daemon.log_end()}")
            time.sleep(0.002)
        self.daemon.program.close()
        if status not in point.statuses:
            raise Broken(f"{point} ended with status {status}; log of zmesosd:\n{self.daemon.log_end()}")
        self.findings.points += 1
        self.findings.early += [f"{what}, after {point}" for what in
                                witnesses.acknowledged_early(self.local, self.daemon.state_dir, self.started)]

    def _last_life(self, load: threading.Thread) -> None:
        """No faults: everything goes on to its end."""
        self.daemon.start({}, wait=True)
        self._no_more_points.set()
        deadline = time.monotonic() + PATIENCE
        while load.is_alive() and time.monotonic() < deadline:
            self._check()
            load.join(0.05)
        self._check()
        with zmesos.Client(self.daemon.control, timeout=30.0) as client:
            self._compare({task.id: task for task in client.tasks()})
        self.operations = self.daemon.operations()
        status = self.daemon.program.stop(signal.SIGTERM)
        if status != 0:
            self.findings.other.append(f"the last life ended with status {status}")
        self._stopping.set()

    def _compare(self, tasks: dict[str, Any]) -> None:
        starts = witnesses.starts(self.started)
        for task_id in self.accepted:
            task = tasks.get(task_id)
            state = zmesos.state_name(task.state) if task else "unknown"
            if state != "FINISHED":
                self.findings.lost.append(f"{task_id}: {state} {task.message if task else ''}")
            elif not starts[task_id]:
                self.findings.lost.append(f"{task_id}: FINISHED, and never ran")
        self.findings.twice += [f"{task_id} ran {count} times" for task_id, count in starts.items() if count > 1]

    def go(self, points: Sequence[Point]) -> Findings:
        self.daemon.start({}, wait=True)  # its endpoints are kept by all later lives
        self.daemon.program.stop()
        threads = [threading.Thread(target=self._guard, args=(work,)) for work in (self._load, self._listen)]
        for thread in threads:
            thread.start()
        try:
            for point in points:
                self._live(point)
            self._last_life(threads[0])
        except Broken as broken:
            self.findings.other.append(str(broken))
        finally:
            self._stopping.set()
            self._no_more_points.set()
            self.daemon.program.kill()
            for thread in threads:
                thread.join(PATIENCE + 10)
        if self._failure:
            self.findings.other.append(self._failure)
        with witnesses.database(self.daemon.state_dir) as connection:
            self.findings.other += witnesses.wrong_numbers(connection, self.published)
        return self.findings


def run_points(build: pathlib.Path, directory: pathlib.Path, points: Sequence[Point], tasks: int = TASKS) -> Run:
    """A run in a directory of its own; its findings are in it."""
    run = Run(build, directory, tasks)
    try:
        run.go(points)
    finally:
        run.close()
    return run


def sample(operations: int, count: int, seed: int) -> list[Point]:
    """So many points of a run: what is counted goes on from life to life."""
    draw = random.Random(seed)
    places = sorted(draw.sample(range(1, operations + 1), min(count, operations)))
    return [Point.crash(place - before, HOWS[i % len(HOWS)], draw.getrandbits(32))
            for i, (before, place) in enumerate(zip([0] + places, places))]


def stride(operations: int, first: int, step: int, seed: int) -> list[Point]:
    """Every `step`-th point from `first` on."""
    draw = random.Random(seed * 1_000_003 + first)
    count = 1 + (operations - first) // step
    return [Point.crash(step if i else first, draw.choice(HOWS), draw.getrandbits(32)) for i in range(count)]


def load_programs(build: pathlib.Path) -> None:
    """What needs to know the build directory."""
    global programs, witnesses, zmesos
    os.environ["ZMESOS_BUILD"] = str(build)
    sys.path[:0] = [str(TOP / "tests" / "system"), str(pathlib.Path(__file__).parent)]
    import programs  # type: ignore[no-redef]
    import witnesses  # type: ignore[no-redef]
    import zmesos  # type: ignore[no-redef]


def report(found: Findings) -> None:
    for name in ("lost", "twice", "early", "other"):
        for line in getattr(found, name):
            print(f"{name}: {line}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a build directory")
    parser.add_argument("--all", action="store_true", help="every operation is a point once")
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--tasks", type=int, default=TASKS)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the directories of the runs")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the programs are ended too
    seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(32)
    load_programs(options.build.resolve())
    place = pathlib.Path(tempfile.mkdtemp(prefix="zmesos-crash-"))
    print(f"seed {seed}, in {place}", flush=True)
    found = Findings()
    try:
        counting = run_points(options.build.resolve(), place / "counting", [], options.tasks)
        found.add(counting.findings)
        operations = counting.operations
        print(f"{operations} operations in a run of {options.tasks} tasks", flush=True)
        if options.all:
            step = max(1, operations // options.points)
            plans = [stride(operations, first, step, seed) for first in range(1, step + 1)]
        else:
            plans = [sample(operations, options.points, seed)]
        for number, points in enumerate(plans, 1):
            begin = time.monotonic()
            directory = place / f"run-{number}"
            run = run_points(options.build.resolve(), directory, points, options.tasks)
            found.add(run.findings)
            report(run.findings)
            print(f"run {number} of {len(plans)}: {run.findings.points} points, {len(run.accepted)} tasks, "
                  f"{len(run.published)} events seen, {time.monotonic() - begin:.0f} s", flush=True)
            if not run.findings:
                shutil.rmtree(directory)
    finally:
        if not options.keep and not found:
            shutil.rmtree(place, ignore_errors=True)
    print(found.summary())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
