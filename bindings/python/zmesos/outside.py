"""What a client does to the outside: it asks, sleeps, listens. Once by blocking, once under asyncio; see driving.py."""

from __future__ import annotations

import asyncio
import time
from typing import Any, AsyncGenerator, Coroutine, Iterable, Optional, TypeVar, Union

from .messages import Reply
from .transport import AsyncRequester, Pipeline, Question, Requester
from .wires import AsyncWire, BlockingWire

Value = TypeVar("Value")
UnderWay = set["asyncio.Task[Any]"]


class BlockingIo:
    """Requests block the thread that makes them; each thread has a socket of its own."""

    wire = BlockingWire

    def __init__(self, control: str, pipeline: Optional[str], timeout: float, attempts: int) -> None:
        self.requester = Requester(control, timeout, attempts)
        self.pipeline = Pipeline(pipeline, timeout, attempts) if pipeline else None

    async def ask(self, question: Question, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        return self.requester.ask(question, timeout, attempts)

    async def ask_all(self, questions: Iterable[Question]) -> AsyncGenerator[tuple[int, Reply], None]:
        """By the pipeline, which there is."""
        assert self.pipeline is not None
        for answer in self.pipeline.ask_all(questions):
            yield answer

    async def ask_once(self, question: Question, timeout: float) -> Reply:
        """By the pipeline where there is one, for what takes long."""
        if self.pipeline is None:
            return self.requester.ask(question, timeout, attempts=1)
        (_, reply), = Pipeline(self.pipeline.endpoint, timeout, attempts=1).ask_all([question])
        return reply

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def unbroken(self, steps: Coroutine[Any, Any, Value], under_way: UnderWay) -> Value:
        """The result of something that is not to be given up half-way."""
        return await steps

    async def settle(self, under_way: UnderWay) -> None:
        """Waits for what unbroken() left behind."""

    async def close(self) -> None:
        self.requester.close()


class AsyncIo:
    """Requests let the event loop go on. Many may be under way, so they go to the pipeline where there is one: the daemon
    answers them in the order in which it can, and commits them together."""

    wire = AsyncWire

    def __init__(self, control: str, pipeline: Optional[str], timeout: float, attempts: int) -> None:
        self.requester = AsyncRequester(
            pipeline or control, timeout, attempts, "pipeline" if pipeline else "control"
        )
        self.pipeline = Pipeline(pipeline, timeout, attempts) if pipeline else None

    async def ask(self, question: Question, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        return await self.requester.ask(question, timeout, attempts)

    async def ask_all(self, questions: Iterable[Question]) -> AsyncGenerator[tuple[int, Reply], None]:
        assert self.pipeline is not None
        self.requester.check()
        answers = self.pipeline.exchange(AsyncWire, questions)
        try:
            async for answer in answers:
                yield answer
        finally:
            await answers.aclose()

    async def ask_once(self, question: Question, timeout: float) -> Reply:
        return await self.requester.ask(question, timeout, attempts=1)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def unbroken(self, steps: Coroutine[Any, Any, Value], under_way: UnderWay) -> Value:
        """Cancelled, it leaves the rest to a task of its own, which settle() waits for."""
        task = asyncio.get_running_loop().create_task(steps)
        under_way.add(task)
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                under_way.discard(task)

    async def settle(self, under_way: UnderWay) -> None:
        while under_way:
            done, _ = await asyncio.wait(under_way)
            under_way -= done
            for task in done:
                if not task.cancelled():
                    task.exception()  # seen: it is of no account any more

    async def close(self) -> None:
        await self.requester.close()


Io = Union[BlockingIo, AsyncIo]
