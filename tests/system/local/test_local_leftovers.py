"""Nothing stays behind: no process, whatever it did to get away, and no directory, however zmesos-local ends."""
import os
import pathlib
import signal

import pytest

from local_program import PATIENCE, until
from local_scheduler import Framework, task

# One that stays in its group, one that leaves it, one that ignores SIGTERM, and one whose parent has gone.
RESTLESS = """
    sleep 1000 &
    setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &
    setsid sh -c 'setsid sleep 1000 & exit' &
    trap "" TERM
    wait
"""


def processes(mark):
    """The processes that carry the mark in their environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


@pytest.fixture
def busy(start):
    """A zmesos-local that runs restless tasks: (local, mark of their processes)."""
    local = start()
    framework = Framework(local.master)
    mark = f"LEFTOVER_MARK={os.urandom(8).hex()}"
    name, value = mark.split("=")
    environment = {"variables": [{"name": name, "value": value}]}
    framework.run(command=RESTLESS, **{"health_check": {
        "type": "COMMAND", "command": {"value": "sleep 1000"}, "delay_seconds": 0, "timeout_seconds": 1000}})
    offer = framework.offer()
    framework.launch(offer, {"name": "marked", "task_id": {"value": "marked"}, "agent_id": offer["agent_id"],
                             "command": {"value": RESTLESS, "environment": environment},
                             "resources": offer["resources"][-2:]})
    framework.update("marked", "TASK_RUNNING")
    until(lambda: len(processes(mark)) >= 5)
    return local, mark


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal(busy, number):
    local, mark = busy
    assert local.work_dir.is_dir()
    assert local.stop(number) == 0
    assert processes(mark) == []
    assert not local.work_dir.exists()


def test_guard_killed(busy):
    local, mark = busy
    worker = local.worker()
    assert local.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: processes(mark) == [] and not local.work_dir.exists())
    until(lambda: not pathlib.Path(f"/proc/{worker}").exists())


def test_worker_killed(busy):
    local, mark = busy
    os.kill(local.worker(), signal.SIGKILL)
    assert local.process.wait(PATIENCE) == 128 + signal.SIGKILL
    local.process.communicate()
    assert processes(mark) == []
    assert not local.work_dir.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_started_with_signals_ignored(start, number):
    def ignore():
        for ignored in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)

    local = start(preexec_fn=ignore)
    framework = Framework(local.master)
    offer = framework.offer()
    framework.launch(offer, task("one", offer, "exit 3"))
    framework.update("one", "TASK_FAILED")
    assert local.stop(number) == 0


def test_a_task_that_ends_takes_its_group_along(local):
    framework = Framework(local.master)
    mark = f"LEFTOVER_MARK={os.urandom(8).hex()}"
    name, value = mark.split("=")
    offer = framework.offer()
    framework.launch(offer, {"name": "marked", "task_id": {"value": "marked"}, "agent_id": offer["agent_id"],
                             "command": {"value": "sleep 1000 & exit 3",
                                         "environment": {"variables": [{"name": name, "value": value}]}},
                             "resources": offer["resources"][-2:]})
    assert framework.update("marked", "TASK_FAILED")["message"] == "Command exited with status 3"
    until(lambda: processes(mark) == [])
