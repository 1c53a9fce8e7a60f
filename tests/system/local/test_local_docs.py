"""The page about zmesos-local: its examples are taken, and it knows every fault and flag."""
import json
import re
import shlex
import subprocess

from local_program import PROGRAM, ROOT
from local_scheduler import lasting

PAGE = (ROOT / "docs" / "zmesos-local.md").read_text()
EXAMPLES = [json.loads(shlex.split(line)[2]) for line in PAGE.splitlines() if line.startswith("    curl -d")]


def take(local, requests):
    """Ask for one after the other, with a framework there that they can be about."""
    frameworks = [lasting(local)]
    for request in requests:
        fields = dict(request)
        if not local.state()["frameworks"]:
            local.fault("clear")
            frameworks.append(lasting(local))
        assert local.fault(fields.pop("fault"), **fields) is None, request


def test_every_example_is_taken(start):
    take(start("--agents", "2"), EXAMPLES)


def test_every_request_for_what_goes_wrong_is_taken(start):
    rows = PAGE[PAGE.index("### What goes wrong"):].splitlines()
    requests = [json.loads(text) for row in rows for text in re.findall(r"`(\{.*?\})`", row)]
    assert len(requests) > 30
    take(start("--agents", "2"), requests)


def test_every_fault_is_described():
    table = set(re.findall(r"^\| `(\w+)` \|", PAGE[PAGE.index("## Misbehaviour"):], re.M))
    source = (ROOT / "src" / "local" / "handle_faults.c").read_text()
    known = set(re.findall(r'\{"(\w+)", \w+\},', source))
    assert table == known == {example["fault"] for example in EXAMPLES}


def test_every_flag_is_described():
    help_text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=60).stdout
    flags = set(re.findall(r"^  (--[a-z-]+)", help_text, re.M)) | {"--version"}
    assert flags == set(re.findall(r"`(--[a-z-]+)[ `]", PAGE[PAGE.index("## Flags"):PAGE.index("## What it does as")]))
