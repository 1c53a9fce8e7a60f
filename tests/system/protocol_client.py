"""A client of zmesosd made from docs/protocol.md alone: pyzmq, and for protobuf what protoc makes of proto/. It uses nothing of
bindings/python. test_protocol_client.py runs it and looks at what it prints.

usage: protocol_client.py protobuf|json CONTROL PIPELINE EVENTS
"""
from __future__ import annotations

import json
import sys
from typing import Any, Optional

import zmq

PATIENCE_MS = 60_000
OVER = {"FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST"}


class Json:
    def pack(self, request: dict[str, Any]) -> bytes:
        return json.dumps(request).encode()

    def reply(self, data: bytes) -> Any:
        return json.loads(data)

    def event(self, topic: str, header: bytes, body: bytes) -> Any:
        return json.loads(header), json.loads(body)


    def named(self, enum: str, name: str) -> str:
        return name

    def replayed(self, event: Any) -> Any:
        return json.loads(event["json"])


class Protobuf:
    def __init__(self) -> None:
        from zmesos.v1 import zmesos_pb2  # protoc's, not the package of bindings/python
        self.z = zmesos_pb2

    def pack(self, request: dict[str, Any]) -> bytes:
        return self.z.Request(**request).SerializeToString()

    def plain(self, message: Any) -> Any:
        """What is set, with names for the values of enums, as JSON has it."""
        def each(field: Any, value: Any) -> Any:
            if field.message_type:
                return self.plain(value)
            return field.enum_type.values_by_number[value].name if field.enum_type else value
        return {field.name: [each(field, one) for one in value] if field.label == field.LABEL_REPEATED
                else each(field, value) for field, value in message.ListFields()}

    def reply(self, data: bytes) -> Any:
        return self.plain(self.z.Reply.FromString(data))

    def event(self, topic: str, header: bytes, body: bytes) -> Any:
        kind = self.z.Task if topic.startswith("task/") else self.z.DaemonStatus
        return self.plain(self.z.EventHeader.FromString(header)), self.plain(kind.FromString(body))


    def named(self, enum: str, name: str) -> int:
        return getattr(self.z, enum).Value(name)

    def replayed(self, event: Any) -> Any:
        return self.plain(self.z.Task.FromString(event["body"]))


class Client:
    def __init__(self, form: Any, control: str, pipeline: str, events: str) -> None:
        self.form, self.pipeline, self.events = form, pipeline, events
        self.context, self.sent = zmq.Context(), 0
        self.control = self.connect(zmq.REQ, control)

    def connect(self, kind: int, endpoint: str) -> Any:
        socket = self.context.socket(kind)
        socket.linger, socket.rcvtimeo = 0, PATIENCE_MS
        if kind == zmq.REQ:
            socket.req_relaxed = socket.req_correlate = 1
        socket.connect(endpoint)
        return socket

    def request(self, **operation: Any) -> bytes:
        self.sent += 1
        return self.form.pack({"version": 1, "id": str(self.sent), **operation})

    def exchange(self, data: bytes) -> Any:
        self.control.send(data)
        return self.form.reply(self.control.recv())

    def ask(self, **operation: Any) -> Any:
        reply = self.exchange(self.request(**operation))
        assert reply["id"] == str(self.sent), reply
        return reply

    def subscribe(self, *prefixes: str) -> Any:
        """All of them are in effect once a heartbeat has come."""
        socket = self.connect(zmq.SUB, self.events)
        for prefix in (*prefixes, "zmesos/HEARTBEAT"):
            socket.subscribe(prefix)
        while self.receive(socket)[0] != "zmesos/HEARTBEAT":
            pass
        return socket

    def receive(self, socket: Any) -> Any:
        topic, header, body = socket.recv_multipart()
        return (topic.decode(), *self.form.event(topic.decode(), header, body))

    def follow(self, socket: Any, task: str, until: Optional[str] = None) -> list[str]:
        """The states from now to the end, or to that one: what `get` says, then events of higher revisions."""
        known, = self.ask(get={"task_ids": [task]})["tasks"]["tasks"]
        states, revision = [known["state"]], known["revision"]
        while states[-1] not in OVER and states[-1] != until:
            topic, header, body = self.receive(socket)
            if topic.startswith(f"task/{task}/") and header["revision"] > revision:
                assert topic == f"task/{task}/{body['state']}", topic
                revision = header["revision"]
                states.append(body["state"])
        return states


def spec(name: str, command: str) -> dict[str, Any]:
    return {"id": name, "cpus": 0.1, "mem": 32, "command": {"value": command}}


def launch_and_follow(client: Client) -> Any:
    socket = client.subscribe("task/short/")
    data = client.request(launch={"tasks": [spec("short", "echo hello")]})
    first, = client.exchange(data)["items"]["items"]
    again, = client.exchange(data)["items"]["items"]  # as after a reply that was lost
    other = client.ask(launch={"tasks": [spec("short", "echo goodbye")]})
    return {"known": [first.get("known", False), again.get("known", False)], "again": other["items"]["items"][0]["code"],
            "end": client.follow(socket, "short")[-1]}


def kill(client: Client) -> Any:
    socket = client.subscribe("task/long/")
    client.ask(launch={"tasks": [spec("long", "sleep 600")]})
    running = client.follow(socket, "long", until="RUNNING")[-1]
    item, = client.ask(kill={"task_ids": ["long"]})["items"]["items"]
    return {"before": running, "answer": item["code"], "end": client.follow(socket, "long")[-1]}


def many_in_flight(client: Client) -> Any:
    """On a DEALER, told apart by their ids."""
    dealer = client.connect(zmq.DEALER, client.pipeline)
    waiting = {}
    for n in range(100):
        data = client.request(launch={"tasks": [spec(f"many-{n}", "true")]}) if n % 2 else client.request(ping={})
        waiting[str(client.sent)] = n
        dealer.send_multipart([b"", data])
    codes = set()
    while waiting:
        empty, data = dealer.recv_multipart()
        reply = client.form.reply(data)
        assert empty == b"" and ("items" in reply) == bool(waiting.pop(reply["id"]) % 2), reply
        codes.add(reply["code"])
    return sorted(codes)


def whole_class(client: Client) -> Any:
    """Nothing is missed: numbers without a jump, up to a heartbeat's head."""
    socket = client.subscribe("task/")
    names = [f"class-{n}" for n in range(20)]
    client.ask(launch={"tasks": [spec(name, "true") for name in names]})
    ended: set[str] = set()
    last, jumps, head = None, 0, None
    while head is None or last < head:
        topic, header, body = client.receive(socket)
        if topic.startswith("task/"):
            jumps += last is not None and header["number"] != last + 1
            last = header["number"]
            ended |= {body["id"]} & set(names) if body["state"] in OVER else set()
        elif ended == set(names) and head is None:
            head = {each["class"]: each["number"] for each in body["heads"]}["TASK"]
    return {"ended": len(ended), "jumps": jumps}


def replayed(client: Client) -> Any:
    """All task events again, page by page, the last state of each task last."""
    start, head, states = 1, 1, {}
    numbers: list[int] = []
    while start <= head:
        page = client.ask(replay={"class": client.form.named("EventClass", "TASK"), "from": start, "page_size": 7})["replay"]
        for event in page.get("events", []):
            task = client.form.replayed(event)
            numbers.append(event["header"]["number"])
            states[task["id"]] = task["state"]
        start, head = page["next"], page["head"]
    return {"whole": numbers == list(range(1, head + 1)), "long": states["long"], "short": states["short"]}


def refusals(client: Client) -> Any:
    item = client.ask(launch={"tasks": [spec("good", "true"), {**spec("bad", "true"), "cpus": -1.0}]})["items"]["items"][1]
    none = client.ask()
    broken = client.exchange(b"{nonsense" if isinstance(client.form, Json) else b"\xff")
    return [[item["code"], item["field"]], none["code"], broken["code"],
            client.ask(get={"task_ids": ["nobody"]})["tasks"]["missing"]]


def main() -> None:
    form, *places = sys.argv[1:]
    client = Client({"json": Json, "protobuf": Protobuf}[form](), *places)
    steps = (launch_and_follow, kill, many_in_flight, whole_class, replayed, refusals)
    print(json.dumps({step.__name__: step(client) for step in steps}))
    client.context.destroy(linger=0)


if __name__ == "__main__":
    main()
