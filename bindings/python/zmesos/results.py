"""What became of one item of a launch, a kill, a release, a confirm, an operate, a cancel_operations or a placement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .errors import code_name, refusal
from .messages import messages
from .states import operation_state_name, state_name


@dataclass(frozen=True)
class Result:
    """One item's answer. `known`: nothing was done now, because the same specification had been launched before, or the
    task to be released was not held, or the update was acknowledged. `kept`: of a launch, for how many seconds at most
    the id stays known after the task is over. `reason`: of a placement, what the offers lack, as CPUS or CONSTRAINT."""

    id: str
    code: str = "OK"
    message: str = ""
    field: str = ""
    retry: bool = False
    state: Optional[str] = None
    revision: Optional[int] = None
    known: bool = False
    kept: Optional[float] = None
    reason: Optional[str] = None

    @property
    def ok(self) -> bool:
        """Whether the item was taken."""
        return self.code == "OK"

    def check(self) -> "Result":
        """Itself if the item was taken; raises the refusal otherwise."""
        if not self.ok:
            raise refusal(self.code, self.message, self.field, self.retry)
        return self

    @classmethod
    def of_item(cls, item: messages.Item, items: Optional[messages.Items] = None) -> "Result":
        """From the message, and the list that it is of."""
        return cls(
            id=item.operation_id or item.task_id,
            code=code_name(item.code),
            message=item.message,
            field=item.field,
            retry=item.retry,
            state=_state(item),
            revision=item.revision if item.HasField("revision") else None,
            known=item.known,
            reason=messages.Reason.Kind.Name(item.reason.kind) if item.reason.HasField("kind") else None,
            kept=items.kept_ms / 1000 if items is not None and items.HasField("kept_ms") else None,
        )


def _state(item: messages.Item) -> Optional[str]:
    if item.HasField("operation_state"):
        return operation_state_name(item.operation_state)
    return state_name(item.state) if item.HasField("state") else None
