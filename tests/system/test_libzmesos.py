"""libzmesos as it is installed: found by pkg-config, linked by a compiler, run against the daemon."""
import ctypes
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from programs import BUILD

TOP = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment in which it is found, below a prefix of its own."""
    for tool in ("cmake", "pkg-config", "cc"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool}")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", str(BUILD), "--prefix", str(prefix))
    configs = list(prefix.rglob("libzmesos.pc"))
    assert len(configs) == 1
    return {**os.environ, "PKG_CONFIG_PATH": str(configs[0].parent)}, prefix


@pytest.fixture(scope="module")
def hello(installed, tmp_path_factory):
    environment, prefix = installed
    program = tmp_path_factory.mktemp("hello") / "hello"
    flags = run("pkg-config", "--cflags", "--libs", "libzmesos", env=environment).split()
    sanitize = ["-fsanitize=address,undefined"] if b"__asan_init" in (BUILD / "bin" / "zmesosd").read_bytes() else []
    run("cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", *sanitize,
        str(TOP / "examples" / "c" / "hello.c"), "-o", str(program), *flags)
    library = next(prefix.rglob("libzmesos.so")).parent
    return program, {**os.environ, "LD_LIBRARY_PATH": str(library)}


def test_the_version_and_the_name_of_the_object(installed):
    environment, prefix = installed
    version = run("pkg-config", "--modversion", "libzmesos", env=environment).strip()
    names = {path.name for path in prefix.rglob("libzmesos.so*")}
    assert names == {"libzmesos.so", "libzmesos.so.0", f"libzmesos.so.{version}"}
    assert run(str(prefix / "bin" / "zmesos"), "--version").strip() == f"zmesos {version}"  # finds it by itself
    assert (prefix / "share" / "man" / "man3" / "libzmesos.3").exists()


def test_the_example_launches_and_follows(cluster, hello):
    program, environment = hello
    output = run(str(program), cluster.daemon.control, cluster.daemon.events, env=environment)
    task_id = output.split()[0]
    lines = output.splitlines()
    assert lines[0] == f"{task_id} launched" and lines[-1] == f"{task_id} is FINISHED"
    with cluster.client() as client:
        assert client.task(task_id).attempts[-1].number == 1


def test_the_example_without_a_daemon(hello):
    program, environment = hello
    result = subprocess.run([str(program), "nowhere"], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr == ("cannot launch: nowhere: Invalid argument; expected an endpoint such as "
                             "tcp://127.0.0.1:5560\n")


def test_a_request_in_json(cluster, installed):
    """From a language that has no more than a foreign function interface."""
    library = next(installed[1].rglob("libzmesos.so"))
    if b"__asan_init" in library.read_bytes():
        pytest.skip("built with AddressSanitizer, which a Python without it cannot load")
    zmesos_c = ctypes.CDLL(str(library))
    client, reply, size = ctypes.c_void_p(), ctypes.c_char_p(), ctypes.c_size_t()
    request = json.dumps({"version": 1, "id": "7", "ping": {}}).encode()
    assert zmesos_c.zmesos_client_create(cluster.daemon.control.encode(), ctypes.byref(client), None) == 0
    assert zmesos_c.zmesos_call(client, request, ctypes.c_size_t(len(request)), ctypes.byref(reply), ctypes.byref(size),
                                None) == 0
    assert json.loads(ctypes.string_at(reply, size.value)) == {"version": 1, "id": "7", "code": "OK"}
    zmesos_c.zmesos_client_destroy(client)
