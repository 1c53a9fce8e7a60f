"""What was missed, from the numbers of events: tables of what came and what must be counted."""

import pytest
from zmesos.ledger import TOPICS, Ledger, whole_classes
from zmesos.messages import DaemonStatus, EventHeader, messages

JOURNALED = {"TASK", "UPDATE", "OPERATION", "OPERATION_UPDATE", "MESSAGE", "FAILURE", "MESOS_ERROR", "UNKNOWN_EVENT", "ORPHAN",
             "UNCONFIRMED"}


def header(number, event_class="TASK", store="s", run=1):
    made = EventHeader(version=1, store=store, run=run, number=number)
    setattr(made, "class", messages.EventClass.Value(event_class))
    return made


def status(heads, store="s", run=1):
    made = DaemonStatus(store=store, run=run)
    for event_class, number in heads.items():
        head = made.heads.add(number=number)
        setattr(head, "class", messages.EventClass.Value(event_class))
    return made


def names(numbers):
    return {messages.EventClass.Name(number) for number in numbers}


def test_every_class_is_known_here():
    assert set(TOPICS) == set(messages.EventClass.values())


@pytest.mark.parametrize(
    "prefixes, whole",
    [
        ([""], set(messages.EventClass.keys())),
        (["task/"], {"TASK"}),
        (["t"], {"TASK"}),
        (["task/job1/"], set()),
        (["mesos/"], set(messages.EventClass.keys()) - {"TASK", "OPERATION", "DAEMON", "ORPHAN", "UNCONFIRMED", "WHY", "LEASE"}),
        (["mesos/UPDATE"], {"UPDATE", "OPERATION_UPDATE"}),
        (["mesos/UPDATE/"], {"UPDATE"}),
        (["operation/"], {"OPERATION"}),
        (["operation/reserve/"], set()),
        (["mesos/UPDATE/job/"], set()),
        (["mesos/INVERSE_OFFERS"], set()),
        (["mesos/INVERSE_OFFERS", "mesos/RESCIND_INVERSE_OFFER"], {"INVERSE_OFFERS"}),
        (["mesos/RESCIND"], {"RESCIND"}),
        (["zmesos/HEARTBEAT"], set()),
        (["zmesos/HEARTBEAT", "zmesos/MASTER"], {"DAEMON"}),
        (["zmesos/ORPHAN/"], {"ORPHAN"}),
        (["zmesos/ORPHAN/job"], set()),
        (["zmesos/WHY/"], {"WHY"}),
        (["zmesos/LEASE/"], {"LEASE"}),
        (["zmesos/", "task/"], {"TASK", "DAEMON", "ORPHAN", "UNCONFIRMED", "WHY", "LEASE"}),
    ],
)
def test_which_classes_a_subscription_takes_whole(prefixes, whole):
    assert names(whole_classes(prefixes)) == whole


@pytest.mark.parametrize(
    "came, missed",
    [
        ([7, 8, 9], 0),  # what was before the first is not ours
        ([7, 9], 1),
        ([1, 5, 6, 10], 6),
        ([5, 5, 4, 6], 0),  # said again, said late
        ([5, 8, 6], 2),  # counted once; late ones do not come back off
    ],
)
def test_gaps(came, missed):
    ledger = Ledger(["task/"])
    told = sum(ledger.note(header(number)) for number in came)
    assert ledger.missed == told == missed


def test_classes_are_counted_apart():
    ledger = Ledger([""])
    for number, event_class in [(1, "TASK"), (50, "UPDATE"), (2, "TASK"), (51, "UPDATE")]:
        ledger.note(header(number, event_class))
    assert ledger.missed == 0
    ledger.note(header(53, "UPDATE"))
    assert ledger.missed == 1


def test_a_part_of_a_class_is_not_counted():
    ledger = Ledger(["task/job1/"])
    for number in (1, 10, 100):
        ledger.note(header(number))
    assert ledger.missed == 0


def test_a_heartbeat_says_what_is_past():
    ledger = Ledger(["task/", "mesos/UPDATE/"])
    ledger.begin(status({"TASK": 10}))
    ledger.note(header(11))
    assert ledger.missed == 0
    ledger.note(header(2, "UPDATE"))  # no head: none had been published
    assert ledger.missed == 1


def test_a_heartbeat_does_not_undo_what_came():
    ledger = Ledger(["task/"])
    ledger.note(header(5))
    ledger.begin(status({"TASK": 8}))
    ledger.note(header(9))
    assert ledger.missed == 3


@pytest.mark.parametrize("event_class", sorted(messages.EventClass.keys()))
def test_a_new_run(event_class):
    ledger = Ledger([""])
    ledger.note(header(5, event_class))
    if event_class in JOURNALED:
        ledger.note(header(7, event_class, run=2))
        assert ledger.missed == 1
    else:
        ledger.note(header(1, event_class, run=2))
        assert ledger.missed == 0
        ledger.note(header(3, event_class, run=3))
        assert ledger.missed == 2


def test_another_store_is_another_history():
    ledger = Ledger(["task/"])
    ledger.note(header(50))
    ledger.note(header(3, store="t"))
    assert ledger.missed == 0
    ledger.note(header(5, store="t"))
    assert ledger.missed == 1


def test_the_tail():
    ledger = Ledger(["task/", "mesos/OFFERS"])
    ledger.begin(status({"TASK": 3, "OFFERS": 1}))
    assert ledger.behind(status({"TASK": 3, "OFFERS": 1, "UPDATE": 9})) == 0
    now = status({"TASK": 5, "OFFERS": 2})
    assert ledger.behind(now) == 3
    ledger.note(header(4))
    assert ledger.behind(now) == 2
    assert ledger.missed == 0
    assert ledger.give_up(now) == 2
    assert (ledger.missed, ledger.behind(now)) == (2, 0)
    ledger.note(header(5))  # too late: it was given up
    ledger.note(header(6))
    assert ledger.missed == 2


def test_heads_of_another_history_or_run_say_nothing():
    ledger = Ledger(["task/", "mesos/OFFERS"])
    ledger.begin(status({"TASK": 3, "OFFERS": 1}))
    assert ledger.behind(status({"TASK": 9}, store="t")) == 0
    assert ledger.behind(status({"OFFERS": 9}, run=2)) == 0
    assert ledger.behind(status({"TASK": 9}, run=2)) == 6
