#!/usr/bin/env python3
"""Runs a command, again each time it fails, and shows every attempt. The daemon retries, this only watches.

usage: retry.py [--attempts N] [--backoff SECONDS] [--elsewhere] [--control ENDPOINT] [--events ENDPOINT]
                [--pipeline ENDPOINT] [COMMAND]

Without a command: one that fails twice. It knows its attempt by the number behind the last dot of its id in Mesos,
which is that of its executor too. Exits 0 if an attempt finished, else 1. relaunch.py does by itself, with a task for
each try, what this leaves to the daemon; the daemon goes on with it also when nobody watches.
"""

import argparse
import sys

import zmesos

FAILS_TWICE = 'n=${MESOS_EXECUTOR_ID##*.}; echo "attempt $n"; test "${n%-*}" -ge 3'


def show(task: zmesos.Task) -> None:
    """A line for each attempt; task.attempts has all of them, oldest first."""
    for attempt in task.attempts:
        state = zmesos.state_name(attempt.state)
        where = f" on {attempt.hostname}" if attempt.hostname else ""
        given_up = ", given up" if attempt.replaced else ""
        print(f"attempt {attempt.number}: {state}{given_up}{where}: {attempt.message or 'no message'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a command, again each time it fails, and show every attempt.")
    parser.add_argument("command", nargs="?", default=FAILS_TWICE, help="a line for the shell (default: fails twice)")
    parser.add_argument("--attempts", type=int, default=5, help="at most (default: 5)")
    parser.add_argument("--backoff", type=float, default=0.5, help="seconds before the second, then doubled (0.5)")
    parser.add_argument("--elsewhere", action="store_true", help="each attempt on another agent")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()

    policy = zmesos.retry_policy(
        max_attempts=options.attempts,
        on=["FAILED", "LAUNCH_TIMEOUT", "GONE"],  # not LOST: two attempts could run at once
        backoff=options.backoff,
        elsewhere=options.elsewhere,
    )
    spec = zmesos.task_spec(options.command, name="retry", cpus=0.1, mem=32, retry=policy)
    with (
        zmesos.Client(options.control, options.events, options.pipeline) as client,
        client.subscribe(f"task/{spec.id}/") as events,
    ):
        events.ready()
        client.launch(spec=spec)
        for event in events:
            print(event, flush=True)
            if event.task and zmesos.is_over(event.task):  # QUEUED again is not
                break
        task = client.task(spec.id)  # an event has the last attempt alone
        show(task)
        print(f"retry: {zmesos.state_name(task.state)} after {len(task.attempts)} attempts")
        return 0 if task.state == zmesos.messages.FINISHED else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zmesos.ZmesosError as error:
        sys.exit(f"retry.py: {error}")
