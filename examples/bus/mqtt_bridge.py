#!/usr/bin/env python3
"""zmesos's events onto MQTT topics, and requests from there: README.md tells what is promised.

usage: mqtt_bridge.py [--broker 127.0.0.1:1883] [--root zmesos] ...

    zmesos/events/task/<id>/<state> ...   each event, QoS 1; levels are written as in URLs
    zmesos/position                       how far events are there: retained, published behind them
    zmesos/requests/<anything>            requests (JSON), to be published with QoS 1
    zmesos/replies/<anything>             their replies
    zmesos/dead/<anything>                what was refused
"""

import argparse
import sys
import threading
import time
import uuid
from typing import Callable, Optional

from paho.mqtt import client as mqtt

import bridge
import zmesos

KEEPALIVE_S = 30
PATIENCE_S = 30  # for an answer of the broker
STEP_S = 0.2

OnMessage = Callable[["Connection", mqtt.MQTTMessage], None]


class Connection:
    """One connection; where it breaks it is not mended, since what was under way would come again in another order."""

    def __init__(self, options: argparse.Namespace, name: str, clean: bool, on_message: OnMessage) -> None:
        """on_message is called from step(), from the beginning: a session that goes on delivers at once."""
        host, _, port = options.broker.rpartition(":")
        self.client = mqtt.Client(f"{options.root}-{name}", clean_session=clean)
        self.client.max_inflight_messages_set(0)  # nothing waits here: what is published is sent before what comes next
        self.client.on_message = lambda client, data, message: on_message(self, message)
        answers: list[int] = []
        self.client.on_connect = lambda client, data, flags, code: answers.append(code)
        self.client.connect(host, int(port), KEEPALIVE_S)
        try:
            self.wait(lambda: bool(answers), "an answer to CONNECT")
            if answers[0] != mqtt.CONNACK_ACCEPTED:
                raise ConnectionError(mqtt.connack_string(answers[0]))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Without a word: what was not acknowledged is to come again."""
        if (socket := self.client.socket()) is not None:
            socket.close()

    def step(self, seconds: float = STEP_S) -> None:
        """Takes and sends what there is."""
        code = self.client.loop(seconds)
        if code != mqtt.MQTT_ERR_SUCCESS:
            raise ConnectionError(mqtt.error_string(code))

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise ConnectionError(f"{what} did not come within {PATIENCE_S} s")
            self.step()

    def publish(self, topic: str, text: str, retain: bool = False) -> mqtt.MQTTMessageInfo:
        """Sent, and not acknowledged yet."""
        info = self.client.publish(topic, text, qos=1, retain=retain)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise ConnectionError(mqtt.error_string(info.rc))
        return info

    def subscribe(self, topic: str) -> None:
        granted: list[int] = []
        self.client.on_subscribe = lambda client, data, mid, codes: granted.extend(codes)
        self.client.subscribe(topic, qos=1)
        self.wait(lambda: bool(granted), "an answer to SUBSCRIBE")
        if granted[0] == 0x80:
            raise ConnectionError(f"the broker does not let this bridge subscribe to {topic}")


class Bridge:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.root = options.root

    # ---- events -----------------------------------------------------------------------------------------

    def events(self, stop: threading.Event) -> None:
        heard: list[bytes] = []
        with Connection(self.options, "events", True, lambda _, message: heard.append(message.payload)) as broker:

            def put(entries: list[bridge.Entry], position: zmesos.Position) -> None:
                sent = [broker.publish(f"{self.root}/events/{bridge.escape(entry.topic)}", entry.text) for entry in entries]
                broker.wait(lambda: all(info.is_published() for info in sent), "PUBACK")
                if sent:
                    kept = broker.publish(f"{self.root}/position", bridge.position_text(position), retain=True)
                    broker.wait(kept.is_published, "PUBACK")
                broker.step(0)

            bridge.follow(self.options, stop, self.position(broker, heard), put)

    def position(self, broker: Connection, heard: list[bytes]) -> Optional[zmesos.Position]:
        """What the broker remembers. A message of our own under the same topic comes behind what is retained there, or
        alone."""
        topic, mark = f"{self.root}/position", uuid.uuid4().hex
        broker.subscribe(topic)
        broker.publish(topic, mark)
        broker.wait(lambda: mark.encode() in heard, "the position")
        broker.client.unsubscribe(topic)
        return bridge.read_position(heard[0], topic) if heard[0] != mark.encode() else None

    # ---- requests ---------------------------------------------------------------------------------------

    def requests(self, stop: threading.Event) -> None:
        with bridge.Requests(self.options) as requests:

            def on_message(broker: Connection, message: mqtt.MQTTMessage) -> None:
                """PUBACK leaves when this returns, and behind the reply. It does not when this raises: the connection ends
                then, and the broker delivers the request again."""
                where = message.topic.removeprefix(f"{self.root}/requests")
                answer = requests.answer(message.payload, None)
                broker.publish(f"{self.root}/replies{where}", answer.text)
                if answer.bad:
                    broker.publish(f"{self.root}/dead{where}", bridge.dead_letter(message.payload, answer))

            with Connection(self.options, "requests", False, on_message) as broker:
                broker.subscribe(f"{self.root}/requests/#")
                bridge.say("requests: ready")
                while not stop.is_set():
                    broker.step()


def main() -> int:
    parser = bridge.options_of("zmesos's events and requests on MQTT.", "127.0.0.1:1883")
    work = Bridge(parser.parse_args())
    return bridge.run((work.events, work.requests), (OSError, mqtt.WebsocketConnectionError))


if __name__ == "__main__":
    sys.exit(main())
