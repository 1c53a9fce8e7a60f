#!/usr/bin/env python3
"""Breaks everything at random for some minutes, and then compares what everyone says happened.

usage: soak.py --minutes N [--master HOST:PORT [--disturb COMMAND ...]] [--seed N] [--restart-every S] ... (see --help)
       soak.py --compare DIR     judges again what an earlier run has kept

Several clients launch and kill tasks of zmesosd, over its REP and its ROUTER; zmesosd is ended with -9 and started again on its
state; a proxy breaks its connections to the master; and the cluster has faults of its own (chaos.py). At the end, when all is
well again and every task is over, the witnesses are compared (compare.py): what clients were told, what subscribers saw, the
database, the calls that went to the master, and what the tasks wrote to disk when they ran. The last line has the counts; the
exit status is 1 if anything was lost, ran twice, or another promise was broken, and then everything is kept.
"""
from __future__ import annotations

import argparse
import collections
import json
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from typing import IO, Optional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import interrupts  # noqa: E402
import programs  # noqa: E402
import zmesos  # noqa: E402
from chaos import Chaos, CommandChaos, LocalChaos  # noqa: E402
from compare import CUT_OFF, LOST, TWICE, Finding, compare  # noqa: E402
from daemon import Daemon, Died  # noqa: E402
from history import PREFIXES, History, read  # noqa: E402
from proxy import Proxy  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
KINDS = ["control", "router", "dealer"]
END_LIMIT = 120.0     # seconds for a client or listener to come to its end
CUT_OFF_FOR = 30.0    # seconds in which a task that is cut off may return: several rounds of reconciliation
SHOWN = 10            # findings of a kind that are listed
DEATHS_MAX = 20       # of zmesosd by itself, after which the soak ends


def say(text: str) -> None:
    print(f"soak: {text}", flush=True)


class Worker:
    """A client or listener. It ends when its standard input does."""

    def __init__(self, name: str, command: list[str], directory: pathlib.Path) -> None:
        self.name = name
        with (directory / f"{name}.err").open("wb") as errors:
            self.process = subprocess.Popen([sys.executable, *command, "--log", str(directory / f"{name}.log")],
                                            stdin=subprocess.PIPE, stdout=errors, stderr=errors, start_new_session=True)

    def end(self, last_words: str = "") -> None:
        """Tells it to end; wait() afterwards."""
        assert self.process.stdin
        try:
            self.process.stdin.write(last_words.encode())
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it is dead already, and wait() says so

    def wait(self) -> Optional[str]:
        """What is wrong with how it ended."""
        try:
            status = self.process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"{self.name} did not end within {END_LIMIT:.0f} s"
        return f"{self.name} ended with {status}: see {self.name}.err" if status else None

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass


class Soak:
    def __init__(self, options: argparse.Namespace, directory: pathlib.Path) -> None:
        self.options, self.directory = options, directory
        self.random = random.Random(options.seed)
        self.problems: list[Finding] = []   # seen while it ran
        self.chaos: Optional[Chaos] = None
        self.proxy: Optional[Proxy] = None
        self.daemon: Optional[Daemon] = None
        self.clients: list[Worker] = []
        self.listeners: list[Worker] = []
        self.files: list[IO[str]] = []
        self.evidence = directory / "evidence"
        self.evidence.mkdir()

    def _seed(self) -> int:
        return self.random.randrange(2**32)

    def _rng(self) -> random.Random:
        return random.Random(self._seed())

    def _file(self, name: str) -> IO[str]:
        self.files.append((self.directory / name).open("w"))
        return self.files[-1]

    # ---- the run --------------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            self.start()
            self.disturb(time.monotonic() + self.options.minutes * 60)
            self.settle()
        finally:
            self.close()

    def start(self) -> None:
        options = self.options
        if options.master:
            master = options.master
            self.chaos = CommandChaos(options.disturb, self._rng(), options.disturb_every, options.disturb_limit,
                                      self._file("disturb.log"))
        else:
            with interrupts.later():
                local = LocalChaos(self.directory, self.evidence, options.agents, self._rng(), options.fault_every)
                self.chaos, master = local, local.master
        with interrupts.later():
            self.proxy = Proxy(master, self._seed(), options.break_every, self._file("calls.log"))
        self.daemon = Daemon(self.directory / "daemon", self.proxy.address, self._rng(), options.daemon_flag)
        self.daemon.start()
        self._wait_subscribed()
        for kind in PREFIXES:
            self._listen(kind)
        self._listen("all-anew", "--reconnect", "7", "--seed", str(self._seed()))
        time.sleep(1.0)  # so that what comes first is seen; what is not seen is no failure
        for number in range(options.clients):
            kind = KINDS[number % len(KINDS)]
            endpoint = self.daemon.control if kind == "control" else self.daemon.pipeline
            name = f"soak-{number + 1}"
            command = [str(HERE / "client.py"), "--kind", kind, "--endpoint", endpoint, "--name", name, "--seed", str(self._seed()),
                       "--evidence", str(self.evidence), "--pause", str(options.pause), "--waiting", str(options.waiting)]
            with interrupts.later():
                self.clients.append(Worker(f"client-{number + 1}-{kind}", command, self.directory))
        self.proxy.breaking(True)

    def _wait_subscribed(self) -> None:
        assert self.daemon
        with zmesos.Client(self.daemon.control, self.daemon.events, self.daemon.pipeline, **programs.PATIENT) as client:
            programs.wait_for(lambda: client.status().subscription == zmesos.messages.SUBSCRIBED, "a first subscription")

    def _listen(self, kind: str, *more: str) -> None:
        assert self.daemon
        command = [str(HERE / "listener.py"), "--endpoint", self.daemon.events, "--kind", kind.split("-")[0], *more]
        with interrupts.later():
            self.listeners.append(Worker(f"listener-{kind}", command, self.directory))

    def disturb(self, end: float) -> None:
        assert self.daemon and self.chaos
        rng = self._rng()
        every = self.options.restart_every
        next_restart = time.monotonic() + rng.uniform(0.2, 1.8) * every
        next_look, next_word = 0.0, time.monotonic() + 30
        while (now := time.monotonic()) < end:
            try:
                self.daemon.check()
                if now >= next_restart:
                    self.daemon.freeze() if rng.random() < 0.05 else self.daemon.restart()
                    next_restart = time.monotonic() + rng.uniform(0.2, 1.8) * every
            except Died as death:
                self._died(death)
            self.chaos.turn()
            if now >= next_look:
                self.daemon.look()
                self._check_workers()
                next_look = now + 1.0
            if now >= next_word:
                say(self._word(end - now))
                next_word = now + 30
            time.sleep(0.02)

    def _died(self, death: Died) -> None:
        assert self.daemon
        self.problems.append(Finding("zmesosd ended or did not start", str(death)))
        if len(self.problems) > DEATHS_MAX:
            raise death
        if self.daemon.process is None:
            self.daemon.start()

    def _check_workers(self) -> None:
        for worker in self.clients + self.listeners:
            if worker.process.poll() is not None:
                raise RuntimeError(f"{worker.name} ended: see {self.directory}/{worker.name}.err")
        assert self.proxy
        if self.proxy.error:
            raise self.proxy.error

    def _word(self, left: float) -> str:
        assert self.daemon and self.proxy and self.chaos
        ran = sum(1 for _ in self.evidence.iterdir())
        return (f"{left:.0f} s to go: {ran} tasks have run, {self.daemon.starts - 1} restarts, "
                f"{self.proxy.breaks.total()} breaks, {self.chaos.done.total()} faults")

    # ---- its end --------------------------------------------------------------------------------------

    def settle(self) -> None:
        """All is well again: every task has to come to its end."""
        assert self.daemon and self.proxy and self.chaos
        self.chaos.calm()
        self.proxy.breaking(False)
        for worker in self.clients:
            worker.end()
        self._waited(self.clients)
        with zmesos.Client(self.daemon.control, self.daemon.events, self.daemon.pipeline, **programs.PATIENT) as client:
            open_tasks = self._drain(client)
            if open_tasks:
                say(f"not over at the end: {_counts(collections.Counter(open_tasks))}")
            heads = {getattr(head, "class"): head.number for head in client.status().heads}
        for worker in self.listeners:
            worker.end(json.dumps(heads) + "\n")
        self._waited(self.listeners)
        self.daemon.look()
        try:
            self.daemon.stop()
        except Died as death:
            self.problems.append(Finding("zmesosd ended or did not start", str(death)))

    def _waited(self, workers: list[Worker]) -> None:
        for worker in workers:
            wrong = worker.wait()
            if wrong:
                self.problems.append(Finding("a witness failed", wrong))

    def _drain(self, client: zmesos.Client) -> dict[str, int]:
        """Waits until all tasks are over; the states of those that are not. A task whose agent has come back as another one
        stays UNKNOWN or UNREACHABLE."""
        assert self.daemon
        deadline = time.monotonic() + self.options.settle
        returned = time.monotonic() + CUT_OFF_FOR
        while True:
            counts = {zmesos.state_name(count.state): count.tasks for count in client.status().counts
                      if not zmesos.is_over(zmesos.Task(state=count.state))}
            now = time.monotonic()
            if not counts or now > deadline or (now > returned and set(counts) <= CUT_OFF):
                return counts
            self.daemon.check()
            time.sleep(0.2)

    def close(self) -> None:
        """Ends everything that was started here, whatever happened."""
        for worker in self.clients + self.listeners:
            worker.kill()
        try:
            if self.daemon:
                self.daemon.kill()
            if self.options.master and self.daemon:
                self._teardown()
        finally:
            if self.chaos:
                self.chaos.close()
            if self.proxy:
                self.proxy.stop()
            for file in self.files:
                file.close()

    def _teardown(self) -> None:
        """Nothing of ours stays on a master that is not ours."""
        state = self.directory / "daemon" / "state" / "zmesos.db"
        database = sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True)
        try:
            rows = database.execute("SELECT value FROM meta WHERE name = 'framework_id'").fetchall()
        finally:
            database.close()
        if rows:
            body = urllib.parse.urlencode({"frameworkId": rows[0][0]}).encode()
            try:
                urllib.request.urlopen(f"http://{self.options.master}/master/teardown", body, timeout=20).close()
            except OSError as error:
                say(f"note: the framework {rows[0][0]} could not be torn down: {error}")

    # ---- the report -----------------------------------------------------------------------------------

    def report(self, history: History, findings: list[Finding]) -> None:
        assert self.daemon and self.proxy and self.chaos
        say("breaks: " + _counts(self.proxy.breaks))
        say(f"faults: {_counts(self.chaos.done)}; frozen {self.daemon.frozen} times")
        for problem in self.chaos.problems:
            say(f"note: {problem}")
        memory = self.daemon.memory
        say(f"memory of zmesosd: {memory[0][0] / 1024:.1f} MiB when it was first ready, {memory[-1][0] / 1024:.1f} MiB when it "
            f"was last ready and {memory[-1][1] / 1024:.1f} MiB at its end with {len(history.tasks)} tasks kept, "
            f"{self.daemon.peak / 1024:.1f} MiB at most; slowest start {self.daemon.slowest:.2f} s")
        summarize(history, findings)

    def last_line(self, history: History, findings: list[Finding]) -> str:
        assert self.daemon and self.proxy
        return last_line(history, findings, self.daemon.starts - 1, self.proxy.breaks.total())


def _counts(counter: collections.Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"


def last_line(history: History, findings: list[Finding], restarts: int, breaks: int) -> str:
    states = collections.Counter(task.state for task in history.tasks.values())
    kinds = collections.Counter(finding.kind for finding in findings)
    launched = sum(launch.code == "OK" for launch in history.launches.values())
    return (f"{launched} launched, {states['FINISHED']} finished, {states['KILLED']} killed, {restarts} restarts, "
            f"{breaks} breaks, {kinds[LOST]} lost, {kinds[TWICE]} twice")


def summarize(history: History, findings: list[Finding]) -> None:
    """How it ended, and what is wrong."""
    states = collections.Counter(task.state for task in history.tasks.values())
    attempts = collections.Counter(len(attempts) for attempts in history.attempts.values())
    tried = ", ".join(f"{number}: {count}" for number, count in sorted(attempts.items()))
    say(f"states: {_counts(states)}; attempts of a task: {tried}")
    for stream in history.streams:
        missed = sum(last - first + 1 for _, first, last in stream.holes) if stream.whole else 0
        say(f"{stream.name}: {len(stream.events)} events" + (f", told of {missed} that it missed" if stream.whole else ""))
    kinds = collections.Counter(finding.kind for finding in findings)
    for kind, count in sorted(kinds.items()):
        say(f"BROKEN: {kind}: {count}")
        for finding in [finding for finding in findings if finding.kind == kind][:SHOWN]:
            say(f"  {finding.text}")


def parse(arguments: Optional[list[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, help="how long things break; to settle comes on top")
    parser.add_argument("--master", metavar="HOST:PORT", help="a Mesos master; default: zmesos-local, with faults of its own")
    parser.add_argument("--seed", type=int, help="of all randomness here; default: drawn, and printed")
    parser.add_argument("--restart-every", type=float, default=4.0, metavar="S",
                        help="seconds between restarts of zmesosd, on average")
    parser.add_argument("--break-every", type=float, default=1.0, metavar="S", help="seconds between broken connections")
    parser.add_argument("--fault-every", type=float, default=2.5, metavar="S", help="seconds between zmesos-local's faults")
    parser.add_argument("--disturb", action="append", default=[], metavar="COMMAND",
                        help="run at random times with --master, such as one that ends and restarts an agent; may be given "
                        "several times. Each must leave the cluster whole. SOAK_RANDOM in its environment is a random number")
    parser.add_argument("--disturb-every", type=float, default=20.0, metavar="S")
    parser.add_argument("--disturb-limit", type=float, default=60.0, metavar="S",
                        help="seconds after which such a command is ended")
    parser.add_argument("--settle", type=float, default=300.0, metavar="S",
                        help="seconds for the tasks to come to their end afterwards")
    parser.add_argument("--agents", type=int, default=4, help="of zmesos-local")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.25, metavar="S", help="of a client between two requests, on average")
    parser.add_argument("--waiting", type=int, default=200, metavar="N",
                        help="nothing is launched while more tasks are not over")
    parser.add_argument("--daemon-flag", action="append", default=[], metavar="FLAG",
                        help="for zmesosd, as --daemon-flag=--log-level=debug")
    parser.add_argument("--keep", action="store_true", help="keep everything even if nothing is wrong")
    parser.add_argument("--compare", type=pathlib.Path, metavar="DIR", help="judge again what a run has kept")
    options = parser.parse_args(arguments)
    if (options.minutes is None) == (options.compare is None):
        parser.error("either --minutes or --compare")
    if options.disturb and not options.master:
        parser.error("--disturb is for a --master")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**9)
    return options


def main() -> int:
    options = parse()
    if options.compare:
        history = read(options.compare)
        findings = compare(history)
        summarize(history, findings)
        say(last_line(history, findings, 0, 0))
        return 1 if findings else 0
    interrupts.install()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="zmesos-soak-"))
    say(f"seed {options.seed}, {options.minutes:g} minutes, programs of {programs.BUILD}, works in {directory}")
    soak = Soak(options, directory)
    try:
        soak.run()
        history = read(directory)
    except BaseException:
        say(f"everything is kept in {directory}")
        raise
    findings = soak.problems + compare(history)
    soak.report(history, findings)
    if findings or options.keep:
        say(f"everything is kept in {directory}")
    else:
        shutil.rmtree(directory)
    say(soak.last_line(history, findings))
    return 1 if findings else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
