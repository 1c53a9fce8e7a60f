"""Each fault of the control endpoint, seen from a framework."""
import http.client
import json
import socket
import threading
import time

import pytest

from local_program import LATE, until
from local_scheduler import JSON, Framework, Stream, fresh, info, is_silent, lasting, post, task, unanswered


@pytest.mark.parametrize("body, word", [
    ({"fault": "nonsense"}, "nonsense"),
    ({}, "fault"),
    ({"fault": 1}, "fault"),
    ({"fault": "redirect"}, "to"),
    ({"fault": "redirect", "to": 1}, "to"),
    ({"fault": "answer", "status": 99}, "status"),
    ({"fault": "answer", "status": 400, "call": "SING"}, "SING"),
    ({"fault": "no_answer", "act": "perhaps"}, "perhaps"),
    ({"fault": "lose_agent"}, "agent"),
    ({"fault": "lose_agent", "agent": 2}, "agent"),
    ({"fault": "lose_agent", "agent": 1, "how": "sadly"}, "sadly"),
    ({"fault": "rescind", "framework": "nobody"}, "nobody"),
    ({"fault": "failover", "agents_return_ms": -1}, "agents_return_ms"),
    ({"fault": "stall", "ms": 0}, "ms"),
    ({"fault": "send_event", "event": {"type": "SONG"}}, "type"),
    ({"fault": "split_streams", "on": 1}, "on"),
])
def test_a_fault_that_is_not_understood(local, body, word):
    status, text, _ = post(local.master, body, path="/local/faults")
    assert status == 400 and word in text


def test_a_body_that_is_no_json(local):
    host, port = local.master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    for method, body, status in (("POST", b"{", 400), ("POST", b"[]", 400), ("GET", None, 405)):
        connection.request(method, "/local/faults", body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status


@pytest.mark.parametrize("how", ["cut", "end"])
def test_drop_stream(local, how):
    framework = lasting(local)
    other = lasting(local)
    assert local.fault("drop_stream", framework=framework.id["value"], how=how) is None
    while framework.event():
        pass
    assert framework.stream.ended == how
    assert framework.post("REVIVE")[:2] == (403, "Framework is not subscribed")
    other.call("REVIVE")
    again = framework.again()
    assert again.id == framework.id
    again.call("REVIVE")


def test_split_streams(local):
    local.fault("split_streams")
    framework = Framework(local.master)
    framework.offer()
    assert set(framework.stream.chunks) == {1}
    local.fault("split_streams", on=False)
    framework.call("REVIVE")
    framework.call("RECONCILE", tasks=[{"task_id": {"value": "unknown"}}])
    framework.update("unknown")
    assert max(framework.stream.chunks) > 1


def test_silence_heartbeats(start):
    local = start("--heartbeat", "0.05", "--agents", "0")
    framework = Framework(local.master)
    framework.wait("HEARTBEAT")
    local.fault("silence_heartbeats")
    framework.call("RECONCILE", tasks=[{"task_id": {"value": "before"}}])
    framework.wait("UPDATE")
    assert framework.event(timeout=1) is None                 # twenty heartbeats' time
    local.fault("silence_heartbeats", on=False)
    framework.wait("HEARTBEAT")


def test_redirect(local):
    framework = Framework(local.master)
    local.fault("redirect", to="127.0.0.1:5051", count=2)
    for _ in range(2):
        status, _, headers = framework.post("REVIVE")
        assert (status, headers["Location"]) == (307, "//127.0.0.1:5051/api/v1/scheduler")
    framework.call("REVIVE")
    local.fault("redirect", to="127.0.0.1:5051")
    assert Framework(local.master).status == 307
    assert framework.post("REVIVE")[0] == 307
    local.fault("clear")
    framework.call("REVIVE")


def test_redirect_of_one_call(local):
    framework = Framework(local.master)
    local.fault("redirect", to="elsewhere:1", call="SUPPRESS")
    framework.call("REVIVE")
    assert framework.post("SUPPRESS")[0] == 307


@pytest.mark.parametrize("status", [401, 403, 503])
def test_answer_to_anything(local, status):
    framework = Framework(local.master)
    local.fault("answer", status=status, text="because", count=2)
    assert framework.post("REVIVE")[:2] == (status, "because")
    refused = Framework(local.master)
    assert (refused.status, refused.stream.text) == (status, "because")
    assert ("www-authenticate" in refused.stream.headers) == (status == 401)
    framework.call("REVIVE")


def test_answer_to_the_next_call_of_a_type(local):
    framework = Framework(local.master)
    offer = framework.offer()
    local.fault("answer", status=400, text="no such luck", call="ACCEPT")
    name = fresh()
    launch = {"offer_ids": [offer["id"]],
              "operations": [{"type": "LAUNCH", "launch": {"task_infos": [task(name, offer)]}}]}
    framework.call("REVIVE")
    assert framework.post("ACCEPT", **launch)[:2] == (400, "no such luck")
    framework.call("ACCEPT", **launch)                          # the offer was not touched
    assert framework.states(name, "TASK_FINISHED") == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
    assert [call["status"] for call in local.calls("ACCEPT")] == [400, 202]


def test_no_answer_and_no_act(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("no_answer", call="ACCEPT", act="never")
    connection = unanswered(framework, "ACCEPT", offer_ids=[offer["id"]], operations=[
        {"type": "LAUNCH", "launch": {"task_infos": [task(name, offer)]}}])
    until(lambda: local.calls("ACCEPT"))
    framework.call("RECONCILE", tasks=[{"task_id": {"value": name}, "agent_id": offer["agent_id"]}])
    assert framework.update(name)["state"] == "TASK_GONE"
    assert local.calls("ACCEPT")[0]["status"] == 0
    assert is_silent(connection)
    framework.launch(offer, task(name, offer))                  # the offer is still there
    framework.update(name, "TASK_FINISHED")


def test_no_answer_but_act(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("no_answer", call="ACCEPT", act="now")
    connection = unanswered(framework, "ACCEPT", offer_ids=[offer["id"]], operations=[
        {"type": "LAUNCH", "launch": {"task_infos": [task(name, offer)]}}])
    framework.update(name, "TASK_FINISHED")
    assert is_silent(connection)


@pytest.mark.parametrize("act", ["never", "now"])
def test_no_answer_but_a_closed_connection(local, act):
    framework = Framework(local.master)
    local.fault("no_answer", call="SUPPRESS", act=act, close=True)
    connection = unanswered(framework, "SUPPRESS")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    roles = local.state()["frameworks"][0]["roles"]
    assert roles == [{"name": "*", "suppressed": act == "now"}]


def test_act_later(local):
    """An ACCEPT whose connection is gone acts all the same, as long as its subscription lasts."""
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("no_answer", call="ACCEPT", act="later", act_after_ms=300)
    unanswered(framework, "ACCEPT", offer_ids=[offer["id"]], operations=[
        {"type": "LAUNCH", "launch": {"task_infos": [task(name, offer)]}}]).close()
    framework.update(name, "TASK_FINISHED")


def test_act_later_is_fenced_by_a_subscription(local):
    framework = lasting(local)
    offer, name = framework.offer(), fresh()
    local.fault("no_answer", call="ACCEPT", act="later", act_after_ms=LATE, answer=True)
    connection = unanswered(framework, "ACCEPT", offer_ids=[offer["id"]], operations=[
        {"type": "LAUNCH", "launch": {"task_infos": [task(name, offer)]}}])
    again = framework.again()
    local.release(held=1)
    answer = connection.getresponse()
    assert answer.status == 400 and b"stream ID" in answer.read()
    again.call("RECONCILE", tasks=[{"task_id": {"value": name}, "agent_id": offer["agent_id"]}])
    assert again.update(name)["state"] == "TASK_GONE"


def test_a_late_subscription_ends_the_newer_one(local):
    """A SUBSCRIBE that completes when its client has gone: the framework is disconnected then."""
    framework = lasting(local)
    local.fault("no_answer", call="SUBSCRIBE", act="later", act_after_ms=LATE)
    body = {"type": "SUBSCRIBE", "framework_id": framework.id,
            "subscribe": {"framework_info": {**framework.info, "id": framework.id}}}
    host, port = local.master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("POST", "/api/v1/scheduler", json.dumps(body), {"Content-Type": JSON, "Accept": JSON})
    until(lambda: local.state()["held"])
    newer = framework.again()
    connection.close()
    local.release()
    assert newer.wait("ERROR") == {"message": "Framework failed over"}
    assert newer.event() is None and newer.stream.ended == "end"
    until(lambda: local.state()["frameworks"][0]["state"] == "disconnected")
    assert newer.again().first["type"] == "SUBSCRIBED"


def test_a_subscription_without_an_answer(local):
    local.fault("no_answer", call="SUBSCRIBE", act="now")
    host, port = local.master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("POST", "/api/v1/scheduler", json.dumps({"type": "SUBSCRIBE", "subscribe": {
        "framework_info": info(failover_timeout=3600.0)}}), {"Content-Type": JSON, "Accept": JSON})
    until(lambda: local.state()["frameworks"])
    assert local.state()["frameworks"][0]["state"] == "disconnected"
    assert is_silent(connection)
    connection.close()


def test_rescind(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("rescind")
    assert framework.wait("RESCIND")["offer_id"] == offer["id"]
    framework.launch(offer, task(name, offer))
    status = framework.update(name)
    assert (status["state"], status["reason"]) == ("TASK_DROPPED", "REASON_INVALID_OFFERS")


@pytest.mark.parametrize("accept", [JSON, "application/x-protobuf"])
def test_unknown_event(local, accept):
    body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info(), "suppressed_roles": ["*"]}}
    stream = Stream(local.master, body, {"Content-Type": JSON, "Accept": accept})
    stream.record(), stream.record()                            # SUBSCRIBED, HEARTBEAT
    local.fault("unknown_event")
    record = stream.record()
    if accept == JSON:
        assert json.loads(record)["type"] == "NOVELTY"
    else:
        assert record == bytes.fromhex("08639a06050a036e6577")


def test_send_event(local):
    framework = Framework(local.master)
    event = {"type": "MESSAGE", "message": {"agent_id": {"value": "a"}, "executor_id": {"value": "e"}, "data": "aGk="}}
    assert local.fault("send_event", event=event) is None
    assert framework.wait("MESSAGE") == event["message"]


def test_stall(start):
    """Nothing is answered and nothing streamed for a while; then everything is."""
    local = start("--heartbeat", "0.05", "--agents", "0")
    framework = Framework(local.master)
    framework.wait("HEARTBEAT")
    started = time.monotonic()
    local.fault("stall", ms=1500)
    answers = []
    caller = threading.Thread(target=lambda: answers.append((framework.post("REVIVE")[0], time.monotonic())))
    caller.start()
    assert local.fault("unknown_event") is None                  # behind what was under way
    framework.wait("NOVELTY")
    assert time.monotonic() - started >= 1.5
    framework.wait("HEARTBEAT")
    caller.join(60)
    assert answers[0][0] == 202 and answers[0][1] - started >= 1.5


def test_release(local):
    """What is to come late comes now: calls in their order, answers, streams."""
    framework = Framework(local.master)
    local.fault("delay", call="SUPPRESS", ms=LATE)
    local.fault("delay", call="REVIVE", what="answer", ms=LATE)
    calls = []
    for kind in ("SUPPRESS", "REVIVE", "SUPPRESS"):
        calls.append(unanswered(framework, kind))
        until(lambda: local.state()["held"] == min(len(calls), 2))
    assert calls[2].getresponse().status == 202
    assert local.state()["frameworks"][0]["roles"] == [{"name": "*", "suppressed": True}]
    local.fault("stall", ms=LATE)
    calls[2:] = [unanswered(framework, "REVIVE")]
    until(lambda: local.state()["held"] == 3)
    assert all(is_silent(call) for call in calls)
    local.release()
    assert [call.getresponse().status for call in calls] == [202] * 3
    assert [call["type"] for call in local.state()["calls"]][-2:] == ["SUPPRESS", "REVIVE"]
    assert local.state()["held"] == 0
    local.fault("unknown_event")
    framework.wait("NOVELTY")


@pytest.mark.parametrize("fault, answered", [
    ({"name": "delay", "what": "call", "ms": 300}, True),
    ({"name": "no_answer", "act": "later", "act_after_ms": 300, "answer": True}, True),
    ({"name": "no_answer", "act": "later", "act_after_ms": 300}, False),
    ({"name": "double", "after_ms": 300}, True),
])
def test_a_late_call_that_meets_a_stall(local, fault, answered):
    """It waits once more, and what was said of its answer stays said."""
    framework = Framework(local.master)
    local.fault(**fault, call="SUPPRESS")
    connection = unanswered(framework, "SUPPRESS")
    local.fault("stall", ms=1500, only="calls")
    if answered:
        assert connection.getresponse().status == 202
    else:
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
    expected = 2 if fault["name"] == "double" else 1
    until(lambda: len(local.calls("SUPPRESS")) == expected)
    assert local.state()["frameworks"][0]["roles"] == [{"name": "*", "suppressed": True}]


@pytest.mark.parametrize("fault, status, acts", [
    ({"name": "answer", "status": 503}, 503, False),
    ({"name": "delay", "what": "answer", "ms": 300}, 202, True),
    ({"name": "no_answer", "act": "later", "act_after_ms": 300, "answer": True}, 202, True),
    ({"name": "no_answer", "act": "now"}, None, True),
    ({"name": "no_answer", "act": "never"}, None, False),
])
def test_a_stalled_call_that_meets_a_fault(local, fault, status, acts):
    framework = Framework(local.master)
    local.fault("stall", ms=LATE, only="calls")
    connection = unanswered(framework, "SUPPRESS")
    until(lambda: local.state()["held"])
    local.fault(**fault, call="SUPPRESS")
    local.release()
    if status is None:
        until(lambda: local.calls("SUPPRESS"))
        assert is_silent(connection)
    else:
        assert connection.getresponse().status == status
    assert local.state()["frameworks"][0]["roles"] == [{"name": "*", "suppressed": acts}]


def test_a_held_client_that_leaves(local):
    """Requests without an answer and clients that go away leave nothing: the server ends in order."""
    framework = Framework(local.master)
    local.fault("no_answer", act="never", count=0)
    local.fault("no_answer", call="KILL", act="later", act_after_ms=100000)
    connections = [unanswered(framework, "REVIVE") for _ in range(3)]
    connections[0].close()
    connections[1].sock.shutdown(socket.SHUT_WR)
    local.fault("clear")
    framework.call("REVIVE")
    local.fault("no_answer", call="KILL", act="later", act_after_ms=100000)
    held = unanswered(framework, "KILL", task_id={"value": "x"})
    assert local.stop() == 0
    held.close()
