"""A terminal that a test can look at and type into: tmux, with a server of its own."""
from __future__ import annotations

import pathlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from programs import PATIENCE, wait_for

# tmux does not always know how a program ended. A trap, so that Ctrl-C ends the program and not this.
SCRIPT = """
trap : INT
sh -c 'echo $$ >"$0/pid"; exec "$@"' "$0" "$@"
echo $? >"$0/status"
"""
CONFIGURATION = """
set -g default-terminal tmux-256color
set -g remain-on-exit on
set -g status off
set -s escape-time 0
"""


class Terminal:
    """One program in a terminal of that size; `environment` is added to its own."""

    def __init__(self, command: list[str], environment: dict[str, str], width: int = 100, height: int = 30) -> None:
        if shutil.which("tmux") is None:
            pytest.skip("needs tmux (scripts/setup installs it)")
        # The path of a socket is short.
        self._directory = tempfile.TemporaryDirectory(prefix="zmesos-tmux-", ignore_cleanup_errors=True)  # tmux takes its socket away too
        self._directory_path = pathlib.Path(self._directory.name)
        self._socket = f"{self._directory.name}/s"
        configuration = self._directory_path / "tmux.conf"
        configuration.write_text(CONFIGURATION)
        words = ["-f", str(configuration), "new-session", "-d", "-x", str(width), "-y", str(height)]
        # By env: tmux has a TERM of its own to give.
        command = ["env", "LC_ALL=C.UTF-8", *(f"{name}={value}" for name, value in environment.items()), *command]
        try:
            self._tmux(*words, "exec " + shlex.join(["sh", "-c", SCRIPT, self._directory.name, *command]))
        except BaseException:
            self.close()
            raise

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-u", "-S", self._socket, *words], capture_output=True, text=True,
                              timeout=PATIENCE, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"tmux {words}: {done.stderr}"
        return done.stdout

    def lines(self) -> list[str]:
        """What is on the screen, a line each, blanks at their ends left out."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p").split("\n")[:-1]]

    def text(self) -> str:
        return "\n".join(self.lines())

    def everything(self) -> str:
        """What has left the screen, too."""
        return self._tmux("capture-pane", "-p", "-S", "-")

    def last_line(self, height: int) -> str:
        """That of a screen of so many lines; "" while it has another number."""
        lines = self.lines()
        return lines[-1] if len(lines) == height else ""

    def press(self, *keys: str) -> None:
        """Characters, or tmux's names of keys: Enter, Escape, Down, PageUp, Tab."""
        for key in keys:
            self._tmux("send-keys", *([] if len(key) > 1 else ["-l"]), key)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def _number(self, name: str) -> int:
        """In a file of the script, once it is there whole."""
        file = self._directory_path / name
        return int(wait_for(lambda: file.exists() and file.read_text().endswith("\n") and file.read_text(), name))

    def pid(self) -> int:
        return self._number("pid")

    def wait_for(self, condition: Callable[[str], Any], what: str) -> Any:
        """The first true value of condition(text of the screen)."""
        try:
            return wait_for(lambda: condition(self.text()), what)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen:\n{self.text()}") from None

    def wait_for_text(self, part: str) -> None:
        self.wait_for(lambda text: part in text, f"'{part}' on the screen")

    def end(self) -> int:
        """The status with which the program ended."""
        return self._number("status")

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, timeout=PATIENCE, check=False)
        self._directory.cleanup()
