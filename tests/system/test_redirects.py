"""Finding the leader: redirects without a scheme, lists of masters, and 503."""
from programs import Local, wait_for


def test_a_redirect_is_followed(start_cluster, needs_local, tmp_path):
    follower = Local(tmp_path / "follower", agents="1")
    try:
        cluster = start_cluster(wait=False)
        follower.fault("redirect", to=cluster.local.address)
        cluster.daemon.stop()
        cluster.daemon.master = follower.address
        cluster.daemon.start()
        status = cluster.wait_subscribed()
        assert status.master == cluster.local.address
    finally:
        follower.stop()


def test_a_leader_that_steps_down_is_left(start_cluster, needs_local, tmp_path):
    """The leader redirects calls and drops the stream: the new one is found, the task goes on being ours."""
    cluster = start_cluster()
    other = Local(tmp_path / "other", agents="1")
    try:
        cluster.local.fault("redirect", to=other.address)
        cluster.local.fault("drop_stream")
        wait_for(lambda: cluster.status().master == other.address, "the other master")
    finally:
        other.stop()


def test_a_dead_master_in_the_list_is_passed_over(start_cluster, needs_local):
    cluster = start_cluster(wait=False)
    cluster.daemon.stop()
    cluster.daemon.master = f"127.0.0.1:1,{cluster.local.address}"
    cluster.daemon.start()
    assert cluster.wait_subscribed().master == cluster.local.address


def test_503_is_tried_again(start_cluster, needs_local):
    cluster = start_cluster()
    cluster.local.fault("answer", status=503, text="no leader", count=0)
    cluster.local.fault("drop_stream")
    wait_for(lambda: "503" in cluster.status().message, "the reason")
    cluster.local.fault("clear")
    cluster.wait_subscribed()
