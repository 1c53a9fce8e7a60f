"""The account on disk, so that counters go on where they stopped when the exporter is started again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import zmesos

from .account import BOUNDS, Account, Histogram
from .numbers import EventNumbers

VERSION = 1


class Unreadable(Exception):
    """The file is not one of ours, or of other flags: a sentence."""


def try_to_save(path: Path) -> None:
    """OSError where the file could not be written later."""
    new = _new(path)
    new.open("w", encoding="utf-8").close()
    new.unlink()


def save(path: Path, account: Account, numbers: EventNumbers) -> None:
    """Whole or not at all. The file has what was counted up to one position, and that position."""
    position = account.position
    if position is None:
        return
    content = {
        "version": VERSION,
        "labels": account.label_sets.keys,
        "bounds": BOUNDS,
        "store": position.store,
        "position": dict(position.numbers),
        "transitions": account.transitions,
        "ends": [[state, reason, labels, count] for (state, reason, labels), count in account.ends.items()],
        "retries": account.retries,
        "operation_ends": [[kind, state, count] for (kind, state), count in account.operation_ends.items()],
        "queued": vars(account.queued),
        "launch": vars(account.launch),
        "lost": account.lost,
        "started_over": account.started_over,
        "replayed": account.replayed,
        "overflowed": account.label_sets.overflowed,
        "numbers": vars(numbers),
    }
    new = _new(path)
    with new.open("w", encoding="utf-8") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def load(path: Path, account: Account, numbers: EventNumbers) -> bool:
    """Fills both; False where there is no such file yet. Unreadable if it cannot be."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    try:
        content: dict[str, Any] = json.loads(text)
        if content["version"] != VERSION or tuple(content["bounds"]) != BOUNDS:
            raise Unreadable(f"{path} is of another version of zmesos-exporter: move it away, and counters begin anew")
        if tuple(content["labels"]) != account.label_sets.keys:
            was = " ".join(f"--label {key}" for key in content["labels"]) or "no --label"
            raise Unreadable(f"{path} was written with {was}: give the same labels, or another file")
        account.position = zmesos.Position(str(content["store"]), _counts(content["position"]))
        account.transitions.update(_counts(content["transitions"]))
        for state, reason, labels, count in content["ends"]:
            account.ends[state, reason, account.label_sets.bounded(tuple(labels))] += int(count)
        account.retries.update(_counts(content["retries"]))
        for kind, state, count in content["operation_ends"]:
            account.operation_ends[kind, state] += int(count)
        account.queued = _histogram(content["queued"])
        account.launch = _histogram(content["launch"])
        account.lost.update(_counts(content["lost"]))
        account.started_over.update(_counts(content["started_over"]))
        account.replayed = int(content["replayed"])
        account.label_sets.overflowed = int(content["overflowed"])
        numbers.load(content["numbers"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"{path} is no file of zmesos-exporter's: {type(error).__name__}: {error}") from error
    return True


def _new(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _counts(content: dict[str, Any]) -> dict[str, int]:
    return {str(name): int(count) for name, count in content.items()}


def _histogram(content: dict[str, Any]) -> Histogram:
    counts = [int(count) for count in content["counts"]]
    if len(counts) != len(BOUNDS) + 1:
        raise ValueError("another number of buckets")
    return Histogram(counts, float(content["sum"]))
