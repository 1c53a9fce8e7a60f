"""zmesos logs: what a task wrote, read from its sandbox through the agent's HTTP API."""
import json
import os
import subprocess

import zmesos
from programs import BUILD, wait_for

SMALL = {"cpus": 0.1, "mem": 32}


def logs(cluster, *words, code=0, **options):
    done = subprocess.run([str(BUILD / "bin" / "zmesos"), "logs", "--control", cluster.control, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, **options)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout if code == 0 else done.stderr.decode()


def test_what_a_task_wrote(cluster):
    with cluster.client() as client:
        client.launch("echo out; echo err >&2; head -c 300000 /dev/zero | tr '\\0' x", id="t", **SMALL)
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"
        out = logs(cluster, "t")
        assert out.endswith(b"out\n" + b"x" * 300000), out[:300]
        assert b"err\n" in logs(cluster, "t", "--stderr")
        assert logs(cluster, "--tail", "5", "t") == b"xxxxx"
        place = json.loads(logs(cluster, "--json", "t"))
        assert place["agent_url"].startswith("http://") and place["directory"].endswith("/runs/latest")


def test_follow_to_the_end(cluster, tmp_path):
    gate = tmp_path / "gate"
    gate.mkdir(mode=0o777)
    with cluster.client() as client:
        client.launch(f"echo one; until test -e {gate}/open; do sleep 0.1; done; echo two", id="t", **SMALL)
        wait_for(lambda: zmesos.state_name(client.task("t").state) == "RUNNING", "t to run")
        follow = subprocess.Popen([str(BUILD / "bin" / "zmesos"), "logs", "--follow", "--control", cluster.control, "t"],
                                  stdout=subprocess.PIPE, bufsize=0)
        try:
            text = b""
            while b"one\n" not in text:
                text += follow.stdout.read(1)
            (gate / "open").touch()
            text += follow.stdout.read()
            assert text.endswith(b"one\ntwo\n")
            assert follow.wait(timeout=60) == 0
        finally:
            follow.kill()
            follow.wait()
            follow.stdout.close()


def test_of_each_attempt(cluster, tmp_path):
    mark = tmp_path / "mark"
    with cluster.client() as client:
        retry = zmesos.Retry(max_attempts=2, backoff=0)
        client.launch(f"test -e {mark} && echo second && exit; touch {mark}; echo first; exit 1", id="t", retry=retry, **SMALL)
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"
        assert logs(cluster, "t").endswith(b"second\n")
        assert logs(cluster, "t", "--attempt", "1").endswith(b"first\n")


def test_what_cannot_be_read(cluster):
    with cluster.client() as client:
        client.launch("true", id="never", cpus=5000, mem=32)
        assert "no such task" in logs(cluster, "nobody", code=1)
        assert "not launched" in logs(cluster, "never", "--timeout", "5", code=1)
        client.launch("true", id="t", **SMALL)
        client.wait("t", timeout=60)
        assert "1 attempts" in logs(cluster, "t", "--attempt", "2", code=1)
        assert "--tail" in logs(cluster, "t", "--tail", "some", code=2)
        client.kill("never")
