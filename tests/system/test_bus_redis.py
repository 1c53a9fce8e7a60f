"""The bridge to Redis Streams (examples/bus) with a real redis-server: each event once, each request once, whoever is killed."""
from __future__ import annotations

import json
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bus import HOSTILE, POISON, Arrivals, Bridge, Ready, Server, all_there, daemon_json, journal_forgets, launched, through_kills
from following import SIMULATED, heads_of
from programs import PATIENCE, Cluster, wait_for

import zmesos

redis = pytest.importorskip("redis")


class RedisServer(Server):
    program_name = "redis-server"

    def command(self) -> list[str]:
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", "",
                "--appendonly", "yes", "--appendfsync", "everysec"]

    def _listens(self) -> bool:
        """Once it has read what it had: it refuses everything until then."""
        if not super()._listens():
            return False
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.BusyLoadingError:
                return False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> Any:
        return redis.Redis.from_url(self.url, socket_timeout=PATIENCE)

    def start(self) -> None:
        super().start()
        wait_for(self._loaded, "redis-server to have read its file")

    def _loaded(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.BusyLoadingError:
            return False


class Consumer:
    """Takes the events off the stream as they come, over restarts of the server, by the entry that it had last."""

    def __init__(self, server: RedisServer) -> None:
        self.arrivals = Arrivals()
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        last = b"0"
        while not self._stop.is_set():
            try:
                with self._server.client() as client:
                    for _, entries in client.xread({"zmesos:events": last}, block=200):
                        for last, fields in entries:
                            self.arrivals.note(fields[b"event"], fields[b"topic"].decode())
            except redis.RedisError:
                self._stop.wait(0.05)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path / "redis")
    yield made
    made.kill()


@pytest.fixture
def start_bridge(tmp_path: pathlib.Path, server: RedisServer) -> Iterator[Callable[..., Bridge]]:
    made: list[Bridge] = []

    def start(cluster: Cluster, *flags: str) -> Bridge:
        made.append(Bridge.in_python(tmp_path, "redis_bridge.py", cluster, "--broker", server.url, *flags))
        return made[-1].ready()
    yield start
    for bridge in made:
        bridge.kill()


@pytest.fixture
def consumer(server: RedisServer) -> Iterator[Consumer]:
    made = Consumer(server)
    yield made
    made.close()


def stream(server: RedisServer) -> Arrivals:
    """All that is on the stream in the end."""
    found = Arrivals()
    with server.client() as client:
        for _, fields in client.xrange("zmesos:events"):
            found.note(fields[b"event"], fields[b"topic"].decode())
    return found


def replies(server: RedisServer) -> dict[str, list[Any]]:
    """The replies by the entry of their request."""
    found: dict[str, list[Any]] = {}
    with server.client() as client:
        for _, fields in client.xrange("zmesos:replies"):
            found.setdefault(fields[b"request"].decode(), []).append(json.loads(fields[b"reply"]))
    return found


def test_each_event_is_on_the_stream_once_whoever_is_killed(start_cluster, server, start_bridge, consumer, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    through_kills(cluster, consumer.arrivals, [bridge, server, cluster.daemon] * 3)
    kept = stream(server)
    kept.awaited = consumer.arrivals.awaited
    consumer.close()
    consumer.arrivals.settle("a consumer of Redis", cluster)
    kept.settle("the stream", cluster, once=True)
    assert [notice["reason"] for notice in kept.notices] == ["NEW"]


def test_each_request_is_one_task_whoever_is_killed(start_cluster, server, start_bridge, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    entries: list[str] = []

    def send(count: int) -> None:
        with server.client() as client:
            for _ in range(count):
                entries.append(client.xadd("zmesos:requests", {"request": '{"command": "true", "cpus": 0.01, "mem": 1}'}).decode())

    for victim in [bridge, server, cluster.daemon] * 3:
        before = len(replies(server))
        send(40)
        wait_for(lambda: len(replies(server)) > before, "a reply", PATIENCE * 2)
        victim.kill()
        if victim is not server:
            send(20)
        victim.start()
    send(20)
    wait_for(lambda: len(replies(server)) == len(entries), "all replies", PATIENCE * 2)
    with server.client() as client:
        assert client.xlen("zmesos:requests") == 0 and client.xlen("zmesos:dead") == 0
    answers = replies(server)
    ids = launched(cluster)
    print(f"requests: {len(entries)}, tasks: {len(ids)}, missing {len(set(entries) - answers.keys())}, "
          f"answered twice {sum(len(found) > 1 for found in answers.values())}")
    assert ids == [f"redis-{entry}" for entry in entries]  # each once, and in order
    assert all(len(found) == 1 and found[0]["code"] == "OK" for found in answers.values())


def test_what_is_refused_is_answered_and_put_aside(cluster, server, start_bridge):
    start_bridge(cluster)
    with server.client() as client:
        sent = {client.xadd("zmesos:requests", {"request": data}).decode(): (data, code) for data, code in POISON.items()}
        other = client.xadd("zmesos:requests", {"something": "else"}).decode()
        good = client.xadd("zmesos:requests", {"request": json.dumps(
            {"id": "7", "launch": {"tasks": [{"cpus": 0.1, "mem": 32, "command": {"value": "true"}}, {
                "id": "named", "cpus": 0.1, "mem": 32, "command": {"value": "true"}}]}})}).decode()
        wait_for(lambda: good in replies(server), "the reply to the one that is good")
        found = replies(server)
        assert {request: found[request][0]["code"] for request in sent} == {request: code for request, (_, code) in sent.items()}
        assert found[other][0]["code"] == "MALFORMED"
        assert found[good][0]["id"] == "7" and found[good][0]["code"] == "OK"
        assert [item["task_id"] for item in found[good][0]["items"]["items"]] == [f"redis-{good}-0", "named"]
        letters = {fields[b"request"].decode(): json.loads(fields[b"letter"]) for _, fields in client.xrange("zmesos:dead")}
        assert letters.keys() == sent.keys() | {other}
        for request, (data, code) in sent.items():
            letter = letters[request]
            assert letter["reply"]["code"] == code and letter["reply"]["message"] and letter["size"] == len(data)
            assert letter["request"] == data[:65536].decode("utf-8", "replace")
        assert client.xlen("zmesos:requests") == 0
    assert {task.id for task in cluster.client().tasks()} == {f"redis-{good}-0", "named"}


def test_requests_wait_for_zmesosd_in_their_order(cluster, server, start_bridge):
    bridge = start_bridge(cluster)
    cluster.daemon.kill()
    names = [f"waits-{number}" for number in range(5)]
    with server.client() as client:
        for name in names:
            client.xadd("zmesos:requests", {"request": json.dumps({"command": "true", "id": name})})
        wait_for(lambda: "zmesosd does not answer" in bridge.text(), "the bridge to say so")
        bridge.kill()
        assert client.xlen("zmesos:replies") == 0 and client.xlen("zmesos:requests") == len(names)
        cluster.daemon.start()
        bridge.start()
        wait_for(lambda: client.xlen("zmesos:replies") == len(names), "the replies")
    assert launched(cluster) == names
    assert bridge.stop() == 0


def test_ids_that_look_like_something_else(cluster, server, start_bridge, consumer):
    start_bridge(cluster)
    client = cluster.client()
    client.launch_many([zmesos.task_spec("true", id=task, cpus=0.01, mem=1) for task in HOSTILE])
    client.wait(HOSTILE, timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    consumer.close()
    assert {f"task/{task}/FINISHED" for task in HOSTILE} <= set(consumer.arrivals.topics.values())
    assert not consumer.arrivals.strange


def test_bodies_are_those_of_zmesosd(cluster, server, start_bridge, consumer):
    start_bridge(cluster)
    client = cluster.client()
    task = client.launch("exit 3", cpus=0.1, mem=32, labels={"who": "ä"}, retry={"max_attempts": 2, "backoff": 0.01})
    client.wait(task.id, timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    for event_class in ("TASK", "UPDATE"):
        ours = {}
        with server.client() as reader:
            for _, fields in reader.xrange("zmesos:events"):
                event = json.loads(fields[b"event"])
                if event.get("class") == event_class:
                    ours[event["number"]] = event["body"]
        assert ours == dict(daemon_json(cluster, event_class)) and len(ours) > 4


def test_what_the_journal_has_no_more_is_told(start_cluster, server, start_bridge, consumer, needs_local):
    cluster = start_cluster("--keep-events", "100", **SIMULATED)
    bridge = start_bridge(cluster, "--prefix", "task/")
    client = cluster.client(timeout=PATIENCE)
    client.launch("true", id="first", cpus=0.01, mem=1)
    client.wait("first", timeout=PATIENCE)
    wait_for(lambda: "task/first/FINISHED" in consumer.arrivals.topics.values(), "the first task's events")
    bridge.stop()
    last = max(consumer.arrivals.numbers["TASK"])
    journal_forgets(cluster, client)
    bridge.start()
    wait_for(lambda: len(consumer.arrivals.notices) == 2, "a word about what is lost")
    notice = consumer.arrivals.notices[1]
    assert notice["reason"] == "TRUNCATED" and notice["class"] == "TASK" and notice["missed"][0] == last + 1
    head = heads_of(client.status())["TASK"]
    wait_for(lambda: head in consumer.arrivals.numbers["TASK"], "what is kept")
    came = [number for number in consumer.arrivals.numbers["TASK"] if number > last]
    assert came == list(range(notice["missed"][1] + 1, head + 1))


def test_another_history_is_told(start_cluster, tmp_path, server, start_bridge, consumer, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    client = cluster.client(timeout=PATIENCE)
    backup = tmp_path / "backup.db"
    client.backup(backup, timeout=PATIENCE)
    client.launch("true", id="after", cpus=0.01, mem=1)
    client.wait("after", timeout=PATIENCE)
    wait_for(lambda: "task/after/FINISHED" in consumer.arrivals.topics.values(), "events")
    cluster.daemon.set_back(backup, kill=True)
    wait_for(lambda: len(consumer.arrivals.notices) == 2, "a word about the other history")
    notice = consumer.arrivals.notices[1]
    assert notice["reason"] == "STORE" and notice["position"]["store"] == client.status().store
    assert bridge.stop() == 0


def test_a_position_that_is_none_is_said(cluster, server, start_bridge, consumer):
    with server.client() as client:
        client.set("zmesos:position", "garbage")
        bridge = Bridge.in_python(server.directory, "redis_bridge.py", cluster, "--broker", server.url)
        try:
            wait_for(lambda: "zmesos:position holds no position of a bridge: b'garbage'" in bridge.text(), "a word about it")
            client.delete("zmesos:position")
            wait_for(lambda: consumer.arrivals.notices, "the bridge to begin")
            assert "Traceback" not in bridge.text() and bridge.stop() == 0
        finally:
            bridge.kill()


def test_two_bridges_at_once_write_each_event_once(start_cluster, server, start_bridge, consumer, needs_local):
    cluster = start_cluster(**SIMULATED)
    first, second = Ready(start_bridge(cluster)), Ready(start_bridge(cluster))
    through_kills(cluster, consumer.arrivals, [first, second] * 2)
    kept = stream(server)
    kept.awaited = consumer.arrivals.awaited
    consumer.close()
    kept.settle("two bridges", cluster, once=True)
