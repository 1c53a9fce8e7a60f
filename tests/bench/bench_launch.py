#!/usr/bin/env python3
"""How many tasks a second go from launch to acknowledged end, through ZeroMQ, durable, against a simulating zmesos-local.

usage: bench_launch.py [--tasks N] [--batch N] [--agents N] [--runs N]

A subscriber takes the whole class of task events meanwhile; the run counts what it missed and that each state of each task came
once. Exits 1 where a task did not finish or an event was missed: a rate of lost work is none.
"""
from __future__ import annotations

import argparse
import collections
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import programs  # noqa: E402
import zmesos  # noqa: E402

STATES = ["QUEUED", "LAUNCHING", "STARTING", "RUNNING", "FINISHED"]


def run(tasks: int, batch: int, agents: int) -> tuple[float, float, float]:
    """(seconds until all launches were answered, until all ended, until the last event was read)."""
    with tempfile.TemporaryDirectory(prefix="zmesos-bench-") as place:
        cluster = programs.Cluster(pathlib.Path(place), local={"agents": str(agents), "allocation_interval": "0.1",
                                                                "resources": "cpus:64;mem:65536;disk:65536"},
                                   local_flags=("--simulate",))
        try:
            return measure(cluster, tasks, batch)
        finally:
            cluster.close()


def measure(cluster: programs.Cluster, tasks: int, batch: int) -> tuple[float, float, float]:
    specs = [zmesos.task_spec("true", id=f"bench-{n}", cpus=0.01, mem=1) for n in range(tasks)]
    events = cluster.subscribe("task/")
    client = cluster.client(timeout=60.0)
    start = time.perf_counter()
    results = []
    for first in range(0, tasks, batch):
        results += client.launch_many(specs[first:first + batch])
    launched = time.perf_counter() - start
    refused = [result for result in results if not result.ok]
    if refused:
        sys.exit(f"refused: {refused[:3]}")
    seen: dict[str, list[str]] = collections.defaultdict(list)
    ended = 0
    deadline = time.monotonic() + 300
    while ended < tasks and time.monotonic() < deadline:
        event = events.recv(timeout=1)
        if event and event.task:
            seen[event.task.id].append(zmesos.state_name(event.task.state))
            ended += zmesos.is_over(event.task)
    read = time.perf_counter() - start
    finished = read
    wrong = {task: states for task, states in seen.items() if states != STATES}
    if wrong or len(seen) != tasks or events.missed:
        example = next(iter(wrong.items()), None)
        sys.exit(f"{len(seen)} of {tasks} tasks seen, {len(wrong)} with other states than {STATES}: {example}, "
                 f"{events.missed} events missed")
    return launched, finished, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rates, answered = [], []
    for _ in range(options.runs):
        launched, finished, _ = run(options.tasks, options.batch, options.agents)
        rates.append(options.tasks / finished)
        answered.append(options.tasks / launched)
    for what, values in (("launches answered", answered), ("tasks finished, each state seen once", rates)):
        print(f"launch: {what}: {statistics.median(values):,.0f}/s, of {options.runs} runs "
              f"{min(values):,.0f} to {max(values):,.0f} ({options.tasks} tasks, batches of {options.batch})")


if __name__ == "__main__":
    main()
