"""Placement from outside: leases by the Python package, the placing example, and the command line."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

import zmesos
from command_line import Cli
from programs import BUILD, REAL_MASTER, TOP, wait_for

Operation = zmesos.mesos.Offer.Operation
SMALL = {"cpus": 0.1, "mem": 32}


def take(client, count=1, **wishes):
    """A lease, once it holds so many offers."""
    lease = client.lease(**wishes)
    wait_for(lambda: len(lease.renew().offers) >= count, f"{count} offers")
    return lease


def ends(client, ids):
    return {zmesos.state_name(task.state) for task in client.wait(ids, timeout=120).values()}


def placed(lease, *placements):
    return [result.code for result in lease.place(*placements)]


def test_a_task_is_placed_on_a_leased_offer(cluster):
    with cluster.client() as client:
        client.launch("true", id="a", placer="me", **SMALL)
        assert [task.id for task in client.tasks("QUEUED", placer="me")] == ["a"]
        why = client.why("a")["a"]
        assert why.reasons[0].kind == zmesos.messages.Reason.WAITS_FOR_PLACER
        with take(client, duration=30, cpus=0.1) as lease:
            offer = lease.offers[0]
            assert cluster.status().leased_offers >= 1
            assert placed(lease, (offer, "a")) == ["OK"]
            assert offer.id.value not in [left.id.value for left in lease.offers]
            ended = client.wait("a", timeout=60)
            assert ended.attempts[0].agent_id == offer.agent_id.value
            assert zmesos.state_name(ended.state) == "FINISHED"
        assert lease.over and not cluster.status().HasField("leases")


def test_operations_are_placed_with_a_task_of_what_they_make(start_cluster):
    """A reservation, a volume in it and a task that writes there: one ACCEPT, in this order."""
    cluster = start_cluster("--role", "keeper", "--lease-share", "100")
    reserved = zmesos.reserved("keeper", disk=32)
    volume = zmesos.volume("keeper", "v1", 32, "data")
    with cluster.client() as client:
        client.operate(Operation(type="RESERVE", reserve={"resources": reserved}), id="reserve", placer="p")
        client.operate(Operation(type="CREATE", create={"volumes": [volume]}), id="create", placer="p")
        client.launch("echo kept >> data/file", id="writes", role="keeper", placer="p", **SMALL,
                      resources=[{"name": "disk", "disk": {"persistence_id": "v1"}}])
        with take(client, duration=30, disk=32, **SMALL) as lease:
            offer = lease.offers[0]
            assert client.operation("reserve").obstacle == "waits for placer p"
            assert placed(lease, (offer, "writes", ["nothing"])) == ["NOT_FOUND", "CONFLICT"]
            assert placed(lease, (offer, "writes", ["reserve", "create"])) == ["OK", "OK", "OK"]
        ended = client.wait_operations("reserve", "create", timeout=60)
        assert {zmesos.operation_state_name(one.state) for one in ended.values()} == {"FINISHED"}
        assert ends(client, ["writes"]) == {"FINISHED"}
        pin = [zmesos.equals("agent_id", ended["create"].agent_id)]
        for undo in (Operation(type="DESTROY", destroy={"volumes": [volume]}),
                     Operation(type="UNRESERVE", unreserve={"resources": reserved})):
            client.operate(undo, id=f"undo-{undo.type}", constraints=pin)
            client.wait_operations(f"undo-{undo.type}", timeout=60)


def test_another_attempt_waits_for_the_placer_too(cluster):
    with cluster.client() as client:
        client.launch("exit 1", id="a", placer="me", retry={"max_attempts": 2, "backoff": 0.1}, **SMALL)
        with take(client, duration=30) as lease:
            assert placed(lease, (lease.offers[0], "a")) == ["OK"]
            wait_for(lambda: (task := client.task("a")).attempts[0].message and task.state == zmesos.messages.QUEUED,
                     "the second attempt to wait")
            wait_for(lambda: lease.renew().offers, "another offer")
            wait_for(lambda: placed(lease, (lease.offers[0], "a")) == ["OK"], "the end of its backoff")
            assert ends(client, ["a"]) == {"FAILED"}
        assert len(client.task("a").attempts) == 2


def test_wrong_late_and_double_uses_are_refused_and_nothing_is_lost(start_cluster):
    cluster = start_cluster("--lease-share", "100")
    updates = cluster.subscribe("mesos/UPDATE/")
    with cluster.client() as client:
        for name in ("a", "b", "c", "d"):
            client.launch("sleep 600", id=name, placer="me", **SMALL)
        client.launch("true", id="huge", placer="me", cpus=4000, mem=32)
        lease = take(client, 2, duration=30)
        one, other = lease.offers[:2]
        # Together with what is wrong, a task that is right is placed all the same.
        results = lease.place((one, ["huge", "nobody", "a", "a"]))
        assert [result.code for result in results] == ["CONFLICT", "NOT_FOUND", "OK", "CONFLICT"]
        assert results[0].reason == "CPUS" and results[0].field == "place.placements[0].task_ids[0]"
        # Twice.
        double, = lease.place((one, "b"))
        assert double.code == "NOT_FOUND" and double.state == "QUEUED"
        # Another's.
        with client.lease(duration=30) as another:
            assert placed(another, (other, "b")) == ["CONFLICT"]
        with pytest.raises(zmesos.Invalid):
            lease.place((other, "b"), (other, "c"))
        # Given back, then used.
        lease.release(other)
        assert placed(lease, (other, "b"))[0] in ("NOT_FOUND", "CONFLICT")
        with pytest.raises(zmesos.NotFound):
            lease.release([other])
        # Late.
        lease.renew(duration=0.1)
        wait_for(lambda: not cluster.status().HasField("leases"), "the end of the lease")
        for late in (lease.renew, lease.release, lambda: lease.place((other, "b"))):
            with pytest.raises(zmesos.NotFound):
                late()
        wait_for(lambda: zmesos.state_name(client.task("a").state) == "RUNNING", "the task that was placed")
        client.kill("a", "b", "c", "d", "huge")
        assert ends(client, ["a", "b", "c", "d", "huge"]) == {"KILLED"}
    seen = [event.mesos.update.status for event in updates.within(1) if event.mesos]
    assert {zmesos.mesos.TaskState.Name(status.state) for status in seen} <= {
        "TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"}
    assert not cluster.daemon.log_lines("refused a call")


def test_a_task_is_pinned_to_an_agent(cluster):
    with cluster.client() as client:
        with take(client, duration=30) as lease:
            agent = lease.offers[0].agent_id.value
        client.launch("true", id="a", agent=agent, **SMALL)
        assert client.wait("a", timeout=60).attempts[0].agent_id == agent


def test_an_offer_can_be_declined(start_cluster, needs_local):
    cluster = start_cluster("--lease-share", "100")
    with cluster.client() as client:
        lease = take(client, 2, duration=30)
        lease.release(lease.offers[0], refuse=1234.5)
        wait_for(lambda: [call for call in cluster.local.call_log("DECLINE")
                          if call["call"]["decline"]["filters"]["refuse_seconds"] == 1234.5], "the DECLINE")
        lease.release()
        client.launch("true", id="a", cpus=4, mem=4096)
        assert ends(client, ["a"]) == {"FINISHED"}


@pytest.mark.parametrize("level,refused", [("none", {"lease", "decline", "suppress"}), ("lease", {"decline", "suppress"}),
                                           ("all", set())])
def test_an_operator_says_what_is_allowed(start_cluster, level, refused):
    cluster = start_cluster("--external", level)
    with cluster.client() as client:
        found = set()
        try:
            lease = take(client, duration=30)
            lease.release(lease.offers[0], refuse=0)
        except zmesos.Invalid as error:
            found |= {"decline"} if "refuse_seconds" in error.field else {"lease", "decline"}
            assert f"--external {level}" in error.message
        try:
            client.suppress()
            client.revive()
        except zmesos.Invalid as error:
            found.add("suppress")
            assert f"--external {level}" in error.message
        assert found == refused


def test_leases_end_with_the_subscription(start_cluster, needs_local):
    cluster = start_cluster()
    with cluster.client() as client:
        client.launch("true", id="a", placer="me", **SMALL)
        lease = take(client, duration=60)
        changes = cluster.subscribe("zmesos/LEASE/")
        cluster.local.fault("drop_stream")
        change = next(event.lease for event in changes.within(60) if event.lease and event.lease.over)
        assert (change.lease_id, change.why) == (lease.id, zmesos.messages.LeaseChange.DISCONNECTED)
        cluster.wait_subscribed()
        with pytest.raises(zmesos.NotFound):
            lease.place((lease.offers[0], "a"))
        with take(client, duration=60) as again:
            assert placed(again, (again.offers[0], "a")) == ["OK"]
            assert ends(client, ["a"]) == {"FINISHED"}


# ---- the example -----------------------------------------------------------------------------------------


@pytest.fixture
def start_placer(tmp_path):
    """start_placer(cluster, *flags): examples/python/placer.py."""
    started = []

    def start(cluster, *flags):
        command = [sys.executable, str(TOP / "examples" / "python" / "placer.py"), f"--control={cluster.control}",
                   f"--events={cluster.events}", f"--pipeline={cluster.pipeline}", *flags]
        log = (tmp_path / f"placer{len(started)}.log").open("wb")
        with log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log,
                                            env={**os.environ, "PYTHONPATH": str(BUILD / "python")}))
        started[-1].log = log.name
        return started[-1]
    yield start
    for process in started:
        process.kill()
        process.wait()


def test_two_placers_beside_the_daemons_own_matching(start_cluster, start_placer):
    """A thousand tasks (sixty with a real master): no ACCEPT is refused, and no task for its offer. Who places how many is open."""
    cluster = start_cluster(local={"agents": "12", "allocation_interval": "0.2"}, local_flags=("--simulate",))
    count = 60 if REAL_MASTER else 1000
    updates = cluster.subscribe("mesos/UPDATE/", "task/")
    placers = [start_placer(cluster, "--name", "packer"), start_placer(cluster, "--name", "packer")]
    with cluster.client(timeout=60.0) as client:
        client.launch("true", id="huge", placer="packer", cpus=4000, mem=32)  # it waits for room for ever, and so do they
        wait_for(lambda: cluster.status().leases == 2, "both placers to be there")
        specs = [zmesos.task_spec("true", id=f"t{n}", cpus=0.1 + n % 5 / 10, mem=32 + n % 3,
                                  placer=None if n % 5 == 0 else "packer") for n in range(count)]
        assert all(result.ok for result in client.launch_many(specs))
        bad, ended = [], {}
        for event in updates.within(240):
            if event.mesos:
                status = event.mesos.update.status
                name = zmesos.mesos.TaskState.Name(status.state)
                if name in ("TASK_ERROR", "TASK_DROPPED", "TASK_LOST"):
                    bad.append((name, status.message))
            elif event.task and zmesos.is_over(event.task):
                ended[event.task.id] = zmesos.state_name(event.task.state)
                if len(ended) == count:
                    break
    assert not bad
    assert len(ended) == count and set(ended.values()) == {"FINISHED"}
    assert updates.missed == 0
    assert not cluster.daemon.log_lines("refused a call")
    assert [placer.poll() for placer in placers] == [None, None]  # they go on


def test_offers_of_a_placer_that_is_killed_are_back_within_the_lease(start_cluster, start_placer):
    cluster = start_cluster("--lease-share", "100")
    seconds = 10  # for so long the example keeps what nothing fits
    events = cluster.subscribe("zmesos/LEASE/", "task/a/")
    with cluster.client() as client:
        client.launch("true", id="huge", placer="packer", cpus=4000, mem=32)  # it waits for room for ever
        placer = start_placer(cluster, "--lease", str(seconds))
        wait_for(lambda: cluster.status().leased_offers == 2, "both agents to be leased")
        client.launch("true", id="a", **SMALL)
        placer.send_signal(signal.SIGKILL)
        placer.wait()
        client.ping()
        client.ping()  # what it had asked for has been answered: clients take turns
        killed_ns = time.time_ns()
        order, until_ns = [], None
        for event in events.within(60):
            if event.lease and event.lease.over:
                assert event.lease.why == zmesos.messages.LeaseChange.EXPIRED and len(event.lease.gone) == 2
                until_ns = event.lease.until_ns
                order.append("over")
            if event.task and event.task.state == zmesos.messages.LAUNCHING:
                order.append("launched")
                break
        assert order == ["over", "launched"]
        assert until_ns <= killed_ns + seconds * 10**9
        assert ends(client, ["a"]) == {"FINISHED"}
        client.kill("huge")


# ---- the command line ------------------------------------------------------------------------------------


def test_by_hand(start_cluster):
    cluster = start_cluster("--lease-share", "100")
    run = Cli(cluster)
    run("launch", "--id", "a", "--placer", "hand", "--cpus", "0.1", "--mem", "32", "--", "true")
    assert run.json("tasks", "--placer", "hand")[0]["placer"] == "hand"
    assert not run.json("tasks", "--placer", "nobody")
    assert "waits for placer hand" in run("why", "a").stdout

    def look():
        said = run("lease", "take", "--id", "mine", "--for", "30s", "--max", "1", "--constraint", "has hostname").stdout
        return len(said.splitlines()) == 2 and said
    offer = wait_for(look, "an offer").splitlines()[1].split()[0]
    assert "1 of them by 1 leases" in run("status").stdout
    assert "NOT_FOUND" in run("lease", "place", "mine", "no-such-offer", "a", code=1).stderr
    assert run("lease", "place", "mine", offer, "a").stdout == "a\n"
    assert run("lease", "release", "mine").stdout == "mine is over\n"
    assert "NOT_FOUND" in run("lease", "renew", "mine", code=1).stderr
    with cluster.client() as client:
        agent = client.wait("a", timeout=60).attempts[0].agent_id
    run("run", "--agent", agent, "--cpus", "0.1", "--mem", "32", "--", "true")
