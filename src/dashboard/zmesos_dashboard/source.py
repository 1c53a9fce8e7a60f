"""What zmesosd says, brought to the event loop: a snapshot, then every event from the oldest that is kept, and on from there;
heartbeats; agents. The Python package waits in threads of ours; whoever has a client that does not wait exchanges this file.

A batch is handed over and waited for, so events do not pile up here: they stay with ZeroMQ and in the daemon's journal.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any, Callable, Iterable, Iterator, Optional, Protocol

import zmesos
from zmesos.batches import MAX_GET
from zmesos.errors import TimedOut, Unavailable, Unsupported, ZmesosError
from zmesos.follow import StartedOver
from zmesos.messages import messages

from . import describe
from .model import Change, Wish

log = logging.getLogger("zmesos-dashboard")

BATCH = 1000  # events handed over at a time
AGAIN = 1.0  # seconds until the daemon is tried again
AGENTS_EVERY = 2.0  # seconds
AGENTS_MOST = 10_000
LINK = 3.0  # seconds for a request of this module


class Sink(Protocol):
    """Who is told. All are called in the event loop, one at a time."""

    def begin(self) -> None:
        """All that was told before is void: what follows is all that there is."""

    def load(self, tasks: list[tuple[Change, Wish]]) -> None:
        """Tasks of a snapshot."""

    def take(self, changes: list[Change], news_after: int) -> None:
        """Events, in order. Those up to the number `news_after` are in the snapshot."""

    def wishes(self, found: list[tuple[str, Wish]]) -> None:
        """What tasks ask for that came by an event."""

    def complete(self) -> None:
        """All that was there at the start is told."""

    def status(self, status: zmesos.DaemonStatus) -> None:
        """A heartbeat."""

    def agents(self, found: Optional[list[Any]]) -> None:
        """All agents; None: this daemon does not tell."""


class Source:
    """The threads. start() and stop() in the event loop's thread; stop() waits, so call it by asyncio.to_thread()."""

    def __init__(self, make_client: Callable[[], zmesos.Client], sink: Sink, failed: Callable[[BaseException], None]) -> None:
        """failed: called in the event loop where a thread has ended by an error."""
        self._make_client = make_client
        self._sink = sink
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._unasked: list[str] = []  # tasks whose specification is still to be asked for
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guard, args=(run,), name=run.__name__)
            for run in (self._follow_for_ever, self._watch_for_ever)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join()

    # ---- threads --------------------------------------------------------------------------------------

    def _guard(self, run: Callable[[], None]) -> None:
        """A thread that ends by an error ends the program: half a dashboard would show half the truth."""
        try:
            run()
        except BaseException as error:
            self._stop.set()
            self._loop.call_soon_threadsafe(self._failed, error)

    def _tell(self, call: Callable[..., None], *arguments: Any) -> None:
        """Calls in the event loop, and returns when that is done."""
        done = threading.Event()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                call(*arguments)
            except BaseException as error:
                failed.append(error)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(run)
        while not done.wait(1.0):
            if self._stop.is_set():
                return
        if failed:
            raise failed[0]

    def _follow_for_ever(self) -> None:
        with self._make_client() as client:
            while not self._stop.is_set():
                try:
                    self._follow(client)
                except (TimedOut, Unavailable) as error:  # the daemon is not there, or not yet
                    log.debug("no events: %s", error)
                    self._stop.wait(AGAIN)
                except ZmesosError as error:
                    log.warning("the events are read anew: %s", error)
                    self._stop.wait(AGAIN)

    def _follow(self, client: zmesos.Client) -> None:
        """Until the dashboard ends or something is lost for good: then all is read anew."""
        with client.follow("task/", start="oldest", ready=LINK) as follower:
            snapshot = client.snapshot(with_spec=True)
            news_after = snapshot.position.numbers.get("TASK", 0)
            # Tasks of the snapshot's later pages may have later events; up to here all is told of every one.
            until = _head(client.status())
            self._tell(self._sink.begin)
            for part in _parts(snapshot.tasks.values(), BATCH):
                made = [(describe.change_of(task), describe.wish_of(task.spec)) for task in part]
                self._tell(self._sink.load, made)
            known = set(snapshot.tasks)
            self._unasked = []
            del snapshot
            complete = False
            while not self._stop.is_set():
                if not complete and follower.position.numbers["TASK"] >= until:
                    complete = True
                    self._tell(self._sink.complete)
                changes: list[Change] = []
                for found in _some(follower, BATCH):
                    if isinstance(found, StartedOver):
                        log.warning("events are lost (%s): all is read anew", found.reason)
                        return
                    task = found.task
                    if task is not None:
                        changes.append(describe.change_of(task, found.header.time_ns, found.number))
                if changes:
                    self._tell(self._sink.take, changes, news_after)
                    self._note_new(known, [change for change in changes if change.number > news_after])
                if self._unasked:
                    self._ask_wishes(client)

    def _note_new(self, known: set[str], changes: list[Change]) -> None:
        new = [change.id for change in changes if change.revision == 1 or change.id not in known]
        known.update(new)
        known.difference_update(change.id for change in changes if change.state in zmesos.states.OVER)
        self._unasked += new

    def _ask_wishes(self, client: zmesos.Client) -> None:
        """The specifications of tasks that are new: events do not have them. What cannot be had now is asked for again."""
        ids, self._unasked = list(dict.fromkeys(self._unasked)), []
        found: list[tuple[str, Wish]] = []
        parts = [ids[first : first + MAX_GET] for first in range(0, len(ids), MAX_GET)]
        while parts:
            part = parts.pop()
            try:
                tasks = client.get(part, with_spec=True, timeout=LINK)
            except (TimedOut, Unavailable):
                self._unasked = [task_id for left in [*parts, part] for task_id in left]
                break
            found += ((task.id, describe.wish_of(task.spec)) for task in tasks.values())
        self._tell(self._sink.wishes, found)

    def _watch_for_ever(self) -> None:
        """Heartbeats, and agents while there are any."""
        with self._make_client() as client, client.subscribe("zmesos/HEARTBEAT", "zmesos/MASTER") as events:
            next_agents = 0.0
            while not self._stop.is_set():
                event = events.recv(0.5)
                if event is None:
                    continue
                while (later := events.recv(0)) is not None:
                    event = later
                if event.status is not None:
                    self._tell(self._sink.status, event.status)
                if time.monotonic() >= next_agents:
                    self._ask_agents(client)
                    next_agents = time.monotonic() + AGENTS_EVERY

    def _ask_agents(self, client: zmesos.Client) -> None:
        found: list[Any] = []
        try:
            for agent in client.agents():
                found.append(agent)
                if len(found) >= AGENTS_MOST:
                    break
        except Unsupported:
            self._tell(self._sink.agents, None)
            return
        except (TimedOut, Unavailable):
            return
        self._tell(self._sink.agents, found)


def _head(status: zmesos.DaemonStatus) -> int:
    """The number of the last event about a task."""
    return next((head.number for head in status.heads if getattr(head, "class") == messages.TASK), 0)


def _some(follower: zmesos.Follower, most: int) -> Iterator[Any]:
    """What is there, and at least what comes within half a second."""
    found = follower.recv(0.5)
    while found is not None:
        yield found
        most -= 1
        found = follower.recv(0) if most > 0 else None


def _parts(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    part: list[Any] = []
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part

