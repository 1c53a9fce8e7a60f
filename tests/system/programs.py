"""The real programs for system tests: zmesosd, and zmesos-local or the master that ZMESOS_TEST_MASTER names.

Programs are in $ZMESOS_BUILD/bin (default: build/dev), the Python package in $ZMESOS_BUILD/python. Every process started here is
ended here, also when the test fails; logs are kept beside the state, in pytest's tmp_path.
"""
from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, Optional

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ZMESOS_BUILD", TOP / "build" / "dev")).resolve()
REAL_MASTER = os.environ.get("ZMESOS_TEST_MASTER")
sys.path.insert(0, str(BUILD / "python"))

import zmesos  # noqa: E402  (made by the build)

# In the background of a shell SIGINT is ignored, and programs of Python that are started from there ignore it too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

START_LIMIT = 30.0
LATE = 10**6  # milliseconds: what a fault is not to let come before the test releases it
PATIENCE = 60.0  # how long anything may take before a test gives up: generous, never asserted
PATIENT = {"timeout": PATIENCE, "attempts": 24}  # a client whose test says nothing of it


class Failed(Exception):
    """A program did not do what it must before a test can begin."""


def wait_for(condition: Callable[[], Any], what: str, limit: float = PATIENCE) -> Any:
    """The first true value of condition(), looked at often until the limit."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit:.0f} s in vain for {what}")
        time.sleep(0.02)


class Gate:
    """Where tasks wait until the test lets them through; `wait` is the command that does, of a shell."""

    def __init__(self, path: pathlib.Path) -> None:
        os.mkfifo(path)
        self.path, self.wait = path, f": <{path}"  # opening it to read waits for somebody who writes
        self._writer: Optional[int] = None

    def open(self) -> None:
        """For those that wait and all that come."""
        self._writer = os.open(self.path, os.O_RDWR)

    def close(self) -> None:
        if self._writer is not None:
            os.close(self._writer)


class Program:
    """One process, its output in a file."""

    def __init__(self, command: list[str], log: pathlib.Path, **kwargs: Any) -> None:
        self.log = log
        self._stream = log.open("ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self._stream, **kwargs)

    def first_line(self, start: str) -> str:
        """The rest of the first line of standard output, which has to start so."""
        assert self.process.stdout
        line = self.process.stdout.readline().decode()
        if not line.startswith(start):
            log = self.text()[-2000:]
            self.kill()
            raise Failed(f"{self.process.args} said {line!r}; log:\n{log}")
        return line[len(start):].strip()

    def text(self) -> str:
        self._stream.flush()
        return self.log.read_text(errors="replace")

    def stop(self, how: int = signal.SIGTERM, limit: float = PATIENCE) -> int:
        """Ends the process and returns its status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            log = self.text()[-2000:]
            self.kill()
            raise AssertionError(f"{self.process.args} did not end on signal {how}; log:\n{log}")
        self.close()
        return status

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        if self.process.stdout:
            self.process.stdout.close()
        self._stream.close()


class Local:
    """zmesos-local."""

    DEFAULTS = {"agents": "2", "resources": "cpus:4;mem:4096;disk:10240;ports:[31000-32000]",
                "attributes": "rack:r1;zone:a"}

    def __init__(self, directory: pathlib.Path, *flags: str, port: int = 0, **options: str) -> None:
        chosen = {**self.DEFAULTS, **options}
        command = [str(BUILD / "bin" / "zmesos-local"), "--port", str(port), "--work-dir", str(directory / "work")]
        for name, value in chosen.items():
            command += [f"--{name.replace('_', '-')}", value]
        directory.mkdir(parents=True, exist_ok=True)
        self.program = Program(command + list(flags), directory / "zmesos-local.log")
        self.address = self.program.first_line("listening on ")
        self.directory = directory

    def fault(self, name: str, **what: Any) -> None:
        """POST /local/faults; docs/zmesos-local.md has their names."""
        request = urllib.request.Request(f"http://{self.address}/local/faults",
                                         json.dumps({"fault": name, **what}).encode(),
                                         {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=20).close()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"fault {name} {what} was refused: {error.read().decode()}") from error

    def state(self) -> Any:
        """GET /local/state."""
        with urllib.request.urlopen(f"http://{self.address}/local/state", timeout=20) as answer:
            return json.loads(answer.read())

    def release(self, held: int = 0) -> None:
        """What was to come LATE comes now, once so many requests are held."""
        wait_for(lambda: self.state()["held"] >= held, f"{held} requests to be held")
        self.fault("release")

    def calls(self, kind: str) -> int:
        """How many calls of a type came."""
        return self.state()["counts"]["calls"].get(kind, 0)

    def call_log(self, kind: str) -> list[Any]:
        """The calls of a type, in order, as JSON."""
        return [call for call in self.state()["calls"] if call["type"] == kind]

    def unacknowledged(self) -> int:
        """Updates that agents still hold."""
        return sum(task["unacknowledged"] for task in self.state()["tasks"])

    def agent_number(self, agent_id: str) -> int:
        return 1 + [agent["id"] for agent in self.state()["agents"]].index(agent_id)

    def swallow(self, call: str) -> None:
        """Answers the next such call 202 and does nothing."""
        self.fault("answer", call=call, status=202)

    def stop(self) -> None:
        self.program.stop()


class Daemon:
    """zmesosd on a state directory; restarted on the same endpoints."""

    def __init__(self, directory: pathlib.Path, master: str, *flags: str,
                 state: Optional[pathlib.Path] = None, start: bool = True) -> None:
        """`state`: a state directory to copy, or a backup."""
        directory.mkdir(parents=True, exist_ok=True)
        self.state_dir, self.master, self.flags = directory / "state", master, list(flags)
        if state and state.is_dir():
            shutil.copytree(state, self.state_dir)
        elif state:
            self.state_dir.mkdir(mode=0o700)
            shutil.copy(state, self.state_dir / "zmesos.db")
        self.log = directory / "zmesosd.log"
        self.control = self.pipeline = self.events = "tcp://127.0.0.1:*"
        self.events_json: Optional[str] = None  # with --events-json
        self.program: Optional[Program] = None
        if start:
            self.start()

    def command(self) -> list[str]:
        same_place = ["--events-json", self.events_json] if self.events_json else []
        return [str(BUILD / "bin" / "zmesosd"), "--state", str(self.state_dir), "--master", self.master,
                "--control", self.control, "--pipeline", self.pipeline, "--events", self.events,
                "--failover-timeout", "120", *self.flags, *same_place]

    def start(self, file_size: Optional[int] = None) -> None:
        """`file_size`: no file may grow beyond so many bytes (see limit_files())."""
        limit = {} if file_size is None else {
            "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))}
        self.program = Program(self.command(), self.log, **limit)
        line = self.program.first_line("zmesosd ready ")
        places = dict(word.split("=", 1) for word in line.split())
        self.control, self.pipeline, self.events = places["control"], places["pipeline"], places["events"]
        self.events_json = places.get("events-json")

    def limit_files(self, size: int) -> None:
        """From now on writing beyond so many bytes of a file fails, as on a disk that is full."""
        assert self.program
        resource.prlimit(self.program.process.pid, resource.RLIMIT_FSIZE, (size, size))

    def stop(self) -> int:
        assert self.program
        return self.program.stop()

    def ended(self) -> int:
        """The status with which it ends by itself."""
        assert self.program
        process = self.program.process
        return wait_for(lambda: (process.poll(),) if process.poll() is not None else None, "zmesosd to end")[0]

    def kill(self) -> None:
        """As kill -9 does."""
        if self.program:
            self.program.kill()

    def client(self, **options: Any) -> zmesos.Client:
        return zmesos.Client(self.control, self.events, self.pipeline, **(options or PATIENT))

    def restart(self, kill: bool = False) -> None:
        self.kill() if kill else self.stop()
        self.start()

    def set_back(self, backup: pathlib.Path, kill: bool = False) -> None:
        """Ends, loses its state, and is started with that backup, which is moved."""
        self.kill() if kill else self.stop()
        for path in self.state_dir.iterdir():
            path.unlink()
        backup.rename(self.state_dir / "zmesos.db")
        self.start()

    def status(self) -> Any:
        with self.client() as client:
            return client.status()

    def wait_subscription(self, name: str) -> Any:
        """The status once the subscription is in that state."""
        wanted = zmesos.messages.Subscription.Value(name)

        def look() -> Any:
            status = self.status()
            return status if status.subscription == wanted else None
        return wait_for(look, f"a subscription that is {name}")

    def wait_subscribed(self) -> Any:
        return self.wait_subscription("SUBSCRIBED")

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def log_lines(self, *words: str) -> list[str]:
        """The lines that hold all these words."""
        return [line for line in self.log_text().splitlines() if all(word in line for word in words)]

    @property
    def running(self) -> bool:
        return bool(self.program) and self.program.process.poll() is None


class Cluster:
    """A master and a zmesosd that is subscribed to it."""

    def __init__(self, directory: pathlib.Path, *flags: str, local: Optional[dict[str, Any]] = None,
                 local_flags: tuple[str, ...] = (), wait: bool = True) -> None:
        self.directory = directory
        self.local = None if REAL_MASTER else Local(directory / "local", *local_flags, **(local or {}))
        self.master = REAL_MASTER or self.local.address
        self._clients: list[zmesos.Client] = []
        self._streams: list[zmesos.Events] = []
        try:
            self.daemon = Daemon(directory / "daemon", self.master, *flags)
            if wait:
                self.wait_subscribed()
        except BaseException:
            self.close()
            raise

    @property
    def control(self) -> str:
        return self.daemon.control

    @property
    def pipeline(self) -> str:
        return self.daemon.pipeline

    @property
    def events(self) -> str:
        return self.daemon.events

    def client(self, **options: Any) -> zmesos.Client:
        client = self.daemon.client(**options)
        self._clients.append(client)
        return client

    def subscribe(self, *prefixes: str) -> zmesos.Events:
        """Events whose subscription is in effect when this returns."""
        events = zmesos.Events(self.events, *prefixes)
        self._streams.append(events)
        events.ready(30)
        return events

    def status(self) -> Any:
        return self.daemon.status()

    def wait_subscribed(self) -> Any:
        return self.daemon.wait_subscribed()

    def restart(self, kill: bool = False) -> None:
        self.daemon.restart(kill)

    def teardown(self, framework: Optional[str] = None) -> None:
        """The master removes a framework, ours if none is named."""
        framework = framework or self.status().framework_id
        body = urllib.parse.urlencode({"frameworkId": framework}).encode()
        urllib.request.urlopen(f"http://{self.master}/master/teardown", body, timeout=20).close()

    def close(self) -> None:
        for open_thing in self._clients + self._streams:
            open_thing.close()
        daemon = getattr(self, "daemon", None)
        try:
            if REAL_MASTER and daemon and daemon.running:
                self.teardown()  # nothing of ours stays on a master that is not ours
        finally:
            if daemon and daemon.program:
                daemon.program.kill()
            if self.local:
                self.local.stop()
