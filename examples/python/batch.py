#!/usr/bin/env python3
"""Runs many tasks at once and shows how far they are.

usage: batch.py [--count N] [--command LINE] [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT]

The bar goes to stderr, and only if that is a terminal; the result is one line on stdout. The tasks read their
number in $NUMBER. Exits 1 unless all of them finished.
"""

import argparse
import collections
import sys
import time

import zmesos

WIDTH = 40


def bar(done: int, total: int, started: float) -> None:
    if not sys.stderr.isatty():
        return
    filled = WIDTH * done // total
    rate = done / max(time.monotonic() - started, 0.001)
    line = f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}, {rate:.0f} a second "
    print(line, end="\n" if done == total else "", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run many tasks at once and show how far they are.")
    parser.add_argument("--count", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--command", default="true", help="what each one runs (default: true)")
    parser.add_argument("--cpus", type=float, default=0.1)
    parser.add_argument("--mem", type=float, default=32)
    parser.add_argument("--timeout", type=float, help="seconds until it gives up (default: never)")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()
    if options.count < 1:
        parser.error("--count is at least 1")

    batch = zmesos.new_id("batch")
    specs = (
        zmesos.task_spec(
            options.command,
            id=f"{batch}-{number}",
            name=batch,
            cpus=options.cpus,
            mem=options.mem,
            env={"NUMBER": str(number)},
            labels={"batch": batch},
        )
        for number in range(options.count)
    )
    started = time.monotonic()
    ends: collections.Counter[str] = collections.Counter()
    with zmesos.Client(options.control, options.events, options.pipeline) as client:
        ids = [result.check().id for result in client.launch_many(specs)]
        bar(0, len(ids), started)
        for task in client.as_completed(ids, options.timeout):
            ends[zmesos.state_name(task.state)] += 1
            bar(ends.total(), len(ids), started)
    seconds = time.monotonic() - started
    counts = ", ".join(f"{count} {state}" for state, count in ends.most_common())
    print(f"batch: {len(ids)} launched, {counts}, {seconds:.1f} s, {len(ids) / seconds:.0f} a second")
    return 0 if ends["FINISHED"] == options.count else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zmesos.ZmesosError as error:
        sys.exit(f"batch.py: {error}")
