"""Functions as bytes, the codes of frames, and where an Executor listens."""

import ast
import os
import pickle
import socket
import subprocess
import sys

import pytest
import zmesos
from zmesos import executor, functions, jobs, runner
from zmesos.messages import messages


@pytest.mark.parametrize("name, oldest", [("bootstrap.py", (3, 4)), ("runner.py", (3, 7))])
def test_what_runs_on_agents_can_be_read_there(bindings, name, oldest):
    """An old Python gets as far as being told that it is another one."""
    ast.parse((bindings / "zmesos" / name).read_text(), feature_version=oldest)


def test_the_bootstrap_is_short_and_knows_the_codes():
    text = executor.bootstrap()
    assert len(text) < 2048 and text.startswith("import ") and '"""' not in text
    assert f"sys.exit({runner.EXIT_UNREACHED})" in text and f"sys.exit({runner.EXIT_REFUSED} if" in text
    assert f"kind != {runner.MODULE}" in text
    assert f"read({len(runner.MAGIC) + runner.NONCE_BYTES})[{len(runner.MAGIC)}:]" in text
    assert f"read({runner.HEADER.size})" in text and f"read({runner.MAC_BYTES})" in text


def test_a_frame_fits_one_place_only():
    key, challenge, answer = bytes(32), b"c" * 16, b"a" * 16

    def session(mine, theirs, key=key, challenge=challenge):
        return runner.Session(key, challenge, answer, mine, theirs)

    sending = session(runner.TO_TASK, runner.FROM_TASK)
    first, second = sending.seal(runner.CALL, b"one"), sending.seal(runner.CALL, b"two")
    receiving = session(runner.FROM_TASK, runner.TO_TASK)
    assert receiving.check(first[0], b"one", first[1]) == runner.CALL
    for wrong in (first, (second[0], first[1])):
        with pytest.raises(runner.BadFrame):
            receiving.check(wrong[0], b"one", wrong[1])
    assert receiving.check(second[0], b"two", second[1]) == runner.CALL
    for other in (
        session(runner.TO_TASK, runner.FROM_TASK),
        session(runner.FROM_TASK, runner.TO_TASK, key=b"x" * 32),
        session(runner.FROM_TASK, runner.TO_TASK, challenge=b"d" * 16),
    ):
        with pytest.raises(runner.BadFrame):
            other.check(first[0], b"one", first[1])


def test_a_task_ends_also_where_its_disk_takes_no_last_words():
    """By the thread that listens, while the function runs."""
    script = "import threading, time; from zmesos import runner; " \
        f"threading.Thread(target=runner.leave, args=({runner.EXIT_PARENT_GONE}, 'words'), daemon=True).start(); time.sleep(30)"
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-c", script], stderr=full, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert ended.returncode == runner.EXIT_PARENT_GONE


def test_cloudpickle_is_needed_only_where_it_is_named():
    pytest.importorskip("cloudpickle")
    for function, needed in ((len, False), (lambda: 1, True)):
        packed = functions.pack(function, (), {}, False, "cloudpickle", 1 << 20)
        limit, many, version = runner.CALL_HEAD.unpack_from(packed)
        assert (limit, many, bool(version.strip(b"\0"))) == (1 << 20, False, needed)


def test_what_a_task_delivered():
    assert functions.unpack(runner.RESULT, pickle.dumps(7)) == (7, None)
    value, error = functions.unpack(runner.RAISED, pickle.dumps((KeyError("x"), "line 1")))
    assert value is None and isinstance(error, KeyError) and error.__cause__.text == "line 1"
    for kind in (runner.RESULT, runner.RAISED):
        value, error = functions.unpack(kind, b"nonsense")
        assert value is None and isinstance(error, zmesos.RemoteError) and "cannot be loaded" in str(error)
    value, error = functions.unpack(runner.RAISED, pickle.dumps(("no exception", "text")))
    assert value is None and isinstance(error, zmesos.RemoteError)
    value, error = functions.unpack(*runner.failure("what", "where"))
    assert value is None and str(error) == "what" and error.__cause__.text == "where"
    value, error = functions.unpack(*runner.failure("w" * (runner.WORDS + 1)))
    assert value is None and len(str(error)) == runner.WORDS and error.__cause__ is None


def test_errors_survive_a_pickle():
    error = zmesos.BrokenTask("words", "id", "FAILED", "reason", "message", "host")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is zmesos.BrokenTask and vars(again) == vars(error) and str(again) == "words"


@pytest.mark.parametrize(
    "message, said",
    [
        ("Command exited with status 76", "it could not reach here:1"),
        ("Command exited with status 127", "`python` of the Executor"),
        ("Command exited with status 1", "exited with status 1"),
        ("", "ended as FAILED without a result on h"),
    ],
)
def test_an_end_in_words(message, said):
    task = messages.Task(id="t", state=messages.FAILED, attempts=[messages.Attempt(number=1, message=message, hostname="h", reason="R")])
    error = jobs.broken(task, "here:1")
    assert said in str(error) and (error.task_id, error.state, error.reason, error.hostname) == ("t", "FAILED", "R", "h")


@pytest.mark.parametrize(
    "listen, address, told",
    [
        ("127.0.0.1", None, "127.0.0.1:{port}"),
        ("127.0.0.1:0", None, "127.0.0.1:{port}"),
        ("0.0.0.0:0", "gateway.example", "gateway.example:{port}"),
        (":0", "gateway.example:99", "gateway.example:99"),
        ("127.0.0.1:0", "::1", "[::1]:{port}"),
        ("127.0.0.1:0", "[2001:db8::1]:7", "[2001:db8::1]:7"),
        ("[::1]:0", None, "[::1]:{port}"),
    ],
)
def test_where_it_listens(listen, address, told):
    if "::1" in listen and not has_ipv6():
        pytest.skip("no IPv6 here")
    listener, place = executor._listen(listen, address)
    with listener:
        assert place == told.format(port=listener.getsockname()[1])


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
