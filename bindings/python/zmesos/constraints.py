"""Conditions on where a task goes (docs/protocol.md "Launch"). `attribute` is an agent's attribute, or "hostname", "agent_id",
"region", "zone". All constraints of a task must hold; what is wrapped in `preferred()` only says which places come first."""

from typing import Iterable

from .messages import messages

Constraint = messages.Constraint


def _many(name: str, values: Iterable[str]) -> list[str]:
    if isinstance(values, str):
        raise TypeError(f"{name} takes a list of values, not a single one")
    return list(values)


def equals(attribute: str, value: str) -> Constraint:
    """The agent's attribute has this value."""
    return Constraint(attribute=attribute, operator=Constraint.EQUALS, values=[value])


def not_equals(attribute: str, value: str) -> Constraint:
    """The agent has the attribute, with another value."""
    return Constraint(attribute=attribute, operator=Constraint.NOT_EQUALS, values=[value])


def one_of(attribute: str, values: Iterable[str]) -> Constraint:
    """The attribute has one of these values."""
    return Constraint(attribute=attribute, operator=Constraint.IN, values=_many("one_of", values))


def none_of(attribute: str, values: Iterable[str]) -> Constraint:
    """The agent has the attribute, with none of these values."""
    return Constraint(attribute=attribute, operator=Constraint.NOT_IN, values=_many("none_of", values))


def matches(attribute: str, expression: str) -> Constraint:
    """The whole value matches this POSIX extended regular expression."""
    return Constraint(attribute=attribute, operator=Constraint.MATCHES, values=[expression])


def not_matches(attribute: str, expression: str) -> Constraint:
    """The agent has the attribute, and the whole value does not match."""
    return Constraint(attribute=attribute, operator=Constraint.NOT_MATCHES, values=[expression])


def greater(attribute: str, number: float) -> Constraint:
    """The value is a number greater than this one; three decimals count."""
    return Constraint(attribute=attribute, operator=Constraint.GREATER, values=[_decimal(number)])


def less(attribute: str, number: float) -> Constraint:
    """The value is a number less than this one; three decimals count."""
    return Constraint(attribute=attribute, operator=Constraint.LESS, values=[_decimal(number)])


def exists(attribute: str) -> Constraint:
    """The agent has the attribute."""
    return Constraint(attribute=attribute, operator=Constraint.EXISTS)


def not_exists(attribute: str) -> Constraint:
    """The agent lacks the attribute."""
    return Constraint(attribute=attribute, operator=Constraint.NOT_EXISTS)


def unique(attribute: str) -> Constraint:
    """No two live tasks of the same name that ask for this share a value of the attribute."""
    return Constraint(attribute=attribute, operator=Constraint.UNIQUE)


def max_per(attribute: str, tasks: int) -> Constraint:
    """At most so many live tasks of the same name share a value."""
    return Constraint(attribute=attribute, operator=Constraint.MAX_PER, values=[str(int(tasks))])


def spread(attribute: str, values: Iterable[str] = ()) -> Constraint:
    """Live tasks of the same name are spread evenly: over these values, or over those of all agents known."""
    return Constraint(attribute=attribute, operator=Constraint.SPREAD, values=_many("spread", values))


def together(attribute: str) -> Constraint:
    """Live tasks of the same name all share one value."""
    return Constraint(attribute=attribute, operator=Constraint.TOGETHER)


def near(attribute: str, ids: Iterable[str]) -> Constraint:
    """The value that all of these tasks have, where they run."""
    return Constraint(attribute=attribute, operator=Constraint.NEAR, values=_many("near", ids))


def far(attribute: str, ids: Iterable[str]) -> Constraint:
    """None of the values that these tasks have, where they run."""
    return Constraint(attribute=attribute, operator=Constraint.FAR, values=_many("far", ids))


def preferred(constraint: Constraint) -> Constraint:
    """The same, as a wish: places where it holds come first, and others are taken too."""
    wish = Constraint()
    wish.CopyFrom(constraint)
    wish.preferred = True
    return wish


def _decimal(number: float) -> str:
    return f"{number:.3f}"
