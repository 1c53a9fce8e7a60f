"""Waiting for tasks to end, so that no end is missed.

Events alone would not do: what is published before the subscription has reached the daemon is lost, and under a
prefix a loss cannot be seen. So the tasks are looked at before the events, again once the subscription is known
to be heard, when the daemon was restarted, and every few seconds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Iterable, Iterator, Optional

from .errors import NotFound, TimedOut, Unavailable
from .messages import Task
from .states import is_over

if TYPE_CHECKING:
    from .client import Client

LOOK_EVERY = 5.0  # seconds
LISTEN = 0.25  # seconds between looks at the clock
MOST_PREFIXES = 200  # above this, one subscription to every task is cheaper


def as_completed(client: "Client", ids: Iterable[str], timeout: Optional[float] = None) -> Iterator[Task]:
    """The tasks as they end. NotFound for an unknown id, TimedOut after `timeout` seconds."""
    pending = dict.fromkeys(ids)
    deadline = None if timeout is None else time.monotonic() + timeout
    if not pending:
        return
    prefixes = [f"task/{task_id}/" for task_id in pending] if len(pending) <= MOST_PREFIXES else ["task/"]
    with client.subscribe(*prefixes) as events:
        looked = -LOOK_EVERY
        daemon: object = None  # what the last look relied on: a subscription heard, in this run of the daemon
        first = True
        while pending:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimedOut(f"{len(pending)} of the tasks were not over within {timeout:g} s")
            if events.run != daemon or time.monotonic() - looked >= LOOK_EVERY:
                daemon = events.run
                for task in _look(client, list(pending), left, first):
                    del pending[task.id]
                    yield task
                looked = time.monotonic()
                first = False
                continue
            event = events.recv(LISTEN if left is None else min(LISTEN, left))
            if event is not None and event.task is not None and event.task.id in pending and is_over(event.task):
                if event.task.attempts and event.task.attempts[-1].number > 1:
                    looked = -LOOK_EVERY  # an event has the last attempt alone: look, for the whole task
                    continue
                del pending[event.task.id]
                yield event.task


def _look(client: "Client", ids: list[str], left: Optional[float], first: bool) -> Iterator[Task]:
    """Those that are over now. A daemon that does not answer is asked again later, unless it never did."""
    timeout = client.timeout if left is None else min(client.timeout, left)
    try:
        found = client.get(ids, timeout=timeout)
    except (TimedOut, Unavailable):
        if first:
            raise
        return
    for task_id in ids:
        if task_id not in found:
            raise NotFound("NOT_FOUND", f"no task {task_id}")
    yield from filter(is_over, found.values())
