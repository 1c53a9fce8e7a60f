"""zmesosd under the soak: started on the same state and endpoints again and again, ended in every way, its memory watched."""
from __future__ import annotations

import os
import pathlib
import random
import select
import signal
import subprocess
import time
from typing import Optional

import interrupts
from programs import BUILD

START_LIMIT = 120.0  # seconds to the line that says it is ready
STOP_LIMIT = 60.0

FLAGS = ["--failover-timeout", "3600", "--call-timeout", "3", "--kill-interval", "0.5", "--revive-interval", "0.5",
         "--reconcile-interval", "10", "--launch-timeout", "10", "--log-level", "info"]


class Died(Exception):
    """zmesosd ended, or did not start, by itself."""


class Daemon:
    def __init__(self, directory: pathlib.Path, master: str, rng: random.Random, flags: list[str]) -> None:
        directory.mkdir()
        self.directory, self.master, self.random, self.flags = directory, master, rng, flags
        self.control = self.pipeline = self.events = "tcp://127.0.0.1:*"
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.starts = 0
        self.slowest = 0.0        # seconds to be ready
        self.frozen = 0
        self.memory: list[tuple[int, int]] = []  # of each run: resident KiB when it was ready, at its last look
        self.peak = 0

    # ---- starting and ending --------------------------------------------------------------------------

    def spawn(self) -> None:
        command = [str(BUILD / "bin" / "zmesosd"), "--state", str(self.directory / "state"), "--master", self.master,
                   "--control", self.control, "--pipeline", self.pipeline, "--events", self.events, *FLAGS, *self.flags]
        with interrupts.later(), (self.directory / "zmesosd.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            start_new_session=True)
        self.starts += 1

    def start(self) -> None:
        """Ready when it returns."""
        began = time.monotonic()
        self.spawn()
        line = self._first_line(began + START_LIMIT)
        places = dict(word.split("=", 1) for word in line.removeprefix("zmesosd ready ").split())
        self.control, self.pipeline, self.events = places["control"], places["pipeline"], places["events"]
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.memory.append((self.resident(), self.resident()))

    def _first_line(self, deadline: float) -> str:
        assert self.process and self.process.stdout
        if not select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            self.kill()
            raise Died(f"zmesosd was not ready within {START_LIMIT:.0f} s")
        line = self.process.stdout.readline().decode()
        if not line.startswith("zmesosd ready "):
            raise Died(f"zmesosd did not start: {self._ended()}")
        return line

    def _ended(self) -> str:
        assert self.process
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it neither got ready nor ended"
        tail = (self.directory / "zmesosd.log").read_text(errors="replace").splitlines()[-3:]
        return f"status {status}; its last words: {' | '.join(tail)}"

    def check(self) -> None:
        """Died if it has ended by itself."""
        if self.process and self.process.poll() is not None:
            words = self._ended()
            self._close()
            raise Died(f"zmesosd ended by itself: {words}")

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        self._close()

    def stop(self) -> None:
        """In order: it must end with 0."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Died(f"zmesosd did not end within {STOP_LIMIT:.0f} s of SIGTERM") from None
        words = self._ended() if status != 0 else ""
        self._close()
        if status != 0:
            raise Died(f"zmesosd was told to stop: {words}")

    def _close(self) -> None:
        if self.process and self.process.stdout:
            self.process.stdout.close()
        self.process = None

    def restart(self) -> None:
        """-9 mostly, also while it starts; now and then in order."""
        if self.random.random() < 0.1:
            self.stop()
        else:
            self.kill()
        if self.random.random() < 0.3:
            time.sleep(self.random.uniform(0.0, 1.5))
        while self.random.random() < 0.15:
            self.spawn()
            time.sleep(self.random.uniform(0.0, 0.15))
            self.kill()
        self.start()

    def freeze(self) -> None:
        """It stands still for a moment, as on a machine that swaps."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(0.1, 3.0))
        self.process.send_signal(signal.SIGCONT)
        self.frozen += 1

    # ---- memory ---------------------------------------------------------------------------------------

    def resident(self) -> int:
        """KiB."""
        assert self.process
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024

    def look(self) -> None:
        if self.process and self.process.poll() is None and self.memory:
            now = self.resident()
            self.memory[-1] = (self.memory[-1][0], now)
            self.peak = max(self.peak, now)
