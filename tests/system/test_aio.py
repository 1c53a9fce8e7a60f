"""zmesos.aio against the real zmesosd: each kind of request, many at a time, cancelling, and a daemon that is killed."""
from __future__ import annotations

import asyncio
import functools
import gc
import itertools
import pathlib
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import zmesos
import zmq
import zmq.asyncio
from following import SIMULATED, Account, Load, heads_of, settle
from programs import PATIENCE, Cluster, Daemon
from test_python import impatient, looks
from zmesos import aio

SMALL = {"cpus": 0.1, "mem": 32}
NEVER = {"cpus": 1_000_000, "mem": 32}  # more than any agent has: accepted, and waits


def asynchronous(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs a test in an event loop of its own, which it leaves without tasks and without sockets, and to which nothing happens
    that it would only log."""

    async def alone(*arguments: Any, **fixtures: Any) -> None:
        before = open_sockets()
        logged: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: logged.append(context))
        async with asyncio.timeout(8 * PATIENCE):
            await test(*arguments, **fixtures)
        await nothing_left(before)
        assert not logged

    @functools.wraps(test)
    def run(*arguments: Any, **fixtures: Any) -> None:
        asyncio.run(alone(*arguments, **fixtures))
    return run


def open_sockets() -> int:
    gc.collect()
    return sum(not one.closed for one in gc.get_objects() if isinstance(one, zmq.asyncio.Socket))


async def nothing_left(sockets: int) -> None:
    """No task but this one, no reader of the loop, no socket more than so many; as soon as the loop has closed the iterations
    that were dropped."""
    deadline = time.monotonic() + PATIENCE
    while asyncio.all_tasks() != {asyncio.current_task()}:
        assert time.monotonic() < deadline, asyncio.all_tasks()
        await asyncio.sleep(0.02)
    assert open_sockets() == sockets


def made(daemon: Daemon, timeout: float = PATIENCE, attempts: int = 36) -> aio.Client:
    return aio.Client(daemon.control, daemon.events, daemon.pipeline, timeout, attempts)


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.02)
    return value


async def blocking(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


async def restart(daemon: Daemon) -> None:
    """kill -9, and again."""
    await blocking(daemon.restart, True)
    await blocking(daemon.wait_subscribed)


# ---- what it does ------------------------------------------------------------------------------------------


@asynchronous
async def test_handles(cluster: Cluster) -> None:
    async with made(cluster.daemon) as client:
        handle = await client.launch("exit 0", name="one", **SMALL)
        assert handle.id.startswith("one-") and handle.state == "QUEUED" and not handle.known and repr(handle)[:8] == "<Handle "
        task = await handle.wait(PATIENCE)
        assert zmesos.state_name(task.state) == handle.state == "FINISHED" and handle.over
        assert [change.revision for change in handle.history] == list(range(1, task.revision + 1)) and handle.history.complete
        assert await client.wait(handle.id, PATIENCE) == task
        failed = await client.launch("exit 3", **SMALL)
        await failed.wait(PATIENCE)
        with pytest.raises(zmesos.TaskFailed):
            failed.check()
        await client.launch("sleep 600", id="long", **SMALL)
        other = await client.handle("long")
        await other.kill(grace=0.1)
        await other.wait(PATIENCE)
        assert (await other.refresh()).state == "KILLED" and not (await other.why()).reasons
        with pytest.raises(zmesos.NotFound):
            await client.handle("nobody")
        with pytest.raises(zmesos.Conflict):
            await client.launch("sleep 601", id="long", **SMALL)


@asynchronous
async def test_requests_of_each_kind(cluster: Cluster) -> None:
    async with made(cluster.daemon) as client:
        assert await client.ping() > 0 and (await client.status()).run == 1 and await client.reconcile() == 0
        specs = [zmesos.task_spec("true", id=f"t-{n:02}", labels={"third": str(n % 3 == 0)}, **NEVER) for n in range(25)]
        assert all(result.ok for result in await client.launch_many(specs))
        assert [task.id async for task in client.tasks(prefix="t-", page_size=4)] == [spec.id for spec in specs]
        assert len(await client.get(["t-00", "t-01", "nobody"])) == 2 and (await client.task("t-07")).id == "t-07"
        assert (await client.why("t-03"))["t-03"].task_id == "t-03"
        assert len(await client.kill(label="third=True")) == 9
        with pytest.raises(zmesos.NotFound) as caught:
            await client.kill("t-01", "nobody")
        assert [result.ok for result in caught.value.results] == [True, False]
        group = await client.launch_group([zmesos.task_spec("true", id=f"g-{n}", **SMALL) for n in range(2)])
        assert [result.ok for result in group] == [True, True]
        ended = await client.wait(["g-0", "g-1"], PATIENCE)
        assert {zmesos.state_name(task.state) for task in ended.values()} == {"FINISHED"}
        snapshot = await client.snapshot(prefix="t-", page_size=10)
        assert len(snapshot.tasks) == 25
        replayed = [event.number async for event in client.replay("TASK", "task/t-")]
        assert len(replayed) == (await client.tail("TASK", "task/t-")).count >= 25
        await client.suppress()
        await client.revive()
        await client.update_framework(labels={"a": "b"})
        assert (await client.teardown()).token
        with pytest.raises(zmesos.Conflict):
            await client.backup(cluster.daemon.log)
        assert [agent.tasks async for agent in client.agents()] and await client.release("RUN") == []


@asynchronous
async def test_leases_and_operations(cluster: Cluster, needs_local: None) -> None:
    async with made(cluster.daemon) as client:
        await client.launch("true", id="placed", placer="p", **SMALL)
        async with client.lease(max_offers=2, duration=20, cpus=0.1) as lease:
            async def offers() -> Any:
                return (await lease.renew()).offers
            offer = (await until(offers, "an offer"))[0]
            assert [result.ok for result in await lease.place((offer, "placed"))] == [True]
            assert lease.left > 0 and not lease.over
        assert lease.over
        await client.wait("placed", PATIENCE)
        opened = await client.lease(max_offers=1)
        await opened.release()
        with pytest.raises(zmesos.NotFound):
            await opened.renew()
        reserve = zmesos.mesos.Offer.Operation(type=zmesos.mesos.Offer.Operation.RESERVE)
        reserve.reserve.resources.extend(zmesos.reserved("*", cpus=1_000_000))
        with pytest.raises(zmesos.Refused):
            await client.operate(reserve)
        assert [one async for one in client.operations()] == [] and await client.get_operations(["x"]) == {}
        with pytest.raises(zmesos.NotFound):
            await client.wait_operations("nobody", timeout=PATIENCE)


@asynchronous
async def test_a_consumer(cluster: Cluster, needs_local: None) -> None:
    async with made(cluster.daemon) as client:
        task = await client.launch("true", consumer={"name": "ledger", "after_timeout": "WAIT"}, **SMALL)
        states: list[str] = []

        async def take() -> bool:
            updates = [update async for update in client.unconfirmed("ledger", page_size=1)]
            assert all(result.ok for result in await client.confirm("ledger", updates))
            states.extend(zmesos.mesos.TaskState.Name(zmesos.scheduler.Event.FromString(update.event).update.status.state)
                          for update in updates)
            return "TASK_FINISHED" in states
        await until(take, "the last update")
        await task.wait(PATIENCE)
        assert states == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]


@asynchronous
async def test_events(cluster: Cluster) -> None:
    async with made(cluster.daemon) as client, client.subscribe("task/") as events:
        status = await events.ready(PATIENCE)
        assert events.run == (status.store, status.run) and events.missed == 0
        await client.launch("true", id="a", **NEVER)
        assert (await events.recv(PATIENCE)).topic == "task/a/QUEUED"
        assert await events.recv(0) is None
        reader = asyncio.create_task(events.recv(PATIENCE))
        await asyncio.sleep(0)
        with pytest.raises(zmesos.ZmesosError, match="task is using"):
            await events.recv(0)
        await client.kill("a")
        assert (await reader).topic == "task/a/KILLED"
        await client.launch("true", id="b", **NEVER)
        assert [event.topic async for event in events.catch_up(await client.status(), PATIENCE)] == ["task/b/QUEUED"]
        await client.launch("true", id="c", **NEVER)
        async for event in events:
            assert event.topic == "task/c/QUEUED"
            break
        async with events.within(0.01) as rest:
            assert [event async for event in rest] == []
    with pytest.raises(zmesos.ZmesosError, match="closed"):
        await events.recv(0)


# ---- many at a time ----------------------------------------------------------------------------------------


@asynchronous
async def test_many_requests_share_some_sockets(cluster: Cluster) -> None:
    before = open_sockets()
    async with made(cluster.daemon) as client:
        handles = await asyncio.gather(*(client.launch("true", id=f"t{n}", **NEVER) for n in range(300)))
        assert [handle.id for handle in handles] == [f"t{n}" for n in range(300)]
        assert 1 < open_sockets() - before <= zmesos.transport.MOST_AT_ONCE
        assert (await client.status()).counts[0].tasks == 300
        many = (zmesos.task_spec("true", id=f"m{n}", **NEVER) for n in range(2500))
        results = await client.launch_many(many)  # several requests: by the pipeline
        assert [result.id for result in results] == [f"m{n}" for n in range(2500)]


@asynchronous
async def test_the_loop_goes_on_meanwhile(cluster: Cluster) -> None:
    """A wait, a follower and a flood of events each let others have their turn."""
    async with made(cluster.daemon) as client:
        await client.launch("true", id="waits", **NEVER)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)
        ticking = asyncio.create_task(tick())
        waiting = asyncio.create_task(client.wait("waits"))
        async with client.subscribe("task/") as events:
            await events.ready(PATIENCE)
            await client.launch_many(zmesos.task_spec("true", id=f"t{n}", **NEVER) for n in range(1000))
            await blocking(time.sleep, 0.2)  # so that all are there already: only the count below depends on it, not the test
            first = ticks
            for _ in range(1000):
                assert (await events.recv(PATIENCE)) is not None
            assert ticks > first
        await client.kill("waits")
        assert zmesos.state_name((await waiting).state) == "KILLED"
        ticking.cancel()
        await asyncio.wait([ticking])


# ---- cancelling --------------------------------------------------------------------------------------------


@asynchronous
async def test_what_is_cancelled_leaves_nothing(cluster: Cluster) -> None:
    """Each kind of call, cancelled at its first wait and later ones, until it is done before it can be."""
    async with made(cluster.daemon) as client:
        await client.launch("true", id="waits", **NEVER)
        numbers = itertools.count()

        async def opened() -> None:
            async with client.lease(max_offers=1) as lease:
                await lease.renew()

        async def followed() -> None:
            async with client.follow("task/", ready=PATIENCE) as follower:
                await follower.recv(0.05)

        async def mapped() -> None:
            async with client.map(lambda n: "sleep 600", range(3), **SMALL) as results:
                async for _ in results:
                    pass

        async def pages() -> None:
            async for _ in client.tasks(page_size=1):
                pass

        async def many() -> None:
            await client.launch_many(zmesos.task_spec("true", id=f"n{next(numbers)}", **NEVER) for _ in range(1500))

        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "ping": client.ping,
            "launch": lambda: client.launch("true", id=f"n{next(numbers)}", **NEVER),
            "launch_many": many,
            "pages": pages,
            "wait": lambda: client.wait("waits"),
            "refresh": lambda: refreshed(client),
            "lease": opened,
            "follow": followed,
            "map": mapped,
        }
        for name, call in calls.items():
            before = open_sockets()
            for steps in (1, 2, 3, 5, 10, 30, 100):
                task = asyncio.ensure_future(call())
                for _ in range(steps):
                    await asyncio.sleep(0.001)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    pass
                del task
            assert await client.ping() > 0, name
            assert asyncio.all_tasks() == {asyncio.current_task()}, name
            assert open_sockets() <= before + 1, name  # one may wait for the next request
        await until(lambda: no_sleeper(client), "what was mapped to be killed")


@asynchronous
async def test_a_socket_that_is_closed_before_the_loop_has_looked_at_it() -> None:
    """As by a request that is cancelled when its reply comes: nothing is told to the loop's logger."""
    one, other = aio_wire(), aio_wire()
    one.socket.bind("inproc://one")
    other.socket.connect("inproc://one")
    waiting = one.socket.poll()
    other.send([b"x"])
    while not one.socket.get(zmq.EVENTS) & zmq.POLLIN:  # asking puts off the look to the next turn of the loop
        pass
    one.close()
    other.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)


def aio_wire() -> zmesos.wires.AsyncWire:
    return zmesos.wires.AsyncWire(zmq.PAIR)


async def refreshed(client: aio.Client) -> None:
    await (await client.handle("waits")).refresh()


async def no_sleeper(client: aio.Client) -> bool:
    return not [task.id async for task in client.tasks(prefix="map-") if not zmesos.is_over(task)]


@asynchronous
async def test_a_timeout_around_a_call(cluster: Cluster) -> None:
    async with made(cluster.daemon) as client:
        handle = await client.launch("true", id="waits", **NEVER)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await handle.wait()
        with pytest.raises(zmesos.TimedOut):
            await handle.wait(0.1)
        completed = client.as_completed(["waits"])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await anext(completed)
        with pytest.raises(zmesos.ZmesosError, match="broken off by CancelledError"):  # and not: there are no more
            await anext(completed)
        assert (await handle.refresh()).state == "QUEUED"


@asynchronous
async def test_a_cancelled_wait_loses_no_event(cluster: Cluster) -> None:
    async with made(cluster.daemon) as client, client.subscribe("task/") as events:
        await events.ready(PATIENCE)
        client_of_load = cluster.client()
        load = asyncio.create_task(blocking(
            lambda: [client_of_load.launch("true", id=f"t{n}", **NEVER) for n in range(200)]))
        got = []
        chance = random.Random(7)
        while len(got) < 200:
            try:
                async with asyncio.timeout(chance.random() * 0.004):
                    event = await events.recv()
                    assert event is not None and event.task is not None
                    got.append(event.task.id)
            except TimeoutError:
                pass
        await load
        assert got == [f"t{n}" for n in range(200)] and events.missed == 0


@asynchronous
async def test_those_that_wait_for_their_turn_may_be_cancelled_too(cluster: Cluster) -> None:
    chance = random.Random(11)
    async with made(cluster.daemon) as client:
        for _ in range(5):
            asked = [asyncio.create_task(client.ping()) for _ in range(200)]
            await asyncio.sleep(0)  # all have begun: the first asks, and the last waits for its turn
            for one in asked[0], asked[-1]:
                one.cancel()
            for one in chance.sample(asked[1:-1], 150):
                await asyncio.sleep(chance.random() * 0.001)
                one.cancel()
            ends = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(end, (float, asyncio.CancelledError)) for end in ends)
            assert any(isinstance(end, asyncio.CancelledError) for end in ends) and any(isinstance(end, float) for end in ends)
        assert len(await asyncio.gather(*(client.ping() for _ in range(100)))) == 100


@asynchronous
async def test_the_blocking_client_works_where_a_loop_runs(cluster: Cluster) -> None:
    with cluster.daemon.client() as client:
        assert [done.ok for done in client.map(lambda n: "true", range(2), timeout=PATIENCE, **SMALL)] == [True, True]
        for task in client.tasks(page_size=1):
            assert client.wait(task.id, PATIENCE).id == task.id
            break


@asynchronous
async def test_a_client_is_of_one_loop_and_not_of_the_past(cluster: Cluster) -> None:
    client = made(cluster.daemon)
    assert await client.ping() > 0

    def elsewhere() -> None:
        with pytest.raises(zmesos.ZmesosError, match="another event loop"):
            asyncio.run(client.ping())
    await blocking(elsewhere)
    asking = asyncio.create_task(client.ping())
    await asyncio.sleep(0)
    await client.close()  # waits for what is under way
    assert asking.done() and await asking > 0
    await client.close()
    with pytest.raises(zmesos.ZmesosError, match="closed"):
        await client.ping()


@asynchronous
async def test_what_is_dropped_is_closed(cluster: Cluster) -> None:
    before = open_sockets()
    client = made(cluster.daemon)
    async for event in client.follow("task/", start="oldest", ready=PATIENCE) if await client.launch("true", **NEVER) else ():
        assert event.event_class == "TASK"
        break
    events = client.subscribe("task/")
    assert open_sockets() > before
    del events, client, event
    assert open_sockets() == before


# ---- a daemon that goes and returns ------------------------------------------------------------------------


@asynchronous
async def test_a_wait_outlives_a_killed_daemon(cluster: Cluster, needs_local: None, tmp_path: pathlib.Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    gate = tmp_path / "gate"
    async with made(cluster.daemon) as client:
        handle = await client.launch(f"while [ ! -e {gate} ]; do sleep 0.1; done", **SMALL)

        async def runs() -> bool:
            return (await handle.refresh()).state == "RUNNING"
        await until(runs, "the task to run")
        looked = looks(monkeypatch)
        waiting = asyncio.create_task(handle.wait(2 * PATIENCE))
        watching = asyncio.create_task(client.wait([handle.id], 2 * PATIENCE))

        async def both() -> bool:
            return len(set(looked)) == 2
        await until(both, "both to wait: for a daemon that never answered they would not")
        impatient(client, 1.0)
        await blocking(cluster.daemon.kill)
        with pytest.raises(zmesos.TimedOut):
            await client.ping()
        gate.touch()
        await blocking(cluster.daemon.start)
        assert zmesos.state_name((await waiting).state) == "FINISHED"
        assert (await watching)[handle.id] == handle.task
        assert handle.history.complete and len(handle.history.attempts) == 1


@asynchronous
async def test_a_map_outlives_a_killed_daemon(start_cluster: Callable[..., Cluster], needs_local: None) -> None:
    cluster = await blocking(lambda: start_cluster(**SIMULATED))
    got = []
    async with made(cluster.daemon) as client:
        async with client.map(lambda n: "true", range(400), concurrency=30, timeout=4 * PATIENCE, cpus=0.01, mem=1) as results:
            async for one in results:
                got.append(one)
                if len(got) == 1:  # a daemon that never answered would not be waited for
                    impatient(client, 3.0)
                if len(got) in (100, 250):
                    await blocking(cluster.daemon.restart, True)
        assert [one.item for one in got] == list(range(400)) and all(one.ok for one in got)
        assert len([task async for task in client.tasks()]) == 400


@asynchronous
async def test_a_map_that_stops_kills(cluster: Cluster) -> None:
    async with made(cluster.daemon) as client:
        async for one in client.map(lambda n: "true" if n < 3 else "sleep 600", itertools.count(), concurrency=2,
                                    timeout=PATIENCE, **SMALL):
            if one.item == 2:
                break
        del one

        async def over() -> bool:
            tasks = [task async for task in client.tasks()]
            return len(tasks) > 3 and all(map(zmesos.is_over, tasks))
        await until(over, "the others to be killed")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_follower_that_is_cancelled_through_kills(start_cluster: Callable[..., Cluster], needs_local: None, seed: int) -> None:
    """Every event once, though each wait is cancelled after a random time and the daemon is killed three times."""
    print("seed", seed)
    chance = random.Random(seed)
    cluster = start_cluster("--events-hwm", "500", **SIMULATED)
    accounts: dict[str, tuple[Account, tuple[str, ...]]] = {}
    cancelled = 0

    async def follow(client: aio.Client, name: str, prefixes: tuple[str, ...], begun: asyncio.Barrier,
                     heads: "asyncio.Future[dict[str, int]]") -> None:
        nonlocal cancelled
        async with client.follow(*prefixes, high_water=500, ready=PATIENCE) as follower:
            account = Account(follower.position)
            accounts[name] = account, prefixes
            await begun.wait()
            deadline = time.monotonic() + 4 * PATIENCE
            while not heads.done() or any(follower.position.numbers.get(of, number) < number for of, number in heads.result().items()):
                assert time.monotonic() < deadline, "events do not come"
                try:
                    # In the end there is time for the answer to each question, also where answers are slow.
                    async with asyncio.timeout(chance.random() ** 3 * (10.0 if heads.done() else 0.1)):
                        async for found in follower:
                            account.note(found)
                except TimeoutError:
                    cancelled += 1
            account.heads = heads.result()
            print(name, "replayed", follower.replayed)

    async def main() -> None:
        async with made(cluster.daemon) as client, asyncio.TaskGroup() as group:
            begun = asyncio.Barrier(3)
            heads: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()
            group.create_task(follow(client, "whole classes", ("task/", "mesos/UPDATE/"), begun, heads))
            group.create_task(follow(client, "a prefix", ("task/a-",), begun, heads))
            await begun.wait()
            load = Load(cluster, 1500, batch=50, pause=0.02)
            for _ in range(3):
                await asyncio.sleep(chance.random())
                await blocking(cluster.daemon.restart, True)
            await blocking(load.finish)
            heads.set_result(heads_of(await client.status()))

    asynchronous(main)()
    assert cancelled > 20, "hardly anything was cancelled: this proves nothing"
    settle("cancelled, 3 times kill -9", cluster, accounts, f" ({cancelled} waits cancelled)")
