"""The tasks as they are, in memory: by id, by state, in the order of their last change; search. Pure: no socket, no clock.

Bounded by `most`: past it tasks that are over go, the oldest first, then nothing more is taken. Each task keeps the newest
STEPS_MAX of its changes of state; their messages are shared, WORDS_MAX of them.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import islice
from typing import Callable, Iterable, Iterator, Optional

from zmesos.states import OVER, state_name

STEPS_MAX = 200  # changes of state kept of a task
WORDS_MAX = 50_000  # different messages kept for them
WORD_BYTES = 500  # characters of one


@dataclass(frozen=True, slots=True)
class Change:
    """A task as an event or a snapshot has it. Times are nanoseconds since 1970."""

    id: str
    state: int
    revision: int
    time_ns: int
    number: int = 0  # of the event; 0: of a snapshot
    name: str = ""
    role: str = ""
    submitter: str = ""
    group: str = ""
    message: str = ""
    reason: str = ""
    created_ns: int = 0
    attempt: int = 0  # 0: none yet
    hostname: str = ""
    agent_id: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a specification is shown in lists and searched."""

    labels: tuple[str, ...] = ()
    cpus: float = 0.0
    mem: float = 0.0
    command: str = ""


NOTHING = Wish()


@dataclass(slots=True)
class Row:
    """One task: its last change, its specification where that has come, its steps."""

    change: Change
    wish: Wish = NOTHING
    steps: "array[int]" = field(default_factory=lambda: array("q"))  # pairs: time, packed
    dropped: int = 0  # steps that are not kept any more
    words: str = ""  # what a search looks at, in lower case

    def index(self) -> None:
        """Makes `words` anew."""
        change = self.change
        name = change.name if change.name != change.id else ""
        parts = (change.id, name, state_name(change.state), change.hostname, change.agent_id, change.message)
        self.words = "\n".join(parts + self.wish.labels).lower()


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state in a task's history."""

    time_ns: int
    state: int
    attempt: int
    message: str


@dataclass(frozen=True)
class Query:
    """Which tasks, in which order. All conditions must hold.

    terms: texts in lower case, each to be found in the id, name, a label, the state, the agent or the message; or pairs of a
    field and such a text. order: "changed" (the newest first), "created" (the newest first), "id".
    """

    terms: tuple[tuple[str, str], ...] = ()
    states: frozenset[int] = frozenset()
    order: str = "changed"


FIELDS: dict[str, Callable[[Row], Iterable[str]]] = {
    "id": lambda row: (row.change.id,),
    "name": lambda row: (row.change.name,),
    "label": lambda row: row.wish.labels,
    "state": lambda row: (state_name(row.change.state),),
    "agent": lambda row: (row.change.hostname, row.change.agent_id),
    "message": lambda row: (row.change.message,),
    "role": lambda row: (row.change.role,),
    "submitter": lambda row: (row.change.submitter,),
    "group": lambda row: (row.change.group,),
}
INDEXED = frozenset(("id", "name", "label", "state", "agent", "message"))  # those that Row.words has
ORDERS = ("changed", "created", "id")


class Model:
    """All tasks known, of one store of the daemon."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.tasks: dict[str, Row] = {}  # in the order in which they were first seen: by their age
        self.left_out = 0  # that did not fit
        self.version = 0  # counts what has changed here
        self._by_state: dict[int, dict[str, Row]] = {}  # each in the order of the last change
        self._changed: dict[str, Row] = {}  # likewise
        self._words: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}

    # ---- what comes in --------------------------------------------------------------------------------

    def put(self, change: Change) -> bool:
        """Takes in a task as it is now; False where that was known."""
        row = self.tasks.get(change.id)
        if row is None:
            if len(self.tasks) >= self.most and not self._make_room():
                self.left_out += 1
                return False
            row = self.tasks[change.id] = Row(change)
        elif (row.change.created_ns, row.change.revision) >= (change.created_ns, change.revision):
            return False
        else:
            del self._by_state[row.change.state][change.id]
            del self._changed[change.id]
            if change.created_ns > row.change.created_ns:  # that one was forgotten, and its id launched again
                del self.tasks[change.id]
                row = self.tasks[change.id] = Row(change)
            row.change = change
        self._by_state.setdefault(change.state, {})[change.id] = row
        self._changed[change.id] = row
        row.index()
        self.version += 1
        return True

    def step(self, change: Change) -> None:
        """Adds an event to the history of its task, if that is known."""
        row = self.tasks.get(change.id)
        if row is None or row.change.created_ns != change.created_ns:
            return
        row.steps.extend((change.time_ns, change.state | change.attempt << 8 | self._number(change.message) << 32))
        if len(row.steps) > 2 * STEPS_MAX:
            del row.steps[:2]
            row.dropped += 1

    def wish(self, task_id: str, wish: Wish) -> None:
        """What a task asks for."""
        row = self.tasks.get(task_id)
        if row is not None:
            row.wish = wish
            row.index()
            self.version += 1

    def drop(self, ids: Iterable[str]) -> None:
        """The daemon has forgotten these."""
        for task_id in ids:
            row = self.tasks.pop(task_id, None)
            if row is not None:
                del self._by_state[row.change.state][task_id]
                del self._changed[task_id]
                self.version += 1

    def _make_room(self) -> bool:
        # The oldest of what is over: the first of each state is the one that has not changed for longest.
        oldest = [next(iter(rows.values())) for state, rows in self._by_state.items() if state in OVER and rows]
        if not oldest:
            return False
        self.drop([min(oldest, key=lambda row: row.change.time_ns).change.id])
        self.left_out += 1
        return True

    def _number(self, message: str) -> int:
        message = message[:WORD_BYTES]
        number = self._numbers.get(message)
        if number is None:
            if len(self._words) >= WORDS_MAX:
                return 0
            number = self._numbers[message] = len(self._words)
            self._words.append(message)
        return number

    # ---- what is asked --------------------------------------------------------------------------------

    def counts(self) -> dict[int, int]:
        """How many tasks are in each state; states without are left out."""
        return {state: len(rows) for state, rows in self._by_state.items() if rows}

    def oldest(self, state: int, skip: int, count: int) -> list[str]:
        """Ids of tasks in a state, those first that have been in it for longest."""
        return list(islice(self._by_state.get(state, ()), skip, skip + count))

    def steps(self, row: Row) -> Iterator[Step]:
        """The changes of state that are kept, oldest first."""
        pairs = iter(row.steps)
        for time_ns, packed in zip(pairs, pairs):
            yield Step(time_ns, packed & 0xFF, packed >> 8 & 0xFFFFFF, self._words[packed >> 32])

    def find(self, query: Query, first: int, count: int) -> tuple[int, list[Row]]:
        """How many tasks there are under these conditions, and those of one page."""
        if not query.terms and not query.states and query.order != "id":
            rows = self.tasks if query.order == "created" else self._changed
            return len(rows), list(islice(reversed(rows.values()), first, first + count))
        found = [row for row in self._candidates(query) if _holds(row, query)]
        if query.order == "id":
            found.sort(key=lambda row: row.change.id)
        return len(found), found[first : first + count]

    def _candidates(self, query: Query) -> Iterator[Row]:
        if query.order == "created":
            return reversed(self.tasks.values())
        if len(query.states) == 1:
            (state,) = query.states
            return reversed(self._by_state.get(state, {}).values())
        return reversed(self._changed.values())


def _holds(row: Row, query: Query) -> bool:
    if query.states and row.change.state not in query.states:
        return False
    for name, text in query.terms:
        if name in INDEXED and text not in row.words:
            return False
        if name:
            if not any(text in part.lower() for part in FIELDS[name](row)):
                return False
        elif text not in row.words:
            return False
    return True


def read_terms(text: str) -> tuple[tuple[str, str], ...]:
    """The words of a search; `label:batch=7` asks one field, "two words" in quotes are one."""
    terms: list[tuple[str, str]] = []
    for word in _split(text.lower()):
        name, colon, rest = word.partition(":")
        if colon and name in FIELDS:
            if rest:
                terms.append((name, rest.strip('"')))
        elif word.strip('"'):
            terms.append(("", word.strip('"')))
    return tuple(terms)


def _split(text: str) -> Iterator[str]:
    word, quoted = "", False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        if letter.isspace() and not quoted:
            if word:
                yield word
            word = ""
        else:
            word += letter
    if word:
        yield word
