"""Requests against peers that are silent, late, busy, gone or wrong: what is sent again, and when it ends."""

import asyncio
import gc
import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest
import zmesos
import zmq
from zmesos import transport
from zmesos.messages import Reply, Request, messages
from zmesos.transport import Pipeline, Question, Requester
from zmesos.wires import AsyncWire

LONG = 60  # seconds; for what must not end by its timeout


def ping(request_id="r1"):
    return Question(request_id, Request(version=1, id=request_id, ping=messages.Ping()).SerializeToString())


def answer(data, code=messages.OK, **more):
    return Reply(version=1, id=Request.FromString(data).id, code=code, **more).SerializeToString()


class Peer:
    """A socket that answers as a script says: one function a request, which returns a list of replies to send."""

    def __init__(self, kind, *script, then=answer, endpoint=None):
        self.got = []
        self.error = None
        self._script = list(script)
        self._then = then
        self._stop = threading.Event()
        self._socket = zmq.Context.instance().socket(kind)
        self._socket.setsockopt(zmq.LINGER, 0)
        self.endpoint = endpoint or "tcp://127.0.0.1:*"
        self._bind()
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _bind(self):
        """libzmq closes a listening socket in a thread of its own: an endpoint just left is free a moment later."""
        deadline = time.monotonic() + LONG
        while True:
            try:
                return self._socket.bind(self.endpoint)
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE or time.monotonic() > deadline:
                    self._socket.close(0)
                    raise
            time.sleep(0.01)

    def _run(self):
        try:
            while not self._stop.is_set():
                if self._socket.poll(10):
                    frames = self._socket.recv_multipart()
                    self.got.append(frames[-1])
                    reply = (self._script.pop(0) if self._script else self._then)(frames[-1])
                    if reply is not None:
                        self._socket.send_multipart([*frames[:-1], reply])
        except Exception as error:  # shown by close(), in the test's own thread
            self.error = error
        finally:
            self._socket.close(0)

    def close(self):
        self._stop.set()
        self._thread.join(LONG)
        assert self.error is None


@pytest.fixture
def peer():
    made = []

    def make(*arguments, **options):
        made.append(Peer(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def asker():
    made = []

    def make(endpoint, timeout=LONG, attempts=3):
        made.append(Requester(endpoint, timeout, attempts))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_silent_peer_is_asked_again_with_the_same_bytes(peer, asker):
    router = peer(zmq.ROUTER, lambda data: None)
    assert asker(router.endpoint, timeout=LONG, attempts=300).ask(ping()).id == "r1"
    assert len(router.got) >= 2 and set(router.got) == {ping().data}


def test_silence_ends_in_timed_out(peer, asker):
    router = peer(zmq.ROUTER, then=lambda data: None)
    start = time.monotonic()
    with pytest.raises(zmesos.TimedOut, match=router.endpoint):
        asker(router.endpoint, timeout=0.3, attempts=3).ask(ping())
    assert time.monotonic() - start >= 0.3
    assert set(router.got) <= {ping().data} and len(router.got) <= 4  # what is given up goes, also what is on its way


def check_one_attempt(peer, asker):
    """At most one: a peer that is slow may not get to read what is given up. What was sent came before another request."""
    router = peer(zmq.ROUTER, then=lambda data: answer(data) if b"other" in data else None)
    requester = asker(router.endpoint, timeout=LONG, attempts=300)
    with pytest.raises(zmesos.TimedOut):
        requester.ask(ping(), timeout=0.3, attempts=1)
    assert requester.ask(ping("other")).id == "other"
    assert router.got.count(ping().data) <= 1


def test_one_attempt_is_one_request(peer, asker):
    check_one_attempt(peer, asker)


def test_one_attempt_is_one_request_also_where_a_poll_ends_early(peer, asker, monkeypatch):
    real = transport.milliseconds
    monkeypatch.setattr(transport, "milliseconds", lambda until: max(0, real(until) - 50))
    check_one_attempt(peer, asker)


def test_a_backup_goes_by_the_pipeline_and_once(peer):
    done = messages.BackupDone(path="/x", bytes=7)
    router = peer(zmq.ROUTER, lambda data: answer(data, backup=done), then=lambda data: None)
    with zmesos.Client("tcp://127.0.0.1:1", pipeline=router.endpoint, timeout=0.01, attempts=100) as client:
        assert client.backup("/x", timeout=LONG) == done
        with pytest.raises(zmesos.TimedOut):
            client.backup("/y", timeout=0.3)
    asked = [Request.FromString(data).backup.path for data in router.got]
    assert asked in (["/x", "/y"], ["/x"])  # the second may be given up before it is read


def test_the_next_request_after_a_timeout_works(peer, asker):
    router = peer(zmq.ROUTER, then=lambda data: None if b"lost" in data else answer(data))
    requester = asker(router.endpoint, attempts=1)
    with pytest.raises(zmesos.TimedOut):
        requester.ask(ping("lost"), timeout=0.2)
    assert requester.ask(ping("found")).id == "found"


def test_nothing_that_was_given_up_is_sent_later(peer, asker):
    probe = zmq.Context.instance().socket(zmq.REP)
    endpoint = f"tcp://127.0.0.1:{probe.bind_to_random_port('tcp://127.0.0.1')}"
    probe.close(0)
    requester = asker(endpoint, attempts=1)
    with pytest.raises(zmesos.TimedOut):
        requester.ask(ping("given-up"), timeout=0.1)
    rep = peer(zmq.REP, endpoint=endpoint)
    assert requester.ask(ping("later")).id == "later"
    assert {Request.FromString(data).id for data in rep.got} == {"later"}


class Raised(Exception):
    """By a signal handler, as KeyboardInterrupt."""


@pytest.fixture
def handler():
    """Has a function called in the main thread when SIGUSR1 comes."""
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda function: signal.signal(signal.SIGUSR1, lambda *_: function())
    signal.signal(signal.SIGUSR1, before)


def interrupt(reply=None):
    """A peer's answer: a signal for the main thread, which waits for this very answer."""

    def step(data):
        os.kill(os.getpid(), signal.SIGUSR1)
        return reply and reply(data)

    return step


def test_signals_do_not_put_the_end_off(asker, peer, handler):
    came = []
    handler(lambda: came.append(time.monotonic()))
    stop = threading.Event()

    def pester():
        while not stop.wait(0.02) and len(came) < 1500:
            os.kill(os.getpid(), signal.SIGUSR1)

    router = peer(zmq.ROUTER, then=lambda data: None)
    pestering = threading.Thread(target=pester)
    pestering.start()
    try:
        with pytest.raises(zmesos.TimedOut):
            asker(router.endpoint, timeout=0.3, attempts=2).ask(ping())
    finally:
        stop.set()
        pestering.join()
    assert 2 <= len(came) < 1500


def test_nothing_that_a_signal_handler_gave_up_is_sent_later(peer, asker, handler):
    def give_up():
        raise Raised

    handler(give_up)
    probe = zmq.Context.instance().socket(zmq.REP)
    endpoint = f"tcp://127.0.0.1:{probe.bind_to_random_port('tcp://127.0.0.1')}"
    probe.close(0)
    requester = asker(endpoint, attempts=1)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    with pytest.raises(Raised):
        requester.ask(ping("given-up"))
    rep = peer(zmq.REP, endpoint=endpoint)
    assert requester.ask(ping("later")).id == "later"
    assert {Request.FromString(data).id for data in rep.got} == {"later"}


def test_a_signal_handler_may_ask_amid_a_request(peer, asker, handler):
    router = peer(zmq.ROUTER, interrupt())
    requester = asker(router.endpoint, attempts=300)
    inner = []
    handler(lambda: inner.append(requester.ask(ping("inner")).id))
    assert requester.ask(ping("outer")).id == "outer"
    assert inner == ["inner"]
    assert requester.ask(ping("after")).id == "after"
    assert len(requester._slots) == 1


def test_what_the_garbage_collector_ends_may_ask_amid_a_request(peer, asker, monkeypatch):
    """As an iteration of map() in a cycle of references, which kills its tasks then."""
    requester = asker(peer(zmq.ROUTER).endpoint)
    ended = []

    def steps():
        try:
            yield
        finally:
            ended.append(requester.ask(ping("ended")).id)

    def collect(frames, question, real=transport.read_answer):
        if question.id == "outer":
            gc.collect()
        return real(frames, question)

    monkeypatch.setattr(transport, "read_answer", collect)
    cycle = [steps()]
    next(cycle[0])
    cycle.append(cycle)
    del cycle
    assert requester.ask(ping("outer")).id == "outer"
    assert ended == ["ended"]


def test_a_signal_handler_may_close_amid_a_request(peer, asker, handler):
    requester = asker(peer(zmq.ROUTER, interrupt(answer)).endpoint)
    handler(requester.close)
    assert requester.ask(ping()).id == "r1"
    assert requester._local.slot.socket is None
    with pytest.raises(zmesos.ZmesosError, match="closed"):
        requester.ask(ping())


def test_a_peer_that_dies_and_returns_is_asked_again(peer, asker):
    first = peer(zmq.REP)
    requester = asker(first.endpoint, attempts=100)
    assert requester.ask(ping("before")).id == "before"
    first.close()
    second = peer(zmq.REP, endpoint=first.endpoint)
    assert requester.ask(ping("after")).id == "after"
    assert second.got[-1] == ping("after").data


def test_unavailable_is_asked_again(peer, asker):
    def busy(data):
        return answer(data, messages.UNAVAILABLE, retry=True)

    rep = peer(zmq.REP, busy, busy)
    assert asker(rep.endpoint).ask(ping()).code == messages.OK
    assert len(rep.got) == 3


def test_unavailable_to_the_end_is_the_answer(peer, asker, monkeypatch):
    """Pauses that take no time, so that all of it is left for the answers: the third pause would be too long."""
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(transport, "_sleep", pause)
    monkeypatch.setattr(transport, "FIRST_PAUSE", LONG / 3)
    monkeypatch.setattr(transport, "LONGEST_PAUSE", LONG)
    rep = peer(zmq.REP, then=lambda data: answer(data, messages.UNAVAILABLE, retry=True))
    reply = asker(rep.endpoint, attempts=1).ask(ping(), timeout=LONG)
    assert reply.code == messages.UNAVAILABLE
    assert pauses == [LONG / 3, 2 * LONG / 3] and len(rep.got) == 3


def test_unavailable_for_good_is_not_asked_again(peer, asker):
    rep = peer(zmq.REP, then=lambda data: answer(data, messages.UNAVAILABLE, retry=False))
    assert asker(rep.endpoint).ask(ping()).code == messages.UNAVAILABLE
    assert len(rep.got) == 1


def test_the_reply_to_another_request_is_none(peer, asker):
    rep = peer(zmq.REP, then=lambda data: answer(ping("another").data))
    with pytest.raises(zmesos.ProtocolError, match="another"):
        asker(rep.endpoint).ask(ping())


def test_a_request_that_could_not_be_read_is_answered_without_an_id(peer, asker):
    rep = peer(zmq.REP, then=lambda data: Reply(version=1, code=messages.MALFORMED).SerializeToString())
    assert asker(rep.endpoint).ask(ping()).code == messages.MALFORMED


@pytest.mark.parametrize(
    "reply", [b"\xff\xff", Reply(version=2, id="r1", code=0).SerializeToString()], ids=["garbage", "newer"]
)
@pytest.mark.parametrize("kind", ["ask", "ask_all"])
def test_what_is_no_reply(peer, asker, reply, kind):
    router = peer(zmq.ROUTER, then=lambda data: reply)
    with pytest.raises(zmesos.ProtocolError):
        if kind == "ask":
            asker(router.endpoint).ask(ping())
        else:
            list(Pipeline(router.endpoint, LONG, 3).ask_all([ping()]))


def test_each_thread_has_a_socket_and_those_of_the_dead_are_closed(peer, asker):
    rep = peer(zmq.REP)
    requester = asker(rep.endpoint)
    got = []
    for number in range(5):
        thread = threading.Thread(target=lambda: got.append(requester.ask(ping(f"t{number}")).id))
        thread.start()
        thread.join(LONG)
    assert got == ["t0", "t1", "t2", "t3", "t4"]
    assert len(requester._slots) == 1

    together = [threading.Thread(target=lambda n=n: got.append(requester.ask(ping(f"u{n}")).id)) for n in range(8)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(LONG)
    assert sorted(got[5:]) == [f"u{n}" for n in range(8)]


def test_a_closed_client_refuses(peer):
    rep = peer(zmq.REP)
    with zmesos.Client(rep.endpoint, timeout=LONG) as client:
        client.ping()
    client.close()
    with pytest.raises(zmesos.ZmesosError, match="closed"):
        client.ping()
    assert len(rep.got) == 1


def test_a_client_does_not_cross_a_fork(peer):
    rep = peer(zmq.REP)
    with zmesos.Client(rep.endpoint, timeout=LONG) as client:
        client.ping()
        child = os.fork()
        if child == 0:
            signal.alarm(LONG)  # ends it whatever happens
            try:
                client.ping()
            except zmesos.ZmesosError:
                os._exit(3)
            os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        client.ping()


def test_the_pipeline_gives_each_its_reply_whatever_their_order(peer):
    held = []

    class Reversed(Peer):
        """Answers eight at a time, the last first."""

        def _run(self):
            while not self._stop.is_set():
                if self._socket.poll(10):
                    held.append(self._socket.recv_multipart())
                    if len(held) == 8:
                        for frames in reversed(held):
                            self._socket.send_multipart([*frames[:-1], answer(frames[-1])])
                        held.clear()
            self._socket.close(0)

    router = Reversed(zmq.ROUTER)
    try:
        pipeline = Pipeline(router.endpoint, LONG, 1, window=8)
        replies = list(pipeline.ask_all(ping(f"q{n}") for n in range(24)))
    finally:
        router.close()
    assert sorted(place for place, _ in replies) == list(range(24))
    assert all(reply.id == f"q{place}" for place, reply in replies)
    assert [place for place, _ in replies[:8]] == list(range(7, -1, -1))


def test_the_pipeline_asks_again_and_ignores_second_answers(peer):
    router = peer(
        zmq.ROUTER,
        lambda data: None,
        lambda data: answer(data, messages.UNAVAILABLE, retry=True),
    )
    replies = dict(Pipeline(router.endpoint, LONG, 300, window=4).ask_all(ping(f"q{n}") for n in range(20)))
    assert {place: reply.id for place, reply in replies.items()} == {n: f"q{n}" for n in range(20)}
    assert all(reply.code == messages.OK for reply in replies.values())
    assert router.got.count(ping("q0").data) >= 2 and router.got.count(ping("q1").data) >= 2


def test_the_pipeline_times_out(peer, monkeypatch):
    """The time is over once the others are answered."""
    passed = 0
    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + passed))
    router = peer(zmq.ROUTER, then=lambda data: None if b"q1" in data else answer(data))
    replies = {}
    with pytest.raises(zmesos.TimedOut):
        for place, reply in Pipeline(router.endpoint, LONG, 2).ask_all([ping("q0"), ping("q1"), ping("q2")]):
            replies[place] = reply
            passed = LONG if len(replies) == 2 else 0
    assert sorted(replies) == [0, 2]


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_the_pipeline_times_out_also_where_it_asks_more_often_than_zeromq_holds(kind):
    """Nobody is there, and a thousand messages wait before the time is over."""
    pipeline = Pipeline("tcp://127.0.0.1:1", 0.5, 200)
    questions = [ping(f"q{n}") for n in range(16)]

    async def exchanged():
        async for _ in pipeline.exchange(AsyncWire, questions):
            pass

    with pytest.raises(zmesos.TimedOut):
        asyncio.run(exchanged()) if kind == "asyncio" else list(pipeline.ask_all(questions))
