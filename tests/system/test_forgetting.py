"""Forgetting: tasks that are over are kept by count and by age; their ids are free again, their keys never."""
import zmesos
from programs import wait_for

SIMULATED = {"local": {"agents": "2", "resources": "cpus:64;mem:65536;disk:65536", "allocation_interval": "0.1"},
             "local_flags": ("--simulate",)}


def ended(client, names):
    client.launch_many([zmesos.task_spec("true", id=name, cpus=0.1, mem=1) for name in names])
    client.wait(names, timeout=120)


def key_of(task):
    return int(task.attempts[0].mesos_task_id.rsplit(".", 2)[1])


def ids(client):
    return [task.id for task in client.tasks()]


def test_by_count(start_cluster, needs_local):
    """The newest that are over stay; what is not over does not count."""
    cluster = start_cluster("--keep-tasks", "10", **SIMULATED)
    with cluster.client(timeout=60.0) as client:
        client.launch_many([zmesos.task_spec("true", id=f"waits{n}", cpus=100000, mem=1) for n in range(20)])
        for batch in range(6):
            ended(client, [f"t{n}" for n in range(batch * 5, batch * 5 + 5)])
        waits = [f"waits{n}" for n in range(20)]
        kept = [f"t{n}" for n in range(20, 30)]
        wait_for(lambda: sorted(ids(client)) == sorted(waits + kept), "the older ones to be forgotten")
        try:
            client.task("t0")
            raise AssertionError("t0 is still known")
        except zmesos.NotFound:
            pass
        status = client.status()
        assert sum(count.tasks for count in status.counts) == 30
        cluster.restart(kill=True)
        assert sorted(ids(client)) == sorted(waits + kept)


def test_a_thousand_at_once(start_cluster, needs_local):
    cluster = start_cluster("--keep-tasks", "1", **SIMULATED)
    with cluster.client(timeout=60.0) as client:
        client.launch_many([zmesos.task_spec("true", id=f"t{n}", cpus=0.1, mem=1) for n in range(1000)])
        wait_for(lambda: len(ids(client)) == 1 and zmesos.is_over(next(client.tasks())), "all but one to be forgotten")
        cluster.restart()
        assert len(ids(client)) == 1


def test_by_age_and_the_id_is_free_again(start_cluster, needs_local):
    """Also with another specification, after a restart too; the Mesos id is a new one each time."""
    cluster = start_cluster("--keep-tasks-for", "1", **SIMULATED)
    keys = []
    with cluster.client(timeout=60.0) as client:
        for turn in range(3):
            events = cluster.subscribe("task/t/FINISHED")
            result = client.launch("true", id="t", cpus=0.1 * (turn + 1), mem=1)
            assert not result.known and result.kept == 1
            event = events.recv(timeout=60)
            keys.append(key_of(event.task))
            wait_for(lambda: not ids(client), "t to be forgotten")
            cluster.restart(kill=turn == 0)
            cluster.wait_subscribed()
            assert not ids(client)
    assert keys == sorted(set(keys)) == [1, 2, 3]


def test_not_before_its_time(start_cluster, needs_local):
    """Launching an id again is answered with what is known as long as it is kept."""
    cluster = start_cluster("--keep-tasks", "5", **SIMULATED)
    with cluster.client(timeout=60.0) as client:
        names = [f"t{n}" for n in range(5)]
        ended(client, names)
        cluster.restart()
        cluster.wait_subscribed()
        again = client.launch_many([zmesos.task_spec("true", id=name, cpus=0.1, mem=1) for name in names])
        assert all(result.ok and result.known and result.kept == 604800 for result in again)


def test_what_is_forgotten_leaves_the_database(start_cluster, needs_local):
    """Rows, specifications and attempts go; a late repeat of its update is acknowledged and changes nothing."""
    import sqlite3
    cluster = start_cluster("--keep-tasks-for", "1", "--keep-events", "50")
    with cluster.client(timeout=60.0) as client:
        cluster.local.swallow("ACKNOWLEDGE")  # the agent repeats that update after 10 s
        client.launch("true", id="t", cpus=0.1, mem=32)
        wait_for(lambda: not ids(client), "t to end and to be forgotten")
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")
        assert cluster.local.calls("ACKNOWLEDGE") >= 4 and not ids(client)
    assert cluster.daemon.stop() == 0
    database = sqlite3.connect(cluster.daemon.state_dir / "zmesos.db")
    try:
        assert [database.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("task", "spec", "attempt")] == [
            (0,), (0,), (0,)]
        assert dict(database.execute("SELECT name, value FROM meta"))["next_key"] == "2"
    finally:
        database.close()


def test_events_are_kept_by_number(start_cluster, needs_local):
    """The newest of each class stay, and their numbers go on."""
    import sqlite3
    cluster = start_cluster("--keep-events", "20", **SIMULATED)
    with cluster.client(timeout=60.0) as client:
        for batch in range(20):
            ended(client, [f"t{batch}-{n}" for n in range(10)])
        heads = {getattr(head, "class"): head.number for head in client.status().heads}
    assert heads[zmesos.messages.TASK] == 1000  # 200 tasks, five states each
    cluster.restart()
    cluster.wait_subscribed()
    assert cluster.daemon.stop() == 0
    database = sqlite3.connect(cluster.daemon.state_dir / "zmesos.db")
    try:
        kept = dict(database.execute("SELECT class, count(*) FROM event GROUP BY class"))
        newest = dict(database.execute("SELECT class, max(number) FROM event GROUP BY class"))
    finally:
        database.close()
    assert newest[zmesos.messages.TASK] == 1000
    assert 20 <= kept[zmesos.messages.TASK] < 500
