"""Requests that concern the framework as a whole, or that are sent to the master as they are: a part of Client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Mapping, Optional, Union

from .driving import document, drive
from .messages import Reply, Request, TeardownReply, mesos, messages
from .retries import duration

if TYPE_CHECKING:
    from .client import AsyncClient

OperationLike = Union[str, tuple[str, Optional[str]]]


class Calls:
    """What Client inherits; not for itself."""

    _logic: "AsyncClient"

    def teardown(self, token: Optional[str] = None) -> TeardownReply:
        """Ends the framework and all its tasks, for good. Without a token nothing is done, and the answer has one, and
        how many tasks; with it, within a minute, the wish is on disk when this returns (`begun`). zmesosd ends when the
        master has done it."""
        return drive(self._logic.teardown(token))

    def suppress(self, *roles: str) -> None:
        """No offers for these roles (none: all), whatever waits, until they are revived; also after a restart."""
        drive(self._logic.suppress(*roles))

    def revive(self, *roles: str) -> None:
        """Takes suppress() back; for other roles, asks for all offers once more."""
        drive(self._logic.revive(*roles))

    def update_framework(
        self, add_roles: Iterable[str] = (), remove_roles: Iterable[str] = (), name: Optional[str] = None,
        failover_timeout: Optional[float] = None, webui_url: Optional[str] = None, labels: Optional[Mapping[str, str]] = None,
    ) -> None:
        """Changes the framework while it runs; the master has done it when this returns. Only roles whose tasks are all over
        can go; `labels` take the place of all there were; `failover_timeout` is in seconds."""
        drive(self._logic.update_framework(add_roles, remove_roles, name, failover_timeout, webui_url, labels))

    def message(
        self, data: bytes, task: Optional[str] = None, executor: Optional[str] = None, agent: Optional[str] = None
    ) -> None:
        """Bytes for the executor of a task, or of that id on that agent. It is sent once: after TimedOut it may have
        been sent or not. The master has it when this returns; whether the executor gets it nobody tells."""
        drive(self._logic.message(data, task, executor, agent))

    def shutdown_executor(
        self, task: Optional[str] = None, executor: Optional[str] = None, agent: Optional[str] = None
    ) -> None:
        """Ends an executor, named as for message(), and with it its tasks."""
        drive(self._logic.shutdown_executor(task, executor, agent))

    def request_resources(self, requests: Iterable[mesos.Request]) -> None:
        """Tells the master what is wished for. Mesos's own allocator ignores it."""
        drive(self._logic.request_resources(requests))

    def reconcile_operations(self, *operations: OperationLike) -> None:
        """Has the master asked about operations, each an id or a pair of id and agent (none: all that it knows). The
        answers are events of class OPERATION_UPDATE."""
        drive(self._logic.reconcile_operations(*operations))


class AsyncCalls:
    """What aio.Client inherits: the logic of Calls."""

    async def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        raise NotImplementedError

    async def teardown(self, token: Optional[str] = None) -> TeardownReply:
        return (await self._ask(Request(teardown=messages.Teardown(token=token)))).teardown

    async def suppress(self, *roles: str) -> None:
        await self._ask(Request(suppress=messages.Suppress(roles=roles)))

    async def revive(self, *roles: str) -> None:
        await self._ask(Request(revive=messages.Revive(roles=roles)))

    async def update_framework(
        self, add_roles: Iterable[str] = (), remove_roles: Iterable[str] = (), name: Optional[str] = None,
        failover_timeout: Optional[float] = None, webui_url: Optional[str] = None, labels: Optional[Mapping[str, str]] = None,
    ) -> None:
        body = messages.UpdateFramework(add_roles=add_roles, remove_roles=remove_roles, name=name, webui_url=webui_url)
        if failover_timeout is not None:
            body.failover_timeout.CopyFrom(duration(failover_timeout))
        if labels is not None:
            body.labels.SetInParent()
            for key, value in labels.items():
                body.labels.labels.add(key=key, value=value)
        await self._ask(Request(update_framework=body))

    async def message(
        self, data: bytes, task: Optional[str] = None, executor: Optional[str] = None, agent: Optional[str] = None
    ) -> None:
        place = _executor(task, executor, agent)
        await self._ask(Request(message=messages.SendMessage(executor=place, data=data)), attempts=1)

    async def shutdown_executor(
        self, task: Optional[str] = None, executor: Optional[str] = None, agent: Optional[str] = None
    ) -> None:
        place = _executor(task, executor, agent)
        await self._ask(Request(shutdown_executor=messages.ShutdownExecutor(executor=place)), attempts=1)

    async def request_resources(self, requests: Iterable[mesos.Request]) -> None:
        await self._ask(Request(request_resources=messages.RequestResources(requests=requests)))

    async def reconcile_operations(self, *operations: OperationLike) -> None:
        body = messages.ReconcileOperations()
        for operation in operations:
            name, agent = (operation, None) if isinstance(operation, str) else operation
            body.operations.add(operation_id=name, agent_id=agent)
        await self._ask(Request(reconcile_operations=body))


document(AsyncCalls, Calls)


def _executor(task: Optional[str], executor: Optional[str], agent: Optional[str]) -> messages.Executor:
    return messages.Executor(task_id=task, executor_id=executor, agent_id=agent)
