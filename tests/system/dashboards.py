"""zmesos-dashboard as the system tests run it, and its streams of server-sent events."""
from __future__ import annotations

import http.client
import json
import pathlib
import socket
import urllib.parse
from typing import Any, Optional

from programs import BUILD, PATIENCE, Cluster, Daemon, Program, wait_for

DASHBOARD = str(BUILD / "bin" / "zmesos-dashboard")


class Dashboard:
    """One, on a port of its own; started again on the same one."""

    def __init__(self, directory: pathlib.Path, place: Cluster | Daemon, *flags: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._log = directory / "zmesos-dashboard.log"
        self._command = [DASHBOARD, "--control", place.control, "--events", place.events, "--pipeline", place.pipeline, *flags]
        self.port = 0
        self.start()

    def start(self) -> None:
        self.program = Program([*self._command, "--port", str(self.port)], self._log)
        self.url = self.program.first_line("zmesos-dashboard ready url=").rstrip("/")
        self.port = urllib.parse.urlsplit(self.url).port or 0

    def stop(self) -> None:
        assert self.program.stop() == 0, self.program.text()

    def restart(self) -> None:
        self.stop()
        self.start()

    def ask(self, path: str, method: str = "GET", headers: Optional[dict[str, str]] = None) -> tuple[int, Any, http.client.HTTPMessage]:
        """Status, JSON (or text), headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(data) if is_json else data.decode(), answer.headers

    def get(self, path: str) -> Any:
        status, body, _ = self.ask(path)
        assert status == 200, (path, status, body)
        return body

    def status(self) -> Any:
        return self.get("/api/status")

    def tasks(self, **query: Any) -> Any:
        return self.get("/api/tasks?" + urllib.parse.urlencode(query, doseq=True))

    def task(self, task_id: str) -> Any:
        """All about it, once zmesosd has told its part in time."""
        def look() -> Any:
            found = self.get(f"/api/tasks/{task_id}")
            return found if found["answered"] else None
        return wait_for(look, f"zmesosd to tell of {task_id}")

    def states(self) -> dict[str, str]:
        return {task["id"]: task["state"] for task in self.tasks(size=500)["tasks"]}

    def wait_live(self) -> Any:
        """The status once it has all that zmesosd has."""
        def look() -> Any:
            found = self.status()
            return found if found["phase"] == "live" and not found["away"] and found["behind"] == 0 else None
        return wait_for(look, "the dashboard to be live")

    def wait_state(self, task_id: str, state: str) -> None:
        wait_for(lambda: self.states().get(task_id) == state, f"{task_id} to be {state} in the dashboard")

    def listen(self, last_id: Optional[str] = None) -> "Stream":
        return Stream(self.port, last_id)


class Stream:
    """A browser's end of /api/events. close() it."""

    def __init__(self, port: int, last_id: Optional[str] = None) -> None:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._connection.request("GET", "/api/events", headers=headers)
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.last_id = last_id or ""

    def next(self, *kinds: str) -> tuple[str, Any]:
        """The next event of one of these kinds: its id and data. Fails after PATIENCE without a word."""
        while True:
            fields: dict[str, str] = {}
            while (line := self._answer.readline().decode()) != "\n":
                assert line, "the dashboard has ended the stream"
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value
            if "id" in fields:
                self.last_id = fields["id"]
            if fields.get("event") in kinds:
                return fields["event"], json.loads(fields["data"])

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


def idle_listener(port: int) -> socket.socket:
    """A browser that asks for events and never reads one."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(PATIENCE)
    made.connect(("127.0.0.1", port))
    made.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return made
