"""Scheduling: amounts, ports, constraints, priority, age; resources used as they were offered."""
import pytest

import zmesos
from programs import wait_for
from zmesos import messages as z


def states(client, ids, timeout=60):
    return {name: zmesos.state_name(task.state) for name, task in client.wait(ids, timeout=timeout).items()}


def test_tasks_run_and_end_as_they_should(cluster):
    with cluster.client() as client:
        client.launch("true", id="good", cpus=0.1, mem=32)
        client.launch("exit 7", id="bad", cpus=0.1, mem=32)
        client.launch(["/bin/sh", "-c", "kill -9 $$"], id="shot", cpus=0.1, mem=32)
        ended = client.wait(["good", "bad", "shot"], timeout=60)
        assert {name: zmesos.state_name(task.state) for name, task in ended.items()} == {
            "good": "FINISHED", "bad": "FAILED", "shot": "FAILED"}
        assert ended["bad"].message == "Command exited with status 7"
        assert ended["shot"].message == "Command terminated with signal Killed"
        attempt = ended["good"].attempts[0]
        assert attempt.mesos_task_id.startswith("good.") and attempt.agent_id and attempt.hostname


def test_nothing_waits_for_a_timer_of_the_master(start_cluster, needs_local):
    """Offers on REVIVE, updates and their acknowledgements come by themselves: no allocation, no heartbeat for an hour."""
    cluster = start_cluster(local={"allocation_interval": "3600"}, local_flags=("--heartbeat", "3600"))
    with cluster.client() as client:
        client.launch("true", id="t", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"


def test_what_a_task_reads_in_its_environment(cluster):
    """PORT0, PORT1 and PORTS are the ports the task was given, beside its own variables."""
    check = 'test "$PORTS" = "$PORT0,$PORT1" && test "$PORT0" -ge 31000 && test "$PORT1" -gt 0 && test "$A" = "b c"'
    with cluster.client() as client:
        client.launch(check, id="ports", cpus=0.1, mem=32, ports=2, env={"A": "b c"})
        task = client.wait("ports", timeout=60)
        assert zmesos.state_name(task.state) == "FINISHED", task.message
        assert len(set(task.attempts[0].ports)) == 2


def test_ports_are_given_once(cluster):
    with cluster.client() as client:
        specs = [zmesos.task_spec("sleep 600", id=f"p{n}", cpus=0.1, mem=32, ports=3) for n in range(6)]
        client.launch_many(specs)
        running = wait_for(lambda: (lambda r: r if len(r) == 6 else None)(list(client.tasks(state="RUNNING"))), "six tasks")
        given = [(task.attempts[0].agent_id, port) for task in running for port in task.attempts[0].ports]
        assert len(given) == 18 and len(set(given)) == 18
        client.kill(*[spec.id for spec in specs])
        client.wait([spec.id for spec in specs], timeout=60)


@pytest.mark.parametrize("constraint, state", [
    (zmesos.equals("rack", "r1"), "FINISHED"),
    (zmesos.equals("rack", "r2"), "QUEUED"),
    (zmesos.one_of("zone", ["b", "a"]), "FINISHED"),
    (zmesos.matches("rack", "r[0-9]+(-[a-z]+)?"), "FINISHED"),
    (zmesos.matches("rack", "r"), "QUEUED"),
    (zmesos.equals("no such attribute", "x"), "QUEUED"),
])
def test_constraints(cluster, constraint, state):
    with cluster.client() as client:
        client.launch("true", id="bound", cpus=0.1, mem=32, constraints=[constraint])
        client.launch("true", id="free", cpus=0.1, mem=32)
        if state == "FINISHED":
            assert states(client, ["bound", "free"]) == {"bound": "FINISHED", "free": "FINISHED"}
        else:
            assert states(client, ["free"]) == {"free": "FINISHED"}
            assert zmesos.state_name(client.task("bound").state) == "QUEUED"
            client.kill("bound")


def test_unique_keeps_tasks_of_a_name_apart(cluster, needs_local):
    """Two agents, three tasks of one name: the third waits until one of the others is over."""
    with cluster.client() as client:
        for n in range(3):
            client.launch("sleep 600", id=f"u{n}", name="web", cpus=0.1, mem=32, constraints=[zmesos.unique("hostname")])
        client.launch("true", id="after", cpus=0.1, mem=32)
        client.wait("after", timeout=60)
        running = wait_for(lambda: (lambda r: r if len(r) == 2 else None)(list(client.tasks(state="RUNNING"))), "two tasks")
        assert len({task.attempts[0].hostname for task in running}) == 2
        waiting = [task.id for task in client.tasks(state="QUEUED")]
        assert len(waiting) == 1
        client.kill(running[0].id)
        wait_for(lambda: zmesos.state_name(client.task(waiting[0]).state) == "RUNNING", "the third task")
        client.kill(*[f"u{n}" for n in range(3)])


def test_three_decimals_are_exact(start_cluster, needs_local):
    """Ten tenths fit into one; binary fractions would not add up."""
    cluster = start_cluster(local={"agents": "1", "resources": "cpus:1;mem:4096;disk:10240"})
    with cluster.client() as client:
        client.launch_many([zmesos.task_spec("sleep 600", id=f"t{n}", cpus=0.1, mem=32) for n in range(11)])
        wait_for(lambda: len(list(client.tasks(state="RUNNING"))) == 10, "ten tasks")
        assert [task.id for task in client.tasks(state="QUEUED")] == ["t10"]
        client.kill(*[f"t{n}" for n in range(11)])


def test_priority_then_age(start_cluster, needs_local):
    """One slot: tasks run one by one, the highest priority first, then the oldest."""
    cluster = start_cluster(local={"agents": "1", "resources": "cpus:1;mem:4096;disk:10240"})
    events = cluster.subscribe("task/")
    with cluster.client() as client:
        client.launch("sleep 600", id="holds", cpus=1, mem=32)
        wait_for(lambda: zmesos.state_name(client.task("holds").state) == "RUNNING", "the slot to be taken")
        for name, priority in (("low-old", 0), ("low-new", 0), ("high", 5), ("negative", -1)):
            client.launch("true", id=name, cpus=1, mem=32, priority=priority)
        client.kill("holds")
        order = []
        for event in events.within(60):
            if event.task and zmesos.state_name(event.task.state) == "LAUNCHING" and event.task.id != "holds":
                order.append(event.task.id)
                if len(order) == 4:
                    break
        assert order == ["high", "low-old", "low-new", "negative"]


def test_tasks_go_to_offers_of_their_role(start_cluster, needs_local):
    cluster = start_cluster("--role", "batch", "--role", "service",
                            local={"agents": "1", "resources": "cpus(service):2;cpus:2;mem:4096;disk:4096"})
    with cluster.client() as client:
        client.launch("true", id="fits nowhere".replace(" ", "-"), role="batch", cpus=3, mem=32)
        client.launch("true", id="fits", role="service", cpus=3, mem=32)
        assert zmesos.state_name(client.wait("fits", timeout=60).state) == "FINISHED"
        assert zmesos.state_name(client.task("fits-nowhere").state) == "QUEUED"
        assert list(client.status().roles) == ["batch", "service"]


def test_a_container_and_labels_go_through_as_they_came(cluster, needs_local):
    spec = zmesos.task_spec("true", id="labelled", cpus=0.1, mem=32, labels={"team": "blue"})
    spec.discovery.visibility = spec.discovery.CLUSTER
    spec.discovery.name = "svc"
    spec.data = b"\x00\x01"
    with cluster.client() as client:
        client.launch(spec=spec)
        client.wait("labelled", timeout=60)
        assert client.get(["labelled"], with_spec=True)["labelled"].spec == spec
        assert [task.id for task in client.tasks(label="team=blue")] == ["labelled"]
        assert [task.id for task in client.tasks(label="team=red")] == []


def test_pages(cluster):
    with cluster.client() as client:
        ids = [f"page-{n:03}" for n in range(250)]
        client.launch_many([zmesos.task_spec("true", id=i, cpus=100000, mem=32) for i in ids])
        assert [task.id for task in client.tasks(prefix="page-")] == ids
        assert [task.id for task in client.tasks(prefix="page-1", state="QUEUED")] == ids[100:200]
        reply = client._ask(z.Request(list=z.List(page_size=100, id_prefix="page-")))
        assert len(reply.tasks.tasks) == 100 and reply.tasks.HasField("next")
        client.kill(*ids)
        assert {zmesos.state_name(task.state) for task in client.tasks(prefix="page-")} == {"KILLED"}
