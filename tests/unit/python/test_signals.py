"""Programs that end by a signal end by two as well, however close they come."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# Each time that the main thread is about to wake others another signal comes.
SCRIPT = """
import os, signal, sys, threading

def trace(frame, event, arg):
    if frame.f_code is threading.Condition.notify_all.__code__:
        signal.raise_signal(signal.SIGTERM)

def begun():
    sys.settrace(trace)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()

"""
EXPORTER = """
from zmesos_exporter import main

real = main.Watch.start
main.Watch.start = lambda watch: (real(watch), begun())
sys.exit(main.main(["--listen", "127.0.0.1:0", "--control", "tcp://127.0.0.1:1", "--events", "tcp://127.0.0.1:1"]))
"""
BRIDGE = f"""
sys.path.insert(0, {str(ROOT / "examples" / "bus")!r})
import bridge

begun()
sys.exit(bridge.run([lambda stop: stop.wait()], ()))
"""


@pytest.mark.parametrize("program", [pytest.param(EXPORTER, id="exporter"), pytest.param(BRIDGE, id="bridge")])
def test_a_second_signal_while_the_first_is_handled(program):
    environment = {**os.environ, "PYTHONPATH": ":".join([*sys.path, str(ROOT / "src" / "exporter")])}
    ended = subprocess.run([sys.executable, "-c", SCRIPT + program], env=environment, timeout=60)
    assert ended.returncode == 0
