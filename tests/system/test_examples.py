"""The programs of examples/python, run as a reader of theirs would run them."""

from __future__ import annotations

import os
import pathlib
import pty
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import zmesos
from programs import BUILD, PATIENCE, REAL_MASTER, TOP, Cluster, wait_for

EXAMPLES = TOP / "examples" / "python"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def command(name: str, cluster: Cluster, *arguments: str) -> list[str]:
    return [
        sys.executable,
        str(EXAMPLES / f"{name}.py"),
        f"--control={cluster.control}",
        f"--events={cluster.events}",
        f"--pipeline={cluster.pipeline}",
        *arguments,
    ]


def environment() -> dict[str, str]:
    """As a user's, whose Python keeps output to a pipe back until it is flushed."""
    mine = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**mine, "PYTHONPATH": str(BUILD / "python"), "PYTHONDONTWRITEBYTECODE": "1"}


def run(name: str, cluster: Cluster, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(name, cluster, *arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        **options,
    )


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_each_explains_itself(path: pathlib.Path) -> None:
    """--help works without a daemon, the usage line names every option, and the file is short enough to copy."""
    shown = subprocess.run(
        [sys.executable, path, "--help"], env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert shown.returncode == 0
    text = path.read_text(encoding="utf-8")
    usage = re.search(rf"^usage: {path.name} .*--control ENDPOINT", text, re.MULTILINE)
    assert usage, "a usage line in the docstring"
    assert {"--control", "--events", "--pipeline"} <= set(re.findall(r"--\w+", shown.stdout))
    assert 40 <= len(text.splitlines()) <= 100


def test_a_daemon_that_is_not_there_is_one_line(tmp_path: pathlib.Path) -> None:
    more = {"relaunch": ["true"], "consumer": [str(tmp_path / "updates.db")]}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        nowhere = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        options = ["--control", nowhere, "--events", nowhere]
        started = [
            subprocess.Popen(
                [sys.executable, EXAMPLES / f"{name}.py", *options, *more.get(name, [])],
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in NAMES
        ]
        try:
            said = [program.communicate(timeout=PATIENCE)[1] for program in started]
        finally:
            for program in started:
                if program.poll() is None:
                    program.kill()
                    program.communicate()
    assert [program.returncode for program in started] == [1] * len(NAMES)
    for name, text in zip(NAMES, said):
        assert re.fullmatch(rf"{name}\.py: [^\n]*{nowhere}[^\n]*\n", text)


def test_hello(cluster: Cluster) -> None:
    done = run("hello", cluster, "--timeout", str(2 * PATIENCE))
    lines = done.stdout.splitlines()
    summary = re.fullmatch(r"demo: 12 launched, 11 finished, 1 killed, (\d+) events, 0 missed", lines[-1])
    assert done.returncode == 0 and summary, done.stdout + done.stderr
    events = lines[:-1]
    assert int(summary[1]) == len(events)
    assert all(line.startswith("mesos/") for line in events)
    updates = [line for line in events if line.startswith("mesos/UPDATE/hello-")]
    assert len({line.split("/")[2] for line in updates if "TASK_FINISHED" in line}) == 11
    assert len({line.split("/")[2] for line in updates if "TASK_KILLED" in line}) == 1
    # The daemon tells the same.
    with cluster.client() as client:
        counts = {zmesos.state_name(count.state): count.tasks for count in client.status().counts}
    assert counts == {"FINISHED": 11, "KILLED": 1}


def test_hello_says_so_when_it_did_not_work(start_cluster: Callable[..., Cluster], needs_local: None) -> None:
    too_small = start_cluster(local={"resources": "cpus:0.05;mem:4096;disk:10240;ports:[31000-32000]"})
    done = run("hello", too_small, "--timeout", "3")
    assert done.returncode == 1
    assert re.search(r"^demo: 12 launched, 0 finished, 0 killed, \d+ events, 0 missed$", done.stdout, re.MULTILINE)
    assert done.stderr.count("QUEUED") == 12


def test_batch(start_cluster: Callable[..., Cluster]) -> None:
    if REAL_MASTER:
        cluster, count = start_cluster(), 50
    else:
        room = "cpus:100;mem:65536;disk:10240;ports:[31000-32000]"
        cluster, count = start_cluster(local_flags=("--simulate",), local={"resources": room}), 1000
    done = run("batch", cluster, "--count", str(count))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(rf"batch: {count} launched, {count} FINISHED, [\d.]+ s, \d+ a second\n", done.stdout)
    assert done.stderr == ""  # no bar where nobody looks


def test_batch_runs_the_command_and_reports_failures(cluster: Cluster) -> None:
    done = run("batch", cluster, "--count", "4", "--command", "test $NUMBER -ne 2")
    assert done.returncode == 1
    assert done.stdout.startswith("batch: 4 launched, 3 FINISHED, 1 FAILED, ")


def test_batch_draws_a_bar_on_a_terminal(cluster: Cluster) -> None:
    master, terminal = pty.openpty()
    try:
        done = subprocess.run(
            command("batch", cluster, "--count", "3"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=terminal,
            timeout=3 * PATIENCE,
        )
        os.close(terminal)
        terminal = -1
        drawn = b""
        while chunk := read_terminal(master):
            drawn += chunk
    finally:
        os.close(master)
        if terminal >= 0:
            os.close(terminal)
    assert done.returncode == 0
    bars = re.findall(r"\r\[([#.]+)\] (\d+)/3,", drawn.decode())
    assert [int(count) for _, count in bars] == [0, 1, 2, 3]
    assert bars[0][0] == "." * 40 and bars[-1][0] == "#" * 40


def read_terminal(descriptor: int) -> bytes:
    """What was written; nothing once the other end is closed, which Linux tells as an I/O error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_monitor(cluster: Cluster) -> None:
    watching = subprocess.Popen(
        command("monitor", cluster, "--prefix", "task/", "--prefix", "mesos/UPDATE/"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    limit = threading.Timer(PATIENCE, watching.kill)  # then reading ends, instead of waiting for ever
    limit.start()
    try:
        assert watching.stdout
        first = watching.stdout.readline()
        assert first.startswith("zmesosd ") and cluster.status().framework_id in first
        client = cluster.client()
        client.launch("true", id="watched", cpus=0.1, mem=32)
        seen: list[str] = []
        # No order is promised between the daemon's word and the master's.
        for end in ("task/watched/FINISHED", "mesos/UPDATE/watched/1  TASK_FINISHED"):
            while not any(end in line for line in seen):
                seen.append(watching.stdout.readline())
                assert seen[-1], "it ended too early"
        watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read()
        assert watching.wait(PATIENCE) == 0
    finally:
        limit.cancel()
        if watching.poll() is None:
            watching.kill()
            watching.wait()
        if watching.stdout:
            watching.stdout.close()
    assert any(re.match(r"[\d:.]+ +TASK +\d+  task/watched/RUNNING  revision \d+, on \S+", line) for line in seen)
    total = re.fullmatch(r"monitor: (.*); 0 missed", rest.splitlines()[-1])
    assert total
    counted = sum(int(number) for number in re.findall(r"(\d+) [A-Z]", total[1]))
    assert counted == len(seen) + len(rest.splitlines()) - 1


def test_monitor_ends_after_its_time(cluster: Cluster) -> None:
    done = run("monitor", cluster, "--seconds", "10")
    assert done.returncode == 0, done.stderr
    assert "zmesos/HEARTBEAT  SUBSCRIBED" in done.stdout
    assert re.fullmatch(r"monitor: .*DAEMON.*; 0 missed", done.stdout.splitlines()[-1])


def test_relaunch_goes_elsewhere(
    start_cluster: Callable[..., Cluster], needs_local: None, tmp_path: pathlib.Path
) -> None:
    cluster = start_cluster(local_flags=("--agent", "hostname=here", "--agent", "hostname=there"))
    # Of two tries at once only one makes the directory; so the first fails and the second does not.
    done = run("relaunch", cluster, f"mkdir {tmp_path}/tried && exit 7; exit 0")
    assert done.returncode == 0, done.stdout + done.stderr
    ends = re.findall(r"^(\S+): (FAILED|FINISHED) on (here|there): (.*)$", done.stdout, re.MULTILINE)
    assert [state for _, state, _, _ in ends] == ["FAILED", "FINISHED"]
    assert {host for _, _, host, _ in ends} == {"here", "there"}
    assert "7" in ends[0][3]
    with cluster.client() as client:
        second = client.task(ends[1][0], with_spec=True)
    assert [list(constraint.values) for constraint in second.spec.constraints] == [[ends[1][2]]]


def test_relaunch_gives_up(cluster: Cluster) -> None:
    done = run("relaunch", cluster, "--tries", "3", "--name", "hopeless", "exit 1")
    assert done.returncode == 1, done.stderr
    ends = re.findall(r"^(hopeless-\d)-\w+: FAILED on (\S+):", done.stdout, re.MULTILINE)
    assert [name for name, _ in ends] == ["hopeless-1", "hopeless-2", "hopeless-3"]
    # While there is another host it is taken; when there is none, that is said.
    failed: set[str] = set()
    apologies = done.stdout.count("no other host has made an offer")
    repeats = 0
    for _, host in ends:
        repeats += host in failed
        failed.add(host)
    assert repeats <= apologies <= 2


def test_retry_shows_every_attempt(cluster: Cluster) -> None:
    done = run("retry", cluster, "--backoff", "0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "retry: FINISHED after 3 attempts"
    attempts = [re.fullmatch(r"attempt (\d): (FAILED|FINISHED) on (\S+): .*status (\d).*", line) for line in lines[-4:-1]]
    assert [found and (found[1], found[2], found[4]) for found in attempts] == [
        ("1", "FAILED", "1"),
        ("2", "FAILED", "1"),
        ("3", "FINISHED", "0"),
    ]
    states = [re.match(r"task/retry-\w+/([A-Z]+)  revision \d+", line) for line in lines[:-4]]
    told = [found[1] for found in states if found]
    assert len(told) == len(states) and told.count("QUEUED") == 3 and told[-1] == "FINISHED" and "FAILED" not in told
    with cluster.client() as client:
        assert len(list(client.tasks())) == 1


def test_retry_gives_up(start_cluster: Callable[..., Cluster], needs_local: None) -> None:
    cluster = start_cluster(local_flags=("--agent", "hostname=here", "--agent", "hostname=there"))
    done = run("retry", cluster, "--attempts", "2", "--backoff", "0", "--elsewhere", "exit 9")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "retry: FAILED after 2 attempts"
    ends = re.findall(r"^attempt \d: FAILED on (here|there): .*9", done.stdout, re.MULTILINE)
    assert sorted(ends) == ["here", "there"]


def test_executor_estimates_pi(cluster: Cluster) -> None:
    done = run("executor", cluster, "--functions", "6", "--darts", "5000", "--seed", "7", "--python", sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr
    inside = sum(throw(seed, 5000) for seed in range(7, 13))
    lines = done.stdout.splitlines()
    assert lines[-1] == f"executor: 6 functions, 0 failed, 30000 darts, {inside} inside"
    assert lines[-2] == f"{30000:>12,} darts: {4 * inside / 30000:.5f}"
    with cluster.client() as client:
        assert [task.name for task in client.tasks()] == ["hits"] * 6


def throw(seed: int, darts: int) -> int:
    thrown = random.Random(seed)
    return sum(thrown.random() ** 2 + thrown.random() ** 2 <= 1 for _ in range(darts))


def test_executor_says_what_failed(cluster: Cluster) -> None:
    done = run("executor", cluster, "--functions", "2", "--darts", "10", "--python", "/no/python/here")
    assert done.returncode == 1
    assert done.stderr.count("no such Python there") == 2
    assert done.stdout == "executor: 2 functions, 2 failed, 0 darts, 0 inside\n"


def test_executor_is_interrupted(cluster: Cluster) -> None:
    started = subprocess.Popen(
        command("executor", cluster, "--functions", "3", "--darts", "1000000000", "--python", sys.executable),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        with cluster.client() as client:
            wait_for(lambda: len(list(client.tasks(state="RUNNING"))) == 3, "the functions to run")
            started.send_signal(signal.SIGINT)
            assert started.wait(PATIENCE) == 130
            # A task that has not fetched its function may be told that it is not wanted, before it is killed.
            wait_for(lambda: all(zmesos.is_over(task) for task in client.tasks()), "the tasks to end")
            assert {task.state for task in client.tasks()} <= {zmesos.messages.KILLED, zmesos.messages.FINISHED}
    finally:
        if started.poll() is None:
            started.kill()
        said = started.communicate()[0]
    assert said == ""
