"""Crash points of a run of 200 tasks, and disks that fail or are full; crash_points.py says how. Needs zmesos-local, and
zmesosd-crash in the build directory that ZMESOS_BUILD names."""
from __future__ import annotations

import os
import pathlib
import random

import pytest

import crash_points

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ZMESOS_BUILD", TOP / "build" / "dev")).resolve()

FAULTS = ("ZMESOS_FAIL_SYNC", "ZMESOS_FULL_AT_WRITE", "ZMESOS_FAIL_WRITE")


@pytest.fixture(scope="module", autouse=True)
def the_programs() -> None:
    if os.environ.get("ZMESOS_TEST_MASTER"):
        pytest.skip("needs zmesos-local; ZMESOS_TEST_MASTER names a real master")
    crash_points.load_programs(BUILD)


@pytest.fixture
def seed() -> int:
    """ZMESOS_TEST_SEED draws the same points again."""
    value = int(os.environ.get("ZMESOS_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"seed {value}")
    return value


def assert_nothing(found: crash_points.Findings) -> None:
    assert (found.lost, found.twice, found.early, found.other) == ([], [], [], [])


def test_the_daemon_ends_at_100_points_of_a_run(tmp_path: pathlib.Path, seed: int) -> None:
    counting = crash_points.run_points(BUILD, tmp_path / "counting", [])
    assert_nothing(counting.findings)
    assert counting.operations > crash_points.TASKS
    points = crash_points.sample(counting.operations, crash_points.POINTS, seed)
    run = crash_points.run_points(BUILD, tmp_path / "run", points)
    print(f"{counting.operations} operations, {len(run.accepted)} tasks, {len(run.published)} events seen")
    assert_nothing(run.findings)
    assert run.findings.points == crash_points.POINTS
    assert len(run.accepted) >= crash_points.TASKS
    assert run.published


def test_the_disk_fails_or_is_full_30_times(tmp_path: pathlib.Path, seed: int) -> None:
    """Status 74, and nothing is missing that was acknowledged or answered."""
    draw = random.Random(seed)
    points = [crash_points.Point.fault(FAULTS[i % len(FAULTS)], draw.randrange(1, 100), draw.choice(("lose", "some")),
                                       draw.getrandbits(32)) for i in range(30)]
    run = crash_points.run_points(BUILD, tmp_path / "run", points, tasks=60)
    assert_nothing(run.findings)
    assert run.findings.points == 30
