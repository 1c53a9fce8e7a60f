"""The thread that follows the daemon's events and keeps the account."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Callable, Mapping, Optional

import zmesos

from .account import OVER, STATES, Account
from .numbers import EventNumbers
from .saved import save

PREFIXES = ("task/", "operation/")
BATCH = 1000  # events taken at a time, and tasks whose labels are asked for together
IDLE = 0.5  # seconds for which an event is waited for before the thread looks whether it is to end
AGAIN = 1.0  # seconds, where there is no daemon
SAVE_EVERY = 5.0  # seconds
LIVE = [state for state in STATES if state not in OVER]


class Watch:
    """Counts events into `account` until stop(). `lock` is held while the account changes."""

    def __init__(self, client: zmesos.Client, account: Account, numbers: EventNumbers, path: Optional[Path],
                 ended: Callable[[], None]) -> None:
        self.lock = threading.Lock()
        self.account = account
        self.numbers = numbers
        self.caught_up = False  # all that happened before the start is counted
        self.error: Optional[BaseException] = None  # that ended the thread
        self._client = client
        self._path = path
        self._ended = ended
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._away = False
        self._saved_at = time.monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for the thread, and has the account on disk."""
        self._stop.set()
        self._thread.join()
        self._save()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._follow()
                except (zmesos.TimedOut, zmesos.Unavailable) as error:
                    self._say_away(error)
                    self._stop.wait(AGAIN)
        except BaseException as error:  # told by main(): without this thread the counters would stand still unnoticed
            self.error = error
            self._ended()

    def _follow(self) -> None:
        """From where the account stands; the first time from now."""
        begin = self._client.snapshot(state=LIVE, with_spec=bool(self.account.label_sets.keys))
        start = self.account.position or begin.position
        seeded = False
        with self._client.follow(*PREFIXES, start=start) as follower:
            with self.lock:
                self.account.position = follower.position
            self._away = False
            asked = 0
            while not self._stop.is_set():
                # What was saved is older than the snapshot: its tasks count from where the events come to it.
                if not seeded and _reached(self.account.position, begin.position):
                    with self.lock:
                        self.account.seed(begin.tasks.values())
                        self.caught_up = seeded = True
                batch, over = self._batch(follower)
                labels = self._labels(batch)
                with self.lock:
                    for event in batch:
                        self.account.note(event, labels)
                    self.account.replayed += follower.replayed - asked
                    asked = follower.replayed
                    if over is None:
                        self.account.position = follower.position
                    else:
                        self.account.note_started_over(over)
                if over is not None:
                    print(f"zmesos-exporter: events are lost for good: {over.reason} {over.missed or ''}", file=sys.stderr)
                    return  # and begin with another snapshot
                if time.monotonic() - self._saved_at >= SAVE_EVERY:
                    self._save()

    def _batch(self, follower: zmesos.Follower) -> tuple[list[zmesos.Event], Optional[zmesos.StartedOver]]:
        """What is there, up to a gap."""
        events: list[zmesos.Event] = []
        while len(events) < BATCH:
            found = follower.recv(0 if events else IDLE)
            if found is None:
                break
            if isinstance(found, zmesos.StartedOver):
                return events, found
            events.append(found)
        return events, None

    def _labels(self, events: list[zmesos.Event]) -> Mapping[str, tuple[str, ...]]:
        wanted = self.account.unknown(events)
        if not wanted:
            return {}
        tasks = self._client.get(wanted, with_spec=True)
        with self.lock:
            return {task_id: self.account.label_sets.of(task) for task_id, task in tasks.items()}

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        if self._path is not None:
            with self.lock:
                save(self._path, self.account, self.numbers)

    def _say_away(self, error: zmesos.ZmesosError) -> None:
        """Once each time."""
        if not self._away:
            print(f"zmesos-exporter: {error}; trying again", file=sys.stderr)
        self._away = True


def _reached(position: Optional[zmesos.Position], wanted: zmesos.Position) -> bool:
    """Whether all up to there is counted. Of another store nothing is to be waited for."""
    if position is None:
        return False
    return position.store != wanted.store or all(
        number >= wanted.numbers.get(name, 0) for name, number in position.numbers.items()
    )
