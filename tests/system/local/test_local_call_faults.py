"""Calls that are delayed, doubled, refused for a while, or let pass first."""
import http.client
import json
import os
import pathlib
import threading
import time

from local_program import LATE, until
from local_scheduler import JSON, PATH, Framework, fresh, info, is_silent, lasting, post, task, unanswered


def launch_of(offer, *names, command="true"):
    return {"offer_ids": [offer["id"]], "operations": [
        {"type": "LAUNCH", "launch": {"task_infos": [task(name, offer, command)]}} for name in names]}


def in_background(framework, kind, **fields):
    """Send a call; its answer and when it came are in the list once the thread has ended."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append((framework.post(kind, **fields)[0], time.monotonic())))
    thread.start()
    return thread, answers


def test_a_delayed_call_acts_late(local):
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("delay", call="ACCEPT", ms=700)
    sent = time.monotonic()
    thread, answers = in_background(framework, "ACCEPT", **launch_of(offer, name))
    assert framework.states(name, "TASK_FINISHED") == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
    assert time.monotonic() - sent >= 0.7
    thread.join(60)
    assert answers[0][0] == 202 and answers[0][1] - sent >= 0.7
    framework.call("REVIVE")                                     # one call alone was delayed


def test_a_delayed_call_keeps_its_place_on_the_connection(local):
    """What comes behind it on the same connection waits."""
    framework = lasting(local)
    offer, name = framework.offer(), fresh()
    local.fault("delay", call="ACCEPT", ms=500)
    host, port = local.master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.connect()
    data = b""
    for kind, fields in (("ACCEPT", launch_of(offer, name, command="sleep 1000")),
                         ("RECONCILE", {"tasks": [{"task_id": {"value": name}, "agent_id": offer["agent_id"]}]})):
        body = json.dumps({"type": kind, "framework_id": framework.id, kind.lower(): fields}).encode()
        data += (f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nMesos-Stream-Id: {framework.stream_id}\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    connection.sock.sendall(data)
    status = framework.wait("UPDATE", lambda body: "REASON_RECONCILIATION" == body["status"].get("reason"))["status"]
    assert status["state"] in ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING")       # and not TASK_GONE
    connection.close()


def test_a_delayed_answer(local):
    """The update of a task comes before the 202 of its ACCEPT."""
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("delay", call="ACCEPT", what="answer", ms=LATE)
    thread, answers = in_background(framework, "ACCEPT", **launch_of(offer, name))
    framework.update(name, "TASK_FINISHED")
    assert not answers
    local.release(held=1)
    thread.join(60)
    assert answers[0][0] == 202


def test_a_delayed_answer_to_a_subscription(local):
    """It counts from the start, and its events are all there when the answer comes."""
    local.fault("delay", call="SUBSCRIBE", what="answer", ms=LATE)
    began = []
    thread = threading.Thread(target=lambda: began.append(lasting(local)))
    thread.start()
    until(lambda: local.state()["frameworks"])
    assert local.state()["frameworks"][0]["state"] == "subscribed" and not began
    until(lambda: local.state()["frameworks"][0]["offers"])
    local.release(held=1)
    thread.join(60)
    framework, = began
    assert framework.first["type"] == "SUBSCRIBED"
    framework.offer()
    framework.close()
    until(lambda: local.state()["frameworks"][0]["state"] == "disconnected")
    assert local.stop() == 0 and local.errors == ""


def test_a_client_that_leaves_while_its_subscription_is_not_answered(local):
    local.fault("delay", call="SUBSCRIBE", what="answer", ms=LATE)
    host, port = local.master.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("POST", PATH, json.dumps({"type": "SUBSCRIBE", "subscribe": {
        "framework_info": info(failover_timeout=3600.0)}}), {"Content-Type": JSON, "Accept": JSON})
    until(lambda: local.state()["frameworks"])
    connection.close()
    until(lambda: local.state()["frameworks"][0]["state"] == "disconnected")
    local.fault("clear")
    assert local.stop() == 0


def test_a_doubled_accept(local):
    """The second is DROPPED while the task of the first runs, and nobody but the stream tells."""
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("double", call="ACCEPT")
    framework.call("ACCEPT", **launch_of(offer, name, command="sleep 1000"))
    statuses = [framework.update(name) for _ in range(3)]
    assert sorted(status["state"] for status in statuses) == ["TASK_DROPPED", "TASK_RUNNING", "TASK_STARTING"]
    dropped = next(status for status in statuses if status["state"] == "TASK_DROPPED")
    assert (dropped["reason"], dropped["source"]) == ("REASON_INVALID_OFFERS", "SOURCE_MASTER") and "uuid" not in dropped
    assert [call["status"] for call in local.calls("ACCEPT")] == [202, 202]
    assert [entry["id"] for entry in local.state()["tasks"]] == [name]
    framework.call("REVIVE")
    assert len(local.calls("REVIVE")) == 1


def test_a_call_doubled_later_meets_the_rules_of_then(local):
    """Its stream is not the current one any more: nothing comes of it."""
    framework = lasting(local)
    local.fault("double", call="SUPPRESS", after_ms=LATE)
    framework.call("SUPPRESS")
    again = framework.again()
    local.release(held=1)
    until(lambda: len(local.calls("SUPPRESS")) == 2)
    assert [call["status"] for call in local.calls("SUPPRESS")] == [202, 400]
    assert local.state()["frameworks"][0]["roles"] == [{"name": "*", "suppressed": False}]
    again.call("REVIVE")


def test_calls_doubled_later_are_not_kept(start):
    freed_at_once = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    local = start("--agents", "0", env={**os.environ, "ASAN_OPTIONS": freed_at_once})
    framework = Framework(local.master)
    big = {"agent_id": {"value": "a" * 6_000_000}, "task_id": {"value": "t"}, "uuid": "A" * 21 + "Q=="}

    def resident():
        return int(pathlib.Path(f"/proc/{local.worker()}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def doubled(count):
        done = len(local.calls("ACKNOWLEDGE"))
        local.fault("double", call="ACKNOWLEDGE", count=count, after_ms=1)
        for _ in range(count):
            framework.call("ACKNOWLEDGE", **big)
        until(lambda: len(local.calls("ACKNOWLEDGE")) == done + 2 * count)
        return resident()

    before = doubled(3)
    assert doubled(15) - before < 45_000_000


def test_a_doubled_subscription_ends_itself(local):
    framework = lasting(local)
    local.fault("double", call="SUBSCRIBE")
    again = framework.again()
    assert again.first["type"] == "SUBSCRIBED"
    assert again.wait("ERROR") == {"message": "Framework failed over"}
    until(lambda: local.state()["frameworks"][0]["state"] == "disconnected")


def test_refused_for_a_while(local):
    framework = Framework(local.master)
    began = time.monotonic()
    local.fault("answer", status=401, for_ms=600)
    while framework.post("REVIVE")[0] == 401:
        assert time.monotonic() - began < 60
        time.sleep(0.01)
    assert time.monotonic() - began >= 0.6 and len(local.calls("REVIVE")) == 1
    framework.call("REVIVE")


def test_redirected_for_a_while(local):
    began = time.monotonic()
    local.fault("redirect", to="127.0.0.1:5051", for_ms=600)
    while post(local.master, {})[0] == 307:
        assert time.monotonic() - began < 60
        time.sleep(0.01)
    assert time.monotonic() - began >= 0.6


def test_some_pass_first(local):
    framework = Framework(local.master)
    local.fault("answer", status=503, call="REVIVE", skip=2, count=2)
    assert [framework.post("REVIVE")[0] for _ in range(6)] == [202, 202, 503, 503, 202, 202]


def test_lost_acknowledgements(local):
    """202, and the agent has not heard of it: it goes on to hold its later updates back."""
    framework = Framework(local.master)
    offer, name = framework.offer(), fresh()
    local.fault("answer", status=202, call="ACKNOWLEDGE", count=1)
    framework.call("ACCEPT", **launch_of(offer, name))
    assert framework.update(name)["state"] == "TASK_STARTING"
    until(lambda: local.state()["tasks"][0]["unacknowledged"] == 3)
    assert local.fault("repeat_updates") is None
    assert framework.states(name, "TASK_FINISHED") == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]


def test_stalled_streams_alone(start):
    local = start("--heartbeat", "0.05", "--agents", "0")
    framework = Framework(local.master)
    framework.wait("HEARTBEAT")
    local.fault("stall", ms=LATE, only="streams")
    framework.call("REVIVE")
    framework.call("RECONCILE", tasks=[{"task_id": {"value": "stalled"}}])
    while framework.event(timeout=0.3):                          # what was under way
        assert framework.seen[-1]["type"] == "HEARTBEAT"
    local.release()
    framework.update("stalled")
    framework.wait("HEARTBEAT")


def test_stalled_calls_alone(start):
    local = start("--heartbeat", "0.05", "--agents", "0")
    framework = Framework(local.master)
    local.fault("stall", ms=LATE, only="calls")
    connection = unanswered(framework, "REVIVE")
    for _ in range(5):
        framework.wait("HEARTBEAT")
    assert is_silent(connection)
    local.release(held=1)
    assert connection.getresponse().status == 202


def test_the_state_with_fewer_calls(local):
    framework = Framework(local.master)
    for _ in range(5):
        framework.call("REVIVE")
    numbers = [[call["number"] for call in json.loads(local._request(f"/local/state{query}"))["calls"]]
               for query in ("", "?calls=2", "?calls=0", "?calls=-1", "?calls=10001")]
    assert numbers == [[1, 2, 3, 4, 5, 6], [5, 6], [], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]
