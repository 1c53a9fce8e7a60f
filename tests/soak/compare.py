"""Judges a soak's history: what was lost, what ran twice, which other promises were broken. Pure: no file, no socket.

Each check takes the history and gives findings. A finding of kind LOST or TWICE is counted in the soak's last line, the others
are listed before it. The promises are those of docs/protocol.md.
"""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from history import History, Launched, Stream
from plan import ORPHAN

LOST, TWICE = "lost", "twice"
OVER = frozenset(["FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST"])
ONWARD = {state: place for place, state in enumerate(["QUEUED", "LAUNCHING", "STAGING", "STARTING", "RUNNING", "KILLING"])}
CUT_OFF = frozenset(["UNREACHABLE", "UNKNOWN"])  # not over, and nobody can say more
SETTLED = OVER | CUT_OFF | {"RUNNING"}
RAN = frozenset(["STARTING", "RUNNING", "KILLING"])


@dataclass(frozen=True)
class Finding:
    kind: str
    text: str


Check = Callable[[History], Iterator[Finding]]


def compare(history: History) -> list[Finding]:
    """Everything that is wrong with it."""
    return [finding for check in CHECKS for finding in check(history)]


def _starts(history: History, task_id: str, mark: str = "S") -> list[str]:
    """The Mesos task ids of the starts on disk, in order."""
    return [mesos_id for what, mesos_id in history.evidence.get(task_id, []) if what == mark]


def _forgotten(history: History) -> set[str]:
    """Tasks without a row whose end is in the journal: they were kept for as long as they had to be."""
    return {event.id for event in history.task_events if event.state in OVER and event.id not in history.tasks}


# ---- what clients were told ----------------------------------------------------------------------------

def check_launches(history: History) -> Iterator[Finding]:
    """A launch that was answered OK is there at the end, and over, running, or cut off. It waits only where its policy
    leaves no agent for it."""
    forgotten = _forgotten(history)
    for launch in history.launches.values():
        if launch.code != "OK":
            continue
        task = history.tasks.get(launch.id)
        if task is None:
            if launch.id not in forgotten:
                yield Finding(LOST, f"{launch.id}: its launch was answered OK, and it is not in the database")
        elif task.state not in SETTLED and not (task.state == "QUEUED" and launch.elsewhere):
            yield Finding(LOST, f"{launch.id}: is {task.state} at the end: {task.message or 'without a reason'}")


def check_refused_good(history: History) -> Iterator[Finding]:
    for launch in history.launches.values():
        if launch.code not in (None, "OK"):
            yield Finding("a good launch was refused", f"{launch.id}: {launch.code}: {launch.message}")


def check_refused_bad(history: History) -> Iterator[Finding]:
    """What is to be refused is refused, and what was refused never runs."""
    for refused in history.refused:
        if refused.code == "OK":
            yield Finding("a bad launch was taken", refused.id)
        if refused.mark != "S":
            if _starts(history, refused.id, refused.mark):
                yield Finding("a refused launch ran", f"{refused.id}: with the refused specification")
        elif refused.id in history.tasks or refused.id in history.evidence:
            yield Finding("a refused launch ran", f"{refused.id}: in the database: {refused.id in history.tasks}, "
                          f"on disk: {history.evidence.get(refused.id)}")


def check_kills(history: History) -> Iterator[Finding]:
    """A kill that was answered OK is carried out, or waits for the task to return; one answered KILLED before any attempt means that it never runs."""
    forgotten = _forgotten(history)
    told = set()
    for kill in history.kills:
        task = history.tasks.get(kill.id)
        if kill.id in told or kill.id in forgotten:
            continue
        if task is None:
            told.add(kill.id)
            yield Finding("a killed task is unknown", f"{kill.id}: a kill was answered OK")
        elif task.state not in OVER | CUT_OFF:
            told.add(kill.id)
            yield Finding("a kill was not carried out", f"{kill.id}: is {task.state}: {task.message}")
        elif kill.state == "KILLED" and task.attempts == 0 and _starts(history, kill.id):
            told.add(kill.id)
            yield Finding("a task ran after it was cancelled", f"{kill.id}: {history.evidence[kill.id]}")


def check_known(history: History) -> Iterator[Finding]:
    forgotten = _forgotten(history)
    for client, task_id in history.unknown:
        if task_id not in forgotten:
            yield Finding("a launched task was unknown", f"{task_id}: to {client}, which had been answered OK")


def check_surprises(history: History) -> Iterator[Finding]:
    for surprise in history.surprises:
        yield Finding("an answer without an explanation", surprise)


def check_views(history: History) -> Iterator[Finding]:
    """A revision of a task has one state, whoever tells it, and the last one is in the database."""
    first: dict[tuple[str, int], tuple[str, str]] = {
        (event.id, event.revision): (event.state, "the journal") for event in history.task_events}
    rows = {(task.id, task.revision): (task.state, "the database") for task in history.tasks.values()}
    views = [(view.id, view.revision, view.state, view.source) for view in history.views]
    for (task_id, revision), (state, source) in rows.items():
        views.append((task_id, revision, state, source))
    for task_id, revision, state, source in views:
        other, witness = first.setdefault((task_id, revision), (state, source))
        if other != state:
            yield Finding("a revision with two states",
                          f"{task_id} {revision}: {state} says {source}, {other} says {witness}")
    for task_id, revision, state, source in views:
        task = history.tasks.get(task_id)
        if task is not None and revision > task.revision:
            yield Finding("a revision that is not in the database", f"{task_id}: {source} was told {revision} ({state}), "
                          f"the database has {task.revision}")


# ---- what ran ------------------------------------------------------------------------------------------

def check_starts(history: History) -> Iterator[Finding]:
    """A task without a policy starts once at most, one with a policy as often as it says; a Mesos task id once at most."""
    for launch in history.launches.values():
        starts = _starts(history, launch.id)
        if len(starts) > launch.max_starts:
            yield Finding(TWICE, f"{launch.id}: {len(starts)} starts, {launch.max_starts} allowed: {', '.join(starts)}")
        for mesos_id, count in Counter(starts).items():
            if count > 1 and len(starts) <= launch.max_starts:
                yield Finding(TWICE, f"{launch.id}: the attempt {mesos_id} started {count} times")


def check_overlap(history: History) -> Iterator[Finding]:
    """No attempt starts before the one before it has ended, unless the policy names outcomes that leave that open."""
    for launch in history.launches.values():
        if launch.overlap:
            continue
        begun: list[str] = []
        for mark, mesos_id in history.evidence.get(launch.id, []):
            if mark == "S":
                begun.append(mesos_id)
            elif mark == "E" and begun and mesos_id != begun[-1] and mesos_id in begun:
                yield Finding("two attempts at once", f"{launch.id}: {mesos_id} ended after {begun[-1]} had started")


def check_evidence(history: History) -> Iterator[Finding]:
    """What the database says of a task fits what it wrote: FINISHED ran to its end, ERROR and no attempt never ran,
    and each start is of an attempt that the database has."""
    for task in history.tasks.values():
        starts = _starts(history, task.id)
        ends = _starts(history, task.id, "E")
        if task.state == "FINISHED" and not starts:
            yield Finding(LOST, f"{task.id}: FINISHED, and there is no start on disk")
        elif task.state == "FINISHED" and not ends:
            yield Finding("finished without an end", f"{task.id}: {history.evidence[task.id]}")
        if starts and (task.state == "ERROR" or task.attempts == 0):
            yield Finding("ran, and is said never to have run",
                          f"{task.id}: {task.state}, {task.attempts} attempts, {starts}")
        attempts = {attempt.mesos_id for attempt in history.attempts.get(task.key, [])}
        for mesos_id in starts:
            if mesos_id not in attempts:
                yield Finding("an attempt that is not in the database ran", f"{task.id}: {mesos_id}")
    refused = {refused.id for refused in history.refused}
    for task_id in history.evidence:
        if task_id not in history.launches and task_id not in refused and not task_id.startswith(ORPHAN):
            yield Finding("ran, and was never launched", task_id)


def check_calls(history: History) -> Iterator[Finding]:
    """An attempt goes to the master once at most; what is acknowledged is in the journal."""
    for mesos_id, count in Counter(history.accepts).items():
        if count > 1:
            yield Finding("an attempt was sent twice", f"{mesos_id}: in {count} ACCEPT calls")
    for mesos_id, uuid in dict.fromkeys(history.acknowledged):
        if uuid not in history.updates:
            yield Finding("acknowledged, and not in the journal", f"{mesos_id}: update {uuid}")


# ---- the journal ---------------------------------------------------------------------------------------

def check_database(history: History) -> Iterator[Finding]:
    if history.integrity != "ok":
        yield Finding("the database is damaged", history.integrity)
    for task in history.tasks.values():
        count = len(history.attempts.get(task.key, []))
        if count != task.attempts:
            yield Finding("attempts without a row", f"{task.id}: says {task.attempts}, has {count}")
    for mesos_id, count in Counter(history.orphans).items():
        if not mesos_id.startswith(ORPHAN):
            yield Finding("an orphan of its own", f"{mesos_id}: a task that zmesosd has launched, and did not know")
        elif count > 1:
            yield Finding("an orphan was told twice", f"{mesos_id}: {count} times")


def check_numbers(history: History) -> Iterator[Finding]:
    """The journal's numbers have no holes. (Its oldest part may have been dropped.)"""
    for event_class, numbers in history.journal.items():
        before = None
        for number in sorted(numbers):
            if before is not None and number != before + 1:
                yield Finding("a hole in the journal", f"class {event_class}: {before} is followed by {number}")
            before = number


def check_order(history: History) -> Iterator[Finding]:
    """A task's revisions grow; over stays over, LOST excepted; an attempt goes onward, until it is cut off; without a policy,
    what has run does not wait again."""
    last: dict[str, tuple[int, str, int]] = {}
    ran: set[str] = set()
    for event in sorted(history.task_events, key=lambda event: event.number):
        revision, state, attempt = last.get(event.id, (0, "QUEUED", 0))
        if event.revision <= revision:
            yield Finding("a revision that does not grow",
                          f"{event.id}: {revision}, then {event.revision} (event {event.number})")
        if state in OVER and state != "LOST":
            yield Finding("state went backwards", f"{event.id}: {state}, then {event.state} (event {event.number})")
        elif event.attempt < attempt or (event.attempt == attempt and event.state != "QUEUED" and state in ONWARD
                                         and ONWARD.get(event.state, len(ONWARD)) < ONWARD[state]):
            yield Finding("state went backwards", f"{event.id}: {state} of attempt {attempt}, then {event.state} of attempt "
                          f"{event.attempt} (event {event.number})")
        launch = history.launches.get(event.id, Launched(event.id))
        if event.state in ("QUEUED", "LAUNCHING") and event.id in ran and launch.max_starts == 1:
            yield Finding("state went backwards", f"{event.id}: has run, then {event.state} (event {event.number})")
        if event.state in RAN:
            ran.add(event.id)
        last[event.id] = (event.revision, event.state, event.attempt)
    for task in history.tasks.values():
        if task.id not in last or last[task.id][1] != task.state:
            yield Finding("the journal and the table differ", f"{task.id}: {task.state} in the table, "
                          f"{last.get(task.id, (0, 'nothing', 0))[1]} in the journal")


# ---- the event stream ----------------------------------------------------------------------------------

def check_streams(history: History) -> Iterator[Finding]:
    """What subscribers saw is in the journal as they saw it, in order and once; what they did not see they could tell."""
    for stream in history.streams:
        yield from _check_stream(history, stream)


def _check_stream(history: History, stream: Stream) -> Iterator[Finding]:
    last: dict[int, int] = {}
    seen: dict[int, dict[int, str]] = defaultdict(dict)
    for event in stream.events:
        name = f"{stream.name}: class {event.event_class} number {event.number} ({event.topic})"
        kept = history.journal.get(event.event_class, {})
        if event.store != history.store:
            yield Finding("an event of another store", f"{name}: {event.store}")
        before = seen[event.event_class].get(event.number)
        if before is not None:
            same = "the same content" if before == event.digest else "different content"
            yield Finding("an event number came again", f"{name}: with {same}")
        elif event.number < last.get(event.event_class, 0):
            yield Finding("an event came out of order", f"{name}: after {last[event.event_class]}")
        if event.number not in kept:
            if not kept or event.number >= min(kept):
                yield Finding("published, and not in the journal", name)
        elif kept[event.number] != event.digest:
            yield Finding("an event number with different content", f"{name}: not as in the journal")
        seen[event.event_class][event.number] = event.digest
        last[event.event_class] = max(event.number, last.get(event.event_class, 0))
    for event_class, first, end in stream.dropped if stream.whole else []:
        yield Finding("dropped for a subscriber that was not slow", f"{stream.name}: class {event_class} {first} to {end}")
    if stream.end is None:
        yield Finding("a subscriber did not come to its end", stream.name)
        return
    for event_class in stream.whole:
        yield from _check_holes(history, stream, event_class, set(seen.get(event_class, {})), stream.end.get(event_class, 0))


def _check_holes(history: History, stream: Stream, event_class: int, seen: set[int], last: int) -> Iterator[Finding]:
    """Since its first event and up to the last that it waited for, what is in the journal was seen, or is in a hole that it
    told, or past the last seen and before the heads."""
    if not seen:
        return
    told = {number for holes_class, first, end in stream.holes if holes_class == event_class
            for number in range(first, end + 1)}
    told |= set(range(max(seen) + 1, stream.heads.get(event_class, 0) + 1))
    begin, end = min(seen), max(last, max(seen))
    missed = {number for number in history.journal.get(event_class, {}) if begin <= number <= end} - seen
    for number in sorted(missed - told):
        yield Finding("missed, and it could not tell", f"{stream.name}: class {event_class} number {number}")
    for number in sorted(told & seen):
        yield Finding("told as missed, and seen", f"{stream.name}: class {event_class} number {number}")


CHECKS: list[Check] = [check_launches, check_refused_good, check_refused_bad, check_kills, check_known, check_surprises,
                       check_views, check_starts, check_overlap, check_evidence, check_calls, check_database, check_numbers,
                       check_order, check_streams]
