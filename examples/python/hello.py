#!/usr/bin/env python3
"""The demo: runs twelve tasks, kills one, prints every Mesos event, and counts.

usage: hello.py [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT] [--timeout SECONDS]

Exits 1 unless every task came to the end meant for it and no event was missed.
"""

import argparse
import sys
import time

import zmesos

COMMANDS = [f"echo hello from task {n} on $(hostname); sleep 0.{n}" for n in range(1, 12)]
LONG = "echo running until somebody stops me; sleep 600"


def main() -> int:
    parser = argparse.ArgumentParser(description="Run twelve tasks, kill one, print every Mesos event.")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for all of it (default: 60)")
    options = parser.parse_args()

    specs = [
        zmesos.task_spec(command, name=f"hello-{n:02}", cpus=0.1, mem=32, labels={"demo": "hello"})
        for n, command in enumerate([*COMMANDS, LONG], 1)
    ]
    victim = specs[-1].id
    with (
        zmesos.Client(options.control, options.events, options.pipeline) as client,
        client.subscribe("mesos/", "task/") as events,
    ):
        events.ready()  # from here on nothing is published unheard
        launched = {result.check().id for result in client.launch_many(specs) if not result.known}
        ends: dict[str, str] = {}
        printed = 0

        def take(event: zmesos.Event) -> None:
            nonlocal printed
            if event.mesos:
                printed += 1
                print(event, flush=True)
            elif event.task and event.task.id in launched:
                state = zmesos.state_name(event.task.state)
                if event.task.id == victim and state == "RUNNING":
                    client.kill(victim)
                if zmesos.is_over(event.task):
                    ends[event.task.id] = state

        deadline = time.monotonic() + options.timeout
        while ends.keys() != launched and time.monotonic() < deadline:
            event = events.recv(timeout=1)
            if event:
                take(event)
        for event in events.catch_up(client.status()):  # the last ones leave no gap: compare with the daemon
            take(event)

        finished = list(ends.values()).count("FINISHED")
        killed = list(ends.values()).count("KILLED")
        for task in client.get(launched - ends.keys()).values():
            print(f"not over: {task.id} is {zmesos.state_name(task.state)} {task.message}", file=sys.stderr)
        print(
            f"demo: {len(launched)} launched, {finished} finished, {killed} killed, "
            f"{printed} events, {events.missed} missed"
        )
        as_meant = len(launched) == len(specs) and finished == len(COMMANDS) and ends.get(victim) == "KILLED"
        return 0 if as_meant and events.missed == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zmesos.ZmesosError as error:
        sys.exit(f"hello.py: {error}")
