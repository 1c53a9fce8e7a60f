"""docs/executor.md is true: its programs are run, in order, and print what it says."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

from programs import BUILD, PATIENCE, TOP, Cluster
from zmesos import batches, executor, runner

PAGE = (TOP / "docs" / "executor.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HERE = """
import functools, sys, zmesos
zmesos.Client = zmesos.executor.Client = functools.partial(zmesos.Client, *sys.argv[1:], timeout=60)
zmesos.Executor = functools.partial(zmesos.Executor, python=sys.executable)
"""


def test_every_program_prints_what_it_says(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    assert len(BLOCKS) == PAGE.count("```python") >= 3
    script = tmp_path / "page.py"
    script.write_text(HERE + "\nprint('====')\n".join(program for program, _ in BLOCKS))
    done = subprocess.run(
        [sys.executable, script, cluster.control, cluster.events, cluster.pipeline],
        env={**os.environ, "PYTHONPATH": str(BUILD / "python")},
        capture_output=True, text=True, timeout=3 * PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("====\n") == [said for _, said in BLOCKS]


def test_its_numbers_are_the_codes() -> None:
    kinds = {int(number): name for number, name in re.findall(r"\| (\d+) \| ([A-Z_]+)", PAGE)}
    assert kinds and all(getattr(runner, name) == number for number, name in kinds.items())
    assert len(kinds) == 9
    for status in (runner.EXIT_PARENT_GONE, runner.EXIT_UNREACHED):
        assert f"status {status}" in PAGE
    assert f"`max_bytes` ({executor.MAX_BYTES >> 20} MiB)" in PAGE and batches.MAX_REQUEST_BYTES == 1 << 20
    assert runner.MAGIC.decode().strip() in PAGE
