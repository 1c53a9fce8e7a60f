"""Offer constraints: the master makes offers alone of agents on which what waits could go."""
from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import zmesos
from programs import PATIENCE, Cluster, wait_for

SMALL = {"cpus": 0.1, "mem": 32}
QUICK = ("--revive-interval", "0.3", "--offer-hold", "0.1", "--refuse", "0.2")


def picky(task_id: str, *constraints: Any, command: str = "true", **more: Any) -> zmesos.TaskSpec:
    return zmesos.task_spec(command, id=task_id, constraints=list(constraints), **SMALL, **more)


def master_constraints(cluster: Cluster) -> Any:
    if cluster.local:
        return cluster.local.state()["frameworks"][0]["offer_constraints"]
    with urllib.request.urlopen(f"http://{cluster.master}/master/state", timeout=20) as answer:
        frameworks = json.loads(answer.read())["frameworks"]
    return next(framework.get("offer_constraints") for framework in frameworks
                if framework["id"] == cluster.status().framework_id)


def told(cluster: Cluster) -> dict[str, list[str]]:
    """What the master goes by: of each role its groups, as texts."""
    roles = (master_constraints(cluster) or {}).get("role_constraints", {})
    if isinstance(roles, list):
        roles = {entry["key"]: entry["value"] for entry in roles}
    return {role: sorted(json.dumps(group["attribute_constraints"], sort_keys=True) for group in value["groups"])
            for role, value in roles.items()}


def text(attribute: str, value: str, predicate: str = "text_equals") -> str:
    field = "regex" if "matches" in predicate else "value"
    return json.dumps([{"predicate": {predicate: {field: value}}, "selector": {"attribute_name": attribute}}], sort_keys=True)


def constrained(cluster: Cluster, *roles: str) -> None:
    wait_for(lambda: list(cluster.status().offer_constraints) == list(roles), f"offers to be limited in {roles}")


def none_held(cluster: Cluster) -> None:
    """Of the offers that the master made before it went by what it was told last, none is on its way or held."""
    if cluster.local:
        with cluster.subscribe("mesos/HEARTBEAT") as events:  # comes in the stream of the offers, after them
            cluster.local.fault("send_event", event={"type": "HEARTBEAT"})
            assert events.recv(PATIENCE)
    wait_for(lambda: cluster.status().offers == 0, "the offers to be declined")


def ends(client: zmesos.Client, task_id: str) -> str:
    return zmesos.state_name(client.wait(task_id, timeout=60).state)


def test_useless_offers_do_not_come(start_cluster):
    cluster = start_cluster(*QUICK)
    with cluster.client() as client:
        client.launch_many([picky("waits", zmesos.equals("rack", "nowhere"))])
        constrained(cluster, "*")
        assert told(cluster) == {"*": [text("rack", "nowhere")]}
        none_held(cluster)
        events = cluster.subscribe("")
        beats = 0
        while beats < 5:  # a second each; offers were refused for 0.2 s
            event = wait_for(lambda: events.recv(timeout=1), "an event")
            assert event.topic != "mesos/OFFERS"
            beats += event.topic == "zmesos/HEARTBEAT"
        # What comes now and asks for nothing is not kept waiting, and after it the others are told again.
        client.launch("true", id="any", **SMALL)
        assert ends(client, "any") == "FINISHED"
        constrained(cluster, "*")
        # Another constraint is told beside the first, until its task is placed.
        client.launch_many([picky("fits", zmesos.equals("rack", "r1"))])
        assert ends(client, "fits") == "FINISHED"
        wait_for(lambda: told(cluster) == {"*": [text("rack", "nowhere")]}, "what waits to be told alone")
        none_held(cluster)  # else the last one would be placed there
        client.kill("waits")
        client.launch("true", id="last", **SMALL)
        assert ends(client, "last") == "FINISHED"
        assert told(cluster) == {}
        constrained(cluster)


def test_they_stand_in_the_next_subscription(start_cluster):
    cluster = start_cluster(*QUICK)
    with cluster.client() as client:
        client.launch_many([picky("waits", zmesos.equals("rack", "nowhere"), zmesos.matches("row", "x+")),
                           picky("hosts", zmesos.one_of("hostname", ["h1", "h2"]))])
        constrained(cluster, "*")
    cluster.daemon.restart(kill=True)
    status = cluster.wait_subscribed()
    assert list(status.offer_constraints) == ["*"]  # at once
    with cluster.client() as client:
        reasons = client.why("waits")["waits"].reasons
        assert [zmesos.messages.Reason.Kind.Name(reason.kind) for reason in reasons] == ["NO_OFFERS"]
        assert "constraints" in reasons[0].message
        hostnames = [json.dumps([{"predicate": {"text_equals": {"value": name}},
                                  "selector": {"pseudoattribute_type": "HOSTNAME"}}], sort_keys=True) for name in ("h1", "h2")]
        both = json.dumps([json.loads(text("rack", "nowhere"))[0], json.loads(text("row", "x+", "text_matches"))[0]],
                          sort_keys=True)
        wait_for(lambda: told(cluster) == {"*": sorted([both, *hostnames])}, "patterns to be told as well")
        client.launch("true", id="any", **SMALL)
        assert ends(client, "any") == "FINISHED"


PATTERNS = ["r1", "r.", "^r.*$", "r[0-9]+", "[^a]+", "(q|r)1", "r?.", "[[:alpha:]][[:digit:]]", "..", "r\\w"]


def test_patterns_mean_what_they_mean_here(start_cluster):
    """A task that fits is never kept from its agent by how the master reads its expression."""
    cluster = start_cluster(*QUICK)
    with cluster.client() as client:
        client.launch_many([picky("waits", zmesos.equals("rack", "nowhere"))])
        for number, pattern in enumerate(PATTERNS):
            constrained(cluster, "*")
            client.launch_many([picky(f"t{number}", zmesos.matches("rack", pattern))])
            assert ends(client, f"t{number}") == "FINISHED", pattern
            client.launch_many([picky(f"n{number}", zmesos.not_matches("rack", "x" + pattern))])
            assert ends(client, f"n{number}") == "FINISHED", pattern
    assert not cluster.daemon.log_lines("refused a call")


def test_roles_that_come_leave_them_as_they_are(start_cluster):
    cluster = start_cluster("--role", "one", *QUICK)
    with cluster.client() as client:
        client.launch_many([picky("waits", zmesos.equals("rack", "nowhere"))])
        constrained(cluster, "one")
        client.update_framework(add_roles=["two"])
        assert told(cluster) == {"one": [text("rack", "nowhere")]}
        client.launch("true", id="other", role="two", **SMALL)
        assert ends(client, "other") == "FINISHED"
        constrained(cluster, "one")


def test_a_master_that_refuses_them(start_cluster, needs_local):
    """Offers of all agents then."""
    cluster = start_cluster(*QUICK)
    cluster.local.fault("answer", call="UPDATE_FRAMEWORK", status=400, count=0)  # whichever wish is told
    with cluster.client() as client:
        client.launch_many([picky("waits", zmesos.equals("rack", "nowhere"))])
        wait_for(lambda: cluster.daemon.log_lines("refused a call"), "the refusal")
        client.launch_many([picky("fits", zmesos.equals("rack", "r1"))])
        assert ends(client, "fits") == "FINISHED"
        assert list(cluster.status().offer_constraints) == []
        cluster.local.fault("clear")
        constrained_at_last = picky("other", zmesos.equals("zone", "nowhere"))  # another wish
        client.launch_many([constrained_at_last])
        constrained(cluster, "*")


def test_not_in_storms(start_cluster, needs_local):
    cluster = start_cluster("--revive-interval", "1", "--offer-hold", "0.1")
    begin = time.monotonic()
    with cluster.client() as client:
        client.launch_many([picky("waits", zmesos.equals("rack", "nowhere"))])
        constrained(cluster, "*")
        for number in range(20):
            client.launch_many([picky(f"t{number}", zmesos.not_equals("rack", f"x{number}"))])
            assert ends(client, f"t{number}") == "FINISHED"
    updates = cluster.local.calls("UPDATE_FRAMEWORK")
    assert 2 <= updates <= time.monotonic() - begin + 2


def test_switched_off(start_cluster):
    cluster = start_cluster("--offer-constraints", "off", *QUICK)
    with cluster.client() as client:
        client.launch_many([picky("waits", zmesos.equals("rack", "nowhere"))])
    cluster.daemon.restart()
    cluster.wait_subscribed()
    assert told(cluster) == {}
    assert list(cluster.status().offer_constraints) == []
