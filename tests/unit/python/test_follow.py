"""Following: what is told of events that are lost, with a scripted daemon and a subscription of which each publication is given
by hand. tests/system/test_follow.py has the real ones."""

from collections import deque
from types import SimpleNamespace

import pytest
import zmesos
from zmesos.driving import drive
from zmesos.errors import Truncated
from zmesos.follow import AsyncFollower
from zmesos.messages import DaemonStatus, EventHeader, Reply, messages

TASK = messages.EventClass.Value("TASK")


def header(number, event_class="TASK"):
    made = EventHeader(version=1, store="s", run=1, number=number)
    setattr(made, "class", messages.EventClass.Value(event_class))
    return made


class Daemon:
    """Stands for a client and its socket. The journal has the events of class TASK, by number; those below `oldest` are gone."""

    def __init__(self, *topics, oldest=1):
        self.journal = list(topics)
        self.oldest = oldest
        self._beats = 0
        self._frames = deque()
        self._io = SimpleNamespace(wire=self)
        self.socket = SimpleNamespace(
            closed=False, setsockopt=lambda *_: None, subscribe=lambda *_: None, connect=lambda *_: None
        )
        self.beat()

    # ---- what a test has it do ------------------------------------------------------------------------

    def publish(self, topic, heard=True):
        self.journal.append(topic)
        if heard:
            self._frames.append([topic.encode(), header(len(self.journal)).SerializeToString(), b""])

    def beat(self):
        self._beats += 1
        status = DaemonStatus(store="s", run=1)
        setattr(status.heads.add(number=len(self.journal)), "class", TASK)
        frames = [b"zmesos/HEARTBEAT", header(self._beats, "DAEMON").SerializeToString(), status.SerializeToString()]
        self._frames.append(frames)

    # ---- what a follower has of it --------------------------------------------------------------------

    def __call__(self, kind):
        return self

    def _events_from(self):
        return "tcp://127.0.0.1:1"

    async def receive(self, until):
        return self._frames.popleft() if self._frames else None

    async def _ask(self, request, timeout=None):
        reply = Reply()
        asked = getattr(request, request.WhichOneof("operation"))
        first = asked.after + 1 if request.HasField("tail") else getattr(asked, "from")
        if first < self.oldest:
            error = Truncated("TRUNCATED", "not kept any more")
            error.oldest = self.oldest
            raise error
        numbers = [
            number
            for number, topic in enumerate(self.journal, 1)
            if number >= first and (not asked.prefixes or topic.startswith(tuple(asked.prefixes)))
        ]
        if request.HasField("tail"):
            reply.tail.count, reply.tail.until = sum(number <= asked.until for number in numbers), asked.until
            return reply
        for number in numbers:
            reply.replay.events.add(topic=self.journal[number - 1], header=header(number))
        reply.replay.next = reply.replay.head = len(self.journal)
        reply.replay.next += 1
        return reply


def told(follower):
    """All that comes now: numbers of events, and what is said of lost ones."""
    found = []
    while (followed := drive(follower.recv(0.05))) is not None:
        lost = isinstance(followed, zmesos.StartedOver)
        found.append((followed.reason, followed.missed) if lost else followed.number)
    return found


@pytest.mark.parametrize("prefix", ["task/", "task/job/"])
def test_what_is_gone_before_the_oldest_is_not_lost(prefix):
    daemon = Daemon(*["task/job/RUNNING"] * 9, oldest=6)
    assert told(AsyncFollower(daemon, (prefix,), "oldest")) == [6, 7, 8, 9]


@pytest.mark.parametrize("prefix", ["task/", "task/job/"])
@pytest.mark.parametrize("there", [0, 3])
def test_what_is_lost_later_is_said_also_where_it_began_with_the_oldest(prefix, there):
    """There was nothing to be asked for, or only events that others have."""
    daemon = Daemon(*["task/other/RUNNING"] * there)
    follower = AsyncFollower(daemon, (prefix,), "oldest")
    assert told(follower) == ([1, 2, 3][:there] if prefix == "task/" else [])
    daemon.publish("task/job/RUNNING")
    assert told(follower) == [there + 1]
    daemon.publish("task/job/RUNNING", heard=False)
    daemon.publish("task/job/FINISHED", heard=False)
    daemon.oldest = there + 3
    daemon.beat()
    assert told(follower) == [("TRUNCATED", (there + 2, there + 2)), there + 3]
