"""Events as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .messages import DaemonStatus, Task, mesos, messages, scheduler
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
    if event.status is not None:
        return _line(event.topic, _of_status(event.status))
    return _line(event.topic, f"{len(event.body)} bytes")


def _line(topic: str, words: str) -> str:
    return f"{topic}  {words}" if words else topic


def _of_task(task: Task) -> str:
    words = [f"revision {task.revision}"]
    if task.attempts and task.attempts[-1].hostname:
        words.append(f"on {task.attempts[-1].hostname}")
    if task.message:
        words.append(task.message)
    return ", ".join(words)


def _of_mesos(event: scheduler.Event) -> str:
    if event.type == _Type.Value("UPDATE"):
        return _of_update(event.update.status)
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


def _of_status(status: DaemonStatus) -> str:
    counts = [f"{count.tasks} {state_name(count.state)}" for count in status.counts]
    words = [messages.Subscription.Name(status.subscription)]
    words += [text for text in (status.master, status.message) if text]
    return ", ".join(words + counts)
