"""Leases: what is asked, and what a Lease knows of its offers afterwards, with the transport replaced by a function."""

import time

import pytest
import zmesos
from zmesos.messages import Reply, Request, messages


class Master:
    """Stands where the sockets are: a daemon with one lease of the offers o1, o2 and o3."""

    def __init__(self):
        self.requests, self.attempts = [], []
        self.offers = ["o1", "o2", "o3"]
        self.refuse = {}  # task id -> (code, field)

    def ask(self, question, timeout=None, attempts=None):
        request = Request.FromString(question.data)
        self.requests.append(request)
        self.attempts.append(attempts)
        reply = getattr(self, request.WhichOneof("operation"))(request)
        reply.version, reply.id = 1, request.id
        return reply

    def reply(self, lease_id, over=False, missing=()):
        reply = Reply(code=messages.SOME_REFUSED if missing else messages.OK, message="not its own" if missing else "")
        reply.lease.lease_id, reply.lease.role, reply.lease.valid_ms = lease_id, "r", 5000
        for name in self.offers:
            offer = reply.lease.offers.add()
            offer.id.value = name
        reply.lease.missing.extend(missing)
        reply.lease.over = over
        return reply

    def lease(self, request):
        return self.reply(request.lease.id)

    def renew_lease(self, request):
        return self.reply(request.renew_lease.lease_id)

    def release_lease(self, request):
        body = request.release_lease
        missing = [name for name in body.offer_ids if name not in self.offers]
        self.offers = [name for name in self.offers if body.offer_ids and name not in body.offer_ids]
        return self.reply(body.lease_id, over=not body.offer_ids, missing=missing)

    def place(self, request):
        reply = Reply(code=messages.OK)
        reply.items.SetInParent()
        for number, placement in enumerate(request.place.placements):
            for task_id in placement.task_ids:
                item = reply.items.items.add(task_id=task_id, code=messages.OK)
                if task_id in self.refuse:
                    code, field = self.refuse[task_id]
                    item.code, item.field = code, f"place.placements[{number}].{field}"
                    item.reason.kind = messages.Reason.CPUS
        return reply

    def close(self):
        pass


@pytest.fixture
def master():
    return Master()


@pytest.fixture
def client(master):
    made = zmesos.Client("inproc://nobody")
    made._logic._io.requester = master
    return made


def held(lease):
    return [offer.id.value for offer in lease.offers]


def test_what_is_asked_for(client, master, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)  # of what is left nothing goes while the test runs
    lease = client.lease(
        role="r", constraints=[zmesos.equals("rack", "a")], max_offers=7, duration=2.5, cpus=0.5, ports=2, despite_maintenance=True
    )
    body = master.requests[0].lease
    assert (body.role, body.max_offers, body.cpus, body.ports, body.despite_maintenance) == ("r", 7, 0.5, 2, True)
    assert body.duration.nanoseconds == 2_500_000_000 and body.constraints[0].attribute == "rack"
    assert not body.HasField("mem")
    assert lease.id == body.id and held(lease) == ["o1", "o2", "o3"] and lease.left == pytest.approx(5)


def test_each_has_an_id_so_that_a_repeated_request_is_the_same(client, master):
    client.lease(), client.lease(), client.lease(id="mine")
    ids = [request.lease.id for request in master.requests]
    assert len(set(ids)) == 3 and ids[2] == "mine" and all(ids)


def test_an_amount_that_no_lease_has(client):
    with pytest.raises(TypeError, match="bandwidth"):
        client.lease(bandwidth=1)


def test_placing_uses_up(client, master):
    lease = client.lease()
    master.refuse = {"c": (messages.CONFLICT, "task_ids[0]")}
    results = lease.place((lease.offers[0], ["a", "b"]), ("o2", "c"))
    assert [(result.id, result.code) for result in results] == [("a", "OK"), ("b", "OK"), ("c", "CONFLICT")]
    assert results[2].reason == "CPUS" and results[0].reason is None
    assert held(lease) == ["o2", "o3"]  # of o2 nothing was taken
    place = master.requests[1].place
    assert [(list(p.offer_ids), list(p.task_ids)) for p in place.placements] == [(["o1"], ["a", "b"]), (["o2"], ["c"])]
    assert master.attempts[1] == 1  # it is not repeated


def test_an_offer_that_is_not_its_own_is_forgotten(client, master):
    lease = client.lease()
    master.refuse = {"a": (messages.NOT_FOUND, "offer_ids[1]"), "b": (messages.INVALID, "offer_ids[0]")}
    lease.place((["o1", "o2"], "a"))
    assert held(lease) == ["o1", "o3"]
    lease.place((["o1", "o3"], "b"))
    assert held(lease) == ["o1", "o3"]


def test_answers_that_do_not_fit(client, master):
    lease = client.lease()
    master.place = lambda request: Reply(code=messages.OK)
    with pytest.raises(zmesos.ProtocolError):
        lease.place(("o1", "a"))


def test_renewing(client, master):
    lease = client.lease()
    master.offers = ["o2", "o9"]
    assert held(lease.renew(duration=3, max_offers=0)) == ["o2", "o9"]
    body = master.requests[1].renew_lease
    assert body.duration.nanoseconds == 3_000_000_000 and body.HasField("max_offers") and body.max_offers == 0
    lease.renew()
    assert not master.requests[2].renew_lease.HasField("duration")


def test_giving_back(client, master):
    lease = client.lease()
    lease.release([])  # nothing, and not all
    assert len(master.requests) == 1
    lease.release(lease.offers[0], refuse=5)
    assert held(lease) == ["o2", "o3"] and not lease.over
    assert master.requests[1].release_lease.refuse_seconds == 5
    with pytest.raises(zmesos.NotFound):
        lease.release(["o2", "o9"])
    assert held(lease) == ["o3"]
    lease.release()
    assert lease.over and lease.left == 0 and not master.requests[3].release_lease.HasField("refuse_seconds")


def test_the_end_of_a_with_gives_back_what_is_left(client, master):
    with client.lease() as lease:
        pass
    assert lease.over and master.requests[-1].release_lease.lease_id == lease.id
    with client.lease() as lease:
        lease.release()
    count = len(master.requests)
    with client.lease() as lease:
        master.release_lease = lambda request: Reply(code=messages.NOT_FOUND, message="over")
    assert lease.over and len(master.requests) == count + 2
    with pytest.raises(KeyError), client.lease() as lease:
        raise KeyError


def test_time_goes_by(client, monkeypatch):
    lease = client.lease()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 6)
    assert lease.left == 0


def test_scalars_over_all_reservations():
    offer = zmesos.mesos.Offer()
    for name, value in (("cpus", 1.5), ("mem", 64), ("cpus", 2)):
        offer.resources.add(name=name, type=zmesos.mesos.Value.SCALAR).scalar.value = value
    offer.resources.add(name="ports", type=zmesos.mesos.Value.RANGES).ranges.range.add(begin=1, end=2)
    assert zmesos.scalars(offer) == {"cpus": 3.5, "mem": 64}


def test_specifications_of_a_placer_and_of_one_agent():
    spec = zmesos.task_spec("true", cpus=1, placer="p", agent="S1")
    assert spec.placer == "p" and spec.constraints[0] == zmesos.equals("agent_id", "S1")
    assert not zmesos.task_spec("true", cpus=1).HasField("placer")
