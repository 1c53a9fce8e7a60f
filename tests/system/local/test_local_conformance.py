"""What Apache Mesos answers to the probes, zmesos-local answers."""
import subprocess

import pytest

from local_program import ONE_AGENT, SHARED

PROBES = SHARED / "mesos-v1" / "conformance" / "run.py"
PYTHON = "/usr/bin/python3"        # Debian's, which has python3-protobuf


@pytest.mark.skipif(not PROBES.exists(), reason=f"no conformance probes in {SHARED}")
def test_probes(start):
    local = start(*ONE_AGENT)
    done = subprocess.run([PYTHON, PROBES, "--master", local.master], capture_output=True,
                          text=True, timeout=500)
    if "install python3-protobuf" in done.stderr:
        pytest.skip("no python3-protobuf")
    assert done.stdout == "77 passed, 0 failed\n"
    assert done.returncode == 0
