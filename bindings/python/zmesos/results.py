"""What became of one item of a launch or a kill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .errors import code_name, refusal
from .messages import messages
from .states import state_name


@dataclass(frozen=True)
class Result:
    """One item's answer. `known`: the same specification had been launched before and nothing was done now."""

    id: str
    code: str = "OK"
    message: str = ""
    field: str = ""
    retry: bool = False
    state: Optional[str] = None
    revision: Optional[int] = None
    known: bool = False

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
    def of_item(cls, item: messages.Item) -> "Result":
        """From the message."""
        return cls(
            id=item.task_id,
            code=code_name(item.code),
            message=item.message,
            field=item.field,
            retry=item.retry,
            state=state_name(item.state) if item.HasField("state") else None,
            revision=item.revision if item.HasField("revision") else None,
            known=item.known,
        )
