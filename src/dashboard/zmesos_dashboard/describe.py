"""Messages of zmesosd as what the model keeps, and as what the JSON API says (docs/dashboard.md).

Texts that come from tasks, agents and the master are hostile: they are cut here, and are escaped where they are shown. A text
of another program that is not UTF-8 comes from protobuf as bytes. Values of environment variables are never told: they are
where secrets are.
"""

from __future__ import annotations

import sys
from typing import Any, Iterable, Mapping, Optional, Union

import zmesos
from google.protobuf.message import Message
from zmesos.messages import mesos, messages
from zmesos.states import is_over, state_name

from .model import Change, Model, NOTHING, Row, Wish

MESSAGE_MAX = 500  # characters, in lists
COMMAND_MAX = 2000
LABELS_MAX = 32
LABEL_MAX = 300
WORDS_MAX = 20_000  # characters of a message on a task's own page


def text(value: Union[str, bytes], most: int = MESSAGE_MAX) -> str:
    """A text, cut after `most` characters; what is not UTF-8 in it becomes U+FFFD."""
    found = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return found if len(found) <= most else found[: most - 1] + "…"


def same(value: Union[str, bytes]) -> str:
    """A text that many tasks have: kept once."""
    return sys.intern(text(value))


def change_of(task: zmesos.Task, time_ns: int = 0, number: int = 0) -> Change:
    """A task of an event (its time and number) or of a snapshot."""
    last = task.attempts[-1] if task.attempts else None
    # One that is QUEUED again is nowhere, whatever its last attempt was on.
    placed = last if task.state != messages.QUEUED else None
    task_id = text(task.id)
    return Change(
        id=task_id,
        state=task.state,
        revision=task.revision,
        time_ns=time_ns or task.changed_ns,
        number=number,
        name=task_id if task.name == task.id else text(task.name),
        role=same(task.role),
        submitter=same(task.submitter),
        group=same(task.group),
        message=same(task.message),
        reason=same(task.reason),
        created_ns=task.created_ns,
        attempt=last.number if last is not None else 0,
        hostname=same(placed.hostname) if placed is not None else "",
        agent_id=same(placed.agent_id) if placed is not None else "",
        held=task.held,
    )


def wish_of(spec: zmesos.TaskSpec) -> Wish:
    """What of a specification is kept."""
    labels = tuple(_label(label) for label in spec.labels.labels[:LABELS_MAX])
    if not labels and not spec.cpus and not spec.mem and not spec.HasField("command"):
        return NOTHING
    return Wish(labels=labels, cpus=spec.cpus, mem=spec.mem, command=sys.intern(_command(spec.command, 200)))


def _label(label: mesos.Label) -> str:
    words = f"{text(label.key)}={text(label.value)}" if label.HasField("value") else text(label.key)
    return sys.intern(text(words, LABEL_MAX))


def _command(command: mesos.CommandInfo, most: int) -> str:
    if command.HasField("shell") and not command.shell:
        words = list(command.arguments) or [command.value]
        return text(" ".join(text(word, most) for word in words[:100]), most)
    return text(command.value, most)


# ---- lists ----------------------------------------------------------------------------------------------


def listed(row: Row) -> dict[str, Any]:
    """A task in a list."""
    change = row.change
    return {
        "id": change.id,
        "name": change.name,
        "state": state_name(change.state),
        "over": change.state in zmesos.states.OVER,
        "revision": change.revision,
        "attempt": change.attempt,
        "hostname": change.hostname,
        "agent_id": change.agent_id,
        "message": change.message,
        "reason": change.reason,
        "labels": list(row.wish.labels),
        "cpus": row.wish.cpus,
        "mem": row.wish.mem,
        "command": row.wish.command,
        "role": change.role,
        "submitter": change.submitter,
        "group": change.group,
        "held": change.held,
        "created_ms": change.created_ns // 1_000_000,
        "changed_ms": change.time_ns // 1_000_000,
    }


def steps(model: Model, row: Row) -> list[dict[str, Any]]:
    """The changes of state of a task."""
    return [
        {
            "time_ms": step.time_ns // 1_000_000,
            "state": state_name(step.state),
            "attempt": step.attempt,
            "message": step.message,
        }
        for step in model.steps(row)
    ]


# ---- one task -------------------------------------------------------------------------------------------


def attempts(task: zmesos.Task) -> list[dict[str, Any]]:
    """All attempts, oldest first."""
    return [
        {
            "number": attempt.number,
            "mesos_task_id": text(attempt.mesos_task_id),
            "state": state_name(attempt.state),
            "agent_id": text(attempt.agent_id),
            "hostname": text(attempt.hostname),
            "ports": list(attempt.ports),
            "launched_ms": attempt.launched_ns // 1_000_000,
            "changed_ms": attempt.changed_ns // 1_000_000,
            "message": text(attempt.message, WORDS_MAX),
            "reason": text(attempt.reason),
            "replaced": attempt.replaced,
            "healthy": attempt.healthy if attempt.HasField("healthy") else None,
        }
        for attempt in task.attempts
    ]


def asked_for(spec: zmesos.TaskSpec) -> dict[str, Any]:
    """What a specification asks for."""
    command = spec.command
    found: dict[str, Any] = {
        "command": _command(command, COMMAND_MAX),
        "user": text(command.user),
        "environment": [text(variable.name) for variable in command.environment.variables[:200]],
        "uris": [text(uri.value) for uri in command.uris[:50]],
        "image": text(spec.container.docker.image or spec.container.mesos.image.docker.name),
        "priority": spec.priority,
        "consumer": text(spec.consumer.name),
        "placer": text(spec.placer),
        "constraints": [_constraint(constraint) for constraint in spec.constraints],
        "labels": [_label(label) for label in spec.labels.labels],
        "amounts": {name: getattr(spec, name) for name in ("cpus", "mem", "disk", "gpus", "ports") if getattr(spec, name)},
        "max_attempts": spec.retry.max_attempts if spec.HasField("retry") else 1,
    }
    return found


def _constraint(constraint: messages.Constraint) -> str:
    operator = messages.Constraint.Operator.Name(constraint.operator)
    values = ", ".join(text(value, 100) for value in constraint.values[:20])
    wanted = " (preferred)" if constraint.preferred else ""
    return f"{text(constraint.attribute)} {operator} {values}".rstrip() + wanted


def explained(explanation: Optional[zmesos.Explanation]) -> Optional[dict[str, Any]]:
    """Why a task waits; None where it waits for nothing."""
    if explanation is None or not explanation.reasons:
        return None
    return {
        "offers": explanation.offers,
        "alike": explanation.alike,
        "reasons": [
            {
                "kind": messages.Reason.Kind.Name(reason.kind) if reason.HasField("kind") else "",
                "message": text(reason.message, WORDS_MAX),
                "offers": reason.offers,
                "wanted": reason.wanted if reason.HasField("wanted") else None,
                "best": reason.best if reason.HasField("best") else None,
                "until_ms": reason.until_ns // 1_000_000 if reason.HasField("until_ns") else None,
            }
            for reason in explanation.reasons
        ],
    }


def detailed(task: zmesos.Task) -> dict[str, Any]:
    """What the daemon says of a task, beyond its line in a list."""
    return {
        "message": text(task.message, WORDS_MAX),
        "kill_requested": task.kill_requested,
        "adopted": task.adopted,
        "retry_ms": task.retry_ns // 1_000_000 if task.HasField("retry_ns") else None,
        "over": is_over(task),
        "attempts": attempts(task),
        "asks": asked_for(task.spec),
    }


# ---- the daemon and agents ------------------------------------------------------------------------------


def status(found: zmesos.DaemonStatus) -> dict[str, Any]:
    """How the daemon and the master are."""
    return {
        "version": text(found.version),
        "store": text(found.store),
        "run": found.run,
        "framework_id": text(found.framework_id),
        "master": text(found.master),
        "subscription": messages.Subscription.Name(found.subscription),
        "message": text(found.message, WORDS_MAX),
        "started_ms": found.started_ns // 1_000_000,
        "roles": [text(role) for role in found.roles],
        "suppressed_roles": [text(role) for role in found.suppressed_roles],
        "counts": {state_name(count.state): count.tasks for count in found.counts},
        "offers": found.offers,
        "leases": found.leases,
        "leased_offers": found.leased_offers,
        "held": found.held,
        "strays": found.strays,
        "unconfirmed": found.unconfirmed,
        "operations": found.operations,
        "maintenance": found.maintenance,
        "teardown": found.teardown,
        "restored_ms": found.restored_ns // 1_000_000 if found.HasField("restored_ns") else None,
    }


def _amounts(message: Message, name: str) -> Optional[dict[str, float]]:
    """cpus, mem and disk (MB), gpus; None where they are not known."""
    if not message.HasField(name):
        return None
    amounts = getattr(message, name)
    return {kind: getattr(amounts, kind) for kind in ("cpus", "mem", "disk", "gpus")}


def agents(found: Iterable[Any]) -> list[dict[str, Any]]:
    """Agents, and what is used of them."""
    return [
        {
            "id": text(agent.id),
            "hostname": text(agent.hostname),
            "attributes": [_label(label) for label in agent.attributes[:LABELS_MAX]],
            "tasks": agent.tasks,
            "used": _amounts(agent, "used"),
            "known": _amounts(agent, "known"),
            "offers": agent.offers,
            "maintenance": agent.HasField("maintenance"),
        }
        for agent in found
    ]


def by_state(counts: Mapping[int, int]) -> dict[str, int]:
    """Counts under the names of the states."""
    return {state_name(state): count for state, count in counts.items()}
