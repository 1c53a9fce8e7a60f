"""Failover of the master: it forgets; its agents come back with their tasks; nothing runs twice."""
import zmesos
from programs import wait_for


def test_tasks_survive_a_failover_of_the_master(cluster, needs_local, tmp_path, gate):
    log = tmp_path / "starts"
    with cluster.client(timeout=30.0) as client:
        ids = [f"t{n}" for n in range(10)]
        client.launch_many([zmesos.task_spec(f"echo {i} >> {log}; {gate.wait}", id=i, cpus=0.1, mem=32) for i in ids])
        wait_for(lambda: len(list(client.tasks(state="RUNNING"))) == 10, "ten tasks")
        framework = client.status().framework_id
        cluster.local.fault("failover", agents_return_ms=1000)
        gate.open()
        ended = client.wait(ids, timeout=120)
        assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}
        assert client.status().framework_id == framework
        assert all(len(task.attempts) == 1 for task in ended.values())
    assert sorted(log.read_text().split()) == sorted(ids)


def test_an_accept_that_is_acted_on_but_not_answered_runs_once(start_cluster, needs_local, tmp_path):
    """The fence: the daemon subscribes again and reconciles before it does anything about those tasks."""
    log = tmp_path / "starts"
    cluster = start_cluster("--call-timeout", "1")
    with cluster.client(timeout=30.0) as client:
        cluster.local.fault("no_answer", call="ACCEPT", act="now")
        client.launch(f"echo once >> {log}; sleep 2", id="t", cpus=0.1, mem=32)
        task = client.wait("t", timeout=60)
        assert zmesos.state_name(task.state) == "FINISHED"
        assert len(task.attempts) == 1
    assert log.read_text().split() == ["once"]
    wait_for(lambda: cluster.local.calls("SUBSCRIBE") >= 2, "the call to be given up, perhaps after the task")


def test_an_accept_that_is_neither_acted_on_nor_answered_is_made_again(start_cluster, needs_local, tmp_path):
    log = tmp_path / "starts"
    cluster = start_cluster("--call-timeout", "1")
    with cluster.client(timeout=30.0) as client:
        cluster.local.fault("no_answer", call="ACCEPT", act="never")
        client.launch(f"echo once >> {log}", id="t", cpus=0.1, mem=32)
        task = client.wait("t", timeout=60)
        assert zmesos.state_name(task.state) == "FINISHED"
        assert [zmesos.state_name(attempt.state) for attempt in task.attempts] == ["GONE", "FINISHED"]
    assert log.read_text().split() == ["once"]


def test_a_refused_accept_ends_its_tasks_with_the_masters_words_and_no_others(cluster, needs_local):
    with cluster.client() as client:
        client.launch("sleep 600", id="other", cpus=0.1, mem=32)
        wait_for(lambda: zmesos.state_name(client.task("other").state) == "RUNNING", "the other task")
        cluster.local.fault("answer", call="ACCEPT", status=400, text="Failed to validate scheduler::Call: because")
        client.launch("true", id="refused", cpus=0.1, mem=32)
        task = client.wait("refused", timeout=60)
        assert zmesos.state_name(task.state) == "ERROR"
        assert task.message == "Failed to validate scheduler::Call: because"
        assert zmesos.state_name(client.task("other").state) == "RUNNING"
        client.launch("true", id="next", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("next", timeout=60).state) == "FINISHED"
        client.kill("other")
