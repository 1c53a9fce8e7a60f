"""The client: requests to a zmesosd and their answers. docs/protocol.md describes both."""

from __future__ import annotations

import time
import uuid
from os import PathLike, fspath
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence, Union, overload

from .batches import MAX_GET, MAX_ITEM_BYTES, MAX_KILL, MAX_LAUNCH, MAX_RELEASE, embedded_size, split
from .calls import Calls
from .closing import Closing
from .constraints import Constraint
from .consuming import Consuming
from .errors import NotFound, ProtocolError, Truncated, ZmesosError, code_name, refusal
from .events import DEFAULT_EVENTS, Events
from .journal import Journal, LabelLike, as_label
from .leases import Lease, lease_request
from .messages import Agent, BackupDone, DaemonStatus, Explanation, Reply, Request, Task, TaskSpec, mesos, messages
from .operations import Operations
from .results import Result
from .specs import Command, task_spec
from .states import StateLike, state_numbers
from .transport import VERSION, Pipeline, Question, Requester
from .waiting import as_completed

DEFAULT_CONTROL = "tcp://127.0.0.1:5560"
DEFAULT_PIPELINE = "tcp://127.0.0.1:5561"

class Client(Calls, Consuming, Journal, Operations, Closing):
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
        if timeout <= 0 or attempts < 1:
            raise ValueError("a timeout above 0 and at least one attempt")
        if control == DEFAULT_CONTROL:
            events = events or DEFAULT_EVENTS
            pipeline = pipeline or DEFAULT_PIPELINE
        self.timeout = timeout
        self.events_endpoint = events
        self._requester = Requester(control, timeout, attempts)
        self._pipeline = Pipeline(pipeline, timeout, attempts) if pipeline else None

    def close(self) -> None:
        """Waits for requests under way in other threads and closes the sockets. The tasks go on."""
        self._requester.close()

    # ---- launching ------------------------------------------------------------------------------------

    def launch(
        self, command: Optional[Command] = None, *, spec: Optional[TaskSpec] = None, **fields: Any
    ) -> Result:
        """Launches one task: by the keyword arguments of task_spec(), or a whole specification as `spec`.

        When it returns, the task is on the daemon's disk and will run. Raises Invalid, Conflict, ... if refused.
        """
        if spec is None:
            spec = task_spec(command, **fields)
        elif command is not None or fields:
            raise TypeError("launch takes either a whole spec or the parts of one")
        return self._launch_batches([spec])[0].check()

    def launch_many(self, specs: Iterable[TaskSpec]) -> list[Result]:
        """Launches any number of tasks in batches; one result for each, in order, refused ones included.

        Tasks of one `group` go in one request, behind all others. If the daemon stops answering in between, the exception's `results` holds those known by then.
        """
        return self._launch_batches(specs)

    def launch_group(self, specs: Iterable[TaskSpec], name: Optional[str] = None) -> list[Result]:
        """Launches tasks that are placed together on one agent, and live and die together: all of them, or none.

        name: of the group; default: what the specifications say, else the id of the first task. A name that is
        kept with other members is a Conflict. One result for each; raises the first refusal, whose `results` has all.
        """
        members = []
        for spec in specs:
            members.append(TaskSpec())
            members[-1].CopyFrom(spec)
            members[-1].group = name or members[0].group or members[0].id
        if not members:
            raise ValueError("a group has at least one task")
        results = self._launch_batches(members)
        # One that is at fault says more than those that are only refused with it.
        refused = sorted((result for result in results if not result.ok), key=lambda result: not result.field)
        if refused:
            error = refusal(refused[0].code, refused[0].message, refused[0].field, refused[0].retry)
            error.results = results
            raise error
        return results

    def _launch_batches(self, specs: Iterable[TaskSpec]) -> list[Result]:
        results: dict[int, Result] = {}
        places: list[list[int]] = []
        groups: dict[str, list[tuple[int, TaskSpec]]] = {}

        def singles() -> Iterator[tuple[int, TaskSpec]]:
            for place, spec in enumerate(specs):
                if spec.group:
                    groups.setdefault(spec.group, []).append((place, spec))
                else:
                    yield place, spec

        def request(run: list[tuple[int, TaskSpec]]) -> Request:
            places.append([place for place, _ in run])
            return Request(launch=messages.Launch(tasks=[spec for _, spec in run]))

        def requests() -> Iterator[Request]:
            for run in split(singles(), lambda entry: entry[1].ByteSize(), MAX_LAUNCH):
                if embedded_size(run[0][1].ByteSize()) > MAX_ITEM_BYTES:
                    refuse(run, f"the specification has {run[0][1].ByteSize()} bytes, a request at most 1 MiB")
                else:
                    yield request(run)
            for name, group in groups.items():
                size = sum(embedded_size(spec.ByteSize()) for _, spec in group)
                if len(group) > MAX_LAUNCH or size > MAX_ITEM_BYTES:
                    refuse(group, f"the group {name} has {len(group)} tasks of {size} bytes, a request at most 1,000 of 1 MiB")
                else:
                    yield request(group)

        def refuse(run: list[tuple[int, TaskSpec]], words: str) -> None:
            for place, spec in run:
                results[place] = Result(spec.id, "TOO_LARGE", words)

        self._collect(requests(), places, results)
        return [results[place] for place in sorted(results)]

    # ---- killing --------------------------------------------------------------------------------------

    def kill(
        self, *ids: str, label: Optional[LabelLike] = None, grace: Optional[float] = None
    ) -> list[Result]:
        """Ends the tasks with these ids, or all that carry the label ("key", "key=value" or a pair).

        When it returns, the wish is on the daemon's disk, which repeats it until they are over; wait() for that.
        grace: seconds between SIGTERM and SIGKILL, instead of the task's own. If some are refused, the rest is
        killed all the same, the first refusal is raised, and its `results` has all.
        """
        if bool(ids) == (label is not None):
            raise TypeError("kill takes ids or a label")
        kill = messages.Kill()
        if grace is not None:
            kill.kill_policy.grace_period.nanoseconds = round(grace * 1e9)
        if label is not None:
            kill.label.CopyFrom(as_label(label))
            reply = self._ask(Request(kill=kill))
            return [Result.of_item(item) for item in reply.items.items]

        def request(run: list[str]) -> Request:
            made = Request(kill=kill)
            made.kill.task_ids.extend(run)
            return made

        return self._each_id(ids, MAX_KILL, request)

    # ---- restored tasks and backups -------------------------------------------------------------------

    def release(self, action: str, *ids: str, operations: Sequence[str] = ()) -> list[Result]:
        """Says what to do with tasks that are held since the daemon was started from a backup: "RUN" as any other
        task, or "DROP" as a kill. Those with these ids, and the operations with those, or all that are held (the first
        10,000 are listed).

        If some are refused, the rest is released all the same, the first refusal is raised, and its `results` has all.
        """
        number = messages.Release.Action.Value(action.upper())
        if not ids and not operations:
            reply = self._ask(Request(release=messages.Release(action=number)))
            return [Result.of_item(item) for item in reply.items.items]
        released = self._each_id(
            ids, MAX_RELEASE, lambda run: Request(release=messages.Release(action=number, task_ids=run))
        )
        return released + self._each_id(
            operations, MAX_RELEASE, lambda run: Request(release=messages.Release(action=number, operation_ids=run))
        )

    def backup(self, path: Union[str, "PathLike[str]"], timeout: float = 600.0) -> BackupDone:
        """Has the daemon write a copy of its state into a file that does not exist, on the daemon's machine and by an
        absolute path; returns its path and size once it is on disk.

        The request is sent once: TimedOut then says that the copy is not done yet, or that there is no daemon. Without
        a pipeline it goes through `control`, where all other clients wait until it is done.
        """
        question = self._question(Request(backup=messages.Backup(path=fspath(path))))
        if self._pipeline is None:
            return _accepted(self._requester.ask(question, timeout, attempts=1)).backup
        (_, reply), = Pipeline(self._pipeline.endpoint, timeout, attempts=1).ask_all([question])
        return _accepted(reply).backup

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
        body = lease_request(
            id=id,
            role=role,
            constraints=constraints,
            max_offers=max_offers,
            duration=duration,
            despite_maintenance=despite_maintenance,
            **amounts,
        )
        return Lease(self._ask, self._ask(Request(lease=body)).lease)

    # ---- looking --------------------------------------------------------------------------------------

    def task(self, task_id: str, with_spec: bool = False) -> Task:
        """One task. NotFound if there is none with this id."""
        found = self.get([task_id], with_spec)
        if task_id not in found:
            raise NotFound("NOT_FOUND", f"no task {task_id}")
        return found[task_id]

    def get(
        self, ids: Iterable[str], with_spec: bool = False, timeout: Optional[float] = None
    ) -> dict[str, Task]:
        """Tasks by id; those that are not known are left out. timeout: for each thousand, instead of the client's."""
        found: dict[str, Task] = {}
        for run in split(ids, lambda task_id: len(task_id.encode("utf-8")), MAX_GET):
            request = Request(get=messages.Get(task_ids=run, with_spec=with_spec))
            reply = self._ask(request, timeout)
            if reply.code not in (messages.OK, messages.NOT_FOUND):
                raise ProtocolError(f"code {code_name(reply.code)} as an answer to get")
            found.update((task.id, task) for task in reply.tasks.tasks)
        return found

    def tasks(
        self,
        state: Union[StateLike, Iterable[StateLike], None] = None,
        label: Optional[LabelLike] = None,
        prefix: Optional[str] = None,
        with_spec: bool = False,
        page_size: int = 500,
        placer: Optional[str] = None,
    ) -> Iterator[Task]:
        """The tasks under all the conditions given, oldest first, a page at a time as they are iterated."""
        request = messages.List(
            page_size=page_size, with_spec=with_spec, states=state_numbers(state), placer=placer
        )
        if label is not None:
            request.label.CopyFrom(as_label(label))
        if prefix is not None:
            request.id_prefix = prefix
        while True:
            page = self._ask(Request(list=request)).tasks
            yield from page.tasks
            if not page.HasField("next"):
                return
            if page.next <= request.after:
                raise ProtocolError(f"a page after {request.after} that is followed by {page.next}")
            request.after = page.next

    def why(self, *ids: str) -> dict[str, Explanation]:
        """Why tasks wait, by id; those that are not known are left out. `reasons` are in order: what stands above all
        else first, then what offers lacked, by the offers that it cost."""
        found: dict[str, Explanation] = {}
        for run in split(ids, lambda task_id: len(task_id.encode("utf-8")), MAX_GET):
            reply = self._ask(Request(why=messages.Why(task_ids=run)))
            found.update((view.task_id, view) for view in reply.explanations.explanations)
        return found

    def agents(self, page_size: int = 500) -> Iterator[Agent]:
        """What is known of agents, in the order of their ids, a page at a time as they are iterated: those that made an
        offer in this subscription, and those that run tasks of ours. `used` is what our tasks there ask for, `known` what
        the agent has as far as its offers show (absent: no offer yet); mem and disk in MB."""
        request = messages.ListAgents(page_size=page_size)
        while True:
            page = self._ask(Request(list_agents=request)).agents
            yield from page.agents
            if not page.HasField("next"):
                return
            if request.HasField("after") and page.next <= request.after:
                raise ProtocolError(f"a page after {request.after} that is followed by {page.next}")
            request.after = page.next

    def status(self, timeout: Optional[float] = None) -> DaemonStatus:
        """How the daemon is: its framework, master, subscription, counts by state."""
        return self._ask(Request(status=messages.Status()), timeout).status

    def reconcile(self) -> int:
        """Has the daemon ask the master about every task that is not over; how many these are."""
        return self._ask(Request(reconcile=messages.Reconcile())).reconcile.tasks

    def ping(self, timeout: Optional[float] = None) -> float:
        """Seconds that the daemon took to answer."""
        start = time.monotonic()
        self._ask(Request(ping=messages.Ping()), timeout)
        return time.monotonic() - start

    # ---- following ------------------------------------------------------------------------------------

    def subscribe(self, *prefixes: str) -> Events:
        """The events under these topic prefixes (none: all), as they come: see follow() for all of them, whatever
        happens."""
        if self.events_endpoint is None:
            raise ZmesosError("this client was given no events endpoint")
        return Events(self.events_endpoint, *prefixes)

    @overload
    def wait(self, ids: str, timeout: Optional[float] = None) -> Task: ...

    @overload
    def wait(self, ids: Iterable[str], timeout: Optional[float] = None) -> dict[str, Task]: ...

    def wait(
        self, ids: Union[str, Iterable[str]], timeout: Optional[float] = None
    ) -> Union[Task, dict[str, Task]]:
        """Waits until the tasks are over and returns them as they ended: one for an id, a dict for several. A task
        with attempts left is not over, whatever became of the one before.

        TimedOut if they are not over within `timeout` seconds (none: waits for ever); NotFound for an unknown id.
        """
        if isinstance(ids, str):
            return next(self.as_completed([ids], timeout))
        wanted = list(ids)
        ended = {task.id: task for task in self.as_completed(wanted, timeout)}
        return {task_id: ended[task_id] for task_id in wanted}

    def as_completed(self, ids: Iterable[str], timeout: Optional[float] = None) -> Iterator[Task]:
        """The tasks in the order in which they come to their end. Raises as wait() does."""
        return as_completed(self, ids, timeout)

    # ---- requests -------------------------------------------------------------------------------------

    def _each_id(
        self, ids: Sequence[str], most: int, make: Callable[[list[str]], Request]
    ) -> list[Result]:
        """One result for each id, in order; raises the first refusal, with all results."""
        results: dict[int, Result] = {}
        places: list[list[int]] = []

        def requests() -> Iterator[Request]:
            for run in split(enumerate(ids), lambda entry: len(entry[1].encode("utf-8")), most):
                places.append([place for place, _ in run])
                yield make([task_id for _, task_id in run])

        self._collect(requests(), places, results)
        listed = [results[place] for place in sorted(results)]
        for result in listed:
            if not result.ok:
                error = refusal(result.code, result.message, result.field, result.retry)
                error.results = listed
                raise error
        return listed

    @staticmethod
    def _question(request: Request) -> Question:
        request.version = VERSION
        request.id = uuid.uuid4().hex
        return Question(request.id, request.SerializeToString())

    def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        return _accepted(self._requester.ask(self._question(request), timeout, attempts))

    def _replies(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply]]:
        """By the pipeline where there is one and more than one request, which pays for another connection."""
        iterator = iter(requests)
        head = [request for request in (next(iterator, None), next(iterator, None)) if request is not None]
        if len(head) > 1 and self._pipeline is not None:
            questions = (self._question(request) for part in (head, iterator) for request in part)
            for place, reply in self._pipeline.ask_all(questions):
                yield place, _accepted(reply)
            return
        place = 0
        for part in (head, iterator):
            for request in part:
                yield place, self._ask(request)
                place += 1

    def _collect(
        self, requests: Iterable[Request], places: Sequence[Sequence[int]], results: dict[int, Result]
    ) -> None:
        """Fills `results` from the replies: item k of request n is of place places[n][k]."""
        try:
            for number, reply in self._replies(requests):
                items = reply.items.items
                if len(items) != len(places[number]):
                    raise ProtocolError(f"{len(items)} results for {len(places[number])} items")
                for place, item in zip(places[number], items):
                    results[place] = Result.of_item(item, reply.items)
        except ZmesosError as error:
            error.results = [results[place] for place in sorted(results)]
            raise


def _accepted(reply: Reply) -> Reply:
    """The reply, unless it refuses the request as a whole."""
    if reply.code in (messages.OK, messages.SOME_REFUSED):
        return reply
    if reply.code == messages.NOT_FOUND and reply.WhichOneof("result") == "tasks":
        return reply
    error = refusal(code_name(reply.code), reply.message, reply.field, reply.retry)
    if isinstance(error, Truncated):
        error.oldest = reply.replay.oldest or reply.tail.oldest
    raise error
