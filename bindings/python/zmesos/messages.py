"""The generated messages under short names: `messages` is zmesos.v1, `mesos` mesos.v1, `scheduler` its API."""

from ._proto.mesos.v1 import mesos_pb2 as mesos
from ._proto.mesos.v1.scheduler import scheduler_pb2 as scheduler
from ._proto.zmesos.v1 import zmesos_pb2 as messages

BackupDone = messages.BackupDone
DaemonStatus = messages.DaemonStatus
EventHeader = messages.EventHeader
Explanation = messages.Explanation
Orphan = messages.Orphan
Reply = messages.Reply
Request = messages.Request
RetryPolicy = messages.RetryPolicy
Task = messages.Task
TaskSpec = messages.TaskSpec
TeardownReply = messages.TeardownReply

__all__ = [
    "BackupDone",
    "DaemonStatus",
    "EventHeader",
    "Explanation",
    "Orphan",
    "Reply",
    "Request",
    "RetryPolicy",
    "Task",
    "TaskSpec",
    "TeardownReply",
    "mesos",
    "messages",
    "scheduler",
]
