"""Says in plain words what is missing, before an import deep inside fails for it."""

from __future__ import annotations

import importlib
import importlib.util
import sys


def check() -> None:
    """Raises ImportError naming what to install or to run."""
    for module, package in (("zmq", "python3-zmq"), ("google.protobuf", "python3-protobuf")):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise ImportError(
                f"zmesos needs the module {module}, which {sys.executable} does not have "
                f"(Debian: apt install {package}, and run /usr/bin/python3)"
            ) from error
    if importlib.util.find_spec("zmesos._proto") is None:
        raise ImportError(
            "zmesos has no message classes yet: run bindings/python/generate.py, or use the build's "
            "package (PYTHONPATH=<build directory>/python)"
        )
