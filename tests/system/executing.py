"""What the tests of zmesos.Executor share. Functions of the test modules travel by value: agents do not have these modules."""

from __future__ import annotations

import pathlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import cloudpickle
import zmesos
from programs import Cluster, wait_for

SMALL = {"cpus": 0.1, "mem": 32, "python": sys.executable}


def by_value(module: ModuleType) -> Iterator[None]:
    """For a fixture: what the module defines is sent with the function."""
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


def make(cluster: Cluster, **options: Any) -> zmesos.Executor:
    return zmesos.Executor(cluster.client(), **{**SMALL, **options})


def gated(directory: pathlib.Path, value: Any = None) -> Callable[[], Any]:
    """A function that says by `begun` that it runs, and returns when there is a file `go`."""
    begun, go = str(directory / "begun"), str(directory / "go")

    def function() -> Any:
        import os
        import time

        with open(begun, "a") as file:
            file.write("x")
        while not os.path.exists(go):
            time.sleep(0.02)
        return value

    return function


def begun(directory: pathlib.Path, times: int = 1) -> None:
    """Waits until the gated function runs, in so many tasks."""
    file = directory / "begun"
    wait_for(lambda: file.exists() and len(file.read_text()) >= times, f"{times} functions to begin")


def state(cluster: Cluster, task_id: str) -> str:
    """The task's state; "" while it is not launched."""
    with cluster.daemon.client(timeout=30) as client:
        found = client.get([task_id])
    return zmesos.state_name(found[task_id].state) if found else ""


def wait_state(cluster: Cluster, task_id: str, wanted: str) -> None:
    wait_for(lambda: state(cluster, task_id) == wanted, f"{task_id} to be {wanted}")


def service_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("zmesos-executor")]
