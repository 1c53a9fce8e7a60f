"""Acknowledging: each uuid, each time, after it is on disk."""
import zmesos
from programs import wait_for


def test_every_update_is_acknowledged(cluster, needs_local):
    with cluster.client() as client:
        ids = [f"t{n}" for n in range(20)]
        client.launch_many([zmesos.task_spec("true", id=i, cpus=0.1, mem=32) for i in ids])
        client.wait(ids, timeout=60)
    wait_for(lambda: cluster.local.calls("ACKNOWLEDGE") >= 60, "three acknowledgements a task")  # more: of repetitions
    wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")


def test_a_repeated_update_is_acknowledged_again(cluster, needs_local):
    """The first acknowledgement is lost on its way; the agent repeats the update (after 10 s), also to a finished task."""
    with cluster.client() as client:
        cluster.local.swallow("ACKNOWLEDGE")
        client.launch("true", id="t", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")
        assert cluster.local.calls("ACKNOWLEDGE") >= 4


def test_updates_pending_at_a_crash_are_acknowledged_by_the_next_run(cluster, needs_local, gate):
    with cluster.client(timeout=30.0) as client:
        client.launch(gate.wait, id="t", cpus=0.1, mem=32)
        wait_for(lambda: zmesos.state_name(client.task("t").state) == "RUNNING", "a running task")
        cluster.daemon.kill()
        gate.open()
        wait_for(lambda: cluster.local.unacknowledged() > 0, "an update that waits")
        cluster.daemon.start()
        assert zmesos.state_name(client.wait("t", timeout=60).state) == "FINISHED"
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")


def test_an_update_of_a_task_we_do_not_know_is_acknowledged(cluster, needs_local, gate):
    """The state directory is lost but for the framework id: the last update of the old task comes all the same. It is over,
    so it is no task of ours."""
    import sqlite3
    with cluster.client(timeout=30.0) as client:
        client.launch(gate.wait, id="orphan", cpus=0.1, mem=32)
        wait_for(lambda: zmesos.state_name(client.task("orphan").state) == "RUNNING", "a running task")
        wait_for(lambda: cluster.local.unacknowledged() == 0, "what came so far to be acknowledged")
        cluster.daemon.kill()
        gate.open()
        wait_for(lambda: cluster.local.unacknowledged() == 1, "the last update to wait")
        database = sqlite3.connect(cluster.daemon.state_dir / "zmesos.db")
        with database:
            for table in ("attempt", "spec", "task"):
                database.execute(f"DELETE FROM {table}")
        database.close()
        cluster.daemon.start()
        wait_for(lambda: cluster.local.unacknowledged() == 0, "no update to be left")
        assert cluster.local.calls("ACKNOWLEDGE") >= 3 and not list(client.tasks())
