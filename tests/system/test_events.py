"""Events: every one of the master's comes out of the events socket, untouched and numbered."""
import collections

import zmesos
from programs import wait_for
from zmesos import mesos, scheduler


def names(events, limit, enough):
    """Topics read until enough(topics)."""
    topics = []
    for event in events.within(limit):
        topics.append(event.topic)
        if enough(topics):
            break
    return topics


def test_the_life_of_a_task_is_published(cluster):
    events = cluster.subscribe("mesos/", "task/")
    with cluster.client() as client:
        client.launch("true", id="job1", cpus=0.1, mem=32)
        client.wait("job1", timeout=60)
    updates, states, kinds = [], [], collections.Counter()
    for event in events.within(60):
        if event.mesos:
            kinds[scheduler.Event.Type.Name(event.mesos.type)] += 1
            assert event.mesos.SerializeToString(deterministic=False)
        if event.topic == "mesos/UPDATE/job1/1":
            updates.append(mesos.TaskState.Name(event.mesos.update.status.state))
            assert event.mesos.update.status.uuid
        if event.task:
            states.append(zmesos.state_name(event.task.state))
            assert event.revision == event.task.revision
        if states and states[-1] == "FINISHED" and updates and updates[-1] == "TASK_FINISHED":
            break
    assert [state for state in updates if state != "TASK_STAGING"] == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
    assert [state for state in states if state != "STAGING"] == ["QUEUED", "LAUNCHING", "STARTING", "RUNNING", "FINISHED"]
    assert kinds["OFFERS"] >= 1
    assert events.missed == 0


def test_a_prefix_with_a_slash_keeps_job1_from_matching_job10(cluster):
    events = cluster.subscribe("task/job1/")
    with cluster.client() as client:
        client.launch("true", id="job10", cpus=0.1, mem=32)
        client.wait("job10", timeout=60)
        client.launch("true", id="job1", cpus=0.1, mem=32)
        client.wait("job1", timeout=60)
    topics = names(events, 60, lambda seen: seen[-1] == "task/job1/FINISHED")
    assert {topic.split("/")[1] for topic in topics if topic.startswith("task/")} == {"job1"}


def test_subscribed_and_heartbeats_are_published(start_cluster, needs_local):
    cluster = start_cluster(local_flags=("--heartbeat", "0.2"))
    events = cluster.subscribe("mesos/SUBSCRIBED", "mesos/HEARTBEAT", "zmesos/MASTER")
    cluster.local.fault("drop_stream")
    seen = names(events, 60, lambda topics: {"mesos/SUBSCRIBED", "mesos/HEARTBEAT"} <= set(topics)
                 and topics.count("zmesos/MASTER") >= 2)
    assert {"mesos/SUBSCRIBED", "mesos/HEARTBEAT", "zmesos/MASTER"} <= set(seen)


def test_an_event_of_an_unknown_type_is_published_as_it_came(cluster, needs_local):
    events = cluster.subscribe("mesos/")
    cluster.local.fault("unknown_event")
    for event in events.within(60):
        if event.event_class == "UNKNOWN_EVENT":
            assert event.topic.split("/")[1].isdigit()
            break
    else:
        raise AssertionError("the event did not come")
    with cluster.client() as client:
        client.launch("true", id="after", cpus=0.1, mem=32)
        assert zmesos.state_name(client.wait("after", timeout=60).state) == "FINISHED"


def test_a_stream_split_at_every_byte(cluster, needs_local):
    cluster.local.fault("split_streams")
    events = cluster.subscribe("task/")
    with cluster.client() as client:
        ids = [f"t{n}" for n in range(10)]
        client.launch_many([zmesos.task_spec("true", id=i, cpus=0.1, mem=32) for i in ids])
        ended = client.wait(ids, timeout=60)
        assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}
        for _ in events.catch_up(client.status(), timeout=60):
            pass
    assert events.missed == 0


def test_a_silent_stream_is_dropped_and_subscribed_again(start_cluster, needs_local):
    cluster = start_cluster(local_flags=("--heartbeat", "0.2"))
    cluster.local.fault("silence_heartbeats")
    events = cluster.subscribe("mesos/SUBSCRIBED")
    assert wait_for(lambda: events.recv(timeout=1), "a new subscription").topic == "mesos/SUBSCRIBED"


def test_what_the_daemon_says_of_itself(cluster):
    events = cluster.subscribe("zmesos/HEARTBEAT", "zmesos/MASTER")  # which count together
    said = []
    while sum(event.topic == "zmesos/HEARTBEAT" for event in said) < 2:
        said.append(wait_for(lambda: events.recv(timeout=1), "a heartbeat"))
    beats = [event for event in said if event.topic == "zmesos/HEARTBEAT"]
    assert beats[0].status.framework_id == cluster.status().framework_id
    assert [event.number - said[0].number for event in said] == list(range(len(said)))
    assert {zmesos.messages.EventClass.Name(getattr(head, "class")) for head in beats[1].status.heads} >= {
        "TASK", "UPDATE", "OFFERS", "DAEMON"}
