"""Followers: every event once and in order, whatever happens to the subscriber, its connection, or the daemon."""
from __future__ import annotations

import pathlib
import time

import pytest
import zmesos
from following import SIMULATED, Account, Cutter, Load, heads_of, settle
from programs import PATIENCE, wait_for

LOCAL = pytest.mark.usefixtures("needs_local")  # thousands of tasks, that are no processes

NARROW_QUEUES = ("--events-hwm", "500")


def followers(client, *, high_water=500):
    """A follower of whole classes, one under a prefix of many tasks, with their accounts and prefixes."""
    made = {}
    for name, prefixes in {"whole classes": ("task/", "mesos/UPDATE/"), "a prefix": ("task/a-",)}.items():
        follower = client.follow(*prefixes, high_water=high_water, ready=PATIENCE)
        made[name] = (follower, Account(follower.position), prefixes)
    return made


def accounts(made):
    return {name: (account, prefixes) for name, (_, account, prefixes) in made.items()}


def note_each(made, seconds=0.01):
    """One event of each follower that has one in that time; how many there were."""
    count = 0
    for follower, account, _ in made.values():
        found = follower.recv(seconds)
        if found is not None:
            account.note(found)
            count += 1
    return count


def close(made):
    for follower, _, _ in made.values():
        follower.close()


@LOCAL
def test_a_subscriber_that_is_held_up_under_load(start_cluster):
    cluster = start_cluster(*NARROW_QUEUES, **SIMULATED)
    client = cluster.client()
    made = followers(client)
    before = sum(heads_of(client.status()).values())
    load = Load(cluster, 12000)
    seconds = load.finish()  # in which nothing is read
    heads = heads_of(client.status())
    rate = (sum(heads.values()) - before) / seconds
    for follower, account, _ in made.values():
        account.take(follower, heads)
        assert follower.replayed > 0, "nothing was dropped: this proves nothing"
    close(made)
    settle("held up", cluster, accounts(made), f" ({seconds:.1f} s, {rate:,.0f} events/s)")


@LOCAL
def test_a_connection_that_is_cut_a_hundred_times(start_cluster):
    cluster = start_cluster(**SIMULATED)
    cutter = Cutter(cluster.events)
    client = zmesos.Client(cluster.control, cutter.endpoint, cluster.pipeline)
    try:
        made = followers(client)
        load = Load(cluster, 4000, batch=20, pause=0.05)
        for cut in range(100):
            connected = cutter.connections
            cutter.cut()
            until = time.monotonic() + PATIENCE
            while cutter.connections < connected + len(made) and time.monotonic() < until:
                note_each(made)
        load.finish()
        heads = heads_of(cluster.status())
        for follower, account, _ in made.values():
            account.take(follower, heads)
            assert follower.replayed > 0, "nothing was lost: this proves nothing"
        close(made)
        assert cutter.connections >= 202
        settle("cut 100 times", cluster, accounts(made))
    finally:
        client.close()
        cutter.close()


@LOCAL
def test_a_subscriber_that_joins_late(start_cluster):
    cluster = start_cluster(**SIMULATED)
    client = cluster.client()
    Load(cluster, 2000).finish()
    load = Load(cluster, 0, ids=[f"a-late-{n}" for n in range(2000)], batch=100)
    snapshot = client.snapshot(page_size=100)
    made = {}
    for name, start, prefixes in [("whole classes from the oldest", "oldest", ("task/", "mesos/UPDATE/")),
                                  ("a prefix from the oldest", "oldest", ("task/a-1",)),
                                  ("whole classes from a snapshot", snapshot.position, ("task/",)),
                                  ("a prefix from a snapshot", snapshot.position, ("task/a-",))]:
        follower = client.follow(*prefixes, start=start, ready=PATIENCE)
        position = snapshot.position if start != "oldest" else zmesos.Position("", {"TASK": 0, "UPDATE": 0})
        shown = {key: number for key, number in position.numbers.items() if key in follower.position.numbers}
        made[name] = (follower, Account(zmesos.Position(position.store, shown)), prefixes)
    load.finish()
    heads = heads_of(client.status())
    for name, (follower, account, _) in made.items():
        if name == "whole classes from a snapshot":
            while follower.position.numbers["TASK"] < heads["TASK"]:
                event = wait_for(lambda: follower.recv(1.0), "an event")
                account.note(event)
                snapshot.apply(event)
        account.take(follower, heads)
    # The snapshot with the events after it is what the daemon says now.
    listed = {task.id: (task.state, task.revision) for task in client.tasks()}
    assert {task.id: (task.state, task.revision) for task in snapshot.tasks.values()} == listed
    assert len(listed) == 4000
    close(made)
    settle("joined late", cluster, accounts(made))


@LOCAL
def test_through_restarts_of_the_daemon(start_cluster):
    cluster = start_cluster(**SIMULATED)
    client = cluster.client(timeout=60.0, attempts=30)
    made = followers(client)
    load = Load(cluster, 3000, batch=50, pause=0.02)
    for _ in range(3):
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            note_each(made)
        cluster.restart(kill=True)
    load.finish()
    heads = heads_of(client.status())
    for follower, account, _ in made.values():
        account.take(follower, heads)
    close(made)
    assert client.status().run == 4
    settle("3 times kill -9", cluster, accounts(made))


def test_on_any_master(start_cluster):
    """With tasks that are processes: cut, ended and late all in one."""
    cluster = start_cluster()
    cutter = Cutter(cluster.events)
    client = zmesos.Client(cluster.control, cutter.endpoint, cluster.pipeline, timeout=60.0, attempts=30)
    try:
        made = followers(client)
        load = Load(cluster, 40, batch=4, pause=0.3)
        for kill in (False, True, False, True):
            wait_for(lambda: note_each(made, 0.1), "an event")
            cluster.restart(kill=True) if kill else cutter.cut()
        load.finish()
        heads = heads_of(client.status())
        late = client.follow("task/", start="oldest", ready=PATIENCE)
        made["late"] = (late, Account(zmesos.Position(late.position.store, {"TASK": 0})), ("task/",))
        for follower, account, _ in made.values():
            account.take(follower, heads)
        close(made)
        settle("cut, ended and late", cluster, accounts(made))
    finally:
        client.close()
        cutter.close()


@LOCAL
def test_five_thousand_prefixes_on_one_socket(start_cluster):
    cluster = start_cluster(*NARROW_QUEUES, **SIMULATED)
    client = cluster.client()
    ids = [f"p-{n}" for n in range(6000)]
    prefixes = tuple(f"task/{task}/" for task in ids[:5000])
    follower = client.follow(*prefixes, high_water=500, ready=PATIENCE)
    account = Account(follower.position)
    load = Load(cluster, 0, ids=ids)
    load.finish()
    heads = heads_of(client.status())
    account.take(follower, {"TASK": heads["TASK"]})
    assert follower.replayed > 0, "nothing was dropped: this proves nothing"
    # And with nothing dropped, what comes is counted by the daemon and told soon.
    load = Load(cluster, 0, ids=[f"q-{n}" for n in range(100)])
    load.finish()
    account.take(follower, {"TASK": heads_of(client.status())["TASK"]})
    follower.close()
    settle("5,000 prefixes", cluster, {"prefixes": (account, prefixes)})


@LOCAL
def test_what_is_not_kept_any_more_is_said(start_cluster):
    cluster = start_cluster("--keep-events", "200", *NARROW_QUEUES, **SIMULATED)
    cutter = Cutter(cluster.events)
    client = zmesos.Client(cluster.control, cutter.endpoint, cluster.pipeline, PATIENCE)
    try:
        follow_beyond_what_is_kept(cluster, cutter, client)
    finally:
        client.close()
        cutter.close()


def follow_beyond_what_is_kept(cluster, cutter, client):
    follower = client.follow("task/", ready=PATIENCE)
    begun = follower.position.numbers["TASK"]
    account = Account(follower.position)
    Load(cluster, 20).finish()
    heard = heads_of(client.status())["TASK"]
    account.take(follower, {"TASK": heard})
    cutter.cut(shut=True)  # and hears nothing of what follows
    Load(cluster, 0, ids=[f"more-{n}" for n in range(1000)]).finish()
    cluster.restart()  # what is in memory would do
    cluster.wait_subscribed()
    head = heads_of(client.status())["TASK"]
    cutter.cut(shut=False)
    account.take(follower, {"TASK": head})
    assert [(over.reason, over.event_class) for over in account.started_over] == [("TRUNCATED", "TASK")]
    first, last = account.started_over[0].missed
    got = account.numbers["TASK"]
    assert first == heard + 1
    assert last + 1 == account.started_over[0].position.numbers["TASK"] + 1 == got[got.index(last + 1)]
    assert sorted(set(got)) == list(range(begun + 1, first)) + list(range(last + 1, head + 1))
    assert len(got) == len(set(got)) and account.disordered == 0
    with pytest.raises(zmesos.Truncated) as refused:
        list(client.replay("TASK", start=1))
    assert 1 < refused.value.oldest <= head
    assert [event.number for event in client.replay("TASK", start=refused.value.oldest)] == list(
        range(refused.value.oldest, head + 1))
    follower.close()


def test_another_history_is_said(start_cluster, start_daemon, tmp_path: pathlib.Path):
    cluster = start_cluster(**SIMULATED)
    client = cluster.client()
    Load(cluster, 20).finish()
    client.backup(tmp_path / "copy.db")
    Load(cluster, 0, ids=[f"later-{n}" for n in range(20)]).finish()
    position = client.follow("task/", ready=PATIENCE).position
    with client.follow("task/", ready=PATIENCE) as follower:
        cluster.daemon.set_back(tmp_path / "copy.db")
        over = wait_for(lambda: follower.recv(1.0), "a word of the restoring")
        assert isinstance(over, zmesos.StartedOver)
        assert (over.reason, over.missed, over.event_class) == ("STORE", None, None)
        assert over.position.store == client.status().store != position.store
        client.launch("true", id="new", cpus=0.01, mem=1)
        client.wait("new", timeout=60)
        states = []
        while not states or states[-1] != "task/new/FINISHED":
            event = wait_for(lambda: follower.recv(1.0), "an event")
            states.append(event.topic)
        assert states == [f"task/new/{state}" for state in ("QUEUED", "LAUNCHING", "STARTING", "RUNNING", "FINISHED")]
    with client.follow("task/", start=position, ready=PATIENCE) as late:
        over = wait_for(lambda: late.recv(1.0), "a word of the restoring")
        assert isinstance(over, zmesos.StartedOver) and over.reason == "STORE"


@pytest.mark.parametrize("prefix", ["task/", "task/job/"])
def test_a_position_that_is_ahead_is_said(cluster, prefix):
    """The daemon's state is an older copy that is not marked as a backup: its numbers were given before."""
    client = cluster.client()
    position = client.follow(prefix, ready=PATIENCE).position
    ahead = zmesos.Position(position.store, {"TASK": position.numbers["TASK"] + 1000})
    with client.follow(prefix, start=ahead, ready=PATIENCE) as follower:
        over = wait_for(lambda: follower.recv(1.0), "a word of it")
        assert over == zmesos.StartedOver("STORE", None, None, position)
        client.launch("true", id="job", cpus=0.01, mem=1)
        event = wait_for(lambda: follower.recv(1.0), "an event")
        assert (event.topic, event.number) == ("task/job/QUEUED", position.numbers["TASK"] + 1)


@pytest.mark.parametrize("more", ["mesos/UPDATE/", "mesos/UPDATE/after/"])
def test_a_class_that_a_position_lacks_is_said(cluster, more):
    """It was not followed when the position was kept, or was not known."""
    client = cluster.client()
    client.launch("true", id="before", cpus=0.01, mem=1)
    client.wait("before", timeout=PATIENCE)
    with client.follow("task/") as follower:
        position = follower.position
    told = heads_of(client.status())["UPDATE"]
    with client.follow("task/", more, start=position) as follower:
        over = wait_for(lambda: follower.recv(1.0), "a word of it")
        assert isinstance(over, zmesos.StartedOver)
        head = over.position.numbers["UPDATE"]
        assert (over.reason, over.event_class, over.missed) == ("ADDED", "UPDATE", (1, head)) and head >= told > 0
        assert over.position == follower.position and over.position.numbers["TASK"] == position.numbers["TASK"]
        assert {event.task_id for event in client.replay("UPDATE") if event.number <= head} == {"before"}  # to be had
        client.launch("true", id="after", cpus=0.01, mem=1)
        events = []
        while not {"task/after/FINISHED", "mesos/UPDATE/after/1"} <= {event.topic for event in events}:
            events.append(wait_for(lambda: follower.recv(1.0), "an event"))
            assert isinstance(events[-1], zmesos.Event), events[-1]
        assert min(event.number for event in events if event.event_class == "UPDATE") > head
        assert follower.position.numbers["TASK"] > position.numbers["TASK"]


def test_a_class_of_which_there_was_nothing_is_begun_without_a_word(cluster):
    client = cluster.client()
    with client.follow("task/") as follower:
        position = follower.position
    with client.follow("task/", "operation/", start=position) as follower:
        client.launch("true", id="first", cpus=0.01, mem=1)
        event = wait_for(lambda: follower.recv(1.0), "an event")
        assert isinstance(event, zmesos.Event) and event.topic == "task/first/QUEUED"
        assert follower.position.numbers["OPERATION"] == 0


def test_the_daemon_goes_while_its_history_is_asked_for(cluster, monkeypatch: pytest.MonkeyPatch):
    client = cluster.client()
    with client.follow("task/", ready=PATIENCE) as follower:
        logic = follower._logic
        store, status, asked = follower.position.store, logic._client.status, []

        async def away(*arguments):
            asked.append(arguments)
            if len(asked) == 1:
                raise zmesos.TimedOut("away")
            return await status(*arguments)

        monkeypatch.setattr(logic._client, "status", away)
        monkeypatch.setattr(logic, "_look_at_heartbeat", lambda: None)  # one that comes meanwhile would say it too
        monkeypatch.setattr(logic, "_store", "another")
        client.launch("true", id="job", cpus=0.01, mem=1)  # its events are of a history that the follower does not know
        monkeypatch.setattr(logic._lanes[zmesos.messages.TASK], "heard", follower.position.numbers["TASK"] + 1)
        over = wait_for(lambda: follower.recv(0.1), "a word of the other history")
        assert len(asked) == 2
        assert (over.reason, over.position.store) == ("STORE", store)


def test_replay_tail_and_snapshot_are_refused_with_the_field(cluster):
    client = cluster.client()
    head = heads_of(client.status())["TASK"]
    for ask, field in [
        (lambda: list(client.replay("OFFERS")), "replay.class"),
        (lambda: list(client.replay("TASK", start=head + 2)), "replay.from"),
        (lambda: list(client.replay("TASK", start=0)), "replay.from"),
        (lambda: list(client.replay("TASK", "mesos/")), "replay.prefixes[0]"),
        (lambda: client.tail("TASK", after=head + 1), "tail.after"),
        (lambda: client.snapshot(page_size=0), "snapshot.page_size"),
        (lambda: client._ask(zmesos.messages.Request(replay={})), "replay.class"),
    ]:
        with pytest.raises(zmesos.Invalid) as refused:
            ask()
        assert refused.value.field == field and refused.value.message
    assert list(client.replay("TASK", start=head + 1)) == []
    assert client.tail("DAEMON").count >= 1
    assert not client.tail("DAEMON", "zmesos/MASTER").HasField("count")


@LOCAL
def test_a_position_goes_on_where_a_follower_stopped(start_cluster):
    cluster = start_cluster(**SIMULATED)
    client = cluster.client()
    follower = client.follow("task/a-", ready=PATIENCE)
    account = Account(follower.position)
    load = Load(cluster, 600, batch=50)
    for _ in range(8):
        for _ in range(40):
            found = follower.recv(5.0)
            if found is not None:
                account.note(found)
        position = follower.position
        follower.close()
        follower = client.follow("task/a-", start=position, ready=PATIENCE)
    load.finish()
    account.take(follower, {"TASK": heads_of(client.status())["TASK"]})
    follower.close()
    settle("closed and opened 8 times", cluster, {"a prefix": (account, ("task/a-",))})
