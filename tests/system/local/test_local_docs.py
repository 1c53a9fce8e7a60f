"""The page about zmesos-local: its examples are taken, and it knows every fault and flag."""
import json
import re
import shlex
import subprocess

from local_program import PROGRAM, ROOT
from local_scheduler import Framework

PAGE = (ROOT / "docs" / "zmesos-local.md").read_text()
EXAMPLES = [json.loads(shlex.split(line)[2]) for line in PAGE.splitlines() if line.startswith("    curl -d")]


def test_every_example_is_taken(start):
    local = start("--agents", "2")
    Framework(local.master)
    for example in EXAMPLES:
        fields = dict(example)
        assert local.fault(fields.pop("fault"), **fields) is None


def test_every_fault_is_described():
    table = set(re.findall(r"^\| `(\w+)` \|", PAGE[PAGE.index("## Misbehaviour"):], re.M))
    source = (ROOT / "src" / "local" / "handle_faults.c").read_text()
    known = set(re.findall(r'\{"(\w+)", \w+\},', source))
    assert table == known == {example["fault"] for example in EXAMPLES}


def test_every_flag_is_described():
    help_text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=60).stdout
    flags = set(re.findall(r"^  (--[a-z-]+)", help_text, re.M)) | {"--version"}
    assert flags == set(re.findall(r"`(--[a-z-]+)[ `]", PAGE[PAGE.index("## Flags"):PAGE.index("## What it does as")]))
