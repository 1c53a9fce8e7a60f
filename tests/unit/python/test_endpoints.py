"""Endpoints that are none: said by name when they are used first, and no socket stays behind."""

import asyncio

import pytest
import zmesos
import zmesos.aio
from zmesos import events, transport, wires
from zmesos.wires import prepare

GOOD = "tcp://127.0.0.1:1"  # where nobody is
NONE = ["nonsense", "tcp://127.0.0.1", "tcp://127.0.0.1:*", "carrier-pigeon://coop", "ipc://" + 200 * "x"]


@pytest.fixture
def sockets(monkeypatch):
    """All that are made; each is closed when the test ends, which it has to be by itself."""
    made = []

    def note(socket):
        made.append(prepare(socket))
        return socket

    for module in (wires, transport):
        monkeypatch.setattr(module, "prepare", note)
    yield made
    for socket in made:
        socket.close(0)


def ping(client):
    return client.ping()


def launch_many(client):
    """More than one request, so that they take the pipeline."""
    return client.launch_many([zmesos.task_spec("true", cpus=1)] * 1001)


def subscribe(client):
    return client.subscribe()


def follow(client):
    return client.follow("task/")


USES = [
    (ping, "control", lambda bad: (bad, GOOD)),
    (launch_many, "pipeline", lambda bad: (GOOD, GOOD, bad)),
    (subscribe, "events", lambda bad: (GOOD, bad)),
    (follow, "events", lambda bad: (GOOD, bad)),
]


def check(error, name, bad):
    assert isinstance(error, ValueError) and isinstance(error, zmesos.ZmesosError)
    assert str(error).startswith(f"{name}: {bad!r} is no endpoint, as tcp://127.0.0.1:5560 is: ")
    assert (error.name, error.endpoint) == (name, bad)


@pytest.mark.parametrize("bad", NONE)
@pytest.mark.parametrize("use, name, endpoints", USES)
def test_a_client_that_blocks(sockets, use, name, endpoints, bad):
    with zmesos.Client(*endpoints(bad)) as client:
        for _ in range(2):  # the second is not sent by what the first left
            with pytest.raises(zmesos.BadEndpoint) as caught:
                use(client)
            check(caught.value, name, bad)
        assert len(sockets) == 2 and all(socket.closed for socket in sockets)


async def awaited(use, client):
    """Begins it, whether that is by an await or not."""
    made = use(client)
    if use is not subscribe:
        await made


@pytest.mark.parametrize("bad", NONE)
@pytest.mark.parametrize("use, name, endpoints", [*USES, (ping, "pipeline", lambda bad: (GOOD, GOOD, bad))])
def test_a_client_for_asyncio(sockets, use, name, endpoints, bad):
    async def both():
        async with zmesos.aio.Client(*endpoints(bad)) as client:
            for _ in range(2):
                with pytest.raises(zmesos.BadEndpoint) as caught:
                    await awaited(use, client)
                check(caught.value, name, bad)
            assert len(sockets) == 2 and all(socket.closed for socket in sockets)

    asyncio.run(both())


@pytest.mark.parametrize("kind", [events.Events, events.AsyncEvents])
def test_a_subscription_of_its_own(sockets, kind):
    with pytest.raises(zmesos.BadEndpoint) as caught:
        kind("nonsense", "task/")
    check(caught.value, "events", "nonsense")
    assert len(sockets) == 1 and sockets[0].closed


def test_what_is_no_text_leaves_no_socket_either(sockets):
    with zmesos.Client(5560) as client, pytest.raises(TypeError):
        client.ping()
    assert len(sockets) == 1 and sockets[0].closed
