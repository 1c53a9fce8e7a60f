"""Offers: without work they are declined for long and the role suppressed; work revives it."""
import time

import zmesos
from programs import LATE, wait_for


def test_offers_without_work_are_declined_for_long_and_then_suppressed(start_cluster, needs_local):
    cluster = start_cluster("--offer-hold", "0.3")
    with cluster.client() as client:
        client.launch("true", id="first", cpus=0.1, mem=32)
        client.wait("first", timeout=60)
    wait_for(lambda: cluster.local.calls("DECLINE") and cluster.local.calls("SUPPRESS"), "DECLINE and SUPPRESS")
    declines = cluster.local.call_log("DECLINE")
    assert all(call["call"]["decline"]["filters"]["refuse_seconds"] == 3600.0 for call in declines)
    wait_for(lambda: cluster.status().offers == 0, "none to be held")


def test_a_role_without_work_is_suppressed_from_the_start(cluster, needs_local):
    assert cluster.local.state()["frameworks"][0]["roles"] == [{"name": "*", "suppressed": True}]
    assert cluster.local.calls("SUPPRESS") == 0  # SUBSCRIBE said so
    assert cluster.status().offers == 0


def test_work_revives_and_not_in_storms(start_cluster, needs_local):
    cluster = start_cluster("--offer-hold", "0.1", "--revive-interval", "1")
    begin = time.monotonic()
    with cluster.client() as client:
        for n in range(20):
            client.launch("true", id=f"t{n}", cpus=0.1, mem=32)
            client.wait(f"t{n}", timeout=60)
    seconds = time.monotonic() - begin
    revives = cluster.local.calls("REVIVE")
    assert 1 <= revives <= seconds + 2


def all_is_held(cluster):
    """How many offers we hold, once they are of all that the agents have: what a task had may be offered apart."""
    state = cluster.local.state()
    offers = [offer for framework in state["frameworks"] for offer in framework["offers"]]
    whole = not any(agent["free"] for agent in state["agents"]) and cluster.status().offers == len(offers)
    return len(offers) if whole else 0


def test_a_rescinded_offer_is_not_used(start_cluster, needs_local):
    """Used, it would cost an attempt."""
    cluster = start_cluster("--offer-hold", "600")
    events = cluster.subscribe("mesos/RESCIND")
    with cluster.client() as client:
        client.launch("true", id="first", cpus=0.1, mem=32)
        client.wait("first", timeout=60)
        offers = wait_for(lambda: all_is_held(cluster), "offers to be held")
        cluster.local.fault("rescind")
        for _ in range(offers):
            assert events.recv(60).topic == "mesos/RESCIND"
        client.launch("true", id="second", cpus=0.1, mem=32)
        assert len(client.wait("second", timeout=60).attempts) == 1


def test_an_accept_of_a_rescinded_offer_is_launched_again(start_cluster, needs_local):
    """The ACCEPT is on its way while the offer is rescinded: DROPPED, then GONE to our RECONCILE, then a new attempt."""
    cluster = start_cluster("--offer-hold", "600")
    with cluster.client() as client:
        client.launch("true", id="first", cpus=0.1, mem=32)
        client.wait("first", timeout=60)
        wait_for(lambda: all_is_held(cluster), "offers to be held")
        events = cluster.subscribe("task/crossed/")
        cluster.local.fault("no_answer", call="ACCEPT", act="later", act_after_ms=LATE, answer=True)
        client.launch("true", id="crossed", cpus=0.1, mem=32)
        wait_for(lambda: cluster.local.state()["held"], "the ACCEPT to be on its way")
        cluster.local.fault("rescind")
        cluster.local.release()
        task = client.wait("crossed", timeout=60)
        assert zmesos.state_name(task.state) == "FINISHED"
        assert [zmesos.state_name(attempt.state) for attempt in task.attempts] == ["GONE", "FINISHED"]
        assert task.attempts[0].mesos_task_id != task.attempts[1].mesos_task_id
        last = None
        while last != "FINISHED":  # an event carries the last attempt alone
            told = events.recv(60).task
            last = zmesos.state_name(told.state)
            assert [attempt.number for attempt in told.attempts] in ([], [1], [2])
        assert told.attempts[0].number == 2
