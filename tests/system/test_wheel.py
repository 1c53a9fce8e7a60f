"""The wheel as a user's: built with no network, installed into a new environment, used where the sources cannot be found."""

from __future__ import annotations

import email
import os
import pathlib
import subprocess
import sys
import zipfile

import pytest
import zmesos
from programs import BUILD, PATIENCE, TOP, Cluster

SOURCES = TOP / "bindings" / "python"
PIP = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
LAUNCH = """
import sys, zmesos
control, events, pipeline = sys.argv[1:]
with zmesos.Client(control, events, pipeline, timeout=60) as client:
    task = client.launch("exit 0", cpus=0.1, mem=32)
    print(zmesos.__file__)
    print(zmesos.state_name(client.wait(task.id, timeout=60).state))
    with zmesos.Executor(client, cpus=0.1, mem=32, python=sys.executable) as executor:
        print(executor.submit(lambda: "called").result(timeout=60))
"""


def environment() -> dict[str, str]:
    """Without what makes the sources, or another Python's packages, importable."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}


def run(*command: str | pathlib.Path, cwd: pathlib.Path) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=5 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tree(directory: pathlib.Path) -> set[pathlib.Path]:
    return {path for path in directory.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Built once; the sources are as they were before."""
    place = tmp_path_factory.mktemp("wheel")
    before = tree(SOURCES)
    run(sys.executable, *PIP, "wheel", "--no-index", "--no-build-isolation", "--no-deps", "-w", place, SOURCES, cwd=place)
    assert tree(SOURCES) == before
    (built,) = place.glob("*.whl")
    return built


def test_what_is_in_the_wheel(wheel: pathlib.Path) -> None:
    written = {str(path.relative_to(SOURCES)) for path in (SOURCES / "zmesos").rglob("*.py") if "_proto" not in path.parts}
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        metadata = email.message_from_bytes(opened.read(f"zmesos-{zmesos.__version__}.dist-info/METADATA"))
    assert written <= names and "zmesos/py.typed" in names
    made = {name for name in names if name.startswith("zmesos/_proto/")}
    for message in ("mesos/v1/mesos", "mesos/v1/scheduler/scheduler", "zmesos/v1/zmesos"):
        assert {f"zmesos/_proto/{message}_pb2.py", f"zmesos/_proto/{message}_pb2.pyi"} <= made
    info = {name for name in names if name.startswith(f"zmesos-{zmesos.__version__}.dist-info/")}
    assert names == written | made | info | {"zmesos/py.typed"}  # and no generator, test or leftover
    assert metadata["Name"] == "zmesos" and metadata["Requires-Python"] == ">=3.11"
    assert {name.split()[0] for name in metadata.get_all("Requires-Dist", [])} == {"pyzmq", "protobuf", "cloudpickle"}


def test_one_version_everywhere(wheel: pathlib.Path) -> None:
    said = run(BUILD / "bin" / "zmesosd", "--version", cwd=wheel.parent)
    assert zmesos.__version__ in said.split() and wheel.name == f"zmesos-{zmesos.__version__}-py3-none-any.whl"


@pytest.mark.parametrize("source", ["wheel", "sources"])
def test_installed_it_launches_a_task(cluster: Cluster, wheel: pathlib.Path, tmp_path: pathlib.Path, source: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", venv, cwd=elsewhere)
    python = venv / "bin" / "python"
    what = [wheel] if source == "wheel" else ["--no-build-isolation", SOURCES]
    run(python, *PIP, "install", "--no-index", *what, cwd=elsewhere)
    said = run(python, "-c", LAUNCH, cluster.control, cluster.events, cluster.pipeline, cwd=elsewhere).split()
    assert pathlib.Path(said[0]).is_relative_to(venv) and said[1:] == ["FINISHED", "called"]
    version = "import importlib.metadata; print(importlib.metadata.version('zmesos'))"
    assert run(python, "-c", version, cwd=elsewhere).strip() == zmesos.__version__
    run(python, *PIP, "uninstall", "-y", "zmesos", cwd=elsewhere)
    assert not list(venv.rglob("zmesos*"))


def test_cmake_installs_nothing_that_is_not_built(tmp_path: pathlib.Path) -> None:
    """It says what to do first, and leaves nothing half-done."""
    fresh, prefix = tmp_path / "fresh", tmp_path / "prefix"
    run("cmake", "-S", TOP, "-B", fresh, "-DBUILD_TESTING=OFF", cwd=tmp_path)

    def missing() -> set[pathlib.Path]:
        done = subprocess.run(["cmake", "--install", fresh, "--prefix", prefix], cwd=tmp_path, capture_output=True, text=True,
                              timeout=PATIENCE)
        lines = [line.strip() for line in done.stderr.splitlines()]
        assert done.returncode != 0 and f"cmake --build {fresh}" in lines, done.stderr
        assert not prefix.exists()
        return {pathlib.Path(line) for line in lines[: lines.index(f"cmake --build {fresh}")] if line.startswith(f"{fresh}/")}

    found = missing()
    (wheel,) = {path for path in found if path.suffix == ".whl"}
    assert {"zmesosd", "zmesos", "zmesos-local", "__init__.py", wheel.name} <= {path.name for path in found}
    for path in found - {wheel}:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert missing() == {wheel}


def test_cmake_installs_the_same(tmp_path: pathlib.Path) -> None:
    """What `cmake --install` puts below a prefix is the package, and Python finds it there."""
    script = BUILD / "bindings" / "python" / "cmake_install.cmake"
    built = list((BUILD / "bindings" / "python").glob("zmesos-*.whl"))
    assert built, "the build has made no wheel: target python_wheel"
    for _ in range(2):  # the second time over the first
        run("cmake", f"-DCMAKE_INSTALL_PREFIX={tmp_path}", "-P", script, cwd=tmp_path)
    (place,) = tmp_path.glob("lib/python3*/*-packages")
    with zipfile.ZipFile(built[0]) as opened:
        assert {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()} == set(opened.namelist())
    found = subprocess.run([sys.executable, "-c", "import zmesos; print(zmesos.__file__)"], cwd=tmp_path, text=True,
                           env={**environment(), "PYTHONPATH": str(place)}, capture_output=True, timeout=PATIENCE)
    assert found.stdout.strip() == str(place / "zmesos" / "__init__.py"), found.stderr
