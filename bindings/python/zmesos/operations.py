"""Operations on resources: reservations, volumes, disks. The requests are a part of Client; the functions make what they
take. docs/reservations.md shows a whole course of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, AsyncGenerator, Iterable, Mapping, Optional, Sequence, Union

from .batches import MAX_CANCEL, MAX_GET, MAX_OPERATE, split
from .driving import Stream, document, drive, streamed
from .errors import NotFound, ProtocolError, TimedOut, Unavailable
from .messages import Operation, OperationSpec, Reply, Request, mesos, messages
from .results import Result
from .specs import MessageLike, fill, new_id
from .states import OperationStateLike, operation_is_over, operation_state_number

if TYPE_CHECKING:
    from .client import AsyncClient
    from .outside import Io

LOOK_EVERY = 0.2  # seconds between looks at operations that are waited for

# ---- what to ask for ---------------------------------------------------------------------------------------------------


def reserved(role: str, principal: Optional[str] = None, **amounts: float) -> list[mesos.Resource]:
    """Scalars with a dynamic reservation for the role: reserved("db", cpus=2, mem=1024). principal: of the framework,
    where it has one."""
    made = []
    for name, amount in amounts.items():
        resource = mesos.Resource(name=name, type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=amount))
        resource.reservations.add(type="DYNAMIC", role=role, principal=principal)
        made.append(resource)
    return made


def volume(
    role: str, persistence_id: str, size: float, container_path: str, principal: Optional[str] = None
) -> mesos.Resource:
    """A persistent volume of so many MB on the agent's root disk, which is reserved for the role; where a task that
    uses it finds it."""
    made, = reserved(role, principal, disk=size)
    made.disk.persistence.id = persistence_id
    if principal is not None:
        made.disk.persistence.principal = principal
    made.disk.volume.container_path = container_path
    made.disk.volume.mode = mesos.Volume.RW
    return made


def operation_spec(
    operation: MessageLike,
    *,
    id: Optional[str] = None,
    role: Optional[str] = None,
    constraints: Iterable[messages.Constraint] = (),
    labels: Optional[Mapping[str, str]] = None,
    placer: Optional[str] = None,
) -> OperationSpec:
    """A specification. operation: a mesos.v1.Offer.Operation, or a dictionary of its fields. id: default: made up. Keep it
    to ask for the same thing safely again. constraints: of the agent, as equals("agent_id", ...). placer: who
    says by a lease of which offer it is had."""
    spec = OperationSpec(id=new_id("operation") if id is None else id, role=role, placer=placer)
    fill(spec.operation, operation)
    spec.constraints.extend(constraints)
    for key, value in (labels or {}).items():
        spec.labels.labels.add(key=key, value=value)
    return spec


# ---- the requests ------------------------------------------------------------------------------------------------------


class Operations:
    """What Client inherits; not for itself."""

    _logic: "AsyncClient"

    def operate(self, operation: Optional[MessageLike] = None, *, spec: Optional[OperationSpec] = None,
                **fields: Any) -> Result:
        """One operation: by the arguments of operation_spec(), or a whole specification as `spec`. When it returns, the
        operation is on the daemon's disk and waits for an offer. Raises Invalid, Conflict, ... if refused."""
        return drive(self._logic.operate(operation, spec=spec, **fields))

    def operate_many(self, specs: Iterable[OperationSpec]) -> list[Result]:
        """Any number of operations, in batches; one result for each, in order, refused ones included."""
        return drive(self._logic.operate_many(specs))

    def cancel_operations(self, *ids: str) -> list[Result]:
        """Gives operations up: those that wait, and those that are out of sight (which may have been done). If some are
        refused, the rest is cancelled all the same, the first refusal is raised, and its `results` has all."""
        return drive(self._logic.cancel_operations(*ids))

    def operation(self, operation_id: str, with_spec: bool = False) -> Operation:
        """One operation. NotFound if there is none with this id."""
        return drive(self._logic.operation(operation_id, with_spec))

    def get_operations(self, ids: Iterable[str], with_spec: bool = False) -> dict[str, Operation]:
        """Operations by id; those that are not known are left out."""
        return drive(self._logic.get_operations(ids, with_spec))

    def operations(
        self,
        state: Union[OperationStateLike, Iterable[OperationStateLike], None] = None,
        label: Optional[tuple[str, Optional[str]]] = None,
        prefix: Optional[str] = None,
        with_spec: bool = False,
        page_size: int = 500,
    ) -> Stream[Operation]:
        """The operations under all the conditions given, oldest first, a page at a time as they are iterated.
        label: key and value, None for any."""
        return Stream(self._logic.operations(state, label, prefix, with_spec, page_size))

    def wait_operations(self, *ids: str, timeout: Optional[float] = None) -> dict[str, Operation]:
        """Waits until the operations are over and returns them by id. TimedOut if they are not within `timeout` seconds
        (none: waits for ever); NotFound for an unknown id."""
        return drive(self._logic.wait_operations(*ids, timeout=timeout))


class AsyncOperations:
    """What aio.Client inherits: the logic of Operations."""

    _io: "Io"

    async def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        raise NotImplementedError

    async def _each_id(self, ids: Sequence[str], most: int, make: Any) -> list[Result]:
        raise NotImplementedError

    async def operate(self, operation: Optional[MessageLike] = None, *, spec: Optional[OperationSpec] = None,
                      **fields: Any) -> Result:
        if spec is None:
            if operation is None:
                raise TypeError("operate takes an operation or a whole spec")
            spec = operation_spec(operation, **fields)
        elif operation is not None or fields:
            raise TypeError("operate takes either a whole spec or the parts of one")
        return (await self.operate_many([spec]))[0].check()

    async def operate_many(self, specs: Iterable[OperationSpec]) -> list[Result]:
        results = []
        for run in split(specs, lambda spec: spec.ByteSize(), MAX_OPERATE):
            reply = await self._ask(Request(operate=messages.Operate(operations=run)))
            if len(reply.items.items) != len(run):
                raise ProtocolError(f"{len(reply.items.items)} results for {len(run)} items")
            results += [Result.of_item(item, reply.items) for item in reply.items.items]
        return results

    async def cancel_operations(self, *ids: str) -> list[Result]:
        return await self._each_id(
            ids, MAX_CANCEL, lambda run: Request(cancel_operations=messages.CancelOperations(operation_ids=run))
        )

    async def operation(self, operation_id: str, with_spec: bool = False) -> Operation:
        found = await self.get_operations([operation_id], with_spec)
        if operation_id not in found:
            raise NotFound("NOT_FOUND", f"no operation {operation_id}")
        return found[operation_id]

    async def get_operations(self, ids: Iterable[str], with_spec: bool = False) -> dict[str, Operation]:
        found: dict[str, Operation] = {}
        for run in split(ids, lambda name: len(name.encode("utf-8")), MAX_GET):
            body = messages.GetOperations(operation_ids=run, with_spec=with_spec)
            reply = await self._ask(Request(get_operations=body))
            found.update((operation.id, operation) for operation in reply.operations.operations)
        return found

    @streamed
    async def operations(
        self,
        state: Union[OperationStateLike, Iterable[OperationStateLike], None] = None,
        label: Optional[tuple[str, Optional[str]]] = None,
        prefix: Optional[str] = None,
        with_spec: bool = False,
        page_size: int = 500,
    ) -> AsyncGenerator[Operation, None]:
        states = [state] if isinstance(state, (str, int)) else list(state or ())
        request = messages.ListOperations(page_size=page_size, with_spec=with_spec)
        for one in states:
            request.states.append(operation_state_number(one))
        if label is not None:
            request.label.CopyFrom(mesos.Label(key=label[0], value=label[1]))
        if prefix is not None:
            request.id_prefix = prefix
        while True:
            page = (await self._ask(Request(list_operations=request))).operations
            for operation in page.operations:
                yield operation
            if not page.HasField("next"):
                return
            if page.next <= request.after:
                raise ProtocolError(f"a page after {request.after} that is followed by {page.next}")
            request.after = page.next

    async def wait_operations(self, *ids: str, timeout: Optional[float] = None) -> dict[str, Operation]:
        deadline = None if timeout is None else time.monotonic() + timeout
        answered = False
        while True:
            open_ones = list(ids)
            try:
                found = await self.get_operations(ids)
            except (TimedOut, Unavailable):  # a daemon that was there is waited for
                if not answered:
                    raise
            else:
                answered = True
                for name in ids:
                    if name not in found:
                        raise NotFound("NOT_FOUND", f"no operation {name}")
                open_ones = [name for name in ids if not operation_is_over(found[name])]
                if not open_ones:
                    return found
            if deadline is not None and time.monotonic() > deadline:
                raise TimedOut(f"{len(open_ones)} of the operations were not over within {timeout:g} s")
            await self._io.sleep(LOOK_EVERY)


document(AsyncOperations, Operations)
