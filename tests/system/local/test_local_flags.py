"""The command line: what it takes, and one line for what it does not."""
import socket
import subprocess

import pytest

from local_program import PROGRAM, until
from local_scheduler import Framework


def run(*flags):
    return subprocess.run([PROGRAM, *flags], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("flags, word", [
    (["--nonsense"], "--nonsense"),
    (["extra"], "extra"),
    (["--port"], "--port"),
    (["--port", "65536"], "--port"),
    (["--port", "-1"], "--port"),
    (["--port", "x"], "--port"),
    (["--ip", "localhost"], "localhost"),
    (["--agents", "10001"], "--agents"),
    (["--resources", "cpus"], "cpus"),
    (["--resources", "cpus:many"], "many"),
    (["--resources", "cpus:-1"], "-1"),
    (["--resources", "ports:[2-1]"], "ports"),
    (["--resources", "cpus(a:4"], "cpus"),
    (["--attributes", "rack"], "rack"),
    (["--agent", "name=x"], "name"),
    (["--agent", "hostname="], "hostname"),
    (["--allocation-interval", "0"], "--allocation-interval"),
    (["--heartbeat", "86401"], "--heartbeat"),
    (["--log", "loud"], "loud"),
    (["--credentials", "/nonexistent"], "/nonexistent"),
    (["--work-dir", "/nonexistent/deep"], "/nonexistent/deep"),
])
def test_bad_flag_is_one_line_and_exit_2(flags, word):
    done = run("--port", "0", *flags)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("zmesos-local: ") and done.stderr.count("\n") == 1
    assert word in done.stderr


def test_taken_port_is_one_line_and_exit_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and str(port) in done.stderr and "in use" in done.stderr


def test_help_and_version():
    text = run("--help").stdout
    for flag in ("--port", "--ip", "--agents", "--resources", "--attributes", "--agent", "--work-dir", "--simulate",
                 "--allocation-interval", "--credentials", "--heartbeat", "--log"):
        assert flag in text
    assert run("--version").stdout.startswith("zmesos-local ")


def test_credentials_file_with_a_bad_line(tmp_path):
    file = tmp_path / "credentials"
    file.write_text("one secret\ntwo\n")
    done = run("--credentials", str(file))
    assert done.returncode == 2 and "line 2" in done.stderr


def test_agents_of_their_own(start):
    local = start("--agents", "3", "--resources", "cpus:2;mem:512", "--attributes", "rack:r1",
                  "--agent", "hostname=big resources=cpus:8;mem:1024;gpus:1 attributes=rack:r2;size:3.5;free:[1-2,5-6]",
                  "--agent", "hostname=other")
    framework = Framework(local.master)
    offers = {offer["hostname"]: offer for offer in framework.wait("OFFERS")["offers"]}
    assert set(offers) == {"other", "agent3"}                          # no GPUs for those who do not ask
    amounts = {name: {r["name"]: r["scalar"]["value"] for r in offer["resources"]} for name, offer in offers.items()}
    assert amounts == {name: {"cpus": 2.0, "mem": 512.0} for name in offers}
    gpus = Framework(local.master, {"user": "root", "name": "gpus", "capabilities": [{"type": "GPU_RESOURCES"}]})
    big = gpus.offer()
    assert big["hostname"] == "big"
    assert big["attributes"] == [
        {"name": "rack", "type": "TEXT", "text": {"value": "r2"}},
        {"name": "size", "type": "SCALAR", "scalar": {"value": 3.5}},
        {"name": "free", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2}, {"begin": 5, "end": 6}]}}]


def test_heartbeats_as_often_as_asked(start):
    local = start("--heartbeat", "0.05", "--agents", "0")
    framework = Framework(local.master)
    assert framework.first["subscribed"]["heartbeat_interval_seconds"] == 0.05
    for _ in range(4):
        framework.wait("HEARTBEAT")


def test_work_dir_of_ones_own_stays(start, tmp_path):
    local = start("--work-dir", str(tmp_path / "work"))
    framework = Framework(local.master)
    name, offer = framework.run("echo out; echo err >&2; sleep 1000")
    sandbox = tmp_path / "work" / offer["agent_id"]["value"] / framework.id["value"] / name
    until(lambda: (sandbox / "stderr").read_text() != "")
    assert local.stop() == 0
    assert (sandbox / "stdout").read_text() == "out\n"
    assert (sandbox / "stderr").read_text() == "err\n"


def test_authentication(start, tmp_path):
    file = tmp_path / "credentials"
    file.write_text("alice wonder\n\nbob  builder\n")
    local = start("--credentials", str(file))
    alice = {"Authorization": "Basic YWxpY2U6d29uZGVy"}
    bob = {"Authorization": "Basic Ym9iOmJ1aWxkZXI="}
    for headers in ({}, {"Authorization": "Basic YWxpY2U6d3Jvbmc="}, {"Authorization": "Bearer YWxpY2U6d29uZGVy"}):
        stranger = Framework(local.master, headers=headers)
        assert stranger.status == 401
        assert stranger.stream.headers["www-authenticate"] == 'Basic realm="mesos-master-scheduler"'
    framework = Framework(local.master, headers=alice)
    framework.call("REVIVE")
    framework.headers = {}
    assert framework.post("REVIVE")[0] == 401
    framework.headers = bob
    assert framework.post("REVIVE")[0] == 403
