"""What the soak's clients launch, and what such a task writes to disk when it runs.

A task appends a line to the file that has its name as soon as it starts, `S <Mesos task id>`, and `E <Mesos task id>` at its
end. The file says what really ran, whatever zmesosd and the master believe.
"""
from __future__ import annotations

import pathlib
import random
import shlex
from dataclasses import asdict, dataclass
from typing import Any

import programs  # noqa: F401  (puts the built package on the path)
from zmesos import TaskSpec, messages, task_spec

RetryPolicy = messages.RetryPolicy

ORPHAN = "orphan-"  # how ids of tasks begin that zmesosd has not launched; they leave evidence too

# Outcomes after which an attempt may still be alive: with one of these in a policy two attempts may overlap.
DOUBTFUL = (RetryPolicy.LOST, RetryPolicy.UNREACHABLE, RetryPolicy.UNKNOWN)


@dataclass(frozen=True)
class Planned:
    """What the comparison has to know of a launch. `max_starts`: 1 without a policy. `overlap`: attempts may overlap.
    `elsewhere`: there may be no agent left for it. `refused`: it must be; what it would write is then `mark`."""

    id: str
    max_starts: int = 1
    overlap: bool = False
    elsewhere: bool = False
    refused: bool = False
    mark: str = "S"

    def record(self) -> dict[str, Any]:
        return asdict(self)


def command(evidence: pathlib.Path, task_id: str, seconds: float, succeeds_at: int, status: int, stubborn: bool,
            mark: str = "S") -> str:
    """A shell line that leaves evidence. It exits with `status` until its start number `succeeds_at`."""
    file = shlex.quote(str(evidence / task_id))
    deaf = "trap : TERM; " if stubborn else ""
    return (f"{deaf}f={file}; i=${{MESOS_TASK_ID:-$MESOS_EXECUTOR_ID}}; echo \"{mark} $i\" >>$f; sleep {seconds:.2f}; "
            f"n=$(grep -c '^{mark} ' $f); echo \"E $i\" >>$f; [ $n -ge {succeeds_at} ] || exit {status}")


class Planner:
    """Draws specifications from a random source of its own."""

    def __init__(self, rng: random.Random, prefix: str, evidence: pathlib.Path) -> None:
        self.random, self.prefix, self.evidence = rng, prefix, evidence
        self.made = 0

    def _new_id(self) -> str:
        self.made += 1
        return f"{self.prefix}-{self.made}"

    def _seconds(self) -> float:
        if self.random.random() < 0.12:
            return self.random.uniform(3.0, 15.0)
        return self.random.choice([0.0, self.random.uniform(0.05, 1.0), self.random.expovariate(0.5)])

    def task(self) -> tuple[TaskSpec, Planned]:
        """One that must be taken; one in five with a retry policy."""
        task_id = self._new_id()
        fails = self.random.random() < 0.15
        retried = self.random.random() < 0.2
        stubborn = self.random.random() < 0.1
        succeeds_at = self.random.randrange(1, 5) if retried else 2 if fails else 1
        line = command(self.evidence, task_id, self._seconds(), succeeds_at, self.random.randrange(1, 100), stubborn)
        spec = task_spec(line, id=task_id, cpus=self.random.choice([0.05, 0.1, 0.3]), mem=self.random.choice([8, 32]),
                         labels={"soak": f"{self.prefix}-{self.made // 20}"}, priority=self.random.choice([0, 0, 0, 1]))
        if stubborn:
            spec.kill_policy.grace_period.nanoseconds = 10**9
        planned = Planned(task_id)
        if retried:
            planned = self._retry(spec)
        return spec, planned

    def _retry(self, spec: TaskSpec) -> Planned:
        retry = spec.retry
        retry.max_attempts = self.random.randrange(1, 5)
        outcomes = RetryPolicy.Outcome.values()
        chosen = self.random.sample(outcomes, self.random.randrange(0, len(outcomes)))
        retry.on.extend(outcome for outcome in sorted(chosen) if outcome != RetryPolicy.FINISHED)
        retry.backoff.nanoseconds = self.random.randrange(10**7, 10**9)
        retry.replace_after.nanoseconds = self.random.randrange(10**9, 5 * 10**9)
        if self.random.random() < 0.1:
            retry.elsewhere = True
            retry.max_attempts = 2  # a cluster may have two agents only
        return Planned(spec.id, retry.max_attempts, any(outcome in DOUBTFUL for outcome in retry.on), retry.elsewhere)

    def invalid(self) -> tuple[TaskSpec, Planned]:
        """One that must be refused, and would leave a trace if it ran."""
        task_id = self._new_id()
        spec = task_spec(command(self.evidence, task_id, 0.0, 1, 0, False), id=task_id, cpus=0.1, mem=8)
        if self.random.random() < 0.5:
            spec.cpus = -1.0
        else:
            spec.role = "a-role-that-nobody-has"
        return spec, Planned(task_id, refused=True)

    def conflict(self, task_id: str) -> tuple[TaskSpec, Planned]:
        """Another specification under an id that is taken; must be refused, and would leave the mark X."""
        spec = task_spec(command(self.evidence, task_id, 0.0, 1, 0, False, "X"), id=task_id, cpus=0.1, mem=8)
        return spec, Planned(task_id, refused=True, mark="X")
