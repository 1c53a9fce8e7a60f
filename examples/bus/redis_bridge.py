#!/usr/bin/env python3
"""zmesos's events onto a Redis stream, and requests from another: README.md tells what is promised.

usage: redis_bridge.py [--broker redis://127.0.0.1:6379/0] [--root zmesos] [--keep N] ...

    zmesos:events     topic, id, event (JSON): each event once
    zmesos:position   how far events are there, written with them
    zmesos:requests   request (JSON): an entry is there until it has been answered
    zmesos:replies    request (the entry's id), reply (JSON)
    zmesos:dead       request (the entry's id), letter (JSON): what was refused
"""

import argparse
import sys
import threading

import redis

import bridge
import zmesos

GROUP = "zmesos"
AT_ONCE = 50  # requests
BLOCK_MS = 1000
TIMEOUT_S = 30

# Entries and position at once, or neither. Where the position is not what it was when this bridge read it, another bridge
# is at work, or this script was answered and the answer lost: then nothing is done. KEYS: position, stream. ARGV: the
# position before, the one after, the most entries to keep, then topic, id and event of each.
APPEND = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
    return redis.error_reply('MOVED the position is not what it was')
end
for i = 4, #ARGV, 3 do
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'topic', ARGV[i], 'id', ARGV[i + 1], 'event', ARGV[i + 2])
end
redis.call('SET', KEYS[1], ARGV[2])
return 'OK'
"""


class Bridge:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.keep = options.keep

    def key(self, name: str) -> str:
        return f"{self.options.root}:{name}"

    def connect(self) -> "redis.Redis[bytes]":
        return redis.Redis.from_url(self.options.broker, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)

    # ---- events -----------------------------------------------------------------------------------------

    def events(self, stop: threading.Event) -> None:
        with self.connect() as server:
            append = server.register_script(APPEND)
            before = server.get(self.key("position")) or b""

            def put(entries: list[bridge.Entry], position: zmesos.Position) -> None:
                nonlocal before
                if not entries:
                    return
                after = bridge.position_text(position).encode()
                words: list[bytes | str | int] = [before, after, self.keep]
                for entry in entries:
                    words += [entry.topic.encode("utf-8", "surrogateescape"), entry.id, entry.text]
                append([self.key("position"), self.key("events")], words)
                before = after

            known = bridge.read_position(before, self.key("position")) if before else None
            bridge.follow(self.options, stop, known, put)

    # ---- requests ---------------------------------------------------------------------------------------

    def requests(self, stop: threading.Event) -> None:
        stream, name = self.key("requests"), self.key("bridge")
        with self.connect() as server, bridge.Requests(self.options) as requests:
            try:
                server.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except redis.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
            cursor = "0-0"  # first what was delivered, to whichever bridge, and not answered
            while not stop.is_set():
                cursor, entries, *_ = server.xautoclaim(stream, GROUP, name, min_idle_time=0, start_id=cursor, count=AT_ONCE)
                for entry, fields in entries:
                    self.answer(server, requests, entry, fields)
                if cursor in (b"0-0", "0-0"):
                    break
            bridge.say("requests: ready")
            while not stop.is_set():
                for _, entries in server.xreadgroup(GROUP, name, {stream: ">"}, count=AT_ONCE, block=BLOCK_MS):
                    for entry, fields in entries:
                        self.answer(server, requests, entry, fields)

    def answer(self, server: "redis.Redis[bytes]", requests: bridge.Requests, entry: bytes, fields: dict[bytes, bytes]) -> None:
        """The reply, and that the request is done with: at once, or neither."""
        data = fields.get(b"request", b"")
        answer = requests.answer(data, f"redis-{entry.decode()}")
        done = server.pipeline(transaction=True)
        done.xadd(self.key("replies"), {"request": entry, "reply": answer.text}, maxlen=self.keep)
        if answer.bad:
            done.xadd(self.key("dead"), {"request": entry, "letter": bridge.dead_letter(data, answer)}, maxlen=self.keep)
        done.xack(self.key("requests"), GROUP, entry)
        done.xdel(self.key("requests"), entry)
        done.execute()


def main() -> int:
    parser = bridge.options_of("zmesos's events and requests on Redis Streams.", "redis://127.0.0.1:6379/0")
    parser.add_argument("--keep", type=int, default=1_000_000, help="entries of a stream that are kept (default: 1,000,000)")
    options = parser.parse_args()
    work = Bridge(options)
    return bridge.run((work.events, work.requests), (redis.RedisError,))


if __name__ == "__main__":
    sys.exit(main())
