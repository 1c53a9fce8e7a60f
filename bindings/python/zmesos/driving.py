"""One logic for both styles of the package.

What the client knows of the protocol is written once, as coroutines that wait for the outside in wires.py and outside.py alone.
There are two kinds of these: asyncio's, whose waits suspend, and blocking ones, whose waits never do. A coroutine over the
blocking kind is done after one step, which drive() takes: no event loop, no other thread.
"""

from __future__ import annotations

import functools
from types import TracebackType
from typing import Any, AsyncGenerator, Callable, Coroutine, Generator, Generic, Optional, ParamSpec, Protocol, Self, TypeVar

from .closing import AsyncClosing, Closing
from .errors import ZmesosError


class _Opens(Protocol):
    """What an Opening may hold."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None: ...


Item = TypeVar("Item")
Value = TypeVar("Value")
Opened = TypeVar("Opened", bound=_Opens)
Arguments = ParamSpec("Arguments")


def drive(steps: Coroutine[Any, Any, Value]) -> Value:
    """The result of a coroutine that waits by blocking alone."""
    try:
        steps.send(None)
    except StopIteration as end:
        value: Value = end.value
        return value
    steps.close()
    raise RuntimeError("a blocking call waited for an event loop")


class AsyncStream(AsyncClosing, Generic[Item]):
    """What comes one by one. Iterate over it with `async for`. Whoever may stop before its end uses it in an `async with`, or
    calls close(): what it holds is let go of then. Without, Python's event loop does so some time later.

    An iteration that was broken off by an exception, or cancelled, is over: another step raises ZmesosError, so that nobody
    takes it for the end."""

    def __init__(self, steps: AsyncGenerator[Item, None]) -> None:
        self._steps = steps
        self._broken: Optional[str] = None

    def __aiter__(self) -> "AsyncStream[Item]":
        return self

    async def __anext__(self) -> Item:
        if self._broken is not None:
            raise ZmesosError(f"this iteration was broken off by {self._broken}")
        try:
            return await self._steps.__anext__()
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self._broken = type(error).__name__
            raise

    async def close(self) -> None:
        """Ends the iteration. Again: nothing."""
        await self._steps.aclose()


def streamed(function: Callable[Arguments, AsyncGenerator[Item, None]]) -> Callable[Arguments, AsyncStream[Item]]:
    """Has a function that is an asynchronous generator give a stream."""

    @functools.wraps(function)
    def made(*arguments: Arguments.args, **named: Arguments.kwargs) -> AsyncStream[Item]:
        return AsyncStream(function(*arguments, **named))

    return made


class Stream(Closing, Generic[Item]):
    """What comes one by one. Iterate over it. Whoever may stop before its end uses it in a `with`, or calls close(): what it
    holds is let go of then. Without, that happens when nobody has the Stream any more, as behind a `break`.

    An iteration that was broken off by an exception is over: another step raises ZmesosError, so that nobody takes it for the
    end."""

    def __init__(self, steps: AsyncStream[Item]) -> None:
        self._stream = steps
        self._steps = _step_by_step(steps)

    def __iter__(self) -> "Stream[Item]":
        return self

    def __next__(self) -> Item:
        try:
            return next(self._steps)
        except StopIteration:
            if self._stream._broken is not None:
                raise ZmesosError(f"this iteration was broken off by {self._stream._broken}") from None
            raise

    def close(self) -> None:
        """Ends the iteration. Again: nothing."""
        self._steps.close()


def _step_by_step(stream: AsyncStream[Item]) -> Generator[Item, None, None]:
    # A generator: Python closes one that is dropped, and what stands under `finally` is done then.
    try:
        while True:
            try:
                item = drive(stream.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        drive(stream.close())


class Opening(Generic[Opened]):
    """What asyncio code gets where the blocking call returns something that is to be closed: `await` it for the thing itself,
    or use it in an `async with`, at whose end that is closed."""

    def __init__(self, steps: Coroutine[Any, Any, Opened]) -> None:
        self._steps = steps
        self._opened: Optional[Opened] = None

    def __await__(self) -> Generator[Any, None, Opened]:
        return self._steps.__await__()

    async def __aenter__(self) -> Opened:
        opened = await self._steps
        self._opened = opened
        return await opened.__aenter__()

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._opened is not None:
            await self._opened.__aexit__(kind, error, trace)


def document(asynchronous: type, blocking: type) -> None:
    """Gives public names without words of their own those of the blocking class: they do the same."""
    for name, member in list(vars(asynchronous).items()):
        there = getattr(blocking, name, None)
        target = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not callable(target) or target.__doc__ or not getattr(there, "__doc__", None):
            continue
        if isinstance(member, property):
            setattr(asynchronous, name, property(member.fget, member.fset, doc=there.__doc__))
        else:
            target.__doc__ = there.__doc__
