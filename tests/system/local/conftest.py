"""Fixtures for zmesos-local alone: no zmesosd here."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from local_program import ONE_AGENT, Local  # noqa: E402


@pytest.fixture
def start():
    """Starts a zmesos-local with flags; all end with the test, by themselves, and must have nothing to complain of."""
    running = []

    def starter(*flags, **popen):
        running.append(Local(*flags, **popen))
        return running[-1]

    yield starter
    for local in running:
        if local.process.returncode is not None:
            continue
        try:
            code = local.stop()
        except subprocess.TimeoutExpired:
            local.process.kill()
            raise
        assert code == 0, local.errors
        assert "Sanitizer" not in local.errors


@pytest.fixture
def local(start):
    """One agent with 4 cpus, 4096 MB of memory and of disk, ports and attributes, ten allocations a second."""
    return start(*ONE_AGENT, "--allocation-interval", "0.1")
