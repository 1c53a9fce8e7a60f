"""The dashboard's model: search, order, pages, histories, bounds."""

from __future__ import annotations

import pytest
import zmesos
from zmesos.states import state_number
from zmesos_dashboard import describe, model
from zmesos_dashboard.model import Change, Model, Query, Wish, read_terms

SECOND = 1_000_000_000


def change(task_id: str, state: str, revision: int, created: int = 1, **more: object) -> Change:
    time_ns = int(more.pop("time", revision)) * SECOND  # type: ignore[call-overload]
    return Change(task_id, state_number(state), revision, time_ns, created_ns=created * SECOND, **more)  # type: ignore[arg-type]


def ids(found: tuple[int, list[model.Row]]) -> list[str]:
    return [row.change.id for row in found[1]]


@pytest.fixture
def tasks() -> Model:
    made = Model(100)
    made.put(change("b", "RUNNING", 4, 1, hostname="Node1"))
    made.put(change("a", "QUEUED", 1, 2, message="no room <yet>"))
    made.put(change("c", "FINISHED", 5, 3, agent_id="S7"))
    made.put(change("b", "KILLING", 5, 1, hostname="Node1"))
    made.wish("a", Wish(labels=("batch=7", "team=two words")))
    return made


@pytest.mark.parametrize(
    "text, found",
    [
        ("", ["b", "c", "a"]),
        ("NODE1", ["b"]),
        ("killing", ["b"]),
        ("running", []),
        ("s7", ["c"]),
        ("<YET>", ["a"]),
        ("batch=7", ["a"]),
        ("label:batch", ["a"]),
        ("id:batch", []),
        ('"two words"', ["a"]),
        ("words two", ["a"]),
        ('label:"two words" message:room', ["a"]),
        ("agent:node state:kill", ["b"]),
        ("label:", ["b", "c", "a"]),
        ("nofield:x", []),
    ],
)
def test_a_search_needs_all_its_words(tasks: Model, text: str, found: list[str]) -> None:
    total, rows = tasks.find(Query(read_terms(text)), 0, 10)
    assert ([row.change.id for row in rows], total) == (found, len(found))


def test_orders_and_pages(tasks: Model) -> None:
    assert ids(tasks.find(Query(order="changed"), 0, 10)) == ["b", "c", "a"]
    assert ids(tasks.find(Query(order="created"), 0, 10)) == ["c", "a", "b"]
    assert ids(tasks.find(Query(order="id"), 0, 10)) == ["a", "b", "c"]
    assert ids(tasks.find(Query(order="id"), 2, 2)) == ["c"]
    assert ids(tasks.find(Query(order="id"), 3, 2)) == []
    assert tasks.find(Query(order="id"), 3, 2)[0] == 3
    both = frozenset({state_number("QUEUED"), state_number("KILLING")})
    assert ids(tasks.find(Query(states=both), 0, 10)) == ["b", "a"]
    assert ids(tasks.find(Query(states=frozenset({state_number("QUEUED")})), 0, 10)) == ["a"]
    assert tasks.counts() == {state_number("QUEUED"): 1, state_number("KILLING"): 1, state_number("FINISHED"): 1}


def test_what_is_older_than_what_is_known_is_not_taken(tasks: Model) -> None:
    version = tasks.version
    assert not tasks.put(change("b", "RUNNING", 4, 1))
    assert not tasks.put(change("b", "KILLING", 5, 1))
    assert tasks.version == version
    assert tasks.put(change("b", "KILLED", 6, 1)) and tasks.version > version


def test_an_id_that_was_forgotten_and_launched_again_is_another_task(tasks: Model) -> None:
    tasks.step(change("c", "FINISHED", 5, 3))
    assert tasks.put(change("c", "QUEUED", 1, 9))
    tasks.step(change("c", "QUEUED", 1, 9))
    tasks.step(change("c", "FINISHED", 5, 3))  # of the one before
    row = tasks.tasks["c"]
    assert [step.state for step in tasks.steps(row)] == [state_number("QUEUED")]
    assert ids(tasks.find(Query(order="created"), 0, 1)) == ["c"]


def test_a_history_keeps_its_newest_steps() -> None:
    tasks = Model(10)
    tasks.put(change("a", "QUEUED", 1))
    for number in range(1, model.STEPS_MAX + 4):
        tasks.step(change("a", "RUNNING", number, attempt=70_000, message=f"word {number}"))
    row = tasks.tasks["a"]
    steps = list(tasks.steps(row))
    assert (len(steps), row.dropped) == (model.STEPS_MAX, 3)
    assert (steps[0].message, steps[0].time_ns, steps[0].attempt) == ("word 4", 4 * SECOND, 70_000)
    assert steps[-1].message == f"word {model.STEPS_MAX + 3}"


def test_past_its_bound_what_is_over_goes_first(tasks: Model) -> None:
    small = Model(3)
    for row in tasks.tasks.values():
        small.put(row.change)
    assert small.put(change("d", "QUEUED", 1, 4)) and set(small.tasks) == {"a", "b", "d"}
    assert not small.put(change("e", "QUEUED", 1, 5)) and set(small.tasks) == {"a", "b", "d"}
    assert small.left_out == 2
    assert small.put(change("d", "RUNNING", 2, 4))


def test_what_was_forgotten_is_gone(tasks: Model) -> None:
    tasks.drop(["c", "nobody"])
    assert ids(tasks.find(Query(), 0, 10)) == ["b", "a"]
    assert state_number("FINISHED") not in tasks.counts()


def test_texts_are_cut_and_bytes_are_read() -> None:
    assert describe.text("x" * 500) == "x" * 500
    assert describe.text("x" * 501) == "x" * 499 + "…"
    assert describe.text(b"a\xffb") == "a\ufffdb"


def test_a_message_that_is_not_utf8_is_shown_all_the_same() -> None:
    """The master is another program: what it sends may be anything."""
    raw = zmesos.Task(id="t", state=16, revision=3, message="MARK").SerializeToString().replace(b"MARK", b"a\xff\x80b")
    try:
        task = zmesos.Task.FromString(raw)
    except Exception as error:  # protobuf's other implementations refuse the message
        pytest.skip(str(error))
    assert describe.change_of(task).message == "a\ufffd\ufffdb"


def test_a_specification_without_secrets() -> None:
    spec = zmesos.task_spec("echo $TOKEN", cpus=1, mem=32, env={"TOKEN": "hunter2"}, labels={"k": "v"})
    assert "hunter2" not in str(describe.asked_for(spec)) + str(describe.wish_of(spec))
    assert describe.asked_for(spec)["environment"] == ["TOKEN"]
    assert describe.wish_of(spec).labels == ("k=v",)
