"""Offer constraints: of which agents a role is offered something."""
import pytest

from local_scheduler import Framework, info


def only(*groups, role="*"):
    return {"role_constraints": {role: {"groups": [{"attribute_constraints": list(group)} for group in groups]}}}


def attribute(name, **predicate):
    return {"selector": {"attribute_name": name}, "predicate": predicate}


def hostname(**predicate):
    return {"selector": {"pseudoattribute_type": "HOSTNAME"}, "predicate": predicate}


def equals(value):
    return {"text_equals": {"value": value}}


AGENTS = ("--agents", "3", "--attributes", "none:x", "--agent", "attributes=rack:r1;slots:4", "--agent", "attributes=rack:r22",
          "--allocation-interval", "0.1")
CASES = [
    (only([attribute("rack", **equals("r1"))]), "agent1"),
    (only([attribute("rack", text_not_equals={"value": "r1"})]), "agent2 agent3"),
    (only([attribute("rack", text_matches={"regex": "r2+"})]), "agent2"),
    (only([attribute("rack", text_matches={"regex": "r2"})]), ""),
    (only([attribute("rack", text_not_matches={"regex": "r[0-9]"})]), "agent2 agent3"),
    (only([attribute("rack", exists={})]), "agent1 agent2"),
    (only([attribute("rack", not_exists={})]), "agent3"),
    (only([attribute("slots", **equals("x"))]), "agent1"),
    (only([hostname(**equals("agent3"))], [attribute("rack", **equals("r1"))]), "agent1 agent3"),
    (only([hostname(**equals("agent3")), attribute("rack", **equals("r1"))]), ""),
    (only([{"selector": {"pseudoattribute_type": "ZONE"}, "predicate": {"exists": {}}}]), ""),
    (only([attribute("rack", text_matches={"regex": "r\\C"})]), "agent1"),
    (only([attribute("rack", text_matches={"regex": "(r\\C)+\\C"})]), "agent2"),
    ({}, "agent1 agent2 agent3"),
]
REFUSED = [
    (only(), "has an empty 'RoleConstraints::groups' for role *"),
    (only([]), "contains an empty RoleConstraints::Group"),
    (only([attribute("rack", **equals("r1"))], role="other"), "for a role 'other'not contained in the set of roles"),
    (only([attribute("rack", **equals("r1"))], role=""), "for a role ''not contained in the set of roles"),
    (only([attribute("rack")]), "Unknown predicate type"),
    (only([{"selector": {}, "predicate": {"exists": {}}}]), "Exactly one of"),
    (only([attribute("rack", text_matches={"regex": "(r"})]), "Failed to construct regex from pattern '(r'"),
    (only([attribute("rack", text_not_matches={"regex": "(r"})]), "Failed to construct regex from pattern '(r'"),
]


def offered(framework):
    """The agents of the first offers; a role without any gets none, which the other framework's offers tell."""
    return {offer["hostname"] for offer in framework.wait("OFFERS")["offers"]}


@pytest.mark.parametrize("constraints, hosts", CASES)
def test_who_is_offered(start, constraints, hosts):
    local = start(*AGENTS)
    framework = Framework(local.master, offer_constraints=constraints)
    if hosts:
        assert offered(framework) == set(hosts.split())
    other = {"agent1", "agent2", "agent3"} - set(hosts.split())
    if other:
        assert offered(Framework(local.master)) == other


def test_they_change_with_the_framework(start):
    local = start(*AGENTS)
    framework = Framework(local.master, info(failover_timeout=3600.0),
                          offer_constraints=only([hostname(**equals("agent2"))]))
    assert offered(framework) == {"agent2"}
    status, text, _ = framework.post("UPDATE_FRAMEWORK", framework_info={**framework.info, "id": framework.id},
                                     offer_constraints=only([hostname(**equals("agent3"))]))
    assert (status, text) == (200, "")
    assert offered(framework) == {"agent3"}
    again = framework.again()                                    # without any
    assert offered(again) == {"agent1", "agent2", "agent3"}


@pytest.mark.parametrize("constraints, words", REFUSED)
def test_which_are_refused(start, constraints, words):
    local = start(*AGENTS)
    framework = Framework(local.master, info(failover_timeout=3600.0))
    status, text, _ = framework.post("UPDATE_FRAMEWORK", framework_info={**framework.info, "id": framework.id},
                                     offer_constraints=constraints)
    assert status == 400 and words in text
    assert offered(framework) == {"agent1", "agent2", "agent3"}     # nothing was changed
    refused = Framework(local.master, offer_constraints=constraints)
    assert refused.first["type"] == "ERROR" and words in refused.first["error"]["message"]
