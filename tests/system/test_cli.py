"""zmesos, the command line, against the real daemon: what it prints, and what it exits with."""
from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator

import pytest
import zmesos
import zmq

from command_line import PATIENT, SMALL, Cli, Running, one_line
from programs import PATIENCE, wait_for


@pytest.fixture
def cli(cluster) -> Cli:
    return Cli(cluster)


@pytest.fixture
def begin(cli):
    """cli.begin() whose process is ended with the test."""
    begun: list[Running] = []

    def start(*words: str) -> Running:
        begun.append(cli.begin(*PATIENT, *words))
        return begun[-1]
    yield start
    for running in begun:
        running.close()


# ---- run -----------------------------------------------------------------------------------------------

def test_run_exits_as_the_task_does(cli):
    done = cli("run", "--id", "seven", *SMALL, "exit 7", code=7)
    assert done.stdout == ""
    states = [line.split()[4] for line in done.stderr.splitlines()]
    assert len(set(states)) == len(states) and states[-1].rstrip(":") == "FAILED", done.stderr
    assert "Command exited with status 7" in done.stderr.splitlines()[-1]
    cli("run", *SMALL, "--", "true")
    cli("run", *SMALL, "--", "sh", "-c", "kill -9 $$", code=137)
    cli("run", *SMALL, "--", "sh", "-c", 'test "$1" = "a b"', "sh", "a b")
    cli("run", *SMALL, "--env", "A=x y", 'test "$A" = "x y"')


def test_run_again_follows_what_was_launched(cli):
    cli("run", "--id", "again", *SMALL, "exit 3", code=3)
    done = cli("run", "--id", "again", *SMALL, "exit 3", code=3)
    assert "launched before" in done.stderr
    one_line(cli("run", "--id", "again", *SMALL, "exit 4", code=1), "CONFLICT")


def test_run_tells_every_state_as_json(cli):
    tasks = cli.json("run", "--id", "told", *SMALL, "--", "true")
    assert {task["id"] for task in tasks} == {"told"}
    revisions = [task["revision"] for task in tasks]
    assert revisions == sorted(set(revisions))
    states = [task["state"] for task in tasks]
    assert states[-1] == "FINISHED" and len(set(states)) == len(states)


def test_run_follows_a_task_through_its_attempts(cli, begin, tmp_path):
    ran = tmp_path / "ran"
    running = begin("run", "--id", "thrice", *SMALL, "--retries", "2", "--retry-on", "failed", "--retry-backoff", "0.1s",
                    f"echo x >>{ran}; n=$(wc -l <{ran}); while ! test -e {ran}.$n; do sleep 0.05; done; test $n -ge 3")

    def states() -> list[str]:
        return [line.split()[4].rstrip(":,") for line in list(running.lines)]
    for attempt in (1, 2, 3):  # each lasts until it is told: what was before its subscription is told as it is when asked about
        wait_for(lambda: states().count("RUNNING") == attempt, f"attempt {attempt} to run")
        (tmp_path / f"ran.{attempt}").touch()
    assert running.end() == 0
    lines = running.lines
    assert states()[-1] == "FINISHED" and "FAILED" not in states(), lines  # the attempts failed, the task did not
    again, = [line for line in lines if "attempt 2 FAILED" in line]
    assert "QUEUED" in again and "Command exited with status 1" in again and " on " not in again
    assert ", attempt 3" in lines[-1]
    history = cli("task", "thrice").stdout.splitlines()
    attempts = [line.split()[:2] for line in history[-3:]]
    assert attempts == [["1", "FAILED"], ["2", "FAILED"], ["3", "FINISHED"]], history
    assert any(line.startswith("retries") and "up to 3 attempts, after FAILED; backoff 100ms to 5m" in line
               for line in history)
    assert cli("tasks").stdout.splitlines()[1].split()[4] == "3"


def test_run_exits_by_the_last_attempt(cli, tmp_path):
    ran = tmp_path / "ran"
    done = cli("run", *SMALL, "--retries", "1", "--retry-backoff", "0", f"echo x >>{ran}; exit $(wc -l <{ran})", code=2)
    assert "FAILED" in done.stderr.splitlines()[-1]


def test_run_of_a_task_that_is_killed_between_attempts(cli, begin):
    running = begin("run", "--id", "waits", *SMALL, "--retries", "1", "--retry-backoff", "1h", "exit 7")
    running.wait_for_line("attempt 1 FAILED")
    table = cli("tasks").stdout.splitlines()
    assert table[0].split()[-2:] == ["NOTE", "MESSAGE"] and re.search(r"  next try in (59|60)m  attempt 1 FAILED", table[1])
    assert "node" not in table[1] and "agent" not in table[1]  # it is nowhere now
    assert re.search(r"^next try +20\S+Z \(in (59|60)m\)$", cli("task", "waits").stdout, re.MULTILINE)
    task, = cli.json("task", "waits")
    assert task["state"] == "QUEUED" and task["retry_ns"] - task["changed_ns"] == 3600 * 10**9
    assert task["spec"]["retry"] == {"max_attempts": 2, "backoff": {"nanoseconds": 3600 * 10**9},
                                     "backoff_max": {"nanoseconds": 3600 * 10**9}}
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 1  # not 7: that was to be followed by another attempt
    assert "KILLED" in running.lines[-1]


def test_ctrl_c_ends_the_task_and_again_leaves_it(cli, begin, cluster, tmp_path):
    running = begin("run", "--id", "ends", *SMALL, "sleep 600")
    running.wait_for_line("RUNNING")
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 128 + signal.SIGTERM  # as Mesos ended it
    assert "KILLED" in running.lines[-1]

    ready = tmp_path / "ready"  # RUNNING comes before the shell has set its trap
    stubborn = begin("run", "--id", "stubborn", *SMALL, f"trap '' TERM; touch {ready}; while true; do sleep 0.1; done")
    stubborn.wait_for_line("RUNNING")
    wait_for(ready.exists, "the trap")
    stubborn.process.send_signal(signal.SIGINT)
    stubborn.wait_for_line("asking")
    stubborn.process.send_signal(signal.SIGINT)
    assert stubborn.end() == 128 + signal.SIGINT
    with cluster.client() as client:
        assert zmesos.state_name(client.wait("stubborn", timeout=PATIENCE).state) == "KILLED"


def test_run_outlives_the_daemon(cli, begin, cluster, tmp_path):
    gate = tmp_path / "gate"
    running = begin("run", "--id", "long", "--timeout", "1", *SMALL,
                    f"while ! test -e {gate}; do sleep 0.05; done; exit 5")
    running.wait_for_line("RUNNING")
    cluster.daemon.kill()
    running.wait_for_line("does not answer")
    gate.touch()
    cluster.daemon.start()
    assert running.end() == 5


# ---- launch, tasks, task, kill --------------------------------------------------------------------------

def test_launch_says_what_became_of_each(cli):
    tasks = [{"id": "good", "cpus": 0.1, "mem": 32, "command": {"value": "true"}},
             {"id": "bad/id", "cpus": 0.1, "mem": 32, "command": {"value": "true"}}]
    items = cli.json("launch", "--file", "-", text=json.dumps({"tasks": tasks}), code=1)
    assert [(item["task_id"], item["code"]) for item in items] == [("good", "OK"), ("bad/id", "INVALID")]
    assert items[1]["field"] == "launch.tasks[1].id"
    table = cli("launch", "--file", "-", text=json.dumps(tasks), code=1).stdout.splitlines()
    assert table[0].split() == ["TASK", "RESULT", "STATE", "MESSAGE"]
    assert table[1].split()[:2] == ["good", "known"] and table[2].split()[:2] == ["bad/id", "INVALID"]


def test_flags_make_the_task(cli):
    item, = cli.json("launch", "--id", "full", "--name", "n", "--cpus", "100000.125", "--mem", "64", "--disk", "10",
                     "--ports", "2", "--priority", "-3", "--constraint", "rack in r1,r2", "--constraint",
                     "unique hostname", "--env", "A=1", "--label", "team=blue", "--", "ls", "-l")
    assert item["state"] == "QUEUED"
    task, = cli.json("task", "full")
    spec = task["spec"]
    assert (spec["name"], spec["cpus"], spec["mem"], spec["disk"], spec["ports"], spec["priority"]) == \
        ("n", 100000.125, 64, 10, 2, -3)
    assert spec["constraints"] == [{"attribute": "rack", "operator": "IN", "values": ["r1", "r2"]},
                                   {"attribute": "hostname", "operator": "UNIQUE"}]
    assert spec["command"] == {"environment": {"variables": [{"name": "A", "value": "1"}]}, "value": "ls",
                               "shell": False, "arguments": ["ls", "-l"]}
    assert spec["labels"] == {"labels": [{"key": "team", "value": "blue"}]}
    text = cli("task", "full").stdout
    assert "ls -l" in text and "cpus 100000.125, mem 64, disk 10, ports 2" in text and "team=blue" in text


def test_retries_from_a_file(cli):
    retry = {"max_attempts": 3, "on": ["FAILED", "LOST"], "backoff": {"nanoseconds": 5000}, "elsewhere": True}
    task = {"id": "again", "cpus": 100000, "mem": 32, "command": {"value": "true"}, "retry": retry,
            "launch_timeout": {"nanoseconds": 10**9}}
    item, = cli.json("launch", "--file", "-", text=json.dumps(task))
    assert item["code"] == "OK"
    shown, = cli.json("task", "again")
    assert shown["spec"]["retry"] == retry and shown["spec"]["launch_timeout"] == {"nanoseconds": 10**9}
    text = cli("task", "again").stdout
    assert "up to 3 attempts, after FAILED, LOST; backoff 0.005ms to 5m; replaced after 10m; elsewhere" in text
    assert "1s to start" in text
    task["id"], retry["max_attempts"] = "never", 101
    item, = cli.json("launch", "--file", "-", text=json.dumps(task), code=1)
    assert (item["code"], item["field"]) == ("INVALID", "launch.tasks[0].retry.max_attempts")


def test_many_tasks_go_in_batches_and_come_in_pages(cli):
    count = 2100
    tasks = [{"id": f"many-{n:04}", "cpus": 100000, "mem": 32, "command": {"value": "true"}} for n in range(count)]
    items = cli.json("launch", "--file", "-", text=json.dumps(tasks))
    assert [item["task_id"] for item in items] == [task["id"] for task in tasks]
    assert all(item["code"] == "OK" for item in items)
    listed = cli.json("tasks", "--prefix", "many-", "--state", "queued")
    assert [task["id"] for task in listed] == [task["id"] for task in tasks]
    assert [task["id"] for task in cli.json("tasks", "--limit", "1001")] == [task["id"] for task in tasks[:1001]]
    table = cli("tasks", "--prefix", "many-").stdout.splitlines()
    assert len(table) == count + 1 and table[0].split()[:2] == ["TASK", "STATE"]
    assert len({line.index("QUEUED") for line in table[1:]}) == 1  # one column, over all pages
    assert cli.json("tasks", "--state", "running,failed") == []


def test_kill_by_id_and_by_label(cli):
    for name, label in (("red", "team=red"), ("blue1", "team=blue"), ("blue2", "team=blue")):
        cli("launch", "--id", name, *SMALL, "--label", label, "sleep 600")
    wait_for(lambda: len(cli.json("tasks", "--state", "running")) == 3, "three tasks to run")
    lines = cli.json("kill", "--label", "team=blue", "--wait")
    assert sorted(line["task_id"] for line in lines if "task_id" in line) == ["blue1", "blue2"]
    assert sorted((line["id"], line["state"]) for line in lines if "id" in line) == \
        [("blue1", "KILLED"), ("blue2", "KILLED")]
    assert [task["id"] for task in cli.json("tasks", "--state", "Running")] == ["red"]
    done = cli("kill", "red", "nobody", "--wait", code=1)
    assert "NOT_FOUND" in done.stdout and "KILLED" in done.stdout
    assert "no task" in cli("kill", "--label", "team=green").stderr


def test_a_task_that_is_not_there(cli):
    one_line(cli("task", "nobody", code=1), "nobody")


# ---- backup and release ---------------------------------------------------------------------------------

def test_a_backup_is_made_where_the_daemon_is(cli, tmp_path):
    done = cli("backup", "copy.db", cwd=str(tmp_path))
    copy = tmp_path / "copy.db"
    assert done.stdout == f"{copy}: {copy.stat().st_size} bytes, on the daemon's machine\n"
    assert copy.read_bytes()[:15] == b"SQLite format 3"
    one_line(cli("backup", str(copy), code=1), "CONFLICT", "backup.path", str(copy))
    again, = cli.json("backup", str(tmp_path / "again.db"))
    assert again == {"path": str(tmp_path / "again.db"), "bytes": (tmp_path / "again.db").stat().st_size}
    one_line(cli("backup", str(tmp_path / "no" / "such" / "directory"), code=1), "directory")


@pytest.fixture
def restored(cli, cluster, tmp_path):
    """A daemon that was started from a backup, with tasks that are held: two that wait, and one that ran."""
    gate = tmp_path / "gate"
    for name in ("waits1", "waits2"):
        cli("launch", "--id", name, "--cpus", "100000", "--mem", "32", "true")
    cli("launch", "--id", "runs", *SMALL, f"while ! test -e {gate}; do sleep 0.05; done")
    wait_for(lambda: cli.json("tasks", "--state", "running"), "a task to run")
    cli("backup", str(tmp_path / "copy.db"))
    cluster.daemon.set_back(tmp_path / "copy.db")
    cluster.wait_subscribed()
    return gate


def test_what_a_restored_daemon_holds_is_shown_and_released(cli, restored, needs_local):
    shown = cli("status").stdout
    assert re.search(r"^restored +20\S+Z \(\d+s ago\), from a backup$", shown, re.MULTILINE)
    assert re.search(r"^held +3 tasks wait for zmesos release$", shown, re.MULTILINE)
    rows = {line.split()[0]: line for line in cli("tasks").stdout.splitlines()[1:]}
    assert all("  held" in rows[name] for name in ("waits1", "waits2", "runs")), rows
    assert re.search(r"^held +since a backup", cli("task", "waits1").stdout, re.MULTILINE)

    item, = cli.json("release", "--run", "waits1")
    assert (item["task_id"], item["code"], item["state"]) == ("waits1", "OK", "QUEUED")
    refused = cli("release", "--drop", "nobody", "waits2", code=1).stdout.splitlines()
    assert refused[1].split()[:2] == ["nobody", "NOT_FOUND"] and refused[2].split()[:3] == ["waits2", "dropped", "KILLED"]
    rest = cli("release", "--run").stdout.splitlines()
    assert [line.split()[:2] for line in rest[1:]] == [["runs", "released"]]
    assert cli("release", "--drop", "waits1").stdout.splitlines()[1].split() == ["waits1", "not", "held", "QUEUED"]
    assert cli("release", "--drop").stderr == "zmesos release: no task is held\n"
    assert {task["id"]: task["state"] for task in cli.json("tasks")}["waits1"] == "QUEUED"
    assert not re.search(r"^held ", cli("status").stdout, re.MULTILINE)
    restored.touch()
    wait_for(lambda: cli.json("task", "runs")[0]["state"] == "FINISHED", "the task that ran to end")


def test_an_orphan_is_told_and_shown(cli, begin, cluster, needs_local):
    running = begin("events", "zmesos/ORPHAN/", "zmesos/HEARTBEAT")
    assert "zmesos/HEARTBEAT" in running.process.stdout.readline()
    agent = cluster.local.state()["agents"][0]["id"]
    cluster.local.fault("send_event", event={"type": "UPDATE", "update": {"status": {
        "task_id": {"value": "stranger"}, "agent_id": {"value": agent}, "state": "TASK_RUNNING",
        "source": "SOURCE_EXECUTOR"}}})
    line = ""
    while "ORPHAN" not in line:
        line = running.process.stdout.readline()
    assert re.search(rf"  ORPHAN#1  zmesos/ORPHAN/stranger  ADOPTED stranger on agent {agent}", line), line
    assert re.search(r"^adopted +was found", cli("task", "stranger").stdout, re.MULTILINE)
    task, = cli.json("task", "stranger")
    assert task["adopted"] is True and task["attempts"][0]["mesos_task_id"] == "stranger"
    assert "adopted" in cli("tasks").stdout


# ---- events and status ----------------------------------------------------------------------------------

def test_events_by_prefix(cli, begin, cluster):
    # the heartbeat tells that the subscription before it is in effect
    running = begin("events", "--json", "task/seen/", "zmesos/HEARTBEAT")
    assert json.loads(running.process.stdout.readline())["topic"] == "zmesos/HEARTBEAT"
    cli("run", "--id", "seen", *SMALL, "--", "true")
    states = []
    while not states or states[-1] != "FINISHED":
        event = json.loads(running.process.stdout.readline())
        assert event["header"]["version"] == 1
        if event["topic"] != "zmesos/HEARTBEAT":
            assert event["topic"] == f"task/seen/{event['body']['state']}" and event["header"]["class"] == "TASK"
            states.append(event["body"]["state"])
    assert states[0] == "QUEUED"


def test_all_events_without_a_hole(cli, begin):
    running = begin("events")
    first = running.process.stdout.readline()
    assert first.count("#") == 1, first
    for n in range(3):
        cli("run", "--id", f"e{n}", *SMALL, "--", "true")
    topics = []
    while "task/e2/FINISHED" not in topics:
        topics.append(running.process.stdout.readline().split()[2])
    assert {"task/e0/QUEUED", "task/e0/FINISHED", "mesos/UPDATE/e1/1"} <= set(topics)
    running.process.terminate()
    running.end()
    assert running.lines == []


def test_events_end_after_a_count(cli):
    assert len(cli.json("events", "--count", "2", "zmesos/")) == 2


def test_status(cli, cluster):
    status, = cli.json("status")
    assert status["subscription"] == "SUBSCRIBED" and status["framework_id"] == cluster.status().framework_id
    text = cli("status").stdout
    assert "SUBSCRIBED" in text and status["framework_id"] in text


# ---- what is wrong --------------------------------------------------------------------------------------

@pytest.fixture
def closed_endpoint() -> Iterator[str]:
    """Where nobody is, nor can come."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        yield f"tcp://127.0.0.1:{taken.getsockname()[1]}"


class Nowhere:
    control = events = "tcp://127.0.0.1:1"
    pipeline = ""  # then a backup is asked for by the control socket


def test_nobody_answers(closed_endpoint):
    cli = Cli(Nowhere)
    for words in (["status"], ["tasks"], ["task", "a"], ["kill", "a"], ["launch", "true"], ["run", "true"],
                  ["backup", "file"], ["release", "--run"]):
        one_line(cli("--control", closed_endpoint, "--timeout", "0.3", *words, code=3), closed_endpoint)
    one_line(cli("events", "--events", closed_endpoint, "--timeout", "0.3", code=3), closed_endpoint)


def test_a_backup_is_asked_for_once_and_a_lost_connection_ends_it():
    with zmq.Context() as context, context.socket(zmq.ROUTER) as silent:
        silent.setsockopt(zmq.RCVTIMEO, int(1000 * PATIENCE))
        silent.setsockopt(zmq.LINGER, 0)
        port = silent.bind_to_random_port("tcp://127.0.0.1")
        running = Cli(Nowhere).begin("backup", "file", "--pipeline", f"tcp://127.0.0.1:{port}", "--timeout", "5")
        try:
            request = zmesos.messages.Request.FromString(silent.recv_multipart()[-1])
            assert request.backup.path.endswith("/file")
            assert not silent.poll(6000), "asked again"  # after its timeout
            assert running.process.poll() is None
            silent.close()
            assert running.end() == 3
        finally:
            running.close()
    assert len(running.lines) == 1 and "is lost" in running.lines[0], running.lines


@pytest.mark.parametrize("words, part", [
    ([], "--help"), (["nonsense"], "nonsense"), (["--nonsense"], "--nonsense"), (["status", "more"], "more"),
    (["status", "--control", "nonsense"], "nonsense"), (["status", "--timeout", "soon"], "soon"),
    (["status", "--timeout", "0"], "--timeout"), (["status", "--timeout"], "--timeout"), (["launch"], "command"),
    (["launch", "--cpus", "many", "true"], "many"), (["launch", "--constraint", "rack", "true"], "rack"),
    (["launch", "--file", "/nonexistent"], "/nonexistent"), (["launch", "--file", "-", "--id", "a"], "--file"),
    (["run", "--env", "A", "true"], "NAME=VALUE"), (["kill"], "--label"), (["kill", "--label", "a", "b"], "--label"),
    (["tasks", "--state", "asleep"], "asleep"), (["tasks", "--limit", "0"], "--limit"), (["tasks", "a"], "a"),
    (["task"], "id"), (["task", "a", "b"], "id"), (["events", "--count", "-1"], "-1"),
    (["run", "--retries", "100", "true"], "--retries 100"), (["run", "--retries", "some", "true"], "--retries some"),
    (["launch", "--retries", "1", "--retry-on", "failed,crashed", "true"], "--retry-on crashed"),
    (["run", "--retries", "1", "--retry-backoff", "2d", "true"], "--retry-backoff 2d"),
    (["run", "--retries", "1", "--retry-backoff-max", "-1", "true"], "--retry-backoff-max -1"),
    (["run", "--retries", "1", "--replace-after", "31d", "true"], "--replace-after 31d"),
    (["run", "--retries", "1", "--replace-after", "1h", "true"], "--retry-on lost"),
    (["run", "--elsewhere", "true"], "--elsewhere"), (["run", "--launch-timeout", "1w", "true"], "--launch-timeout 1w"),
    (["launch", "--retries"], "--retries"), (["backup"], "file"), (["backup", "a", "b"], "one path"), (["backup", ""], "path"),
    (["release"], "--run or --drop"), (["release", "a"], "--run or --drop"), (["release", "--run", "--drop"], "not both"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_called_wrongly(words, part):
    one_line(Cli(Nowhere)(*words, code=2), part)


@pytest.mark.parametrize("text, part", [
    ("", "no JSON"), ("{", "standard input"), ("[]", "no tasks"), ('[{"id":"a","cpu":1}]', "cpu"),
    ('{"tasks":[{"id":1}]}', "tasks[0].id"), ("17", "expected"),
    ('{"id":"a","retry":{"on":["CRASHED"]}}', "tasks[0].retry.on[0]"), ('[{"id":"a","retry":{"attempts":2}}]', "attempts")])
def test_bad_files(text, part):
    one_line(Cli(Nowhere)("launch", "--file", "-", text=text, code=2), part)


def test_help_and_version():
    cli = Cli(Nowhere)
    overview = cli("--help").stdout
    for command in ("launch", "run", "kill", "tasks", "task", "events", "status", "backup", "release"):
        assert f"\n  {command} " in overview
        assert cli(command, "--help").stdout.startswith(f"usage: zmesos {command}")
    assert cli("--version").stdout == cli("run", "--version").stdout
