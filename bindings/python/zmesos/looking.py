"""Looking at tasks and at the daemon: a part of Client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, AsyncGenerator, Iterable, Optional, Union

from .batches import MAX_GET, split
from .driving import Stream, document, drive, streamed
from .errors import NotFound, ProtocolError, TooLarge, code_name
from .journal import LabelLike, as_label
from .messages import Agent, DaemonStatus, Explanation, Reply, Request, Task, messages
from .states import StateLike, state_numbers

if TYPE_CHECKING:
    from .client import AsyncClient


class Looking:
    """What Client inherits; not for itself."""

    _logic: "AsyncClient"

    def task(self, task_id: str, with_spec: bool = False) -> Task:
        """One task. NotFound if there is none with this id."""
        return drive(self._logic.task(task_id, with_spec))

    def get(
        self, ids: Iterable[str], with_spec: bool = False, timeout: Optional[float] = None
    ) -> dict[str, Task]:
        """Tasks by id; those that are not known are left out. timeout: for each request, of which there is one for a
        thousand, and more where their specifications do not fit into one reply; instead of the client's."""
        return drive(self._logic.get(ids, with_spec, timeout))

    def tasks(
        self,
        state: Union[StateLike, Iterable[StateLike], None] = None,
        label: Optional[LabelLike] = None,
        prefix: Optional[str] = None,
        with_spec: bool = False,
        page_size: int = 500,
        placer: Optional[str] = None,
    ) -> Stream[Task]:
        """The tasks under all the conditions given, oldest first, a page at a time as they are iterated."""
        return Stream(self._logic.tasks(state, label, prefix, with_spec, page_size, placer))

    def why(self, *ids: str) -> dict[str, Explanation]:
        """Why tasks wait, by id; those that are not known are left out. `reasons` are in order: what stands above all
        else first, then what offers lacked, by the offers that it cost."""
        return drive(self._logic.why(*ids))

    def agents(self, page_size: int = 500) -> Stream[Agent]:
        """What is known of agents, in the order of their ids, a page at a time as they are iterated: those that made an
        offer in this subscription, and those that run tasks of ours. `used` is what our tasks there ask for, `known` what
        the agent has as far as its offers show (absent: no offer yet); mem and disk in MB."""
        return Stream(self._logic.agents(page_size))

    def status(self, timeout: Optional[float] = None) -> DaemonStatus:
        """How the daemon is: its framework, master, subscription, counts by state."""
        return drive(self._logic.status(timeout))

    def reconcile(self) -> int:
        """Has the daemon ask the master about every task that is not over; how many these are."""
        return drive(self._logic.reconcile())

    def ping(self, timeout: Optional[float] = None) -> float:
        """Seconds that the daemon took to answer."""
        return drive(self._logic.ping(timeout))


class AsyncLooking:
    """What aio.Client inherits: the logic of Looking."""

    async def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        raise NotImplementedError

    async def task(self, task_id: str, with_spec: bool = False) -> Task:
        found = await self.get([task_id], with_spec)
        if task_id not in found:
            raise NotFound("NOT_FOUND", f"no task {task_id}")
        return found[task_id]

    async def get(
        self, ids: Iterable[str], with_spec: bool = False, timeout: Optional[float] = None
    ) -> dict[str, Task]:
        found: dict[str, Task] = {}
        for run in split(ids, lambda task_id: len(task_id.encode("utf-8")), MAX_GET):
            parts = [run]
            while parts:
                part = parts.pop()
                request = Request(get=messages.Get(task_ids=part, with_spec=with_spec))
                try:
                    reply = await self._ask(request, timeout)
                except TooLarge:  # what they are together: a reply has room for any one of them
                    if len(part) == 1:
                        raise
                    parts += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                if reply.code not in (messages.OK, messages.NOT_FOUND):
                    raise ProtocolError(f"code {code_name(reply.code)} as an answer to get")
                found.update((task.id, task) for task in reply.tasks.tasks)
        return found

    @streamed
    async def tasks(
        self,
        state: Union[StateLike, Iterable[StateLike], None] = None,
        label: Optional[LabelLike] = None,
        prefix: Optional[str] = None,
        with_spec: bool = False,
        page_size: int = 500,
        placer: Optional[str] = None,
    ) -> AsyncGenerator[Task, None]:
        request = messages.List(
            page_size=page_size, with_spec=with_spec, states=state_numbers(state), placer=placer
        )
        if label is not None:
            request.label.CopyFrom(as_label(label))
        if prefix is not None:
            request.id_prefix = prefix
        while True:
            page = (await self._ask(Request(list=request))).tasks
            for task in page.tasks:
                yield task
            if not page.HasField("next"):
                return
            if page.next <= request.after:
                raise ProtocolError(f"a page after {request.after} that is followed by {page.next}")
            request.after = page.next

    async def why(self, *ids: str) -> dict[str, Explanation]:
        found: dict[str, Explanation] = {}
        for run in split(ids, lambda task_id: len(task_id.encode("utf-8")), MAX_GET):
            reply = await self._ask(Request(why=messages.Why(task_ids=run)))
            found.update((view.task_id, view) for view in reply.explanations.explanations)
        return found

    @streamed
    async def agents(self, page_size: int = 500) -> AsyncGenerator[Agent, None]:
        request = messages.ListAgents(page_size=page_size)
        while True:
            page = (await self._ask(Request(list_agents=request))).agents
            for agent in page.agents:
                yield agent
            if not page.HasField("next"):
                return
            if request.HasField("after") and page.next <= request.after:
                raise ProtocolError(f"a page after {request.after} that is followed by {page.next}")
            request.after = page.next

    async def status(self, timeout: Optional[float] = None) -> DaemonStatus:
        return (await self._ask(Request(status=messages.Status()), timeout)).status

    async def reconcile(self) -> int:
        return (await self._ask(Request(reconcile=messages.Reconcile()))).reconcile.tasks

    async def ping(self, timeout: Optional[float] = None) -> float:
        start = time.monotonic()
        await self._ask(Request(ping=messages.Ping()), timeout)
        return time.monotonic() - start


document(AsyncLooking, Looking)
