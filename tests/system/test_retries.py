"""Retries with the real programs: clients see one task, whatever becomes of its attempts."""
from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import zmesos

from command_line import Cli
from programs import PATIENCE, REAL_MASTER, Cluster, wait_for

SMALL = {"cpus": 0.1, "mem": 32}
SECOND = 10**9
QUICK = 0.05  # seconds of backoff where the test is not about it
MILLISECOND = SECOND // 1000  # timers count in these
SILENCE = 60  # seconds for which nothing is given up after SUBSCRIBED
OVER = {"FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST"}


class Counted:
    """A task that writes a line to a file each time it runs, and how often it did."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.file = directory / "ran"

    def command(self, rest: str) -> str:
        return f"echo $MESOS_EXECUTOR_ID >>{self.file}; {rest}"

    def fails(self, times: int) -> str:
        return self.command(f"test $(wc -l <{self.file}) -gt {times}")

    @property
    def runs(self) -> list[str]:
        """The Mesos ids of the attempts that ran, in order."""
        return self.file.read_text().split() if self.file.exists() else []


@pytest.fixture
def counted(tmp_path: pathlib.Path) -> Counted:
    if REAL_MASTER:
        pytest.skip("counts in a file of this machine; ZMESOS_TEST_MASTER names a real master")
    return Counted(tmp_path)


def state(task: zmesos.Task | Any) -> str:
    return zmesos.state_name(task.state)


def attempts(task: zmesos.Task) -> list[tuple[int, str]]:
    return [(attempt.number, state(attempt)) for attempt in task.attempts]


def told(client: zmesos.Client, events: zmesos.Events) -> list[zmesos.Task]:
    """What was published of tasks up to now, in order."""
    seen = [event.task for event in events.catch_up(client.status(), PATIENCE) if event.task]
    assert events.missed == 0
    return seen


def wait_queued_again(client: zmesos.Client, task_id: str, number: int = 1) -> zmesos.Task:
    """Until it waits for the attempt after this one."""
    def look() -> zmesos.Task | None:
        task = client.task(task_id)
        again = state(task) == "QUEUED" and len(task.attempts) == number
        return task if again else None
    return wait_for(look, f"{task_id} to be queued after attempt {number}")


def let_another_run(client: zmesos.Client) -> None:
    """A task that came later runs to its end: what had been due before has happened."""
    assert state(client.wait(client.launch("true", **SMALL).id, PATIENCE)) == "FINISHED"


# ---- how attempts follow each other ------------------------------------------------------------------------

def test_two_failures_and_an_end_are_one_task(cluster: Cluster, counted: Counted) -> None:
    client, events = cluster.client(), cluster.subscribe("task/")
    client.launch(counted.fails(2), id="job", retry={"max_attempts": 3, "backoff": QUICK}, **SMALL)
    task = client.wait("job", PATIENCE)
    assert state(task) == "FINISHED" and attempts(task) == [(1, "FAILED"), (2, "FAILED"), (3, "FINISHED")]
    ids = [attempt.mesos_task_id for attempt in task.attempts]
    assert counted.runs == ids and len(set(ids)) == 3

    seen = told(client, events)
    states = [state(each) for each in seen]
    assert states.count("QUEUED") == 3 and states.count("RUNNING") == 3
    assert [name for name in states if name in OVER] == ["FINISHED"]  # over once, at the end
    assert states[-1] == "FINISHED" and seen[-1].revision == task.revision
    revisions = [each.revision for each in seen]
    assert revisions == sorted(set(revisions))
    again = [each for each in seen if state(each) == "QUEUED"][1:]
    for number, each in enumerate(again, 1):
        assert attempts(each) == [(number, "FAILED")]  # the last one alone
        assert f"attempt {number} FAILED" in each.message and "status 1" in each.message
    assert not seen[0].HasField("retry_ns") and not task.HasField("retry_ns")


def test_attempts_are_used_up(cluster: Cluster, counted: Counted) -> None:
    client = cluster.client()
    client.launch(counted.command("exit 7"), id="job", retry={"max_attempts": 2, "backoff": QUICK}, **SMALL)
    task = client.wait("job", PATIENCE)
    assert state(task) == "FAILED" and attempts(task) == [(1, "FAILED"), (2, "FAILED")]
    assert task.message == task.attempts[-1].message and "7" in task.message
    let_another_run(client)
    assert len(counted.runs) == 2 and client.task("job").revision == task.revision


@pytest.mark.parametrize("retry, end, runs", [
    (None, "FAILED", 1),
    ({}, "FAILED", 1),  # one attempt is the default
    ({"max_attempts": 1, "backoff": QUICK}, "FAILED", 1),
    ({"max_attempts": 3, "on": ["GONE", "FINISHED", "KILLED", "LAUNCH_TIMEOUT"], "backoff": QUICK}, "FAILED", 1),
    ({"max_attempts": 3, "on": ["FAILED"], "backoff": QUICK}, "FAILED", 3),
    ({"max_attempts": 3, "backoff": 0}, "FAILED", 3),
], ids=["none", "empty", "one", "other outcomes", "named", "default outcomes"])
def test_only_the_outcomes_named(cluster: Cluster, counted: Counted, retry: Any, end: str, runs: int) -> None:
    client = cluster.client()
    client.launch(counted.command("exit 1"), id="job", retry=retry, **SMALL)
    task = client.wait("job", PATIENCE)
    let_another_run(client)
    assert state(task) == end and len(task.attempts) == runs == len(counted.runs)


def test_what_finished_runs_again_where_that_is_wanted(cluster: Cluster, counted: Counted) -> None:
    client = cluster.client()
    client.launch(counted.command("true"), id="job", retry={"max_attempts": 3, "on": "FINISHED", "backoff": QUICK}, **SMALL)
    task = client.wait("job", PATIENCE)
    assert state(task) == "FINISHED" and attempts(task) == [(1, "FINISHED"), (2, "FINISHED"), (3, "FINISHED")]
    assert len(counted.runs) == 3


@pytest.mark.parametrize("retry, field", [
    ({"max_attempts": 0}, "retry.max_attempts"), ({"max_attempts": 101}, "retry.max_attempts"),
    ({"backoff": -1}, "retry.backoff"), ({"backoff": 86400.1}, "retry.backoff"),
    ({"backoff_max": 86400.1}, "retry.backoff_max"), ({"replace_after": 30 * 86400 + 0.1}, "retry.replace_after"),
])
def test_policies_that_are_refused(cluster: Cluster, retry: Any, field: str) -> None:
    with pytest.raises(zmesos.Invalid) as caught:
        cluster.client().launch("true", retry=retry, **SMALL)
    assert caught.value.field == f"launch.tasks[0].{field}"


def test_limits_of_policies_are_taken(cluster: Cluster) -> None:
    client = cluster.client()
    widest = {"max_attempts": 100, "backoff": 86400, "backoff_max": 86400, "replace_after": 30 * 86400, "elsewhere": True,
              "on": zmesos.RetryPolicy.Outcome.keys()}
    client.launch("true", id="job", retry=widest, launch_timeout=30 * 86400, cpus=100_000, mem=32)
    assert client.task("job", with_spec=True).spec.retry == zmesos.retry_policy(**widest)
    with pytest.raises(zmesos.Invalid, match="launch_timeout"):
        client.launch("true", launch_timeout=30 * 86400 + 0.1, **SMALL)


# ---- the backoff -------------------------------------------------------------------------------------------

def test_the_backoff_doubles_up_to_its_maximum(cluster: Cluster, counted: Counted) -> None:
    client, events = cluster.client(), cluster.subscribe("task/job/")
    policy = {"max_attempts": 5, "backoff": 0.25, "backoff_max": 0.75}
    client.launch(counted.command("exit 1"), id="job", retry=policy, **SMALL)
    task = client.wait("job", PATIENCE)
    assert state(task) == "FAILED" and len(task.attempts) == 5
    queued = []
    while len(queued) < 4:
        event = events.recv(PATIENCE)
        assert event is not None and event.task is not None
        if state(event.task) == "QUEUED" and event.task.attempts:
            queued.append(event.task)
    pauses = [each.retry_ns - each.changed_ns for each in queued]
    assert pauses == [SECOND // 4, SECOND // 2, 3 * SECOND // 4, 3 * SECOND // 4]
    # No attempt was launched before its time.
    for each, attempt in zip(queued, task.attempts[1:]):
        assert attempt.launched_ns >= each.retry_ns - MILLISECOND, (each.retry_ns, attempt.launched_ns)


def test_a_kill_ends_the_backoff(cluster: Cluster, counted: Counted) -> None:
    client = cluster.client()
    client.launch(counted.command("exit 1"), id="job", retry={"max_attempts": 5, "backoff": 86400, "backoff_max": 86400}, **SMALL)
    waits = wait_queued_again(client, "job")
    assert waits.retry_ns - waits.changed_ns == 86400 * SECOND
    assert client.kill("job")[0].state == "KILLED"
    task = client.task("job")
    assert state(task) == "KILLED" and attempts(task) == [(1, "FAILED")] and not task.HasField("retry_ns")
    let_another_run(client)
    assert len(counted.runs) == 1 and client.task("job").revision == task.revision


def test_a_kill_of_an_attempt_is_the_end(cluster: Cluster, counted: Counted) -> None:
    client = cluster.client()
    policy = {"max_attempts": 5, "on": ["KILLED", "FAILED", "GONE"], "backoff": QUICK}
    client.launch(counted.command("sleep 600"), id="job", retry=policy, **SMALL)
    wait_for(lambda: state(client.task("job")) == "RUNNING" and counted.runs, "the task to run")
    client.kill("job")
    task = client.wait("job", PATIENCE)
    let_another_run(client)
    assert state(task) == "KILLED" and len(task.attempts) == 1 == len(counted.runs)


def test_a_killed_daemon_goes_on_with_the_backoff(cluster: Cluster, counted: Counted) -> None:
    client, events = cluster.client(), cluster.subscribe("task/job/QUEUED")
    client.launch(counted.fails(1), id="job", retry={"max_attempts": 3, "backoff": 3}, **SMALL)
    first, waits = events.recv(PATIENCE).task, events.recv(PATIENCE).task
    assert (attempts(first), attempts(waits)) == ([], [(1, "FAILED")])
    cluster.restart(kill=True)
    again = client.task("job")
    if len(again.attempts) == 1:  # else the restart took longer than the backoff
        assert state(again) == "QUEUED" and again.retry_ns == waits.retry_ns
        assert again.message == waits.message
    task = client.wait("job", 2 * PATIENCE)
    assert state(task) == "FINISHED" and attempts(task) == [(1, "FAILED"), (2, "FINISHED")]
    assert task.attempts[1].launched_ns >= waits.retry_ns - MILLISECOND
    assert counted.runs == [attempt.mesos_task_id for attempt in task.attempts]


# ---- elsewhere ---------------------------------------------------------------------------------------------

def test_elsewhere_is_another_agent_and_none_where_there_is_none(cluster: Cluster, counted: Counted,
                                                                 needs_local: None) -> None:
    client = cluster.client(timeout=PATIENCE)
    policy = {"max_attempts": 5, "backoff": QUICK, "elsewhere": True}
    client.launch(counted.command("exit 1"), id="job", retry=policy, **SMALL)
    client.launch("exit 1", id="other", retry=policy, **SMALL)
    task = wait_queued_again(client, "job", 2)
    assert {attempt.hostname for attempt in task.attempts} == {"agent1", "agent2"}
    let_another_run(client)
    cluster.restart(kill=True)  # it is known after a restart, too
    cluster.wait_subscribed()
    let_another_run(client)
    task = client.task("job")
    assert state(task) == "QUEUED" and len(task.attempts) == 2 == len(counted.runs)
    client.kill("job", "other")


# ---- what is silent for too long ---------------------------------------------------------------------------

def staging(cluster: Cluster, task_id: str) -> bool:
    """Whether the agent has it and does not start it. Mesos says nothing of that by itself."""
    return any(task["id"].startswith(f"{task_id}.") and task["state"] == "TASK_STAGING"
               for task in cluster.local.state()["tasks"])


def test_silent_attempts_are_given_up(start_cluster: Callable[..., Cluster], counted: Counted, needs_local: None) -> None:
    """All in one test: nothing is given up in the first minute of a subscription."""
    cluster = start_cluster("--kill-interval", "0.2", local_flags=("--agent", "hostname=here", "--agent", "hostname=there"))
    client = cluster.client(timeout=PATIENCE)
    cluster.local.fault("stage_tasks", count=1)  # the next launch stays STAGING
    client.launch("true", id="stages", retry={"max_attempts": 2, "backoff": QUICK}, launch_timeout=1, **SMALL)
    wait_for(lambda: staging(cluster, "stages"), "a task that stays STAGING")
    cluster.local.fault("stage_tasks", count=1)
    client.launch("true", id="ends", retry={"max_attempts": 2, "on": ["FAILED"]}, launch_timeout=1, **SMALL)
    wait_for(lambda: staging(cluster, "ends"), "another one")

    policy = {"max_attempts": 2, "on": ["UNREACHABLE"], "replace_after": 1, "backoff": QUICK}
    here = [zmesos.equals("hostname", "there")]
    client.launch(counted.command("sleep 600"), id="cut-off", retry=policy, **SMALL)
    client.launch("sleep 600", id="waits", retry={**policy, "on": ["LOST"]}, constraints=here, **SMALL)
    for task_id in ("cut-off", "waits"):
        wait_for(lambda: state(client.task(task_id)) == "RUNNING", f"{task_id} to run")
    agents = {client.task(task_id).attempts[0].agent_id for task_id in ("cut-off", "waits")}
    for agent in agents:
        cluster.local.fault("lose_agent", agent=cluster.local.agent_number(agent), how="unreachable")
    for task_id in ("cut-off", "waits"):
        wait_for(lambda: state(client.task(task_id)) == "UNREACHABLE", f"{task_id} to be cut off")

    def given_up() -> zmesos.Task | None:
        task = client.task("cut-off")
        return task if task.attempts[0].replaced else None
    wait_for(given_up, "the attempt to be given up", SILENCE + PATIENCE)
    assert client.status().strays == 1
    for agent in agents:
        cluster.local.fault("return_agent", agent=cluster.local.agent_number(agent))

    wait_for(lambda: state(client.task("cut-off")) == "RUNNING" and len(client.task("cut-off").attempts) == 2,
             "the second attempt to run")
    wait_for(lambda: client.status().strays == 0, "the first one to be killed")
    task = client.task("cut-off")
    assert attempts(task) == [(1, "KILLED"), (2, "RUNNING")] and not task.attempts[1].replaced
    wait_for(lambda: len(counted.runs) == 2, "it to write that it has begun")
    # Cut off for longer than its patience, but that is not what its policy names.
    wait_for(lambda: state(client.task("waits")) == "RUNNING", "the other one to be back")
    assert len(client.task("waits").attempts) == 1

    stages = client.wait("stages", PATIENCE)
    assert state(stages) == "FINISHED" and attempts(stages) == [(1, "KILLED"), (2, "FINISHED")]
    ends = client.wait("ends", PATIENCE)
    assert state(ends) == "FAILED" and attempts(ends) == [(1, "KILLED")]
    assert "was not running 1 s after its launch" in ends.message
    client.kill("cut-off", "waits")


# ---- over the command line ---------------------------------------------------------------------------------

def test_the_history_of_a_task(cluster: Cluster, counted: Counted) -> None:
    cli, client = Cli(cluster), cluster.client()
    client.launch(counted.fails(2), id="job", retry={"max_attempts": 3, "backoff": QUICK}, **SMALL)
    client.wait("job", PATIENCE)
    shown = cli("task", "job").stdout.splitlines()
    table = shown[shown.index("") + 1:]
    assert table[0].split()[:4] == ["TRY", "STATE", "HOST", "AGENT"]
    assert [line.split()[:2] for line in table[1:]] == [["1", "FAILED"], ["2", "FAILED"], ["3", "FINISHED"]]
    task, = cli.json("task", "job")
    assert [attempt["state"] for attempt in task["attempts"]] == ["FAILED", "FAILED", "FINISHED"]
    assert task["spec"]["retry"] == {"max_attempts": 3, "backoff": {"nanoseconds": SECOND // 20}}
    listed, = cli.json("tasks", "--prefix", "job")
    assert [attempt["number"] for attempt in listed["attempts"]] == [1, 2, 3]
