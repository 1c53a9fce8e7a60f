"""The bridge to NATS JetStream (examples/bus/nats) with a real nats-server: each event once, each request once, whoever is killed."""
from __future__ import annotations

import json
import pathlib
import subprocess
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bus import HOSTILE, POISON, Arrivals, Bridge, Ready, Server, all_there, daemon_json, journal_forgets, launched, through_kills
from following import SIMULATED, heads_of
from nats_client import Nats
from programs import BUILD, PATIENCE, Cluster, wait_for

import zmesos

PROGRAM = BUILD / "bin" / "nats_bridge"
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="nats_bridge was not built: libnats-dev is not installed")
REQUESTS = "$JS.API.CONSUMER.INFO.zmesos-requests.bridge"
AWAY = (OSError, ValueError)  # of a server that is going, or coming


class NatsServer(Server):
    program_name = "nats-server"

    def command(self) -> list[str]:
        config = self.directory / "nats.conf"
        config.write_text(f'listen: "127.0.0.1:{self.port}"\nmax_payload: 2097152\n'
                          f'jetstream {{ store_dir: "{self.directory}/js" }}\n')
        return ["nats-server", "-c", str(config)]

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def client(self) -> Nats:
        """Once JetStream is up, too."""
        def connect() -> Any:
            try:
                client = Nats(self.port)
                client.request("$JS.API.INFO")
                return client
            except AWAY:
                return None
        return wait_for(connect, "JetStream")


class Consumer:
    """Takes the messages of zmesos-events by their numbers as they come, over restarts of the server."""

    def __init__(self, server: NatsServer) -> None:
        self.arrivals = Arrivals()
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 1
        while not self._stop.is_set():
            try:
                with Nats(self._server.port) as client:
                    while not self._stop.is_set():
                        state = client.state("zmesos-events")
                        if state is None or state["last_seq"] < number:  # nats-server 2.9.10 ends with a panic when it is asked
                            self._stop.wait(0.02)  # for a message of a stream that it is just making
                            continue
                        found = client.message("zmesos-events", number)
                        assert found
                        self.arrivals.note(found[1], topic_of(found[0]))
                        number += 1
            except AWAY:
                self._stop.wait(0.05)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def topic_of(subject: str) -> str:
    """zmesos.events.task.a%20b.RUNNING, undone."""
    levels = subject.removeprefix("zmesos.events.").split(".")
    return "/".join("" if level == "%" else urllib.parse.unquote(level) for level in levels)


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[NatsServer]:
    made = NatsServer(tmp_path / "nats")
    made.client().close()
    yield made
    made.kill()


@pytest.fixture
def start_bridge(tmp_path: pathlib.Path, server: NatsServer) -> Iterator[Callable[..., Bridge]]:
    made: list[Bridge] = []

    def start(cluster: Cluster, *flags: str) -> Bridge:
        made.append(Bridge(tmp_path, [str(PROGRAM), "--broker", server.url, *flags], cluster))
        return made[-1].ready()
    yield start
    for bridge in made:
        bridge.kill()


@pytest.fixture
def consumer(server: NatsServer) -> Iterator[Consumer]:
    made = Consumer(server)
    yield made
    made.close()


def replies(server: NatsServer) -> dict[int, list[tuple[str, Any]]]:
    """Subject and JSON of the replies, and dead letters, by the number of their request."""
    found: dict[int, list[tuple[str, Any]]] = {}
    with server.client() as client:
        for _, subject, data, headers in client.messages("zmesos-replies"):
            found.setdefault(int(headers["Zmesos-Request"]), []).append((subject, json.loads(data)))
    return found


def count(server: NatsServer, stream: str) -> int:
    with server.client() as client:
        return client.state(stream)["messages"]


def unanswered(server: NatsServer) -> int:
    with server.client() as client:
        about = client.request(REQUESTS)
        return about["num_pending"] + about["num_ack_pending"]


def test_each_event_is_on_the_stream_once_whoever_is_killed(start_cluster, server, start_bridge, consumer, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    through_kills(cluster, consumer.arrivals, [bridge, server, cluster.daemon] * 3)
    consumer.close()
    consumer.arrivals.settle("the stream", cluster, once=True)
    assert [notice["reason"] for notice in consumer.arrivals.notices] == ["NEW"]


def test_each_request_is_one_task_whoever_is_killed(start_cluster, server, start_bridge, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    sent: list[int] = []

    def send(many: int) -> None:
        with server.client() as client:
            for _ in range(many):
                sent.append(client.publish("zmesos.requests.me", '{"command": "true", "cpus": 0.01, "mem": 1}'))

    for victim in [bridge, server, cluster.daemon] * 3:
        before = count(server, "zmesos-replies")
        send(30)
        wait_for(lambda: count(server, "zmesos-replies") > before, "a reply", PATIENCE * 2)
        victim.kill()
        if victim is not server:
            send(15)
        victim.start()
    send(15)
    wait_for(lambda: unanswered(server) == 0, "all to be answered", PATIENCE * 3)
    answers, ids = replies(server), launched(cluster)
    print(f"requests: {len(sent)}, tasks: {len(ids)}, missing {len(set(sent) - answers.keys())}, "
          f"answered twice {sum(len(found) > 1 for found in answers.values())}")
    assert [int(task.split("-")[1]) for task in ids] == sent  # each once, and in order
    assert answers.keys() == set(sent)
    assert all(subject == "zmesos.replies.me" and reply["code"] == "OK" for found in answers.values() for subject, reply in found)


def test_what_is_refused_is_answered_and_put_aside(cluster, server, start_bridge):
    start_bridge(cluster)
    with server.client() as client:
        sent = {client.publish("zmesos.requests.bad", data): (data, code) for data, code in POISON.items()}
        good = client.publish("zmesos.requests.good.one", json.dumps(
            {"id": "7", "launch": {"tasks": [{"cpus": 0.1, "mem": 32, "command": {"value": "true"}}, {
                "id": "named", "cpus": 0.1, "mem": 32, "command": {"value": "true"}}]}}))
    wait_for(lambda: good in replies(server), "the reply to the one that is good")
    wait_for(lambda: unanswered(server) == 0, "all to be done with")
    found = replies(server)
    assert {request: found[request][0][1]["code"] for request in sent} == {request: code for request, (_, code) in sent.items()}
    for request, (data, code) in sent.items():
        (place, reply), (dead, letter) = found[request]
        assert (place, dead) == ("zmesos.replies.bad", "zmesos.dead.bad")
        assert letter["reply"] == reply and reply["message"] and letter["size"] == len(data)
        assert len(letter["request"]) >= min(len(data), 65536)
    (place, reply), = found[good]
    assert place == "zmesos.replies.good.one" and reply["id"] == "7" and reply["code"] == "OK"
    first, second = [item["task_id"] for item in reply["items"]["items"]]
    assert first.startswith(f"nats-{good}-") and first.endswith("-0") and second == "named"
    assert {task.id for task in cluster.client().tasks()} == {first, second}


def test_requests_wait_for_zmesosd_in_their_order(cluster, server, start_bridge):
    bridge = start_bridge(cluster)
    cluster.daemon.kill()
    names = [f"waits-{number}" for number in range(5)]
    with server.client() as client:
        for name in names:
            client.publish("zmesos.requests.me", json.dumps({"command": "true", "id": name}))
        wait_for(lambda: cluster.control in bridge.text(), "the bridge to say who does not answer")
        wait_for(lambda: client.request(REQUESTS)["num_redelivered"] == 1, "the bridge to try again")
    bridge.kill()  # one was delivered and is not acknowledged: it comes again after a while, the others wait for it
    assert (count(server, "zmesos-replies"), unanswered(server)) == (0, len(names))
    cluster.daemon.start()
    bridge.start()
    wait_for(lambda: count(server, "zmesos-replies") == len(names), "the replies")
    assert launched(cluster) == names
    assert bridge.stop() == 0


def test_ids_that_mean_something_to_nats(cluster, server, start_bridge, consumer):
    start_bridge(cluster)
    client = cluster.client()
    for result in client.launch_many([zmesos.task_spec("true", id=task, cpus=0.01, mem=1) for task in HOSTILE]):
        result.check()
    client.wait(HOSTILE, timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    assert {f"task/{task}/FINISHED" for task in HOSTILE} <= set(consumer.arrivals.topics.values())
    assert not consumer.arrivals.strange


def test_bodies_are_those_of_zmesosd(cluster, server, start_bridge, consumer):
    start_bridge(cluster)
    client = cluster.client()
    client.wait(client.launch("exit 3", cpus=0.1, mem=32, labels={"who": "ä"}).id, timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    with server.client() as reader:
        events = [json.loads(data) for _, _, data, _ in reader.messages("zmesos-events")]
    for event_class in ("TASK", "UPDATE"):
        ours = {event["number"]: event["body"] for event in events if event.get("class") == event_class}
        assert ours == dict(daemon_json(cluster, event_class)) and len(ours) > 2


def test_what_the_journal_has_no_more_is_told(start_cluster, server, start_bridge, consumer, needs_local):
    cluster = start_cluster("--keep-events", "100", **SIMULATED)
    bridge = start_bridge(cluster)
    client = cluster.client(timeout=PATIENCE)
    client.launch("true", id="first", cpus=0.01, mem=1)
    client.wait("first", timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    assert bridge.stop() == 0
    last = max(consumer.arrivals.numbers["TASK"])
    journal_forgets(cluster, client)
    bridge.start()
    wait_for(lambda: len(consumer.arrivals.notices) == 3, "a word about what is lost")
    notices = {notice.get("class"): notice for notice in consumer.arrivals.notices[1:]}
    assert {notice["reason"] for notice in notices.values()} == {"TRUNCATED"} and notices.keys() == {"TASK", "UPDATE"}
    assert notices["TASK"]["missed"][0] == last + 1
    all_there(cluster, consumer.arrivals)
    head = heads_of(client.status())["TASK"]
    came = [number for number in consumer.arrivals.numbers["TASK"] if number > last]
    assert came == list(range(notices["TASK"]["missed"][1] + 1, head + 1))


def test_another_history_is_told(start_cluster, tmp_path, server, start_bridge, consumer, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    client = cluster.client(timeout=PATIENCE)
    backup = tmp_path / "backup.db"
    client.backup(backup, timeout=PATIENCE)
    client.launch("true", id="after", cpus=0.01, mem=1)
    client.wait("after", timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    cluster.daemon.set_back(backup, kill=True)
    wait_for(lambda: len(consumer.arrivals.notices) == 2, "a word about the other history")
    notice = consumer.arrivals.notices[1]
    assert notice["reason"] == "STORE" and notice["position"]["store"] == client.status().store
    assert bridge.stop() == 0


def test_a_class_that_the_position_lacks_is_told(cluster, server, start_bridge, consumer):
    """The bridge that wrote it did not know the class."""
    bridge = start_bridge(cluster)
    client = cluster.client()
    client.wait(client.launch("true", cpus=0.1, mem=32).id, timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    assert bridge.stop() == 0
    with server.client() as other:
        *_, (_, _, _, headers) = other.messages("zmesos-events")
        position = json.loads(headers["Zmesos-Position"])
        del position["numbers"]["UPDATE"], position["numbers"]["ORPHAN"]
        other.publish("zmesos.events.bus.STARTED_OVER", json.dumps({"topic": "bus/STARTED_OVER", "reason": "a test"}),
                      {"Zmesos-Position": json.dumps(position)})
    head = heads_of(client.status())["UPDATE"]
    bridge.start()
    bridge.ready()
    wait_for(lambda: consumer.arrivals.notices[-1]["reason"] == "ADDED", "a word about the class")
    client.wait(client.launch("true", id="after", cpus=0.1, mem=32).id, timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    assert [notice["reason"] for notice in consumer.arrivals.notices] == ["NEW", "a test", "ADDED"]
    notice = consumer.arrivals.notices[-1]
    assert (notice["class"], notice["missed"][0]) == ("UPDATE", 1) and notice["missed"][1] >= head > 0
    assert notice["position"]["numbers"]["UPDATE"] == notice["missed"][1]


def test_a_message_of_somebody_else_is_said(cluster, server, start_bridge, consumer):
    bridge = start_bridge(cluster)
    client = cluster.client()
    client.wait(client.launch("true", cpus=0.1, mem=32).id, timeout=PATIENCE)
    all_there(cluster, consumer.arrivals)
    consumer.close()
    bridge.kill()
    with server.client() as other:
        number = other.publish("zmesos.events.mine", "garbage")
        bridge.start()
        wait_for(lambda: f"message {number} of zmesos-events holds no position" in bridge.text(), "a word about it")
        assert other.request("$JS.API.STREAM.MSG.DELETE.zmesos-events", json.dumps({"seq": number}))["success"]
        bridge.ready()
        client.wait(client.launch("true", id="after", cpus=0.1, mem=32).id, timeout=PATIENCE)
        heads = heads_of(client.status())

        def events() -> list[Any]:
            return [json.loads(data) for _, _, data, _ in other.messages("zmesos-events")]
        wait_for(lambda: {f"{name}/{head}" for name, head in heads.items() if head} <= {
            event["id"].split("/", 1)[1] for event in events()}, "the events after it")
        found = events()
    assert [event["reason"] for event in found if "reason" in event] == ["NEW"]  # it has gone on, not begun anew
    assert sorted(event["number"] for event in found if event.get("class") == "TASK") == list(range(1, heads["TASK"] + 1))


def test_two_bridges_at_once_write_each_event_once(start_cluster, server, start_bridge, consumer, needs_local):
    cluster = start_cluster(**SIMULATED)
    first, second = Ready(start_bridge(cluster)), Ready(start_bridge(cluster))
    through_kills(cluster, consumer.arrivals, [first, second] * 2)
    consumer.close()
    consumer.arrivals.settle("two bridges", cluster, once=True)


@pytest.mark.parametrize("flags", [("--root", "a.b"), ("--start", "yesterday"), ("--keep", "0"), ("--unknown",), ("more",)])
def test_flags_that_are_wrong(flags):
    done = subprocess.run([PROGRAM, *flags], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and "usage:" in done.stderr and done.stdout == ""
