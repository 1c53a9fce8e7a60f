"""What is said of the Python package is true: each program on its pages is run, in order, and prints what stands below it."""
from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest
from programs import BUILD, PATIENCE, TOP, Cluster

PAGES = {"docs/python.md": 14, "bindings/python/README.md": 1, "README.md": 1}  # and at least so many programs
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(\w*)$", re.MULTILINE)
INDENTED = re.compile(r"(?:^|\n\n)((?: {4}.*\n)+)")
CODE = re.compile(r"\b(import zmesos|zmesos\.\w+\(|client\.\w+\(|aio\.\w+\()")
HERE = """
import functools, sys, zmesos, zmesos.aio
zmesos.Client = functools.partial(zmesos.Client, *sys.argv[1:], timeout=60)
zmesos.aio.Client = functools.partial(zmesos.aio.Client, *sys.argv[1:], timeout=60)
"""
MARK = "---- the next one ----"


def pattern(text: str) -> str:
    return re.escape(text).replace(re.escape("..."), ".*")


@pytest.mark.parametrize("page", PAGES)
def test_every_program_prints_what_it_says(cluster: Cluster, tmp_path: pathlib.Path, page: str) -> None:
    blocks = BLOCK.findall((TOP / page).read_text())
    assert len(blocks) >= PAGES[page]
    script = tmp_path / "page.py"
    script.write_text(HERE + f"\nprint({MARK!r}, flush=True)\n".join(program for program, _ in blocks))
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", script, cluster.control, cluster.events, cluster.pipeline],
        env={**os.environ, "PYTHONPATH": str(BUILD / "python"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, timeout=5 * PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    printed = done.stdout.split(MARK + "\n")
    assert len(printed) == len(blocks)
    for (program, said), text in zip(blocks, printed):
        assert not said or re.fullmatch(pattern(said), text, re.DOTALL), f"{program}\nprinted:\n{text}\nnot:\n{said}"


@pytest.mark.parametrize("page", PAGES)
def test_there_is_no_program_that_is_not_run(page: str) -> None:
    text = (TOP / page).read_text()
    assert text.count("```python") == len(BLOCK.findall(text))
    assert set(FENCE.findall(text)) <= {"", "python", "text"}
    for block in INDENTED.findall(BLOCK.sub("", text)):
        assert not CODE.search(block), f"a program that is not run:\n{block}"


def test_what_is_not_what_it_says_is_found() -> None:
    assert re.fullmatch(pattern("a ... b\n"), "a thing b\n", re.DOTALL)
    assert not re.fullmatch(pattern("a ... b\n"), "a thing c\n", re.DOTALL)
    assert CODE.search("    client.launch(x)") and INDENTED.findall("text:\n\n    client.launch(x)\n\nmore\n")
