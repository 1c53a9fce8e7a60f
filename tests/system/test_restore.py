"""Backups: made while the daemon works, started elsewhere as a restored store, which holds back what it cannot know."""
import os
import shutil
import signal
import sqlite3
import tempfile
import threading

import pytest

import zmesos
from programs import wait_for

KEYS_JUMP = 1 << 32  # left to the history that the backup does not know


def running(client, name):
    wait_for(lambda: zmesos.state_name(client.task(name).state) == "RUNNING", f"{name} to run")


def key_of(attempt):
    return int(attempt.mesos_task_id.rsplit(".", 2)[1])


def meta(database):
    """The meta values, read from a copy: what a daemon left is not touched."""
    with tempfile.TemporaryDirectory() as directory:
        for name in (database.name, database.name + "-wal"):
            if (database.parent / name).exists():
                shutil.copy(database.parent / name, directory)
        connection = sqlite3.connect(f"{directory}/{database.name}")
        try:
            return dict(connection.execute("SELECT name, value FROM meta"))
        finally:
            connection.close()


@pytest.fixture
def backup(tmp_path):
    return tmp_path / "backup.db"


def move(cluster, start_daemon, backup, *flags):
    """The cluster's daemon ends as if by a lost machine; what the backup has goes on in its place."""
    cluster.daemon.kill()
    daemon = start_daemon(cluster.master, *flags, state=backup, name="restored")
    cluster.daemon = daemon
    return daemon


# ---- making one --------------------------------------------------------------------------------------------------------

def test_a_backup_under_load(cluster, backup):
    """It has all that was acknowledged before it was asked for; work goes on meanwhile."""
    acknowledged, stop, failed = [], threading.Event(), []

    def load():
        try:
            with cluster.client(timeout=30.0) as client:
                while not stop.is_set():
                    specs = [zmesos.task_spec("true", id=f"load{len(acknowledged) + n}", cpus=100000, mem=32)
                             for n in range(100)]
                    acknowledged.extend(result.id for result in client.launch_many(specs) if result.ok)
        except zmesos.ZmesosError as error:
            failed.append(error)
    thread = threading.Thread(target=load)
    thread.start()
    try:
        wait_for(lambda: len(acknowledged) >= 2000 or failed, "some load")
        with cluster.client(timeout=60.0) as client:
            before = len(acknowledged)
            done = client.backup(backup)
            after = len(acknowledged)
    finally:
        stop.set()
        thread.join()
    assert not failed
    assert done.path == str(backup) and done.bytes == backup.stat().st_size
    assert backup.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(f"file:{backup}?immutable=1", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = {row[0] for row in connection.execute("SELECT id FROM task")}
    assert set(acknowledged[:before]) <= kept
    assert before <= after  # launches were answered meanwhile or the copy was too quick for them: both are well
    assert meta(backup)["backup"] == "1"
    assert os.listdir(backup.parent).count(backup.name) == 1
    assert not [name for name in os.listdir(backup.parent) if ".part-" in name]


def test_what_cannot_be_a_backup(cluster, backup, tmp_path):
    with cluster.client() as client:
        client.backup(backup)
        size = backup.stat().st_size
        for path, error in [("relative/copy.db", zmesos.Invalid), ("", zmesos.Invalid), ("/" + "x" * 4096, zmesos.Invalid),
                            (backup, zmesos.Conflict), (tmp_path / "missing" / "copy.db", zmesos.Unavailable),
                            ("/" + "x/" * 2047 + "x", zmesos.Unavailable)]:
            with pytest.raises(error) as refusal:
                client.backup(path)
            if error is not zmesos.Unavailable:
                assert refusal.value.field == "backup.path"
        assert backup.stat().st_size == size
        assert client.backup(tmp_path / "second.db").bytes > 0  # the daemon goes on


def test_one_backup_at_a_time(cluster, tmp_path):
    """Of several that are asked for at once the first is made, and those that come meanwhile are told so."""
    messages = zmesos.messages
    fill_store(cluster)
    replies = pipelined(cluster, [messages.Request(version=1, id=f"b{n}", backup={"path": str(tmp_path / f"{n}.db")})
                                  for n in range(4)])
    codes = [messages.Code.Name(replies[f"b{n}"].code) for n in range(4)]
    assert codes == ["OK", "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]
    assert replies["b1"].retry and "another backup" in replies["b1"].message
    assert [(tmp_path / f"{n}.db").exists() for n in range(4)] == [True, False, False, False]


def test_the_reply_to_a_backup_does_not_hold_others_up(cluster, backup):
    messages = zmesos.messages
    fill_store(cluster)
    order = list(pipelined(cluster, [messages.Request(version=1, id="backup", backup={"path": str(backup)}),
                                     messages.Request(version=1, id="ping", ping={})]))
    assert order == ["ping", "backup"]


def fill_store(cluster):
    """So much that a backup takes its time."""
    with cluster.client(timeout=60.0) as client:
        client.launch_many([zmesos.task_spec("true", id=f"t{n}", cpus=100000, mem=32, labels={"x": "y" * 4000})
                            for n in range(5000)])


def pipelined(cluster, requests):
    """The replies by id, in the order in which they came. The daemon stands still until all is sent."""
    import zmq
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(cluster.pipeline)
    process = cluster.daemon.program.process
    try:
        process.send_signal(signal.SIGSTOP)
        for request in requests:
            socket.send_multipart([b"", request.SerializeToString()])
        process.send_signal(signal.SIGCONT)
        replies = {}
        while len(replies) < len(requests):
            assert socket.poll(60000), f"only {list(replies)} were answered"
            reply = zmesos.messages.Reply.FromString(socket.recv_multipart()[-1])
            replies[reply.id] = reply
        return replies
    finally:
        socket.close()


# ---- starting from one -------------------------------------------------------------------------------------------------

def test_a_restored_store(cluster, start_daemon, backup):
    """What runs is found running, what was launched later is adopted, what waits is held; ids are new ones."""
    with cluster.client(timeout=30.0) as client:
        client.launch("true", id="ended", cpus=0.1, mem=32)
        client.wait("ended", timeout=60)
        client.launch("sleep 600", id="runs", cpus=0.1, mem=32)
        running(client, "runs")
        client.launch_many([zmesos.task_spec("true", id=name, cpus=100000, mem=32) for name in ("waits", "drops")])
        old = client.status()
        client.backup(backup)
        client.launch("sleep 600", id="later", cpus=0.1, mem=32)
        running(client, "later")
        old_later = client.task("later").attempts[0].mesos_task_id
        old_keys = {task.id: key_of(task.attempts[0]) for task in client.tasks() if task.attempts}
    daemon = move(cluster, start_daemon, backup, "--reconcile-interval", "5")
    with cluster.client(timeout=30.0) as client:
        status = client.status()
        assert status.store != old.store and status.framework_id == old.framework_id
        assert status.restored_ns > old.started_ns and status.held == 3
        assert client.task("waits").held and client.task("runs").held and not client.task("ended").held
        lines = daemon.log_lines("restored from a backup")
        assert len(lines) == 1 and old.store in lines[0] and status.store in lines[0] and "3 tasks and operations are held" in lines[0]

        daemon.wait_subscribed()
        running(client, "runs")
        later = wait_for(lambda: (lambda found: found[0] if found else None)(
            [task for task in client.tasks() if task.adopted]), "an adopted task")
        assert later.id == "later" and later.attempts[0].mesos_task_id == old_later and not later.held
        running(client, "later")
        assert client.task("later", with_spec=True).spec == zmesos.messages.TaskSpec(id="later")
        orphan, = client.replay("ORPHAN")
        assert orphan.topic == f"zmesos/ORPHAN/{old_later}" and orphan.store == status.store
        body = zmesos.messages.Orphan.FromString(orphan.body)
        assert body.task_id == "later" and body.mesos_task_id == old_later
        assert zmesos.messages.Orphan.Action.Name(body.action) == "ADOPTED"

        client.launch("true", id="new", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("new", timeout=60).state) == "FINISHED"
        new_key = key_of(client.task("new").attempts[0])
        assert new_key > max(old_keys.values()) + KEYS_JUMP // 2 and new_key not in old_keys.values()
        assert [zmesos.state_name(client.task(name).state) for name in ("waits", "drops")] == ["QUEUED", "QUEUED"]

        client.release("DROP", "drops")
        assert zmesos.state_name(client.wait("drops", timeout=30).state) == "KILLED"
        client.release("RUN")
        assert client.status().held == 0 and not client.task("waits").held and not client.task("runs").held
        assert zmesos.state_name(client.task("runs").state) == "RUNNING" and len(client.task("runs").attempts) == 1
        client.kill("runs", "later", "waits")
        ended = client.wait(["runs", "later", "waits"], timeout=60)
        assert {zmesos.state_name(task.state) for task in ended.values()} == {"KILLED"}


FILLS = ("fills1", "fills2")


def fill(client):
    """Both agents have no cpus left."""
    for name in FILLS:
        client.launch("sleep 600", id=name, cpus=4, mem=32)
    for name in FILLS:
        running(client, name)


def test_held_tasks_wait_through_restarts_and_then_run(cluster, start_daemon, backup, needs_local, tmp_path):
    """Nothing is launched before the release; then each once."""
    starts = tmp_path / "starts"
    ids = [f"t{n}" for n in range(5)]
    with cluster.client(timeout=30.0) as client:
        fill(client)
        client.launch_many([zmesos.task_spec(f"echo {name} >> {starts}", id=name, cpus=0.1, mem=32) for name in ids])
        client.backup(backup)
    daemon = move(cluster, start_daemon, backup)
    first = daemon.wait_subscribed()
    daemon.restart(kill=True)
    second = daemon.wait_subscribed()
    assert first.store == second.store and first.restored_ns == second.restored_ns and second.held == 7
    assert len(daemon.log_lines("restored from a backup")) == 1
    with cluster.client(timeout=30.0) as client:
        client.kill(*FILLS)
        client.wait(FILLS, timeout=60)
        client.launch("true", id="other", cpus=0.1, mem=32)  # offers come and are used
        client.wait("other", timeout=60)
        assert not starts.exists()
        assert {zmesos.state_name(client.task(name).state) for name in ids} == {"QUEUED"}
        assert [result.ok for result in client.release("RUN", *ids)] == [True] * 5
        ended = client.wait(ids, timeout=60)
    assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}
    assert sorted(starts.read_text().split()) == ids


def test_a_task_that_ended_after_the_backup_is_not_run_again(cluster, start_daemon, backup, tmp_path, needs_local):
    """It was waiting when the backup was made, ran, and ended: the restored store cannot know, and holds it; unless the
    original was killed before it acknowledged that end, for then the agent tells of it again."""
    starts = tmp_path / "starts"
    with cluster.client(timeout=30.0) as client:
        fill(client)
        client.launch(f"echo once >> {starts}", id="t", cpus=1, mem=32)
        client.backup(backup)
        client.kill("fills1")
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"
    daemon = move(cluster, start_daemon, backup)
    daemon.wait_subscribed()
    with cluster.client(timeout=30.0) as client:
        ended = wait_for(lambda: (lambda t: t if zmesos.is_over(t) else None)(client.task("fills1")), "the end of fills1")
        assert zmesos.state_name(ended.state) in ("GONE", "LOST", "KILLED")
        task = client.task("t")
        assert zmesos.is_over(task) or task.held
        client.release("DROP")
        assert zmesos.state_name(client.wait("t", timeout=30).state) in ("FINISHED", "KILLED")
        assert zmesos.state_name(client.wait("fills2", timeout=60).state) == "KILLED"
    assert starts.read_text().split() == ["once"]


def test_a_task_that_was_launched_after_the_backup_is_not_run_again(cluster, start_daemon, backup, tmp_path, needs_local):
    """It was waiting when the backup was made, and runs: it is found, as the same task, and a release of all leaves it so."""
    starts = tmp_path / "starts"
    with cluster.client(timeout=30.0) as client:
        fill(client)
        client.launch(f"echo once >> {starts}; sleep 600", id="t", cpus=1, mem=32)
        client.backup(backup)
        client.kill("fills1")
        running(client, "t")
        first = client.task("t").attempts[0].mesos_task_id
    daemon = move(cluster, start_daemon, backup)
    daemon.wait_subscribed()
    with cluster.client(timeout=30.0) as client:
        client.reconcile()
        running(client, "t")
        task = client.task("t")
        assert [attempt.mesos_task_id for attempt in task.attempts] == [first] and not task.adopted
        assert not [other for other in client.tasks() if other.adopted]
        client.release("RUN")
        client.launch("true", id="other", cpus=1, mem=32)  # there is room, and it is used
        assert zmesos.state_name(client.wait("other", timeout=60).state) == "FINISHED"
        assert len(client.task("t").attempts) == 1
        client.kill("t", "fills2")
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "KILLED"
        client.wait("fills2", timeout=60)
    assert starts.read_text().split() == ["once"]


def test_new_attempts_of_older_tasks_have_ids_of_their_own(cluster, start_daemon, backup, needs_local):
    """The original launched it after the backup; the restored one does too, once it is released."""
    with cluster.client(timeout=30.0) as client:
        fill(client)
        client.launch("true", id="t", cpus=1, mem=32)
        client.backup(backup)
        client.kill("fills1")
        client.wait("t", timeout=60)
        first = client.task("t").attempts[0].mesos_task_id
    wait_for(lambda: cluster.local.unacknowledged() == 0, "its end to be acknowledged, or it would be told again")
    daemon = move(cluster, start_daemon, backup)
    daemon.wait_subscribed()
    with cluster.client(timeout=30.0) as client:
        client.release("RUN", "t")
        task = client.wait("t", timeout=60)
        assert zmesos.state_name(task.state) == "FINISHED"
        assert task.attempts[-1].mesos_task_id.startswith(first + "-r")
        client.kill("fills2")
        client.wait("fills2", timeout=60)


def test_a_backup_of_a_restored_store_is_restored_again(cluster, start_daemon, backup, tmp_path):
    stores = [cluster.status().store]
    with cluster.client() as client:
        client.launch("true", id="waits", cpus=100000, mem=32)
        client.backup(backup)
    for name in ("first", "second"):
        cluster.daemon.kill()
        cluster.daemon = start_daemon(cluster.master, state=backup, name=name)
        status = cluster.daemon.wait_subscribed()
        assert status.held == 1 and status.store not in stores
        stores.append(status.store)
        backup = tmp_path / f"{name}.db"
        with cluster.client() as client:
            client.backup(backup)
            client.launch("true", id=f"in-{name}", cpus=0.1, mem=32)
            client.wait(f"in-{name}", timeout=60)
            assert key_of(client.task(f"in-{name}").attempts[0]) > KEYS_JUMP * (len(stores) - 1)


def test_orphans_are_killed_where_that_is_wanted(cluster, start_daemon, backup):
    with cluster.client(timeout=30.0) as client:
        client.backup(backup)
        client.launch("sleep 600", id="later", cpus=0.1, mem=32)
        running(client, "later")
        mesos_id = client.task("later").attempts[0].mesos_task_id
    move(cluster, start_daemon, backup, "--orphans", "kill")
    with cluster.client() as client:
        def states():
            statuses = [event.mesos.update.status for event in client.replay("UPDATE", "mesos/UPDATE//")]
            return [zmesos.mesos.TaskState.Name(status.state) for status in statuses if status.task_id.value == mesos_id]
        wait_for(lambda: "TASK_KILLED" in states(), "its end")
        assert not list(client.tasks())
        orphan, = client.replay("ORPHAN")
        assert orphan.topic == f"zmesos/ORPHAN/{mesos_id}" and orphan.orphan.action == orphan.orphan.KILLED


@pytest.mark.parametrize("choice", ["stop", "begin-again"])
def test_a_restored_store_whose_framework_is_gone(cluster, start_daemon, backup, choice, needs_local):
    with cluster.client(timeout=30.0) as client:
        client.launch("sleep 600", id="runs", cpus=0.1, mem=32)
        running(client, "runs")
        client.launch("true", id="waits", cpus=100000, mem=32)
        client.backup(backup)
        old = client.status()
    cluster.teardown()
    daemon = move(cluster, start_daemon, backup, "--on-removed", choice)
    if choice == "stop":
        assert daemon.ended() == 3
        daemon.start()  # the history is its own all the same
        assert daemon.ended() == 3
        assert len(daemon.log_lines("restored from a backup")) == 1
        return
    wait_for(lambda: daemon.status().framework_id != old.framework_id, "a new id")
    status = daemon.wait_subscribed()
    assert status.store != old.store
    with cluster.client(timeout=30.0) as client:
        assert zmesos.state_name(client.task("runs").state) == "LOST"
        assert client.task("waits").held and zmesos.state_name(client.task("waits").state) == "QUEUED"


def test_ended_before_the_restore_is_on_disk(cluster, start_daemon, backup):
    """The group with the new name does not fit on the disk: the mark stays, and the next start restores."""
    with cluster.client(timeout=60.0) as client:
        client.launch_many([zmesos.task_spec("true", id=f"t{n}", cpus=100000, mem=32) for n in range(3000)])
        client.backup(backup)
    cluster.daemon.kill()
    daemon = start_daemon(cluster.master, state=backup, start=False)
    assert backup.stat().st_size > 400_000
    daemon.start(file_size=100_000)
    assert daemon.ended() == 74
    before = meta(daemon.state_dir / "zmesos.db")
    assert before["backup"] == "1"
    daemon.start()
    status = daemon.wait_subscribed()
    assert status.held == 3000 and status.store != before["store_id"]
    assert len(daemon.log_lines("restored from a backup")) == 2
    daemon.stop()
    assert meta(daemon.state_dir / "zmesos.db")["backup"] == ""
