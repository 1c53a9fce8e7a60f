"""A task for each of many items, so many at a time: what Client.map() does.

Everything happens while the next result is asked for; between two steps nothing runs here. What may be running in the cluster
is always known: a launch that is given up half-way is waited for before its tasks are killed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, AsyncGenerator, Callable, Generic, Iterable, Iterator, Mapping, Optional, TypeVar, Union

from .errors import NotFound, Refused, TaskFailed, TimedOut, Unavailable, ZmesosError, refusal
from .messages import Task, TaskSpec
from .results import Result
from .specs import Command, new_id, task_spec
from .states import state_name
from .waiting import Ends

if TYPE_CHECKING:
    from .client import AsyncClient

Item = TypeVar("Item")
Make = Callable[[Item], Union[TaskSpec, Command, Mapping[str, Any]]]

MOST_HELD = 10_000  # results that wait for one before them
DRAIN = 1000  # ends taken before new tasks are launched
AGAIN = 0.2  # seconds before a launch is tried again that a daemon did not answer


@dataclass(frozen=True)
class Done(Generic[Item]):
    """What became of one item of a map().

    task: as it ended, with its attempts; None where there is none. error: why there is none: the launch was refused, or the
    daemon does not keep the task any more (NotFound).
    """

    item: Item
    id: str
    task: Optional[Task] = None
    error: Optional[Refused] = None

    @property
    def state(self) -> Optional[str]:
        """The task's last state by name; None where there is no task."""
        return None if self.task is None else state_name(self.task.state)

    @property
    def ok(self) -> bool:
        """Whether the task ended as FINISHED."""
        return self.state == "FINISHED"

    def check(self) -> "Done[Item]":
        """Itself if the task ended as FINISHED; raises `error`, or TaskFailed."""
        if self.error is not None:
            raise self.error
        assert self.task is not None
        if not self.ok:
            raise TaskFailed(self.task)
        return self


async def mapped(
    client: "AsyncClient",
    make: Make[Item],
    items: Iterable[Item],
    concurrency: int,
    ordered: bool,
    keep_running: bool,
    timeout: Optional[float],
    fields: Mapping[str, Any],
) -> AsyncGenerator[Done[Item], None]:
    """What Client.map() says. When it is closed, or broken off by whatever, the tasks that are not over are killed."""
    work = _Map(client, make, iter(items), concurrency, ordered, timeout, fields)
    try:
        while (done := await work.next()) is not None:
            yield done
    except BaseException as error:
        if not keep_running:
            try:
                await work.kill()
            except ZmesosError as failed:
                words = f"{len(work.alive)} tasks may go on: they could not be killed: {failed}"
                if isinstance(error, GeneratorExit):  # close(): nothing else went wrong
                    failed.add_note(words)
                    raise failed
                error.add_note(words)
        raise
    finally:
        await work.close()


class _Map(Generic[Item]):
    def __init__(
        self,
        client: "AsyncClient",
        make: Make[Item],
        items: Iterator[Item],
        concurrency: int,
        ordered: bool,
        timeout: Optional[float],
        fields: Mapping[str, Any],
    ) -> None:
        self._client = client
        self._make = make
        self._items = items
        self._concurrency = concurrency
        self._ordered = ordered
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._fields = fields
        self._base = new_id(str(fields.get("name") or "map"))
        self._taken = 0  # items
        self._exhausted = False
        self._unsent: list[tuple[int, Item, TaskSpec]] = []  # taken, and perhaps not launched yet
        self._not_before = 0.0  # monotonic: when a launch that was not answered is tried again
        self._answered = False
        self._alive: dict[str, list[tuple[int, Item]]] = {}  # launched, by id, and not known to be over
        self._unfinished = 0  # items in these
        self._ends: Optional[Ends] = None
        self._hears = ""  # the topic prefix of these
        self._ready: deque[Done[Item]] = deque()
        self._held: dict[int, Done[Item]] = {}  # wait for one before them
        self._given = 0  # the place of the next, in order
        self._under_way: set["asyncio.Task[Any]"] = set()

    @property
    def alive(self) -> set[str]:
        """Tasks that may be running."""
        return set(self._alive) | {spec.id for _, _, spec in self._unsent}

    async def next(self) -> Optional[Done[Item]]:
        """The next result; None when there is no more."""
        while True:
            await self._launch()
            if self._ready:
                return self._ready.popleft()
            if self._exhausted and not self._alive and not self._unsent:
                return None
            left = None if self._deadline is None else self._deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimedOut(f"{len(self.alive)} of the tasks were not over within {self._timeout:g} s")
            await self._listen(left)

    async def kill(self) -> None:
        """Ends what may be running."""
        await self._client._io.settle(self._under_way)
        alive = sorted(self.alive)
        if alive:
            try:
                await self._client.kill(*alive)
            except Refused as error:
                if not error.results or any(not one.ok and one.code != "NOT_FOUND" for one in error.results):
                    raise  # unknown ones were never launched

    async def close(self) -> None:
        await self._client._io.settle(self._under_way)
        if self._ends is not None:
            await self._ends.__aexit__()

    # ---- launching ------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Items, as far as there is room for their tasks."""
        while not self._exhausted and len(self._held) < MOST_HELD:
            if self._unfinished + len(self._unsent) >= self._concurrency:
                return
            for item in self._items:
                self._unsent.append((self._taken, item, self._spec(item)))
                self._taken += 1
                break
            else:
                self._exhausted = True

    def _spec(self, item: Item) -> TaskSpec:
        made = self._make(item)
        if isinstance(made, TaskSpec):
            if self._fields:
                raise TypeError(f"a whole specification does not take {', '.join(self._fields)}")
            return made
        fields: dict[str, Any] = {"id": f"{self._base}-{self._taken}", **self._fields}
        if isinstance(made, Mapping):
            return task_spec(**{**fields, **made})
        return task_spec(made, **fields)

    async def _launch(self) -> None:
        self._take()
        if not self._unsent or time.monotonic() < self._not_before:
            return
        await self._hear({spec.id for _, _, spec in self._unsent})
        asked = list(self._unsent)
        steps = self._send(asked)
        try:
            await self._client._io.unbroken(steps, self._under_way)
        except (TimedOut, Unavailable):  # the same again later: what was launched is known then
            if not self._answered:
                raise
            self._not_before = time.monotonic() + AGAIN

    async def _send(self, asked: list[tuple[int, Item, TaskSpec]]) -> None:
        results = await self._client.launch_many([spec for _, _, spec in asked])
        self._answered = True
        self._unsent = self._unsent[len(asked):]
        assert self._ends is not None
        for (place, item, _), result in zip(asked, results):
            if not result.ok:
                self._tell(place, Done(item, result.id, error=_refusal(result)))
                continue
            self._alive.setdefault(result.id, []).append((place, item))
            self._unfinished += 1
            self._ends.pending[result.id] = None
            if result.known:  # it may be over, and its end told long ago
                self._ends.look_soon()

    # ---- ends -----------------------------------------------------------------------------------------

    async def _hear(self, ids: set[str]) -> None:
        """Listens to tasks with these ids too: to those named here alone as long as there are no others."""
        own = f"task/{self._base}-"
        hears = own if self._hears in ("", own) and all(id.startswith(f"{self._base}-") for id in ids) else "task/"
        if hears == self._hears:
            return
        ends = Ends(self._client, [hears], answered=True)
        if self._ends is not None:
            ends.pending = self._ends.pending
            await self._ends.__aexit__()
        self._ends, self._hears = ends, hears

    async def _listen(self, left: Optional[float]) -> None:
        """Waits for ends, and takes those that came together."""
        assert self._ends is not None
        found = await self._ends.step(left)
        for _ in range(DRAIN):
            if not found:
                break
            for task in found:
                self._ended(task.id, task=task)
            found = await self._ends.listen(0.0)
        missing, self._ends.missing = self._ends.missing, []
        for task_id in missing:
            self._ends.pending.pop(task_id, None)
            self._ended(task_id, error=NotFound("NOT_FOUND", f"no task {task_id} any more"))

    def _ended(self, task_id: str, task: Optional[Task] = None, error: Optional[Refused] = None) -> None:
        for place, item in self._alive.pop(task_id, ()):
            self._unfinished -= 1
            self._tell(place, Done(item, task_id, task, error))

    def _tell(self, place: int, done: Done[Item]) -> None:
        if not self._ordered:
            self._ready.append(done)
            return
        self._held[place] = done
        while self._given in self._held:
            self._ready.append(self._held.pop(self._given))
            self._given += 1


def _refusal(result: Result) -> Refused:
    return refusal(result.code, result.message, result.field, result.retry)
