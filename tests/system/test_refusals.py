"""Refusals: what the daemon does when the master says no, for a while or for good."""
from __future__ import annotations

import http.client
import http.server
import json
import queue
import socket
import threading

import pytest

import zmesos
from programs import LATE, PATIENCE, wait_for

pytestmark = pytest.mark.usefixtures("needs_local")

LOST = 1000


def subscriptions(cluster):
    """The SUBSCRIBEs that came, with what they were answered."""
    return cluster.local.call_log("SUBSCRIBE")


def running(client, name):
    wait_for(lambda: zmesos.state_name(client.task(name).state) == "RUNNING", f"{name} to run")


# ---- Framework has been removed ----------------------------------------------------------------------------------------

def test_removed_stops_with_one_line(cluster):
    framework = cluster.status().framework_id
    cluster.teardown()
    assert cluster.daemon.ended() == 3
    lines = cluster.daemon.log_lines("Framework has been removed")
    assert len(lines) == 1 and " error mesos: stopping: " in lines[0] and framework in lines[0]
    assert cluster.daemon.log_text().splitlines()[-1] == lines[0]
    cluster.daemon.start()  # and each time again
    assert cluster.daemon.ended() == 3


def test_removed_and_begun_again(start_cluster):
    """Live tasks are lost, those that wait go on waiting and run, those that are over stay as they are."""
    cluster = start_cluster("--on-removed", "begin-again")
    with cluster.client(timeout=30.0) as client:
        client.launch("true", id="ended", cpus=0.1, mem=32)
        client.wait("ended", timeout=60)
        client.launch("sleep 600", id="runs", cpus=0.1, mem=32)
        running(client, "runs")
        client.launch("true", id="waits", cpus=100000, mem=32)
        old = cluster.status()
        events = cluster.subscribe("task/runs/")
        cluster.teardown()
        new = wait_for(lambda: (lambda s: s if s.framework_id != old.framework_id else None)(cluster.status()), "a new id")
        cluster.wait_subscribed()
        states = {task.id: zmesos.state_name(task.state) for task in client.tasks()}
        assert states == {"ended": "FINISHED", "runs": "LOST", "waits": "QUEUED"}
        event = events.recv(timeout=30)
        assert zmesos.state_name(event.task.state) == "LOST" and "removed" in event.task.message
        client.launch("true", id="next", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("next", timeout=60).state) == "FINISHED"
        assert new.store == old.store and new.run == old.run
    assert [f["id"] for f in cluster.local.state()["frameworks"] if f["state"] == "subscribed"] == [new.framework_id]
    cluster.restart(kill=True)
    assert cluster.wait_subscribed().framework_id == new.framework_id
    lines = cluster.daemon.log_lines("Framework has been removed")
    assert len(lines) == 1 and old.framework_id in lines[0] and new.framework_id in lines[0]


def test_removed_while_away_and_begun_again(start_cluster):
    cluster = start_cluster("--on-removed", "begin-again")
    with cluster.client(timeout=30.0) as client:
        client.launch("sleep 600", id="runs", cpus=0.1, mem=32)
        running(client, "runs")
        old = client.status().framework_id
        cluster.daemon.kill()
        cluster.teardown(old)
        cluster.daemon.start()
        wait_for(lambda: client.status().framework_id != old, "a new id")
        cluster.wait_subscribed()
        assert zmesos.state_name(client.task("runs").state) == "LOST"


def test_the_new_id_is_on_disk_before_the_master_hears_of_it(start_cluster):
    """And so is that everything that lived is lost: it is one commit."""
    cluster = start_cluster("--on-removed", "begin-again", local_flags=("--simulate",), local={
        "agents": "4", "resources": "cpus:1000;mem:1000000;disk:1000000", "allocation_interval": "0.1"})
    with cluster.client(timeout=60.0) as client:
        client.launch_many([zmesos.task_spec("true", id=f"t{n}", cpus=0.1, mem=1, labels={"simulate_outcome": "never"})
                            for n in range(LOST)])
        wait_for(lambda: {zmesos.state_name(c.state): c.tasks for c in client.status().counts} == {"RUNNING": LOST},
                 "all to run")
    old = cluster.status().framework_id
    cluster.teardown()

    def heard():
        frameworks = [f["id"] for f in cluster.local.state()["frameworks"] if f["state"] == "subscribed"]
        return frameworks[0] if frameworks and frameworks[0] != old else None
    new = wait_for(heard, "the master to hear of a new framework")
    cluster.daemon.kill()
    cluster.daemon.start()
    status = cluster.wait_subscribed()
    assert status.framework_id == new
    assert {zmesos.state_name(count.state): count.tasks for count in status.counts} == {"LOST": LOST}


# ---- Framework failed over ---------------------------------------------------------------------------------------------

class LateRelay:
    """Between a daemon and its master: keeps one request back, as a network may, and lets it through when it is told."""

    def __init__(self, master):
        host, port = master.rsplit(":", 1)
        self.master, self.holding, self.kept = (host, int(port)), False, queue.Queue()
        self.open, self.threads = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.run(self.accept)

    def run(self, what, *arguments):
        self.threads.append(threading.Thread(target=what, args=arguments, daemon=True))
        self.threads[-1].start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            self.open.append(client)
            if self.holding:
                self.keep(client)
                continue
            server = socket.create_connection(self.master)
            self.open.append(server)
            self.run(self.pump, client, server)
            self.run(self.pump, server, client)

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # either side has gone: so has the other then
        finally:
            source.close()

    def keep(self, client):
        """The whole request, and no answer; the connection breaks. A SUBSCRIBE alone: a daemon that was killed may have left
        another call here."""
        request = b""
        try:
            with client, client.makefile("rb") as stream:
                while line := stream.readline():
                    request += line
                    if line.lower().startswith(b"content-length"):
                        length = int(line.split(b":")[1])
                    if line == b"\r\n":
                        body = stream.read(length)
                        call = zmesos.scheduler.Call.FromString(body if len(body) == length else b"")
                        if call.type == zmesos.scheduler.Call.SUBSCRIBE:
                            self.holding = False
                            self.kept.put(request + body)
                        return
        except OSError:
            pass  # it was reset

    def arrive(self, request):
        late = socket.create_connection(self.master)
        self.open.append(late)
        late.sendall(request)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        for open_socket in [self.listener, *self.open]:
            open_socket.close()


@pytest.fixture
def relay(cluster):
    made = LateRelay(cluster.master)
    yield made
    made.close()


REPLACED = "another subscription took our place"


def test_a_late_subscribe_of_our_own_is_outlived(relay, start_daemon):
    """The connection of a SUBSCRIBE breaks; the master hears it when the next one stands already. Only so often."""
    relay.holding = True
    daemon = start_daemon(relay.address)
    request = relay.kept.get(timeout=60)
    daemon.wait_subscribed()
    relay.arrive(request)
    wait_for(lambda: daemon.log_lines(REPLACED), "the late SUBSCRIBE")
    daemon.wait_subscribed()
    with daemon.client() as client:
        client.launch("true", id="t", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"
    relay.arrive(request)
    assert daemon.ended() == 3
    assert len(daemon.log_lines(REPLACED)) == 1 and len(daemon.log_lines("Framework failed over")) == 1


def test_a_late_subscribe_of_the_run_before_is_outlived(relay, start_daemon):
    """That run was ended by kill -9 with its SUBSCRIBE on the way."""
    daemon = start_daemon(relay.address)
    daemon.wait_subscribed()
    daemon.kill()
    relay.holding = True
    daemon.start()
    request = relay.kept.get(timeout=60)
    daemon.kill()
    daemon.start()
    daemon.wait_subscribed()
    for late in range(1, 3):  # two runs were ended lately, and each may have left one
        relay.arrive(request)
        wait_for(lambda: len(daemon.log_lines(REPLACED)) == late, "the late SUBSCRIBE")
        daemon.wait_subscribed()
    relay.arrive(request)
    assert daemon.ended() == 3


def test_a_first_run_that_is_replaced_stops_at_once(cluster, start_daemon, tmp_path):
    """All its SUBSCRIBEs are accounted for: it is a rival, and there is no fight."""
    with cluster.client() as client:
        client.backup(tmp_path / "copy")
    rival = start_daemon(cluster.master, state=tmp_path / "copy")
    assert cluster.daemon.ended() == 3
    assert len(cluster.daemon.log_lines("Framework failed over")) == 1
    assert " error mesos: stopping: " in cluster.daemon.log_lines("Framework failed over")[0]
    assert rival.wait_subscribed().framework_id
    assert len(subscriptions(cluster)) == 2 and rival.running


def test_a_call_that_hears_of_a_rival_before_the_stream_does(cluster):
    """Its refusal names another stream: that is no lost connection, and there is no fight."""
    cluster.local.fault("stall", ms=LATE, only="streams")
    host, port = cluster.master.rsplit(":", 1)
    rival = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    own = {"value": cluster.status().framework_id}
    rival.request("POST", "/api/v1/scheduler", json.dumps({"type": "SUBSCRIBE", "framework_id": own, "subscribe": {
        "framework_info": {"user": "root", "name": "rival", "id": own, "failover_timeout": 60.0}}}),
        {"Content-Type": "application/json", "Accept": "application/json"})
    try:
        wait_for(lambda: len(subscriptions(cluster)) == 2, "the rival to subscribe")
        with cluster.client() as client:
            client.reconcile()
        assert cluster.daemon.ended() == 3
        assert len(subscriptions(cluster)) == 2
        assert " error mesos: stopping: " in cluster.daemon.log_lines("Framework failed over")[0]
    finally:
        rival.close()


def test_two_daemons_on_copies_do_not_fight(cluster, start_daemon):
    """Each may have had a SUBSCRIBE under way when its run before ended, and tries once more; the last one wins."""
    cluster.daemon.stop()
    copy = start_daemon(cluster.master, state=cluster.daemon.state_dir, start=False)
    cluster.daemon.start()
    cluster.wait_subscribed()
    copy.start()
    assert cluster.daemon.ended() == 3
    assert copy.wait_subscribed().framework_id
    assert len(cluster.daemon.log_lines("another subscription took our place")) == 1
    assert len(copy.log_lines("another subscription took our place")) == 1
    assert len(subscriptions(cluster)) == 5  # the first run's, then two of each
    assert copy.running


# ---- refusals that may pass --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, text, state, words", [
    (401, "", "REFUSED", "401"),
    (400, "Failed to validate scheduler::Call: the role is not taken here", "REFUSED", "the role is not taken here"),
    (403, "User 'nobody' is not allowed to run a framework", "REFUSED", "User 'nobody' is not allowed"),
    (503, "Master has not finished recovery", "DISCONNECTED", "Master has not finished recovery"),
], ids=["401", "400", "403", "503"])
def test_a_refused_subscribe_is_told_once_and_tried_until_it_is_taken(cluster, status, text, state, words):
    events = cluster.subscribe("zmesos/MASTER")
    cluster.local.fault("answer", call="SUBSCRIBE", status=status, text=text, count=0)
    cluster.local.fault("drop_stream")
    refused = cluster.daemon.wait_subscription(state)
    assert words in wait_for(lambda: (lambda s: s if words in s.message else None)(cluster.status()), words).message
    told = next(event.status for event in events.within(30) if words in event.status.message)
    assert told.subscription == refused.subscription and not told.master
    wait_for(lambda: len(subscriptions(cluster)) >= 5, "it to be tried again")
    assert len(cluster.daemon.log_lines("no subscription: ", words)) == 1
    cluster.local.fault("clear")
    status = cluster.wait_subscribed()
    assert status.master == cluster.master and not status.message


def test_401_on_a_call(cluster):
    with cluster.client() as client:
        cluster.local.fault("answer", call="ACCEPT", status=401)
        client.launch("true", id="t", cpus=0.1, mem=32)
        task = client.wait("t", timeout=60)
        assert zmesos.state_name(task.state) == "FINISHED"
        assert [attempt.message for attempt in task.attempts][0] == "the ACCEPT was not sent"
    assert len(cluster.daemon.log_lines("subscription lost: ", "401", "the credential does not fit")) == 1


def test_a_framework_of_another_principal(start_cluster, tmp_path):
    """The SUBSCRIBE is taken, since Mesos never changes the principal of a framework, and each call is refused."""
    (tmp_path / "credentials").write_text("first word\nsecond word\n")
    (tmp_path / "first").write_text("first word\n")
    (tmp_path / "second").write_text("second word\n")
    cluster = start_cluster("--credential", str(tmp_path / "first"), local={"credentials": str(tmp_path / "credentials")})
    with cluster.client(timeout=30.0) as client:
        client.launch("sleep 600", id="t", cpus=0.1, mem=32)
        running(client, "t")
        cluster.daemon.flags = ["--credential", str(tmp_path / "second")]
        cluster.restart()
        cluster.daemon.wait_subscription("REFUSED")
        wait_for(lambda: len(subscriptions(cluster)) >= 4, "it to be tried again")
        assert len(cluster.daemon.log_lines("subscription lost: ", "Authenticated principal 'second'")) == 1
        cluster.daemon.flags = ["--credential", str(tmp_path / "first")]
        cluster.restart()
        cluster.wait_subscribed()
        client.kill("t")
        client.wait("t", timeout=60)


class SaysError:
    """Answers each SUBSCRIBE with 200 and an ERROR, as Mesos does to a role or a user that is not authorized; later sends
    who asks to the real master."""

    def __init__(self, words, leader):
        event = zmesos.scheduler.Event(type="ERROR", error={"message": words}).SerializeToString()
        record = str(len(event)).encode() + b"\n" + event
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                if outer.passing:
                    self.send_response(307)
                    self.send_header("Location", f"//{leader}/api/v1/scheduler")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Mesos-Stream-Id", "x")
                self.send_header("Content-Length", str(len(record)))
                self.end_headers()
                self.wfile.write(record)

            def log_message(self, *words):
                pass
        self.asked, self.passing = 0, False
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def test_an_error_in_place_of_subscribed(cluster, start_daemon):
    words = "Not authorized to use roles '{ batch }'"
    master = SaysError(words, cluster.master)
    try:
        daemon = start_daemon(master.address)
        status = daemon.wait_subscription("REFUSED")
        assert status.message == words
        wait_for(lambda: master.asked >= 4, "it to be tried again")
        assert len(daemon.log_lines("no subscription: ", words)) == 1
        master.passing = True
        assert daemon.wait_subscribed().master == cluster.master
    finally:
        master.close()


def test_each_of_several_masters_is_told_once(cluster, start_daemon):
    """Nobody listens at two of them; the third has no leader."""
    cluster.local.fault("answer", call="SUBSCRIBE", status=503, text="No leader elected", count=0)
    daemon = start_daemon(f"127.0.0.1:1,127.0.0.1:2,{cluster.master}")
    wait_for(lambda: len(subscriptions(cluster)) >= 3, "two rounds")  # and the cluster's own
    lines = daemon.log_lines("no subscription: ")
    assert [sum(place in line for line in lines) for place in ("127.0.0.1:1:", "127.0.0.1:2:", "No leader")] == [1, 1, 1]
    assert len(lines) == 3
