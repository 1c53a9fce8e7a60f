"""The daemon under each fault that zmesos-local can have: nothing is lost, nothing runs twice by our doing, and what clients are
told is true. Tasks write down when they run, so that runs are counted where they happen."""
from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Optional

import pytest
import zmesos

from programs import LATE, PATIENCE, Cluster, wait_for

pytestmark = pytest.mark.usefixtures("needs_local")

SMALL = {"cpus": 0.1, "mem": 32}
RETRY = {"max_attempts": 2, "backoff": 0.05}
SILENCE = 60  # seconds for which nothing is given up after SUBSCRIBED


class Runs:
    """Tasks that write their Mesos id into a file when they begin."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.file = directory / "runs"

    def command(self, rest: str = "true") -> str:
        return f"echo $MESOS_EXECUTOR_ID >>{self.file}; {rest}"

    def endless(self) -> str:
        return self.command("sleep 600")

    @property
    def begun(self) -> list[str]:
        return self.file.read_text().split() if self.file.exists() else []

    def of(self, task_id: str) -> int:
        return sum(line.startswith(f"{task_id}.") for line in self.begun)


@pytest.fixture
def runs(tmp_path: pathlib.Path) -> Runs:
    return Runs(tmp_path)


def state(task: Any) -> str:
    return zmesos.state_name(task.state)


def attempts(task: zmesos.Task) -> list[str]:
    return [state(attempt) for attempt in task.attempts]


def wait_state(client: zmesos.Client, task_id: str, *wanted: str, limit: float = PATIENCE) -> zmesos.Task:
    def look() -> Optional[zmesos.Task]:
        task = client.task(task_id)
        return task if state(task) in wanted else None
    return wait_for(look, f"{task_id} to be {' or '.join(wanted)}", limit)


def run_forever(client: zmesos.Client, runs: Runs, task_id: str, **spec: Any) -> zmesos.Task:
    client.launch(runs.endless(), id=task_id, **SMALL, **spec)
    wait_for(lambda: runs.of(task_id) == 1, f"{task_id} to write that it has begun")  # RUNNING may come before that
    return wait_state(client, task_id, "RUNNING")


def agent_of(cluster: Cluster, task: zmesos.Task) -> int:
    return cluster.local.agent_number(task.attempts[-1].agent_id)


def told(client: zmesos.Client, events: zmesos.Events) -> Iterator[zmesos.Event]:
    """What was published up to now, in order; none is missing."""
    yield from events.catch_up(client.status(), PATIENCE)
    assert events.missed == 0


def states_told(client: zmesos.Client, events: zmesos.Events) -> list[str]:
    return [state(event.task) for event in told(client, events) if event.task]


def agents_are(cluster: Cluster, *states: str) -> None:
    wait_for(lambda: {agent["state"] for agent in cluster.local.state()["agents"]} == set(states), f"agents {states}")


def agent_says(cluster: Cluster, task_id: str, mesos_state: str) -> None:
    wait_for(lambda: any(task["id"].startswith(f"{task_id}.") and task["state"] == mesos_state
                         for task in cluster.local.state()["tasks"]), f"{task_id} to be {mesos_state} on its agent")


def finish_all(client: zmesos.Client, runs: Runs, ids: list[str]) -> None:
    """Each has finished in one attempt and has run once."""
    ended = client.wait(ids, 2 * PATIENCE)
    assert {i: state(task) for i, task in ended.items()} == dict.fromkeys(ids, "FINISHED")
    assert sorted(runs.begun) == sorted(task.attempts[-1].mesos_task_id for task in ended.values())


# ---- calls that come twice, late or never --------------------------------------------------------------------------------

def test_a_doubled_accept(cluster: Cluster, runs: Runs) -> None:
    """The second is answered DROPPED of tasks that the agent has."""
    events = cluster.subscribe("task/")
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("stage_tasks", count=0, ms=700)  # so that it is all that is known of them
        cluster.local.fault("double", call="ACCEPT", count=0)
        ids = [f"t{n}" for n in range(10)]
        client.launch_many([zmesos.task_spec(runs.command("sleep 0.2"), id=i, **SMALL) for i in ids])
        finish_all(client, runs, ids)
        assert all(len(client.task(i).attempts) == 1 for i in ids)
        assert cluster.local.state()["counts"]["calls"]["ACCEPT"] >= 2
        assert not {"LOST", "GONE", "ERROR"} & set(states_told(client, events))


def test_a_doubled_kill(cluster: Cluster, runs: Runs) -> None:
    """Also one whose double arrives when the task is over: the answer GONE takes nothing back."""
    events = cluster.subscribe("task/", "mesos/UPDATE/")
    with cluster.client(timeout=PATIENCE) as client:
        for task_id, after_ms in (("at-once", 0), ("late", LATE)):
            run_forever(client, runs, task_id)
            before = cluster.local.calls("KILL")
            cluster.local.fault("double", call="KILL", after_ms=after_ms)
            client.kill(task_id)
            assert state(client.wait(task_id, PATIENCE)) == "KILLED"
            wait_for(lambda: cluster.local.state()["tasks"] == [], "the end to be acknowledged")
            cluster.local.release(held=1 if after_ms else 0)
            wait_for(lambda: cluster.local.calls("KILL") >= before + 2, "both")
        seen: dict[str, list[str]] = {"at-once": [], "late": []}

        def gone_is_told() -> bool:
            for event in told(client, events):
                if event.task:
                    seen[event.task.id].append(state(event.task))
                elif event.mesos:
                    seen[event.task_id].append(f"mesos {event.mesos.update.status.message}")
            return any("unknown to the agent" in line for line in seen["late"])
        wait_for(gone_is_told, "the answer to the second KILL")
        for task_id, lines in seen.items():
            names = [line for line in lines if not line.startswith("mesos ")]
            assert names.count("KILLED") == 1 and names[-1] == "KILLED" and names.count("KILLING") == 1
            assert state(client.task(task_id)) == "KILLED" and attempts(client.task(task_id)) == ["KILLED"]


def test_a_doubled_reconcile(cluster: Cluster, runs: Runs) -> None:
    """Each answer is published, and nothing changes."""
    with cluster.client(timeout=PATIENCE) as client:
        before = run_forever(client, runs, "t")
        events = cluster.subscribe("mesos/UPDATE/", "task/")
        cluster.local.fault("double", call="RECONCILE", count=0)
        client.reconcile()
        latest = []

        def answers() -> bool:
            latest.extend(event.mesos.update.status.message for event in told(client, events) if event.mesos)
            return len(latest) >= 2
        wait_for(answers, "both answers")
        assert set(latest) == {"Reconciliation: Latest task state"}
        assert client.task("t") == before and runs.of("t") == 1
        client.kill("t")


@pytest.mark.parametrize("close", [False, True], ids=["silence", "closed"])
def test_accepts_that_are_acted_upon_and_not_answered(start_cluster: Callable[..., Cluster], runs: Runs, close: bool) -> None:
    cluster = start_cluster("--call-timeout", "1")
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("no_answer", call="ACCEPT", act="now", close=close, count=2)
        ids = [f"t{n}" for n in range(10)]
        client.launch_many([zmesos.task_spec(runs.command("sleep 1"), id=i, **SMALL) for i in ids])
        finish_all(client, runs, ids)
        assert all(len(client.task(i).attempts) == 1 for i in ids)
        client.launch(runs.command(), id="next", **SMALL)  # and the calls go on
        finish_all(client, runs, [*ids, "next"])


def test_an_accept_that_is_answered_and_not_acted_upon(cluster: Cluster, runs: Runs) -> None:
    """Reconciling tells that it never was, and then it is made again by itself."""
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.swallow("ACCEPT")
        client.launch(runs.command(), id="t", **SMALL)
        wait_for(lambda: cluster.local.calls("ACCEPT") == 1, "the ACCEPT")
        wait_state(client, "t", "LAUNCHING")
        client.reconcile()
        task = client.wait("t", PATIENCE)
        assert state(task) == "FINISHED" and attempts(task) == ["GONE", "FINISHED"]
        assert runs.begun == [task.attempts[1].mesos_task_id]


@pytest.mark.parametrize("after_ms", [300, 1050, 2500])
def test_an_accept_that_acts_late(start_cluster: Callable[..., Cluster], runs: Runs, after_ms: int) -> None:
    """In time but without an answer, about when it is given up, and long after: it is fenced off then."""
    cluster = start_cluster("--call-timeout", "1")
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("no_answer", call="ACCEPT", act="later", act_after_ms=after_ms)
        client.launch(runs.command("sleep 3"), id="t", **SMALL)
        task = client.wait("t", 2 * PATIENCE)
        assert state(task) == "FINISHED"
        assert runs.begun == [task.attempts[-1].mesos_task_id]


def test_updates_before_the_answer(cluster: Cluster, runs: Runs) -> None:
    """The whole life of a task is told before the 202 of its ACCEPT."""
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("delay", call="ACCEPT", what="answer", ms=2000)
        client.launch(runs.command(), id="t", **SMALL)
        task = client.wait("t", PATIENCE)
        assert state(task) == "FINISHED"
        wait_for(lambda: cluster.local.state()["tasks"] == [], "the end to be acknowledged")
        client.launch(runs.command(), id="next", **SMALL)
        finish_all(client, runs, ["t", "next"])


def test_a_kill_that_is_lost_is_sent_again(start_cluster: Callable[..., Cluster], runs: Runs) -> None:
    cluster = start_cluster("--kill-interval", "0.2")
    with cluster.client(timeout=PATIENCE) as client:
        run_forever(client, runs, "t")
        cluster.local.fault("answer", call="KILL", status=202, count=2)
        client.kill("t")
        assert state(client.wait("t", PATIENCE)) == "KILLED"
        assert cluster.local.calls("KILL") >= 3  # more where the end takes longer than the interval


@pytest.mark.parametrize("status", [401, 503])
def test_refused_for_a_while(cluster: Cluster, runs: Runs, status: int) -> None:
    """Every request is, in the middle of it all."""
    with cluster.client(timeout=PATIENCE) as client:
        run_forever(client, runs, "long")
        cluster.local.fault("answer", status=status, for_ms=1500)
        ids = [f"t{n}" for n in range(10)]
        client.launch_many([zmesos.task_spec(runs.command(), id=i, **SMALL) for i in ids])
        ended = client.wait(ids, 2 * PATIENCE)
        assert {state(task) for task in ended.values()} == {"FINISHED"}
        assert [runs.of(i) for i in [*ids, "long"]] == [1] * 11
        assert state(client.task("long")) == "RUNNING"
        client.kill("long")


@pytest.mark.parametrize("only", ["calls", "streams", "both"])
def test_a_stall(cluster: Cluster, runs: Runs, only: str) -> None:
    with cluster.client(timeout=PATIENCE) as client:
        ids = [f"t{n}" for n in range(20)]
        client.launch_many([zmesos.task_spec(runs.command(), id=i, **SMALL) for i in ids])
        cluster.local.fault("stall", ms=1500, only=only)
        finish_all(client, runs, ids)


# ---- updates that come again ---------------------------------------------------------------------------------------------

def test_each_update_twice(cluster: Cluster, runs: Runs) -> None:
    """Each is published and acknowledged, each state is told once."""
    events = cluster.subscribe("task/", "mesos/UPDATE/")
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("double_updates")
        client.launch(runs.command(), id="t", **SMALL)
        assert state(client.wait("t", PATIENCE)) == "FINISHED"
        wait_for(lambda: cluster.local.calls("ACKNOWLEDGE") == 6, "six acknowledgements")
        seen = list(told(client, events))
        assert [state(event.task) for event in seen if event.task] == ["QUEUED", "LAUNCHING", "STARTING", "RUNNING", "FINISHED"]
        uuids = [event.mesos.update.status.uuid for event in seen if event.mesos]
        assert len(uuids) == 6 and len(set(uuids)) == 3 and uuids[0::2] == uuids[1::2]


def test_updates_again_and_again(cluster: Cluster, runs: Runs) -> None:
    """While acknowledgements are lost, and of a task that is over for us."""
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("answer", call="ACKNOWLEDGE", status=202, count=0)
        client.launch(runs.command(), id="t", **SMALL)
        wait_state(client, "t", "STARTING")
        events = cluster.subscribe("mesos/UPDATE/")
        before = client.task("t")
        cluster.local.fault("repeat_updates", times=5)
        wait_for(lambda: cluster.local.calls("ACKNOWLEDGE") >= 6, "an acknowledgement for each")  # more after ten seconds
        assert client.task("t") == before
        assert len([event for event in told(client, events) if event.mesos]) >= 5
        cluster.local.fault("clear")
        cluster.local.fault("repeat_updates")
        assert state(client.wait("t", PATIENCE)) == "FINISHED"
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")
        assert runs.of("t") == 1


# ---- agents --------------------------------------------------------------------------------------------------------------

def test_an_agent_restarts_with_its_tasks(cluster: Cluster, runs: Runs) -> None:
    with cluster.client(timeout=PATIENCE) as client:
        before = run_forever(client, runs, "t")
        cluster.local.fault("restart_agent", agent=agent_of(cluster, before), after_ms=300)
        agents_are(cluster, "registered")
        client.reconcile()
        client.launch(runs.command(), id="next", constraints=[zmesos.equals("hostname", before.attempts[0].hostname)], **SMALL)
        assert state(client.wait("next", PATIENCE)) == "FINISHED"
        assert client.task("t") == before and runs.of("t") == 1
        client.kill("t")
        assert state(client.wait("t", PATIENCE)) == "KILLED"


@pytest.mark.parametrize("how, end", [("ended", "GONE"), ("forgotten", "GONE"), ("new", "LOST")])
def test_an_agent_restarts_without_its_tasks(cluster: Cluster, runs: Runs, how: str, end: str) -> None:
    """What has run is not run again by itself, and is where its policy says so."""
    with cluster.client(timeout=PATIENCE) as client:
        once = run_forever(client, runs, "once")
        here = [zmesos.equals("hostname", once.attempts[0].hostname)]
        again = run_forever(client, runs, "again", retry=RETRY, constraints=here)
        cluster.local.fault("restart_agent", agent=agent_of(cluster, again), tasks=how)
        wait_state(client, "once", end)
        if how == "new":  # LOST: perhaps it lives, and its policy does not name that
            wait_state(client, "again", "LOST")
            assert runs.of("again") == 1
        else:
            wait_for(lambda: runs.of("again") == 2, "the second attempt")
            assert attempts(wait_state(client, "again", "RUNNING")) == ["GONE", "RUNNING"]
            client.kill("again")
        assert runs.of("once") == 1 and len(client.task("once").attempts) == 1


def test_an_agent_restarts_before_a_launch_has_begun(cluster: Cluster, runs: Runs) -> None:
    """It says that it has dropped it for its restart: that never ran, and is made again."""
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("stage_tasks")
        client.launch(runs.command(), id="t", **SMALL)
        agent_says(cluster, "t", "TASK_STAGING")
        task = client.task("t")
        cluster.local.fault("restart_agent", agent=agent_of(cluster, task))
        task = client.wait("t", PATIENCE)
        assert state(task) == "FINISHED" and len(task.attempts) == 2 and runs.of("t") == 1


def test_lost_and_back_alive(cluster: Cluster, runs: Runs) -> None:
    """TASK_LOST is not the end of it: it runs on and is seen again."""
    events = cluster.subscribe("task/")
    with cluster.client(timeout=PATIENCE) as client:
        task = run_forever(client, runs, "t")
        agent = agent_of(cluster, task)
        cluster.local.fault("lose_agent", agent=agent, how="removed")
        wait_state(client, "t", "LOST")
        cluster.local.fault("return_agent", agent=agent)
        task = wait_state(client, "t", "RUNNING")
        assert attempts(task) == ["RUNNING"] and runs.of("t") == 1
        assert states_told(client, events)[-2:] == ["LOST", "RUNNING"]
        client.kill("t")
        assert state(client.wait("t", PATIENCE)) == "KILLED"


def test_back_without_one_task_and_without_a_word(cluster: Cluster, runs: Runs) -> None:
    """We ask, and hear that one is gone; the other runs on."""
    with cluster.client(timeout=PATIENCE) as client:
        kept = run_forever(client, runs, "kept")
        here = [zmesos.equals("hostname", kept.attempts[0].hostname)]
        lost = run_forever(client, runs, "lost", constraints=here)
        agent = agent_of(cluster, kept)
        cluster.local.fault("lose_agent", agent=agent)
        for task_id in ("kept", "lost"):
            wait_state(client, task_id, "UNREACHABLE")
        client.launch("true", id="wants-offers", cpus=100000, mem=32)
        cluster.local.fault("return_agent", agent=agent, without=[lost.attempts[0].mesos_task_id])
        wait_state(client, "kept", "RUNNING")
        assert attempts(wait_state(client, "lost", "GONE")) == ["GONE"]
        assert runs.of("kept") == runs.of("lost") == 1
        client.kill("kept", "wants-offers")


# ---- failover of the master ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("crash", [False, True], ids=["", "and the daemon is killed"])
def test_a_failover_with_late_agents(cluster: Cluster, runs: Runs, crash: bool) -> None:
    """Whoever is asked for too early is not answered, and nothing is said to be lost."""
    events = cluster.subscribe("task/")
    with cluster.client(timeout=PATIENCE) as client:
        ids = [f"t{n}" for n in range(10)]
        client.launch_many([zmesos.task_spec(runs.endless(), id=i, constraints=[zmesos.equals("hostname", f"agent{1 + n % 2}")],
                                             **SMALL) for n, i in enumerate(ids)])
        for i in ids:
            wait_state(client, i, "RUNNING")
        before = [client.task(i) for i in ids]
        cluster.local.fault("failover", agents_return_ms=[300])  # and the other when it is told to
        if crash:
            cluster.restart(kill=True)
        agents_are(cluster, "registered", "recovering")
        cluster.wait_subscribed()
        client.reconcile()
        cluster.local.fault("return_agent", agent=2)
        agents_are(cluster, "registered")
        client.launch(runs.command(), id="next", **SMALL)
        assert state(client.wait("next", PATIENCE)) == "FINISHED"
        assert [client.task(i) for i in ids] == before
        wait_for(lambda: [runs.of(i) for i in ids] == [1] * 10, "each to have begun once")
        if not crash:
            assert set(states_told(client, events)) <= {
                "QUEUED", "LAUNCHING", "STAGING", "STARTING", "RUNNING", "FINISHED"}
        client.kill(*ids)
        assert {state(task) for task in client.wait(ids, PATIENCE).values()} == {"KILLED"}


def test_a_failover_with_agents_that_have_lost_their_tasks(cluster: Cluster, runs: Runs) -> None:
    with cluster.client(timeout=PATIENCE) as client:
        run_forever(client, runs, "once")
        run_forever(client, runs, "again", retry=RETRY)
        cluster.local.fault("failover", agents_return_ms=500, with_tasks=False)
        wait_state(client, "once", "GONE")
        wait_for(lambda: runs.of("again") == 2, "the second attempt")
        assert attempts(wait_state(client, "again", "RUNNING")) == ["GONE", "RUNNING"]
        assert runs.of("once") == 1
        client.kill("again")


def test_a_failover_with_agents_that_are_given_up_and_return(cluster: Cluster, runs: Runs) -> None:
    with cluster.client(timeout=PATIENCE) as client:
        ids = [f"t{n}" for n in range(4)]
        for i in ids:
            run_forever(client, runs, i)
        cluster.local.fault("failover", give_up_ms=500)
        for i in ids:
            wait_state(client, i, "UNREACHABLE")
        for agent in (1, 2):
            cluster.local.fault("return_agent", agent=agent)
        for i in ids:
            assert attempts(wait_state(client, i, "RUNNING")) == ["RUNNING"] and runs.of(i) == 1
        client.kill(*ids)


def test_failovers_in_a_row(start_cluster: Callable[..., Cluster]) -> None:
    """A thousand tasks, and another master every second: all of them end once."""
    cluster = start_cluster(local={"agents": "4", "resources": "cpus:64;mem:65536;disk:65536", "allocation_interval": "0.1"},
                            local_flags=("--simulate",))
    events = cluster.subscribe("task/")
    count = 1000
    with cluster.client(timeout=2 * PATIENCE) as client:
        client.launch_many([zmesos.task_spec("true", id=f"t{n}", cpus=0.1, mem=1, labels={"simulate_seconds": f"{n % 7}.5"})
                            for n in range(count)])
        for _ in range(5):
            cluster.local.fault("failover", agents_return_ms=[0, 100, 300, 600])
            agents_are(cluster, "registered")
            cluster.wait_subscribed()
        ended = client.wait([f"t{n}" for n in range(count)], 4 * PATIENCE)
        assert {state(task) for task in ended.values()} == {"FINISHED"}
        over = [event.task.id for event in told(client, events) if event.task and zmesos.is_over(event.task)]
        assert sorted(over) == sorted(ended)


# ---- orphans -------------------------------------------------------------------------------------------------------------

def orphans_told(client: zmesos.Client, events: zmesos.Events) -> list[tuple[str, str, str]]:
    return [(event.orphan.mesos_task_id, zmesos.Orphan.Action.Name(event.orphan.action), event.orphan.task_id)
            for event in told(client, events) if event.orphan]


def test_orphans_are_adopted(cluster: Cluster, runs: Runs) -> None:
    """Also one that only an implicit reconciliation tells of. They are tasks then: they can be listed and killed."""
    events = cluster.subscribe("zmesos/ORPHAN/")
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("orphan", task="somebody.900.1", command=runs.endless())
        cluster.local.fault("orphan", task="not-of-our-making", state="TASK_STARTING", agent=2)
        cluster.local.fault("orphan", task="silent.901.1", quiet=True)
        wait_for(lambda: {task.id for task in client.tasks()} >= {"somebody", "not-of-our-making"}, "two tasks")
        client.reconcile()
        wait_for(lambda: "silent" in {task.id for task in client.tasks()}, "the third")
        wait_for(lambda: runs.begun, "the one with a command to begin")
        assert all(task.adopted for task in client.tasks())
        assert {task.id: state(task) for task in client.tasks()} == {
            "somebody": "RUNNING", "not-of-our-making": "STARTING", "silent": "RUNNING"}
        assert sorted(orphans_told(client, events)) == [
            ("not-of-our-making", "ADOPTED", "not-of-our-making"), ("silent.901.1", "ADOPTED", "silent"),
            ("somebody.900.1", "ADOPTED", "somebody")]
        wait_for(lambda: cluster.local.unacknowledged() == 0, "every update to be acknowledged")

        cluster.restart(kill=True)  # they are on disk
        cluster.wait_subscribed()
        assert {task.id for task in client.tasks()} == {"somebody", "not-of-our-making", "silent"}
        client.kill("somebody", "not-of-our-making", "silent")
        ended = client.wait(["somebody", "not-of-our-making", "silent"], PATIENCE)
        assert {state(task) for task in ended.values()} == {"KILLED"}
        wait_for(lambda: cluster.local.state()["tasks"] == [], "nothing to be left")
        assert len(runs.begun) == 1


def test_orphans_are_killed(start_cluster: Callable[..., Cluster], runs: Runs) -> None:
    """With repeats, until they are over; told once each; and nobody has a task of them."""
    cluster = start_cluster("--orphans", "kill", "--kill-interval", "0.2")
    events = cluster.subscribe("zmesos/ORPHAN/")
    with cluster.client(timeout=PATIENCE) as client:
        cluster.local.fault("answer", call="KILL", status=202, count=6)
        cluster.local.fault("orphan", task="somebody.900.1", command=runs.endless())
        cluster.local.fault("orphan", task="waits.901.1", state="TASK_STAGING")
        client.reconcile()
        wait_for(lambda: cluster.local.state()["tasks"] == [], "nothing to be left")
        wait_for(lambda: client.status().strays == 0, "the daemon to know")
        assert sorted(orphans_told(client, events)) == [("somebody.900.1", "KILLED", ""), ("waits.901.1", "KILLED", "")]
        assert list(client.tasks()) == []


@pytest.mark.parametrize("flags", [(), ("--orphans", "kill")], ids=["adopt", "kill"])
def test_an_orphan_that_is_over_is_acknowledged_alone(start_cluster: Callable[..., Cluster], flags: tuple[str, ...]) -> None:
    cluster = start_cluster(*flags)
    events = cluster.subscribe("zmesos/ORPHAN/", "mesos/UPDATE/")
    with cluster.client(timeout=PATIENCE) as client:
        for number, mesos_state in enumerate(("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_GONE")):
            cluster.local.fault("orphan", task=f"old.{number}.1", state=mesos_state)
        wait_for(lambda: cluster.local.calls("ACKNOWLEDGE") == 5 and cluster.local.unacknowledged() == 0, "acknowledgements")
        seen = list(told(client, events))
        assert len([event for event in seen if event.mesos]) == 5 and not [event for event in seen if event.orphan]
        assert list(client.tasks()) == [] and client.status().strays == 0 and cluster.local.calls("KILL") == 0


# ---- what is silent for too long -----------------------------------------------------------------------------------------

def test_what_is_silent_for_too_long(start_cluster: Callable[..., Cluster], runs: Runs) -> None:
    """Launches that do not begin, and an agent that is LOST: all in one, for nothing is given up in the first minute."""
    cluster = start_cluster("--kill-interval", "0.2", "--launch-timeout", "1")
    policy = {"max_attempts": 2, "on": ["LOST", "LAUNCH_TIMEOUT"], "replace_after": 1, "backoff": 0.05}
    with cluster.client(timeout=PATIENCE) as client:
        replaced = run_forever(client, runs, "replaced", retry=policy)
        agent = agent_of(cluster, replaced)
        other = [zmesos.equals("hostname", "agent2" if replaced.attempts[0].hostname == "agent1" else "agent1")]

        def stage(task_id: str, how: str, command: str = runs.command(), **spec: Any) -> None:
            cluster.local.fault("stage_tasks", how=how, ms=0 if how != "deaf" else 1000 * (SILENCE + 5))
            client.launch(command, id=task_id, constraints=other, **SMALL, **spec)
            agent_says(cluster, task_id, "TASK_STAGING")

        stage("slow", "slow", retry=policy)
        stage("slow-once", "slow")
        stage("never-arrived", "lost", retry=policy)
        stage("deaf", "deaf", runs.endless(), retry=policy)
        cluster.local.fault("lose_agent", agent=agent, how="removed")
        wait_state(client, "replaced", "LOST", "UNKNOWN")
        limit = SILENCE + PATIENCE

        slow = client.wait("slow", limit)
        assert state(slow) == "FINISHED" and attempts(slow) == ["KILLED", "FINISHED"] and runs.of("slow") == 1
        once = client.wait("slow-once", limit)
        assert state(once) == "FAILED" and len(once.attempts) == 1 and runs.of("slow-once") == 0
        # "Cannot find executor" is no proof after a KILL: that is said of what has ended, too. So by policy alone.
        arrived = client.wait("never-arrived", limit)
        assert state(arrived) == "FINISHED" and attempts(arrived) == ["GONE", "FINISHED"] and runs.of("never-arrived") == 1

        def second(task_id: str) -> zmesos.Task:
            return wait_for(lambda: (lambda t: t if len(t.attempts) == 2 and state(t) == "RUNNING" else None)(
                client.task(task_id)), f"the second attempt of {task_id}", limit)

        # Its KILLs are not heard until it begins after all: it is killed then, and only then made again.
        deaf = second("deaf")
        assert attempts(deaf) == ["KILLED", "RUNNING"]
        wait_for(lambda: deaf.attempts[1].mesos_task_id in runs.begun, "the second attempt to write that it has begun")
        task = second("replaced")
        assert task.attempts[0].replaced and client.status().strays == 1
        wait_for(lambda: runs.of("replaced") == 2, "the second attempt to write that it has begun")
        cluster.local.fault("return_agent", agent=agent)
        wait_for(lambda: client.status().strays == 0, "the first attempt to be killed")
        task = client.task("replaced")
        assert state(task) == "RUNNING" and attempts(task) == ["KILLED", "RUNNING"]
        wait_for(lambda: [t["id"] for t in cluster.local.state()["tasks"] if t["id"].startswith("replaced.")] == [
            task.attempts[1].mesos_task_id], "one of the two alone")
        client.kill("replaced", "deaf")
