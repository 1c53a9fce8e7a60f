"""Bad input gets a code, the field and a sentence; the daemon goes on, and nothing of a refused item is kept."""
import math
import os
import subprocess

import pytest
import zmq

import zmesos
from programs import BUILD
from zmesos import messages as z


@pytest.fixture
def ask(cluster):
    """ask(bytes or Request) -> Reply, on a REQ socket of its own."""
    context = zmq.Context()

    def send(request):
        socket = context.socket(zmq.REQ)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 60000)
        socket.connect(cluster.control)
        parts = request if isinstance(request, list) else [
            request if isinstance(request, bytes) else request.SerializeToString()]
        socket.send_multipart(parts)
        reply = z.Reply.FromString(socket.recv())
        socket.close()
        return reply
    yield send
    context.destroy(linger=0)  # also where no reply came


def launch(**fields):
    request = z.Request(version=1, id="r")
    task = request.launch.tasks.add(**{"id": "t", "cpus": 0.1, "mem": 32, **fields})
    task.command.value = "true"
    return request


def code(number):
    return z.Code.Name(number)


NOT_REQUESTS = {
    "nonsense": (b"\xff\xff\xff", "MALFORMED"),
    "empty": (b"", "MALFORMED"),
    "no version": (z.Request(ping={}).SerializeToString(), "UNSUPPORTED_VERSION"),
    "another version": (z.Request(version=2, ping={}).SerializeToString(), "UNSUPPORTED_VERSION"),
    "no operation": (z.Request(version=1).SerializeToString(), "UNKNOWN_OPERATION"),
    "unknown operation": (z.Request(version=1).SerializeToString() + b"\xf2\x06\x00", "UNKNOWN_OPERATION"),
    "too large": (b"\x08\x01" + b"\xfa\x06\x80\x80\x40" + b"x" * (1 << 20), "TOO_LARGE"),
    "singular field twice": (z.Request(version=1, ping={}).SerializeToString() + b"\x08\x01", "INVALID"),
    "two operations": (z.Request(version=1, ping={}).SerializeToString()
                       + z.Request(status={}).SerializeToString(), "INVALID"),
}


@pytest.mark.parametrize("name", NOT_REQUESTS)
def test_what_is_not_a_request(ask, name):
    request_bytes, expected = NOT_REQUESTS[name]
    reply = ask(request_bytes)
    assert code(reply.code) == expected, reply
    assert reply.message and not reply.retry
    assert ask(z.Request(version=1, ping={})).code == z.OK


def test_several_parts_and_too_deep(ask):
    assert ask([b"a", b"b"]).code != z.OK
    inner = b""
    for _ in range(2000):
        inner = b"\x12" + _varint(len(inner)) + inner
    container = b"\x0a" + _varint(len(inner)) + inner
    spec = b"\x62" + _varint(len(container)) + container
    body = b"\x0a" + _varint(len(spec)) + spec
    reply = ask(b"\x08\x01\x52" + _varint(len(body)) + body)
    assert code(reply.code) in ("TOO_LARGE", "MALFORMED", "INVALID")
    assert ask(z.Request(version=1, ping={})).code == z.OK


def _varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize("fields, expected, field", [
    ({"id": ""}, "INVALID", "id"),
    ({"id": "a/b"}, "INVALID", "id"),
    ({"id": ".."}, "INVALID", "id"),
    ({"id": "a\nb"}, "INVALID", "id"),
    ({"id": "x" * 201}, "INVALID", "id"),
    ({"cpus": math.nan}, "INVALID", "cpus"),
    ({"cpus": math.inf}, "INVALID", "cpus"),
    ({"cpus": -1.0}, "INVALID", "cpus"),
    ({"mem": -0.001}, "INVALID", "mem"),
    ({"gpus": 0.5}, "INVALID", "gpus"),
    ({"cpus": 0.0, "mem": 0.0}, "INVALID", "cpus"),
    ({"ports": 1001}, "TOO_LARGE", "ports"),
    ({"role": "no such role"}, "INVALID", "role"),
    ({"name": "x" * 256}, "TOO_LARGE", "name"),
    ({"constraints": [z.Constraint(attribute="rack")]}, "INVALID", "constraints[0].operator"),
    ({"constraints": [z.Constraint(operator=z.Constraint.UNIQUE)]}, "INVALID", "constraints[0].attribute"),
    ({"constraints": [zmesos.matches("rack", "(")]}, "INVALID", "constraints[0].values"),
    ({"constraints": [zmesos.matches("rack", "a{1,9}")]}, "INVALID", "constraints[0].values"),
    ({"constraints": [zmesos.matches("rack", r"(a)\1")]}, "INVALID", "constraints[0].values"),
    ({"constraints": [zmesos.matches("rack", "(" * 40 + "a" + ")+" * 40)]}, "INVALID", "constraints[0].values"),
    ({"constraints": [zmesos.matches("rack", "a" + "+" * 60)]}, "INVALID", "constraints[0].values"),
    ({"constraints": [zmesos.matches("rack", "((a+)?b|[)(])+")]}, "INVALID", "constraints[0].values"),
    ({"constraints": [zmesos.matches("rack", "x" * 257)]}, "TOO_LARGE", "constraints[0].values"),
])
def test_a_task_with_a_bad_field(ask, fields, expected, field):
    reply = ask(launch(**fields))
    item = reply.items.items[0]
    assert code(reply.code) == "SOME_REFUSED" and reply.id == "r"
    assert code(item.code) == expected
    assert item.field == f"launch.tasks[0].{field}"
    assert item.message and not item.retry
    if fields.get("id") is None:
        assert list(ask(z.Request(version=1, get={"task_ids": ["t"]})).tasks.missing) == ["t"]


def test_one_bad_task_does_not_cost_the_others(ask):
    request = launch()
    bad = request.launch.tasks.add(id="bad", cpus=-1)
    bad.command.value = "true"
    good = request.launch.tasks.add(id="good", cpus=0.1, mem=32)
    good.command.value = "true"
    reply = ask(request)
    assert [code(item.code) for item in reply.items.items] == ["OK", "INVALID", "OK"]
    assert reply.items.items[1].field == "launch.tasks[1].cpus"
    got = ask(z.Request(version=1, get={"task_ids": ["t", "bad", "good"]})).tasks
    assert [task.id for task in got.tasks] == ["t", "good"] and list(got.missing) == ["bad"]


def test_a_task_without_command_and_one_with_a_required_field_missing(ask):
    request = z.Request(version=1)
    request.launch.tasks.add(id="t", cpus=1)
    assert ask(request).items.items[0].field == "launch.tasks[0].command"
    request.launch.tasks[0].command.environment.variables.add(value="no name")
    reply = ask(request.SerializePartialToString())
    assert code(reply.code) == "INVALID"
    assert reply.field == "launch.tasks[0].command.environment.variables[0].name"


def test_too_many_items(ask):
    request = z.Request(version=1)
    for n in range(1001):
        request.launch.tasks.add(id=f"task-{n}", cpus=0.1, mem=32).command.value = "true"
    reply = ask(request)
    assert code(reply.code) == "TOO_LARGE" and reply.field == "launch.tasks", reply
    reply = ask(z.Request(version=1, get={"task_ids": ["x"] * 1001}))
    assert code(reply.code) == "TOO_LARGE" and reply.field == "get.task_ids"
    reply = ask(z.Request(version=1, launch={}))
    assert code(reply.code) == "INVALID" and reply.field == "launch.tasks"


def test_a_small_request_does_not_get_a_huge_reply(cluster):
    spec = zmesos.task_spec("true", id="big", cpus=100000, mem=32, env={"A": "x" * 900000})
    with cluster.client() as client:
        client.launch(spec=spec)
        for n in range(9):
            spec.id = f"big{n}"
            client.launch(spec=spec)
        with pytest.raises(zmesos.TooLarge) as refused:
            client._ask(z.Request(get=z.Get(task_ids=["big"] * 1000, with_spec=True)))
        assert refused.value.field == "get.with_spec"
        page = client._ask(z.Request(list=z.List(page_size=1000, with_spec=True)))
        assert len(page.tasks.tasks) == 4 and page.tasks.HasField("next")
        assert len(list(client.tasks(with_spec=True))) == 10
        client.kill(*[task.id for task in client.tasks()])


def test_a_specification_that_grows_when_decoded_can_be_read_again(cluster):
    """In a large request it had the memory that it needs; it is read again alone, when placed and after a restart."""
    with cluster.client(timeout=30.0) as client:
        request = z.Request(version=1)
        spec = request.launch.tasks.add(id="grows", cpus=0.1, mem=32)
        spec.command.value = "true"
        spec.container.type = spec.container.MESOS
        for _ in range(20000):
            spec.container.network_infos.add()
        filler = request.launch.tasks.add(id="filler", cpus=100000, mem=32)
        filler.command.value = "x" * 900000
        assert [code(item.code) for item in client._ask(request).items.items] == ["OK", "OK"]
        client.kill("filler")
        cluster.restart(kill=True)
        client.kill("grows")
        assert zmesos.is_over(client.wait("grows", timeout=60))
    assert cluster.daemon.running


def test_kill_of_an_unknown_task_and_of_nothing(ask):
    reply = ask(z.Request(version=1, kill={"task_ids": ["nobody"]}))
    assert code(reply.items.items[0].code) == "NOT_FOUND" and reply.items.items[0].field == "kill.task_ids[0]"
    assert code(ask(z.Request(version=1, kill={})).code) == "INVALID"


def test_the_same_id_again(ask):
    assert ask(launch()).items.items[0].known is False
    again = ask(launch()).items.items[0]
    assert code(again.code) == "OK" and again.known
    other = ask(launch(cpus=0.2)).items.items[0]
    assert code(other.code) == "CONFLICT" and other.field == "launch.tasks[0].id"


def test_more_than_any_agent_has_waits(cluster):
    with cluster.client() as client:
        client.launch("true", id="giant", cpus=100000, mem=32)
        client.launch("true", id="small", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("small", timeout=60).state) == "FINISHED"
        assert zmesos.state_name(client.task("giant").state) == "QUEUED"
        client.kill("giant")
        assert zmesos.state_name(client.task("giant").state) == "KILLED"


def test_a_task_that_mesos_refuses_ends_with_its_words(cluster):
    """A user that Mesos will not run as is let through by us and refused by the agent, or fails there; the neighbour runs."""
    with cluster.client() as client:
        bad = zmesos.task_spec("true", id="bad", cpus=0.1, mem=32)
        bad.health_check.SetInParent()  # a health check without a type: TASK_ERROR
        client.launch_many([bad, zmesos.task_spec("true", id="good", cpus=0.1, mem=32)])
        ended = client.wait(["bad", "good"], timeout=60)
        assert zmesos.state_name(ended["good"].state) == "FINISHED"
        assert zmesos.state_name(ended["bad"].state) == "ERROR"
        assert "health" in ended["bad"].message.lower()


ZMESOSD = str(BUILD / "bin" / "zmesosd")


def run_daemon(*flags):
    return subprocess.run([ZMESOSD, *flags], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("flags, words", [
    (["--nonsense"], "unknown flag --nonsense"),
    (["--state"], "--state needs a value"),
    ([], "--state DIR is required"),
    (["--state", "x", "stray"], "stray"),
    (["--state", "x", "--failover-timeout", "soon"], "--failover-timeout"),
    (["--state", "x", "--control", "5560"], "--control"),
    (["--state", "x", "--control", "tcp://127.0.0.1:99999"], "--control"),
    (["--state", "x", "--role", "a b"], "--role"),
    (["--state", "x", "--label", "novalue"], "--label"),
    (["--state", "x", "--log-level", "loud"], "--log-level"),
    (["--state", "x", "--user", ""], "--user"),
    (["--state", "x", "--webui-url", b"http://\xff"], "--webui-url"),
    (["--state", "x", "--master", "zk://127.0.0.1:2181/mesos"], "zk://"),
    (["--state", "x", "--master", ":5050"], ":5050"),
    (["--state", "x", "--call-timeout", "0"], "--call-timeout"),
    (["--state", "x", "--config", "/nonexistent"], "--config"),
    (["--state", "x", "--credential", "/nonexistent"], "--credential"),
])
def test_bad_flags(tmp_path, flags, words):
    ended = run_daemon(*[str(tmp_path / "state") if flag == "x" else flag for flag in flags])
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.splitlines()) == 1 and words in ended.stderr
    assert not os.path.exists(tmp_path / "state")


def test_a_taken_port(cluster, tmp_path):
    ended = run_daemon("--state", str(tmp_path / "other"), "--control", cluster.control, "--pipeline",
                       "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*")
    assert ended.returncode == 1
    assert cluster.control in ended.stderr.splitlines()[-1] and "use" in ended.stderr.splitlines()[-1]


def test_a_state_directory_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    ended = run_daemon("--state", str(tmp_path / "file"))
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1 and "file" in ended.stderr


def test_a_state_directory_of_a_newer_version(cluster):
    import sqlite3
    cluster.daemon.stop()
    with sqlite3.connect(cluster.daemon.state_dir / "zmesos.db") as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    ended = subprocess.run(cluster.daemon.command(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and "newer" in ended.stderr.splitlines()[-1]


def test_a_master_that_is_none(start_cluster, needs_local):
    import http.server
    import threading
    from programs import wait_for
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        cluster = start_cluster("--master", f"127.0.0.1:{server.server_address[1]}", wait=False)
        status = wait_for(lambda: (lambda s: s if "not a Mesos master" in s.message else None)(cluster.status()), "the reason")
        assert status.subscription != z.SUBSCRIBED
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
