"""How many events of each class the daemon has published, from the heads that its status tells."""

from __future__ import annotations

from collections import Counter
from typing import Any, Optional

import zmesos
from zmesos import messages

FIRST_VOLATILE = 16  # classes from here on are numbered from 1 in each run


class EventNumbers:
    """Counts from the first status on, and goes on when the daemon's own numbers begin anew: another run begins the volatile
    classes at 1, and a store that was restored has numbers that were there before, of which none is counted again."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.heads: dict[str, int] = {}
        self.store: Optional[str] = None
        self.run = 0

    def note(self, status: zmesos.DaemonStatus) -> None:
        """Statuses may come in any order of two: an older one changes nothing."""
        if status.store == self.store and status.run < self.run:
            return
        for head in status.heads:
            number = getattr(head, "class")
            if number not in messages.EventClass.values():
                continue
            name = messages.EventClass.Name(number)
            before = self.heads.get(name, 0)
            if self.store is None or (status.store != self.store and number < FIRST_VOLATILE):
                before = head.number
            elif number >= FIRST_VOLATILE and (status.store, status.run) != (self.store, self.run):
                before = 0
            self.totals[name] += max(0, head.number - before)
            self.heads[name] = max(before, head.number)
        self.store, self.run = status.store, status.run

    def load(self, content: dict[str, Any]) -> None:
        """From vars() of another one."""
        self.totals = Counter({str(name): int(count) for name, count in content["totals"].items()})
        self.heads = {str(name): int(number) for name, number in content["heads"].items()}
        self.store = None if content["store"] is None else str(content["store"])
        self.run = int(content["run"])
