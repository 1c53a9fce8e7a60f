"""Where tasks go, and why they wait: constraints that look at other tasks, and the reasons that zmesosd gives."""
import collections

import pytest
import zmesos
from programs import REAL_MASTER, wait_for

SMALL = {"cpus": 0.1, "mem": 32}


def launch(client, *specs):
    assert not [result for result in client.launch_many(specs) if result.code != "OK"]


def agents_of(client, ids, state="RUNNING"):
    """The agent of each task, once all of them run."""
    def look():
        found = client.get(ids)
        return found if all(zmesos.state_name(task.state) == state for task in found.values()) else None
    return {name: task.attempts[-1].agent_id for name, task in wait_for(look, f"{ids} {state}").items()}


def kinds(view):
    return [view.reasons[0].Kind.Name(reason.kind) for reason in view.reasons] if view.reasons else []


def test_spread_evenly_over_agents(start_cluster, needs_local):
    cluster = start_cluster(local={"agents": "3"})
    with cluster.client() as client:
        ids = [f"s{n}" for n in range(6)]
        launch(client, *[zmesos.task_spec("sleep 600", id=name, name="web", constraints=[zmesos.max_per("agent_id", 2)], **SMALL)
                         for name in ids])
        agents = agents_of(client, ids)
        assert sorted(collections.Counter(agents.values()).values()) == [2, 2, 2]
        client.kill(*ids)


def domains_of(client):
    """(region, zone) -> the id of an agent there."""
    found = {}
    for agent in client.agents():
        named = {label.key: label.value for label in agent.attributes}
        if "region" in named:
            found[named["region"], named["zone"]] = agent.id
    return found


def test_by_region_and_zone(start_cluster):
    """On a real master: agents of two regions (--domain), a zone each."""
    cluster = start_cluster("--revive-interval", "0.3", local={"domain": "eu/a"}, local_flags=("--agent", "domain=us/b"))
    with cluster.client() as client:
        client.launch("true", id="first", **SMALL)  # so that there are offers
        client.wait("first", timeout=60)
        wait_for(lambda: len(list(client.agents())) == 2, "offers of both agents")
        domains = domains_of(client)
        if REAL_MASTER and len(domains) < 2:
            pytest.skip("the agents of the master are not of two fault domains")
        (near, far) = domains
        launch(client,
               zmesos.task_spec("sleep 600", id="region", constraints=[zmesos.equals("region", far[0])], **SMALL),
               zmesos.task_spec("sleep 600", id="zone", constraints=[zmesos.one_of("zone", [near[1], "none"])], **SMALL),
               zmesos.task_spec("sleep 600", id="other", constraints=[zmesos.not_equals("region", near[0])], **SMALL),
               zmesos.task_spec("sleep 600", id="lost", constraints=[zmesos.equals("region", "nowhere")], **SMALL))
        agents = agents_of(client, ["region", "zone", "other"])
        assert agents == {"region": domains[far], "zone": domains[near], "other": domains[far]}
        # The one that fits nowhere has its region told to the master, which then offers none of these agents.
        wait_for(lambda: list(cluster.status().offer_constraints) == ["*"], "offers to be limited")
        launch(client, zmesos.task_spec("true", id="last", constraints=[zmesos.equals("zone", far[1])], **SMALL))
        assert zmesos.state_name(client.wait("last", timeout=60).state) == "FINISHED"
        assert zmesos.state_name(client.task("lost").state) == "QUEUED"


def test_near_and_far_from_a_task(start_cluster, needs_local):
    cluster = start_cluster(local={"agents": "2"})
    with cluster.client() as client:
        launch(client, zmesos.task_spec("sleep 600", id="db", **SMALL))
        agents_of(client, ["db"])
        launch(client, zmesos.task_spec("sleep 600", id="near", constraints=[zmesos.near("agent_id", ["db"])], **SMALL),
               zmesos.task_spec("sleep 600", id="far", constraints=[zmesos.far("agent_id", ["db"])], **SMALL))
        agents = agents_of(client, ["db", "near", "far"])
        assert agents["near"] == agents["db"] != agents["far"]
        client.kill("db", "near", "far")


def test_what_is_preferred_is_no_must(cluster):
    with cluster.client() as client:
        launch(client, zmesos.task_spec("true", id="wish", constraints=[zmesos.preferred(zmesos.equals("rack", "nowhere"))],
                                        **SMALL))
        assert zmesos.state_name(client.wait("wish", timeout=60).state) == "FINISHED"


def test_why_a_task_waits(cluster):
    with cluster.client() as client, cluster.subscribe("zmesos/WHY/") as events:
        launch(client, zmesos.task_spec("true", id="large", cpus=5000, mem=32))
        view = wait_for(lambda: (lambda v: v if "CPUS" in kinds(v) else None)(client.why("large")["large"]), "a reason")
        assert kinds(view) == ["CPUS"]
        reason = view.reasons[0]
        assert reason.offers >= 1 and reason.wanted == 5000 and 0 < reason.best < 5000
        launch(client, zmesos.task_spec("true", id="picky", constraints=[zmesos.equals("rack", "r9")], **SMALL))
        view = wait_for(lambda: (lambda v: v if "CONSTRAINT" in kinds(v) else None)(client.why("picky")["picky"]), "a reason")
        assert view.reasons[0].constraint == 0 and "rack EQUALS r9" in view.reasons[0].message
        seen = events.recv(30)
        assert seen.topic == "zmesos/WHY/large"
        assert client.why("nobody") == {}
        client.kill("large", "picky")


def test_few_beside_many(start_cluster):
    """Two submitters: the few of one do not wait for the many of the other, and the weights are told."""
    cluster = start_cluster("--weight", "small=2")
    with cluster.client() as client:
        launch(client, *[zmesos.task_spec("sleep 1", id=f"many{n}", submitter="big", labels={"test": "shares"}, cpus=1, mem=32)
                         for n in range(500)])
        few = [f"few{n}" for n in range(5)]
        launch(client, *[zmesos.task_spec("true", id=name, submitter="small", **SMALL) for name in few])
        for name in few:
            assert zmesos.state_name(client.wait(name, timeout=60).state) == "FINISHED"
        waiting = {zmesos.state_name(count.state): count.tasks for count in client.status().counts}.get("QUEUED", 0)
        assert waiting > 0, "all of the many went first"
        assert client.get(few[:1])[few[0]].submitter == "small"
        weights = {weight.submitter: weight.weight for weight in client.status().weights}
        assert weights == {"small": 2}
        client.kill(label=("test", "shares"))
