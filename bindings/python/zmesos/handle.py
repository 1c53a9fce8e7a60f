"""A task in the hand of the program that launched it, or found it: what one waits for, kills and looks at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Optional

from .driving import document, drive
from .errors import NotFound, TaskFailed, TimedOut, Unavailable
from .history import History, Journaled
from .messages import Explanation, Task
from .results import Result
from .states import OVER, state_name

if TYPE_CHECKING:
    from .client import AsyncClient


class Handle:
    """Made by Client.launch() and Client.handle(). It holds nothing that matters: another one for the same id is as good.

    `state`, `revision`, `task` and `history` are as of the last time that the daemon was asked: at the launch, by refresh(),
    wait() and kill(). What the daemon answered to the launch is here too, as in a Result: ok, known, kept.
    """

    def __init__(self, logic: "AsyncHandle") -> None:
        self._logic = logic

    def __repr__(self) -> str:
        return repr(self._logic)

    @property
    def id(self) -> str:
        """Of the task."""
        return self._logic.id

    @property
    def state(self) -> Optional[str]:
        """Its state's name, as QUEUED or RUNNING, as far as is known here."""
        return self._logic.state

    @property
    def revision(self) -> Optional[int]:
        """How often the task had changed then."""
        return self._logic.revision

    @property
    def over(self) -> bool:
        """Whether it is known to have come to its end."""
        return self._logic.over

    @property
    def task(self) -> Optional[Task]:
        """The daemon's whole view of it; None before it was asked for."""
        return self._logic.task

    @property
    def history(self) -> History:
        """Its attempts and states with their times; empty before the first refresh() or wait()."""
        return self._logic.history

    @property
    def ok(self) -> bool:
        """That the launch was taken: a handle exists of no other. How the task ended, `state` says."""
        return self._logic.ok

    @property
    def known(self) -> bool:
        """Whether nothing was launched now, because the task had been before."""
        return self._logic.known

    @property
    def kept(self) -> Optional[float]:
        """For how many seconds at most the id stays known after the task is over, as the launch was answered."""
        return self._logic.kept

    def check(self) -> "Handle":
        """Itself; raises TaskFailed if the task is known to have ended otherwise than FINISHED."""
        self._logic.check()
        return self

    def refresh(self) -> "Handle":
        """Asks the daemon for the task as it is, and for the states that it has had since it was asked last. Itself.
        NotFound if the daemon does not keep it any more."""
        drive(self._logic.refresh())
        return self

    def wait(self, timeout: Optional[float] = None) -> Task:
        """Waits until the task is over and returns it as it ended; `history` tells all of it then. TimedOut if it is not over
        within `timeout` seconds (none: waits for ever). A daemon that is away for a while is waited for."""
        return drive(self._logic.wait(timeout))

    def kill(self, grace: Optional[float] = None) -> None:
        """Ends the task: the wish is on the daemon's disk when this returns; wait() for the end. grace: seconds between
        SIGTERM and SIGKILL, instead of the task's own. For one that is over: nothing."""
        drive(self._logic.kill(grace))

    def why(self) -> Optional[Explanation]:
        """Why the task waits, as Client.why(); without reasons where it does not. NotFound if the daemon does not keep it."""
        return drive(self._logic.why())


class AsyncHandle:
    """As zmesos.Handle, for asyncio: made by aio.Client.launch() and aio.Client.handle()."""

    def __init__(self, client: "AsyncClient", result: Result) -> None:
        self._client = client
        self._result = result
        self._state = result.state
        self._revision = result.revision
        self._task: Optional[Task] = None
        self._journaled = Journaled(client, result.id)

    def __repr__(self) -> str:
        return f"<Handle {self.id} {self.state}>"

    @property
    def id(self) -> str:
        return self._result.id

    @property
    def state(self) -> Optional[str]:
        return self._state

    @property
    def revision(self) -> Optional[int]:
        return self._revision

    @property
    def over(self) -> bool:
        return self._state in _OVER

    @property
    def task(self) -> Optional[Task]:
        return self._task

    @property
    def history(self) -> History:
        return self._journaled.history

    @property
    def ok(self) -> bool:
        return self._result.ok

    @property
    def known(self) -> bool:
        return self._result.known

    @property
    def kept(self) -> Optional[float]:
        return self._result.kept

    def check(self) -> "AsyncHandle":
        if self._task is not None and self.over and self._state != "FINISHED":
            raise TaskFailed(self._task)
        return self

    async def refresh(self) -> "AsyncHandle":
        self._take((await self._client.get([self.id])).get(self.id))
        assert self._task is not None
        await self._journaled.refresh(self._task)
        return self

    async def wait(self, timeout: Optional[float] = None) -> Task:
        deadline = None if timeout is None else time.monotonic() + timeout
        task = await self._client.wait(self.id, timeout)
        self._take(task)
        while True:
            try:
                await self._journaled.refresh(task)
                return task
            except (TimedOut, Unavailable):  # the daemon went just now; of the task all is known
                if deadline is not None and time.monotonic() >= deadline:
                    return task

    async def kill(self, grace: Optional[float] = None) -> None:
        (result,) = await self._client.kill(self.id, grace=grace)
        if (result.revision or 0) >= (self._revision or 0):
            self._state, self._revision = result.state, result.revision

    async def why(self) -> Optional[Explanation]:
        found = await self._client.why(self.id)
        if self.id not in found:
            raise NotFound("NOT_FOUND", f"no task {self.id}")
        return found[self.id]

    def _take(self, task: Optional[Task]) -> None:
        """What the daemon said of it."""
        if task is None:
            raise NotFound("NOT_FOUND", f"no task {self.id}")
        self._task, self._state, self._revision = task, state_name(task.state), task.revision


_OVER = frozenset(map(state_name, OVER))

document(AsyncHandle, Handle)
