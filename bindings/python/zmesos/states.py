"""The states of tasks and of operations: names for people, and which are the end."""

from __future__ import annotations

from typing import Iterable, Union, cast

from .messages import Operation, Task, messages

StateLike = Union[str, int]

OVER = frozenset(
    messages.TaskState.Value(name) for name in ("FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST")
)


def state_name(state: int) -> str:
    """RUNNING for 5; a number this package does not know comes back as its digits."""
    if state in messages.TaskState.values():
        return messages.TaskState.Name(state)
    return str(state)


def state_number(state: StateLike) -> messages.TaskState:
    """5 for "RUNNING" or "running" or 5; ValueError for no state."""
    if isinstance(state, str):
        return messages.TaskState.Value(state.upper())
    if state not in messages.TaskState.values():
        raise ValueError(f"{state} is no task state")
    return cast("messages.TaskState", state)


def state_numbers(states: Union[StateLike, Iterable[StateLike], None]) -> list[messages.TaskState]:
    """The numbers of one state or of many; none for None."""
    if states is None:
        return []
    if isinstance(states, (str, int)):
        return [state_number(states)]
    return [state_number(state) for state in states]


def is_over(task: Task) -> bool:
    """Whether the task has come to its end. LOST counts, though such a task may still come back as RUNNING."""
    return task.state in OVER


OPERATION_OVER = frozenset(
    Operation.State.Value(name) for name in ("FINISHED", "FAILED", "ERROR", "DROPPED", "GONE", "CANCELLED")
)
OperationStateLike = Union[str, int]


def operation_state_name(state: int) -> str:
    """PENDING for 3; a number this package does not know comes back as its digits."""
    return Operation.State.Name(state) if state in Operation.State.values() else str(state)


def operation_is_over(operation: Operation) -> bool:
    """Whether it has come to its end. CANCELLED counts, though one that had been sent may still become FINISHED."""
    return operation.state in OPERATION_OVER


def operation_state_number(state: OperationStateLike) -> Operation.State:
    """3 for "PENDING" or "pending" or 3; ValueError for no state."""
    if isinstance(state, str):
        return Operation.State.Value(state.upper())
    if state not in Operation.State.values():
        raise ValueError(f"{state} is no operation state")
    return cast("Operation.State", state)
