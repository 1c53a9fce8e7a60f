"""The client: requests to a zmesosd and their answers. docs/protocol.md describes both.

Client blocks; AsyncClient, which zmesos.aio calls Client, is for asyncio and has the logic of both: driving.py.
"""

from __future__ import annotations

import uuid
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence, Union, overload

from .batches import split
from .calls import AsyncCalls, Calls
from .closing import AsyncClosing, Closing
from .constraints import Constraint
from .consuming import AsyncConsuming, Consuming
from .driving import AsyncStream, Opening, Stream, document, drive
from .errors import ProtocolError, ZmesosError, accepted, refusal
from .events import DEFAULT_EVENTS, AsyncEvents, Events
from .journal import AsyncJournal, Journal
from .launching import AsyncLaunching, Launching
from .leases import AsyncLease, Lease, lease_request
from .looking import AsyncLooking, Looking
from .mapping import Done, Item, Make, mapped
from .messages import Reply, Request, Task
from .operations import AsyncOperations, Operations
from .outside import AsyncIo, BlockingIo, Io
from .results import Result
from .transport import VERSION, Question
from .waiting import as_completed

DEFAULT_CONTROL = "tcp://127.0.0.1:5560"
DEFAULT_PIPELINE = "tcp://127.0.0.1:5561"


class Client(Launching, Looking, Calls, Consuming, Journal, Operations, Closing):
    """A connection to a zmesosd. Any thread may use it; each gets a socket of its own.

    control, events, pipeline: endpoints. Where `control` is another than the default, so are the other two:
    without `pipeline`, batches go through `control` one by one; without `events`, there is no wait().
    timeout: seconds for a call, in which the request is sent up to `attempts` times (the same bytes: a task is
    never launched twice). TimedOut then says nothing about whether it was done.
    """

    def __init__(
        self,
        control: str = DEFAULT_CONTROL,
        events: Optional[str] = None,
        pipeline: Optional[str] = None,
        timeout: float = 5.0,
        attempts: int = 3,
    ) -> None:
        self._logic: AsyncClient = _BlockingClient(control, events, pipeline, timeout, attempts)

    @property
    def timeout(self) -> float:
        """Seconds for a call."""
        return self._logic.timeout

    @property
    def events_endpoint(self) -> Optional[str]:
        """Where events come from."""
        return self._logic.events_endpoint

    def close(self) -> None:
        """Waits for requests under way and closes the sockets. The tasks go on."""
        drive(self._logic.close())

    def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        """For requests that have no method here."""
        return drive(self._logic._ask(request, timeout, attempts))

    # ---- placing --------------------------------------------------------------------------------------

    def lease(
        self,
        *,
        id: Optional[str] = None,
        role: Optional[str] = None,
        constraints: Iterable[Constraint] = (),
        max_offers: Optional[int] = None,
        duration: Optional[float] = None,
        despite_maintenance: Optional[bool] = None,
        **amounts: float,
    ) -> Lease:
        """Offers for this client alone, for `duration` seconds (10): the daemon's own matching leaves them alone.

        constraints: those that look at an agent alone; amounts (cpus, mem, disk, gpus, ports): that an offer has at
        least; max_offers: at once (100). It holds what fits and is free now, which may be nothing, and what comes while
        it lasts: see Lease.renew(). id: default: made up.
        """
        return Lease(
            drive(
                self._logic._lease(
                    id=id,
                    role=role,
                    constraints=constraints,
                    max_offers=max_offers,
                    duration=duration,
                    despite_maintenance=despite_maintenance,
                    **amounts,
                )
            )
        )

    # ---- following ------------------------------------------------------------------------------------

    def subscribe(self, *prefixes: str) -> Events:
        """The events under these topic prefixes (none: all), as they come: see follow() for all of them, whatever
        happens."""
        return Events(self._logic._events_from(), *prefixes)

    @overload  # the first that fits counts: a str is an Iterable[str] too
    def wait(self, ids: str, timeout: Optional[float] = None) -> Task: ...  # type: ignore[misc]

    @overload
    def wait(self, ids: Iterable[str], timeout: Optional[float] = None) -> dict[str, Task]: ...

    def wait(
        self, ids: Union[str, Iterable[str]], timeout: Optional[float] = None
    ) -> Union[Task, dict[str, Task]]:
        """Waits until the tasks are over and returns them as they ended: one for an id, a dict for several. A task
        with attempts left is not over, whatever became of the one before.

        TimedOut if they are not over within `timeout` seconds (none: waits for ever); NotFound for an unknown id.
        """
        return drive(self._logic.wait(ids, timeout))

    def as_completed(self, ids: Iterable[str], timeout: Optional[float] = None) -> Stream[Task]:
        """The tasks in the order in which they come to their end. Raises as wait() does."""
        return Stream(self._logic.as_completed(ids, timeout))

    def map(
        self,
        make: Make[Item],
        items: Iterable[Item],
        *,
        concurrency: int = 10,
        ordered: bool = True,
        keep_running: bool = False,
        timeout: Optional[float] = None,
        **fields: Any,
    ) -> Stream[Done[Item]]:
        """Launches a task for each item, never more than `concurrency` of them unfinished at once, and gives a Done for
        each: in the order of the items, or (`ordered` false) as they end. An item that is refused and a task that fails
        are given as all others, and Done.check() raises for them.

        make(item): a specification; or a command, or a dictionary of task_spec()'s arguments, which take the `fields` too.
        The items are taken as there is room for their tasks, so there may be infinitely many; of results that wait for
        one before them at most 10,000 are held, then nothing more is launched. All this happens while the next result is
        asked for.

        When the iteration stops before its end (`break`, an exception, close()), its unfinished tasks are killed;
        `keep_running`: they go on. A daemon that is away for a while is waited for. TimedOut, and the end of the tasks,
        where it is not all done within `timeout` seconds. Where the specifications have ids of their own, map() over the
        same items later goes on with the tasks that are known.
        """
        return Stream(
            self._logic.map(
                make,
                items,
                concurrency=concurrency,
                ordered=ordered,
                keep_running=keep_running,
                timeout=timeout,
                **fields,
            )
        )


class AsyncClient(
    AsyncLaunching, AsyncLooking, AsyncCalls, AsyncConsuming, AsyncJournal, AsyncOperations, AsyncClosing
):
    """A connection to a zmesosd, for the tasks of one event loop.

    control, events, pipeline: endpoints. Where `control` is another than the default, so are the other two. All requests go
    to `pipeline` where there is one, up to 32 at a time; without `events`, there is no wait().
    timeout: seconds for a call, from the moment on when there is room for it, in which the request is sent up to `attempts`
    times (the same bytes: a task is never launched twice). TimedOut then says nothing about whether it was done.
    A call that is cancelled closes its socket; whether it was done is not known either.
    """

    _make_io: Callable[[str, Optional[str], float, int], Io] = AsyncIo

    def __init__(
        self,
        control: str = DEFAULT_CONTROL,
        events: Optional[str] = None,
        pipeline: Optional[str] = None,
        timeout: float = 5.0,
        attempts: int = 3,
    ) -> None:
        if timeout <= 0 or attempts < 1:
            raise ValueError("a timeout above 0 and at least one attempt")
        if control == DEFAULT_CONTROL:
            events = events or DEFAULT_EVENTS
            pipeline = pipeline or DEFAULT_PIPELINE
        self._timeout = timeout
        self._events_endpoint = events
        self._io = self._make_io(control, pipeline, timeout, attempts)

    @property
    def timeout(self) -> float:
        return self._timeout

    @property
    def events_endpoint(self) -> Optional[str]:
        return self._events_endpoint

    async def close(self) -> None:
        await self._io.close()

    # ---- placing --------------------------------------------------------------------------------------

    def lease(
        self,
        *,
        id: Optional[str] = None,
        role: Optional[str] = None,
        constraints: Iterable[Constraint] = (),
        max_offers: Optional[int] = None,
        duration: Optional[float] = None,
        despite_maintenance: Optional[bool] = None,
        **amounts: float,
    ) -> Opening[AsyncLease]:
        return Opening(
            self._lease(
                id=id,
                role=role,
                constraints=constraints,
                max_offers=max_offers,
                duration=duration,
                despite_maintenance=despite_maintenance,
                **amounts,
            )
        )

    async def _lease(self, **asked: Any) -> AsyncLease:
        return AsyncLease(self._ask, (await self._ask(Request(lease=lease_request(**asked)))).lease)

    # ---- following ------------------------------------------------------------------------------------

    def subscribe(self, *prefixes: str) -> AsyncEvents:
        return AsyncEvents._over(self._io.wire, self._events_from(), prefixes)

    def _events_from(self) -> str:
        if self._events_endpoint is None:
            raise ZmesosError("this client was given no events endpoint")
        return self._events_endpoint

    @overload  # as above
    async def wait(self, ids: str, timeout: Optional[float] = None) -> Task: ...  # type: ignore[misc]

    @overload
    async def wait(self, ids: Iterable[str], timeout: Optional[float] = None) -> dict[str, Task]: ...

    async def wait(
        self, ids: Union[str, Iterable[str]], timeout: Optional[float] = None
    ) -> Union[Task, dict[str, Task]]:
        wanted = [ids] if isinstance(ids, str) else list(ids)
        async with self.as_completed(wanted, timeout) as completed:
            ended = {task.id: task async for task in completed}
        return ended[ids] if isinstance(ids, str) else {task_id: ended[task_id] for task_id in wanted}

    def as_completed(self, ids: Iterable[str], timeout: Optional[float] = None) -> AsyncStream[Task]:
        return AsyncStream(as_completed(self, ids, timeout))

    def map(
        self,
        make: Make[Item],
        items: Iterable[Item],
        *,
        concurrency: int = 10,
        ordered: bool = True,
        keep_running: bool = False,
        timeout: Optional[float] = None,
        **fields: Any,
    ) -> AsyncStream[Done[Item]]:
        if concurrency < 1:
            raise ValueError("a concurrency of at least 1")
        return AsyncStream(mapped(self, make, items, concurrency, ordered, keep_running, timeout, fields))

    # ---- requests -------------------------------------------------------------------------------------

    async def _each_id(
        self, ids: Sequence[str], most: int, make: Callable[[list[str]], Request]
    ) -> list[Result]:
        """One result for each id, in order; raises the first refusal, with all results."""
        results: dict[int, Result] = {}
        places: list[list[int]] = []

        def requests() -> Iterator[Request]:
            for run in split(enumerate(ids), lambda entry: len(entry[1].encode("utf-8")), most):
                places.append([place for place, _ in run])
                yield make([task_id for _, task_id in run])

        await self._collect(requests(), places, results)
        listed = [results[place] for place in sorted(results)]
        for result in listed:
            if not result.ok:
                error = refusal(result.code, result.message, result.field, result.retry)
                error.results = listed
                raise error
        return listed

    def _question(self, request: Request) -> Question:
        request.version = VERSION
        request.id = uuid.uuid4().hex
        return Question(request.id, request.SerializeToString())

    async def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        return accepted(await self._io.ask(self._question(request), timeout, attempts))

    async def _collect(
        self, requests: Iterable[Request], places: Sequence[Sequence[int]], results: dict[int, Result]
    ) -> None:
        """Fills `results` from the replies: item k of request n is of place places[n][k]. By the pipeline where there is one
        and more than one request, which pays for another connection."""

        def note(number: int, reply: Reply) -> None:
            items = accepted(reply).items
            if len(items.items) != len(places[number]):
                raise ProtocolError(f"{len(items.items)} results for {len(places[number])} items")
            for place, item in zip(places[number], items.items):
                results[place] = Result.of_item(item, items)

        iterator = iter(requests)
        head = [request for request in (next(iterator, None), next(iterator, None)) if request is not None]
        every = (self._question(request) for part in (head, iterator) for request in part)
        try:
            if len(head) > 1 and self._io.pipeline is not None:
                async with AsyncStream(self._io.ask_all(every)) as answers:
                    async for number, reply in answers:
                        note(number, reply)
            else:
                for number, question in enumerate(every):
                    note(number, await self._io.ask(question))
        except ZmesosError as error:
            error.results = [results[place] for place in sorted(results)]
            raise


class _BlockingClient(AsyncClient):
    """The logic for drive()."""

    _make_io = BlockingIo


document(AsyncClient, Client)
