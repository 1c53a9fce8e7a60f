"""Cutting many items into requests that the daemon takes: by number and by bytes."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator, TypeVar

Item = TypeVar("Item")

MAX_REQUEST_BYTES = 1 << 20
ENVELOPE_BYTES = 256  # more than version, request id and the operation's own tag and length ever take
MAX_ITEM_BYTES = MAX_REQUEST_BYTES - ENVELOPE_BYTES
MAX_LAUNCH = 1000
MAX_KILL = 10_000
MAX_GET = 1000
MAX_CONFIRM = 1000  # updates in one confirm
MAX_RELEASE = 10_000
MAX_OPERATE = 1000
MAX_CANCEL = 10_000


def embedded_size(size: int) -> int:
    """Bytes of a message or string of this size inside another message, under a field number up to 15."""
    length = 1
    while size >> (7 * length):
        length += 1
    return 1 + length + size


def split(items: Iterable[Item], size: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Runs of at most `most` items and MAX_ITEM_BYTES bytes, in order. An item that is larger alone is a run of
    its own: the caller refuses it."""
    run: list[Item] = []
    total = 0
    for item in items:
        bytes_more = embedded_size(size(item))
        if run and (len(run) == most or total + bytes_more > MAX_ITEM_BYTES):
            yield run
            run, total = [], 0
        run.append(item)
        total += bytes_more
    if run:
        yield run
