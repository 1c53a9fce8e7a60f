"""HTTP itself: paths, sizes, several requests on a connection."""
import base64
import http.client
import json
import socket

from local_program import until
from local_scheduler import JSON, PATIENCE, Framework, info, post

BODY_MAX = 8 << 20
BACKLOG_MAX = 512 << 20


def test_other_paths(local):
    assert post(local.master, {}, path="/")[0] == 404
    assert post(local.master, {"type": "REVIVE"}, path="/master/api/v1/scheduler")[0] == 400


def test_a_body_at_its_limit(local):
    framework = Framework(local.master)
    call = json.dumps({"type": "REVIVE", "framework_id": framework.id}).encode()
    host, port = local.master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    for length, status in ((BODY_MAX, 202), (BODY_MAX + 1, 413), (len(call), 202)):
        connection.request("POST", "/api/v1/scheduler", call.ljust(length),
                           {"Content-Type": JSON, "Mesos-Stream-Id": framework.stream_id})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status


def test_pipelined_calls_keep_their_order(local):
    framework = Framework(local.master)
    names = [f"task-{i}" for i in range(200)]
    requests = b""
    for name in names:
        body = json.dumps({"type": "RECONCILE", "framework_id": framework.id,
                           "reconcile": {"tasks": [{"task_id": {"value": name}}]}})
        requests += (f"POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nMesos-Stream-Id: "
                     f"{framework.stream_id}\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
    host, port = local.master.split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(requests)
        assert [framework.update()["task_id"]["value"] for _ in names] == names


def test_a_reader_too_slow_is_cut_off(local):
    """A stream that nobody reads may be 512 MiB behind, not more."""
    framework = Framework(local.master, info(failover_timeout=3600.0))
    event = {"type": "MESSAGE", "message": {"agent_id": {"value": "a"}, "executor_id": {"value": "e"},
                                            "data": base64.b64encode(bytes(1 << 20)).decode()}}
    size = len(json.dumps(event, separators=(",", ":")))
    assert local.fault("send_event", event=event, repeat=BACKLOG_MAX // size - 2) is None
    framework.call("REVIVE")
    assert local.fault("send_event", event=event, repeat=20) is None    # more than the sockets between us hold
    until(lambda: local.state()["frameworks"][0]["state"] != "subscribed")
    assert framework.again().first["type"] == "SUBSCRIBED"
