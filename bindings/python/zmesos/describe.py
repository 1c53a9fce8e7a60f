"""Events as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .messages import DaemonStatus, LeaseChange, Operation, Orphan, Task, UnconfirmedUpdate, mesos, messages, scheduler
from .states import state_name

if TYPE_CHECKING:
    from .events import Event

_Type = scheduler.Event.Type


def describe(event: "Event") -> str:
    """The topic, and what of the body is worth a line."""
    if event.task is not None:
        return _line(event.topic, _of_task(event.task))
    if event.mesos is not None:
        return _line(event.topic, _of_mesos(event.mesos))
    if event.operation is not None:
        return _line(event.topic, _of_operation(event.operation))
    if event.orphan is not None:
        return _line(event.topic, _of_orphan(event.orphan))
    if event.lease is not None:
        return _line(event.topic, _of_lease(event.lease))
    if event.explanation is not None:
        return _line(event.topic, "; ".join(reason.message for reason in event.explanation.reasons))
    if event.unconfirmed is not None:
        return _line(event.topic, _of_unconfirmed(event.unconfirmed))
    if event.status is not None:
        return _line(event.topic, _of_status(event.status))
    return _line(event.topic, f"{len(event.body)} bytes")


def _line(topic: str, words: str) -> str:
    return f"{topic}  {words}" if words else topic


def _of_task(task: Task) -> str:
    words = [f"revision {task.revision}"]
    words += [word for word in ("held", "adopted") if getattr(task, word)]
    attempt = task.attempts[-1] if task.attempts else None
    if attempt is not None and task.state == messages.QUEUED:
        words.append(f"after attempt {attempt.number}")  # and not where that one was
    elif attempt is not None:
        words += [f"attempt {attempt.number}"] if attempt.number > 1 else []
        words += [f"on {attempt.hostname}"] if attempt.hostname else []
    if task.message:
        words.append(task.message)
    return ", ".join(words)


def _of_operation(operation: Operation) -> str:
    words = [mesos.Offer.Operation.Type.Name(operation.type)] if operation.type else []
    words.append(f"revision {operation.revision}")
    if operation.held:
        words.append("held")
    if operation.hostname and operation.state != Operation.QUEUED:
        words.append(f"on {operation.hostname}")
    if operation.message:
        words.append(operation.message)
    return ", ".join(words)


def _of_orphan(orphan: Orphan) -> str:
    words = [messages.Orphan.Action.Name(orphan.action)] if orphan.HasField("action") else []
    if orphan.task_id:
        words.append(f"as {orphan.task_id}")
    if orphan.agent_id:
        words.append(f"on agent {orphan.agent_id}")
    if orphan.message:
        words.append(orphan.message)
    return ", ".join(words)


def _of_unconfirmed(update: UnconfirmedUpdate) -> str:
    words = [mesos.TaskState.Name(update.state)]
    if update.HasField("outcome"):
        words.append(UnconfirmedUpdate.Outcome.Name(update.outcome))
    words.append(f"not confirmed by {update.consumer}")
    return ", ".join(words)


def _of_lease(change: LeaseChange) -> str:
    words = [f"{len(change.came)} offers came"] if change.came else []
    if change.gone:
        words.append(f"{len(change.gone)} offers went")
    if change.HasField("why"):
        words.append(messages.LeaseChange.Why.Name(change.why))
    words.append("over" if change.over else f"has {change.offers}")
    return ", ".join(words)


def _of_mesos(event: scheduler.Event) -> str:
    if event.type == _Type.Value("UPDATE"):
        return _of_update(event.update.status)
    if event.type == _Type.Value("UPDATE_OPERATION_STATUS"):
        return _of_operation_status(event.update_operation_status.status)
    if event.type == _Type.Value("OFFERS"):
        return f"{len(event.offers.offers)} from " + ", ".join(
            sorted({offer.hostname for offer in event.offers.offers})
        )
    if event.type == _Type.Value("SUBSCRIBED"):
        return f"framework {event.subscribed.framework_id.value}"
    if event.type == _Type.Value("RESCIND"):
        return f"offer {event.rescind.offer_id.value}"
    if event.type == _Type.Value("MESSAGE"):
        return f"{len(event.message.data)} bytes from executor {event.message.executor_id.value}"
    if event.type == _Type.Value("FAILURE"):
        return f"agent {event.failure.agent_id.value} {event.failure.executor_id.value}".rstrip()
    if event.type == _Type.Value("ERROR"):
        return event.error.message
    return ""


def _of_update(status: mesos.TaskStatus) -> str:
    words = [mesos.TaskState.Name(status.state)]
    if status.HasField("agent_id"):
        words.append(f"agent {status.agent_id.value}")
    if status.message:
        words.append(status.message)
    return ", ".join(words)


def _of_operation_status(status: mesos.OperationStatus) -> str:
    words = [mesos.OperationState.Name(status.state)]
    if status.HasField("operation_id"):
        words.insert(0, status.operation_id.value)
    if status.HasField("agent_id"):
        words.append(f"agent {status.agent_id.value}")
    if status.message:
        words.append(status.message)
    return ", ".join(words)


def _of_status(status: DaemonStatus) -> str:
    counts = [f"{count.tasks} {state_name(count.state)}" for count in status.counts]
    words = [messages.Subscription.Name(status.subscription)]
    words += [text for text in (status.master, status.message) if text]
    return ", ".join(words + counts)
