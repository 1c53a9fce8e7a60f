"""The two styles of the package have the same public names, parameters and annotations: this holds them together."""

import inspect
import re

import pytest
import zmesos
from zmesos import aio

PAIRS = {name: (getattr(zmesos, name), getattr(aio, name)) for name in aio.__all__ if name != "Opening"}
SPECIAL = {  # what a style has where the other has that
    "__iter__": "__aiter__",
    "__next__": "__anext__",
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
}
# A blocking iterator that is a generator needs no step of its own; an asynchronous one is its own. And a follower begins by I/O,
# which a constructor cannot await.
ONLY_ASYNCHRONOUS = {("Events", "__anext__"), ("Follower", "__anext__"), ("Follower", "__await__")}
NOT_AWAITED = {  # what gives something to iterate over, or to be opened, in place of a result
    ("Client", name) for name in ("subscribe", "follow", "lease", "as_completed", "map", "tasks", "agents", "operations",
                                  "unconfirmed", "replay")
} | {(name, method) for name in ("Events", "Follower") for method in ("within", "catch_up")} | {("Handle", "check")}


def members(kind):
    """Public names, and those that make it iterable or a context."""
    special = {*SPECIAL, *SPECIAL.values(), "__await__"}
    found = {}
    for name in dir(kind):
        if (not name.startswith("_") or name in special) and getattr(kind, name) is not None:
            found[name] = inspect.getattr_static(kind, name)
    return found


def plain(annotation):
    """An annotation's text without what tells the styles apart."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = text.replace('"', "").replace("'", "")
    text = re.sub(r"AsyncGenerator\[(.*), None\]", r"Stream[\1]", text)
    text = re.sub(r"Opening\[(.*)\]", r"\1", text)
    return re.sub(r"\bAsync(\w)", r"\1", text)


def shape(member):
    if isinstance(member, property):
        return "property", plain(inspect.signature(member.fget).return_annotation)
    signature = inspect.signature(member)
    parameters = [
        (each.name, each.kind, each.default, plain(each.annotation)) for each in signature.parameters.values()
    ]
    return parameters, plain(signature.return_annotation)


def test_every_class_that_waits_is_there_twice():
    waiting = {name for name in zmesos.__all__ if inspect.isclass(getattr(zmesos, name)) and hasattr(getattr(zmesos, name), "_logic")}
    made = {"Client", "Events", "Follower", "Handle", "Lease", "Stream"}
    assert set(PAIRS) == made and waiting <= made


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_names(name):
    blocking, asynchronous = (members(kind) for kind in PAIRS[name])
    expected = {SPECIAL.get(member, member) for member in blocking}
    extra = {member for pair, member in ONLY_ASYNCHRONOUS if pair == name}
    assert set(asynchronous) == expected | extra


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_parameters_and_annotations(name):
    blocking, asynchronous = (members(kind) for kind in PAIRS[name])
    for member, one in blocking.items():
        if member in SPECIAL:
            continue
        other = asynchronous[member]
        assert shape(other) == shape(one), f"{name}.{member}"
        assert (inspect.getdoc(other) or "").strip(), f"{name}.{member} says nothing"


@pytest.mark.parametrize("name", ["Client", "Events"])
def test_the_same_constructors(name):
    blocking, asynchronous = PAIRS[name]
    assert shape(asynchronous.__init__) == shape(blocking.__init__)


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_awaited(name):
    for member, method in members(PAIRS[name][1]).items():
        if member.startswith("_") or isinstance(method, property):
            continue
        assert inspect.iscoroutinefunction(method) == ((name, member) not in NOT_AWAITED), f"{name}.{member}"


def test_a_difference_is_found():
    class Blocking:
        def one(self, a: int, *, b: str = "x") -> "zmesos.Stream[int]":
            """Does it."""

    class Asynchronous:
        async def same(self, a: int, *, b: str = "x") -> "aio.AsyncStream[int]": ...

        async def another_default(self, a: int, *, b: str = "y") -> "aio.Stream[int]": ...

        async def another_type(self, a: float, *, b: str = "x") -> "aio.Stream[int]": ...

        async def another_kind(self, a: int, b: str = "x") -> "aio.Stream[int]": ...

        async def another_result(self, a: int, *, b: str = "x") -> "aio.Stream[str]": ...

    like = (shape(Blocking.one)[0], "aio.Stream[int]")
    assert shape(Asynchronous.same) == like
    for name in ("another_default", "another_type", "another_kind", "another_result"):
        assert shape(getattr(Asynchronous, name)) != like
