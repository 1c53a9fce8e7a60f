#!/usr/bin/env python3
"""Prints events as they come, until Ctrl-C.

usage: monitor.py [--prefix TOPIC]... [--seconds N] [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT]

A topic prefix chooses: task/ is the daemon's view of each task, mesos/ what the master said, zmesos/ the daemon
itself, task/ID/ one task. Without any, everything. Ends with a line that says what was missed.
"""

import argparse
import collections
import itertools
import signal
import sys
from typing import Iterable

import zmesos


def main() -> int:
    parser = argparse.ArgumentParser(description="Print events as they come, until Ctrl-C.")
    parser.add_argument("--prefix", action="append", default=[], help="of the topics wanted; may be given again")
    parser.add_argument("--seconds", type=float, help="end after so long (default: on Ctrl-C)")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # both end it in the same way

    seen: collections.Counter[str] = collections.Counter()
    with (
        zmesos.Client(options.control, options.events, options.pipeline) as client,
        client.subscribe(*options.prefix) as events,
    ):
        status = events.ready()
        master = status.master or "none"
        print(f"zmesosd {status.version}, framework {status.framework_id}, master {master}", flush=True)
        missed = 0
        try:
            source: Iterable[zmesos.Event] = events
            if options.seconds is not None:
                source = events.within(options.seconds)
            for event in source:
                if events.missed > missed:
                    print(f"-- {events.missed - missed} missed before this one --", flush=True)
                    missed = events.missed
                seen[event.event_class] += 1
                where = f"{event.time.astimezone():%H:%M:%S.%f} {event.event_class:>16} {event.number:>6}"
                print(f"{where}  {event}", flush=True)
        except KeyboardInterrupt:
            print(file=sys.stderr)
        counts = ", ".join(itertools.starmap("{1} {0}".format, seen.most_common())) or "no events"
        print(f"monitor: {counts}; {events.missed} missed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except zmesos.ZmesosError as error:
        sys.exit(f"monitor.py: {error}")
