"""A framework for the tests: one subscription, its events in order, calls on another connection. JSON, no policy."""
import http.client
import json
import socket
import time
import uuid

PATH = "/api/v1/scheduler"
JSON = "application/json"
PATIENCE = 60
CAPABILITIES = ["MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE"]


def info(**fields):
    base = {"user": "root", "name": "test", "roles": ["*"],
            "capabilities": [{"type": name} for name in CAPABILITIES]}
    return {**base, **fields}


def post(master, body, headers=(), path=PATH, timeout=PATIENCE):
    """One request on a connection of its own: (status, text, headers)."""
    host, port = master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": JSON, "Accept": JSON, **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


class Stream:
    """The body of an answer to SUBSCRIBE: chunks, in them records."""

    def __init__(self, master, body, headers):
        host, port = master.split(":")
        data = json.dumps(body).encode()
        lines = [f"POST {PATH} HTTP/1.1", f"Host: {master}", f"Content-Length: {len(data)}",
                 *(f"{name}: {value}" for name, value in headers.items())]
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        self.raw, self.bytes, self.chunks, self.ended = b"", b"", [], None
        head = self._until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        self.text = ""
        if self.status != 200:
            while len(self.raw) < int(self.headers["content-length"]):
                self._receive(time.monotonic() + PATIENCE)
            self.text = self.raw.decode()

    def _receive(self, deadline):
        self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.raw += data
        if not data:
            self.ended = "cut"
        return bool(data)

    def _until(self, mark):
        deadline = time.monotonic() + PATIENCE
        while mark not in self.raw:
            assert self._receive(deadline), f"closed after {self.raw!r}"
        found, _, self.raw = self.raw.partition(mark)
        return found

    def _take_chunks(self):
        while b"\r\n" in self.raw:
            line, _, rest = self.raw.partition(b"\r\n")
            length = int(line, 16)
            if len(rest) < length + 2:
                return
            self.bytes, self.raw = self.bytes + rest[:length], rest[length + 2:]
            if length == 0:
                self.ended = "end"
                return
            self.chunks.append(length)

    def record(self, timeout=PATIENCE):
        """The next record; None when time is up or the stream has ended (`ended` says how: "end" or "cut")."""
        deadline = time.monotonic() + timeout
        while True:
            self._take_chunks()
            line, newline, rest = self.bytes.partition(b"\n")
            if newline and len(rest) >= int(line):
                self.bytes = rest[int(line):]
                return rest[:int(line)]
            if self.ended or time.monotonic() >= deadline:
                return None
            try:
                self._receive(deadline)
            except TimeoutError:
                return None

    def close(self):
        self.socket.close()


class Framework:
    """A subscribed framework; `first` is the first event."""

    def __init__(self, master, framework=None, headers=(), **subscribe):
        self.master, self.info = master, framework or info()
        body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": self.info, **subscribe}}
        if "id" in self.info:
            body["framework_id"] = self.info["id"]
        self.headers = dict(headers)
        self.stream = Stream(master, body, {"Content-Type": JSON, "Accept": JSON, **self.headers})
        self.status, self.id, self.first = self.stream.status, None, None
        self.stream_id = self.stream.headers.get("mesos-stream-id")
        self.seen = []
        self.held = {}              # offers by id: came, and neither used up nor rescinded
        self._looked_at = set()     # of those that offer() and wait() have handed out, the ids
        if self.status == 200:
            self.first = self.event()
            if self.first and self.first["type"] == "SUBSCRIBED":
                self.id = self.first["subscribed"]["framework_id"]

    def again(self, **subscribe):
        """Subscribe anew under the same id."""
        return Framework(self.master, {**self.info, "id": self.id}, self.headers, **subscribe)

    def event(self, timeout=PATIENCE):
        record = self.stream.record(timeout)
        if record is None:
            return None
        event = json.loads(record)
        self.seen.append(event)
        if event["type"] == "OFFERS":
            self.held |= {offer["id"]["value"]: offer for offer in event["offers"]["offers"]}
        elif event["type"] == "RESCIND":
            self.held.pop(event["rescind"]["offer_id"]["value"], None)
        return event

    def wait(self, kind, wanted=lambda body: True, timeout=PATIENCE):
        """The body of the first event of that type for which wanted(body) holds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            event = self.event(deadline - time.monotonic())
            if event is None:
                break
            body = event.get(kind.lower(), {})
            if event["type"] == kind and wanted(body):
                if kind == "OFFERS":
                    self._looked_at |= {offer["id"]["value"] for offer in body["offers"]}
                return body
        raise AssertionError(f"no {kind}; seen {[e['type'] for e in self.seen]}, stream {self.stream.ended}")

    def offer(self, wanted=lambda offer: True):
        """The first offer for which wanted(offer) holds and that was not handed out yet: one that came while something
        else was waited for, or one to come. What an ACCEPT leaves is offered when the call's filter is over, be it
        before or after the task begins or ends; what the task had is offered apart then."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for name, offer in self.held.items():
                if name not in self._looked_at and wanted(offer):
                    self._looked_at.add(name)
                    return offer
            assert self.event(deadline - time.monotonic()), f"no such offer; held {list(self.held.values())}"

    def whole_offer(self, wanted):
        """The offer for which wanted(offer) holds, in one part: what is offered otherwise is given back until it comes."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.give_back()
            offer = self.offer()
            if wanted(offer):
                return offer
            assert time.monotonic() < deadline, f"no such offer; the last one: {offer}"

    def give_back(self, refuse_seconds=0):
        """DECLINE what is held."""
        if self.held:
            self.call("DECLINE", offer_ids=[offer["id"] for offer in self.held.values()],
                      filters={"refuse_seconds": refuse_seconds})

    def post(self, kind, **fields):
        body = {"type": kind, "framework_id": self.id}
        if fields:
            body[kind.lower()] = fields
        return post(self.master, body, {"Mesos-Stream-Id": self.stream_id, **self.headers})

    def call(self, kind, **fields):
        status, text, _ = self.post(kind, **fields)
        assert status == 202, text
        for one in fields.get("offer_ids", ()):
            self.held.pop(one["value"], None)

    def accept(self, offer, *operations, refuse_seconds=0.1):
        self.call("ACCEPT", offer_ids=[offer["id"]], operations=list(operations),
                  filters={"refuse_seconds": refuse_seconds})

    def launch(self, offer, *tasks):
        self.accept(offer, *({"type": "LAUNCH", "launch": {"task_infos": [task]}} for task in tasks))

    def acknowledge(self, status):
        self.call("ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"], uuid=status["uuid"])

    def update(self, task=None, state=None, timeout=PATIENCE):
        """The next update (of a task, with a state), everything on the way acknowledged too."""
        deadline = time.monotonic() + timeout
        while True:
            status = self.wait("UPDATE", timeout=deadline - time.monotonic())["status"]
            if "uuid" in status:
                self.acknowledge(status)
            if task in (None, status["task_id"]["value"]) and state in (None, status["state"]):
                return status

    def states(self, task, last):
        """The states of a task up to the last one."""
        found, uuids = [], set()
        while not found or found[-1] != last:
            status = self.update(task)
            if status.get("uuid") not in uuids:             # else it came again, for it was acknowledged late
                found.append(status["state"])
            if "uuid" in status:
                uuids.add(status["uuid"])
        return found

    def run(self, command="sleep 1000", **fields):
        """Launch a task and wait until it runs: (id, offer)."""
        offer, name = self.offer(), fresh()
        self.launch(offer, task(name, offer, command, **fields))
        self.update(name, "TASK_RUNNING")
        return name, offer

    def close(self):
        self.stream.close()


def fresh():
    return f"task-{uuid.uuid4().hex[:12]}"


def scalar(name, value, role=None, **fields):
    extra = {"role": role} if role else {}
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}, **extra, **fields}


def task(name, offer, command="true", cpus=0.1, mem=32, **fields):
    """A TaskInfo; the command is a line for the shell, or a CommandInfo."""
    return {"name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"],
            "command": command if isinstance(command, dict) else {"value": command}, "resources": [scalar("cpus", cpus), scalar("mem", mem)], **fields}


def lasting(local, **fields):
    """A framework that outlives its stream."""
    return Framework(local.master, info(failover_timeout=3600.0, checkpoint=True, **fields))


def reconcile(framework, name, agent=None):
    """What is answered about one task; None for silence, told by the answer about another."""
    tasks = [{"task_id": {"value": name}, **({"agent_id": agent} if agent else {})},
             {"task_id": {"value": "fence"}, "agent_id": {"value": "nobody"}}]
    framework.call("RECONCILE", tasks=tasks)
    status = framework.update()
    while status["task_id"]["value"] not in (name, "fence"):
        status = framework.update()
    if status["task_id"]["value"] == "fence":
        return None
    framework.update("fence")
    return status


def unanswered(framework, kind, **fields):
    """Send a call that is not answered; returns its connection."""
    host, port = framework.master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    body = {"type": kind, "framework_id": framework.id, **({kind.lower(): fields} if fields else {})}
    connection.request("POST", PATH, json.dumps(body),
                       {"Content-Type": JSON, "Mesos-Stream-Id": framework.stream_id})
    return connection


def is_silent(connection):
    """Whether nothing has come on a connection whose server has had its turn."""
    connection.sock.setblocking(False)
    try:
        connection.sock.recv(1)
    except BlockingIOError:
        return True
    finally:
        connection.sock.settimeout(PATIENCE)
    return False
