"""The states of a task: names for people, and which are the end."""

from __future__ import annotations

from typing import Iterable, Union

from .messages import Task, messages

StateLike = Union[str, int]

OVER = frozenset(
    messages.TaskState.Value(name) for name in ("FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST")
)


def state_name(state: int) -> str:
    """RUNNING for 5; a number this package does not know comes back as its digits."""
    if state in messages.TaskState.values():
        return messages.TaskState.Name(state)
    return str(state)


def state_number(state: StateLike) -> int:
    """5 for "RUNNING" or "running" or 5; ValueError for no state."""
    if isinstance(state, str):
        return messages.TaskState.Value(state.upper())
    if state not in messages.TaskState.values():
        raise ValueError(f"{state} is no task state")
    return state


def state_numbers(states: Union[StateLike, Iterable[StateLike], None]) -> list[int]:
    """The numbers of one state or of many; none for None."""
    if states is None:
        return []
    if isinstance(states, (str, int)):
        return [state_number(states)]
    return [state_number(state) for state in states]


def is_over(task: Task) -> bool:
    """Whether the task has come to its end. LOST counts, though such a task may still come back as RUNNING."""
    return task.state in OVER
