"""The dashboard's state, in the event loop: what the source tells goes into the model and the history, and to browsers."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Callable, Optional

import zmesos
from zmesos.errors import TimedOut, Unavailable, ZmesosError
from zmesos.messages import messages
from zmesos.states import OVER, state_name

from . import describe
from .history import SPANS, History
from .hub import Hub
from .model import Change, Model, Wish

log = logging.getLogger("zmesos-dashboard")

AWAY_AFTER = 5.0  # seconds without a heartbeat
TELL_EVERY = 0.25  # seconds between two words about changes
TOLD = 100  # tasks named in one
FORGOTTEN_AT_ONCE = 1000
ASKING_MOST = 32  # requests about single tasks at once; more are answered from what is here


class Service:
    """A Sink of the source. `now` is time.time(), for tests."""

    def __init__(self, client: zmesos.Client, hub: Hub, most: int, now: Callable[[], float] = time.time) -> None:
        self.client = client
        self.hub = hub
        self.most = most
        self.now = now
        self.model = Model(most)
        self.history = History()
        self.phase = "waiting"  # for the daemon; "reading", the journal; "live"
        self.number = 0  # of the last event
        self.read = 0  # events since the beginning
        self.head = 0  # the last event that there is, as far as is known
        self.beat: Optional[zmesos.DaemonStatus] = None
        self.agents_found: Optional[list[dict[str, Any]]] = None
        self.agents_told = True  # False: this daemon does not tell of agents
        self.epoch = 0  # counts the beginnings
        self._beat_at = 0.0  # monotonic
        self._changed: dict[str, Change] = {}
        self._bucket: Optional[dict[str, Any]] = None
        self._asking = 0
        self._looking: Optional[asyncio.Task[None]] = None
        self._looked: dict[int, int] = {}  # by state: how many of the oldest were found to be there

    # ---- what the source tells ------------------------------------------------------------------------

    def begin(self) -> None:
        self.model = Model(self.most)
        self.history = History()
        self.phase, self.number, self.read = "reading", 0, 0
        self.epoch += 1
        self._changed.clear()
        self._looked.clear()
        self._bucket = None
        self.hub.publish("reset", {})

    def load(self, tasks: list[tuple[Change, Wish]]) -> None:
        # Events come after this; those that the snapshot has in it find the task at their revision, or a later one.
        for change, wish in tasks:
            if self.model.put(change):
                self.model.wish(change.id, wish)

    def take(self, changes: list[Change], news_after: int) -> None:
        for change in changes:
            self.history.note(change.id, change.state, change.revision, change.time_ns)
            # A task of the past that is not in the snapshot is one that the daemon has forgotten.
            if change.number > news_after or change.id in self.model.tasks:
                if self.model.put(change):
                    self._changed[change.id] = change
                self.model.step(change)
        self.number = changes[-1].number
        self.read += len(changes)

    def wishes(self, found: list[tuple[str, Wish]]) -> None:
        for task_id, wish in found:
            self.model.wish(task_id, wish)
            row = self.model.tasks.get(task_id)
            if row is not None:
                self._changed.setdefault(task_id, row.change)

    def complete(self) -> None:
        self.history.complete((row.change.id, row.change.state) for row in self.model.tasks.values())
        self.phase = "live"
        log.info("live: %d tasks, %d events read", len(self.model.tasks), self.read)
        self.hub.publish("reset", {})

    def status(self, status: zmesos.DaemonStatus) -> None:
        self.beat, self._beat_at = status, time.monotonic()
        self.head = next((head.number for head in status.heads if getattr(head, "class") == messages.TASK), 0)
        self.hub.tell("status", self.status_json())
        if self.phase == "live" and (self._looking is None or self._looking.done()):
            excess = self._excess(status)
            # Events that came after the heartbeat was made may have ended as many.
            if sum(excess.values()) > max(0, self.number - self.head):
                self._looking = asyncio.ensure_future(self._look_for_forgotten(excess))

    def agents(self, found: Optional[list[Any]]) -> None:
        self.agents_told = found is not None
        made = describe.agents(found or ())
        if made != self.agents_found:
            self.agents_found = made
            self.hub.tell("agents", {"count": len(made)})

    # ---- what the daemon has forgotten: there is no event for it ---------------------------------------

    def _excess(self, status: zmesos.DaemonStatus) -> dict[int, int]:
        """By state: how many tasks that are over are here and not there."""
        there = {count.state: count.tasks for count in status.counts}
        here = self.model.counts()
        return {state: here[state] - there.get(state, 0) for state in OVER if here.get(state, 0) > there.get(state, 0)}

    async def _look_for_forgotten(self, excess: dict[int, int]) -> None:
        """Asks for those that have been over for longest, and drops what is not known any more."""
        model = self.model
        for state, count in excess.items():
            skip = self._looked.get(state, 0)
            asked = {task_id: model.tasks[task_id].change for task_id in model.oldest(state, skip, FORGOTTEN_AT_ONCE)}
            if not asked:
                self._looked[state] = 0
                continue
            try:
                there = await asyncio.to_thread(self.client.get, list(asked), False, 3.0)
            except (TimedOut, Unavailable):
                return
            rows = model.tasks
            # One that has changed meanwhile was launched again.
            gone = [each for each, change in asked.items() if each not in there and each in rows and rows[each].change is change]
            model.drop(gone)
            # Those that are there are not asked for again, as long as others are found.
            self._looked[state] = skip + len(asked) - len(gone) if len(gone) < count else 0
            if gone and model is self.model:
                self.hub.publish("changes", self._changes_json([], len(gone)))

    # ---- what browsers are told -----------------------------------------------------------------------

    @property
    def away(self) -> bool:
        """Whether the daemon has been silent for too long."""
        return self.beat is None or time.monotonic() - self._beat_at > AWAY_AFTER

    async def tell_for_ever(self) -> None:
        """Collects what has changed, so that a browser is told a few times a second, whatever the rate."""
        was_away = True
        while True:
            await asyncio.sleep(TELL_EVERY)
            if self._changed:
                changed, self._changed = self._changed, {}
                named = list(changed.values())[-TOLD:]
                self.hub.publish("changes", self._changes_json(named, len(changed)))
            if self.phase == "live":
                self._tell_buckets()
            if self.away != was_away:
                was_away = self.away
                log.info("zmesosd %s", "does not answer" if was_away else "is there")
                self.hub.tell("status", self.status_json())

    def _tell_buckets(self) -> None:
        """Those that have changed since they were told, or are new."""
        for bucket in self.history.newest(self._bucket["start"] if self._bucket else int(self.now()) - 2 * SPANS[0].width):
            if bucket != self._bucket:
                self._bucket = bucket
                self.hub.publish("bucket", bucket)

    def _changes_json(self, named: list[Change], count: int) -> dict[str, Any]:
        return {
            "version": self.model.version,
            "count": count,
            "tasks": [
                {"id": change.id, "state": state_name(change.state), "revision": change.revision} for change in named
            ],
        }

    def status_json(self) -> dict[str, Any]:
        """How the daemon and the dashboard are."""
        return {
            "now_ms": int(self.now() * 1000),
            "phase": self.phase,
            "away": self.away,
            "silent_s": None if self.beat is None else round(time.monotonic() - self._beat_at, 1),
            "read": self.read,
            "behind": max(0, self.head - self.number) if self.phase != "waiting" else None,
            "tasks": len(self.model.tasks),
            "left_out": self.model.left_out,
            "counts": describe.by_state(self.model.counts()),
            "version": self.model.version,
            "daemon": None if self.beat is None else describe.status(self.beat),
        }

    async def task_json(self, task_id: str) -> Optional[dict[str, Any]]:
        """All about a task; None if it is not known. `details` is None while the daemon does not answer; raises
        Unavailable if then nothing is known here either."""
        details, why, answered = None, None, False
        if not self.away and self._asking < ASKING_MOST:
            self._asking += 1
            try:
                details, why = await asyncio.to_thread(self._ask_task, task_id)
                answered = True
            except (TimedOut, Unavailable):
                pass
            finally:
                self._asking -= 1
        row = self.model.tasks.get(task_id)
        if row is None and not answered:
            raise Unavailable("UNAVAILABLE", "zmesosd does not answer, and there is no such task here", retry=True)
        if row is None and details is None:
            return None
        return {
            "task": None if row is None else describe.listed(row),
            "steps": [] if row is None else describe.steps(self.model, row),
            "steps_left_out": 0 if row is None else row.dropped,
            "answered": answered,
            "details": details,
            "why": why,
        }

    def _ask_task(self, task_id: str) -> tuple[Optional[dict[str, Any]], Optional[dict[str, Any]]]:
        """In a thread."""
        found = self.client.get([task_id], True, 3.0).get(task_id)
        if found is None:
            return None, None
        why = None if zmesos.is_over(found) else self.client.why(task_id).get(task_id)
        return describe.detailed(found), describe.explained(why)

    async def kill(self, task_id: str) -> None:
        """Raises what Client.kill() does."""
        await asyncio.to_thread(self.client.kill, task_id)
