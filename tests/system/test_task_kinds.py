"""Kinds of task: each example of docs/tasks.md is sent to the daemon, and what the master then gets is compared with it; checks
and time limits with agents that run them."""
from __future__ import annotations

import json
import pathlib
import re
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmesos
from google.protobuf import json_format
from zmesos.messages import messages, scheduler

from command_line import Cli
from programs import REAL_MASTER, TOP, Cluster, Daemon, wait_for

EXAMPLES = [json.loads(text) for text in
            re.findall(r"```json\n(.*?)```", (TOP / "docs" / "tasks.md").read_text(encoding="utf-8"), re.DOTALL)]
SMALL = {"cpus": 0.1, "mem": 32}
# Of a specification, what a TaskInfo has under the same name.
PASSED_ON = ["command", "executor", "container", "health_check", "check", "kill_policy", "labels", "discovery", "max_completion_time",
             "data", "limits"]
WAITS = {"volumes"}  # the simulated agents have no such disk


def state(task: zmesos.Task) -> str:
    return zmesos.state_name(task.state)


class Tap:
    """Passes connections on to a master, and keeps what went to it."""

    def __init__(self, master: str) -> None:
        host, _, port = master.rpartition(":")
        self.master = (host, int(port))
        self.sent: list[bytearray] = []  # of each connection
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._run(self._accept)

    def _run(self, what: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=what, args=arguments))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return  # closed
            far = socket.create_connection(self.master)
            self._sockets += [near, far]
            self.sent.append(bytearray())
            self._run(self._pass_on, near, far, self.sent[-1])
            self._run(self._pass_on, far, near, bytearray())

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        try:
            while part := source.recv(65536):
                kept += part
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed, by a peer or by close()

    def calls(self) -> list[Any]:
        """All that were sent whole."""
        found = []
        for kept in self.sent:
            rest = bytes(kept)
            while b"\r\n\r\n" in rest:
                head, rest = rest.split(b"\r\n\r\n", 1)
                length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
                if len(rest) >= length:
                    found.append(scheduler.Call.FromString(rest[:length]))
                rest = rest[length:]
        return found

    def task_info(self, task_id: str) -> Any:
        """What an ACCEPT launched for it, or None."""
        for call in self.calls():
            for operation in call.accept.operations:
                for info in operation.launch.task_infos:
                    if info.task_id.value.startswith(task_id + "."):
                        return info
        return None

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its peer was faster
            each.close()
        for thread in self._threads[1:]:
            thread.join()


@pytest.fixture
def tapped(start_cluster: Callable[..., Cluster], start_daemon: Callable[..., Daemon],
           needs_local: None) -> Iterator[tuple[Daemon, Tap]]:
    """A daemon whose agents take everything and run nothing, and what it sends."""
    cluster = start_cluster(local={"resources": "cpus:8;mem:4096;disk:10240;ports:[31000-32000];bandwidth:100;licences:{a,b};"
                                                "vlans:{blue,red}"}, local_flags=("--simulate",))
    tap = Tap(cluster.master)
    try:
        yield start_daemon(tap.address), tap
    finally:
        tap.close()


def without_ports(info: Any) -> Any:
    """Without what zmesosd puts into the environment of a task with ports."""
    variables = info.command.environment.variables
    kept = [variable for variable in variables if not re.fullmatch(r"PORTS|PORT\d+", variable.name)]
    if len(kept) < len(variables):
        del variables[:]
        variables.extend(kept)
        if not kept:
            info.command.ClearField("environment")
    return info


def read(fields: dict[str, Any]) -> messages.TaskSpec:
    """As the command line does: a map of Mesos's JSON is a list of entries here."""
    limits = [{"key": key, "value": value} for key, value in fields.get("limits", {}).items()]
    return json_format.ParseDict({**fields, "limits": limits}, messages.TaskSpec())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["id"])
def test_an_example_is_sent_as_it_is(tapped: tuple[Daemon, Tap], example: dict[str, Any]) -> None:
    daemon, tap = tapped
    cli = Cli(daemon)
    cli("launch", "--file", "-", text=json.dumps(example))
    if example["id"] in WAITS:
        wait_for(lambda: "what its resources ask for" in cli("why", example["id"]).stdout, "the reason")
        return
    info, spec = without_ports(wait_for(lambda: tap.task_info(example["id"]), "the launch")), read(example)
    for name in PASSED_ON:
        field = spec.DESCRIPTOR.fields_by_name[name]
        given, sent = getattr(spec, name), getattr(info, name)
        if field.label != field.LABEL_REPEATED:
            assert info.HasField(name) == spec.HasField(name), name
        assert (list(sent), name) == (list(given), name) if field.label == field.LABEL_REPEATED else sent == given


def test_the_examples_are_all_of_it() -> None:
    """What a task can say and no example says is not documented."""
    said = {field for example in EXAMPLES for field in example}
    assert set(PASSED_ON) - said == set()
    assert len(EXAMPLES) == len({example["id"] for example in EXAMPLES})


# ---- with agents that run them -------------------------------------------------------------------------

def last_attempt(client: zmesos.Client, task_id: str) -> Any:
    return client.task(task_id).attempts[-1]


def test_health_is_shown(cluster: Cluster) -> None:
    check = {"type": "COMMAND", "command": {"value": "test ! -e sick"}, "delay_seconds": 0, "interval_seconds": 0.2,
             "grace_period_seconds": 0, "consecutive_failures": 2}
    with cluster.client() as client:
        client.launch("sleep 2; touch sick; sleep 1000", id="h", health_check=check, **SMALL)
        wait_for(lambda: last_attempt(client, "h").healthy if client.task("h").attempts else False, "the check to be passed")
        task = client.wait("h", timeout=60)
        assert state(task) in ("KILLED", "FAILED")
        assert task.attempts[-1].HasField("healthy") and not task.attempts[-1].healthy
        assert "unhealthy" in Cli(cluster)("task", "h").stdout


def test_too_long_is_tried_again_where_it_is_named(cluster: Cluster) -> None:
    with cluster.client() as client:
        client.launch("sleep 1000", id="once", max_completion_time=0.5, retry={"max_attempts": 3, "on": ["FAILED"]}, **SMALL)
        client.launch("sleep 1000", id="twice", max_completion_time=0.5, **SMALL,
                      retry={"max_attempts": 2, "on": ["MAX_COMPLETION_TIME"], "backoff": 0.1})
        once, twice = client.wait("once", timeout=60), client.wait("twice", timeout=60)
        assert [(state(task), task.reason, len(task.attempts)) for task in (once, twice)] == [
            ("FAILED", "REASON_MAX_COMPLETION_TIME_REACHED", 1), ("FAILED", "REASON_MAX_COMPLETION_TIME_REACHED", 2)]


def test_a_port_by_its_number(cluster: Cluster) -> None:
    port = {"name": "ports", "ranges": {"range": [{"begin": 31234, "end": 31234}]}}
    with cluster.client() as client:
        client.launch("test $PORT0 = 31234 && test $PORTS = 31234", id="p", resources=[port], **SMALL)
        task = client.wait("p", timeout=60)
        assert (state(task), list(task.attempts[-1].ports)) == ("FINISHED", [31234])


def scalar(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def test_tasks_share_an_executor(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    """Its resources are taken once, also for a task that comes while it runs; all agree on what it is, or Mesos would say ERROR."""
    program = tmp_path / "executor.py"
    program.write_text((TOP / "tests" / "system" / "local" / "executor.py").read_text())
    for directory in [tmp_path, *tmp_path.parents[:2]]:
        directory.chmod(directory.stat().st_mode | 0o055)
    executor = {"type": "CUSTOM", "executor_id": {"value": f"shared-{uuid.uuid4().hex[:8]}"},
                "command": {"value": f"exec {sys.executable} {program}"},
                "resources": [scalar("cpus", 0.1), scalar("mem", 32)]}
    with cluster.client() as client:
        client.launch(id="a", executor=executor, data=b"run", **SMALL)
        wait_for(lambda: state(client.task("a")) == "RUNNING", "a to run")
        agent = last_attempt(client, "a").agent_id
        here = [zmesos.equals("agent_id", agent)]
        client.launch(id="b", executor=executor, data=b"run", constraints=here, **SMALL)
        client.launch(id="c", executor=executor, data=b"finish", constraints=here, **SMALL)
        assert state(client.wait("c", timeout=60)) == "FINISHED"
        wait_for(lambda: state(client.task("b")) == "RUNNING", "b to run")
        assert client.task("b").message == "here it is"
        client.kill("b")
        assert state(client.wait("b", timeout=60)) == "KILLED"
        assert state(client.task("a")) == "RUNNING"  # they live and die by themselves
        client.kill("a")
        assert state(client.wait("a", timeout=60)) == "KILLED"


@pytest.mark.skipif(not REAL_MASTER, reason="zmesos-local has no checks but health checks")
def test_what_a_check_says(cluster: Cluster) -> None:
    check = {"type": "COMMAND", "command": {"command": {"value": "test -e ready && exit 7; exit 3"}}, "delay_seconds": 0,
             "interval_seconds": 0.2}
    with cluster.client() as client:
        client.launch("sleep 2; touch ready; sleep 1000", id="c", check=check, **SMALL)

        def code() -> int | None:
            attempts = client.task("c").attempts
            status = attempts[-1].check_status.command if attempts else None
            return status.exit_code if status is not None and status.HasField("exit_code") else None
        wait_for(lambda: code() == 3, "the first result")
        wait_for(lambda: code() == 7, "the second result")
        assert "exit code 7" in Cli(cluster)("task", "c").stdout
        client.kill("c")
        assert state(client.wait("c", timeout=60)) == "KILLED"
