#!/usr/bin/env python3
"""How many functions a second an Executor calls, beside as many tasks that are launched bare, on real processes of zmesos-local.

usage: bench_functions.py [--functions N] [--chunk N] [--runs N]

In each run, one after the other: tasks of `true`; tasks of a Python that does nothing; a function a task; and the same
functions with --chunk of them a task. Exits 1 where a result is wrong or a task did not finish.
"""
from __future__ import annotations

import argparse
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import programs  # noqa: E402
import zmesos  # noqa: E402

SMALL = {"cpus": 0.05, "mem": 16}
AT_ONCE = 256


def bare(client: zmesos.Client, command: list[str], count: int) -> float:
    """Tasks a second, with as many at once as the agents have room for."""
    start = time.perf_counter()
    ids = [result.check().id for result in client.launch_many(zmesos.task_spec(command, **SMALL) for _ in range(count))]
    ended = client.wait(ids, 600)
    seconds = time.perf_counter() - start
    if any(zmesos.state_name(task.state) != "FINISHED" for task in ended.values()):
        sys.exit("a bare task did not finish")
    return count / seconds


def functions(client: zmesos.Client, count: int, chunk: int) -> float:
    """Functions a second, from the first submit to the last result."""
    with zmesos.Executor(client, max_tasks=AT_ONCE, python=sys.executable, **SMALL) as executor:
        start = time.perf_counter()
        results = list(executor.map(abs, range(0, -count, -1), chunksize=chunk))
        seconds = time.perf_counter() - start
    if results != list(range(count)):
        sys.exit("a wrong result")
    return count / seconds


def run(count: int, chunk: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="zmesos-bench-") as place:
        cluster = programs.Cluster(pathlib.Path(place), local={"agents": "4", "allocation_interval": "0.1",
                                                                "resources": "cpus:1;mem:4096;disk:4096"})
        try:
            client = cluster.client(timeout=60.0)
            return {
                "tasks of true": bare(client, ["true"], count),
                "tasks of an empty Python": bare(client, [sys.executable, "-c", "pass"], count),
                "functions, one a task": functions(client, count, 1),
                f"functions, {chunk} a task": functions(client, count, chunk),
            }
        finally:
            cluster.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=int, default=2000)
    parser.add_argument("--chunk", type=int, default=50)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rates = [run(options.functions, options.chunk) for _ in range(options.runs)]
    first = next(iter(rates[0]))
    for what in rates[0]:
        values = [rate[what] for rate in rates]
        ratio = statistics.median(rate[what] / rate[first] for rate in rates)
        print(f"functions: {what}: {statistics.median(values):,.0f}/s, of {options.runs} runs {min(values):,.0f} to "
              f"{max(values):,.0f}; {ratio:.2f} of the bare tasks ({options.functions} of each)")


if __name__ == "__main__":
    main()
