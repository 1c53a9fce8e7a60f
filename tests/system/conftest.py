"""Fixtures of the system tests: clusters of the real programs, ended whatever happens. See programs.py."""
from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dashboards import Dashboard
from exporting import Exporter
from programs import BUILD, REAL_MASTER, Cluster, Daemon, Gate


@pytest.fixture
def start_cluster(tmp_path: pathlib.Path) -> Iterator[Callable[..., Cluster]]:
    """start_cluster(*zmesosd_flags, local={...}, local_flags=(...)): a cluster of one's own."""
    made: list[Cluster] = []

    def start(*flags: str, **options: Any) -> Cluster:
        cluster = Cluster(tmp_path / f"cluster{len(made)}", *flags, **options)
        made.append(cluster)
        return cluster
    yield start
    for cluster in made:
        cluster.close()


@pytest.fixture
def cluster(start_cluster: Callable[..., Cluster]) -> Cluster:
    """A subscribed zmesosd with two agents."""
    return start_cluster()


@pytest.fixture
def start_daemon(tmp_path: pathlib.Path) -> Iterator[Callable[..., Daemon]]:
    """start_daemon(master, *zmesosd_flags, state=FILE_OR_DIRECTORY, name=...): one more, on a copy of that state."""
    made: list[Daemon] = []

    def start(master: str, *flags: str, **options: Any) -> Daemon:
        directory = tmp_path / options.pop("name", f"daemon{len(made)}")
        made.append(Daemon(directory, master, *flags, **options))
        return made[-1]
    yield start
    for daemon in made:
        daemon.kill()


@pytest.fixture
def start_exporter(tmp_path: pathlib.Path) -> Iterator[Callable[..., Exporter]]:
    """start_exporter(daemon, *flags): zmesos-exporter beside it."""
    made: list[Exporter] = []

    def start(daemon: Daemon, *flags: str) -> Exporter:
        made.append(Exporter(tmp_path, daemon, *flags))
        return made[-1]
    yield start
    for exporter in made:
        exporter.program.kill()


@pytest.fixture
def gate(tmp_path: pathlib.Path) -> Iterator[Gate]:
    made = Gate(tmp_path / "gate")
    yield made
    made.close()


@pytest.fixture
def start_dashboard(tmp_path: pathlib.Path) -> Iterator[Callable[..., Dashboard]]:
    """start_dashboard(cluster, *flags): zmesos-dashboard on a port of its own."""
    made: list[Dashboard] = []

    def start(cluster: Cluster, *flags: str) -> Dashboard:
        made.append(Dashboard(tmp_path / f"dashboard{len(made)}", cluster, *flags))
        return made[-1]
    yield start
    for dashboard in made:
        dashboard.program.kill()


@pytest.fixture
def needs_local() -> None:
    """For tests of faults that only zmesos-local can have."""
    if REAL_MASTER:
        pytest.skip("needs zmesos-local's faults; ZMESOS_TEST_MASTER names a real master")


def pytest_report_header() -> str:
    return f"zmesos: programs of {BUILD}, master: {REAL_MASTER or 'zmesos-local'}"
