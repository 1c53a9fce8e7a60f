#!/usr/bin/env python3
"""Runs a command, and again on another host each time it fails.

usage: relaunch.py [--tries N] [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT] COMMAND

Mesos tasks that failed stay failed, so each try is a task of its own, with a new id. Constraints say where a task
may run, not where it may not; so the hosts to choose from are those that made offers (mesos/OFFERS names them)
less those where the command failed. UNIQUE would not do: it looks at live tasks, and a failed one is over. Where
no other host is known, the next try may run anywhere. Exits 0 as soon as a try finishes, else 1.
"""

import argparse
import sys

import zmesos


def offering(events: zmesos.Events, status: zmesos.DaemonStatus) -> set[str]:
    """The hosts in all offers published since this was last asked, up to that status: they may still be on their way."""
    hosts: set[str] = set()
    for event in events.catch_up(status):
        if event.mesos:
            hosts.update(offer.hostname for offer in event.mesos.offers.offers)
    return hosts


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a command, and again on another host each time it fails.")
    parser.add_argument("command", help="a line for the shell")
    parser.add_argument("--name", default="relaunch")
    parser.add_argument("--tries", type=int, default=5, help="at most (default: 5)")
    parser.add_argument("--cpus", type=float, default=0.1)
    parser.add_argument("--mem", type=float, default=32)
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()

    hosts: set[str] = set()  # that made offers
    failed: set[str] = set()  # where the command failed
    with (
        zmesos.Client(options.control, options.events, options.pipeline) as client,
        client.subscribe("mesos/OFFERS") as events,
    ):
        events.ready()
        for number in range(1, options.tries + 1):
            elsewhere = sorted(hosts - failed)
            if failed and not elsewhere:
                print("no other host has made an offer: anywhere, then", flush=True)
            spec = zmesos.task_spec(
                options.command,
                name=f"{options.name}-{number}",
                cpus=options.cpus,
                mem=options.mem,
                constraints=[zmesos.one_of("hostname", elsewhere)] if failed and elsewhere else [],
            )
            print(f"{client.launch(spec=spec).id}: launched", flush=True)
            task = client.wait(spec.id)
            hosts |= offering(events, client.status())
            where = task.attempts[-1].hostname if task.attempts else ""
            state = zmesos.state_name(task.state)
            print(f"{task.id}: {state} on {where or 'no host'}: {task.message or 'no message'}", flush=True)
            if state == "FINISHED":
                return 0
            if state in ("KILLED", "ERROR"):  # somebody's wish, or a task that Mesos will never take
                return 1
            if where:
                failed.add(where)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zmesos.ZmesosError as error:
        sys.exit(f"relaunch.py: {error}")
