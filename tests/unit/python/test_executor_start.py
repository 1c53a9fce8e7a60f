"""An Executor that cannot begin leaves nothing behind: threads of its own would keep the program from ending."""

import threading
import time

import pytest
import zmesos


class Daemon:
    """Stands for a client, and for its follower."""

    events_endpoint = "tcp://127.0.0.1:1"
    timeout = 1.0

    def __init__(self):
        self.closed = 0

    def status(self):
        return zmesos.DaemonStatus()

    def follow(self, *prefixes, **options):
        return self

    def recv(self, timeout):
        time.sleep(timeout)

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("started", range(4))
def test_where_no_further_thread_can_be_started(monkeypatch, started):
    real, left = threading.Thread.start, [started]

    def start(thread):
        if left[0] == 0:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    daemon = Daemon()
    with pytest.raises(RuntimeError, match="can't start"):
        zmesos.Executor(daemon)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("zmesos-executor")] == []
    assert daemon.closed == 1
