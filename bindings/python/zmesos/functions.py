"""Functions as bytes, and what came of them as bytes: the pickles of an Executor, which runner.py reads and writes."""

from __future__ import annotations

import importlib
import io
import pickle
import zipfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Optional

from concurrent.futures import BrokenExecutor

from .errors import TooLarge, ZmesosError
from .runner import CALL_HEAD, FAILED, RAISED, RESULT, too_large

PICKLERS = ("cloudpickle", "pickle")


class RemoteError(ZmesosError):
    """What the function raised, or returned, could not be brought here; or the task could not load the function. The
    message says which; `__cause__` has the task's traceback where there is one."""


class RemoteTraceback(Exception):
    """Where in the task an exception came from: the `__cause__` of what a future raises."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


class BrokenTask(ZmesosError, BrokenExecutor):
    """The task ended, and brought no result: it was killed, ran out of memory, was lost, could not start.

    task_id: whose `zmesos logs` tell more; state: how it ended, as FAILED; reason: Mesos's, as
    CONTAINER_LIMITATION_MEMORY, or ""; message: what Mesos said; hostname: where, or "".
    """

    def __init__(self, words: str, task_id: str, state: str, reason: str = "", message: str = "", hostname: str = "") -> None:
        super().__init__(words, task_id, state, reason, message, hostname)
        self.words = words
        self.task_id = task_id
        self.state = state
        self.reason = reason
        self.message = message
        self.hostname = hostname

    def __str__(self) -> str:
        return self.words


class PythonMismatch(BrokenTask):
    """The agent's Python is another one than this: pickles of functions do not go from one to the other."""


@cache
def cloudpickle() -> Optional[ModuleType]:
    """The module, where it is installed."""
    try:
        return importlib.import_module("cloudpickle")
    except ModuleNotFoundError:
        return None


@cache
def cloudpickle_archive() -> bytes:
    """Its sources as a zip archive, for agents that have none, or another version."""
    module = cloudpickle()
    assert module is not None and module.__file__ is not None
    folder = Path(module.__file__).parent
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.py")):
            archive.write(path, Path("cloudpickle", path.relative_to(folder)))
    return made.getvalue()


def pack(function: Callable[..., Any], positional: Any, named: Any, many: bool, pickler: str, limit: int) -> bytes:
    """What the task gets to run. Raises what pickling raises, and TooLarge for more than `limit` bytes."""
    version = b""
    if pickler == "cloudpickle":
        module = cloudpickle()
        assert module is not None
        frozen: bytes = module.dumps((function, positional, named))
        if b"cloudpickle" in frozen:  # without, it is a plain pickle, and no agent has to load the module
            version = module.__version__.encode()
    else:
        if getattr(function, "__module__", None) == "__main__":
            raise pickle.PicklingError(
                "a function of the main program, of which an agent knows nothing: install cloudpickle (Debian: "
                "python3-cloudpickle), or have it in a module that agents have"
            )
        frozen = pickle.dumps((function, positional, named), pickle.HIGHEST_PROTOCOL)
    if len(frozen) > limit:
        raise TooLarge("TOO_LARGE", too_large("the function with its arguments", len(frozen), limit))
    return CALL_HEAD.pack(limit, many, version) + frozen


def unpack(kind: int, payload: bytes) -> tuple[Any, Optional[BaseException]]:
    """The value or the exception that a task delivered. Runs code of the pickle: only for what is authenticated."""
    try:
        if kind == RESULT:
            return pickle.loads(payload), None
        if kind == RAISED:
            error, text = pickle.loads(payload)
            error.__cause__ = RemoteTraceback(text)
            return None, error
    except BaseException as reason:  # it runs what a user has written
        what = "result" if kind == RESULT else "exception"
        error = RemoteError(f"the function's {what} cannot be loaded here: {type(reason).__name__}: {reason}")
        error.__cause__ = reason
        return None, error
    assert kind == FAILED
    words, _, text = payload.decode("utf-8", "replace").partition("\x00")
    error = RemoteError(words)
    if text:
        error.__cause__ = RemoteTraceback(text)
    return None, error
