"""Task specifications from keyword arguments, and the conditions that a task can set on its agent."""

from __future__ import annotations

import re
import uuid
from typing import Iterable, Mapping, Optional, Sequence, Union

from google.protobuf import json_format
from google.protobuf.message import Message

from .constraints import Constraint, equals
from .consuming import ConsumerLike, as_consumer
from .messages import TaskSpec, messages
from .retries import RetryLike, as_policy, duration

Command = Union[str, Sequence[str]]
MessageLike = Union[Message, Mapping[str, object]]

_NOT_IN_IDS = re.compile(r"[/\\\x00-\x1f\x7f]")
MAX_ID_BYTES = 200


def new_id(prefix: str = "task") -> str:
    """An id that nobody else has: the prefix, made fit for an id, and twelve random hexadecimal digits."""
    suffix = "-" + uuid.uuid4().hex[:12]
    clean = _NOT_IN_IDS.sub("-", prefix).encode("utf-8")[: MAX_ID_BYTES - len(suffix)]
    return clean.decode("utf-8", "ignore") + suffix


def fill(message: Message, like: MessageLike) -> None:
    """Puts a message, or a dictionary of its fields, in."""
    if isinstance(like, Message):
        message.CopyFrom(like)
    else:
        try:
            json_format.ParseDict(dict(like), message)
        except json_format.ParseError as error:
            raise ValueError(str(error)) from error
        message.SetInParent()


def task_spec(
    command: Optional[Command] = None,
    *,
    id: Optional[str] = None,
    name: Optional[str] = None,
    role: Optional[str] = None,
    priority: Optional[int] = None,
    cpus: Optional[float] = None,
    mem: Optional[float] = None,
    disk: Optional[float] = None,
    gpus: Optional[float] = None,
    ports: Optional[int] = None,
    env: Optional[Mapping[str, str]] = None,
    labels: Optional[Mapping[str, str]] = None,
    constraints: Iterable[Constraint] = (),
    uris: Iterable[str] = (),
    user: Optional[str] = None,
    retry: Optional[RetryLike] = None,
    launch_timeout: Optional[float] = None,
    despite_maintenance: Optional[bool] = None,
    agent: Optional[str] = None,
    placer: Optional[str] = None,
    container: Optional[MessageLike] = None,
    health_check: Optional[MessageLike] = None,
    check: Optional[MessageLike] = None,
    kill_policy: Optional[MessageLike] = None,
    discovery: Optional[MessageLike] = None,
    executor: Optional[MessageLike] = None,
    max_completion_time: Optional[float] = None,
    resources: Iterable[MessageLike] = (),
    limits: Optional[Mapping[str, float]] = None,
    data: Optional[bytes] = None,
    submitter: Optional[str] = None,
    group: Optional[str] = None,
    consumer: Optional[ConsumerLike] = None,
) -> TaskSpec:
    """A specification. docs/tasks.md has an example of each kind of task.

    command: a string is run by the shell, a sequence is a program's arguments, the program first.
    id: default: made up, beginning with the name. Keep it to launch the same thing safely again.
    cpus: shares of a core; mem, disk: MB; gpus: whole ones; ports: how many (the task reads PORT0, PORTS).
    env: environment variables; labels: for Mesos and for finding tasks; uris: fetched into the sandbox.
    retry: when it is tried again: a retry_policy(), or its arguments as a dictionary; without it, once.
    launch_timeout: seconds until it is STARTING or RUNNING, before it is killed; default: the daemon's.
    submitter: whose share of the cluster it takes; at most 128 bytes.
    group: the tasks of one launch that are placed together, and live and die together: see Client.launch_group().
    consumer: who confirms its updates before Mesos may forget them: a name, a consumer(), or its arguments.
    despite_maintenance: goes to agents, and stays there, that are to be maintained soon.
    agent: the id of the one agent that it may go to.
    placer: who says where it goes: it waits until somebody places it on an offer of a lease.
    container, health_check, check, kill_policy, discovery, executor: Mesos's messages, or dictionaries of their fields.
    resources: ResourceRequest messages or dictionaries: what it needs besides the amounts above.
    max_completion_time: seconds it may run. limits: of cpus and mem, at least what is asked for; float("inf") for none.
    """
    spec = TaskSpec(id=new_id(name or "task") if id is None else id)
    for field, value in (
        ("name", name),
        ("role", role),
        ("priority", priority),
        ("cpus", cpus),
        ("mem", mem),
        ("disk", disk),
        ("gpus", gpus),
        ("ports", ports),
        ("despite_maintenance", despite_maintenance),
        ("submitter", submitter),
        ("group", group),
        ("placer", placer),
    ):
        if value is not None:
            setattr(spec, field, value)
    spec.constraints.extend(constraints)
    if agent is not None:
        spec.constraints.append(equals("agent_id", agent))
    for key, value in (labels or {}).items():
        spec.labels.labels.add(key=key, value=value)

    if retry is not None:
        spec.retry.CopyFrom(as_policy(retry))
    if consumer is not None:
        spec.consumer.CopyFrom(as_consumer(consumer))
    if launch_timeout is not None:
        spec.launch_timeout.CopyFrom(duration(launch_timeout))

    for field, like in (
        ("container", container),
        ("health_check", health_check),
        ("check", check),
        ("kill_policy", kill_policy),
        ("discovery", discovery),
        ("executor", executor),
    ):
        if like is not None:
            fill(getattr(spec, field), like)
    for like in resources:
        fill(spec.resources.add(), like)
    if max_completion_time is not None:
        spec.max_completion_time.CopyFrom(duration(max_completion_time))
    for key, amount in (limits or {}).items():
        spec.limits.add(key=key).value.value = amount
    if data is not None:
        spec.data = data

    if command is None:
        if env or user is not None or list(uris):
            raise ValueError("env, uris and user are of a command, and there is none")
        return spec
    if isinstance(command, str):
        spec.command.shell = True
        spec.command.value = command
    else:
        arguments = list(command)
        if not arguments:
            raise ValueError("a command as a sequence begins with the program")
        spec.command.shell = False
        spec.command.value = arguments[0]
        spec.command.arguments.extend(arguments)
    for key, value in (env or {}).items():
        spec.command.environment.variables.add(name=key, value=value)
    for uri in uris:
        spec.command.uris.add(value=uri)
    if user is not None:
        spec.command.user = user
    return spec
