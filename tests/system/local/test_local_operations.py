"""Operations of ACCEPT that are no launches: what they make of resources, what they say, until when. The words were compared
with those of a real master."""
import uuid

import pytest

from local_program import until
from local_scheduler import Framework, fresh, info, scalar, task

CAPABILITIES = [{"type": name} for name in ("MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE",
                                            "RESERVATION_REFINEMENT", "SHARED_RESOURCES")]
STACK = [{"type": "DYNAMIC", "role": "web"}]


def subscribe(local, **fields):
    return Framework(local.master, info(**{"roles": ["web"], "capabilities": CAPABILITIES, **fields}))


def reserved(name, value, **fields):
    return scalar(name, value, **{"reservations": STACK, **fields})


def volume(value, name="v", **fields):
    disk = {"persistence": {"id": name}, "volume": {"container_path": "data", "mode": "RW"}}
    return reserved("disk", value, **{"disk": disk, **fields})


def operation(kind, **body):
    return {"type": kind, "id": {"value": f"op-{uuid.uuid4().hex[:12]}"}, kind.lower(): body}


def status_of(framework, wanted, acknowledge=True):
    name = wanted["id"]
    status = framework.wait("UPDATE_OPERATION_STATUS", lambda body: body["status"]["operation_id"] == name)["status"]
    if "uuid" in status and acknowledge:
        acknowledge_it(framework, status)
    return status


def acknowledge_it(framework, status):
    framework.call("ACKNOWLEDGE_OPERATION_STATUS", agent_id=status["agent_id"], uuid=status["uuid"]["value"],
                   operation_id=status["operation_id"])


def do(framework, offer, *operations, **fields):
    """All done, in one ACCEPT."""
    framework.accept(offer, *operations, **fields)
    for one in operations:
        status = status_of(framework, one)
        assert (status["state"], "message" in status) == ("OPERATION_FINISHED", False)


def refused(framework, one, offer=None):
    """What is said of an operation that is wrong."""
    framework.accept(offer or framework.offer(), one)
    status = status_of(framework, one)
    assert status["state"] == "OPERATION_ERROR"
    assert sorted(status) == ["message", "operation_id", "state"]
    return status["message"]


def offer_with(framework, wanted):
    return framework.offer(lambda offer: any(wanted(resource) for resource in offer["resources"]))


def is_volume(resource):
    return "disk" in resource


def disks(offer):
    """Amounts of disk: free, reserved, volumes."""
    found = {"free": 0, "reserved": 0}
    for resource in offer["resources"]:
        if is_volume(resource):
            found[resource["disk"]["persistence"]["id"]] = resource["scalar"]["value"]
        elif resource["name"] == "disk":
            found["reserved" if "reservations" in resource else "free"] += resource["scalar"]["value"]
    return found


def reconcile(framework, name, agent=None):
    framework.call("RECONCILE_OPERATIONS", operations=[
        {"operation_id": name, **({"agent_id": agent} if agent else {})}])
    return framework.wait("UPDATE_OPERATION_STATUS", lambda body: body["status"]["operation_id"] == name)["status"]


def test_a_volume_outlives_its_tasks(local):
    framework = subscribe(local)
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("disk", 64)]),
       operation("CREATE", volumes=[volume(64)]))
    for command in ("echo kept > data/file", "grep kept data/file"):
        offer, name = offer_with(framework, is_volume), fresh()
        framework.launch(offer, task(name, offer, command, resources=[
            scalar("cpus", 0.1), scalar("mem", 32), next(r for r in offer["resources"] if is_volume(r))]))
        framework.update(name, "TASK_FINISHED")
    assert [path.read_text() for path in local.work_dir.rglob("file") if not path.parent.is_symlink()] == ["kept\n"]
    do(framework, offer_with(framework, is_volume), operation("DESTROY", volumes=[volume(64)]))
    assert not list(local.work_dir.rglob("file"))
    framework.whole_offer(lambda offer: disks(offer) == {"free": 4032, "reserved": 64})


def test_a_volume_grows_and_shrinks(local):
    framework = subscribe(local)
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("disk", 100)]),
       operation("CREATE", volumes=[volume(64)]))
    offer = offer_with(framework, is_volume)
    assert disks(offer) == {"free": 3996, "reserved": 36, "v": 64}
    do(framework, offer, operation("GROW_VOLUME", volume=volume(64), addition=reserved("disk", 36)))
    offer = offer_with(framework, is_volume)
    assert disks(offer) == {"free": 3996, "reserved": 0, "v": 100}
    do(framework, offer, operation("SHRINK_VOLUME", volume=volume(100), subtract={"value": 99.5}))
    offer = offer_with(framework, is_volume)
    assert disks(offer) == {"free": 3996, "reserved": 99.5, "v": 0.5}
    do(framework, offer, operation("DESTROY", volumes=[volume(0.5)]),
       operation("UNRESERVE", resources=[reserved("disk", 100)]))
    assert disks(framework.offer()) == {"free": 4096, "reserved": 0}


def test_what_operations_make_is_not_declined(local):
    """The filters of the call are for what was offered and left."""
    framework = subscribe(local)
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("cpus", 1)]), refuse_seconds=1000)
    offer_with(framework, lambda resource: "reservations" in resource)


def test_without_an_id_nothing_is_said(local):
    framework = subscribe(local)
    done, wrong = operation("RESERVE", resources=[reserved("cpus", 1)]), operation("RESERVE", resources=[])
    del done["id"], wrong["id"]
    framework.accept(framework.offer(), done, wrong)
    offer_with(framework, lambda resource: "reservations" in resource)
    assert "UPDATE_OPERATION_STATUS" not in [event["type"] for event in framework.seen]


def test_reservations_in_the_old_form(local):
    framework = subscribe(local, capabilities=CAPABILITIES[:3])
    mine = scalar("cpus", 1, role="web", reservation={"labels": {"labels": [{"key": "a", "value": "b"}]}})
    do(framework, framework.offer(), operation("RESERVE", resources=[mine]))
    offer = offer_with(framework, lambda resource: "reservation" in resource)
    assert {**mine, "allocation_info": {"role": "web"}} in offer["resources"]
    do(framework, offer, operation("UNRESERVE", resources=[mine]))


def test_a_reservation_is_for_its_role(local):
    framework = subscribe(local)
    offer = framework.offer()
    do(framework, offer, operation("RESERVE", resources=[reserved("cpus", 1), reserved("mem", 100)]))
    framework.call("SUPPRESS")
    framework.call("RECONCILE", tasks=[{"task_id": {"value": "now"}}])
    framework.update("now")                                      # what was offered before is known now
    framework.give_back()
    other = Framework(local.master, info(roles=["other"], capabilities=CAPABILITIES))
    amounts = {r["name"]: r["scalar"]["value"] for r in other.offer()["resources"] if "scalar" in r}
    assert (amounts["cpus"], amounts["mem"]) == (3, 3996)


def test_a_shared_volume_is_for_many(local):
    framework = subscribe(local)
    shared = volume(64, shared={})
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("disk", 64)]),
       operation("CREATE", volumes=[shared]))
    names = [fresh(), fresh()]
    for name in names:
        offer = offer_with(framework, is_volume)
        framework.launch(offer, task(name, offer, "sleep 1000", resources=[
            scalar("cpus", 0.1), scalar("mem", 32), next(r for r in offer["resources"] if is_volume(r))]))
        framework.update(name, "TASK_RUNNING")
    assert "Persistent volumes in use; on agent" in refused(framework, operation("DESTROY", volumes=[shared]))
    for name in names:
        framework.call("KILL", task_id={"value": name})
        framework.update(name, "TASK_KILLED")
    do(framework, offer_with(framework, is_volume), operation("DESTROY", volumes=[shared]))
    framework.whole_offer(lambda offer: disks(offer) == {"free": 4032, "reserved": 64})


def test_a_shared_volume_is_not_for_those_that_do_not_know_it(local):
    framework = subscribe(local)
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("disk", 64)]),
       operation("CREATE", volumes=[volume(64, shared={})]))
    assert is_volume(next(r for r in framework.offer()["resources"] if r.get("shared") is not None))
    framework.close()
    other = subscribe(local, capabilities=CAPABILITIES[:4])
    offer = other.offer()
    assert disks(offer) == {"free": 4032, "reserved": 0}
    assert "with no SHARED_RESOURCES capability" in refused(
        other, operation("CREATE", volumes=[volume(64, "w", shared={})]), offer)


WRONG = [
    ("RESERVE", {"resources": []}, "Invalid resources: The resources have multiple resource providers: ; on agent"),
    ("RESERVE", {"resources": [scalar("cpus", 1)]}, "Resource cpus(allocated: web):1 is not dynamically reserved; on"),
    ("RESERVE", {"resources": [reserved("cpus", 1, reservations=[{"type": "DYNAMIC", "role": "other"}])]},
     "A reserve operation was attempted for a resource with role 'other', but the resource was allocated to role 'web'"),
    ("RESERVE", {"resources": [reserved("cpus", 99)]},
     "disk(allocated: web):4096 does not contain cpus(allocated: web):99"),
    ("RESERVE", {"resources": [reserved("cpus", -1)]}, "Operation attempted with invalid resources: Resource '"),
    ("RESERVE", {"resources": [reserved("cpus", 1)], "source": [scalar("cpus", 1)]},
     "Operation attempted with invalid resources: Reservation updates are not yet implemented for the scheduler API."),
    ("UNRESERVE", {"resources": [reserved("cpus", 1)]},
     " does not contain cpus(allocated: web)(reservations: [(DYNAMIC,web)]):1"),
    ("UNRESERVE", {"resources": [volume(64)]}, "cannot be unreserved directly. Please destroy the persistent volume"),
    ("CREATE", {"volumes": [volume(64)]},
     " does not contain disk(allocated: web)(reservations: [(DYNAMIC,web)]):64"),
    ("CREATE", {"volumes": [reserved("disk", 64)]},
     "Not a persistent volume: Resource disk(allocated: web)(reservations: [(DYNAMIC,web)]):64 does not have DiskInfo;"),
    ("CREATE", {"volumes": [volume(64, reservations=[])]},
     "Invalid resources: Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources;"),
    ("CREATE", {"volumes": [volume(64, "a/b")]},
     "Invalid persistence ID for persistent volume: 'a/b' contains invalid characters; on agent"),
    ("CREATE", {"volumes": [volume(1), volume(2)]}, "Persistence ID 'v' is not unique; on agent"),
    ("CREATE", {"volumes": [volume(1, name="w") | {"name": "mem"}]}, "DiskInfo should not be set for mem resource"),
    ("DESTROY", {"volumes": [volume(64)]}, "Persistent volumes not found; on agent"),
    ("GROW_VOLUME", {"volume": volume(64), "addition": reserved("disk", 1)},
     "Invalid GROW_VOLUME operation: ports(allocated: web)"),
    ("GROW_VOLUME", {"volume": volume(64), "addition": reserved("disk", 0)},
     "The size of 'GrowVolume.addition' field must be greater than zero; on agent"),
    ("GROW_VOLUME", {"volume": volume(64), "addition": scalar("disk", 1)},
     "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields; on agent"),
    ("GROW_VOLUME", {"volume": volume(64, shared={}), "addition": reserved("disk", 1)},
     "Growing a shared persistent volume is not supported; on agent"),
    ("SHRINK_VOLUME", {"volume": volume(64), "subtract": {"value": 1}},
     "Invalid SHRINK_VOLUME operation: ports(allocated: web)"),
    ("SHRINK_VOLUME", {"volume": volume(64), "subtract": {"value": 64}},
     "must be smaller than the size of 'ShrinkVolume.volume'; on agent"),
    ("SHRINK_VOLUME", {"volume": volume(64), "subtract": {"value": 0}},
     "Value of 'ShrinkVolume.subtract' must be greater than zero; on agent"),
    ("CREATE_DISK", {"source": scalar("disk", 64, disk={"source": {"type": "RAW"}}), "target_type": "MOUNT"},
     "'source' is not managed by a resource provider; on agent"),
    ("DESTROY_DISK", {"source": scalar("disk", 64, disk={"source": {"type": "MOUNT"}})},
     "'source' is not managed by a resource provider; on agent"),
]


@pytest.mark.parametrize("kind, body, words", WRONG, ids=[f"{kind}-{i}" for i, (kind, _, _) in enumerate(WRONG)])
def test_what_is_wrong(local, kind, body, words):
    framework = subscribe(local)
    offer = framework.offer()
    assert words in refused(framework, operation(kind, **body), offer)
    assert framework.offer()["resources"] == offer["resources"]      # and nothing was done


def test_an_operation_without_its_part(local):
    framework = subscribe(local)
    empty = operation("CREATE")
    del empty["create"]
    assert refused(framework, empty) == ("Operation attempted with invalid resources: A CREATE offer operation must have "
                                         "the Offer.Operation.create field set.")


def test_a_volume_is_taken_whole(local):
    framework = subscribe(local)
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("disk", 64)]),
       operation("CREATE", volumes=[volume(64)]))
    assert "Persistence ID 'v' is not unique" in refused(framework, operation("CREATE", volumes=[volume(64)]))
    assert "Persistent volumes not found" in refused(framework, operation("DESTROY", volumes=[volume(32)]))
    offer, name = offer_with(framework, is_volume), fresh()
    framework.launch(offer, task(name, offer, resources=[scalar("cpus", 0.1), scalar("mem", 32), volume(32)]))
    assert framework.update(name)["state"] == "TASK_ERROR"


def test_all_of_an_operation_or_nothing(local):
    framework = subscribe(local)
    refused(framework, operation("RESERVE", resources=[reserved("cpus", 1), reserved("mem", 99999)]))
    assert not any("reservations" in resource for resource in framework.offer()["resources"])


def test_principals(local):
    framework = subscribe(local, principal="alice")
    assert "attempted by principal 'alice', but there is a reserved resource in the request with no principal set" in (
        refused(framework, operation("RESERVE", resources=[reserved("disk", 64)])))
    bob = [{**STACK[0], "principal": "bob"}]
    assert "which does not match a reserved resource in the request with principal 'bob'" in (
        refused(framework, operation("RESERVE", resources=[reserved("disk", 64, reservations=bob)])))
    alice = [{**STACK[0], "principal": "alice"}]
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("disk", 64, reservations=alice)]))
    offer = offer_with(framework, lambda resource: "reservations" in resource)
    assert "no principal set in 'disk.persistence'" in (
        refused(framework, operation("CREATE", volumes=[volume(64, reservations=alice)]), offer))


def test_a_launch_has_no_id(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    framework.accept(offer, {"type": "LAUNCH", "id": {"value": "x"}, "launch": {"task_infos": [task(name, offer)]}})
    status = framework.update(name)
    assert (status["state"], status["reason"], status["message"]) == (
        "TASK_ERROR", "REASON_TASK_INVALID", "The `id` field cannot be set on LAUNCH operations")


def test_an_offer_that_is_no_longer_there(local):
    framework = subscribe(local)
    offer = framework.offer()
    framework.call("DECLINE", offer_ids=[offer["id"]])
    assert refused(framework, operation("RESERVE", resources=[reserved("cpus", 1)]), offer) == (
        f"Operation attempted with invalid offers: Offer {offer['id']['value']} is no longer valid")


def unacknowledged(local):
    """A framework with an operation that it has not acknowledged: it, the operation, its status."""
    framework = subscribe(local, failover_timeout=3600.0)
    one = operation("RESERVE", resources=[reserved("cpus", 1)])
    framework.accept(framework.offer(), one)
    status = status_of(framework, one, acknowledge=False)
    assert sorted(status) == ["agent_id", "operation_id", "state", "uuid"]
    return framework, one, status


def test_reconciliation_knows_it_until_it_is_acknowledged(local):
    framework, one, status = unacknowledged(local)
    agent = status["agent_id"]
    latest = {"operation_id": one["id"], "agent_id": agent, "state": "OPERATION_FINISHED"}
    assert reconcile(framework, one["id"]) == latest
    framework.call("RECONCILE_OPERATIONS", operations=[])
    assert framework.wait("UPDATE_OPERATION_STATUS")["status"] == latest
    framework.call("ACKNOWLEDGE_OPERATION_STATUS", agent_id=agent, uuid="AAAAAAAAAAAAAAAAAAAAAA==",
                   operation_id=one["id"])
    assert reconcile(framework, one["id"]) == latest
    acknowledge_it(framework, status)
    unknown = reconcile(framework, one["id"], agent)
    assert (unknown["state"], unknown["message"]) == ("OPERATION_UNKNOWN", "Reconciliation: Operation is unknown")
    assert unknown["agent_id"] == agent
    unknown = reconcile(framework, one["id"], {"value": "nobody"})
    assert unknown["message"] == "Reconciliation: Both operation and agent are unknown"


def test_a_status_comes_again_with_the_agent(local):
    framework, one, status = unacknowledged(local)
    assert local.fault("restart_agent", agent=1, tasks="forgotten") is None
    assert status_of(framework, one) == status
    assert local.fault("restart_agent", agent=1) is None
    assert reconcile(framework, one["id"], status["agent_id"])["state"] == "OPERATION_UNKNOWN"
    assert [e["type"] for e in framework.seen].count("UPDATE_OPERATION_STATUS") == 3


def test_a_status_is_repeated(local):
    """After ten seconds."""
    framework, one, status = unacknowledged(local)
    assert status_of(framework, one) == status


def test_an_unreachable_agent(local):
    framework, one, status = unacknowledged(local)
    assert local.fault("lose_agent", agent=1) is None
    said = status_of(framework, one)
    assert said == {"operation_id": one["id"], "agent_id": status["agent_id"], "state": "OPERATION_UNREACHABLE",
                    "message": "Agent was marked unreachable"}
    said = reconcile(framework, one["id"], status["agent_id"])
    assert (said["state"], said["message"]) == ("OPERATION_UNREACHABLE", "Reconciliation: Agent is unreachable")
    assert local.fault("return_agent", agent=1) is None
    assert status_of(framework, one) == status
    assert any("reservations" in resource for resource in framework.offer()["resources"])


def test_an_agent_that_is_gone(local):
    framework, one, status = unacknowledged(local)
    assert local.fault("lose_agent", agent=1, how="gone") is None
    said = status_of(framework, one)
    assert (said["state"], said["message"]) == ("OPERATION_GONE_BY_OPERATOR", "Agent has been marked gone")
    said = reconcile(framework, one["id"], status["agent_id"])
    assert said["message"] == "Reconciliation: Agent marked gone by operator"


def test_an_agent_that_is_removed(local):
    framework, one, status = unacknowledged(local)
    assert local.fault("lose_agent", agent=1, how="removed") is None
    assert reconcile(framework, one["id"], status["agent_id"])["state"] == "OPERATION_UNKNOWN"
    assert local.fault("return_agent", agent=1) is None
    assert status_of(framework, one) == status


def test_a_new_master(local):
    framework, one, status = unacknowledged(local)
    assert local.fault("failover") is None
    again = framework.again()
    assert reconcile(again, one["id"], status["agent_id"])["state"] == "OPERATION_RECOVERING"
    assert local.fault("return_agent", agent=1) is None
    assert status_of(again, one) == status
    assert any("reservations" in resource for resource in again.offer()["resources"])


@pytest.mark.parametrize("away", [False, True])
def test_a_framework_that_is_torn_down(local, away):
    """Its reservations stay, its operations go; those of an agent that is away when that is back."""
    framework, _, _ = unacknowledged(local)
    if away:
        assert local.fault("lose_agent", agent=1) is None
    framework.call("TEARDOWN")
    if away:
        assert local.fault("return_agent", agent=1) is None
    assert any("reservations" in resource for resource in subscribe(local).offer()["resources"])
    until(lambda: local.state()["operations"] == [])


def test_a_place_for_a_volume(local):
    framework = subscribe(local)
    outside = volume(64)
    outside["disk"]["volume"]["container_path"] = "../data"
    do(framework, framework.offer(), operation("RESERVE", resources=[reserved("disk", 64)]),
       operation("CREATE", volumes=[outside]))
    offer, name = offer_with(framework, is_volume), fresh()
    framework.launch(offer, task(name, offer, resources=[scalar("cpus", 0.1), scalar("mem", 32), outside]))
    status = framework.update(name)
    assert (status["state"], status["message"]) == (
        "TASK_ERROR", "zmesos-local puts a volume at a name within the sandbox, not at '../data'")
