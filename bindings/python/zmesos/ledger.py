"""Keeping account of event numbers, to know what was missed. Pure: no socket, no clock.

Numbers run within a class of events. Gaps prove a loss only where the subscription takes the whole class; under a
narrower prefix they are other people's events. Journaled classes are numbered for as long as the daemon's store
lives, volatile ones from 1 in each run of the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional

from .messages import DaemonStatus, EventHeader, messages

_Class = messages.EventClass.Value

# Which topics a class uses. A class is taken whole if every one begins with a prefix subscribed to.
TOPICS: dict[int, tuple[str, ...]] = {
    _Class("TASK"): ("task/",),
    _Class("UPDATE"): ("mesos/UPDATE/",),
    _Class("OPERATION_UPDATE"): ("mesos/UPDATE_OPERATION_STATUS",),
    _Class("MESSAGE"): ("mesos/MESSAGE",),
    _Class("FAILURE"): ("mesos/FAILURE",),
    _Class("MESOS_ERROR"): ("mesos/ERROR",),
    _Class("UNKNOWN_EVENT"): ("mesos/",),
    _Class("OFFERS"): ("mesos/OFFERS",),
    _Class("RESCIND"): ("mesos/RESCIND",),
    _Class("INVERSE_OFFERS"): ("mesos/INVERSE_OFFERS", "mesos/RESCIND_INVERSE_OFFER"),
    _Class("MESOS_HEARTBEAT"): ("mesos/HEARTBEAT",),
    _Class("MESOS_SUBSCRIBED"): ("mesos/SUBSCRIBED",),
    _Class("ORPHAN"): ("zmesos/ORPHAN/",),
    _Class("UNCONFIRMED"): ("zmesos/UNCONFIRMED/",),
    _Class("OPERATION"): ("operation/",),
    _Class("WHY"): ("zmesos/WHY/",),
    _Class("LEASE"): ("zmesos/LEASE/",),
    _Class("DAEMON"): ("zmesos/HEARTBEAT", "zmesos/MASTER"),
}
FIRST_VOLATILE = _Class("OFFERS")


def whole_classes(prefixes: Iterable[str]) -> frozenset[int]:
    """The classes of which a subscription to these prefixes takes every event."""
    wanted = tuple(prefixes)
    return frozenset(
        number for number, topics in TOPICS.items() if all(topic.startswith(wanted) for topic in topics)
    )


@dataclass
class _Account:
    store: str
    run: int
    number: int


class Ledger:
    """The last number of each class taken whole, and how many events in between never came."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self.whole = whole_classes(prefixes)
        self.missed = 0
        self._accounts: dict[int, _Account] = {}

    def note(self, header: EventHeader) -> int:
        """An event came. How many before it are now known to be missed."""
        event_class = getattr(header, "class")
        return self._advance(event_class, header.store, header.run, header.number, header.number - 1)

    def begin(self, status: DaemonStatus) -> None:
        """What the heads say is the past, for classes of which nothing has come yet."""
        heads = {getattr(head, "class"): head.number for head in status.heads}
        for event_class in self.whole:
            if event_class not in self._accounts:
                number = heads.get(event_class, 0)
                self._accounts[event_class] = _Account(status.store, status.run, number)

    def behind(self, status: DaemonStatus) -> int:
        """How many events up to these heads have not come; they may be on their way."""
        return sum(
            head.number - account.number
            for head, account in self._comparable(status)
            if head.number > account.number
        )

    def give_up(self, status: DaemonStatus) -> int:
        """Counts what has not come up to these heads as missed."""
        lost = 0
        for head, account in list(self._comparable(status)):
            lost += self._advance(getattr(head, "class"), account.store, account.run, head.number, head.number)
        return lost

    def _comparable(self, status: DaemonStatus) -> Iterable[tuple[messages.Head, _Account]]:
        for head in status.heads:
            account: Optional[_Account] = self._accounts.get(getattr(head, "class"))
            if account is None or account.store != status.store:
                continue
            if getattr(head, "class") >= FIRST_VOLATILE and account.run != status.run:
                continue
            yield head, account

    def _advance(self, event_class: int, store: str, run: int, number: int, expected: int) -> int:
        """Moves an account to `number`, of which all after its last up to `expected` did not come."""
        if event_class not in self.whole:
            return 0
        account = self._accounts.get(event_class)
        if account is None or account.store != store:
            self._accounts[event_class] = _Account(store, run, number)
            return 0
        if event_class >= FIRST_VOLATILE and account.run != run:
            account.number = 0  # a new run; what the old one published after our last is not known
        account.run = run
        if number <= account.number:
            return 0
        lost = max(0, expected - account.number)
        account.number = number
        self.missed += lost
        return lost
