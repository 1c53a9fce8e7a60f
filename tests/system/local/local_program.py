"""Running zmesos-local alone. Programs are in $ZMESOS_BUILD/bin (default build/dev of this checkout)."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("ZMESOS_BUILD", ROOT / "build" / "dev")).resolve()
PROGRAM = BUILD / "bin" / "zmesos-local"
SHARED = pathlib.Path(os.environ.get("ZMESOS_SHARED", ROOT.parent / "shared"))
PATIENCE = 60                      # seconds that a wait may take before the test fails; never waited for nothing
LATE = 10**6                       # milliseconds: what is not to come before the test releases it

ONE_AGENT = ("--agents", "1", "--resources", "cpus:4;mem:4096;disk:4096;ports:[31000-32000]",
             "--attributes", "rack:r1;zone:a")


def until(condition):
    """Wait for a condition that comes by itself, looking again and again, but not for ever."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Local:
    """A running zmesos-local."""

    def __init__(self, *flags, **popen):
        self.process = subprocess.Popen([PROGRAM, "--port", "0", *flags], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **popen)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (127\.0\.0\.1:\d+)\n", line)
        if not match:
            self.process.kill()
            pytest.fail(f"zmesos-local said {line!r} and {self.process.communicate()[1]!r}")
        self.master = match.group(1)
        self.work_dir = pathlib.Path(self.state()["work_dir"])

    def _request(self, path, data=None):
        request = urllib.request.Request(f"http://{self.master}{path}", data)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def state(self):
        return json.loads(self._request("/local/state"))

    def fault(self, name, **fields):
        """Ask for misbehaviour; returns the text of a refusal, or None."""
        try:
            self._request("/local/faults", json.dumps({"fault": name, **fields}).encode())
        except urllib.error.HTTPError as error:
            assert error.code == 400
            return error.read().decode()
        return None

    def release(self, held=0):
        """What is to come late comes now, once so many requests are held."""
        until(lambda: self.state()["held"] >= held)
        assert self.fault("release") is None

    def calls(self, kind):
        return [call for call in self.state()["calls"] if call["type"] == kind]

    def worker(self):
        """The process that does the work: the child of the one that we started."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert len(children) == 1
        return int(children[0])

    def stop(self, number=signal.SIGTERM):
        """End it; returns its exit code. What it says on stderr is in `errors` then."""
        if self.process.returncode is None:
            self.process.send_signal(number)
            self.errors = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode
