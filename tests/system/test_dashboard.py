"""zmesos-dashboard: its JSON API and its events, with the real daemon behind it."""
from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator

import pytest
import zmesos
from dashboards import DASHBOARD, Dashboard, idle_listener
from following import SIMULATED, Load
from programs import PATIENCE, TOP, Cluster, wait_for

MANY = 20_000  # tasks that a page is taken of; 100,000 are as well, in more time


def small(client: zmesos.Client, command: str, task_id: str, **more: object) -> None:
    client.launch(command, id=task_id, cpus=0.1, mem=32, **more)


def test_tasks_are_there_and_found(cluster, start_dashboard):
    client = cluster.client()
    small(client, "exit 0", "before", labels={"batch": "7"})
    client.wait("before", timeout=PATIENCE)
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    small(client, "sleep 600", "now", labels={"batch": "8", "text": "<b>\u202e"})
    small(client, "exit 3", "fails", retry={"max_attempts": 2, "backoff": 0.1})
    client.launch("true", id="waits", cpus=1000, mem=32, name="for ever")
    dashboard.wait_state("now", "RUNNING")
    dashboard.wait_state("fails", "FAILED")
    dashboard.wait_state("waits", "QUEUED")
    found = wait_for(lambda: (lambda task: task if task["labels"] else None)(dashboard.get("/api/tasks/now")["task"]), "labels")
    agent = client.task("now").attempts[-1].hostname
    assert (found["labels"], found["hostname"], found["cpus"], found["over"]) == (["batch=8", "text=<b>\u202e"], agent, 0.1, False)

    def search(text: str, **more: object) -> list[str]:
        return [task["id"] for task in dashboard.tasks(q=text, order="id", **more)["tasks"]]
    assert search("batch=7") == ["before"] and search("label:batch") == ["before", "now"]
    assert search("for EVER") == ["waits"] and search("<B>") == ["now"]
    assert search('"status 3"') == ["fails"] and search(f"agent:{agent} state:running") == ["now"]
    assert search("", state=["RUNNING", "QUEUED"]) == ["now", "waits"]
    assert dashboard.status()["counts"] == {"FINISHED": 1, "RUNNING": 1, "FAILED": 1, "QUEUED": 1}


def test_a_task_has_its_history_and_why_it_waits(cluster, start_dashboard):
    client = cluster.client()
    small(client, "exit 3", "fails", retry={"max_attempts": 2, "backoff": 0.1}, env={"SECRET": "hunter2"})
    client.wait("fails", timeout=PATIENCE)
    client.launch("true", id="waits", cpus=1000, mem=32)
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    found = dashboard.task("fails")
    assert [(attempt["number"], attempt["state"]) for attempt in found["details"]["attempts"]] == [(1, "FAILED"), (2, "FAILED")]
    states = [step["state"] for step in found["steps"]]
    assert states[0] == "QUEUED" and states[-1] == "FAILED" and states.count("RUNNING") == 2 and states.count("QUEUED") == 2
    assert [event.topic.split("/")[2] for event in client.replay("TASK", "task/fails/")] == states
    times = [step["time_ms"] for step in found["steps"]]
    assert times == sorted(times) and found["steps_left_out"] == 0
    assert "3" in found["steps"][-1]["message"] and found["why"] is None
    assert found["details"]["asks"]["environment"] == ["SECRET"] and "hunter2" not in str(found)
    why = wait_for(lambda: (lambda why: why if why["offers"] else None)(dashboard.task("waits")["why"]), "offers")
    assert why["reasons"][0]["kind"] == "CPUS" and why["reasons"][0]["wanted"] == 1000 and "cpus" in why["reasons"][0]["message"]
    assert dashboard.ask("/api/tasks/nobody")[0] == 404


@pytest.mark.parametrize("task_id", ["a b", "50%", "a%2Fb", "ä?#&", "<img src=x onerror=alert(1)>", "\u202egnp", "'\"", "x" * 200])
def test_any_id_has_its_address(cluster, start_dashboard, task_id):
    client = cluster.client()
    client.launch("true", id=task_id, cpus=1000, mem=32)
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    assert dashboard.get(f"/api/tasks/{urllib.parse.quote(task_id, safe='')}")["task"]["id"] == task_id
    status, page, _ = dashboard.ask(f"/tasks/{urllib.parse.quote(task_id, safe='')}")
    assert status == 200 and task_id not in page
    assert [task["id"] for task in dashboard.tasks(q=f'id:"{task_id}"')["tasks"]] == [task_id]


def test_agents_are_there(cluster, start_dashboard, needs_local):
    client = cluster.client()
    client.launch("sleep 600", id="uses", cpus=1.5, mem=512)
    dashboard = start_dashboard(cluster)

    def look():
        agents = dashboard.get("/api/agents")["agents"]
        return agents if sum(agent["tasks"] for agent in agents) == 1 and all(agent["known"] for agent in agents) else None
    agents = wait_for(look, "an agent with a task")
    assert len(agents) == 2
    used = next(agent for agent in agents if agent["tasks"])
    assert (used["used"]["cpus"], used["used"]["mem"], used["known"]["cpus"]) == (1.5, 512, 4)
    assert "rack=r1" in used["attributes"]


def test_the_stream_misses_nothing(cluster, start_dashboard):
    client = cluster.client()
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    stream = dashboard.listen()
    assert stream.next("reset", "changes")[0] == "reset"
    ids = [f"t{number}" for number in range(10)]
    seen: dict[str, str] = {}

    def until_over() -> None:
        while sum(state == "FINISHED" for state in seen.values()) < len(ids):
            kind, data = stream.next("changes", "reset")
            assert kind == "changes" and data["count"] == len(data["tasks"])
            seen.update({task["id"]: task["state"] for task in data["tasks"]})
    for task_id in ids:
        small(client, "true", task_id)
    until_over()
    # Away for a while, and back: with what came meanwhile, and nothing twice.
    stream.close()
    ids += [f"u{number}" for number in range(3)]  # so few that all that is told of them is kept, however it is cut
    for task_id in ids[10:]:
        small(client, "true", task_id)
    client.wait(ids, timeout=PATIENCE)
    wait_for(lambda: dashboard.tasks(state="FINISHED")["total"] == len(ids), "all in the dashboard")
    again = dashboard.listen(stream.last_id)
    first = int(stream.last_id.split(".")[1])
    stream = again
    kind, data = stream.next("changes", "reset", "bucket")
    assert kind != "reset" and int(stream.last_id.split(".")[1]) == first + 1
    if kind == "changes":
        seen.update({task["id"]: task["state"] for task in data["tasks"]})
    until_over()
    stream.close()
    unknown = dashboard.listen("other.17")
    assert unknown.next("reset", "changes", "bucket")[0] == "reset"
    unknown.close()


def total(points: dict, name: str) -> int:
    return sum(points["ended"][name])


def test_a_restart_does_not_empty_the_chart(cluster, start_dashboard):
    client = cluster.client()
    dashboard = start_dashboard(cluster)
    for number in range(5):
        small(client, f"exit {number % 2}", f"t{number}")
    small(client, "sleep 600", "runs")
    client.wait([f"t{number}" for number in range(5)], timeout=PATIENCE)
    dashboard.wait_live()
    dashboard.wait_state("runs", "RUNNING")
    wait_for(lambda: len([state for state in dashboard.states().values() if state in ("FINISHED", "FAILED")]) == 5, "the ends")

    def charts() -> dict:
        return {span: dashboard.get(f"/api/history?span={span}") for span in ("10m", "3h", "2d", "30d")}
    before, steps = charts(), dashboard.get("/api/tasks/t1")["steps"]
    assert (total(before["10m"], "finished"), total(before["10m"], "failed")) == (3, 2)
    assert before["10m"]["alive"]["running"][-1] == 1
    dashboard.restart()
    dashboard.wait_live()
    after = charts()
    for span, points in after.items():
        assert (total(points, "finished"), total(points, "failed")) == (3, 2), span
        assert points["alive"]["running"][-1] == 1 and points["width"] * len(points["alive"]["running"]) in (600, 10800, 172800, 2592000)
    shift = (after["10m"]["first"] - before["10m"]["first"]) // 2
    assert before["10m"]["alive"]["running"][shift:-1] == after["10m"]["alive"]["running"][:len(before["10m"]["alive"]["running"]) - shift - 1]
    assert dashboard.get("/api/tasks/t1")["steps"] == steps


def test_the_daemon_goes_away_and_comes_back(cluster, start_dashboard):
    client = cluster.client(timeout=PATIENCE, attempts=20)
    dashboard = start_dashboard(cluster)
    small(client, "sleep 600", "runs")
    dashboard.wait_state("runs", "RUNNING")
    cluster.daemon.kill()
    wait_for(lambda: dashboard.status()["away"], "the dashboard to say that the daemon is away")
    found = dashboard.get("/api/tasks/runs")
    assert dashboard.states() == {"runs": "RUNNING"} and (found["details"], found["answered"]) == (None, False)
    dashboard.restart()  # and one that is started meanwhile waits
    assert dashboard.status()["phase"] == "waiting" and dashboard.status()["daemon"] is None
    assert dashboard.ask("/api/tasks/runs")[0] == 503
    cluster.daemon.start()
    client.kill("runs")
    small(client, "true", "later")
    client.wait(["runs", "later"], timeout=PATIENCE)
    dashboard.wait_live()
    wait_for(lambda: dashboard.states() == {"runs": "KILLED", "later": "FINISHED"}, "what came meanwhile")


def test_a_restored_daemon_is_read_anew(cluster, start_dashboard, tmp_path, needs_local):
    client = cluster.client(timeout=PATIENCE, attempts=20)
    small(client, "true", "kept")
    client.wait("kept", timeout=PATIENCE)
    client.backup(tmp_path / "copy.db")
    small(client, "true", "lost")
    client.wait("lost", timeout=PATIENCE)
    dashboard = start_dashboard(cluster)
    store = dashboard.wait_live()["daemon"]["store"]
    assert set(dashboard.states()) == {"kept", "lost"}
    # What was not acknowledged would be told to the restored daemon, which would adopt the task.
    wait_for(lambda: cluster.local.unacknowledged() == 0, "all updates to be acknowledged")
    cluster.daemon.set_back(tmp_path / "copy.db")
    wait_for(lambda: (dashboard.status()["daemon"] or {}).get("store") not in (None, store), "the other store")
    wait_for(lambda: set(dashboard.states()) == {"kept"}, "the tasks of the other store")
    small(client, "true", "lost")  # another task by that name
    dashboard.wait_state("lost", "FINISHED")


def test_what_the_daemon_forgets_goes(start_cluster, start_dashboard):
    cluster = start_cluster("--keep-tasks", "4")
    client = cluster.client()
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    for number in range(12):
        small(client, "true", f"t{number}")
    # Not by client.wait(): the first may be forgotten before the last is launched.
    wait_for(lambda: total(dashboard.get("/api/history"), "finished") == 12, "all to be over")
    wait_for(lambda: (kept := {task.id for task in client.tasks()}) == set(dashboard.states()) and len(kept) == 4,
             "the dashboard to forget")
    forgotten = next(f"t{number}" for number in range(12) if f"t{number}" not in dashboard.states())
    small(client, "exit 1", forgotten)
    dashboard.wait_state(forgotten, "FAILED")
    assert dashboard.get(f"/api/tasks/{forgotten}")["steps"][0]["state"] == "QUEUED"


def test_pages_of_many_tasks(start_cluster, start_dashboard):
    cluster = start_cluster()
    client = cluster.client(timeout=PATIENCE)
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    specs = [zmesos.task_spec("true", id=f"many-{number:06d}", cpus=1000, mem=32, labels={"n": str(number % 10)}) for number in range(MANY)]
    assert all(result.ok for result in client.launch_many(specs))
    wait_for(lambda: dashboard.tasks()["total"] == MANY, "all of them", 3 * PATIENCE)
    found: list[str] = []
    pages = MANY // 500
    for page in range(1, pages + 1):
        answer = dashboard.tasks(order="id", size=500, page=page)
        assert (answer["pages"], len(answer["tasks"])) == (pages, 500)
        found += [task["id"] for task in answer["tasks"]]
    assert found == [spec.id for spec in specs]
    assert dashboard.tasks(order="id", size=500, page=pages + 1)["tasks"] == []
    wait_for(lambda: dashboard.tasks(q="label:n=3")["total"] == MANY // 10, "their labels", 3 * PATIENCE)
    # Read from nothing, it comes to the same.
    dashboard.restart()
    wait_for(lambda: dashboard.status()["phase"] == "live", "the dashboard to be live", 3 * PATIENCE)
    assert dashboard.tasks(q="label:n=3")["total"] == MANY // 10 and dashboard.status()["counts"] == {"QUEUED": MANY}
    assert dashboard.get("/api/history")["alive"]["waiting"][-1] == MANY


def test_a_browser_that_does_not_read_holds_nothing_up(start_cluster, start_dashboard, needs_local):
    cluster = start_cluster(**SIMULATED)
    dashboard = start_dashboard(cluster, "--browsers-max", "2")
    dashboard.wait_live()
    idle = idle_listener(dashboard.port)
    try:
        assert idle.recv(15) == b"HTTP/1.1 200 OK"
        stream = dashboard.listen()
        third = dashboard.listen()
        assert third.status == 503
        third.close()
        stream.next("reset")
        load = Load(cluster, 2000)
        load.finish()
        ids = set(load.ids)
        wait_for(lambda: dashboard.tasks(state="FINISHED")["total"] == len(ids), "all tasks")
        _, status = stream.next("status")
        while status["counts"].get("FINISHED") != len(ids):
            _, status = stream.next("status")
        stream.close()
    finally:
        idle.close()
    wait_for(lambda: dashboard.listen().status == 200, "room for another")


def test_only_its_own_names_are_served(cluster, start_dashboard):
    dashboard = start_dashboard(cluster, "--allow-host", "Dash.example")
    for host in ("localhost", f"localhost:{dashboard.port}", "127.0.0.1:1", "[::1]", "192.0.2.7", "dash.example:80", "DASH.EXAMPLE.", socket.gethostname()):
        assert dashboard.ask("/api/status", headers={"Host": host})[0] == 200, host
    for host in ("", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil@localhost", "localhost/x", "localhost:x", "[::1", "dash.example.org"):
        for path in ("/", "/api/status", "/api/events", "/static/app.js"):
            status, body, _ = dashboard.ask(path, headers={"Host": host})
            assert status in (400, 421) and "token" not in str(body), (host, path)


def test_every_answer_says_what_a_browser_may_do(cluster, start_dashboard):
    dashboard = start_dashboard(cluster)
    for path in ("/", "/tasks/x", "/static/app.js", "/static/chart.js", "/static/none.js", "/api/status", "/api/nothing", "/nothing"):
        _, _, headers = dashboard.ask(path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy and headers["X-Content-Type-Options"] == "nosniff", path
        assert "Access-Control-Allow-Origin" not in headers
    status, _, headers = dashboard.ask("/static/style.css")
    assert status == 200 and dashboard.ask("/static/style.css", headers={"If-None-Match": headers["ETag"]})[0] == 304
    for path in ("/static/../main.py", "/static/..%2fmain.py", "/static/%2e%2e/main.py", "/static/"):
        assert dashboard.ask(path)[0] == 404, path


def test_kills_are_off_unless_allowed(cluster, start_dashboard):
    client = cluster.client()
    small(client, "sleep 600", "t")
    plain, allowing = start_dashboard(cluster), start_dashboard(cluster, "--allow-kill")
    allowing.wait_live()
    assert plain.status()["dashboard"]["allow_kill"] is False and "token" not in plain.status()["dashboard"]
    token = allowing.status()["dashboard"]["token"]
    own = {"X-Zmesos-Token": token}
    here = f"127.0.0.1:{allowing.port}"
    assert plain.ask("/api/tasks/t/kill", "POST", own)[0] == 403
    for headers in ({}, {"X-Zmesos-Token": "x"}, {**own, "Origin": "http://evil.example"}, {**own, "Origin": "null"},
                    {**own, "Origin": f"http://{here}1"}, {**own, "Sec-Fetch-Site": "cross-site"}, {**own, "Sec-Fetch-Site": "same-site"}):
        status, body, _ = allowing.ask("/api/tasks/t/kill", "POST", headers)
        assert status == 403 and body["error"].startswith("refused"), headers
    assert allowing.ask("/api/tasks/t/kill", "GET", own)[0] in (404, 405)
    assert allowing.ask("/api/tasks/nobody/kill", "POST", own)[0] == 404
    assert not client.task("t").kill_requested
    status, body, _ = allowing.ask("/api/tasks/t/kill", "POST", {**own, "Origin": f"http://{here}", "Host": here, "Sec-Fetch-Site": "same-origin"})
    assert (status, body) == (200, {"id": "t", "code": "OK"})
    allowing.wait_state("t", "KILLED")
    plain.wait_state("t", "KILLED")


@pytest.mark.parametrize("path, field", [
    ("/api/tasks?page=0", "page"), ("/api/tasks?page=x", "page"), ("/api/tasks?page=-1", "page"), ("/api/tasks?page=1000001", "page"),
    ("/api/tasks?size=501", "size"), ("/api/tasks?size=0", "size"), ("/api/tasks?size=%D9%A3", "size"), ("/api/tasks?order=age", "order"),
    ("/api/tasks?state=BUSY", "state"), ("/api/tasks?state=", "state"), ("/api/tasks?query=x", "query"), ("/api/tasks?q=" + "x" * 501, "q"),
    ("/api/history?span=1y", "span"), ("/api/status?x=1", "x"), ("/api/tasks/" + "x" * 201, "id"), ("/api/events?since=1", "since"),
])
def test_a_bad_parameter_is_named(bad_input_dashboard, path, field):
    status, body, _ = bad_input_dashboard.ask(path)
    assert (status, body["field"]) == (400, field) and body["error"]


@pytest.mark.parametrize("path", ["/api/tasks?size=500&page=1000000", "/api/tasks?q=" + "x" * 500, "/api/tasks?state=running", "/api/history?span=30d"])
def test_a_parameter_at_its_limit_is_taken(bad_input_dashboard, path):
    assert bad_input_dashboard.ask(path)[0] == 200


def test_other_methods_and_broken_requests_are_refused(bad_input_dashboard):
    assert bad_input_dashboard.ask("/api/tasks", "DELETE")[0] in (404, 405)
    assert bad_input_dashboard.ask("/api/tasks/%FF")[0] in (400, 404)
    assert bad_input_dashboard.ask("/api/tasks?q=%FF%FE")[0] == 200
    with socket.create_connection(("127.0.0.1", bad_input_dashboard.port), PATIENCE) as connection:
        with contextlib.suppress(ConnectionError):  # it is refused before it is there whole
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
        assert b" 400 " in connection.recv(100)
    assert bad_input_dashboard.ask("/api/status")[0] == 200


@pytest.fixture(scope="module")
def bad_input_dashboard(tmp_path_factory) -> Iterator[Dashboard]:
    directory = tmp_path_factory.mktemp("bad-input")
    cluster = Cluster(directory)
    try:
        dashboard = Dashboard(directory, cluster)
        try:
            dashboard.wait_live()
            yield dashboard
        finally:
            dashboard.stop()
    finally:
        cluster.close()


def webui_url(cluster: Cluster) -> str | None:
    (framework,) = cluster.local.state()["frameworks"]
    return framework["framework_info"].get("webui_url")


def test_the_master_is_told_its_address(cluster, start_dashboard, needs_local):
    dashboard = start_dashboard(cluster, "--announce")
    wait_for(lambda: webui_url(cluster) == f"{dashboard.url}/", "its address at the master")
    other = start_dashboard(cluster, "--announce", "https://dash.example/zmesos")
    wait_for(lambda: webui_url(cluster) == "https://dash.example/zmesos", "the address that was named")
    other.stop()
    cluster.restart()  # it says so again to each run of the daemon
    wait_for(lambda: webui_url(cluster) == f"{dashboard.url}/", "its address at the master again")


def run(*arguments: str) -> subprocess.CompletedProcess:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ZMESOS_")}
    return subprocess.run([DASHBOARD, *arguments], env=mine, capture_output=True, text=True, timeout=PATIENCE)


def test_a_bad_command_line_is_refused_with_a_sentence():
    for arguments, word in ((["--port", "65536"], "65535"), (["--port", "x"], "65535"), (["--tasks-max", "0"], "10000000"),
                            (["--control", "tcp://127.0.0.1:1"], "--events"), (["--what"], "--what"), (["--browsers-max", "-1"], "10000000"),
                            (["--control", "nonsense", "--events", "tcp://127.0.0.1:1"], "nonsense")):
        done = run(*arguments)
        assert done.returncode in (1, 2) and word in done.stderr and "Traceback" not in done.stderr, (arguments, done)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--control", "tcp://127.0.0.1:1", "--events", "tcp://127.0.0.1:1")
    assert done.returncode == 2 and f"127.0.0.1:{port}" in done.stderr and "Traceback" not in done.stderr


def test_each_flag_is_documented():
    shown = run("--help").stdout
    page = (TOP / "docs" / "dashboard.md").read_text(encoding="utf-8")
    flags = set(re.findall(r"--[a-z-]+", shown)) - {"--help"}
    assert len(flags) >= 11 and all(f"`{flag}" in page for flag in flags), flags
