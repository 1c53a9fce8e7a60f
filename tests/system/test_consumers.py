"""Consumers: an update is acknowledged when its consumer has confirmed it, over crashes of either side."""
import collections
import contextlib
import re
import sqlite3
import subprocess

import pytest
import zmesos
from command_line import SMALL, Cli
from programs import PATIENCE, REAL_MASTER, wait_for
from test_examples import command, environment

NAME = "bank"
WAIT = {"name": NAME, "timeout": 3600, "after_timeout": "WAIT"}


def state_of(update):
    return zmesos.mesos.TaskState.Name(update.state)


def waiting(client, *, of=NAME):
    return list(client.unconfirmed(of))


def one_waits(client):
    """The one that waits, once it does."""
    return wait_for(lambda: waiting(client), "an update that waits")[0]


def status_of(update):
    """All that the master said."""
    return zmesos.scheduler.Event.FromString(update.event).update.status


def confirm_all(client, *ids):
    """As a consumer does, until these tasks are over and nothing waits; the states of each task, in order."""
    states = {}

    def step():
        over = all(zmesos.is_over(task) for task in client.get(ids).values())  # and their last updates have come, then
        updates = waiting(client)
        for update in updates:
            states.setdefault(update.task_id, []).append(state_of(update))
        assert {result.code for result in client.confirm(NAME, updates)} <= {"OK"}
        return over and not updates
    wait_for(step, "all to be confirmed")
    return states


def test_nothing_is_acknowledged_before_it_is_confirmed(cluster):
    client = cluster.client()
    client.launch("true", id="t", cpus=0.1, mem=32, consumer=WAIT)
    for number, state in enumerate(["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]):
        update = one_waits(client)
        assert (update.task_id, update.attempt, update.consumer, state_of(update)) == ("t", 1, NAME, state)
        assert status_of(update).uuid == update.uuid and status_of(update).state == update.state
        assert "TASK_" + zmesos.state_name(client.task("t").state) == state
        assert client.task("t").attempts[0].unconfirmed_since_ns == update.since_ns
        assert client.status().unconfirmed == 1
        if cluster.local:
            assert cluster.local.calls("ACKNOWLEDGE") == number and cluster.local.unacknowledged() >= 1
        [result] = client.confirm(NAME, [update])
        assert result.ok and not result.known
    assert client.confirm(NAME, [update])[0].known
    assert not waiting(client) and not client.status().HasField("unconfirmed")
    if cluster.local:
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")
        assert cluster.local.calls("ACKNOWLEDGE") == 3


def test_what_was_confirmed_and_lost_on_its_way_is_acknowledged_again(cluster, needs_local):
    """The agent repeats it after ten seconds; nobody is asked anew."""
    client = cluster.client()
    client.launch("true", id="t", cpus=0.1, mem=32, consumer=WAIT)
    first = one_waits(client)
    cluster.local.swallow("ACKNOWLEDGE")
    client.confirm(NAME, [first])
    wait_for(lambda: cluster.local.calls("ACKNOWLEDGE") == 2, "a second acknowledgement")
    assert state_of(one_waits(client)) == "TASK_RUNNING"  # which the agent says after the first was acknowledged
    assert cluster.local.calls("ACKNOWLEDGE") == 2
    confirm_all(client, "t")


def test_a_repetition_is_published_and_not_asked_for_anew(cluster):
    client, events = cluster.client(), cluster.subscribe("mesos/UPDATE/t/")
    client.launch("true", id="t", cpus=0.1, mem=32, consumer=WAIT)
    update = one_waits(client)
    seen = []
    for event in events.within(60):
        seen.append(event)
        if [e.mesos.update.status.uuid for e in seen].count(update.uuid) == 2:
            break
    assert seen[0].number == update.number
    assert [u.since_ns for u in waiting(client)] == [update.since_ns]
    assert confirm_all(client, "t") == {"t": ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]}


def test_acknowledged_without_after_its_time(cluster):
    client, events = cluster.client(), cluster.subscribe("zmesos/UNCONFIRMED/")
    client.launch("true", id="t", cpus=0.1, mem=32, consumer={"name": NAME, "timeout": 0.2})
    client.wait("t", timeout=60)
    told = [events.recv(60) for _ in range(3)]
    assert [event.topic for event in told] == ["zmesos/UNCONFIRMED/t/1"] * 3
    outcome = zmesos.UnconfirmedUpdate.Outcome.Value("ACKNOWLEDGED")
    assert [(state_of(e.unconfirmed), e.unconfirmed.outcome) for e in told] == [
        ("TASK_STARTING", outcome), ("TASK_RUNNING", outcome), ("TASK_FINISHED", outcome)]
    last = client.confirm(NAME, [told[2].unconfirmed])[0]
    assert last.ok and last.known and "time limit" in last.message
    if cluster.local:
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")


def test_late_and_waiting_on(cluster):
    client, events = cluster.client(), cluster.subscribe("zmesos/UNCONFIRMED/")
    client.launch("true", id="t", cpus=0.1, mem=32, consumer={**WAIT, "timeout": 0.2})
    told = events.recv(60).unconfirmed
    assert (told.task_id, told.late, told.outcome) == ("t", True, told.LATE)
    assert waiting(client)[0].late and waiting(client)[0].uuid == told.uuid
    if cluster.local:
        assert cluster.local.calls("ACKNOWLEDGE") == 0
    confirm_all(client, "t")


@pytest.mark.parametrize("kill", [True, False])
def test_a_restart_between(cluster, kill):
    """What waits is there after it, with its bytes, and is confirmed without waiting for the agent."""
    client = cluster.client(timeout=30.0)
    client.launch("true", id="t", cpus=0.1, mem=32, consumer=WAIT)
    before = one_waits(client)
    cluster.restart(kill=kill)
    cluster.wait_subscribed()
    [after] = waiting(client)
    assert after == before
    client.confirm(NAME, [after])
    cluster.restart(kill=kill)
    assert client.confirm(NAME, [before])[0].known
    assert confirm_all(client, "t")["t"][-1] == "TASK_FINISHED"


def test_the_end_is_kept_for_a_consumer_that_comes_late(start_cluster):
    """Of the tasks that are over one is kept here, and those with a consumer to come."""
    cluster = start_cluster("--keep-tasks", "1")
    client = cluster.client()
    client.launch("true", id="t", cpus=0.1, mem=32, consumer=WAIT)
    for _ in range(2):
        client.confirm(NAME, [one_waits(client)])
    wait_for(lambda: waiting(client) and client.task("t").state == zmesos.state_number("FINISHED"), "its end")
    for other in ("other", "more"):
        client.launch("true", id=other, cpus=0.1, mem=32)
        client.wait(other, timeout=60)
    wait_for(lambda: not client.get(["other"]), "the other one to be forgotten")
    update = one_waits(client)
    assert state_of(update) == "TASK_FINISHED"
    assert client.confirm(NAME, [update])[0].ok
    wait_for(lambda: not client.get(["more"]), "the older one to be forgotten")
    assert client.confirm(NAME, [update])[0].known
    client.launch("true", id="last", cpus=0.1, mem=32)
    wait_for(lambda: not client.get(["t"]), "it to be forgotten")
    assert client.confirm(NAME, [update])[0].code == "NOT_FOUND"


def test_resources_of_a_task_whose_end_waits(start_cluster):
    """Its end is known: Mesos offers what it had, and the next attempt does not wait either."""
    cluster = start_cluster() if REAL_MASTER else start_cluster(local={"agents": "1"})
    client = cluster.client()
    retry = {"max_attempts": 2, "backoff": 0}
    client.launch("exit 1", id="t", cpus=0.1, mem=32, consumer=WAIT, retry=retry)
    for _ in range(2):
        client.confirm(NAME, [one_waits(client)])
    wait_for(lambda: len(client.task("t").attempts) == 2, "another attempt")
    wait_for(lambda: len(waiting(client)) == 2, "two updates that wait")
    assert [(u.attempt, state_of(u)) for u in waiting(client)] == [(1, "TASK_FAILED"), (2, "TASK_STARTING")]
    confirm_all(client, "t")
    assert zmesos.state_name(client.task("t").state) == "FAILED"


def test_a_kill_is_heard_of_in_its_turn(cluster):
    client = cluster.client()
    client.launch("sleep 1000", id="t", cpus=0.1, mem=32, consumer=WAIT)
    client.confirm(NAME, [one_waits(client)])
    assert state_of(one_waits(client)) == "TASK_RUNNING"
    client.kill("t")
    assert zmesos.state_name(client.task("t").state) == "RUNNING"
    assert confirm_all(client, "t")["t"][-1] == "TASK_KILLED"


def test_many_and_another_consumer(cluster):
    client = cluster.client()
    ids = [f"t{n}" for n in range(20)]
    client.launch_many([zmesos.task_spec("true", id=i, cpus=0.1, mem=32, consumer=WAIT) for i in ids])
    client.launch("sleep 1000", id="foreign", cpus=0.1, mem=32, consumer={**WAIT, "name": "other"})
    [foreign] = wait_for(lambda: waiting(client, of="other"), "the other's")
    assert client.confirm(NAME, [foreign])[0].code == "CONFLICT"
    assert confirm_all(client, *ids) == {i: ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] for i in ids}
    assert waiting(client, of=None) == [foreign]
    if cluster.local:
        # More where the agent repeated one that was being confirmed.
        wait_for(lambda: cluster.local.calls("ACKNOWLEDGE") >= 60, "three acknowledgements a task")


def test_a_backup_has_what_waits(cluster, start_daemon, tmp_path, needs_local):
    """The daemon that is started with it has what waited then; what the agent says first thing takes its place, as the first
    one was confirmed meanwhile."""
    client = cluster.client()
    client.launch("sleep 2", id="t", cpus=0.1, mem=32, consumer=WAIT)
    first = one_waits(client)
    client.backup(tmp_path / "copy.db")
    client.confirm(NAME, [first])
    assert state_of(one_waits(client)) == "TASK_RUNNING"
    cluster.daemon.kill()
    daemon = start_daemon(cluster.master, state=tmp_path / "copy.db")
    daemon.wait_subscribed()
    with daemon.client() as restored:
        wait_for(lambda: [state_of(u) for u in waiting(restored)] == ["TASK_RUNNING"], "what the agent says")
        [result] = restored.confirm(NAME, [first])
        assert result.code == "NOT_FOUND" and "what waits of this attempt is TASK_RUNNING" in result.message
        heads = {getattr(head, "class"): head.number for head in restored.status().heads}
        assert heads[zmesos.messages.UNCONFIRMED] == 1  # REPLACED
        assert confirm_all(restored, "t")["t"][-1] == "TASK_FINISHED"
    wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")


def test_what_is_refused(cluster):
    client = cluster.client()
    with pytest.raises(zmesos.Invalid, match="30 days"):
        client.launch("true", id="t", cpus=0.1, mem=32, consumer={"name": NAME, "timeout": 31 * 24 * 3600})
    with pytest.raises(zmesos.Invalid) as refused:
        client.launch("true", id="t", cpus=0.1, mem=32, consumer="a/b")
    assert refused.value.field == "launch.tasks[0].consumer.name"
    assert [r.code for r in client.confirm(NAME, [("t", 1, b"x" * 16), ("t", 1, b"short")])] == ["NOT_FOUND", "INVALID"]
    with pytest.raises(zmesos.TooLarge):
        list(client.unconfirmed(NAME, page_size=1001))
    assert re.search("has 1 to 1000 updates", str(pytest.raises(zmesos.Invalid, client._ask, zmesos.messages.Request(
        confirm=zmesos.messages.Confirm(consumer=NAME))).value))


# ---- the example -----------------------------------------------------------------------------------------

# Runs the example, which ends as by kill -9 with its n-th confirm: before that is sent, or when it was answered.
DYING = """
import os, runpy, signal, sys, zmesos
point, left = sys.argv[1], int(sys.argv[2])
sys.argv = sys.argv[3:]
confirm = zmesos.Client.confirm
def dying(client, name, updates):
    global left
    left -= bool(updates)
    if left == 0 and point == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    results = confirm(client, name, updates)
    if left == 0 and point == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return results
zmesos.Client.confirm = dying
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@contextlib.contextmanager
def consumer(cluster, file, *flags, dies=None):
    """examples/python/consumer.py, killed with -9 at the end if it still runs."""
    python, *words = command("consumer", cluster)
    words = ["-c", DYING, *map(str, dies), *words] if dies else words
    program = subprocess.Popen([python, *words, *flags, str(file)], env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
        program.stdout.close()


def rows(file):
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(file)) as database:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE name='updates'").fetchall()
        return database.execute("SELECT task, attempt, state FROM updates ORDER BY number").fetchall() if tables else []


UPDATES_MADE = {"TASK_STAGING": 0, "TASK_STARTING": 1, "TASK_RUNNING": 2, "TASK_FAILED": 3}  # by an agent, of a task in it


def acknowledged(local):
    """How many updates were, by Mesos task id: an agent lets a task go with its last one."""
    state = local.state()
    held = {task["id"]: UPDATES_MADE[task["state"]] - task["unacknowledged"] for task in state["tasks"]}
    return {call["subject"]: held.get(call["subject"], 3) for call in state["calls"] if call["type"] == "ACKNOWLEDGE"}


def test_the_example_is_killed_again_and_again_and_has_every_update(cluster, tmp_path):
    """What was acknowledged is in its file, at each moment; and at the end all is, once."""
    file, ids = tmp_path / "updates.db", [f"t{n}" for n in range(30)]
    client = cluster.client(timeout=30.0)
    specs = [zmesos.task_spec("test $MESOS_TASK_ID || exit 3; exit 1", id=i, cpus=0.1, mem=32,
                              consumer={**WAIT, "name": "ledger"}, retry={"max_attempts": 2, "backoff": 0})
             for i in ids]
    client.launch_many(specs)
    # What one attempt after the other has to say takes five confirms at least: the first four lives have something to do.
    for life, dies in enumerate([("after", 1), ("before", 1), ("before", 2), ("after", 2), None, None, ("after", 1)]):
        with consumer(cluster, file, "--idle", "5" if life > 3 else str(PATIENCE), dies=dies) as program:
            if not dies:
                program.stdout.readline()  # it has done that, and is somewhere in the next
                program.kill()
            program.communicate(timeout=3 * PATIENCE)
            assert program.returncode == -9 or life > 3
        if cluster.local:
            known, kept = acknowledged(cluster.local), collections.Counter(row[:2] for row in rows(file))
            for mesos_id, count in known.items():
                task_id, _, attempt = mesos_id.rsplit(".", 2)
                assert count <= kept[task_id, int(attempt)], mesos_id
        if life == 3:
            cluster.restart(kill=True)
            cluster.wait_subscribed()

    def all_is_confirmed():
        with consumer(cluster, file, "--idle", "3") as program:  # it may come to its end before the tasks do
            program.communicate(timeout=3 * PATIENCE)
            assert program.returncode == 0
        return all(zmesos.is_over(task) for task in client.get(ids).values()) and not waiting(client, of="ledger")
    wait_for(all_is_confirmed, "all to be confirmed", 5 * PATIENCE)
    kept = rows(file)
    for task_id in ids:
        mine = collections.defaultdict(list)
        for task, attempt, state in kept:
            if task == task_id:
                mine[attempt].append(state)
        assert len(mine) == 2, task_id  # their numbers: one that was lost with the daemon, and never ran, has one too
        for states in mine.values():  # of an attempt they come in order
            assert states == ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"], task_id
    assert not waiting(client, of="ledger")
    if cluster.local:
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")


# ---- the command line ------------------------------------------------------------------------------------

def test_the_command_line(cluster):
    cli = Cli(cluster)
    client = cluster.client()
    assert cli("unconfirmed").stdout == ""
    cli("launch", "--id", "t", *SMALL, "--consumer", NAME, "--confirm-timeout", "2h", "--confirm-after", "wait", "true")
    update = one_waits(client)
    word = f"t/1/{update.uuid.hex()}"
    header, line = cli("unconfirmed").stdout.splitlines()
    assert header.split() == ["UPDATE", "STATE", "CONSUMER", "SINCE", "LIMIT"]
    assert line.split()[:3] == [word, "TASK_STARTING", NAME]
    assert cli("unconfirmed", "--consumer", "other").stdout == ""
    [listed] = cli.json("unconfirmed", "--consumer", NAME, "--limit", "1")
    assert listed["task_id"] == "t" and listed["state"] == "TASK_STARTING"
    shown = cli("task", "t").stdout
    assert re.search(rf"^consumer +{NAME} confirms updates within 2h, else they wait on$", shown, re.MULTILINE)
    assert "STARTING, unconfirmed" in shown
    assert re.search("^unconfirmed +1 updates", cli("status").stdout, re.MULTILINE)

    assert "CONFLICT" in cli("confirm", "other", word, code=1).stdout
    assert re.search(rf"^{word} +acknowledged", cli("confirm", NAME, word).stdout, re.MULTILINE)
    assert re.search(rf"^{word} +was before", cli("confirm", NAME, word).stdout, re.MULTILINE)
    one_waits(client)
    assert "acknowledged" in cli("confirm", "--all", NAME).stdout
    wait_for(lambda: one_waits(client).state == zmesos.mesos.TASK_FINISHED, "its end")
    [item] = cli.json("confirm", "--all", NAME)
    assert item["task_id"] == "t" and item["code"] == "OK" and item["state"] == "FINISHED"
    assert "nothing waits for bank" in cli("confirm", "--all", NAME).stderr

    for words, said in ((("confirm",), "name a consumer"), (("confirm", NAME), "or --all"),
                        (("confirm", "--all", NAME, word), "or --all"), (("confirm", NAME, "t/1/abc"), "TASK/ATTEMPT/UUID"),
                        (("confirm", NAME, word + "0"), "TASK/ATTEMPT/UUID"), (("confirm", NAME, "t/x" + word[3:]), "TASK/"),
                        (("launch", "--confirm-after", "wait", "true"), "means nothing without --consumer"),
                        (("launch", "--consumer", NAME, "--confirm-after", "maybe", "true"), "acknowledge or wait"),
                        (("launch", "--consumer", NAME, "--confirm-timeout", "31d", "true"), "at most 30d")):
        assert said in cli(*words, code=2).stderr, words


def test_the_command_line_tells_of_what_is_late(cluster):
    cli = Cli(cluster)
    running = cli.begin("events", "zmesos/UNCONFIRMED/", "zmesos/HEARTBEAT")
    try:
        assert "zmesos/HEARTBEAT" in running.process.stdout.readline()
        cli("launch", "--id", "t", *SMALL, "--consumer", NAME, "--confirm-timeout", "200ms", "true")
        line = next(line for line in running.process.stdout if "UNCONFIRMED" in line)
        assert re.search("UNCONFIRMED#1  zmesos/UNCONFIRMED/t/1  TASK_STARTING ACKNOWLEDGED not confirmed by bank", line)
    finally:
        running.close()
