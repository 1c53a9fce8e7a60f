"""Reservations, volumes and disks: each operation against the master, from the request to the offers that follow."""
import re

import pytest

import zmesos
from programs import PATIENCE, REAL_MASTER, wait_for

ROLE = "keeper"


@pytest.fixture
def keeper(start_cluster):
    return start_cluster("--role", ROLE)


def operation(kind, **body):
    return zmesos.mesos.Offer.Operation(type=kind, **{kind.lower(): body})


def done(client, made, **fields):
    """The operation once it is over; it has to be FINISHED."""
    name = client.operate(made, **fields).id
    ended = client.wait_operations(name, timeout=PATIENCE)[name]
    assert zmesos.operation_state_name(ended.state) == "FINISHED", ended
    return ended


def offered(events, wanted):
    """The next offered resource for which wanted(resource) holds."""
    for event in events.within(PATIENCE):
        for offer in event.mesos.offers.offers:
            for resource in offer.resources:
                if wanted(resource):
                    return resource
    raise AssertionError("no such offer came")


def look(client):
    """Makes offers come: something waits that fits nowhere."""
    client.operate(operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=100000)), id="never")
    return client


def test_each_operation_on_reservations_and_volumes(keeper):
    with keeper.client() as client, keeper.subscribe("mesos/OFFERS") as offers, keeper.subscribe("operation/") as events:
        look(client)
        # The volume takes all of the disk before it shrinks: Mesos 1.12 leaves what is beside it out of later offers.
        disk, cpus = zmesos.reserved(ROLE, disk=48), zmesos.reserved(ROLE, cpus=0.5)
        first = done(client, operation("RESERVE", resources=disk + cpus), id="reserve", labels={"of": "test"})
        pin = [zmesos.equals("agent_id", first.agent_id)]
        assert first.sent == 1 and first.hostname and first.operation_id.startswith("reserve.")
        reserved = offered(offers, lambda r: r.reservations and r.name == "cpus")
        assert reserved.scalar.value == 0.5 and reserved.reservations[-1].role == ROLE

        volume = zmesos.volume(ROLE, "v1", 32, "data")
        done(client, operation("CREATE", volumes=[volume]), id="create", constraints=pin)
        assert offered(offers, lambda r: r.HasField("disk") and r.disk.HasField("persistence")).scalar.value == 32

        done(client, operation("GROW_VOLUME", volume=volume, addition=zmesos.reserved(ROLE, disk=16)[0]), id="grow",
             constraints=pin)
        larger = zmesos.volume(ROLE, "v1", 48, "data")
        assert offered(offers, lambda r: r.disk.HasField("persistence") and r.scalar.value != 32).scalar.value == 48

        client.launch("echo kept >> data/file", id="writes", role=ROLE, cpus=0.1, mem=32,
                      resources=[{"name": "disk", "disk": {"persistence_id": "v1"}}])
        assert zmesos.state_name(client.wait("writes", timeout=PATIENCE).state) == "FINISHED"
        client.launch("grep -x kept data/file", id="reads", role=ROLE, cpus=0.1, mem=32,
                      resources=[{"name": "disk", "disk": {"persistence_id": "v1"}}])
        assert zmesos.state_name(client.wait("reads", timeout=PATIENCE).state) == "FINISHED"

        done(client, operation("SHRINK_VOLUME", volume=larger, subtract=zmesos.mesos.Value.Scalar(value=40)),
             id="shrink", constraints=pin)
        small = zmesos.volume(ROLE, "v1", 8, "data")
        done(client, operation("DESTROY", volumes=[small]), id="destroy", constraints=pin)
        done(client, operation("UNRESERVE", resources=disk + cpus), id="unreserve", constraints=pin)
        client.cancel_operations("never")

        names = ["reserve", "create", "grow", "shrink", "destroy", "unreserve"]
        assert [o.id for o in client.operations(state="FINISHED")] == names
        assert [o.id for o in client.operations(label=("of", "test"))] == ["reserve"]
        assert {o.agent_id for o in client.get_operations(names).values()} == {first.agent_id}
        told = [e.topic for e in events.catch_up(client.status()) if e.topic.split("/")[1] != "never"]
        assert told == [f"operation/{name}/{state}" for name in names for state in ("QUEUED", "SENT", "FINISHED")]
        if keeper.local:
            wait_for(lambda: keeper.local.calls("ACKNOWLEDGE_OPERATION_STATUS") == len(names), "acknowledgements")


def test_what_the_master_refuses_is_an_error_with_its_words(keeper):
    """No agent of these has a resource provider; a reservation for the scheduler API has no source."""
    with keeper.client() as client:
        changed = operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=0.5))
        client.operate(operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=0.5)), id="first")
        first = client.wait_operations("first", timeout=PATIENCE)["first"]
        assert zmesos.operation_state_name(first.state) == "FINISHED"
        changed.reserve.source.extend(zmesos.reserved(ROLE, cpus=0.5))
        client.operate(changed, id="again", constraints=[zmesos.equals("agent_id", first.agent_id)])
        again = client.wait_operations("again", timeout=PATIENCE)["again"]
        if REAL_MASTER:
            assert zmesos.operation_state_name(again.state) == "ERROR" and "not yet implemented" in again.message
        done(client, operation("UNRESERVE", resources=zmesos.reserved(ROLE, cpus=0.5)))


def test_an_operation_waits_for_its_turn_and_can_be_cancelled(keeper):
    with keeper.client() as client:
        client.operate(operation("CREATE", volumes=[zmesos.volume(ROLE, "v2", 16, "data")]), id="early")
        waiting = wait_for(lambda: client.operation("early").obstacle or None, "an offer that does not do")
        assert "operation.create.volumes[0]" in waiting
        assert zmesos.operation_state_name(client.operation("early").state) == "QUEUED"
        first = done(client, operation("RESERVE", resources=zmesos.reserved(ROLE, disk=16)), id="late")
        early = client.wait_operations("early", timeout=PATIENCE)["early"]
        assert zmesos.operation_state_name(early.state) == "FINISHED" and early.agent_id == first.agent_id
        client.operate(operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=100000)), id="never")
        assert client.cancel_operations("never")[0].state == "CANCELLED"
        with pytest.raises(zmesos.NotFound):
            client.cancel_operations("nobody")
        done(client, operation("DESTROY", volumes=[zmesos.volume(ROLE, "v2", 16, "data")]))
        done(client, operation("UNRESERVE", resources=zmesos.reserved(ROLE, disk=16)))


def test_the_same_again_is_known_and_another_a_conflict(keeper):
    with keeper.client() as client:
        made = operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=0.25))
        assert not client.operate(made, id="once").known
        client.wait_operations("once", timeout=PATIENCE)
        again = client.operate(made, id="once")
        assert again.known and again.state == "FINISHED"
        with pytest.raises(zmesos.Conflict):
            client.operate(operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=0.5)), id="once")
        with pytest.raises(zmesos.Invalid) as caught:
            client.operate(zmesos.mesos.Offer.Operation(type="LAUNCH"), id="task")
        assert caught.value.field == "operate.operations[0].operation.type"
        assert client.operation("once", with_spec=True).spec.operation == made
        done(client, operation("UNRESERVE", resources=zmesos.reserved(ROLE, cpus=0.25)))


def test_operations_survive_a_crash(keeper):
    """Killed again and again while they go on: each is done once."""
    amounts = [0.125 * (i + 1) for i in range(6)]
    with keeper.client() as client:
        for i, amount in enumerate(amounts):
            client.operate(operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=amount)), id=f"r{i}")
    for _ in range(4):
        keeper.restart(kill=True)
        keeper.wait_subscribed()
    with keeper.client() as client:
        names = [f"r{i}" for i in range(len(amounts))]
        ended = client.wait_operations(*names, timeout=200)
        assert {zmesos.operation_state_name(o.state) for o in ended.values()} == {"FINISHED"}
        if keeper.local:
            totals = [agent["total"] for agent in keeper.local.state()["agents"]]
            assert sum(map(float, re.findall(r"cpus\(reservations: \S+\):([0-9.]+)", " ".join(totals)))) == sum(amounts)
        for name in names:
            body = zmesos.reserved(ROLE, cpus=amounts[names.index(name)])
            done(client, operation("UNRESERVE", resources=body), id="un" + name,
                 constraints=[zmesos.equals("agent_id", ended[name].agent_id)])
