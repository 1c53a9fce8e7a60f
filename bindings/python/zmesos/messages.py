"""The generated messages under short names: `messages` is zmesos.v1, `mesos` mesos.v1, `scheduler` its API."""

from ._proto.mesos.v1 import mesos_pb2 as mesos
from ._proto.mesos.v1.scheduler import scheduler_pb2 as scheduler
from ._proto.zmesos.v1 import zmesos_pb2 as messages

Agent = messages.Agent
BackupDone = messages.BackupDone
Consumer = messages.Consumer
DaemonStatus = messages.DaemonStatus
EventHeader = messages.EventHeader
Explanation = messages.Explanation
LeaseChange = messages.LeaseChange
LeaseReply = messages.LeaseReply
Operation = messages.Operation
OperationSpec = messages.OperationSpec
Orphan = messages.Orphan
Reply = messages.Reply
Request = messages.Request
RetryPolicy = messages.RetryPolicy
Task = messages.Task
TaskSpec = messages.TaskSpec
TeardownReply = messages.TeardownReply
UnconfirmedUpdate = messages.UnconfirmedUpdate

__all__ = [
    "Agent",
    "BackupDone",
    "Consumer",
    "DaemonStatus",
    "EventHeader",
    "Explanation",
    "LeaseChange",
    "LeaseReply",
    "Operation",
    "OperationSpec",
    "Orphan",
    "Reply",
    "Request",
    "RetryPolicy",
    "Task",
    "TaskSpec",
    "TeardownReply",
    "UnconfirmedUpdate",
    "mesos",
    "messages",
    "scheduler",
]
