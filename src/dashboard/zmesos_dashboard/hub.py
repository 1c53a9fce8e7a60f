"""Server-sent events: what is published goes to every browser that listens, with a number, so that one that was away goes on
where it was. A browser that is slow, or was away for too long, is told to ask for all anew: `reset`. Nothing waits for it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from typing import Any, Optional

KEPT = 1000  # events for those that come back
KEPT_BYTES = 2 << 20
WAITING = 100  # events for one listener that does not read


def frame(kind: str, data: Any, event_id: Optional[str] = None) -> bytes:
    """An event as it goes over the wire. JSON has no line breaks, so data is one line."""
    named = f"id: {event_id}\n" if event_id else ""
    return f"{named}event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Listener:
    """One browser's place. next() gives what is to be sent."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.overflown = False
        self._news = asyncio.Event()

    def put(self, data: bytes) -> None:
        """Never waits: past the limit all that waits is given up."""
        if self.overflown:
            return
        if len(self.waiting) >= WAITING:
            self.waiting.clear()
            self.overflown = True
        else:
            self.waiting.append(data)
        self._news.set()

    async def next(self, timeout: float) -> Optional[bytes]:
        """All that waits, together; None if there is nothing within `timeout` seconds."""
        if not self._news.is_set():
            try:
                await asyncio.wait_for(self._news.wait(), timeout)
            except asyncio.TimeoutError:
                return None
        self._news.clear()
        if self.overflown:
            self.overflown = False
            return b""
        found = b"".join(self.waiting)
        self.waiting.clear()
        return found


class Hub:
    """All listeners. Ids are `<epoch>.<number>`; the epoch is drawn at each start."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.listeners: set[Listener] = set()
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._kept: deque[tuple[int, bytes]] = deque()
        self._bytes = 0

    @property
    def position(self) -> str:
        """The id of the last event."""
        return f"{self._epoch}.{self._number}"

    def publish(self, kind: str, data: Any) -> None:
        """To all, and kept for those that come back."""
        self._number += 1
        made = frame(kind, data, self.position)
        self._kept.append((self._number, made))
        self._bytes += len(made)
        while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._kept.popleft()[1])
        for listener in self.listeners:
            listener.put(made)

    def tell(self, kind: str, data: Any) -> None:
        """To all who listen now: what is of no use later."""
        made = frame(kind, data)
        for listener in self.listeners:
            listener.put(made)

    def reset(self) -> bytes:
        """Tells a listener to ask for all anew; what comes after is news."""
        return frame("reset", {}, self.position)

    def join(self, last_id: str) -> Optional[Listener]:
        """A place for a browser that has all up to `last_id` (empty: that has nothing); None if there is none."""
        if len(self.listeners) >= self.most:
            return None
        listener = Listener()
        missed = self._since(last_id)
        for data in [self.reset()] if missed is None else missed:
            listener.put(data)
        self.listeners.add(listener)
        return listener

    def close(self) -> None:
        """Wakes all, for the end."""
        for listener in self.listeners:
            listener.put(b"")

    def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)

    def _since(self, last_id: str) -> Optional[list[bytes]]:
        epoch, _, text = last_id.partition(".")
        if epoch != self._epoch or not text.isascii() or not text.isdigit() or len(text) > 18:
            return None
        number = int(text)
        oldest = self._number - len(self._kept)  # the last one that is not kept
        if not oldest <= number <= self._number or self._number - number >= WAITING:
            return None
        return [data for place, data in self._kept if place > number]
