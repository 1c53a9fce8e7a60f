"""Calls by request: SUPPRESS, REVIVE, SHUTDOWN, MESSAGE, REQUEST, RECONCILE_OPERATIONS, TEARDOWN."""
import json
import urllib.request

import pytest
import zmq

import zmesos
from command_line import Cli, one_line
from programs import PATIENCE, wait_for


def running(client: zmesos.Client, task_id: str = "t") -> zmesos.Task:
    client.launch("sleep 600", id=task_id, cpus=0.1, mem=32)
    return wait_for(lambda: next((t for t in [client.task(task_id)] if zmesos.state_name(t.state) == "RUNNING"), None),
                    f"{task_id} to run")


def refused_for_now(cluster, **operation) -> str:
    """The words of the refusal; a Client asks again as long as it may, and hears nothing in the end if the daemon is slow then."""
    request = zmesos.messages.Request(id="once", version=1, **operation)
    with zmq.Context.instance().socket(zmq.REQ) as asking:
        asking.linger = 0
        asking.connect(cluster.control)
        asking.send(request.SerializeToString())
        assert asking.poll(1000 * PATIENCE)
        reply = zmesos.messages.Reply.FromString(asking.recv())
    assert reply.code == zmesos.messages.UNAVAILABLE and reply.retry
    return reply.message


def test_a_suppressed_role_waits_until_it_is_revived(cluster):
    with cluster.client() as client:
        client.suppress("*")
        client.launch("true", id="waits", cpus=0.1, mem=32)
        wait_for(lambda: client.status().suppressed_roles == ["*"], "the wish in the status")
        cluster.restart(kill=True)
        cluster.wait_subscribed()
        why = client.why("waits")["waits"].reasons
        assert [zmesos.messages.Reason.Kind.Name(reason.kind) for reason in why][0] == "SUPPRESSED" and "revived" in why[0].message
        assert client.status().offers == 0 and zmesos.state_name(client.task("waits").state) == "QUEUED"
        if cluster.local:
            assert cluster.local.state()["frameworks"][0]["roles"] == [{"name": "*", "suppressed": True}]
        client.revive("*")
        assert zmesos.state_name(client.wait("waits", timeout=PATIENCE).state) == "FINISHED"
        assert not client.status().suppressed_roles
        if cluster.local:
            assert cluster.local.calls("REVIVE") >= 1


def test_roles_of_others_are_refused(cluster):
    with cluster.client() as client:
        for ask, name in ((client.suppress, "suppress"), (client.revive, "revive")):
            with pytest.raises(zmesos.Invalid) as caught:
                ask("*", "nobody")
            assert caught.value.field == f"{name}.roles[1]"


def test_a_message_reaches_the_master(cluster):
    with cluster.client() as client:
        task = running(client)
        client.message(b"\0one\xff", task=task.id)
        client.message(b"two", executor="custom", agent=task.attempts[-1].agent_id)
        if cluster.local:
            calls = [call["call"]["message"] for call in cluster.local.call_log("MESSAGE")]
            assert [call["executor_id"]["value"] for call in calls] == [task.attempts[-1].mesos_task_id, "custom"]
            assert {call["agent_id"]["value"] for call in calls} == {task.attempts[-1].agent_id}
        with pytest.raises(zmesos.TooLarge):
            client.message(bytes((512 << 10) + 1), task=task.id)
        client.message(bytes(512 << 10), task=task.id)


def test_a_message_of_an_executor_is_published(cluster, needs_local):
    with cluster.subscribe("mesos/MESSAGE") as events:
        cluster.local.fault("send_event", event={"type": "MESSAGE", "message": {
            "agent_id": {"value": "a"}, "executor_id": {"value": "e"}, "data": "AGhp"}})
        event = events.recv(PATIENCE)
        assert event.mesos.message.data == b"\0hi" and event.number == 1


def test_what_the_master_refuses_is_told(cluster, needs_local):
    with cluster.client() as client:
        task = running(client)
        cluster.local.fault("answer", call="MESSAGE", status=400, text="not today")
        with pytest.raises(zmesos.Invalid) as caught:
            client.message(b"x", task=task.id)
        assert "not today" in caught.value.message and not caught.value.retry
        cluster.local.fault("no_answer", call="MESSAGE", close=True)
        with pytest.raises(zmesos.Unavailable) as caught:
            client.message(b"x", task=task.id)
        assert not caught.value.retry


def test_an_executor_is_shut_down(cluster):
    with cluster.client() as client:
        task = running(client)
        client.shutdown_executor(task=task.id)
        over = client.wait(task.id, timeout=PATIENCE)
        assert zmesos.state_name(over.state) in ("KILLED", "FAILED", "GONE")
        executor = zmesos.messages.Executor(task_id=task.id)
        refused_for_now(cluster, shutdown_executor=zmesos.messages.ShutdownExecutor(executor=executor))
        if cluster.local:
            assert cluster.local.calls("SHUTDOWN") == 1


def test_wishes_and_operations(cluster):
    with cluster.client() as client, cluster.subscribe("mesos/UPDATE_OPERATION_STATUS") as events:
        wish = zmesos.mesos.Request(resources=[zmesos.mesos.Resource(
            name="cpus", type=zmesos.mesos.Value.SCALAR, scalar=zmesos.mesos.Value.Scalar(value=2))])
        client.request_resources([wish])
        client.reconcile_operations("nowhere-1", ("nowhere-2", "no-agent"))
        told = {}
        while len(told) < 2:
            status = events.recv(PATIENCE).mesos.update_operation_status.status
            told[status.operation_id.value] = zmesos.mesos.OperationState.Name(status.state)
        assert set(told) == {"nowhere-1", "nowhere-2"} and "UNKNOWN" in told["nowhere-1"]
        client.reconcile_operations()
        if cluster.local:
            assert cluster.local.calls("REQUEST") == 1 and cluster.local.calls("RECONCILE_OPERATIONS") == 2


# ---- TEARDOWN ----------------------------------------------------------------------------------------------------------

def test_teardown_is_asked_for_twice_and_ends_all(cluster):
    with cluster.client() as client, cluster.subscribe("task/") as events:
        task = running(client, "lives")
        client.launch("true", id="waits", cpus=10000, mem=32)
        first = client.teardown()
        assert first.tasks == 2 and first.token and not first.begun and first.valid_ms == 60000
        with pytest.raises(zmesos.Invalid):
            client.teardown("0123456789abcdef")
        before = cluster.status().framework_id
        assert zmesos.state_name(client.task(task.id).state) == "RUNNING"
        assert client.teardown(first.token).begun
        ended = {}
        while len(ended) < 2:
            event = events.recv(PATIENCE)
            if zmesos.is_over(event.task):
                ended[event.task.id] = (zmesos.state_name(event.task.state), event.task.message)
        assert {state for state, _ in ended.values()} == {"KILLED"}
        assert all("torn down by request" in message for _, message in ended.values())
    assert cluster.daemon.ended() == 0
    assert len(cluster.daemon.log_lines("stopping: framework", before, "torn down by request")) == 1
    if cluster.local:
        wait_for(lambda: not cluster.local.state()["tasks"], "the agents to have ended the task")
    cluster.daemon.start()  # as another framework, with nothing to do
    status = cluster.wait_subscribed()
    assert status.framework_id != before and not status.teardown
    with cluster.client() as client:
        assert {zmesos.state_name(client.task(name).state) for name in ("lives", "waits")} == {"KILLED"}
        client.launch("true", id="after", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("after", timeout=PATIENCE).state) == "FINISHED"


def test_teardown_survives_a_crash_before_its_effect(cluster, needs_local):
    with cluster.client() as client:
        running(client)
        cluster.local.fault("answer", call="TEARDOWN", status=202, count=0)  # also when it is said again
        before = cluster.status().framework_id
        assert client.teardown(client.teardown().token).begun
        wait_for(lambda: cluster.local.calls("TEARDOWN") or cluster.local.call_log("TEARDOWN"), "TEARDOWN to be swallowed")
        with pytest.raises(zmesos.Unavailable):
            client.launch("true", cpus=0.1, mem=32)
    cluster.daemon.kill()
    cluster.local.fault("clear")
    cluster.daemon.start()
    assert cluster.daemon.ended() == 0
    assert before in cluster.daemon.log_lines("stopping: framework")[-1]


def test_teardown_that_was_done_unseen(cluster, needs_local):
    """The master does it, and we crash before we hear of it."""
    with cluster.client() as client:
        running(client)
        token = client.teardown().token
        cluster.local.fault("no_answer", call="TEARDOWN", act="now")
        cluster.local.fault("answer", call="SUBSCRIBE", status=503, text="not now", count=0)  # nor by subscribing again
        assert client.teardown(token).begun
        wait_for(lambda: not cluster.local.state()["frameworks"], "the framework to go")
        cluster.daemon.kill()
    cluster.local.fault("clear")
    cluster.daemon.start()
    assert cluster.daemon.ended() == 0
    cluster.daemon.start()
    with cluster.client() as client:
        cluster.wait_subscribed()
        assert zmesos.state_name(client.task("t").state) == "KILLED"


def test_teardown_may_be_forbidden(start_cluster):
    cluster = start_cluster("--no-teardown")
    with cluster.client() as client:
        with pytest.raises(zmesos.Invalid) as caught:
            client.teardown()
        assert "--no-teardown" in caught.value.message


# ---- UPDATE_FRAMEWORK --------------------------------------------------------------------------------------------------

def test_roles_come_and_go_while_it_runs(start_cluster):
    cluster = start_cluster("--role", "first", "--role", "second")
    with cluster.client() as client:
        client.update_framework(add_roles=["third/part"], remove_roles=["second"])
        assert list(client.status().roles) == ["first", "third/part"]
        client.launch("sleep 600", id="t", role="third/part", cpus=0.1, mem=32)
        wait_for(lambda: zmesos.state_name(client.task("t").state) == "RUNNING", "t to run")
        with pytest.raises(zmesos.Invalid):
            client.launch("true", role="second", cpus=0.1, mem=32)
        change = zmesos.messages.UpdateFramework(remove_roles=["third/part"])
        assert "not over" in refused_for_now(cluster, update_framework=change)
        cluster.restart(kill=True)
        cluster.wait_subscribed()
        assert list(client.status().roles) == ["first", "third/part"]
        if cluster.local:
            assert [role["name"] for role in cluster.local.state()["frameworks"][0]["roles"]] == ["first", "third/part"]
        client.kill("t")
        client.wait("t", timeout=PATIENCE)
        client.update_framework(remove_roles=["third/part"])
        with pytest.raises(zmesos.Invalid) as caught:
            client.update_framework(add_roles=["-bad"])
        assert "the master refused" in caught.value.message
        assert list(client.status().roles) == ["first"]
        cli = Cli(cluster)
        cli("framework", "update", "--add", "fourth", "--add", "fifth", "--remove", "first")
        assert list(client.status().roles) == ["fourth", "fifth"]
        one_line(cli("framework", "update", "--remove", "first", code=1), "INVALID", "update_framework.remove_roles[0]")


def known_at_master(cluster):
    """What the master knows of the framework."""
    if cluster.local:
        return cluster.local.state()["frameworks"][0]["framework_info"]
    with urllib.request.urlopen(f"http://{cluster.master}/master/state", timeout=20) as answer:
        frameworks = json.loads(answer.read())["frameworks"]
    found = next(framework for framework in frameworks if framework["id"] == cluster.status().framework_id)
    return {**found, "labels": {"labels": found.get("labels", [])}}


def test_what_mesos_knows_of_it_changes_while_it_runs(start_cluster):
    cluster = start_cluster("--framework-name", "first", "--webui-url", "http://127.0.0.1/old", "--label", "old=1")
    with cluster.client() as client:
        client.update_framework(name="second", failover_timeout=3600, labels={"a": "b"})
        for start in (False, True):
            if start:
                cluster.restart(kill=True)
                cluster.wait_subscribed()
            known = known_at_master(cluster)
            assert (known["name"], known["failover_timeout"], known["webui_url"]) == ("second", 3600.0, "http://127.0.0.1/old")
            assert known["labels"]["labels"] == [{"key": "a", "value": "b"}]
        client.update_framework(webui_url="")
        assert not known_at_master(cluster).get("webui_url")
        with pytest.raises(zmesos.Invalid) as caught:
            client.update_framework(name="")
        assert caught.value.field == "update_framework.name"
        Cli(cluster)("framework", "update", "--name", "third", "--failover-timeout", "2h", "--label", "x=y", "--label", "z")
        known = known_at_master(cluster)
        assert (known["name"], known["failover_timeout"]) == ("third", 7200.0)
        assert [label["key"] for label in known["labels"]["labels"]] == ["x", "z"]
    # Other flags count more.
    cluster.daemon.flags[cluster.daemon.flags.index("first")] = "fourth"
    cluster.restart()
    cluster.wait_subscribed()
    known = known_at_master(cluster)
    assert (known["name"], known["failover_timeout"], known["webui_url"]) == ("fourth", 120.0, "http://127.0.0.1/old")


# ---- the command line --------------------------------------------------------------------------------------------------

def test_the_command_line_asks_too(cluster):
    cli = Cli(cluster)
    cli("framework", "suppress")
    assert "suppressed    *" in cli("status").stdout
    cli("framework", "revive", "*")
    assert "suppressed" not in cli("status").stdout
    one_line(cli("framework", "suppress", "nobody", code=1), "INVALID", "suppress.roles[0]")
    with cluster.client() as client:
        task = running(client)
    cli("executor", "message", "--task", task.id, "hello")
    cli("executor", "message", "--task", task.id, "-", text="from\nstandard input")
    cli("framework", "wish", "cpus=1.5", "mem=64")
    cli("framework", "operations", "op1", f"op2@{task.attempts[-1].agent_id}")
    one_line(cli("framework", "wish", "cpus", code=2), "NAME=AMOUNT")
    one_line(cli("executor", "message", "--task", "nobody", "x", code=1), "NOT_FOUND")
    cli("executor", "shutdown", "--task", task.id)
    cli("framework", "operations")
    asked = cli("framework", "teardown").stdout.splitlines()
    assert len(asked) == 2 and asked[1].startswith("zmesos framework teardown --token ")
    one_line(cli("framework", "teardown", "--token", "x", code=1), "INVALID", "teardown.token")
    assert "begun" in cli(*asked[1].split()[1:]).stdout
    assert cluster.daemon.ended() == 0
    if cluster.local:
        assert cluster.local.calls("TEARDOWN") >= 1 and cluster.local.calls("REQUEST") == 1
        assert [call["call"]["reconcile_operations"].get("operations", []) for call in
                cluster.local.call_log("RECONCILE_OPERATIONS")][0][1]["agent_id"]["value"] == task.attempts[-1].agent_id
