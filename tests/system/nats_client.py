"""A client of NATS for tests, no more than they need: its text protocol over a socket, and JetStream's requests as JSON. Debian has
no client in Python."""
from __future__ import annotations

import base64
import json
import socket
import uuid
from typing import Any, Optional

from programs import PATIENCE


class Nats:
    """One connection, for one thread. ConnectionError when it breaks."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._stream = self._socket.makefile("rb")
        self._inbox = f"_INBOX.{uuid.uuid4().hex}"
        self._asked = 0
        self._line()  # INFO
        self._send(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB %s.* 1\r\nPING\r\n' % self._inbox.encode())
        while self._line() != b"PONG":
            pass

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> "Nats":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def request(self, subject: str, data: bytes | str = b"", headers: Optional[dict[str, str]] = None) -> Any:
        """The answer, JSON."""
        data = data.encode() if isinstance(data, str) else data
        self._asked += 1
        reply = f"{self._inbox}.{self._asked}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"NATS/1.0\r\n{lines}\r\n".encode() if headers else b""
        words = f"HPUB {subject} {reply} {len(head)}" if headers else f"PUB {subject} {reply}"
        self._send(f"{words} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n")
        while True:
            found, body = self._message()
            if found == reply:
                answer = json.loads(body)  # none of JetStream's where there is nobody to answer: no JSON
                return answer

    def publish(self, subject: str, data: bytes | str, headers: Optional[dict[str, str]] = None) -> int:
        """Returns its number once it is on a stream."""
        answer = self.request(subject, data, headers)
        assert "error" not in answer, answer
        return int(answer["seq"])

    def state(self, stream: str) -> Any:
        """messages, first_seq, last_seq ...; None where there is no such stream."""
        return self.request(f"$JS.API.STREAM.INFO.{stream}").get("state")

    def message(self, stream: str, number: int) -> Optional[tuple[str, bytes, dict[str, str]]]:
        """Subject, data and headers; None where it is not there (any more)."""
        answer = self.request(f"$JS.API.STREAM.MSG.GET.{stream}", json.dumps({"seq": number}))
        if "error" in answer:
            assert answer["error"]["code"] == 404, answer
            return None
        found = answer["message"]
        lines = base64.b64decode(found.get("hdrs", "")).decode().split("\r\n")[1:]
        headers = dict(line.split(": ", 1) for line in lines if line)
        return found["subject"], base64.b64decode(found.get("data", "")), headers

    def messages(self, stream: str) -> list[tuple[int, str, bytes, dict[str, str]]]:
        """All that a stream has."""
        state = self.state(stream)
        if state is None:
            return []
        numbered = ((number, self.message(stream, number)) for number in range(state["first_seq"], state["last_seq"] + 1))
        return [(number, *found) for number, found in numbered if found is not None]

    def _send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def _line(self) -> bytes:
        line = self._stream.readline()
        if not line:
            raise ConnectionError("the server has closed the connection")
        if line.startswith(b"-ERR"):
            raise ConnectionError(line.decode())
        return line.rstrip(b"\r\n")

    def _message(self) -> tuple[str, bytes]:
        while True:
            words = self._line().split()
            if words[:1] == [b"PING"]:
                self._send(b"PONG\r\n")
            elif words[:1] in ([b"MSG"], [b"HMSG"]):
                data = self._stream.read(int(words[-1]) + 2)[:-2]
                if len(data) != int(words[-1]):
                    raise ConnectionError("the server has closed the connection")
                if words[0] == b"HMSG" and data.startswith(b"NATS/1.0 503"):
                    raise ConnectionError("JetStream does not answer yet")
                return words[1].decode(), data[int(words[-2]):] if words[0] == b"HMSG" else data
