"""Between a daemon and its master: what the one says to the other."""
from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from typing import Any

from zmesos.messages import scheduler


class Tap:
    """Passes connections on to a master, and keeps what went to it."""

    def __init__(self, master: str) -> None:
        host, _, port = master.rpartition(":")
        self.master = (host, int(port))
        self.sent: list[bytearray] = []  # of each connection
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._run(self._accept)

    def _run(self, what: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=what, args=arguments))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return  # closed
            far = socket.create_connection(self.master)
            self._sockets += [near, far]
            self.sent.append(bytearray())
            self._run(self._pass_on, near, far, self.sent[-1])
            self._run(self._pass_on, far, near, bytearray())

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        try:
            while part := source.recv(65536):
                kept += part
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed, by a peer or by close()

    def calls(self) -> list[Any]:
        """All that were sent whole."""
        found = []
        for kept in self.sent:
            rest = bytes(kept)
            while b"\r\n\r\n" in rest:
                head, rest = rest.split(b"\r\n\r\n", 1)
                length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
                if len(rest) >= length:
                    found.append(scheduler.Call.FromString(rest[:length]))
                rest = rest[length:]
        return found

    def operations(self) -> list[Any]:
        """Of all ACCEPTs."""
        return [operation for call in self.calls() for operation in call.accept.operations]

    def task_info(self, task_id: str) -> Any:
        """What an ACCEPT launched for it, or None."""
        for operation in self.operations():
            for info in [*operation.launch.task_infos, *operation.launch_group.task_group.tasks]:
                if info.task_id.value.startswith(task_id + "."):
                    return info
        return None

    def group_executor(self, task_id: str) -> Any:
        """Of the group in which an ACCEPT launched it, or None."""
        for operation in self.operations():
            if any(info.task_id.value.startswith(task_id + ".") for info in operation.launch_group.task_group.tasks):
                return operation.launch_group.executor
        return None

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its peer was faster
            each.close()
        for thread in self._threads[1:]:
            thread.join()
