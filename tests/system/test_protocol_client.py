"""docs/protocol.md is enough: protocol_client.py was made from it, and its own snippets run. None of the programs here sees the
package of bindings/python. (A client in bash: test_json.py.)"""
from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from programs import PATIENCE, TOP, Cluster

CLIENT = pathlib.Path(__file__).with_name("protocol_client.py")
DOC = (TOP / "docs" / "protocol.md").read_text(encoding="utf-8")


@pytest.fixture
def generated(tmp_path: pathlib.Path) -> pathlib.Path:
    """What the document says to make with protoc."""
    if not shutil.which("protoc"):
        pytest.skip("needs protoc (Debian: protobuf-compiler)")
    command = re.search(r"`(protoc --python_out=\. -I proto [^`]*)`", DOC)
    assert command
    out = tmp_path / "generated"
    out.mkdir()
    arguments = command[1].replace("-I proto", f"-I {TOP / 'proto'}").split()
    subprocess.run(arguments, cwd=out, check=True)
    return out


def run(arguments: list[str], path: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=4 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


EXPECTED: dict[str, Any] = {
    "launch_and_follow": {"known": [False, True], "again": "CONFLICT", "end": "FINISHED"},
    "kill": {"before": "RUNNING", "answer": "OK", "end": "KILLED"},
    "many_in_flight": ["OK"],
    "whole_class": {"ended": 20, "jumps": 0},
    "replayed": {"whole": True, "long": "KILLED", "short": "FINISHED"},
    "refusals": [["INVALID", "launch.tasks[1].cpus"], "UNKNOWN_OPERATION", "MALFORMED", ["nobody"]],
}


def test_protobuf(cluster: Cluster, generated: pathlib.Path) -> None:
    told = run([str(CLIENT), "protobuf", cluster.control, cluster.pipeline, cluster.events], str(generated))
    assert json.loads(told) == EXPECTED


def test_json(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster("--events-json", "tcp://127.0.0.1:*")
    told = run([str(CLIENT), "json", cluster.control, cluster.pipeline, cluster.daemon.events_json])
    assert json.loads(told) == EXPECTED


def snippet(section: str, cluster: Cluster) -> str:
    """The Python of a section, with this daemon's endpoint."""
    text = DOC[DOC.index(f"\n## {section}\n"):]
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code and "tcp://127.0.0.1:5560" in code[1]
    return code[1].replace("tcp://127.0.0.1:5560", cluster.control)


def test_the_snippets(cluster: Cluster, generated: pathlib.Path) -> None:
    assert "hello-1" in run(["-c", snippet("A client from nothing", cluster)], str(generated))
    assert "'code': 'OK'" in run(["-c", snippet("JSON", cluster)])
