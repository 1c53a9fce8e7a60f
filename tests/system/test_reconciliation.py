"""Reconciliation: after each subscription, by request, and until answered."""
import zmesos
from programs import wait_for


def running(client, name):
    wait_for(lambda: zmesos.state_name(client.task(name).state) == "RUNNING", f"{name} to run")


def test_after_a_subscription_explicit_with_agents_then_implicit(cluster, needs_local):
    with cluster.client() as client:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        running(client, "t")
        agent = client.task("t").attempts[0].agent_id
        before = cluster.local.calls("RECONCILE")
        cluster.local.fault("drop_stream")
        calls = wait_for(lambda: (lambda c: c if len(c) >= before + 2 else None)(
            cluster.local.call_log("RECONCILE")), "two RECONCILEs")[before:]
        first = calls[0]["call"]["reconcile"]["tasks"]
        assert [task["agent_id"]["value"] for task in first] == [agent]
        assert first[0]["task_id"]["value"] == client.task("t").attempts[0].mesos_task_id
        assert not calls[1]["call"].get("reconcile", {}).get("tasks")
        assert zmesos.state_name(client.task("t").state) == "RUNNING"
        client.kill("t")


def test_by_request(cluster):
    with cluster.client() as client:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        running(client, "t")
        events = cluster.subscribe("mesos/UPDATE/t/")
        assert client.reconcile() == 1
        event = wait_for(lambda: events.recv(timeout=1), "the answer")
        assert event.mesos.update.status.message == "Reconciliation: Latest task state"
        client.kill("t")
        client.wait("t", timeout=60)


def test_a_task_that_ended_while_nobody_looked(cluster, needs_local):
    """The agent is lost for good with the task on it while we are away."""
    with cluster.client(timeout=30.0) as client:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        running(client, "t")
        agent = client.task("t").attempts[0].agent_id
        cluster.daemon.kill()
        cluster.local.fault("lose_agent", agent=cluster.local.agent_number(agent), how="gone")
        cluster.daemon.start()
        task = wait_for(lambda: (lambda t: t if zmesos.is_over(t) else None)(client.task("t")), "an end")
        assert zmesos.state_name(task.state) in ("GONE", "LOST")


def test_an_unreachable_agent_that_returns_with_its_task(cluster, needs_local):
    with cluster.client() as client:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        running(client, "t")
        agent = client.task("t").attempts[0].agent_id
        cluster.local.fault("lose_agent", agent=cluster.local.agent_number(agent))
        wait_for(lambda: zmesos.state_name(client.task("t").state) == "UNREACHABLE", "UNREACHABLE")
        cluster.local.fault("return_agent", agent=cluster.local.agent_number(agent), with_tasks=True)
        running(client, "t")
        assert len(client.task("t").attempts) == 1
        client.kill("t")
        client.wait("t", timeout=60)


def test_an_unreachable_agent_that_returns_without_its_task_and_without_a_word(start_cluster, needs_local):
    """Its offer makes us ask at once; the answer is GONE. Such a task may have run: it is not started again."""
    cluster = start_cluster()
    with cluster.client() as client:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        running(client, "t")
        agent = client.task("t").attempts[0].agent_id
        cluster.local.fault("lose_agent", agent=cluster.local.agent_number(agent))
        wait_for(lambda: zmesos.state_name(client.task("t").state) == "UNREACHABLE", "UNREACHABLE")
        client.launch("true", id="wants-offers", cpus=100000, mem=32)
        cluster.local.fault("return_agent", agent=cluster.local.agent_number(agent), with_tasks=False)
        wait_for(lambda: zmesos.state_name(client.task("t").state) == "GONE", "GONE")
        assert len(client.task("t").attempts) == 1
        client.kill("wants-offers")
