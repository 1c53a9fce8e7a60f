"""What can go wrong, as exceptions. All are ZmesosError; a `Refused` carries what the daemon said, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence

from .messages import Reply, Task, messages
from .states import state_name

if TYPE_CHECKING:
    from .results import Result


class ZmesosError(Exception):
    """Anything this package raises by itself. `results`: what a batch had been told before it failed."""

    results: Sequence["Result"] = ()


class TimedOut(ZmesosError, TimeoutError):
    """No answer in time. What was asked for may or may not have been done: ask again with the same id, or look."""


class ProtocolError(ZmesosError):
    """The other side answered something that is not this protocol."""


class BadEndpoint(ZmesosError, ValueError):
    """What a client was given as an endpoint is none, as ZeroMQ says at its first use. name: which one, as the parameter
    of Client: control, events or pipeline."""

    def __init__(self, name: str, endpoint: str, words: str) -> None:
        super().__init__(name, endpoint, words)
        self.name = name
        self.endpoint = endpoint
        self.words = words

    def __str__(self) -> str:
        return f"{self.name}: {self.endpoint!r} is no endpoint, as tcp://127.0.0.1:5560 is: {self.words}"


class TaskFailed(ZmesosError):
    """A task came to another end than FINISHED. task: as it ended."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.task = task

    def __str__(self) -> str:
        words = f": {self.task.message}" if self.task.message else ""
        return f"{self.task.id} {state_name(self.task.state)}{words}"


class Refused(ZmesosError):
    """The daemon said no.

    code: its name, as INVALID; message: a sentence; field: what was at fault, as launch.tasks[0].cpus, or "";
    retry: whether the same request may succeed later.
    """

    def __init__(self, code: str, message: str, field: str = "", retry: bool = False) -> None:
        super().__init__(code, message, field, retry)
        self.code = code
        self.message = message
        self.field = field
        self.retry = retry

    def __str__(self) -> str:
        where = f" ({self.field})" if self.field else ""
        return f"{self.code}: {self.message}{where}"


class Malformed(Refused):
    """The daemon could not read the request."""


class Unsupported(Refused):
    """The daemon is of another version: it does not know the operation, or not this protocol."""


class Invalid(Refused):
    """A field's value is not allowed."""


class TooLarge(Refused):
    """More bytes, items or depth than allowed."""


class NotFound(Refused):
    """No such task."""


class Conflict(Refused):
    """A task with that id and another specification exists."""


class Unavailable(Refused):
    """Not now; trying again can help."""


class Truncated(Refused):
    """Those events are not kept any more. oldest: the first number that is."""

    oldest: int = 0


_CLASSES: dict[str, type[Refused]] = {
    "MALFORMED": Malformed,
    "UNSUPPORTED_VERSION": Unsupported,
    "UNKNOWN_OPERATION": Unsupported,
    "INVALID": Invalid,
    "TOO_LARGE": TooLarge,
    "NOT_FOUND": NotFound,
    "CONFLICT": Conflict,
    "UNAVAILABLE": Unavailable,
    "TRUNCATED": Truncated,
}


def code_name(code: int) -> str:
    """INVALID for 4; a number this package does not know comes back as its digits."""
    if code in messages.Code.values():
        return messages.Code.Name(code)
    return str(code)


def refusal(code: str, message: str, field: Optional[str] = None, retry: bool = False) -> Refused:
    """The exception for a code."""
    return _CLASSES.get(code, Refused)(code, message, field or "", retry)


def accepted(reply: Reply) -> Reply:
    """The reply, unless it refuses the request as a whole."""
    if reply.code in (messages.OK, messages.SOME_REFUSED):
        return reply
    if reply.code == messages.NOT_FOUND and reply.WhichOneof("result") == "tasks":
        return reply
    error = refusal(code_name(reply.code), reply.message, reply.field, reply.retry)
    if isinstance(error, Truncated):
        error.oldest = reply.replay.oldest or reply.tail.oldest
    raise error
