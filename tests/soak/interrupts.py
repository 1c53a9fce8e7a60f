"""SIGINT and SIGTERM end the soak, but never between the start of a process and the note of it: nobody would end that one."""
from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_held = 0
_came = False


def _handle(number: int, frame: Any) -> None:
    global _came
    if not _held:
        raise KeyboardInterrupt
    _came = True


def install() -> None:
    signal.signal(signal.SIGINT, _handle)
    signal.signal(signal.SIGTERM, _handle)


@contextmanager
def later() -> Iterator[None]:
    """One that comes meanwhile is raised at the end."""
    global _held, _came
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if _came and not _held:
            _came = False
            raise KeyboardInterrupt
