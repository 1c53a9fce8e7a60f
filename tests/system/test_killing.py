"""Killing: at once before the launch, repeated until over after it."""
import zmesos
from zmesos import messages
from programs import wait_for


def running(client, name):
    wait_for(lambda: zmesos.state_name(client.task(name).state) == "RUNNING", f"{name} to run")


def test_kill_a_running_task(cluster):
    events = cluster.subscribe("task/victim/")
    with cluster.client() as client:
        client.launch("sleep 600", id="victim", cpus=0.1, mem=32)
        running(client, "victim")
        client.kill("victim")
        task = client.wait("victim", timeout=60)
        assert zmesos.state_name(task.state) == "KILLED"
        assert task.kill_requested and task.message == "Command terminated with signal Terminated"
        seen = []
        while not seen or seen[-1] != "KILLED":
            seen.append(zmesos.state_name(events.recv(timeout=30).task.state))
        assert seen in (["QUEUED", "LAUNCHING", "STARTING", "RUNNING", "KILLING", "KILLED"],
                        ["QUEUED", "LAUNCHING", "STAGING", "STARTING", "RUNNING", "KILLING", "KILLED"])


def test_kill_a_task_that_waits_cancels_it_at_once(cluster):
    with cluster.client() as client:
        client.launch("true", id="waits", cpus=100000, mem=32)
        assert client.kill("waits")[0].state == "KILLED"
        task = client.task("waits")
        assert zmesos.state_name(task.state) == "KILLED" and not task.attempts
        assert client.kill("waits")[0].ok  # again: nothing happens


def test_kill_by_label(cluster):
    with cluster.client() as client:
        for n in range(3):
            client.launch("sleep 600", id=f"blue{n}", cpus=0.1, mem=32, labels={"team": "blue"})
        client.launch("sleep 600", id="red", cpus=0.1, mem=32, labels={"team": "red"})
        for name in ("blue0", "blue1", "blue2", "red"):
            running(client, name)
        assert sorted(result.id for result in client.kill(label="team=blue")) == ["blue0", "blue1", "blue2"]
        client.wait(["blue0", "blue1", "blue2"], timeout=60)
        assert zmesos.state_name(client.task("red").state) == "RUNNING"
        client.kill("red")
        client.wait("red", timeout=60)


def test_kill_by_label_has_no_limit_but_its_answer_has(cluster):
    with cluster.client(timeout=60.0) as client:
        client.launch_many([zmesos.task_spec("true", id=f"t{n}", cpus=100000, mem=1, labels={"team": "blue"})
                            for n in range(10001)])
        reply = client._ask(messages.Request(kill=messages.Kill(label={"key": "team", "value": "blue"})))
        assert reply.items.total == 10001 and len(reply.items.items) == 10000
        assert {count.tasks for count in client.status().counts} == {10001}
        assert zmesos.state_name(client.task("t10000").state) == "KILLED"


def test_a_stubborn_task_gets_its_grace_period(cluster, tmp_path):
    ready = tmp_path / "ready"  # RUNNING comes before the shell has set its trap
    with cluster.client() as client:
        client.launch(f"trap '' TERM; touch {ready}; while true; do sleep 0.1; done", id="stubborn", cpus=0.1, mem=32)
        wait_for(ready.exists, "the trap")
        running(client, "stubborn")
        client.kill("stubborn", grace=1.0)
        task = client.wait("stubborn", timeout=60)
        assert zmesos.state_name(task.state) == "KILLED" and "Killed" in task.message


def test_a_kill_is_repeated_until_the_task_is_over(start_cluster, needs_local):
    """The master swallows the first KILL: accepts it and does nothing."""
    cluster = start_cluster("--kill-interval", "0.5")
    with cluster.client() as client:
        client.launch("sleep 600", id="victim", cpus=0.1, mem=32)
        running(client, "victim")
        cluster.local.swallow("KILL")
        client.kill("victim")
        assert zmesos.state_name(client.wait("victim", timeout=60).state) == "KILLED"
        assert cluster.local.calls("KILL") >= 2


def test_a_kill_asked_for_while_the_master_is_away_goes_when_it_is_back(start_cluster):
    cluster = start_cluster()
    with cluster.client() as client:
        client.launch("sleep 600", id="victim", cpus=0.1, mem=32)
        running(client, "victim")
        cluster.daemon.kill()
        master = cluster.daemon.master
        cluster.daemon.master = "127.0.0.1:1"
        cluster.daemon.start()
        client.kill("victim")
        assert client.task("victim").kill_requested
        cluster.daemon.master = master
        cluster.restart(kill=True)
        assert zmesos.state_name(client.wait("victim", timeout=60).state) == "KILLED"
