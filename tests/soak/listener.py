#!/usr/bin/env python3
"""One subscriber of the soak, a process: writes down every event of the journaled classes, and what it knows to have missed.

usage: listener.py --endpoint E --kind KIND --log FILE [--reconnect SECONDS --seed N]

KIND: what to subscribe to, a word of history.PREFIXES.
--reconnect: closes its socket and opens another at random, after so many seconds on average. A line on standard input, a JSON
object of heads by class, is what it has to reach before it ends, within a limit; the end of the input ends it at once. The
log has an array a line:
  ["event", store, run, class, number, revision or 0, topic, digest]
  ["hole", class, first, last]           numbers that never came, as the next number told
  ["dropped", class, first, last]        the same, within one run of the daemon, on a connection that did not break
  ["heads", {class: number}]             the last heartbeat that came
  ["end", {class: number}]               it came to its end, and had to have, or to miss knowingly, all up to these
"""
from __future__ import annotations

import argparse
import json
import pathlib
import random
import select
import sys
import time
from typing import Any, Optional, TextIO

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import programs  # noqa: E402, F401  (puts the built package on the path)
from history import PREFIXES, WHOLE, digest  # noqa: E402
from zmesos import messages  # noqa: E402

FIRST_VOLATILE = messages.OFFERS
LAST_WORDS = 100.0  # seconds to reach the heads
HEARTBEAT = b"zmesos/HEARTBEAT"


class Listener:
    def __init__(self, endpoint: str, prefix: bytes, log: TextIO) -> None:
        self.endpoint, self.prefix, self.log = endpoint, prefix, log
        self.last: dict[int, int] = {}
        self.runs: dict[int, int] = {}   # of the last event of a class
        self.breaks = 1                  # of the connection
        self.breaks_then: dict[int, int] = {}
        self.heads: dict[int, int] = {}
        self.connect()

    def connect(self) -> None:
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.socket.setsockopt(zmq.SUBSCRIBE, self.prefix)
        self.socket.setsockopt(zmq.SUBSCRIBE, HEARTBEAT)
        self.socket.connect(self.endpoint)
        self.breaks += 1

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(0)

    def write(self, *what: Any) -> None:
        self.log.write(json.dumps(what) + "\n")

    def receive(self, limit: float, until_told: bool = True) -> None:
        """All that is there, after waiting for the first at most so long; or for standard input."""
        ready = dict(self._poller(until_told).poll(limit * 1000))
        if self.monitor in ready:
            while self.monitor.poll(0):
                self.monitor.recv_multipart()
                self.breaks += 1
        while True:
            try:
                topic, header, body = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self.handle(topic, header, body)
        self.log.flush()

    def _poller(self, until_told: bool) -> zmq.Poller:
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self.monitor, zmq.POLLIN)
        if until_told:
            poller.register(sys.stdin.fileno(), zmq.POLLIN)
        return poller

    def handle(self, topic: bytes, head: bytes, body: bytes) -> None:
        header = messages.EventHeader.FromString(head)
        number, event_class = header.number, getattr(header, "class")
        if topic == HEARTBEAT:
            status = messages.DaemonStatus.FromString(body)
            self.heads = {getattr(head, "class"): head.number for head in status.heads}
        if event_class >= FIRST_VOLATILE:
            return
        self.write("event", header.store, header.run, event_class, number, header.revision,
                   topic.decode("utf-8", "surrogateescape"), digest(topic, head, body))
        last = self.last.get(event_class)
        if last is not None and number > last + 1:
            self.write("hole", event_class, last + 1, number - 1)
            if self.runs[event_class] == header.run and self.breaks_then[event_class] == self.breaks:
                self.write("dropped", event_class, last + 1, number - 1)
        if last is None or number > last + 1 or self.runs[event_class] != header.run:
            self.breaks_then[event_class] = self.breaks
        if last is None or number > last:
            self.last[event_class] = number
        self.runs[event_class] = header.run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--kind", choices=sorted(PREFIXES), required=True)
    parser.add_argument("--log", type=pathlib.Path, required=True)
    parser.add_argument("--reconnect", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)

    def next_reconnect() -> Optional[float]:
        return time.monotonic() + rng.expovariate(1 / options.reconnect) if options.reconnect else None
    with options.log.open("w") as log:
        listener = Listener(options.endpoint, PREFIXES[options.kind].encode(), log)
        whole = WHOLE.get(options.kind, frozenset())
        reconnect = next_reconnect()
        while not select.select([sys.stdin], [], [], 0)[0]:
            listener.receive(0.5)
            if reconnect and time.monotonic() > reconnect:
                listener.close()
                listener.connect()
                reconnect = next_reconnect()
        line = sys.stdin.readline()
        goal = {int(event_class): number for event_class, number in json.loads(line).items()} if line.strip() else {}
        goal = {event_class: number for event_class, number in goal.items() if event_class in whole}
        wanted = {event_class: number for event_class, number in goal.items() if event_class in listener.last}
        deadline = time.monotonic() + LAST_WORDS
        # A heartbeat comes after what it tells of: what was not seen by then is missed.
        while time.monotonic() < deadline and any(max(listener.last[c], listener.heads.get(c, 0)) < number
                                                  for c, number in wanted.items()):
            listener.receive(0.2, until_told=False)
        listener.write("heads", listener.heads)
        listener.write("end", goal)
        listener.close()


if __name__ == "__main__":
    main()
