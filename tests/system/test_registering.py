"""Registering: a framework id of our own, on disk before the first SUBSCRIBE, and kept."""
import subprocess


def test_the_master_knows_us_by_our_own_id(cluster):
    status = cluster.status()
    assert status.framework_id and status.store and status.run == 1
    assert status.master == cluster.master
    assert status.framework_id in cluster.daemon.log_text()


def test_the_id_survives_restarts(cluster):
    first = cluster.status()
    cluster.restart()
    cluster.wait_subscribed()
    second = cluster.status()
    cluster.restart(kill=True)
    third = cluster.wait_subscribed()
    assert first.framework_id == second.framework_id == third.framework_id
    assert first.store == second.store == third.store
    assert [first.run, second.run, third.run] == [1, 2, 3]


def test_the_id_is_on_disk_before_a_master_is_there(start_cluster, needs_local):
    cluster = start_cluster(wait=False)
    cluster.local.stop()
    before = cluster.status().framework_id
    cluster.restart(kill=True)
    assert cluster.status().framework_id == before


def test_subscribe_tells_all_that_was_configured(start_cluster, needs_local):
    cluster = start_cluster("--framework-name", "batch jobs", "--role", "batch", "--role", "service", "--user", "root",
                            "--hostname", "scheduler.example", "--webui-url", "http://scheduler.example/", "--label",
                            "team=blue", "--principal", "zmesos")
    info = cluster.local.state()["frameworks"][0]["framework_info"]
    assert info["id"]["value"] == cluster.status().framework_id
    assert info["name"] == "batch jobs" and info["user"] == "root" and info["principal"] == "zmesos"
    assert info["roles"] == ["batch", "service"]
    assert info["hostname"] == "scheduler.example" and info["webui_url"] == "http://scheduler.example/"
    assert info["labels"] == {"labels": [{"key": "team", "value": "blue"}]}
    assert info["checkpoint"] is True and info["failover_timeout"] == 120.0
    assert {c["type"] for c in info["capabilities"]} == {
        "PARTITION_AWARE", "MULTI_ROLE", "TASK_KILLING_STATE", "RESERVATION_REFINEMENT", "GPU_RESOURCES",
        "SHARED_RESOURCES", "REVOCABLE_RESOURCES", "REGION_AWARE"}


def test_a_second_daemon_on_the_state_directory_is_refused(cluster):
    command = [word if not word.startswith("tcp://") else "tcp://127.0.0.1:*" for word in cluster.daemon.command()]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert second.stderr.strip().splitlines()[-1] == f"zmesosd: {cluster.daemon.state_dir} is in use by another zmesosd"
    assert cluster.status().run == 1
