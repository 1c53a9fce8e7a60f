"""What an Executor does behind its back: launches tasks as there is room, hears how they end, settles futures.

A future is settled once: by what its task delivers, or by the task's end without that. Four threads, and they end when there
is nothing left to do: the keeper launches and kills, the watcher follows the tasks' events, the server (delivery.py) talks
with the tasks, the settler unpickles and calls the futures' callbacks. They never hold the lock while they ask or call.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Callable, Iterable, Optional, TypeVar, Union

from .client import Client
from .delivery import HERE, Server
from .errors import Refused, TimedOut, Unavailable, refusal
from .follow import Follower, StartedOver
from .functions import BrokenTask, PythonMismatch, unpack
from .messages import Task, TaskSpec, messages
from .runner import EXIT_UNREACHED
from .states import is_over, state_name

Value = TypeVar("Value")

BATCH = 500  # tasks launched in one go
AGAIN = 0.5  # seconds, where the daemon did not answer
LOOK_UP = 0.2  # seconds between looks at whether all is done
EXIT_NO_PROGRAM = 127  # the shell's


class TaskFuture(Future[Value]):
    """The future of a function that runs as a task. `task_id`: for `zmesos logs`, and Client.task()."""

    def __init__(self, task_id: str, jobs: "Jobs") -> None:
        super().__init__()
        self.task_id = task_id
        self._jobs = jobs

    def cancel(self) -> bool:
        """As the standard's: True, and the function is not called, unless it runs or is done. A task that was launched
        and has not got its function yet is killed."""
        if not super().cancel():
            return False
        self._jobs.cancelled(self.task_id)
        return True

    def kill(self) -> None:
        """Ends it also where it runs: then the future raises BrokenTask with the state KILLED. One that does not run yet
        is cancelled. A result that comes before the end counts."""
        if not self.cancel() and not self.done():
            self._jobs.kill([self.task_id])


@dataclass(eq=False)
class Job:
    """A function and its task."""

    future: TaskFuture[Any]
    spec: TaskSpec
    payload: Optional[bytes] = field(repr=False)
    begun: bool = False  # a task has got the function
    settled: bool = False  # what the future gets is decided
    launched: bool = False  # the daemon has said that it has it
    doomed: bool = False  # to be killed
    attempt: Optional[int] = None  # which one delivered


Outcome = Union[tuple[int, bytes], BaseException]


@dataclass
class _Lists:
    """What the lock guards."""

    waiting: "OrderedDict[str, Job]" = field(default_factory=OrderedDict)  # not launched
    flying: dict[str, Job] = field(default_factory=dict)  # launched, or about to be, and not over
    open: set[Job] = field(default_factory=set)  # whose futures are not done
    again: list[Job] = field(default_factory=list)  # of those: whose launch was not answered
    kills: set[str] = field(default_factory=set)  # of those as well


class Jobs:
    """The jobs of one Executor. address, python: for sentences about what went wrong."""

    def __init__(
        self, client: Client, follower: Follower, max_tasks: int, max_waiting: Optional[int], address: str, close: Callable[[], None]
    ) -> None:
        self._client, self._follower = client, follower
        self._max_tasks, self._max_waiting, self._address = max_tasks, max_waiting, address
        self._close = close
        self._process = os.getpid()
        self._lists = _Lists()
        self._changed = threading.Condition()
        self._closing = self._stopping = False
        self._broken: Optional[BaseException] = None
        self._settling: SimpleQueue[Optional[tuple[Job, Outcome]]] = SimpleQueue()
        self._server: Optional[Server] = None
        self._keeper = self._thread(self._keep, "keeper")
        self._watcher = self._thread(self._watch, "watcher")
        self._settler = self._thread(self._settle, "settler")

    def start(self, server: Server) -> None:
        """Begins; the server is of these jobs. Where a thread cannot be started, those that were end."""
        self._server = server
        started: list[threading.Thread] = []
        try:
            for thread in (server.thread, self._watcher, self._settler, self._keeper):
                thread.start()
                started.append(thread)
        except BaseException:
            self._stopping = True
            server.stop()
            self._settling.put(None)
            for thread in started:
                thread.join()
            server.close()
            raise

    # ---- from the user's threads -------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Takes it; waits while more than `max_waiting` do."""
        if os.getpid() != self._process:
            raise RuntimeError("this Executor was made before a fork: make one in the child")
        with self._changed:
            while True:
                if self._broken is not None:
                    raise BrokenExecutor(f"the Executor is broken: {self._broken}") from self._broken
                if self._closing:
                    raise RuntimeError("cannot schedule new futures after shutdown")
                if self._max_waiting is None or len(self._lists.waiting) < self._max_waiting:
                    break
                self._changed.wait()
            self._lists.waiting[job.spec.id] = job
            self._lists.open.add(job)
            self._changed.notify_all()

    def settle(self, job: Job, error: BaseException) -> None:
        """A future that never was to have a task."""
        with self._changed:
            if self._closing:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._lists.open.add(job)
            self._decide(job, error)

    def cancelled(self, task_id: str) -> None:
        """The future was cancelled: so is its task."""
        with self._changed:
            job = self._lists.waiting.pop(task_id, None) or self._lists.flying.get(task_id)
            if job is None:
                return
            if not job.settled:
                job.future.set_running_or_notify_cancel()  # those who wait for it hear of it
                self._end(job)
            self._doom(job)
            self._changed.notify_all()

    def kill(self, task_ids: Iterable[str]) -> None:
        """Has tasks killed that are not over."""
        with self._changed:
            for task_id in task_ids:
                job = self._lists.flying.get(task_id)
                if job is not None:
                    self._doom(job)
            self._changed.notify_all()

    def shutdown(self, wait: bool, cancel: bool) -> None:
        with self._changed:
            self._closing = True
            pending = [job.future for job in self._lists.open] if cancel else []
            self._changed.notify_all()
        for future in pending:
            future.cancel()
        if wait and threading.current_thread() not in (self._keeper, self._watcher, self._settler):
            self._keeper.join()

    def abandon(self) -> None:
        """Nobody has the Executor any more: as shutdown(), soon. Without the lock, for the garbage collector may come here
        from a thread that holds another one."""
        self._closing = True

    def futures(self) -> list[TaskFuture[Any]]:
        """Those that are not done."""
        with self._changed:
            return [job.future for job in self._lists.open]

    # ---- from the server's thread ------------------------------------------------------------------------

    def begin(self, task: str) -> Optional[bytes]:
        """The function for its task; None where nobody wants the result."""
        with self._changed:
            job = self._lists.flying.get(task)
            if job is None or job.settled or not self._run(job):
                return None
            return job.payload

    def wanted(self, task: str) -> bool:
        with self._changed:
            job = self._lists.flying.get(task)
            return job is not None and not job.settled

    def deliver(self, task: str, kind: int, payload: bytes, attempt: Optional[int]) -> None:
        with self._changed:
            job = self._lists.flying.get(task)
            if job is not None and not job.settled:
                job.attempt = attempt
                self._decide(job, (kind, payload))

    def mismatch(self, task: str, there: str, where: str) -> str:
        words = (
            f"the Python of the agent {where} is {there}, and here is {' '.join(HERE)}: functions cannot go from one to the "
            "other; name one of the same version by `python`, or an `image` that has it"
        )
        with self._changed:
            job = self._lists.flying.get(task)
            if job is not None and not job.settled:
                self._decide(job, PythonMismatch(words, task, "FAILED", hostname=where))
        return words

    def fail(self, error: BaseException) -> None:
        """Something here does not work as it must: all futures say so, and nothing more is taken."""
        with self._changed:
            if self._broken is None:
                self._broken = error
            self._closing = self._stopping = True
            for job in list(self._lists.open):
                if not job.settled:
                    broken = BrokenExecutor(f"the Executor is broken: {type(error).__name__}: {error}")
                    broken.__cause__ = error
                    self._decide(job, broken)
            self._lists.waiting.clear()
            self._changed.notify_all()

    # ---- with the lock held ------------------------------------------------------------------------------

    def _run(self, job: Job) -> bool:
        """The future is one that runs; False where it was cancelled."""
        if not job.begun:
            job.begun = job.future.set_running_or_notify_cancel()
            if not job.begun:
                self._end(job)
        return job.begun

    def _end(self, job: Job) -> None:
        job.settled = True
        job.payload = None
        self._lists.open.discard(job)

    def _decide(self, job: Job, outcome: Outcome) -> None:
        """What the future gets, unless it was cancelled."""
        if self._run(job):
            job.settled = True
            job.payload = None
            self._settling.put((job, outcome))

    def _doom(self, job: Job) -> None:
        if not job.doomed and job.spec.id in self._lists.flying:
            self._lists.kills.add(job.spec.id)
        job.doomed = True

    # ---- the keeper --------------------------------------------------------------------------------------

    def _keep(self) -> None:
        assert self._server is not None
        try:
            self._keep_on()
        except BaseException as error:
            self.fail(error)
        self._stopping = True
        self._server.stop()
        self._settling.put(None)
        for thread in (self._server.thread, self._watcher, self._settler):
            thread.join()
        self._server.close()
        self._follower.close()
        self._close()

    def _keep_on(self) -> None:
        """Until nothing is left to do."""
        failed = False
        while True:
            with self._changed:
                if failed:
                    self._changed.wait(AGAIN)
                while not self._work_to_do():
                    if self._stopping or (self._closing and self._nothing_left()):
                        return
                    self._changed.wait(LOOK_UP)
                    if not threading.main_thread().is_alive():
                        self._closing = True  # as the standard's: what was submitted is finished before the program ends
                if self._stopping:
                    return
                kills = [task_id for task_id in self._lists.kills if self._lists.flying[task_id].launched]
                jobs = self._next()
            failed = not self._send_kills(kills)
            failed |= not self._launch(jobs)
            del jobs  # nor is anything kept by what waits for the next

    def _nothing_left(self) -> bool:
        lists = self._lists
        return not (lists.open or lists.waiting or lists.again or lists.kills)

    def _work_to_do(self) -> bool:
        lists = self._lists
        room = len(lists.flying) < self._max_tasks
        return bool(lists.again or lists.waiting and room) or any(lists.flying[each].launched for each in lists.kills)

    def _next(self) -> list[Job]:
        """The jobs to be launched now."""
        lists = self._lists
        jobs, lists.again = lists.again, []
        while lists.waiting and len(lists.flying) < self._max_tasks and len(jobs) < BATCH:
            task_id, job = lists.waiting.popitem(last=False)
            lists.flying[task_id] = job
            jobs.append(job)
        if jobs:
            self._changed.notify_all()  # submit() may wait for it
        return jobs

    def _launch(self, jobs: list[Job]) -> bool:
        """Launches them; False where some are to be launched again, by the same bytes: what happened is not repeated."""
        if not jobs:
            return True
        try:
            results = self._client.launch_many(job.spec for job in jobs)
            ended = [result.id for result in results if result.known]  # its end may have been told before
            looked = self._client.get(ended) if ended else {}
        except (TimedOut, Unavailable):
            with self._changed:
                self._lists.again = jobs
            return False
        with self._changed:
            for job, result in zip(jobs, results):
                if result.ok:
                    job.launched = True
                elif result.retry:
                    self._lists.again.append(job)
                else:
                    self._gone(job)
                    if not job.settled:
                        self._decide(job, refusal(result.code, result.message, result.field, result.retry))
            self._changed.notify_all()
            failed = bool(self._lists.again)
        for task in looked.values():
            self._seen(task)
        return not failed

    def _send_kills(self, task_ids: list[str]) -> bool:
        if not task_ids:
            return True
        try:
            self._client.kill(*task_ids)
        except (TimedOut, Unavailable):
            return False
        except Refused as error:  # of some that are forgotten: they are over
            again = {result.id for result in error.results if result.retry}
            task_ids = [task_id for task_id in task_ids if task_id not in again]
        with self._changed:
            self._lists.kills.difference_update(task_ids)
            self._changed.notify_all()
        return True

    # ---- the watcher -------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._stopping:
            event = self._follower.recv(LOOK_UP)
            if isinstance(event, StartedOver):
                self._look_again()
            elif event is not None and event.task is not None:
                self._seen(event.task)

    def _seen(self, task: Task) -> None:
        with self._changed:
            job = self._lists.flying.get(task.id)
            if job is None:
                return
            if is_over(task):
                self._gone(job)
                if not job.settled:
                    self._decide(job, broken(task, self._address))
            elif job.settled and not job.doomed and _tries_again(task, job):
                self._doom(job)
            self._changed.notify_all()

    def _gone(self, job: Job) -> None:
        self._lists.flying.pop(job.spec.id, None)
        self._lists.kills.discard(job.spec.id)

    def _look_again(self) -> None:
        """Events are lost for good: what became of the tasks is asked for."""
        with self._changed:
            ids = [task_id for task_id, job in self._lists.flying.items() if job.launched]
        while not self._stopping:
            try:
                found = self._client.get(ids)
                break
            except (TimedOut, Unavailable):
                with self._changed:
                    self._changed.wait(AGAIN)
        else:
            return
        for task in found.values():
            self._seen(task)
        with self._changed:
            for task_id in ids:
                job = self._lists.flying.get(task_id)
                if task_id not in found and job is not None:
                    self._gone(job)
                    if not job.settled:
                        words = f"the daemon does not know the task {task_id} any more: was its state restored from a backup?"
                        self._decide(job, BrokenTask(words, task_id, "UNKNOWN"))
            self._changed.notify_all()

    # ---- the settler -------------------------------------------------------------------------------------

    def _settle(self) -> None:
        assert self._server is not None
        while (entry := self._settling.get()) is not None:
            job, outcome = entry
            del entry
            value, error = (None, outcome) if isinstance(outcome, BaseException) else unpack(*outcome)
            try:
                job.future.set_exception(error) if error is not None else job.future.set_result(value)
            except BaseException as raised:  # by a callback; an Exception the future itself has told of
                told = (type(raised), raised, raised.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(told))
            self._server.forget(job.spec.id)
            with self._changed:
                self._lists.open.discard(job)
                self._changed.notify_all()
            del job, outcome, value, error  # nothing of a user's is kept here until the next one comes

    def _thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        def run() -> None:
            try:
                target()
            except BaseException as error:
                self.fail(error)

        return threading.Thread(target=run, name=f"zmesos-executor-{name}")


def _tries_again(task: Task, job: Job) -> bool:
    """Whether another attempt than the one that delivered is made, or is to be."""
    if not task.attempts:
        return False
    return task.state == messages.QUEUED or (job.attempt is not None and task.attempts[-1].number != job.attempt)


def broken(task: Task, address: str) -> BrokenTask:
    """How a task ended that brought nothing."""
    attempt = task.attempts[-1] if task.attempts else messages.Attempt()
    message = task.message or attempt.message
    state = state_name(task.state)
    words = f"the task {task.id} ended as {state} without a result"
    if attempt.hostname:
        words += f" on {attempt.hostname}"
    if message:
        words += f": {message}"
    status = re.search(r"exited with status (\d+)", message)
    if state == "FINISHED":
        words += ": the function has ended its interpreter"
    elif status and int(status[1]) == EXIT_UNREACHED:
        words += f": it could not reach {address}; `listen` and `address` of the Executor say where agents reach it"
    elif status and int(status[1]) == EXIT_NO_PROGRAM:
        words += ": no such Python there; `python` of the Executor names it"
    return BrokenTask(words, task.id, state, attempt.reason, message, attempt.hostname)
