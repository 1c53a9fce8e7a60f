"""Reservations, volumes and disks: each operation against the master, from the request to the offers that follow."""
import json
import re

import pytest

import zmesos
from command_line import Cli
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
        told = [e.topic for e in events.catch_up(client.status(), PATIENCE) if e.topic.split("/")[1] != "never"]
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


def test_the_command_line(keeper):
    cli = Cli(keeper)
    reserve = {"id": "r", "operation": {"type": "RESERVE", "reserve": {"resources": [
        {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}, "reservations": [{"type": "DYNAMIC", "role": ROLE}]}]}}}
    too_much = json.loads(json.dumps(reserve).replace("0.5", "100000").replace('"r"', '"never"'))
    done = cli("operate", "-", text=json.dumps([reserve, too_much]))
    assert "OPERATION  RESULT" in done.stdout and done.stdout.count("taken") == 2
    with keeper.client() as client:
        ended = client.wait_operations("r", timeout=PATIENCE)["r"]
        wait_for(lambda: client.operation("never").obstacle, "an offer that does not do")
    assert "known" in cli("operate", "-", text=json.dumps(reserve)).stdout
    assert "CONFLICT" in cli("operate", "-", text=json.dumps({**too_much, "id": "r"}), code=1).stdout
    listed = {line["id"]: line for line in cli.json("operations")}
    assert listed["r"]["state"] == "FINISHED" and listed["never"]["state"] == "QUEUED"
    assert [line["id"] for line in cli.json("operations", "--state", "finished")] == ["r"]
    assert "operation.reserve.resources[0]" in cli("operations", "never").stdout
    assert "there is no operation nobody" in cli("operations", "r", "nobody", code=1).stderr
    assert "CANCELLED" in cli("cancel-operation", "never").stdout
    assert "NOT_FOUND" in cli("cancel-operation", "nobody", code=1).stdout
    cli("operations", "--state", "odd", code=2)
    cli("operate", code=2)
    cli("operate", "-", text="[]", code=2)
    with keeper.client() as client:
        done = client.operate({"type": "UNRESERVE", "unreserve": reserve["operation"]["reserve"]},
                              constraints=[zmesos.equals("agent_id", ended.agent_id)])
        client.wait_operations(done.id, timeout=PATIENCE)


# ---- faults ------------------------------------------------------------------------------------------------------------

def sent(keeper, kind):
    """The operations of that type that were in ACCEPTs, in order."""
    return [o for call in keeper.local.call_log("ACCEPT") if call["call"]
            for o in call["call"]["accept"].get("operations", []) if o["type"] == kind]


def test_a_status_is_acknowledged_each_time(keeper, needs_local):
    with keeper.client() as client, keeper.subscribe("mesos/UPDATE_OPERATION_STATUS") as events:
        keeper.local.swallow("ACKNOWLEDGE_OPERATION_STATUS")
        done(client, operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=0.5)), id="one")
        first, second = events.recv(PATIENCE), events.recv(PATIENCE)
        assert first.body == second.body
        wait_for(lambda: keeper.local.calls("ACKNOWLEDGE_OPERATION_STATUS") == 2, "both acknowledgements")
        assert client.operation("one").revision == 3


def test_a_lost_accept_is_proved_and_sent_again(keeper, needs_local):
    with keeper.client() as client:
        keeper.local.swallow("ACCEPT")
        client.operate(operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=0.5)), id="lost")
        first = wait_for(lambda: client.operation("lost").operation_id, "it to be sent")
        ended = client.wait_operations("lost", timeout=4 * PATIENCE)["lost"]
        assert zmesos.operation_state_name(ended.state) == "FINISHED" and ended.sent == 2
        assert sent(keeper, "RESERVE")[-1]["id"]["value"] == ended.operation_id != first
        assert keeper.local.calls("RECONCILE_OPERATIONS") >= 2


def test_an_offer_that_is_gone_is_not_the_end(keeper, needs_local):
    with keeper.client() as client:
        keeper.local.fault("delay", call="ACCEPT", what="call", ms=9000)  # it is not asked about before ten
        client.operate(operation("RESERVE", resources=zmesos.reserved(ROLE, cpus=0.5)), id="late")
        wait_for(lambda: client.operation("late").sent, "it to be sent")
        keeper.local.fault("rescind")
        ended = client.wait_operations("late", timeout=PATIENCE)["late"]
        assert zmesos.operation_state_name(ended.state) == "FINISHED" and ended.sent == 2


def test_disks_of_a_provider(keeper, needs_local):
    """zmesos-local has no provider, so its words are put into its mouth: the offer, and what becomes of the operation."""
    raw = {"name": "disk", "type": "SCALAR", "scalar": {"value": 100}, "provider_id": {"value": "p1"},
           "disk": {"source": {"type": "RAW", "id": "d1", "profile": "fast"}}}
    agent = keeper.local.state()["agents"][0]["id"]
    framework = keeper.status().framework_id
    bodies = {"CREATE_DISK": {"create_disk": {"source": raw, "target_type": "MOUNT"}}, "DESTROY_DISK": {"destroy_disk": {"source": raw}}}
    with keeper.client() as client, keeper.subscribe("operation/") as events:
        for number, (kind, body) in enumerate(bodies.items(), 1):
            client.operate({"type": kind, **body}, id=kind)
            keeper.local.swallow("ACCEPT")  # it knows no such offer
            keeper.local.fault("send_event", event={"type": "OFFERS", "offers": {"offers": [{
                "id": {"value": f"raw-{number}"}, "framework_id": {"value": framework}, "agent_id": {"value": agent},
                "hostname": "h", "allocation_info": {"role": ROLE},
                "resources": [{**raw, "allocation_info": {"role": ROLE}}]}]}})
            name = wait_for(lambda: client.operation(kind).operation_id, "it to be sent")
            status = {"operation_id": {"value": name}, "agent_id": {"value": agent},
                      "resource_provider_id": {"value": "p1"}}
            for state, more in (("PENDING", {}), ("FINISHED", {"converted_resources": [{**raw, "scalar": {"value": 99}}]})):
                keeper.local.fault("send_event", event={"type": "UPDATE_OPERATION_STATUS", "update_operation_status": {
                    "status": {**status, **more, "state": f"OPERATION_{state}", "uuid": {"value": "AAECAwQFBgcICQoLDA0ODw=="}}}})
            ended = client.wait_operations(kind, timeout=PATIENCE)[kind]
            assert zmesos.operation_state_name(ended.state) == "FINISHED" and ended.resource_provider_id == "p1"
            assert ended.converted_resources[0].scalar.value == 99
            asked, = wait_for(lambda: sent(keeper, kind), "the ACCEPT")
            assert asked["id"] == {"value": name} and asked[kind.lower()] == body[kind.lower()]
            told = [events.recv(PATIENCE) for _ in range(4)]
            assert [e.topic.split("/")[2] for e in told] == ["QUEUED", "SENT", "PENDING", "FINISHED"]
            assert told[-1].operation.converted_resources == ended.converted_resources
            wait_for(lambda: keeper.local.calls("ACKNOWLEDGE_OPERATION_STATUS") == 2 * number, "acknowledgements")
