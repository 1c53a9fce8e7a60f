"""Leases: offers for this client alone, for some seconds, and tasks placed on them (docs/protocol.md "Leases")."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Awaitable, Callable, Iterable, Mapping, Optional, Sequence, Union

from .constraints import Constraint
from .driving import document, drive
from .errors import NotFound, ProtocolError, refusal
from .messages import LeaseReply, Reply, Request, mesos, messages
from .results import Result
from .retries import duration as as_duration
from .specs import new_id

OfferLike = Union[str, mesos.Offer]
OffersLike = Union[OfferLike, Iterable[OfferLike]]
IdsLike = Union[str, Iterable[str]]
Placement = Union[tuple[OffersLike, IdsLike], tuple[OffersLike, IdsLike, IdsLike]]  # offers, tasks, operations
Ask = Callable[..., Awaitable[Reply]]


class Lease:
    """Made by Client.lease(). `offers` is what it holds as far as is known here: after renew() all of it. Used in a
    `with`, what is left of it goes back at the end; without, when its time is over.

    One that is over raises NotFound. The daemon ends it also when it loses its master."""

    def __init__(self, logic: "AsyncLease") -> None:
        self._logic = logic

    @property
    def id(self) -> str:
        """Names it to the daemon."""
        return self._logic.id

    @property
    def role(self) -> str:
        """Whose offers it holds."""
        return self._logic.role

    @property
    def over(self) -> bool:
        """Whether it is known to have ended."""
        return self._logic.over

    @property
    def offers(self) -> list[mesos.Offer]:
        """What it holds as far as is known here."""
        return self._logic.offers

    @property
    def left(self) -> float:
        """Seconds until it ends, at least 0."""
        return self._logic.left

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        drive(self._logic._leave())

    def renew(self, duration: Optional[float] = None, max_offers: Optional[int] = None) -> "Lease":
        """It lasts so many seconds from now on (none: as long as when it was made), and `offers` is all that it holds:
        those that came since, too. max_offers: from now on; 0 for no more than it has."""
        drive(self._logic.renew(duration, max_offers))
        return self

    def place(self, *placements: Placement) -> list[Result]:
        """Puts tasks that wait on offers: each placement is an offer, or several of one agent, and the ids of tasks; and
        perhaps of operations, which are done before them. One result for each operation and each task of a placement, in
        order, refused ones included. All that goes to an offer goes into one placement: what it leaves comes back as
        another offer.

        It is sent once: after TimedOut it may have been done; the tasks tell.
        """
        return drive(self._logic.place(*placements))

    def release(self, offers: Optional[OffersLike] = None, refuse: Optional[float] = None) -> None:
        """Gives these offers back, or all and with them the lease: the daemon's own matching has them at once.
        refuse: seconds for which the master is to offer what is in them to others instead. NotFound where it did not
        hold all of them; the others are given back."""
        drive(self._logic.release(offers, refuse))


class AsyncLease:
    """As zmesos.Lease, for asyncio: made by `await client.lease(...)`, or `async with client.lease(...) as lease`."""

    def __init__(self, ask: Ask, reply: LeaseReply) -> None:
        self._ask = ask
        self._id = reply.lease_id
        self._role = reply.role
        self._over = False
        self._offers: list[mesos.Offer] = []
        self._ends = 0.0
        self._take(reply)

    def _take(self, reply: LeaseReply) -> None:
        self._offers = list(reply.offers)
        self._ends = time.monotonic() + reply.valid_ms / 1000
        self._over = reply.over

    @property
    def id(self) -> str:
        return self._id

    @property
    def role(self) -> str:
        return self._role

    @property
    def over(self) -> bool:
        return self._over

    @property
    def offers(self) -> list[mesos.Offer]:
        return self._offers

    @property
    def left(self) -> float:
        return 0.0 if self._over else max(0.0, self._ends - time.monotonic())

    async def __aenter__(self) -> "AsyncLease":
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self._leave()

    async def _leave(self) -> None:
        if not self._over:
            try:
                await self.release()
            except NotFound:  # it ended by itself
                self._over = True

    async def renew(self, duration: Optional[float] = None, max_offers: Optional[int] = None) -> "AsyncLease":
        body = messages.RenewLease(lease_id=self.id, max_offers=max_offers)
        if duration is not None:
            body.duration.CopyFrom(as_duration(duration))
        self._take((await self._ask(Request(renew_lease=body))).lease)
        return self

    async def place(self, *placements: Placement) -> list[Result]:
        body = messages.Place(lease_id=self.id)
        for offers, tasks, *operations in placements:
            body.placements.add(offer_ids=_ids(offers), task_ids=_texts(tasks),
                                operation_ids=_texts(*operations) if operations else [])
        reply = await self._ask(Request(place=body), attempts=1)
        items = reply.items.items
        if len(items) != sum(map(_named, body.placements)):
            raise ProtocolError(f"{len(items)} results for what was placed")
        results = [Result.of_item(item) for item in items]
        self._drop(_used(body.placements, results))
        return results

    async def release(self, offers: Optional[OffersLike] = None, refuse: Optional[float] = None) -> None:
        ids = [] if offers is None else _ids(offers)
        if offers is not None and not ids:
            return
        body = messages.ReleaseLease(lease_id=self.id, offer_ids=ids, refuse_seconds=refuse)
        reply = await self._ask(Request(release_lease=body))
        self._take(reply.lease)
        if reply.lease.missing:
            raise refusal("NOT_FOUND", reply.message, "release_lease.offer_ids")

    def _drop(self, ids: set[str]) -> None:
        self._offers = [offer for offer in self._offers if offer.id.value not in ids]


document(AsyncLease, Lease)


def _ids(offers: OffersLike) -> list[str]:
    if isinstance(offers, (str, mesos.Offer)):
        offers = [offers]
    return [offer if isinstance(offer, str) else offer.id.value for offer in offers]


def _texts(ids: IdsLike) -> list[str]:
    return [ids] if isinstance(ids, str) else list(ids)


def _named(placement: messages.Place.Placement) -> int:
    """How many results a placement has."""
    return len(placement.operation_ids) + len(placement.task_ids)


def _used(placements: Iterable[messages.Place.Placement], results: Sequence[Result]) -> set[str]:
    """Offers on which something was placed, and those that the daemon does not know any more."""
    used: set[str] = set()
    at = 0
    for placement in placements:
        of_it = results[at : at + _named(placement)]
        at += len(of_it)
        if any(result.ok for result in of_it):
            used.update(placement.offer_ids)
        for result in of_it:
            if ".offer_ids[" in result.field and result.code in ("NOT_FOUND", "CONFLICT"):
                used.add(placement.offer_ids[int(result.field.rsplit("[", 1)[1].rstrip("]"))])
    return used


def lease_request(
    *,
    id: Optional[str] = None,
    role: Optional[str] = None,
    constraints: Iterable[Constraint] = (),
    max_offers: Optional[int] = None,
    duration: Optional[float] = None,
    despite_maintenance: Optional[bool] = None,
    **amounts: float,
) -> messages.Lease:
    """The message that asks for a lease, from Client.lease()'s arguments."""
    body = messages.Lease(
        id=new_id("lease") if id is None else id,
        role=role,
        constraints=constraints,
        max_offers=max_offers,
    )
    if despite_maintenance is not None:
        body.despite_maintenance = despite_maintenance
    for name, amount in amounts.items():
        if name not in ("cpus", "mem", "disk", "gpus", "ports"):
            raise TypeError(f"a lease is not asked for with {name!r}")
        setattr(body, name, amount)
    if duration is not None:
        body.duration.CopyFrom(as_duration(duration))
    return body


def scalars(offer: mesos.Offer) -> Mapping[str, float]:
    """How much of each scalar an offer has, over all its reservations."""
    amounts: dict[str, float] = {}
    for resource in offer.resources:
        if resource.type == mesos.Value.SCALAR:
            amounts[resource.name] = amounts.get(resource.name, 0.0) + resource.scalar.value
    return amounts
