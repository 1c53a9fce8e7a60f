"""The bridge to MQTT (examples/bus) with a real mosquitto: each event at least once and in order, each request run once."""
from __future__ import annotations

import json
import pathlib
import signal
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bus import HOSTILE, POISON, Arrivals, Bridge, Server, all_there, launched, through_kills
from following import SIMULATED
from programs import PATIENCE, Cluster, wait_for

import zmesos

mqtt = pytest.importorskip("paho.mqtt.client")


class Mosquitto(Server):
    program_name = "mosquitto"

    def command(self) -> list[str]:
        config = self.directory / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n"
                          f"persistence_location {self.directory}/\nautosave_interval 300\nmax_queued_messages 0\n")
        return ["mosquitto", "-c", str(config)]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def save(self) -> None:
        """Has it write down what it knows: a kill -9 throws it back to this."""
        assert self.program
        store = self.directory / "mosquitto.db"
        before = store.stat().st_mtime_ns if store.exists() else 0
        self.program.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: store.exists() and store.stat().st_mtime_ns > before, "mosquitto.db")


class Party:
    """A client of the broker with a session that lasts, in a thread; it connects again by itself."""

    def __init__(self, broker: Mosquitto, name: str, *topics: str) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.arrivals = Arrivals()
        self._ready = threading.Event()
        self._topics = topics
        self.client = mqtt.Client(name, clean_session=False)
        self.client.reconnect_delay_set(0.05, 0.2)
        self.client.max_queued_messages_set(0)
        self.client.on_connect = lambda client, data, flags, code: client.subscribe([(topic, 1) for topic in topics])
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._on_message
        self._sent: set[int] = set()
        self.client.on_publish = lambda client, data, number: self._sent.add(number)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert self._ready.wait(PATIENCE)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        if message.topic.startswith("zmesos/events/"):
            topic = urllib.parse.unquote(message.topic.removeprefix("zmesos/events/"))
            self.arrivals.note(message.payload, topic)
        else:
            self.messages.append((message.topic, message.payload))

    def send(self, topic: str, text: str) -> None:
        """Returns when the broker has acknowledged it; paho sends it again with a new connection."""
        number = self.client.publish(topic, text, qos=1).mid
        wait_for(lambda: number in self._sent, "PUBACK")

    def replies(self) -> dict[str, list[Any]]:
        """By what is behind zmesos/replies/ in the topic."""
        found: dict[str, list[Any]] = {}
        for topic, payload in list(self.messages):
            if topic.startswith("zmesos/replies/"):
                found.setdefault(topic.removeprefix("zmesos/replies/"), []).append(json.loads(payload))
        return found

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: pathlib.Path) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path / "mosquitto")
    yield made
    made.kill()


@pytest.fixture
def start_bridge(tmp_path: pathlib.Path, broker: Mosquitto) -> Iterator[Callable[..., Bridge]]:
    made: list[Bridge] = []

    def start(cluster: Cluster, *flags: str) -> Bridge:
        made.append(Bridge.in_python(tmp_path, "mqtt_bridge.py", cluster, "--broker", broker.address, *flags))
        return made[-1].ready()
    yield start
    for bridge in made:
        bridge.kill()


@pytest.fixture
def party(broker: Mosquitto) -> Iterator[Party]:
    made = Party(broker, "party", "zmesos/events/#", "zmesos/replies/#", "zmesos/dead/#")
    yield made
    made.close()


class Restarted:
    """Mosquitto as a victim: ended in good order, or with kill -9 some time after it has saved."""

    def __init__(self, broker: Mosquitto, how: str) -> None:
        self.kill = broker.stop if how == "restarted" else broker.kill
        self.start = broker.start


@pytest.mark.parametrize("how", ["restarted", "killed"])
def test_each_event_arrives_in_order_whoever_goes(start_cluster, broker, start_bridge, party, needs_local, how):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    wait_for(lambda: party.arrivals.count > 0, "the bridge's first word")
    broker.save()  # a session that was never saved is forgotten by a kill -9, and so is who subscribed
    through_kills(cluster, party.arrivals, [bridge, Restarted(broker, how), cluster.daemon] * 3)
    party.close()
    party.arrivals.settle(f"a subscriber of MQTT, broker {how}", cluster)
    assert party.arrivals.notices[0]["reason"] == "NEW"


def test_each_request_is_one_task_whoever_goes(start_cluster, broker, start_bridge, party, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    sent: list[str] = []

    def send(count: int) -> None:
        for _ in range(count):
            sent.append(f"r-{len(sent):04}")
            text = json.dumps({"command": "true", "id": sent[-1], "cpus": 0.01, "mem": 1})
            party.send(f"zmesos/requests/{sent[-1]}", text)

    for victim in [bridge, Restarted(broker, "restarted"), cluster.daemon] * 3:
        before = len(party.replies())
        send(30)
        wait_for(lambda: len(party.replies()) > before, "a reply", PATIENCE * 2)
        victim.kill()
        if not isinstance(victim, Restarted):
            send(15)
        victim.start()
    send(15)
    wait_for(lambda: len(party.replies()) == len(sent), "all replies", PATIENCE * 2)
    ids, answers = launched(cluster), party.replies()
    print(f"requests: {len(sent)}, tasks: {len(ids)}, missing {len(set(sent) - set(ids))}, "
          f"answered twice {sum(len(found) > 1 for found in answers.values())}")
    assert ids == sent  # each once, and in order
    assert all(reply["code"] == "OK" for found in answers.values() for reply in found)


def test_requests_wait_for_zmesosd_in_their_order(cluster, broker, start_bridge, party):
    bridge = start_bridge(cluster)
    cluster.daemon.kill()
    names = [f"waits-{number}" for number in range(5)]
    for name in names:
        party.send(f"zmesos/requests/{name}", json.dumps({"command": "true", "id": name}))
    wait_for(lambda: "zmesosd does not answer" in bridge.text(), "the bridge to say so")
    bridge.kill()
    assert not party.replies()
    cluster.daemon.start()
    bridge.start()
    wait_for(lambda: len(party.replies()) == len(names), "the replies")
    assert launched(cluster) == names
    assert bridge.stop() == 0


def test_who_asks_again_makes_up_for_what_mosquitto_forgot(start_cluster, broker, start_bridge, party, needs_local):
    """A kill -9 of mosquitto loses requests that it has acknowledged and not saved."""
    cluster = start_cluster(**SIMULATED)
    start_bridge(cluster)
    wait_for(lambda: party.arrivals.count > 0, "the bridge's first word")
    broker.save()
    sent = [f"r-{number:04}" for number in range(40)]

    def send(names: list[str]) -> None:
        for name in names:
            party.client.publish(f"zmesos/requests/{name}", json.dumps({"command": "true", "id": name, "cpus": 0.01, "mem": 1}), qos=1)

    cluster.daemon.kill()  # so that none is answered before
    send(sent)
    broker.kill()
    broker.start()
    cluster.daemon.start()

    def complete() -> bool:
        send([name for name in sent if name not in party.replies()])
        waited = threading.Event()
        waited.wait(0.5)
        return len(party.replies()) == len(sent)
    wait_for(complete, "all replies", PATIENCE * 2)
    assert sorted(launched(cluster)) == sent


def test_what_is_refused_is_answered_and_put_aside(cluster, broker, start_bridge, party):
    start_bridge(cluster)
    poison = {**POISON, b'{"command": "true"}': "INVALID"}  # messages of MQTT have no ids
    sent = {str(place): item for place, item in enumerate(poison.items())}
    for name, (data, _) in sent.items():
        party.client.publish(f"zmesos/requests/bad/{name}", data, qos=1)
    party.client.publish("zmesos/requests/good", '{"command": "true", "id": "good"}', qos=1)
    wait_for(lambda: "good" in party.replies(), "the reply to the one that is good")
    assert {name: [reply["code"] for reply in party.replies()[f"bad/{name}"]] for name in sent} == {
        name: [code] for name, (_, code) in sent.items()}
    assert "messages here have no ids" in party.replies()[f"bad/{len(POISON)}"][0]["message"]
    assert party.replies()["good"][0]["items"]["items"][0]["task_id"] == "good"
    letters = {topic: json.loads(payload) for topic, payload in party.messages if topic.startswith("zmesos/dead/")}
    assert letters.keys() == {f"zmesos/dead/bad/{name}" for name in sent}
    assert all(letters[f"zmesos/dead/bad/{name}"]["size"] == len(data) for name, (data, _) in sent.items())
    assert [task.id for task in cluster.client().tasks()] == ["good"]


def test_ids_that_mean_something_to_mqtt(cluster, broker, start_bridge, party):
    start_bridge(cluster)
    client = cluster.client()
    for result in client.launch_many([zmesos.task_spec("true", id=task, cpus=0.01, mem=1) for task in HOSTILE]):
        result.check()
    client.wait(HOSTILE, timeout=PATIENCE)
    all_there(cluster, party.arrivals)
    assert {f"task/{task}/FINISHED" for task in HOSTILE} <= set(party.arrivals.topics.values())
    assert not party.arrivals.strange


def test_a_broker_that_forgot_all_is_given_all(start_cluster, broker, start_bridge, party, needs_local):
    cluster = start_cluster(**SIMULATED)
    bridge = start_bridge(cluster)
    client = cluster.client(timeout=PATIENCE)
    client.launch("true", id="first", cpus=0.01, mem=1)
    client.wait("first", timeout=PATIENCE)
    all_there(cluster, party.arrivals)
    bridge.stop()
    party.close()
    broker.kill()
    for path in broker.directory.glob("mosquitto.db*"):
        path.unlink()
    broker.start()
    later = Party(broker, "later", "zmesos/events/#")
    try:
        bridge.start()
        all_there(cluster, later.arrivals)
        assert [notice["reason"] for notice in later.arrivals.notices] == ["NEW"]
        later.close()
        later.arrivals.settle("a broker that forgot", cluster)
    finally:
        later.close()
