"""zmesosd driven in JSON: requests on both sockets, events on their own endpoint, and protobuf's json_format as the judge of what
it says. Clients here are pyzmq and nothing else."""
from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmesos
import zmq
from google.protobuf import json_format
from programs import PATIENCE, TOP, Cluster, wait_for
from zmesos import messages as z

JSON_EVENTS = ("--events-json", "tcp://127.0.0.1:*")
EXAMPLES = TOP / "examples" / "json"
SHELL = str(EXAMPLES / "zmesos-json")


class Plain:
    """Sockets of one context, with a patience instead of for ever."""

    def __init__(self) -> None:
        self.context = zmq.Context()

    def connect(self, kind: int, endpoint: str) -> Any:
        socket = self.context.socket(kind)
        socket.linger, socket.rcvtimeo = 0, int(PATIENCE * 1000)
        socket.connect(endpoint)
        return socket

    def follow(self, endpoint: str, *prefixes: str) -> Any:
        """A SUB whose subscriptions are in effect."""
        socket = self.connect(zmq.SUB, endpoint)
        for prefix in (*prefixes, "zmesos/HEARTBEAT"):
            socket.subscribe(prefix)
        while socket.recv_multipart()[0] != b"zmesos/HEARTBEAT":
            pass
        return socket


@pytest.fixture
def plain() -> Iterator[Plain]:
    made = Plain()
    yield made
    made.context.destroy(linger=0)


@pytest.fixture
def json_cluster(start_cluster: Callable[..., Cluster]) -> Cluster:
    return start_cluster(*JSON_EVENTS)


def ask(socket: Any, **operation: Any) -> Any:
    socket.send_json({"version": 1, "id": "x", **operation})
    reply = socket.recv_json()
    assert reply["version"] == 1 and reply["id"] == "x"
    json_format.ParseDict(reply, z.Reply())  # it is one
    return reply


def task(name: str, command: str = "true", **fields: Any) -> dict[str, Any]:
    return {"id": name, "cpus": 0.1, "mem": 32, "command": {"value": command}, **fields}


def next_task(events: Any) -> Any:
    """(topic, header, task) of the next event of a task."""
    while True:
        topic, header, body = events.recv_multipart()
        if topic.startswith(b"task/"):
            return topic.decode(), json.loads(header), json.loads(body)


@pytest.mark.parametrize("endpoint", ["control", "pipeline"])
def test_launch_follow_kill(json_cluster: Cluster, plain: Plain, endpoint: str) -> None:
    control = plain.connect(zmq.REQ, getattr(json_cluster, endpoint))
    events = plain.follow(json_cluster.daemon.events_json, "task/long/")
    reply = ask(control, launch={"tasks": [task("long", "sleep 600"), task("bad", cpus=-1)]})
    assert reply["code"] == "SOME_REFUSED"
    assert [item["code"] for item in reply["items"]["items"]] == ["OK", "INVALID"]
    assert reply["items"]["items"][1]["field"] == "launch.tasks[1].cpus"
    seen = []
    while not seen or seen[-1] != "RUNNING":
        topic, header, body = next_task(events)
        assert topic == f"task/long/{body['state']}" and header["class"] == "TASK"
        assert header["revision"] == body["revision"] == len(seen) + 1
        seen.append(body["state"])
    assert ask(control, kill={"task_ids": ["long"]})["items"]["items"][0]["code"] == "OK"
    while body["state"] != "KILLED":
        body = next_task(events)[2]
    got = ask(control, get={"taskIds": ["long", "none"], "withSpec": True})["tasks"]
    assert got["missing"] == ["none"]
    assert got["tasks"][0]["spec"] == task("long", "sleep 600")


def test_both_in_turn_on_one_dealer(cluster: Cluster, plain: Plain) -> None:
    dealer = plain.connect(zmq.DEALER, cluster.pipeline)
    for n in range(200):
        if n % 2:
            dealer.send_multipart([b"", json.dumps({"version": 1, "id": str(n), "ping": {}}).encode()])
        else:
            dealer.send_multipart([b"", z.Request(version=1, id=str(n), ping={}).SerializeToString()])
    as_json, packed = set(), set()
    for _ in range(200):
        empty, reply = dealer.recv_multipart()
        assert empty == b""
        if reply.startswith(b"{"):
            as_json.add(int(json.loads(reply)["id"]))
        else:
            packed.add(int(z.Reply.FromString(reply).id))
    assert as_json == set(range(1, 200, 2)) and packed == set(range(0, 200, 2))


def test_the_same_task_in_either_form_is_known(cluster: Cluster, plain: Plain) -> None:
    """Whatever order its members are in, those of maps among them; and another one is a conflict."""
    control = plain.connect(zmq.REQ, cluster.control)
    spec = z.TaskSpec(id="one", cpus=0.1, mem=32, data=b"\x00\xff", labels={"labels": [{"key": "a", "value": "b"}]},
                      command={"value": "sleep 1", "environment": {"variables": [{"name": "A", "value": "ä"}]}})
    for key, value in (("cpus", 1.0), ("mem", 64.0)):
        spec.limits.add(key=key).value.value = value
    as_json = json_format.MessageToDict(spec)
    as_json["limits"] = {entry["key"]: entry["value"] for entry in reversed(as_json["limits"])}
    with cluster.client() as client:
        assert not client.launch_many([spec])[0].known
    for form in (as_json, dict(reversed(as_json.items())), json_format.MessageToDict(spec, preserving_proto_field_name=True)):
        item, = ask(control, launch={"tasks": [form]})["items"]["items"]
        assert item["code"] == "OK" and item["known"] is True
    item, = ask(control, launch={"tasks": [{**as_json, "cpus": 0.2}]})["items"]["items"]
    assert item["code"] == "CONFLICT"
    # And the other way round, also after a restart: what is kept is the message.
    second = {**as_json, "id": "two"}
    assert "known" not in ask(control, launch={"tasks": [second]})["items"]["items"][0]
    spec.id = "two"
    cluster.restart()
    with cluster.client() as client:
        assert client.launch_many([spec])[0].known
        kept = client.task("two", with_spec=True).spec
    kept.limits.sort(key=lambda entry: entry.key)
    assert kept == spec


BAD = {
    "a wrong type": ('{"tasks": [{"id": "a"}, {"cpus": "many"}]}', "INVALID", "launch.tasks[1].cpus"),
    "an object for an array": ('{"tasks": {}}', "INVALID", "launch.tasks"),
    "an unknown field": ('{"tasks": [{"id": "a", "cpu": 1}]}', "INVALID", "launch.tasks[0].cpu"),
    "an unknown enum value": ('{"tasks": [{"constraints": [{"operator": "LIKES"}]}]}', "INVALID",
                              "launch.tasks[0].constraints[0].operator"),
    "a number out of range": ('{"tasks": [{"ports": 4294967296}]}', "INVALID", "launch.tasks[0].ports"),
    "a number no double holds": ('{"tasks": [{"cpus": 1e400}]}', "INVALID", "launch.tasks[0].cpus"),
    "a key twice": ('{"tasks": [{"id": "a", "cpus": 1, "cpus": 1}]}', "INVALID", "launch.tasks[0].cpus"),
    "a key in both spellings": ('{"tasks": [{"kill_policy": {}, "killPolicy": {}}]}', "INVALID",
                                "launch.tasks[0].kill_policy"),
    "broken UTF-8": (b'{"tasks": [{"id": "\xff"}]}', "MALFORMED", "launch.tasks[0].id"),
    "an overlong form": (b'{"tasks": [{"id": "\xc0\xaf"}]}', "MALFORMED", "launch.tasks[0].id"),
    "half a surrogate pair": ('{"tasks": [{"id": "\\ud83d"}]}', "MALFORMED", "launch.tasks[0].id"),
    "half a surrogate pair as UTF-8": (b'{"tasks": [{"id": "\xed\xa0\x80"}]}', "MALFORMED", "launch.tasks[0].id"),
    "a NUL": ('{"tasks": [{"id": "a\\u0000"}]}', "INVALID", "launch.tasks[0].id"),
    "NaN as Python writes it": ('{"tasks": [{"cpus": NaN}]}', "MALFORMED", "launch.tasks[0].cpus"),
    "no base64": ('{"tasks": [{"data": "a"}]}', "INVALID", "launch.tasks[0].data"),
    "something behind": ("{}} {}", "MALFORMED", ""),
    "a missing field of Mesos's": ('{"tasks": [{"command": {"uris": [{}]}}]}', "INVALID",
                                   "launch.tasks[0].command.uris[0].value"),
    "nesting": ('{"tasks": ' + "[" * 5000, "TOO_LARGE", "launch.tasks[0]"),
    "too many values": ('{"tasks": [' + ",".join(["{}"] * 100_001) + "]}", "TOO_LARGE", ""),
    "too many bytes": ('{"tasks": [{"id": "' + "x" * (1 << 20) + '"}]}', "TOO_LARGE", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_json(cluster: Cluster, plain: Plain, name: str) -> None:
    text, code, field = BAD[name]
    control = plain.connect(zmq.REQ, cluster.control)
    control.send(b'{"version": 1, "id": "bad", "launch": ' + (text if isinstance(text, bytes) else text.encode()) + b"}")
    reply = control.recv_json()
    assert (reply["code"], reply.get("field", ""), reply["id"]) == (code, field, "bad")
    assert reply["message"] and reply["retry"] is False
    assert ask(control, ping={})["code"] == "OK"
    assert "tasks" not in ask(control, list={})["tasks"]


def test_the_largest_request(cluster: Cluster, plain: Plain) -> None:
    control = plain.connect(zmq.REQ, cluster.pipeline)
    text = json.dumps({"version": 1, "ping": {}})
    for size, code in (((1 << 20), "OK"), ((1 << 20) + 1, "TOO_LARGE"), ((4 << 20), "TOO_LARGE")):
        control.send_string(text.ljust(size))
        assert control.recv_json()["code"] == code


def test_events_are_the_same_on_both_endpoints(json_cluster: Cluster, plain: Plain) -> None:
    """Each with its topic, numbers and body, as json_format reads them."""
    packed = plain.follow(json_cluster.events, "task/", "mesos/")
    as_json = plain.follow(json_cluster.daemon.events_json, "task/", "mesos/")
    with json_cluster.client() as client:
        client.launch_many([zmesos.task_spec("exit 3", id=f"ä{n}", cpus=0.1, mem=32) for n in range(5)])

    def read(socket: Any, parse: Callable[[bytes, Any], Any]) -> dict[Any, Any]:
        """By class and number, to the last task's end and the update that told it."""
        found: dict[Any, Any] = {}
        ends = 0
        while ends < 10:
            topic, header, body = socket.recv_multipart()
            if topic.startswith(b"zmesos/"):
                continue
            head = parse(header, z.EventHeader())
            event = parse(body, z.Task() if topic.startswith(b"task/") else zmesos.scheduler.Event())
            found[getattr(head, "class"), head.number] = topic, head, event
            ends += topic.endswith(b"/FAILED") or (
                topic.startswith(b"mesos/UPDATE/") and event.update.status.state == zmesos.mesos.TASK_FAILED)
        return found

    one = read(packed, lambda data, message: message.FromString(data))
    other = read(as_json, lambda data, message: json_format.Parse(data, message))
    both = one.keys() & other.keys()  # the last offers may have come to one alone
    classes = [z.EventClass.Name(kind) for kind, _ in both]
    assert classes.count("TASK") >= 25 and classes.count("UPDATE") >= 10
    assert all(one[key] == other[key] for key in both)
    for kind in (z.TASK, z.UPDATE):
        assert {key for key in one if key[0] == kind} == {key for key in other if key[0] == kind}


def test_a_replay_is_what_was_published(json_cluster: Cluster, plain: Plain) -> None:
    control = plain.connect(zmq.REQ, json_cluster.pipeline)
    events = plain.follow(json_cluster.daemon.events_json, "task/", "mesos/UPDATE/")
    ask(control, launch={"tasks": [task(f"ä{n}", "exit 3") for n in range(3)]})
    published: dict[str, list[Any]] = {"TASK": [], "UPDATE": []}
    ends = 0
    while ends < 6:
        topic, header, body = (part.decode() for part in events.recv_multipart())
        kind = json.loads(header)["class"]
        if kind in published:
            published[kind].append((topic, json.loads(header), body))
            ends += topic.endswith("/FAILED") or '"TASK_FAILED"' in body
    for again in range(2):
        for kind, seen in published.items():
            replayed, start = [], 1
            while start <= len(seen):
                page = ask(control, replay={"class": kind, "from": start, "page_size": 4})["replay"]
                replayed += [(event["topic"], event["header"], event["json"]) for event in page.get("events", [])]
                start = page["next"]
            assert replayed[:len(seen)] == seen
        if not again:
            json_cluster.restart()  # the second time it comes from the disk
            control = plain.connect(zmq.REQ, json_cluster.pipeline)  # the other may not have noticed, and lose the request


def test_a_restart_keeps_the_numbers(json_cluster: Cluster, plain: Plain) -> None:
    control = plain.connect(zmq.REQ, json_cluster.control)
    events = plain.follow(json_cluster.daemon.events_json, "task/")
    numbers = []
    for name in ("before", "after"):
        ask(control, launch={"tasks": [task(name)]})
        body: dict[str, Any] = {}
        while body.get("state") != "FINISHED":
            _, header, body = next_task(events)
            numbers.append(header["number"])
        if name == "before":
            json_cluster.restart(kill=True)
            control = plain.connect(zmq.REQ, json_cluster.control)  # the other may not have noticed, and lose the request
            events = plain.follow(json_cluster.daemon.events_json, "task/")
    assert numbers == list(range(1, len(numbers) + 1))


# ---- the examples ----------------------------------------------------------------------------------------


def test_hello(json_cluster: Cluster) -> None:
    done = subprocess.run([sys.executable, EXAMPLES / "hello.py", json_cluster.control, json_cluster.daemon.events_json],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert json.loads(first)["code"] == "OK"
    assert lines[0].split("/")[2].strip() == "QUEUED" and lines[-1].split("/")[2].startswith("FINISHED Command exited")


def run_shell(*arguments: str) -> Any:
    done = subprocess.run(["bash", SHELL, *arguments], capture_output=True, timeout=PATIENCE, check=True)
    return json.loads(done.stdout)


def test_a_shell_launches_follows_and_kills(json_cluster: Cluster, tmp_path: pathlib.Path) -> None:
    control, events = (endpoint.removeprefix("tcp://") for endpoint in
                       (json_cluster.control, json_cluster.daemon.events_json))
    log = tmp_path / "events"
    with log.open("wb") as stream:
        follow = subprocess.Popen(["bash", SHELL, "follow", events, "task/sh/", "zmesos/HEARTBEAT"], stdout=stream)
        try:
            def lines(start: str) -> list[list[str]]:
                text = log.read_text().rpartition("\n")[0]  # the last line may be on its way
                return [line.split("\t") for line in text.splitlines() if line.startswith(start)]
            wait_for(lambda: lines("zmesos/HEARTBEAT"), "a heartbeat")
            launch = {"version": 1, "launch": {"tasks": [task("sh", "sleep 600", labels={"labels": [
                {"key": "long", "value": "ä" * 40000}]})]}}
            assert run_shell("request", control, json.dumps(launch, ensure_ascii=False))["code"] == "OK"
            wait_for(lambda: lines("task/sh/RUNNING"), "the task to run")
            got = run_shell("request", control, '{"version":1,"get":{"task_ids":["sh"],"with_spec":true}}')
            assert got["tasks"]["tasks"][0]["spec"] == launch["launch"]["tasks"][0]
            piped = subprocess.run(["bash", SHELL, "request", control], input=b'{"version":1,"kill":{"task_ids":["sh"]}}',
                                   capture_output=True, timeout=PATIENCE, check=True)
            assert json.loads(piped.stdout)["items"]["items"][0]["code"] == "OK"
            wait_for(lambda: lines("task/sh/KILLED"), "its end")
        finally:
            follow.kill()
            follow.wait()
    for topic, header, body in lines("task/sh/"):
        assert json.loads(header)["class"] == "TASK" and topic == f"task/sh/{json.loads(body)['state']}"
