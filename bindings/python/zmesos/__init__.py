"""zmesos: launch and kill tasks on a Mesos cluster, and watch every event, through a zmesosd.

    import zmesos

    with zmesos.Client() as client:
        task = client.launch(command="echo hello from $HOSTNAME", cpus=0.1, mem=32)
        print(task.wait(timeout=60).message)

Client asks and commands; Events listens. Both speak the protocol of docs/protocol.md and hold nothing that
matters: what has been launched is on the daemon's disk, and another client can go on with it. zmesos.aio has the
same names for asyncio.
"""

from ._proto_check import check as _check

_check()

from .client import DEFAULT_CONTROL, DEFAULT_PIPELINE, Client  # noqa: E402
from .consuming import consumer  # noqa: E402
from .constraints import (  # noqa: E402
    equals,
    exists,
    far,
    greater,
    less,
    matches,
    max_per,
    near,
    none_of,
    not_equals,
    not_exists,
    not_matches,
    one_of,
    preferred,
    spread,
    together,
    unique,
)
from .driving import Stream  # noqa: E402
from .errors import (  # noqa: E402
    BadEndpoint,
    Conflict,
    Invalid,
    Malformed,
    NotFound,
    ProtocolError,
    Refused,
    TaskFailed,
    TimedOut,
    TooLarge,
    Truncated,
    Unavailable,
    Unsupported,
    ZmesosError,
)
from .events import DEFAULT_EVENTS, Event, Events  # noqa: E402
from .executor import Executor  # noqa: E402
from .follow import Followed, Follower, Position, StartedOver  # noqa: E402
from .functions import BrokenTask, PythonMismatch, RemoteError, RemoteTraceback  # noqa: E402
from .jobs import TaskFuture  # noqa: E402
from .handle import Handle  # noqa: E402
from .history import Attempt, History, StateChange  # noqa: E402
from .journal import Snapshot  # noqa: E402
from .leases import Lease, scalars  # noqa: E402
from .mapping import Done  # noqa: E402
from .messages import (  # noqa: E402
    Agent,
    BackupDone,
    Consumer,
    DaemonStatus,
    Explanation,
    LeaseChange,
    Operation,
    OperationSpec,
    Orphan,
    RetryPolicy,
    Task,
    TaskSpec,
    TeardownReply,
    UnconfirmedUpdate,
    mesos,
    messages,
    scheduler,
)
from .operations import operation_spec, reserved, volume  # noqa: E402
from .results import Result  # noqa: E402
from .retries import Retry, outcome_name, retry_policy  # noqa: E402
from .specs import new_id, task_spec  # noqa: E402
from .states import (  # noqa: E402
    is_over,
    operation_is_over,
    operation_state_name,
    state_name,
    state_number,
)

__all__ = [
    "Agent",
    "Attempt",
    "BackupDone",
    "BadEndpoint",
    "BrokenTask",
    "Client",
    "Conflict",
    "Consumer",
    "DEFAULT_CONTROL",
    "DEFAULT_EVENTS",
    "DEFAULT_PIPELINE",
    "DaemonStatus",
    "Done",
    "Event",
    "Events",
    "Executor",
    "Explanation",
    "Followed",
    "Follower",
    "Handle",
    "History",
    "Invalid",
    "Lease",
    "LeaseChange",
    "Malformed",
    "NotFound",
    "Operation",
    "OperationSpec",
    "Orphan",
    "Position",
    "ProtocolError",
    "PythonMismatch",
    "Refused",
    "RemoteError",
    "RemoteTraceback",
    "Result",
    "Retry",
    "RetryPolicy",
    "Snapshot",
    "StartedOver",
    "StateChange",
    "Stream",
    "Task",
    "TaskFailed",
    "TaskFuture",
    "TaskSpec",
    "TeardownReply",
    "TimedOut",
    "TooLarge",
    "Truncated",
    "Unavailable",
    "UnconfirmedUpdate",
    "Unsupported",
    "ZmesosError",
    "consumer",
    "equals",
    "exists",
    "far",
    "greater",
    "is_over",
    "less",
    "matches",
    "max_per",
    "mesos",
    "messages",
    "near",
    "new_id",
    "none_of",
    "not_equals",
    "not_exists",
    "not_matches",
    "one_of",
    "operation_is_over",
    "operation_spec",
    "operation_state_name",
    "outcome_name",
    "preferred",
    "reserved",
    "retry_policy",
    "scalars",
    "scheduler",
    "spread",
    "state_name",
    "state_number",
    "task_spec",
    "together",
    "unique",
    "volume",
]

__version__ = "0.1.0"
