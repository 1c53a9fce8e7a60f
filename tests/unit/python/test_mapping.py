"""map() that is cancelled while it launches: what is under way is waited for, and killed after it, never before."""

import asyncio

import pytest
import zmesos
from zmesos.driving import AsyncStream
from zmesos.mapping import mapped
from zmesos.outside import AsyncIo


class Events:
    """A subscription on which nothing comes."""

    run = ("s", 1)

    async def recv(self, timeout=None):
        await asyncio.sleep(min(timeout, 0.01))

    async def close(self):
        pass


class Client:
    """A daemon whose answer to a launch comes when `answer` is set."""

    timeout = 5.0

    def __init__(self):
        self._io = AsyncIo("tcp://127.0.0.1:1", None, 1.0, 1)
        self.asked, self.answer, self.done = asyncio.Event(), asyncio.Event(), []

    def subscribe(self, *prefixes):
        return Events()

    async def launch_many(self, specs):
        self.asked.set()
        await self.answer.wait()
        self.done.append(("launch", sorted(spec.id for spec in specs)))
        return [zmesos.Result(spec.id, state="QUEUED", revision=1) for spec in specs]

    async def kill(self, *ids):
        self.done.append(("kill", sorted(ids)))
        return []

    async def get(self, ids, timeout=None):
        return {task_id: zmesos.Task(id=task_id, state=zmesos.state_number("RUNNING")) for task_id in ids}


def results(client, keep_running=False):
    specs = iter("abc")
    return AsyncStream(
        mapped(client, lambda item: {"command": "true", "id": next(specs)}, range(3), 2, True, keep_running, None, {"cpus": 1})
    )


@pytest.mark.parametrize("keep_running", [False, True])
def test_a_launch_that_is_cancelled_is_waited_for(keep_running):
    async def main():
        client = Client()
        step = asyncio.ensure_future(anext(results(client, keep_running)))
        await client.asked.wait()
        step.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert client.done == [] and not step.done()
        client.answer.set()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert client.done == [("launch", ["a", "b"])] + ([] if keep_running else [("kill", ["a", "b"])])

    asyncio.run(main())


def test_what_could_not_be_killed_is_said():
    async def main():
        client = Client()
        client.answer.set()

        async def kill(*ids):
            raise zmesos.TimedOut("away")

        client.kill = kill
        stream = results(client)
        step = asyncio.ensure_future(anext(stream))
        while not client.done:
            await asyncio.sleep(0)
        step.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await step
        assert caught.value.__notes__ == ["2 tasks may go on: they could not be killed: away"]
        with pytest.raises(zmesos.ZmesosError, match="CancelledError"):
            await anext(stream)

    asyncio.run(main())
