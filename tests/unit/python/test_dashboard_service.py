"""The dashboard's service with a daemon that does what a test needs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "src" / "dashboard"))

import zmesos  # noqa: E402
from zmesos import messages  # noqa: E402
from zmesos_dashboard.hub import Hub  # noqa: E402
from zmesos_dashboard.model import Change, Wish  # noqa: E402
from zmesos_dashboard.service import Service  # noqa: E402

QUEUED, FINISHED = messages.QUEUED, messages.FINISHED


class Daemon:
    """Stands for a client: get() does something first, in the thread of the dashboard's that asks, and then knows of nothing."""

    def __init__(self, first: Callable[[], None]) -> None:
        self._first = first

    def get(self, ids: Any, *_: Any) -> dict[str, zmesos.Task]:
        self._first()
        return {}


def change(task_id: str, state: int, revision: int, created_ns: int, number: int = 0) -> Change:
    return Change(task_id, state, revision, created_ns + revision, number, created_ns=created_ns)


def test_a_task_that_is_launched_again_while_it_is_looked_for_stays() -> None:
    async def run() -> list[str]:
        loop = asyncio.get_running_loop()

        def launched_again() -> None:
            """The event is taken before the answer is, which was made before it."""
            taken = asyncio.run_coroutine_threadsafe(take(), loop)
            taken.result(60)

        async def take() -> None:
            service.take([change("again", QUEUED, 1, 2000, number=7)], 0)

        service = Service(Daemon(launched_again), Hub(8), 100)  # type: ignore[arg-type]
        service.begin()
        service.load([(change(task_id, FINISHED, 5, 1000), Wish()) for task_id in ("again", "forgotten")])
        service.complete()
        service.status(zmesos.DaemonStatus(store="s", run=1))  # counts none
        assert service._looking is not None
        await service._looking
        return list(service.model.tasks)

    assert asyncio.run(run()) == ["again"]
