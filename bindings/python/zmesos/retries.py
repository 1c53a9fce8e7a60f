"""When a task is tried again: RetryPolicy from keyword arguments. docs/protocol.md tells what each field does."""

from __future__ import annotations

from typing import Iterable, Mapping, Optional, TypedDict, Union, cast

from .messages import RetryPolicy, mesos

OutcomeLike = Union[str, int]


class Retry(TypedDict, total=False):
    """A RetryPolicy as a dictionary; the names are the protocol's, times are seconds."""

    max_attempts: int
    on: Union[OutcomeLike, Iterable[OutcomeLike]]
    backoff: float
    backoff_max: float
    replace_after: float
    elsewhere: bool


RetryLike = Union[RetryPolicy, Retry, Mapping[str, object]]


def duration(seconds: float) -> mesos.DurationInfo:
    """Mesos's message of a length of time."""
    return mesos.DurationInfo(nanoseconds=round(seconds * 1e9))


def outcome_number(outcome: OutcomeLike) -> RetryPolicy.Outcome:
    """1 for "FAILED" or "failed" or 1; ValueError for no outcome."""
    if isinstance(outcome, str):
        return RetryPolicy.Outcome.Value(outcome.upper())
    if outcome not in RetryPolicy.Outcome.values():
        raise ValueError(f"{outcome} is no outcome of an attempt")
    return cast("RetryPolicy.Outcome", outcome)


def outcome_name(outcome: int) -> str:
    """FAILED for 1; a number this package does not know comes back as its digits."""
    if outcome in RetryPolicy.Outcome.values():
        return RetryPolicy.Outcome.Name(outcome)
    return str(outcome)


def retry_policy(
    max_attempts: Optional[int] = None,
    on: Union[OutcomeLike, Iterable[OutcomeLike]] = (),
    backoff: Optional[float] = None,
    backoff_max: Optional[float] = None,
    replace_after: Optional[float] = None,
    elsewhere: Optional[bool] = None,
) -> RetryPolicy:
    """A policy; what is left out is the daemon's default.

    max_attempts: 1 to 100. on: FAILED, FINISHED, KILLED, LAUNCH_TIMEOUT, GONE, DRAINED; and LOST, UNREACHABLE, UNKNOWN, of
    which the attempt may still be alive while the next one runs. None: FAILED, LAUNCH_TIMEOUT and GONE.
    backoff, backoff_max: seconds before the second attempt, doubled for each further one up to the maximum.
    replace_after: for how many seconds an attempt is LOST, UNREACHABLE or UNKNOWN before it is given up.
    elsewhere: never on an agent on which an attempt of the task has ended.
    """
    outcomes = [on] if isinstance(on, (str, int)) else list(on)
    policy = RetryPolicy(on=[outcome_number(outcome) for outcome in outcomes])
    if max_attempts is not None:
        policy.max_attempts = max_attempts
    if backoff is not None:
        policy.backoff.CopyFrom(duration(backoff))
    if backoff_max is not None:
        policy.backoff_max.CopyFrom(duration(backoff_max))
    if replace_after is not None:
        policy.replace_after.CopyFrom(duration(replace_after))
    if elsewhere is not None:
        policy.elsewhere = elsewhere
    return policy


def as_policy(retry: RetryLike) -> RetryPolicy:
    """A policy as it is, or from a dictionary of retry_policy()'s arguments; TypeError for a name it does not have."""
    if isinstance(retry, RetryPolicy):
        return retry
    return retry_policy(**retry)  # type: ignore[arg-type]
