"""A short soak, whole: it finds nothing wrong, finds what is made wrong afterwards, and leaves nothing running."""
from __future__ import annotations

import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "system"))

from programs import BUILD, wait_for  # noqa: E402
from zmesos import messages  # noqa: E402

LIMIT = 500.0
LAST = re.compile(r"soak: (\d+) launched, (\d+) finished, (\d+) killed, (\d+) restarts, (\d+) breaks, (\d+) lost, (\d+) twice")


def start(place: pathlib.Path, *flags: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "ZMESOS_BUILD": str(BUILD), "TMPDIR": str(place)}
    return subprocess.Popen([sys.executable, str(HERE / "soak.py"), *flags], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=environment)


def run(place: pathlib.Path, *flags: str) -> tuple[int, str]:
    """Exit status and what was said."""
    process = start(place, *flags)
    try:
        said, _ = process.communicate(timeout=LIMIT)
    finally:
        if process.poll() is None:  # it ends what it has started
            process.send_signal(signal.SIGINT)
            process.wait(LIMIT)
    return process.returncode, said


def counts(said: str) -> list[int]:
    match = LAST.fullmatch(said.splitlines()[-1])
    assert match, said
    return [int(count) for count in match.groups()]


def processes_of(place: pathlib.Path) -> list[str]:
    """Those that have the directory on their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(place) in line:
                found.append(f"{entry.name} {line}")
    return found


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str, pathlib.Path]]:
    """Exit status, what was said, and the directory with all that was kept."""
    place = tmp_path_factory.mktemp("soak")
    seed = random.SystemRandom().randrange(10**9)
    print(f"soak --seed {seed}")
    status, said = run(place, "--minutes", "0.3", "--restart-every", "2", "--keep", "--seed", str(seed))
    [kept] = place.iterdir()
    yield status, said, kept
    shutil.rmtree(kept)


def test_nothing_is_lost_and_nothing_runs_twice(soaked: tuple[int, str, pathlib.Path]) -> None:
    status, said, _ = soaked
    launched, finished, killed, restarts, breaks, lost, twice = counts(said)
    assert status == 0, said
    assert (lost, twice) == (0, 0) and "BROKEN" not in said
    assert launched > 10 and finished > 5 and restarts > 0 and breaks > 0, said  # few of them may be few by chance
    assert re.search(r"^soak: seed \d+, ", said) and "memory of zmesosd" in said
    wait_for(lambda: not processes_of(soaked[2]), "the last of its processes to be gone")


def test_what_is_made_wrong_afterwards_is_found(soaked: tuple[int, str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    """The witnesses do not agree by luck: each is read, and each lie of theirs is noticed."""
    kept = tmp_path / "kept"
    shutil.copytree(soaked[2], kept, ignore=shutil.ignore_patterns("work"))
    status, said = run(tmp_path, "--compare", str(kept))
    assert status == 0 and counts(said)[-2:] == [0, 0], said
    database = sqlite3.connect(kept / "daemon" / "state" / "zmesos.db")
    with database:
        finished = [task_id for task_id, in database.execute(
            "SELECT id FROM task WHERE state = ? AND attempts = 1 AND id LIKE 'soak-%' ORDER BY id LIMIT 3",
            [messages.FINISHED])]
        database.execute("DELETE FROM task WHERE id = ?", [finished[0]])
        database.execute("DELETE FROM event WHERE topic LIKE 'task/' || ? || '/%'", [finished[0]])
        database.execute("DELETE FROM event WHERE class = 2 AND number = (SELECT max(number) / 2 FROM event WHERE class = 2)")
    database.close()
    evidence = kept / "evidence"
    (evidence / finished[1]).unlink()
    lines = (evidence / finished[2]).read_text().splitlines()
    (evidence / finished[2]).write_text("\n".join([lines[0], *lines]) + "\n")
    status, said = run(tmp_path, "--compare", str(kept))
    assert status == 1 and counts(said)[-2:] == [2, 1], said
    for kind in ("a hole in the journal", "published, and not in the journal"):
        assert f"BROKEN: {kind}: " in said


def test_an_interrupted_soak_leaves_nothing_running(tmp_path: pathlib.Path) -> None:
    process = start(tmp_path, "--minutes", "10", "--restart-every", "1", "--fault-every", "1")
    try:
        wait_for(lambda: list(tmp_path.glob("*/evidence/*")), "tasks that have run", LIMIT)
        assert processes_of(tmp_path)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=LIMIT)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 130, said
    assert f"everything is kept in {tmp_path}" in said
    wait_for(lambda: not processes_of(tmp_path), f"the end of {processes_of(tmp_path)}")
