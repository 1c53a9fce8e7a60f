"""The generated classes: where they live, that they name no other package, that a package can be built."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile

import pytest


def run(*arguments, **options):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=120, **options)


def test_no_generated_module_is_of_the_top_level():
    import zmesos  # noqa: F401

    assert "mesos" not in sys.modules
    assert importlib.util.find_spec("mesos") is None
    assert "zmesos._proto.mesos.v1.scheduler.scheduler_pb2" in sys.modules


def test_links_follow_the_sources(bindings, tmp_path):
    package = tmp_path / "zmesos"
    package.mkdir()
    (package / "gone.py").symlink_to(bindings / "zmesos" / "gone.py")
    run(sys.executable, bindings / "generate.py", "--package", package, "--link")
    made = {path.name for path in package.iterdir() if path.is_symlink()}
    assert made == {p.name for p in (bindings / "zmesos").iterdir() if p.suffix == ".py"} | {"py.typed"}
    assert (package / "client.py").resolve() == bindings / "zmesos" / "client.py"
    assert "from zmesos._proto.mesos.v1" in (package / "_proto/zmesos/v1/zmesos_pb2.py").read_text()


def test_a_broken_proto_leaves_what_was_there(bindings, tmp_path):
    package = tmp_path / "zmesos"
    run(sys.executable, bindings / "generate.py", "--package", package)
    before = (package / "_proto/zmesos/v1/zmesos_pb2.py").read_bytes()
    broken = tmp_path / "proto"
    shutil.copytree(bindings.parent.parent / "proto", broken)
    (broken / "zmesos/v1/zmesos.proto").write_text("nonsense")
    with pytest.raises(subprocess.CalledProcessError):
        run(sys.executable, bindings / "generate.py", "--package", package, "--proto", broken)
    assert (package / "_proto/zmesos/v1/zmesos_pb2.py").read_bytes() == before
    assert [path.name for path in package.iterdir()] == ["_proto"]


def test_a_missing_module_is_named(bindings, tmp_path):
    (tmp_path / "zmq.py").write_text("raise ModuleNotFoundError(name='zmq')")
    run(sys.executable, bindings / "generate.py", "--package", tmp_path / "zmesos", "--link")
    failed = subprocess.run(
        [sys.executable, "-c", "import zmesos"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert failed.returncode == 1
    assert "python3-zmq" in failed.stderr


def test_missing_message_classes_are_named(bindings, tmp_path):
    shutil.copytree(bindings / "zmesos", tmp_path / "zmesos", ignore=shutil.ignore_patterns("_proto", "__pycache__"))
    failed = subprocess.run(
        [sys.executable, "-c", "import zmesos"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert failed.returncode == 1
    assert "generate.py" in failed.stderr


def test_find_python(bindings, tmp_path):
    found = run(bindings / "find-python").stdout.strip()
    run(found, "-c", "import zmq, google.protobuf")
    failed = subprocess.run([bindings / "find-python", "no_such_module"], capture_output=True, text=True, timeout=60)
    assert failed.returncode == 1
    assert "no_such_module" in failed.stderr and not failed.stdout


def test_setup_builds_the_package_with_its_messages(bindings, tmp_path):
    pytest.importorskip("setuptools")
    tree = tmp_path / "bindings" / "python"
    shutil.copytree(bindings, tree, ignore=shutil.ignore_patterns("_proto", "__pycache__", "build", "*.egg-info"))
    shutil.copytree(bindings.parent.parent / "proto", tmp_path / "proto")
    run(sys.executable, "setup.py", "-q", "build_py", "--build-lib", tmp_path / "lib", cwd=tree)
    assert (tmp_path / "lib/zmesos/client.py").is_file()
    assert (tmp_path / "lib/zmesos/py.typed").is_file()
    assert (tmp_path / "lib/zmesos/_proto/zmesos/v1/zmesos_pb2.py").is_file()
    assert not (tree / "zmesos/_proto").exists()

    run(sys.executable, "setup.py", "-q", "sdist", "--formats=zip", "--dist-dir", tmp_path / "dist", cwd=tree)
    archive = next((tmp_path / "dist").glob("*.zip"))
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "unpacked")
    alone = next((tmp_path / "unpacked").iterdir())
    run(sys.executable, "setup.py", "-q", "build_py", "--build-lib", tmp_path / "lib2", cwd=alone)
    assert (tmp_path / "lib2/zmesos/_proto/mesos/v1/mesos_pb2.py").is_file()
