"""The generated messages under short names: `messages` is zmesos.v1, `mesos` mesos.v1, `scheduler` its API."""

from ._proto.mesos.v1 import mesos_pb2 as mesos
from ._proto.mesos.v1.scheduler import scheduler_pb2 as scheduler
from ._proto.zmesos.v1 import zmesos_pb2 as messages

DaemonStatus = messages.DaemonStatus
EventHeader = messages.EventHeader
Reply = messages.Reply
Request = messages.Request
Task = messages.Task
TaskSpec = messages.TaskSpec

__all__ = ["DaemonStatus", "EventHeader", "Reply", "Request", "Task", "TaskSpec", "mesos", "messages", "scheduler"]
