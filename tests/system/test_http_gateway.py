"""examples/http/gateway.py on the real daemon: each request and its answers, bad input, a daemon that goes, many at once."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, Optional

import pytest
import zmesos
from programs import BUILD, PATIENCE, TOP, Cluster, Program, wait_for

GATEWAY = TOP / "examples" / "http" / "gateway.py"


class Gateway:
    def __init__(self, directory: pathlib.Path, cluster: Cluster, *flags: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(BUILD / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, str(GATEWAY), "--listen", "127.0.0.1:0", "--control", cluster.control,
                   "--events", cluster.events, "--pipeline", cluster.pipeline, *flags]
        self.program = Program(command, directory / "gateway.log", env=environment)
        self.url = self.program.first_line("gateway ready ")

    def ask(self, method: str, body: Optional[bytes] = None, headers: Optional[dict[str, str]] = None, path: str = "",
            **query: Any) -> tuple[int, Any]:
        """Status and JSON."""
        parameters = urllib.parse.urlencode(query, doseq=True)
        request = urllib.request.Request(f"{self.url}{path}{'?' if query else ''}{parameters}", body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            assert error.headers["Content-Type"].startswith("application/json")
            return error.code, json.loads(error.read())

    def post_json(self, content: Any) -> tuple[int, Any]:
        return self.ask("POST", json.dumps(content).encode(), {"Content-Type": "application/json"})

    def over(self, task_id: str) -> Any:
        def look() -> Any:
            status, task = self.ask("GET", id=task_id)
            assert status in (200, 503), task  # later than its --timeout
            return task if status == 200 and task["over"] else None
        return wait_for(look, f"{task_id} to be over")


@pytest.fixture
def start_gateway(tmp_path: pathlib.Path) -> Iterator[Callable[..., Gateway]]:
    made: list[Gateway] = []

    def start(cluster: Cluster, *flags: str) -> Gateway:
        made.append(Gateway(tmp_path, cluster, *flags))
        return made[-1]

    yield start
    for gateway in made:
        gateway.program.kill()


@pytest.fixture
def gateway(cluster: Cluster, start_gateway: Callable[..., Gateway]) -> Gateway:
    return start_gateway(cluster, "--timeout", str(PATIENCE))


def refused(answer: tuple[int, Any], status: int, field: str, words: str = "") -> None:
    assert answer[0] == status and answer[1]["field"] == field and answer[1]["code"], answer
    assert answer[1]["message"] and words in answer[1]["message"], answer


def test_launch_look_and_kill(gateway: Gateway, cluster: Cluster) -> None:
    status, made = gateway.ask("POST", cmd="exit 3", name="job", label=["team=a", "empty="], env="WHO=me")
    assert status == 201 and made["id"].startswith("job-") and not made["known"]
    ended = gateway.over(made["id"])
    assert (ended["state"], ended["attempts"]) == ("FAILED", 1) and ended["hostname"]
    spec = cluster.client().task(made["id"], with_spec=True).spec
    assert {label.key: label.value for label in spec.labels.labels} == {"team": "a", "empty": ""}
    assert spec.command.environment.variables[0].value == "me" and (spec.cpus, spec.mem) == (0.1, 32)

    status, made = gateway.post_json({"cmd": "sleep 1000", "id": "long", "cpus": 0.2, "mem": 64, "labels": {"team": "b"}})
    assert (status, made) == (201, {"id": "long", "state": "QUEUED", "known": False})
    assert gateway.ask("DELETE", id="long")[0] == 202
    assert gateway.over("long")["state"] == "KILLED"
    assert gateway.ask("DELETE", id="long") == (202, {"id": "long", "state": "KILLED"})  # again: nothing

    status, found = gateway.ask("GET")
    assert status == 200 and not found["more"]
    assert [(task["id"], task["state"]) for task in found["tasks"]] == [(ended["id"], "FAILED"), ("long", "KILLED")]
    assert [task["id"] for task in gateway.ask("GET", state="killed")[1]["tasks"]] == ["long"]
    assert [task["id"] for task in gateway.ask("GET", label="team=a")[1]["tasks"]] == [ended["id"]]
    assert [task["id"] for task in gateway.ask("GET", prefix="lo")[1]["tasks"]] == ["long"]
    assert gateway.ask("GET", limit=1)[1]["more"]


def test_as_in_the_readme(gateway: Gateway) -> None:
    """The commands of README.md, as they are there, one after the other."""
    text = (GATEWAY.parent / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    (curl .*)$", text, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        done = subprocess.run(["sh", "-c", command.replace("http://127.0.0.1:8080/", gateway.url)], capture_output=True, text=True,
                              timeout=PATIENCE)
        assert done.returncode == 0 and "code" not in json.loads(done.stdout), (command, done.stdout, done.stderr)


def test_launching_again_is_safe(gateway: Gateway, cluster: Cluster) -> None:
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: gateway.ask("POST", cmd="true", id="once"), range(40)))
    assert sorted(status for status, _ in answers) == [200] * 39 + [201]
    assert all(made["known"] == (status == 200) for status, made in answers)
    assert gateway.over("once")["attempts"] == 1
    refused(gateway.ask("POST", cmd="false", id="once"), 409, "id")
    assert len(gateway.ask("GET")[1]["tasks"]) == 1


def test_many_at_once(gateway: Gateway) -> None:
    with concurrent.futures.ThreadPoolExecutor(30) as threads:
        answers = list(threads.map(lambda number: gateway.ask("POST", cmd="true", id=f"many-{number}", cpus=0.01, mem=1),
                                   range(200)))
        assert [status for status, _ in answers] == [201] * 200
        ended = list(threads.map(lambda number: gateway.over(f"many-{number}")["state"], range(200)))
    assert ended == ["FINISHED"] * 200


@pytest.mark.parametrize(("query", "field", "words"), [
    ({}, "cmd", "is missing"),
    ({"cmd": ""}, "cmd", "is missing"),
    ({"cmd": "true", "cpus": "many"}, "cpus", "a number is wanted"),
    ({"cmd": "true", "cpus": "-1"}, "cpus", ""),
    ({"cmd": "true", "mem": "nan"}, "mem", ""),
    ({"cmd": "true", "ports": "1.5"}, "ports", "an integer is wanted"),
    ({"cmd": "true", "ports": "99999999999"}, "ports", ""),
    ({"cmd": "true", "label": "=x"}, "label", "key=value is wanted"),
    ({"cmd": "true", "env": "PATH"}, "env", "key=value is wanted"),
    ({"cmd": "true", "id": "a/b"}, "id", ""),
    ({"cmd": "true", "id": "x" * 201}, "id", ""),
    ({"cmd": "true", "role": "stranger"}, "role", ""),
    ({"cmd": "true", "disk": ["1", "2"]}, "disk", "is given twice"),
    ({"cmd": "true", "colour": "red"}, "colour", "no such parameter"),
    ({"cmd": "tr\0ue"}, "cmd", ""),
])
def test_bad_parameters(gateway: Gateway, query: dict[str, Any], field: str, words: str) -> None:
    refused(gateway.ask("POST", **query), 400, field, words)
    assert gateway.ask("GET") == (200, {"tasks": [], "more": False})


def test_bad_bodies_and_other_requests(gateway: Gateway) -> None:
    for content, field in (([], ""), ({"cmd": 1}, "cmd"), ({"cmd": "true", "cpus": True}, "cpus"), ({"cmd": "true", "x": 1}, "x"),
                           ({"cmd": "true", "labels": ["a"]}, "labels"), ({"cmd": "true", "env": {"a": 1}}, "env"),
                           ({"cmd": "true", "ports": 1.5}, "ports"), ({"cmd": "true", "cpus": None}, "cpus")):
        refused(gateway.post_json(content), 400, field)
    json_type = {"Content-Type": "application/json"}
    refused(gateway.ask("POST", b"{", json_type), 400, "", "no JSON")
    refused(gateway.ask("POST", b'"\xff"', json_type), 400, "", "no JSON")
    refused(gateway.ask("POST", b"[" * 100_000, json_type), 400, "", "no JSON")
    refused(gateway.ask("POST", b"{}", {"Content-Type": "application/json; charset=klingon"}), 400, "", "klingon")
    refused(gateway.ask("POST", b"{}", json_type, cmd="true"), 400, "cmd", "either")
    refused(gateway.ask("POST", b"cmd=true"), 415, "", "Content-Type")
    refused(gateway.post_json({"cmd": "x" * 1024 * 1024}), 413, "")
    refused(gateway.ask("GET", id="nobody"), 404, "id")
    refused(gateway.ask("DELETE", id="nobody"), 404, "id")
    refused(gateway.ask("DELETE"), 400, "id", "is missing")
    refused(gateway.ask("GET", state="tired"), 400, "state", "QUEUED")
    for limit in ("0", "10001", "x"):
        refused(gateway.ask("GET", limit=limit), 400, "limit")
    refused(gateway.ask("GET", colour="red"), 400, "colour")
    for method, parameters in (("POST", "cmd=a%ffb"), ("POST", "cmd=true&label=%ff=a"), ("GET", "prefix=%ff"), ("DELETE", "id=%ff")):
        refused(gateway.ask(method, path="?" + parameters), 400, "", "UTF-8")
    refused(gateway.post_json({"cmd": "\ud800"}), 400, "", "UTF-8")
    refused(gateway.ask("POST", cmd="true", ports=1001), 400, "ports")
    refused(gateway.ask("PUT"), 405, "")
    refused(gateway.ask("GET", path="else"), 404, "")


def test_pages_of_other_sites_are_kept_out(cluster: Cluster, start_gateway: Callable[..., Gateway]) -> None:
    gateway = start_gateway(cluster, "--host", "tasks.example")
    for origin in ("http://evil.example", "null", "http://127.0.0.1", gateway.url.rstrip("/") + "0"):
        refused(gateway.ask("POST", headers={"Origin": origin}, cmd="true"), 403, "Origin", origin)
    refused(gateway.ask("POST", headers={"Host": "evil.example"}, cmd="true"), 403, "Host", "evil.example")
    refused(gateway.ask("GET", headers={"Host": "evil.example"}), 403, "Host")
    assert gateway.ask("GET") == (200, {"tasks": [], "more": False})
    assert gateway.ask("POST", headers={"Origin": gateway.url.rstrip("/")}, cmd="true")[0] == 201
    assert gateway.ask("POST", headers={"Host": "tasks.example", "Origin": "https://tasks.example"}, cmd="true")[0] == 201


def test_the_daemon_goes_and_comes(cluster: Cluster, start_gateway: Callable[..., Gateway]) -> None:
    gateway = start_gateway(cluster, "--timeout", "1")
    wait_for(lambda: gateway.ask("POST", cmd="true", id="before")[0] in (200, 201), "a launch")
    cluster.daemon.kill()
    status, answer = gateway.ask("POST", cmd="true")
    refused((status, answer), 503, "", "may have been launched")
    task_id = re.search(r"id=(\S+)", answer["message"])[1]
    refused(gateway.ask("GET"), 503, "")
    refused(gateway.ask("DELETE", id="before"), 503, "")
    cluster.daemon.start()
    assert wait_for(lambda: gateway.ask("GET")[0] == 200, "the daemon to be back")
    wait_for(lambda: gateway.ask("POST", cmd="true", id=task_id)[0] in (200, 201), "a launch")
    assert gateway.over(task_id)["state"] == "FINISHED" and gateway.over("before")["state"] == "FINISHED"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told(gateway: Gateway, how: int) -> None:
    assert gateway.program.stop(how) == 0
    assert gateway.program.log.read_text() == ""


def test_bad_flags() -> None:
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python")}
    for flags, words in ((["--listen", "x"], "HOST:PORT is wanted"), (["--listen", "127.0.0.1:65536"], "HOST:PORT is wanted"),
                         (["--timeout", "0"], "seconds above 0"), (["--listen", "192.0.2.1:80"], "gateway.py: ")):
        done = subprocess.run([sys.executable, str(GATEWAY), *flags], env=environment, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode != 0 and words in done.stderr and "Traceback" not in done.stderr
