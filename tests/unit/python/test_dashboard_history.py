"""The chart's numbers against a count of every moment, over whole and cut journals."""

from __future__ import annotations

import random

import pytest
from zmesos.states import state_number
from zmesos_dashboard.history import ALIVE, ENDED, SECOND, SPANS, History, _ALIVE, _ENDED

START = 1_800_000_000
Event = tuple[str, int, int, int]  # id, state, revision, time in ns

WAYS = {
    "QUEUED": ["LAUNCHING", "KILLED"],
    "LAUNCHING": ["STAGING", "RUNNING", "ERROR"],
    "STAGING": ["RUNNING", "FAILED", "UNREACHABLE"],
    "RUNNING": ["FINISHED", "FAILED", "QUEUED", "KILLING", "UNREACHABLE", "LOST"],
    "KILLING": ["KILLED"],
    "UNREACHABLE": ["RUNNING", "LOST"],
    "LOST": ["RUNNING"],
}


def journal(seed: int, tasks: int) -> list[Event]:
    """Tasks that go their ways at random; some do not come to their end."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    events: list[Event] = []
    for number in range(tasks):
        state, revision, time = "QUEUED", 1, START + dice.random() * 400
        while True:
            events.append((f"t{number}", state_number(state), revision, int(time * SECOND)))
            if state not in WAYS or dice.random() < 0.1:
                break
            state, revision, time = dice.choice(WAYS[state]), revision + 1, time + dice.random() * 30
    return sorted(events, key=lambda event: event[3])


def truth(events: list[Event], second: int) -> list[int]:
    """How many are in each group at the end of this second."""
    last = {task_id: state for task_id, state, _, time_ns in events if time_ns // SECOND <= second}
    counts = [0] * len(ALIVE)
    for state in last.values():
        if state in _ALIVE:
            counts[_ALIVE[state]] += 1
    return counts


@pytest.mark.parametrize("seed", [random.randrange(1 << 32) for _ in range(5)])
def test_a_whole_journal_is_counted_exactly(seed: int) -> None:
    events = journal(seed, 60)
    history = History()
    for event in events:
        history.note(*event)
    history.complete({task_id: state for task_id, state, _, _ in events}.items())
    points = history.points("10m", START + 590)
    first, width = points["first"], points["width"]
    for place in range(len(points["alive"]["running"])):
        start = first + place * width
        counted = [points["alive"][name][place] for name in ALIVE]
        if start + width <= events[0][3] // SECOND:
            assert counted == [None] * len(ALIVE)
        else:
            assert counted == truth(events, start + width - 1), start
        ends = [_ENDED[state] for _, state, _, time_ns in events if state in _ENDED and start <= time_ns // SECOND < start + width]
        assert [points["ended"][name][place] for name in ENDED] == [ends.count(kind) for kind in range(len(ENDED))]
    assert history.alive() == truth(events, START + 10_000)


@pytest.mark.parametrize("seed", [random.randrange(1 << 32) for _ in range(5)])
def test_a_journal_that_was_cut_counts_what_was_there_before(seed: int) -> None:
    events = journal(seed, 80)
    kept = events[len(events) // 3 :]
    history = History()
    for event in kept:
        history.note(*event)
    history.complete({task_id: state for task_id, state, _, _ in events}.items())
    assert history.alive() == truth(events, START + 10_000)
    points = history.points("10m", START + 590)
    for place in range(len(points["alive"]["running"])):
        start = points["first"] + place * points["width"]
        if start > kept[0][3] // SECOND:  # in which group each was is a guess; how many there were is not
            counted = sum(points["alive"][name][place] for name in ALIVE)
            lost = returned_from_lost(events, kept, start + points["width"] - 1)
            assert counted == sum(truth(events, start + points["width"] - 1)) + lost


def returned_from_lost(events: list[Event], kept: list[Event], second: int) -> int:
    """Tasks that were LOST when the journal was cut and came back later than this second: they count as alive before."""
    cut, found = events[: len(events) - len(kept)], 0
    for task_id, state in {task_id: state for task_id, state, _, _ in cut}.items():
        later = [time_ns for other, _, _, time_ns in kept if other == task_id]
        found += state == state_number("LOST") and bool(later) and later[0] // SECOND > second
    return found


def test_what_is_kept_is_bounded() -> None:
    history = History()
    running, queued = state_number("RUNNING"), state_number("QUEUED")
    for number in range(40_000):
        history.note("a", running if number % 2 else queued, number + 1, (START + number * 100) * SECOND)
    for span in SPANS:
        assert len(history._lines[span.name].buckets) <= span.seconds // span.width + 2
    points = history.points("10m", START + 39_999 * 100)
    assert len(points["alive"]["running"]) == 300 and None not in points["alive"]["running"]


def test_a_quiet_time_goes_on_as_it_was() -> None:
    history = History()
    history.note("a", state_number("QUEUED"), 1, START * SECOND)
    points = history.points("10m", START + 5000)
    assert points["alive"]["waiting"] == [1] * 300
    assert history.newest(START) == [
        {"span": "10m", "start": START, "alive": dict(zip(ALIVE, [1, 0, 0, 0, 0])), "ended": dict.fromkeys(ENDED, 0)}
    ]
    assert history.newest(START + 1) == []


def test_a_clock_that_was_set_back_does_no_harm() -> None:
    history = History()
    history.note("a", state_number("QUEUED"), 1, START * SECOND)
    history.note("a", state_number("FAILED"), 2, (START - 1000) * SECOND)
    points = history.points("10m", START)
    assert points["ended"]["failed"][-1] == 1 and points["alive"]["waiting"][-1] == 0
