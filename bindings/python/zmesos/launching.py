"""Launching tasks, ending them, and what else is decided about them: a part of Client."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Optional, Sequence, Union, cast

from .batches import MAX_ITEM_BYTES, MAX_KILL, MAX_LAUNCH, MAX_RELEASE, embedded_size, split
from .driving import document, drive
from .errors import accepted, refusal
from .handle import AsyncHandle, Handle
from .journal import LabelLike, as_label
from .messages import BackupDone, Reply, Request, TaskSpec, messages
from .results import Result
from .specs import Command, task_spec
from .transport import Question

if TYPE_CHECKING:
    from .client import AsyncClient
    from .outside import Io


class Launching:
    """What Client inherits; not for itself."""

    _logic: "AsyncClient"

    def launch(
        self, command: Optional[Command] = None, *, spec: Optional[TaskSpec] = None, **fields: Any
    ) -> Handle:
        """Launches one task: by the keyword arguments of task_spec(), or a whole specification as `spec`.

        When it returns, the task is on the daemon's disk and will run. Raises Invalid, Conflict, ... if refused.
        """
        return Handle(drive(self._logic.launch(command, spec=spec, **fields)))

    def handle(self, task_id: str) -> Handle:
        """The handle of a task that this or another program has launched. NotFound if there is none with this id."""
        return Handle(drive(self._logic.handle(task_id)))

    def launch_many(self, specs: Iterable[TaskSpec]) -> list[Result]:
        """Launches any number of tasks in batches; one result for each, in order, refused ones included.

        Tasks of one `group` go in one request, behind all others. If the daemon stops answering in between, the exception's
        `results` holds those known by then.
        """
        return drive(self._logic.launch_many(specs))

    def launch_group(self, specs: Iterable[TaskSpec], name: Optional[str] = None) -> list[Result]:
        """Launches tasks that are placed together on one agent, and live and die together: all of them, or none.

        name: of the group; default: what the specifications say, else the id of the first task. A name that is
        kept with other members is a Conflict. One result for each; raises the first refusal, whose `results` has all.
        """
        return drive(self._logic.launch_group(specs, name))

    def kill(
        self, *ids: str, label: Optional[LabelLike] = None, grace: Optional[float] = None
    ) -> list[Result]:
        """Ends the tasks with these ids, or all that carry the label ("key", "key=value" or a pair).

        When it returns, the wish is on the daemon's disk, which repeats it until they are over; wait() for that.
        grace: seconds between SIGTERM and SIGKILL, instead of the task's own. If some are refused, the rest is
        killed all the same, the first refusal is raised, and its `results` has all.
        """
        return drive(self._logic.kill(*ids, label=label, grace=grace))

    def release(self, action: str, *ids: str, operations: Sequence[str] = ()) -> list[Result]:
        """Says what to do with tasks that are held since the daemon was started from a backup: "RUN" as any other
        task, or "DROP" as a kill. Those with these ids, and the operations with those, or all that are held (the first
        10,000 are listed).

        If some are refused, the rest is released all the same, the first refusal is raised, and its `results` has all.
        """
        return drive(self._logic.release(action, *ids, operations=operations))

    def backup(self, path: Union[str, "PathLike[str]"], timeout: float = 600.0) -> BackupDone:
        """Has the daemon write a copy of its state into a file that does not exist, on the daemon's machine and by an
        absolute path; returns its path and size once it is on disk.

        The request is sent once: TimedOut then says that the copy is not done yet, or that there is no daemon. Without
        a pipeline it goes through `control`, where all other clients wait until it is done.
        """
        return drive(self._logic.backup(path, timeout))


class AsyncLaunching:
    """What aio.Client inherits: the logic of Launching."""

    _io: "Io"

    async def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        raise NotImplementedError

    def _question(self, request: Request) -> Question:
        raise NotImplementedError

    async def _each_id(
        self, ids: Sequence[str], most: int, make: Callable[[list[str]], Request]
    ) -> list[Result]:
        raise NotImplementedError

    async def _collect(
        self, requests: Iterable[Request], places: Sequence[Sequence[int]], results: dict[int, Result]
    ) -> None:
        raise NotImplementedError

    async def launch(
        self, command: Optional[Command] = None, *, spec: Optional[TaskSpec] = None, **fields: Any
    ) -> AsyncHandle:
        if spec is None:
            spec = task_spec(command, **fields)
        elif command is not None or fields:
            raise TypeError("launch takes either a whole spec or the parts of one")
        result = (await self._launch_batches([spec]))[0].check()
        return AsyncHandle(cast("AsyncClient", self), result)

    async def handle(self, task_id: str) -> AsyncHandle:
        client = cast("AsyncClient", self)
        made = AsyncHandle(client, Result(task_id, known=True))
        made._take(await client.task(task_id))
        return made

    async def launch_many(self, specs: Iterable[TaskSpec]) -> list[Result]:
        return await self._launch_batches(specs)

    async def launch_group(self, specs: Iterable[TaskSpec], name: Optional[str] = None) -> list[Result]:
        members = []
        for spec in specs:
            members.append(TaskSpec())
            members[-1].CopyFrom(spec)
            members[-1].group = name or members[0].group or members[0].id
        if not members:
            raise ValueError("a group has at least one task")
        results = await self._launch_batches(members)
        # One that is at fault says more than those that are only refused with it.
        refused = sorted((result for result in results if not result.ok), key=lambda result: not result.field)
        if refused:
            error = refusal(refused[0].code, refused[0].message, refused[0].field, refused[0].retry)
            error.results = results
            raise error
        return results

    async def _launch_batches(self, specs: Iterable[TaskSpec]) -> list[Result]:
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

        await self._collect(requests(), places, results)
        return [results[place] for place in sorted(results)]

    async def kill(
        self, *ids: str, label: Optional[LabelLike] = None, grace: Optional[float] = None
    ) -> list[Result]:
        if bool(ids) == (label is not None):
            raise TypeError("kill takes ids or a label")
        kill = messages.Kill()
        if grace is not None:
            kill.kill_policy.grace_period.nanoseconds = round(grace * 1e9)
        if label is not None:
            kill.label.CopyFrom(as_label(label))
            reply = await self._ask(Request(kill=kill))
            return [Result.of_item(item) for item in reply.items.items]

        def request(run: list[str]) -> Request:
            made = Request(kill=kill)
            made.kill.task_ids.extend(run)
            return made

        return await self._each_id(ids, MAX_KILL, request)

    async def release(self, action: str, *ids: str, operations: Sequence[str] = ()) -> list[Result]:
        number = messages.Release.Action.Value(action.upper())
        if not ids and not operations:
            reply = await self._ask(Request(release=messages.Release(action=number)))
            return [Result.of_item(item) for item in reply.items.items]
        released = await self._each_id(
            ids, MAX_RELEASE, lambda run: Request(release=messages.Release(action=number, task_ids=run))
        )
        return released + await self._each_id(
            operations, MAX_RELEASE, lambda run: Request(release=messages.Release(action=number, operation_ids=run))
        )

    async def backup(self, path: Union[str, "PathLike[str]"], timeout: float = 600.0) -> BackupDone:
        question = self._question(Request(backup=messages.Backup(path=fspath(path))))
        return accepted(await self._io.ask_once(question, timeout)).backup


document(AsyncLaunching, Launching)
