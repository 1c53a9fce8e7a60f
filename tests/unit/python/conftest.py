"""Unit tests of the Python package. The build's package is used if PYTHONPATH names it; otherwise one is generated
for this run, so that `pytest tests/unit/python` works in a bare checkout."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

BINDINGS = Path(__file__).resolve().parents[3] / "bindings" / "python"
_scratch: tempfile.TemporaryDirectory[str] | None = None


def pytest_configure(config: pytest.Config) -> None:
    global _scratch
    if importlib.util.find_spec("zmesos") is None:
        _scratch = tempfile.TemporaryDirectory(prefix="zmesos-python-")
        package = Path(_scratch.name, "zmesos")
        subprocess.run([sys.executable, BINDINGS / "generate.py", "--package", package, "--link"], check=True)
        sys.path.insert(0, _scratch.name)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _scratch is not None:
        _scratch.cleanup()


@pytest.fixture
def bindings() -> Path:
    """The sources of the package."""
    return BINDINGS
