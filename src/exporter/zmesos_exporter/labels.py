"""Labels of tasks as labels of metrics: those that the operator names, and not more values than the operator allows."""

from __future__ import annotations

import re
from typing import Sequence

import zmesos

OTHER = "other"
MOST_KEYS = 8
MOST_BYTES = 128  # of a value

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")


def metric_label(key: str) -> str:
    """label_team for "team": the prefix keeps it from what this program names itself."""
    return "label_" + _NOT_IN_NAMES.sub("_", key)


class LabelSets:
    """The values that tasks have for some keys, together: at most so many different ones; what comes later has "other" for
    each value. A task without a label has "" for it."""

    def __init__(self, keys: Sequence[str] = (), most: int = 100) -> None:
        if len(keys) > MOST_KEYS:
            raise ValueError(f"at most {MOST_KEYS} labels, and not {len(keys)}")
        if any(not key for key in keys):
            raise ValueError("a label has a key")
        if most < 1:
            raise ValueError("at least one set of labels")
        names = [metric_label(key) for key in keys]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two labels would both be {name}")
        self.keys = tuple(keys)
        self.names = tuple(names)
        self.most = most
        self.none = ("",) * len(keys)
        self.other = (OTHER,) * len(keys)
        self.known: set[tuple[str, ...]] = set()
        self.overflowed = 0  # how often a task was one of the others

    def of(self, task: zmesos.Task) -> tuple[str, ...]:
        """From its specification."""
        found = {label.key: label.value for label in task.spec.labels.labels}
        return self.bounded(tuple(found.get(key, "") for key in self.keys))

    def bounded(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """These values, or "other" for each."""
        if values in self.known or values == self.none:
            return values
        if len(self.known) < self.most and all(len(value.encode()) <= MOST_BYTES for value in values):
            self.known.add(values)
            return values
        self.overflowed += 1
        return self.other
