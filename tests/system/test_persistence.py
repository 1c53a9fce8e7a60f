"""Persistence: a restart, also after kill -9, finds its framework and its tasks and goes on."""
import contextlib

import pytest

import zmesos
from programs import wait_for


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "kill -9"])
def test_a_restart_goes_on(cluster, kill):
    with cluster.client(timeout=30.0) as client:
        client.launch("sleep 600", id="runs", cpus=0.1, mem=32)
        client.launch("true", id="ended", cpus=0.1, mem=32)
        client.launch("true", id="waits", cpus=100000, mem=32)
        client.wait("ended", timeout=60)
        wait_for(lambda: zmesos.state_name(client.task("runs").state) == "RUNNING", "a running task")
        before = {task.id: task for task in client.tasks()}
        cluster.restart(kill=kill)
        after = {task.id: task for task in client.tasks()}
        assert before == after
        cluster.wait_subscribed()
        client.kill("runs")
        client.launch("true", id="new", cpus=0.1, mem=32)
        ended = client.wait(["runs", "new"], timeout=60)
        assert zmesos.state_name(ended["runs"].state) == "KILLED"
        assert zmesos.state_name(ended["new"].state) == "FINISHED"
        assert client.task("new").attempts[0].mesos_task_id.split(".")[-2] == "4"  # keys are never reused


def test_kill_9_while_200_tasks_run(start_cluster, tmp_path, gate):
    """All reach their end, none runs twice, the framework id stays."""
    started = tmp_path / "started"
    started.mkdir()
    cluster = start_cluster(local={"agents": "4", "resources": "cpus:8;mem:8192;disk:8192"})
    count = 200
    with cluster.client(timeout=30.0) as client:
        framework = client.status().framework_id
        specs = [zmesos.task_spec(f"echo $$ >> {started}/t{n}; {f'sleep {1 + n % 5}' if n % 2 else gate.wait}", id=f"t{n}",
                                  cpus=0.1, mem=16)
                 for n in range(count)]
        assert all(result.ok for result in client.launch_many(specs))
        wait_for(lambda: len(list(client.tasks(state="RUNNING"))) >= 20, "tasks to run")  # a real master may have room for 40
        cluster.restart(kill=True)
        wait_for(lambda: len(list(client.tasks(state="RUNNING"))) >= 20, "tasks to run")  # a real master may have room for 40
        cluster.restart(kill=True)
        gate.open()
        ended = client.wait([spec.id for spec in specs], timeout=240)
        assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}
        assert client.status().framework_id == framework
    starts = {file.name: len(file.read_text().split()) for file in started.iterdir()}
    assert len(starts) == count and set(starts.values()) == {1}


def test_a_known_task_is_known_whatever_is_configured_now(start_cluster):
    cluster = start_cluster("--role", "*", "--role", "service")
    with cluster.client(timeout=30.0) as client:
        spec = zmesos.task_spec("true", id="waits", cpus=100000, mem=32, role="service")
        assert not client.launch(spec=spec).known
        cluster.daemon.flags = []
        cluster.restart()
        assert client.launch(spec=spec).known
        client.kill("waits")


def test_event_numbers_go_on_without_holes(cluster):
    numbers = []
    for turn in range(3):
        events = cluster.subscribe("task/")
        with cluster.client(timeout=30.0) as client:
            client.launch("true", id=f"t{turn}", cpus=0.1, mem=32)
            client.wait(f"t{turn}", timeout=60)
            heads = {head.__getattribute__("class"): head.number for head in client.status().heads}
        for event in events.within(30):
            if event.event_class == "TASK":
                numbers.append(event.number)
                if event.number == heads[1]:
                    break
        cluster.restart(kill=turn % 2 == 0)
        cluster.wait_subscribed()
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_full_disk_ends_it_and_nothing_acknowledged_is_missing(cluster):
    """No file may grow any more: exit status 74 at the next group; each launch that was answered is there afterwards."""
    acknowledged = []

    def launch(client, count):
        specs = [zmesos.task_spec("true", id=f"t{len(acknowledged) + n}", cpus=100000, mem=32, labels={"x": "y" * 500})
                 for n in range(count)]
        acknowledged.extend(result.id for result in client.launch_many(specs) if result.ok)
    with cluster.client() as client:
        launch(client, 200)
    cluster.daemon.limit_files(max(file.stat().st_size for file in cluster.daemon.state_dir.iterdir()) + 100_000)
    with cluster.client(timeout=5.0) as client:
        while cluster.daemon.running and len(acknowledged) < 20000:
            with contextlib.suppress(zmesos.TimedOut):  # a daemon that is merely slow is asked for the same tasks again
                launch(client, 20)
    assert 200 < len(acknowledged) < 20000
    assert cluster.daemon.ended() == 74
    assert len(cluster.daemon.log_lines(" error ")) == 1 and cluster.daemon.log_lines(" error ", "store")
    cluster.daemon.start()
    cluster.wait_subscribed()
    with cluster.client(timeout=30.0) as client:
        kept = {task.id for task in client.tasks()}
        assert set(acknowledged) <= kept
        assert len(kept) <= len(acknowledged) + 20  # the last batch may be whole on disk, or absent
        assert len(kept) in (len(acknowledged), len(acknowledged) + 20)
        client.kill(label=("x", "y" * 500))
