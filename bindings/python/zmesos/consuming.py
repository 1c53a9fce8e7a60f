"""What a consumer of updates asks: which wait for it, and that they are kept. A part of Client."""

from __future__ import annotations

from typing import TYPE_CHECKING, AsyncGenerator, Iterable, Iterator, Mapping, Optional, Sequence, Union

from .batches import MAX_CONFIRM, split
from .driving import Stream, document, drive, streamed
from .errors import ProtocolError
from .messages import Consumer, Reply, Request, UnconfirmedUpdate, messages
from .results import Result
from .retries import duration

if TYPE_CHECKING:
    from .client import AsyncClient

# Of a specification: its name, the message, or consumer()'s arguments as a dictionary.
ConsumerLike = Union[str, Consumer, Mapping[str, object]]
# Of a confirm: what unconfirmed() gave, or id, attempt and uuid.
UpdateLike = Union[UnconfirmedUpdate, tuple[str, int, bytes]]


def consumer(name: str, timeout: Optional[float] = None, after_timeout: Optional[str] = None) -> Consumer:
    """The consumer of a task's updates. timeout: seconds for each to be confirmed (60); after_timeout: "ACKNOWLEDGE"
    without (the default), or "WAIT" for ever."""
    made = Consumer(name=name)
    if timeout is not None:
        made.timeout.CopyFrom(duration(timeout))
    if after_timeout is not None:
        made.after_timeout = Consumer.AfterTimeout.Value(after_timeout.upper())
    return made


def as_consumer(like: ConsumerLike) -> Consumer:
    """A consumer as it is, by its name, or from a dictionary; TypeError for a name it does not have."""
    if isinstance(like, Consumer):
        return like
    return consumer(like) if isinstance(like, str) else consumer(**like)  # type: ignore[arg-type]


def _as_update(like: UpdateLike) -> messages.Confirm.Update:
    if isinstance(like, tuple):
        task_id, attempt, uuid = like
        return messages.Confirm.Update(task_id=task_id, attempt=attempt, uuid=uuid)
    return messages.Confirm.Update(task_id=like.task_id, attempt=like.attempt, uuid=like.uuid)


class Consuming:
    """What Client inherits; not for itself."""

    _logic: "AsyncClient"

    def unconfirmed(self, consumer: Optional[str] = None, page_size: int = 500) -> Stream[UnconfirmedUpdate]:
        """The updates that wait for a consumer (None: for any), in the order in which they came, a page at a time as
        they are iterated. `event` of each is what the master sent: scheduler.Event.FromString(update.event)."""
        return Stream(self._logic.unconfirmed(consumer, page_size))

    def confirm(self, consumer: str, updates: Iterable[UpdateLike]) -> list[Result]:
        """Says that these updates are kept, so that Mesos may forget them: what unconfirmed() gave, or tuples of task id,
        attempt and uuid. One result for each, in order, refused ones included: `known` where it was acknowledged before,
        code NOT_FOUND where no such update waits. It can be repeated."""
        return drive(self._logic.confirm(consumer, updates))


class AsyncConsuming:
    """What aio.Client inherits: the logic of Consuming."""

    async def _ask(self, request: Request, timeout: Optional[float] = None, attempts: Optional[int] = None) -> Reply:
        raise NotImplementedError

    async def _collect(
        self, requests: Iterable[Request], places: Sequence[Sequence[int]], results: dict[int, Result]
    ) -> None:
        raise NotImplementedError

    @streamed
    async def unconfirmed(
        self, consumer: Optional[str] = None, page_size: int = 500
    ) -> AsyncGenerator[UnconfirmedUpdate, None]:
        request = messages.Unconfirmed(page_size=page_size)
        if consumer is not None:
            request.consumer = consumer
        while True:
            page = (await self._ask(Request(unconfirmed=request))).unconfirmed
            for update in page.updates:
                yield update
            if not page.HasField("next"):
                return
            if page.next <= request.after:
                raise ProtocolError(f"a page after {request.after} that is followed by {page.next}")
            request.after = page.next

    async def confirm(self, consumer: str, updates: Iterable[UpdateLike]) -> list[Result]:
        results: dict[int, Result] = {}
        places: list[list[int]] = []

        def requests() -> Iterator[Request]:
            numbered = enumerate(_as_update(like) for like in updates)
            for run in split(numbered, lambda entry: entry[1].ByteSize(), MAX_CONFIRM):
                places.append([place for place, _ in run])
                yield Request(confirm=messages.Confirm(consumer=consumer, updates=[update for _, update in run]))

        await self._collect(requests(), places, results)
        return [results[place] for place in sorted(results)]


document(AsyncConsuming, Consuming)
