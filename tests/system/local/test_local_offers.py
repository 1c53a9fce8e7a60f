"""Who is offered what."""
from local_scheduler import Framework, fresh, info, scalar, task


def amounts(offer):
    return {(r["name"], r.get("role", "*")): r["scalar"]["value"] for r in offer["resources"] if "scalar" in r}


RESERVED = ("--agents", "1", "--resources", "cpus:4;mem:1024;cpus(web):2;mem(web):64;cpus(web/db):1")


def test_reservations_by_role(start):
    local = start(*RESERVED)
    web = Framework(local.master, info(roles=["web"]))
    offer = web.offer()
    assert offer["allocation_info"] == {"role": "web"}
    assert amounts(offer) == {("cpus", "*"): 4.0, ("mem", "*"): 1024.0, ("cpus", "web"): 2.0, ("mem", "web"): 64.0}
    below = Framework(local.master, info(roles=["web/db"]))     # what is left is for web/db alone
    assert amounts(below.offer()) == {("cpus", "web/db"): 1.0}


def test_reservations_as_a_stack(start):
    local = start(*RESERVED)
    capabilities = info()["capabilities"] + [{"type": "RESERVATION_REFINEMENT"}]
    web = Framework(local.master, info(roles=["web"], capabilities=capabilities))
    offer = web.offer()
    assert all("role" not in r for r in offer["resources"])
    mine = [r for r in offer["resources"] if "reservations" in r]
    assert {r["name"]: r["reservations"] for r in mine} == {
        name: [{"type": "STATIC", "role": "web"}] for name in ("cpus", "mem")}
    name = fresh()
    framework_task = {**task(name, offer), "resources": [
        {**r, "scalar": {"value": r["scalar"]["value"] / 2}} for r in mine]}
    web.launch(offer, framework_task)
    assert web.states(name, "TASK_FINISHED") == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]


def test_a_reservation_of_another_form_is_not_what_was_offered(start):
    local = start(*RESERVED)
    web = Framework(local.master, info(roles=["web"]))
    offer, name = web.offer(), fresh()
    spoiled = {**task(name, offer), "resources": [scalar("cpus", 1, role="elsewhere"), scalar("mem", 32)]}
    web.launch(offer, spoiled)
    assert web.update(name)["state"] == "TASK_ERROR"


def test_what_is_left_over_is_declined(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    framework.accept(offer, {"type": "LAUNCH", "launch": {"task_infos": [task(name, offer, "sleep 1000", cpus=1)]}},
                     refuse_seconds=3600)
    framework.update(name, "TASK_RUNNING")
    framework.call("KILL", task_id={"value": name})
    framework.update(name, "TASK_KILLED")
    whole = framework.offer()                                    # more than was refused: offered again
    assert amounts(whole)[("cpus", "*")] == 4.0
    framework.call("DECLINE", offer_ids=[whole["id"]], filters={"refuse_seconds": 3600})
    framework.call("REVIVE")
    assert framework.offer()["resources"] == whole["resources"]


def test_ports_are_taken_and_given_back(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    ports = {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31005, "end": 31006}]}}
    wanted = task(name, offer, "sleep 1000")
    wanted["resources"].append(ports)
    framework.launch(offer, wanted)
    framework.update(name, "TASK_RUNNING")

    def offered():
        rest = framework.offer()
        return next(r["ranges"]["range"] for r in rest["resources"] if r["name"] == "ports"), rest

    found, rest = offered()
    assert found == [{"begin": 31000, "end": 31004}, {"begin": 31007, "end": 32000}]
    again = fresh()
    framework.launch(rest, {**task(again, rest), "resources": [scalar("cpus", 1), ports]})
    assert framework.update(again)["state"] == "TASK_ERROR"
    framework.call("KILL", task_id={"value": name})
    framework.update(name, "TASK_KILLED")
    while found != [{"begin": 31000, "end": 32000}]:
        found, rest = offered()
        framework.call("DECLINE", offer_ids=[rest["id"]], filters={"refuse_seconds": 0})


def test_two_frameworks_take_turns(start):
    local = start("--agents", "4")
    first = Framework(local.master, suppressed_roles=["*"])
    second = Framework(local.master, suppressed_roles=["*"])
    for framework in (first, second):
        framework.call("REVIVE")
    one = first.wait("OFFERS")["offers"]
    first.call("DECLINE", offer_ids=[offer["id"] for offer in one], filters={"refuse_seconds": 3600})
    two = second.wait("OFFERS")["offers"]
    assert {o["agent_id"]["value"] for o in one} | {o["agent_id"]["value"] for o in two} == {
        agent["id"] for agent in local.state()["agents"]}


def test_suppressed_roles_get_nothing(local):
    quiet = Framework(local.master, suppressed_roles=["*"])
    eager = Framework(local.master)
    offer = eager.offer()
    states = {entry["id"]: entry for entry in local.state()["frameworks"]}
    assert states[quiet.id["value"]]["offers"] == []
    quiet.call("REVIVE")
    eager.call("SUPPRESS")
    eager.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": 0})
    assert quiet.offer()["agent_id"] == offer["agent_id"]


def test_declined_for_long(local):
    """While another framework is offered the agent again and again, the one that refused it for long is not."""
    content = Framework(local.master)
    offer = content.offer()
    content.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": 3600})
    eager = Framework(local.master)
    for _ in range(5):
        eager.call("DECLINE", offer_ids=[eager.offer()["id"]], filters={"refuse_seconds": 0})
    content.call("RECONCILE", tasks=[{"task_id": {"value": "now"}}])
    content.update("now")
    assert [event["type"] for event in content.seen].count("OFFERS") == 1


def test_an_end_frees_resources_before_it_is_acknowledged(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    framework.launch(offer, task(name, offer, cpus=4))
    framework.update(name, "TASK_RUNNING")
    while framework.wait("UPDATE")["status"]["state"] != "TASK_FINISHED":
        pass
    while amounts(framework.offer()).get(("cpus", "*")) != 4.0:
        pass
    assert local.state()["tasks"][0]["unacknowledged"] == 1


def test_offers_of_two_agents_do_not_go_together(start):
    local = start("--agents", "2")
    framework = Framework(local.master)
    offers, name = framework.wait("OFFERS")["offers"], fresh()
    framework.call("ACCEPT", offer_ids=[offer["id"] for offer in offers], operations=[
        {"type": "LAUNCH", "launch": {"task_infos": [task(name, offers[0])]}}])
    status = framework.update(name)
    assert status["reason"] == "REASON_INVALID_OFFERS" and "one single agent" in status["message"]


def test_offers_of_one_agent_go_together(local):
    """The two parts of an agent, offered apart, hold a task that needs both."""
    framework = Framework(local.master)
    name, _ = framework.run(cpus=3)
    rest = framework.offer()
    assert amounts(rest)[("cpus", "*")] == 1.0
    framework.call("KILL", task_id={"value": name})
    framework.update(name, "TASK_KILLED")
    other = framework.offer()                                    # what the task had, while the rest is still offered
    assert amounts(other)[("cpus", "*")] == 3.0
    both = fresh()
    framework.call("ACCEPT", offer_ids=[rest["id"], other["id"]], operations=[
        {"type": "LAUNCH", "launch": {"task_infos": [task(both, rest, cpus=4)]}}])
    assert framework.update(both, "TASK_FINISHED")


def test_roles_change_with_update_framework(local):
    framework = Framework(local.master, info(roles=["a"]))
    offer = framework.offer()
    assert offer["allocation_info"]["role"] == "a"
    status, text, _ = framework.post("UPDATE_FRAMEWORK", framework_info={**framework.info, "id": framework.id,
                                                                         "roles": ["b"]})
    assert (status, text) == (200, "")
    assert framework.wait("RESCIND")["offer_id"] == offer["id"]
    assert framework.offer()["allocation_info"]["role"] == "b"


def test_at_most_1000_roles(local):
    roles = [f"role{i}" for i in range(1001)]
    assert Framework(local.master, info(roles=roles)).status == 400
    framework = Framework(local.master, info(roles=roles[:1000]))
    assert framework.first["type"] == "SUBSCRIBED"
    assert framework.post("SUPPRESS", roles=roles)[0] == 400
    framework.call("SUPPRESS", roles=roles[:1000])
