"""zmesos, the command line, as the system tests run it."""
from __future__ import annotations

import json
import os
import subprocess
import threading

from programs import BUILD, PATIENCE, wait_for

ZMESOS = str(BUILD / "bin" / "zmesos")
SMALL = ("--cpus", "0.1", "--mem", "32")
PATIENT = ("--timeout", str(PATIENCE - 5))  # for a slow disk; one of a test's own comes after it


class Cli:
    """zmesos with the endpoints of one cluster in its environment."""

    def __init__(self, cluster) -> None:
        self.cluster = cluster

    def environment(self) -> dict[str, str]:
        return {**os.environ, "ZMESOS_CONTROL": self.cluster.control, "ZMESOS_EVENTS": self.cluster.events,
                "ZMESOS_PIPELINE": self.cluster.pipeline}

    def __call__(self, *words: str, code: int = 0, text: str | None = None,
                 cwd: str | None = None) -> subprocess.CompletedProcess:
        """Runs to the end, and has to exit with this code."""
        done = subprocess.run([ZMESOS, *PATIENT, *words], env=self.environment(), input=text or "", capture_output=True, text=True,
                              timeout=PATIENCE, cwd=cwd)
        assert done.returncode == code, f"{words} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, **options) -> list:
        return [json.loads(line) for line in self("--json", *words, **options).stdout.splitlines()]

    def begin(self, *words: str) -> "Running":
        return Running(subprocess.Popen([ZMESOS, *words], env=self.environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))


class Running:
    """zmesos while it runs; its standard error is read beside."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(iter(process.stderr.readline, "")))
        self._reader.start()

    def wait_for_line(self, part: str) -> None:
        def look() -> bool:
            ended = not self._reader.is_alive()
            found = any(part in line for line in list(self.lines))
            assert found or not ended, f"it ended without '{part}': {self.lines}"
            return found
        try:
            wait_for(look, f"'{part}' on standard error")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self.lines}") from None

    def end(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join()
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


def one_line(done: subprocess.CompletedProcess, *parts: str) -> None:
    """Nothing on standard output, one line on standard error, which has these parts."""
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1, done
    for part in parts:
        assert part in done.stderr, done.stderr
