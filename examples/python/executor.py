#!/usr/bin/env python3
"""Estimates pi with functions that run as tasks: each throws darts at a square and counts those in the circle.

usage: executor.py [--functions N] [--darts N] [--seed N] [--python NAME] [--listen PLACE] [--address PLACE] [--control ENDPOINT]
                   [--events ENDPOINT] [--pipeline ENDPOINT]

Agents need a Python of the version of this one, and have to reach this program: on a cluster say by --listen and --address
where (docs/executor.md). Ctrl-C ends the tasks. Exits 1 where a function did not come back with a count.
"""

import argparse
import concurrent.futures
import random
import sys

import zmesos


def hits(seed: int, darts: int) -> int:
    """How many of the darts are within the circle."""
    thrown = random.Random(seed)
    return sum(thrown.random() ** 2 + thrown.random() ** 2 <= 1 for _ in range(darts))


def main() -> int:
    parser = argparse.ArgumentParser(description="Estimate pi with functions that run as tasks.")
    parser.add_argument("--functions", type=int, default=20, help="how many tasks (default: 20)")
    parser.add_argument("--darts", type=int, default=200_000, help="of each (default: 200,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first (default: 1)")
    parser.add_argument("--python", default="python3", help="the interpreter on the agents (default: python3)")
    parser.add_argument("--listen", default="127.0.0.1:0", help="where this program listens (default: 127.0.0.1, any port)")
    parser.add_argument("--address", help="where agents reach that (default: the same)")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()
    if options.functions < 1 or options.darts < 1:
        parser.error("--functions and --darts are at least 1")

    inside = thrown = failed = 0
    with zmesos.Client(options.control, options.events, options.pipeline) as client, zmesos.Executor(
        client, listen=options.listen, address=options.address, python=options.python, cpus=0.5, mem=64
    ) as executor:
        seeds = range(options.seed, options.seed + options.functions)
        futures = [executor.submit(hits, seed, options.darts) for seed in seeds]
        try:
            for future in concurrent.futures.as_completed(futures):
                try:
                    inside += future.result()
                except (zmesos.ZmesosError, OSError) as error:
                    failed += 1
                    print(f"executor.py: {error}", file=sys.stderr)
                    continue
                thrown += options.darts
                print(f"{thrown:>12,} darts: {4 * inside / thrown:.5f}")
        except KeyboardInterrupt:
            executor.kill_all()
            return 130
    print(f"executor: {options.functions} functions, {failed} failed, {thrown} darts, {inside} inside")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zmesos.ZmesosError as error:
        sys.exit(f"executor.py: {error}")
