"""What the client asks and how it reads answers, with the transport replaced by a table of replies."""

import pytest
import zmesos
from zmesos.batches import MAX_ITEM_BYTES
from zmesos.messages import Reply, Request, messages


class Answers:
    """Stands where the sockets are: a function from request to reply."""

    def __init__(self, function):
        self.function = function
        self.requests = []

    def ask(self, question, timeout=None, attempts=None):
        self.limits = (timeout, attempts)
        request = Request.FromString(question.data)
        assert request.version == 1 and request.id == question.id
        self.requests.append(request)
        reply = self.function(request)
        reply.version, reply.id = 1, request.id
        return reply

    def ask_all(self, questions):
        # The last answer first: results must not depend on the order.
        yield from reversed(list(enumerate(map(self.ask, questions))))

    def close(self):
        pass


@pytest.fixture
def client():
    def make(function):
        made = zmesos.Client("inproc://nobody")
        made._logic._io.requester = Answers(function)
        return made

    return make


def items(request):
    """Takes all but those whose id begins with "bad"."""
    reply = Reply(code=messages.OK)
    reply.items.SetInParent()
    ids = [spec.id for spec in request.launch.tasks] or request.kill.task_ids or request.release.task_ids
    for number, task_id in enumerate(ids):
        item = reply.items.items.add(task_id=task_id, code=messages.OK, state=messages.QUEUED, revision=1)
        if task_id.startswith("bad"):
            item.Clear()
            item.task_id, item.code, item.message = task_id, messages.CONFLICT, "another one has it"
            item.field = f"launch.tasks[{number}].id"
            reply.code = messages.SOME_REFUSED
    return reply


def test_endpoints_beside_another_control_are_not_guessed():
    assert zmesos.Client().events_endpoint == zmesos.DEFAULT_EVENTS
    assert zmesos.Client()._logic._io.pipeline.endpoint == zmesos.DEFAULT_PIPELINE
    elsewhere = zmesos.Client("tcp://127.0.0.1:1")
    assert elsewhere._logic._io.pipeline is None
    with pytest.raises(zmesos.ZmesosError, match="events"):
        elsewhere.subscribe("task/")


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"attempts": 0}])
def test_limits_that_make_no_sense(options):
    with pytest.raises(ValueError):
        zmesos.Client(**options)


def test_launch(client):
    one = client(items)
    result = one.launch("true", id="a", cpus=1)
    assert (result.id, result.ok, result.state, result.revision, result.known) == ("a", True, "QUEUED", 1, False)
    assert one._logic._io.requester.requests[0].launch.tasks[0] == zmesos.task_spec("true", id="a", cpus=1)
    spec = zmesos.task_spec("true", id="b", cpus=2)
    assert one.launch(spec=spec).id == "b"
    assert one._logic._io.requester.requests[1].launch.tasks[0] == spec
    with pytest.raises(TypeError):
        one.launch("true", spec=spec)
    with pytest.raises(TypeError):
        one.launch(cpus=1, spec=spec)


def test_a_refused_launch_is_raised(client):
    with pytest.raises(zmesos.Conflict) as caught:
        client(items).launch("true", id="bad")
    assert (caught.value.code, caught.value.field) == ("CONFLICT", "launch.tasks[0].id")


def test_many_are_cut_into_batches_and_come_back_in_order(client):
    for pipelined in (False, True):
        one = client(items)
        if pipelined:
            one._logic._io.pipeline = one._logic._io.requester
        ids = [("bad" if n % 700 == 0 else "t") + str(n) for n in range(2500)]
        results = one.launch_many(zmesos.task_spec("true", id=task_id) for task_id in ids)
        assert [result.id for result in results] == ids
        assert [result.id for result in results if not result.ok] == ["bad0", "bad700", "bad1400", "bad2100"]
        assert [len(request.launch.tasks) for request in one._logic._io.requester.requests] == [1000, 1000, 500]
    assert client(items).launch_many([]) == []


def test_a_specification_too_large_for_any_request(client):
    one = client(items)
    fits, too_large = zmesos.task_spec(id="fits"), zmesos.task_spec(id="too-large")
    while fits.ByteSize() + 5 < MAX_ITEM_BYTES:
        fits.data = b"x" * (len(fits.data) + MAX_ITEM_BYTES - 5 - fits.ByteSize())
    fits.data = fits.data[: len(fits.data) - (fits.ByteSize() + 4 - MAX_ITEM_BYTES)]
    too_large.data = b"x" * MAX_ITEM_BYTES
    results = one.launch_many([zmesos.task_spec(id="a"), too_large, fits])
    assert [(result.id, result.code) for result in results] == [("a", "OK"), ("too-large", "TOO_LARGE"), ("fits", "OK")]
    assert max(request.ByteSize() for request in one._logic._io.requester.requests) <= 1 << 20
    with pytest.raises(zmesos.TooLarge):
        one.launch(spec=too_large)


def test_what_is_known_when_a_batch_breaks_off(client):
    def second_fails(request):
        if request.launch.tasks[0].id == "t1000":
            return Reply(code=messages.UNAVAILABLE, message="the disk is behind", retry=True)
        return items(request)

    with pytest.raises(zmesos.Unavailable) as caught:
        client(second_fails).launch_many(zmesos.task_spec("true", id=f"t{n}") for n in range(2500))
    assert [result.id for result in caught.value.results] == [f"t{n}" for n in range(1000)]
    assert caught.value.retry


def test_a_reply_with_too_few_items(client):
    with pytest.raises(zmesos.ProtocolError):
        client(lambda request: Reply(code=messages.OK)).launch("true")


def test_kill(client):
    one = client(items)
    assert [result.id for result in one.kill("a", "b", grace=1.5)] == ["a", "b"]
    kill = one._logic._io.requester.requests[0].kill
    assert list(kill.task_ids) == ["a", "b"]
    assert kill.kill_policy.grace_period.nanoseconds == 1_500_000_000
    assert not kill.HasField("label")
    for wrong in ({}, {"label": "x"}):
        with pytest.raises(TypeError):
            one.kill(*(["a"] if wrong else []), **wrong)


def test_kill_raises_the_first_refusal_and_tells_the_rest(client):
    with pytest.raises(zmesos.Conflict) as caught:
        client(items).kill("a", "bad1", "b", "bad2")
    assert [(result.id, result.ok) for result in caught.value.results] == [
        ("a", True),
        ("bad1", False),
        ("b", True),
        ("bad2", False),
    ]


def test_kill_in_batches(client):
    one = client(items)
    assert len(one.kill(*(str(n) for n in range(10_001)))) == 10_001
    assert [len(request.kill.task_ids) for request in one._logic._io.requester.requests] == [10_000, 1]


def test_how_long_an_id_is_known(client):
    def kept(request):
        reply = items(request)
        reply.items.kept_ms = 604_800_500
        return reply

    assert client(kept).launch("true", id="a", cpus=1).kept == 604_800.5
    assert client(items).launch("true", id="a", cpus=1).kept is None
    assert client(items).kill("a")[0].kept is None


def test_release(client):
    one = client(items)
    assert [result.id for result in one.release("run", "a", "b")] == ["a", "b"]
    sent = one._logic._io.requester.requests[0].release
    assert (sent.action, list(sent.task_ids)) == (messages.Release.RUN, ["a", "b"])
    assert len(one.release("DROP", *(str(n) for n in range(10_001)))) == 10_001
    sent = [request.release for request in one._logic._io.requester.requests[1:]]
    assert [(each.action, len(each.task_ids)) for each in sent] == [
        (messages.Release.DROP, 10_000),
        (messages.Release.DROP, 1),
    ]
    with pytest.raises(zmesos.Conflict) as caught:
        one.release("RUN", "a", "bad")
    assert [result.ok for result in caught.value.results] == [True, False]
    with pytest.raises(ValueError):
        one.release("forget")


def test_release_of_all(client):
    def all_held(request):
        assert request.HasField("release") and not request.release.task_ids
        reply = Reply(code=messages.OK, items=messages.Items(total=2))
        for task_id in ("a", "b"):
            reply.items.items.add(task_id=task_id, code=messages.OK, state=messages.QUEUED)
        return reply

    assert [(result.id, result.state) for result in client(all_held).release("RUN")] == [
        ("a", "QUEUED"),
        ("b", "QUEUED"),
    ]


def test_backup(client, tmp_path):
    one = client(lambda request: Reply(code=messages.OK, backup=messages.BackupDone(path="/x", bytes=7)))
    done = one.backup(tmp_path / "copy")
    assert (done.path, done.bytes) == ("/x", 7)
    assert one._logic._io.requester.requests[0].backup.path == str(tmp_path / "copy")
    assert one._logic._io.requester.limits == (600, 1)  # a second one would be another backup
    one.backup("/y", timeout=5)
    assert one._logic._io.requester.limits == (5, 1)
    refused = client(lambda request: Reply(code=messages.CONFLICT, message="it exists", field="backup.path"))
    with pytest.raises(zmesos.Conflict, match="backup.path"):
        refused.backup("/x")


@pytest.mark.parametrize(
    "label, key, value",
    [("team", "team", None), ("team=x=y", "team", "x=y"), ("team=", "team", ""), (("a=b", "c"), "a=b", "c")],
)
def test_kill_by_label(client, label, key, value):
    one = client(lambda request: Reply(code=messages.OK, items=messages.Items()))
    assert one.kill(label=label) == []
    sent = one._logic._io.requester.requests[0].kill.label
    assert (sent.key, sent.value if sent.HasField("value") else None) == (key, value)


def test_get_and_task(client):
    known = {"a": zmesos.Task(id="a", state=messages.RUNNING)}

    def get(request):
        ids = request.get.task_ids
        missing = [task_id for task_id in ids if task_id not in known]
        tasks = messages.Tasks(tasks=[known[i] for i in ids if i in known], missing=missing)
        return Reply(code=messages.OK, tasks=tasks)

    one = client(get)
    assert one.task("a") == known["a"]
    with pytest.raises(zmesos.NotFound, match="no task b"):
        one.task("b")
    assert one.get(["b", "a"]) == known
    assert one.get(str(n) for n in range(1001)) == {}
    assert [len(request.get.task_ids) for request in one._logic._io.requester.requests[-2:]] == [1000, 1]


def test_tasks_goes_through_the_pages(client):
    everything = [zmesos.Task(id=str(n)) for n in range(25)]

    def page(request):
        asked = request.list
        tasks = everything[asked.after : asked.after + asked.page_size]
        reply = Reply(code=messages.OK, tasks=messages.Tasks(tasks=tasks))
        if asked.after + len(tasks) < len(everything):
            reply.tasks.next = asked.after + len(tasks)
        return reply

    one = client(page)
    found = one.tasks(state=["running", "QUEUED"], label="a=b", prefix="x", page_size=10)
    assert not one._logic._io.requester.requests  # nothing before the first is wanted
    assert [task.id for task in found] == [str(n) for n in range(25)]
    assert [request.list.after for request in one._logic._io.requester.requests] == [0, 10, 20]
    sent = one._logic._io.requester.requests[1].list
    assert (list(sent.states), sent.label.key, sent.label.value, sent.id_prefix) == ([5, 1], "a", "b", "x")


def test_pages_that_do_not_move_on(client):
    pages = [Reply(code=messages.OK, tasks=messages.Tasks(next=0))]
    with pytest.raises(zmesos.ProtocolError):
        list(client(lambda request: pages.pop()).tasks())


def test_refused_requests_are_raised(client):
    one = client(lambda request: Reply(code=messages.INVALID, message="no", field="list.page_size"))
    for call in (one.status, one.reconcile, one.ping, lambda: list(one.tasks()), lambda: one.get(["a"])):
        with pytest.raises(zmesos.Invalid, match="list.page_size"):
            call()


def test_status_and_reconcile(client):
    def both(request):
        if request.HasField("status"):
            return Reply(code=messages.OK, status=zmesos.DaemonStatus(version="9"))
        return Reply(code=messages.OK, reconcile=messages.ReconcileStarted(tasks=7))

    assert client(both).status().version == "9"
    assert client(both).reconcile() == 7


def waiting(number, task_id="a"):
    return zmesos.UnconfirmedUpdate(task_id=task_id, attempt=1, uuid=b"%016d" % number, number=number)


def test_unconfirmed_goes_page_by_page(client):
    def answer(request):
        asked = request.unconfirmed
        reply = Reply(code=messages.OK)
        numbers = [n for n in range(1, 8) if n > asked.after][: asked.page_size]
        reply.unconfirmed.updates.extend(waiting(number) for number in numbers)
        if numbers[-1] < 7:
            reply.unconfirmed.next = numbers[-1]
        return reply

    one = client(answer)
    assert [update.number for update in one.unconfirmed("bank", page_size=3)] == list(range(1, 8))
    assert [request.unconfirmed.after for request in one._logic._io.requester.requests] == [0, 3, 6]
    assert {request.unconfirmed.consumer for request in one._logic._io.requester.requests} == {"bank"}
    list(one.unconfirmed())
    assert not one._logic._io.requester.requests[-1].unconfirmed.HasField("consumer")


def test_unconfirmed_does_not_go_in_circles(client):
    def answer(request):
        reply = Reply(code=messages.OK)
        reply.unconfirmed.next = 3
        return reply

    with pytest.raises(zmesos.ProtocolError):
        list(client(answer).unconfirmed())


def test_agents_come_page_by_page(client):
    ids = [f"A{n}" for n in range(1, 8)]

    def answer(request):
        asked = request.list_agents
        reply = Reply(code=messages.OK)
        page = [name for name in ids if name > asked.after][: asked.page_size]
        for name in page:
            reply.agents.agents.add(id=name)
        if page[-1] != ids[-1]:
            reply.agents.next = page[-1]
        return reply

    one = client(answer)
    assert [agent.id for agent in one.agents(page_size=3)] == ids
    assert [request.list_agents.after for request in one._logic._io.requester.requests] == ["", "A3", "A6"]
    assert not one._logic._io.requester.requests[0].list_agents.HasField("after")


def test_agents_do_not_go_in_circles(client):
    def answer(request):
        reply = Reply(code=messages.OK)
        reply.agents.next = "A1"
        return reply

    with pytest.raises(zmesos.ProtocolError):
        list(client(answer).agents())


def test_confirm(client):
    def answer(request):
        reply = Reply(code=messages.OK)
        reply.items.SetInParent()
        for update in request.confirm.updates:
            item = reply.items.items.add(task_id=update.task_id, code=messages.OK, known=update.attempt == 2)
            if update.task_id == "gone":
                item.code = messages.NOT_FOUND
                reply.code = messages.SOME_REFUSED
        return reply

    one = client(answer)
    results = one.confirm("bank", [waiting(1), ("b", 2, b"u" * 16), waiting(3, "gone")])
    assert [(result.id, result.code, result.known) for result in results] == [
        ("a", "OK", False), ("b", "OK", True), ("gone", "NOT_FOUND", False)]
    sent = one._logic._io.requester.requests[0].confirm
    assert sent.consumer == "bank"
    assert [(u.task_id, u.attempt, u.uuid) for u in sent.updates] == [
        ("a", 1, b"0000000000000001"), ("b", 2, b"u" * 16), ("gone", 1, b"0000000000000003")]
    assert len(one.confirm("bank", (waiting(n) for n in range(2001)))) == 2001
    assert [len(request.confirm.updates) for request in one._logic._io.requester.requests[1:]] == [1000, 1000, 1]
    assert one.confirm("bank", []) == []
