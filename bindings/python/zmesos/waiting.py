"""Waiting for tasks to end, so that no end is missed.

Events alone would not do: what is published before the subscription has reached the daemon is lost, and under a
prefix a loss cannot be seen. So the tasks are looked at before the events, again once the subscription is known
to be heard, when the daemon was restarted, and every few seconds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, AsyncGenerator, Iterable, Optional

from .errors import NotFound, TimedOut, Unavailable
from .messages import Task
from .states import is_over

if TYPE_CHECKING:
    from .client import AsyncClient

LOOK_EVERY = 5.0  # seconds
LISTEN = 0.25  # seconds between looks at the clock
MOST_PREFIXES = 200  # above this, one subscription to every task is cheaper


class Ends:
    """The ends of tasks that are awaited, heard on a subscription. More tasks may be added at any time."""

    def __init__(self, client: "AsyncClient", prefixes: Iterable[str], answered: bool = False) -> None:
        self.pending: dict[str, None] = {}
        self.missing: list[str] = []  # that the daemon did not know when it was asked
        self._client = client
        self._answered = answered  # a daemon that does not answer is asked again later, unless it never did
        self._events = client.subscribe(*prefixes)
        self._daemon: object = None  # what the last look relied on: a subscription heard, in this run of the daemon
        self.look_soon()

    async def __aenter__(self) -> "Ends":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._events.close()

    def look_soon(self) -> None:
        """The next step asks the daemon."""
        self._looked = -float("inf")

    async def step(self, left: Optional[float]) -> list[Task]:
        """Looks, or listens for a moment, for `left` seconds at most: tasks that are over, which are not pending then."""
        if self._events.run == self._daemon and time.monotonic() - self._looked < LOOK_EVERY:
            return await self.listen(LISTEN if left is None else min(LISTEN, left))
        self._daemon = self._events.run
        found = await self._look(left)
        self._looked = time.monotonic()
        for task in found:
            del self.pending[task.id]
        return found

    async def listen(self, seconds: float) -> list[Task]:
        """As step(), of the next event alone."""
        event = await self._events.recv(seconds)
        task = None if event is None else event.task
        if task is None or task.id not in self.pending or not is_over(task):
            return []
        if task.attempts and task.attempts[-1].number > 1:
            self.look_soon()  # an event has the last attempt alone: look, for the whole task
            return []
        del self.pending[task.id]
        return [task]

    async def _look(self, left: Optional[float]) -> list[Task]:
        timeout = self._client.timeout if left is None else min(self._client.timeout, left)
        try:
            found = await self._client.get(list(self.pending), timeout=timeout)
        except (TimedOut, Unavailable):
            if not self._answered:
                raise
            return []
        self._answered = True
        self.missing = [task_id for task_id in self.pending if task_id not in found]
        return [task for task in found.values() if is_over(task)]


async def as_completed(
    client: "AsyncClient", ids: Iterable[str], timeout: Optional[float] = None
) -> AsyncGenerator[Task, None]:
    """The tasks as they end. NotFound for an unknown id, TimedOut after `timeout` seconds."""
    pending = dict.fromkeys(ids)
    deadline = None if timeout is None else time.monotonic() + timeout
    if not pending:
        return
    prefixes = [f"task/{task_id}/" for task_id in pending] if len(pending) <= MOST_PREFIXES else ["task/"]
    async with Ends(client, prefixes) as ends:
        ends.pending = pending
        while pending:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimedOut(f"{len(pending)} of the tasks were not over within {timeout:g} s")
            found = await ends.step(left)
            if ends.missing:
                raise NotFound("NOT_FOUND", f"no task {ends.missing[0]}")
            for task in found:
                yield task
