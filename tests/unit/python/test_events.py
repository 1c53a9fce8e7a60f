"""Events: frames, bodies, topics, and a subscription against a bare XPUB that does what a test needs."""

import threading
from datetime import datetime, timezone

import pytest
import zmesos
import zmq
from zmesos.messages import DaemonStatus, EventHeader, Task, messages, scheduler

HEARTBEAT = "zmesos/HEARTBEAT"


def header(event_class, number, **more):
    made = EventHeader(version=1, store="s", run=1, number=number, **more)
    setattr(made, "class", messages.EventClass.Value(event_class))
    return made


def heartbeat(number, run=1, **heads):
    status = DaemonStatus(store="s", run=run, subscription=messages.SUBSCRIBED)
    for event_class, head in heads.items():
        setattr(status.heads.add(number=head), "class", messages.EventClass.Value(event_class))
    return status


class Publisher:
    """The other end of a subscription."""

    def __init__(self):
        self.socket = zmq.Context.instance().socket(zmq.XPUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, 60_000)
        self.socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # each subscription is seen, also one that another has
        self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"

    def heard(self, count):
        """The next so many subscriptions, in the order in which they came."""
        return [self.socket.recv()[1:].decode() for _ in range(count)]

    def send(self, topic, event_class, number, body=b"", **more):
        self.socket.send_multipart([topic.encode(), header(event_class, number, **more).SerializeToString(), body])

    def beat(self, number, run=1, **heads):
        self.send(HEARTBEAT, "DAEMON", number, heartbeat(number, run, **heads).SerializeToString())


@pytest.fixture
def publisher():
    made = Publisher()
    yield made
    made.socket.close(0)


def test_a_task_event():
    task = Task(id="job", state=messages.RUNNING, revision=4, message="up")
    task.attempts.add(number=1, hostname="node7")
    event = zmesos.Event.of_frames(
        [
            b"task/job/RUNNING",
            header("TASK", 9, revision=4, time_ns=1_700_000_000_123_456_789).SerializeToString(),
            task.SerializeToString(),
        ]
    )
    assert (event.topic, event.event_class, event.number, event.revision) == ("task/job/RUNNING", "TASK", 9, 4)
    assert (event.store, event.run, event.task_id) == ("s", 1, "job")
    assert event.time == datetime(2023, 11, 14, 22, 13, 20, 123456, timezone.utc)
    assert event.task == task
    assert event.mesos is None and event.status is None
    assert str(event) == "task/job/RUNNING  revision 4, on node7, up"


@pytest.mark.parametrize(
    "state, number, more, words",
    [
        ("QUEUED", 0, {}, ""),
        ("QUEUED", 1, {"message": "attempt 1 FAILED"}, ", after attempt 1, attempt 1 FAILED"),
        ("RUNNING", 1, {}, ", on node7"),
        ("RUNNING", 3, {}, ", attempt 3, on node7"),
        ("QUEUED", 0, {"held": True}, ", held"),
        ("RUNNING", 1, {"adopted": True}, ", adopted, on node7"),
    ],
)
def test_attempts_and_marks_are_told(state, number, more, words):
    task = Task(id="job", state=messages.TaskState.Value(state), revision=2, **more)
    if number:
        task.attempts.add(number=number, hostname="node7")
    event = zmesos.Event(f"task/job/{state}", header("TASK", 1), task.SerializeToString())
    assert str(event) == f"task/job/{state}  revision 2{words}"


def test_why_a_task_waits():
    reasons = [messages.Reason(kind=messages.Reason.CPUS, message="not enough cpus"), messages.Reason(message="and mem")]
    why = zmesos.Explanation(task_id="job", reasons=reasons)
    event = zmesos.Event("zmesos/WHY/job", header("WHY", 1), why.SerializeToString())
    assert event.explanation == why and event.status is None and event.orphan is None
    assert str(event) == "zmesos/WHY/job  not enough cpus; and mem"


def test_a_lease():
    change = zmesos.LeaseChange(lease_id="l", gone=["o1", "o2"], why=zmesos.LeaseChange.EXPIRED, over=True)
    event = zmesos.Event("zmesos/LEASE/l", header("LEASE", 1), change.SerializeToString())
    assert event.lease == change and event.status is None and event.orphan is None and event.explanation is None
    assert str(event) == "zmesos/LEASE/l  2 offers went, EXPIRED, over"
    change = zmesos.LeaseChange(lease_id="l", came=["o1"], offers=3)
    event = zmesos.Event("zmesos/LEASE/l", header("LEASE", 2), change.SerializeToString())
    assert str(event) == "zmesos/LEASE/l  1 offers came, has 3"


def test_an_orphan():
    orphan = zmesos.Orphan(mesos_task_id="job.9.1", agent_id="a7", action=zmesos.Orphan.ADOPTED, task_id="job")
    event = zmesos.Event.of_frames(
        [b"zmesos/ORPHAN/job.9.1", header("ORPHAN", 2).SerializeToString(), orphan.SerializeToString()]
    )
    assert (event.event_class, event.number, event.orphan) == ("ORPHAN", 2, orphan)
    assert event.status is None and event.task is None and event.mesos is None and event.task_id is None
    assert str(event) == "zmesos/ORPHAN/job.9.1  ADOPTED, as job, on agent a7"
    killed = zmesos.Orphan(mesos_task_id="x", action=zmesos.Orphan.KILLED, message="--orphans kill")
    event = zmesos.Event("zmesos/ORPHAN/x", header("ORPHAN", 3), killed.SerializeToString())
    assert str(event) == "zmesos/ORPHAN/x  KILLED, --orphans kill"
    later = zmesos.Event("zmesos/ORPHAN/x", header("ORPHAN", 4), zmesos.Orphan(message="m").SerializeToString())
    assert str(later) == "zmesos/ORPHAN/x  m"


def test_an_update_that_was_not_confirmed():
    update = zmesos.UnconfirmedUpdate(task_id="job", attempt=2, consumer="bank", state=zmesos.mesos.TASK_FAILED,
                                      outcome=zmesos.UnconfirmedUpdate.LATE)
    event = zmesos.Event("zmesos/UNCONFIRMED/job/2", header("UNCONFIRMED", 1), update.SerializeToString())
    assert event.unconfirmed == update and event.status is None
    assert str(event) == "zmesos/UNCONFIRMED/job/2  TASK_FAILED, LATE, not confirmed by bank"


def test_a_mesos_event_keeps_its_bytes():
    update = scheduler.Event(type=scheduler.Event.UPDATE)
    update.update.status.task_id.value = "job.1.1"
    update.update.status.state = zmesos.mesos.TASK_FAILED
    update.update.status.message = "Command exited with status 3"
    body = update.SerializeToString()
    event = zmesos.Event.of_frames([b"mesos/UPDATE/job/1", header("UPDATE", 1).SerializeToString(), body])
    assert event.body == body
    assert event.mesos == update
    assert event.task is None and event.status is None and event.revision is None
    assert event.task_id == "job"
    assert str(event) == "mesos/UPDATE/job/1  TASK_FAILED, Command exited with status 3"


@pytest.mark.parametrize(
    "topic, task_id",
    [
        ("task/job/RUNNING", "job"),
        ("mesos/UPDATE/job/2", "job"),
        ("mesos/UPDATE//job.1.1", None),
        ("mesos/UPDATE_OPERATION_STATUS", None),
        ("mesos/OFFERS", None),
        ("zmesos/HEARTBEAT", None),
    ],
)
def test_whose_event_it_is(topic, task_id):
    assert zmesos.Event(topic, header("UPDATE", 1), b"").task_id == task_id


def test_events_of_unknown_kinds_are_still_events():
    unknown = EventHeader(version=1, number=1)
    # An enum value of tomorrow, as proto2 readers see it: the field is absent.
    event = zmesos.Event.of_frames([b"mesos/99", unknown.SerializeToString(), b"\x08\x63"])
    assert event.mesos is not None and not event.mesos.HasField("type")
    assert event.task_id is None
    assert zmesos.Event.of_frames([b"later/x", unknown.SerializeToString(), b"abc"]).__str__() == "later/x  3 bytes"


@pytest.mark.parametrize("kind", [name for name in scheduler.Event.Type.keys() if name != "UNKNOWN"])
def test_every_kind_of_mesos_event_makes_a_line(kind):
    event = scheduler.Event(type=scheduler.Event.Type.Value(kind))
    text = str(zmesos.Event(f"mesos/{kind}", header("MESSAGE", 1), event.SerializePartialToString()))
    assert text.startswith(f"mesos/{kind}")


@pytest.mark.parametrize(
    "frames",
    [[], [b"task/x/RUNNING"], [b"a", b"", b"", b""], [b"task/x/RUNNING", b"\xff\xff\xff", b""]],
)
def test_what_is_no_event(frames):
    with pytest.raises(zmesos.ProtocolError):
        zmesos.Event.of_frames(frames)


def test_a_body_that_cannot_be_read():
    event = zmesos.Event("task/x/RUNNING", header("TASK", 1), b"\xff\xff\xff")
    with pytest.raises(zmesos.ProtocolError):
        event.task


def test_ready_comes_after_every_subscription_and_keeps_what_came(publisher):
    with zmesos.Events(publisher.endpoint, "task/", "mesos/OFFERS") as events:
        assert publisher.heard(3) == ["mesos/OFFERS", "task/", HEARTBEAT]
        publisher.send("task/a/RUNNING", "TASK", 5)
        publisher.beat(1, TASK=5)
        publisher.send("task/b/RUNNING", "TASK", 6)
        assert events.ready(60).heads[0].number == 5
        assert [events.recv(60).topic for _ in range(2)] == ["task/a/RUNNING", "task/b/RUNNING"]
        assert events.missed == 0
        assert events.run == ("s", 1)


def test_ready_without_a_heartbeat_times_out(publisher):
    with zmesos.Events(publisher.endpoint, "task/") as events:
        with pytest.raises(zmesos.TimedOut):
            events.ready(0.05)
        assert events.recv(0) is None


def test_heartbeats_are_given_to_who_asked_for_them(publisher):
    with zmesos.Events(publisher.endpoint) as everything, zmesos.Events(publisher.endpoint, "task/") as tasks:
        publisher.heard(4)
        publisher.beat(1)
        publisher.send("task/a/RUNNING", "TASK", 1)
        assert everything.recv(60).status == heartbeat(1)
        assert everything.recv(60).topic == "task/a/RUNNING"
        assert tasks.recv(60).topic == "task/a/RUNNING"
        assert tasks.heartbeat == heartbeat(1)


def test_an_unwanted_heartbeat_is_not_taken_for_silence(publisher, monkeypatch):
    with zmesos.Events(publisher.endpoint, "task/") as events:
        arrived = [
            zmesos.Event(HEARTBEAT, header("DAEMON", 1), b""),
            zmesos.Event("task/a/RUNNING", header("TASK", 2), b""),
        ]

        async def receive(deadline):
            return arrived.pop(0) if arrived else None

        monkeypatch.setattr(events._logic, "_receive", receive)
        assert events.recv(0).number == 2
        assert events.recv(0) is None


def test_gaps_and_the_tail_are_counted(publisher):
    with zmesos.Events(publisher.endpoint, "task/") as events:
        publisher.heard(2)
        publisher.beat(1, TASK=10)
        events.ready(60)
        publisher.send("task/a/RUNNING", "TASK", 12)
        publisher.send("task/a/FINISHED", "TASK", 13)
        caught = [event.number for event in events.catch_up(heartbeat(2, TASK=13), timeout=60)]
        assert caught == [12, 13]
        assert events.missed == 1
        assert list(events.catch_up(heartbeat(2, TASK=15), timeout=0.05)) == []
        assert events.missed == 3


def test_within_ends(publisher):
    with zmesos.Events(publisher.endpoint, "task/") as events:
        publisher.heard(2)
        publisher.send("task/a/RUNNING", "TASK", 1)
        assert next(events.within(60)).number == 1
        assert list(events.within(0.05)) == []


def test_two_threads_at_once_are_refused(publisher):
    with zmesos.Events(publisher.endpoint, "task/") as events:
        publisher.heard(2)
        got = []
        reader = threading.Thread(target=lambda: got.append(events.recv(60)))
        reader.start()
        while not events._logic._busy.locked() and reader.is_alive():
            pass
        with pytest.raises(zmesos.ZmesosError, match="another thread"):
            events.recv(0)
        publisher.send("task/a/RUNNING", "TASK", 1)
        reader.join(60)
        assert got[0].number == 1
        publisher.send("task/a/RUNNING", "TASK", 2)
        assert events.recv(60).number == 2  # one after the other is fine


def test_a_bad_endpoint_is_an_error_at_once():
    with pytest.raises(zmesos.BadEndpoint):
        zmesos.Events("nonsense")
