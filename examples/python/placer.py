#!/usr/bin/env python3
"""Places tasks that wait for it on leased offers: the largest task first, each where it leaves least.

usage: placer.py [--name NAME] [--offers N] [--lease SECONDS] [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT]

Launch tasks with `placer` set to its name (as `zmesos launch --placer packer -- sleep 60`): zmesosd keeps them, tries them again and
follows them as any others; where they go is said here. Several may run side by side, also under one name: an offer is one's
alone, and who comes late for a task is told so. When it ends, in whatever way, its offers go back by themselves.
"""

import argparse
import itertools
import sys
import time

import zmesos

KINDS = ("cpus", "mem", "disk", "gpus")


def pack(tasks: list[zmesos.Task], offers: list[zmesos.mesos.Offer]) -> list[tuple[str, list[str]]]:
    """Best fit, decreasing. Constraints are not looked at: zmesosd refuses what does not meet them."""
    room = {offer.id.value: dict(zmesos.scalars(offer)) for offer in offers}
    placed: dict[str, list[str]] = {}
    for task in sorted(tasks, key=lambda task: (task.spec.cpus, task.spec.mem), reverse=True):
        need = {kind: getattr(task.spec, kind) for kind in KINDS}
        fits = [id for id, left in room.items() if all(left.get(k, 0) >= need[k] for k in KINDS)]
        if fits:
            best = min(fits, key=lambda id: (room[id].get("cpus", 0), room[id].get("mem", 0)))
            placed.setdefault(best, []).append(task.id)
            room[best] = {kind: round(room[best].get(kind, 0) - need[kind], 3) for kind in KINDS}
    return list(placed.items())


def place_all(client: zmesos.Client, name: str, offers: int, seconds: float) -> None:
    """With one lease, until nothing waits."""
    placed_at = time.monotonic()
    with client.lease(max_offers=offers, duration=seconds) as lease:
        while waiting := list(itertools.islice(client.tasks("QUEUED", placer=name, with_spec=True), 1000)):
            placements = pack(waiting, lease.renew().offers)
            results = lease.place(*placements) if placements else []
            print(f"{sum(result.ok for result in results)} of {len(waiting)} placed", flush=True)
            if any(result.ok for result in results):
                placed_at = time.monotonic()
                continue
            if time.monotonic() - placed_at > seconds:  # for too long nothing fits what it holds: others may use it
                lease.release(lease.offers)
                placed_at = time.monotonic()
            time.sleep(0.2)  # until other offers come


def main() -> None:
    parser = argparse.ArgumentParser(description="Place tasks on leased offers.")
    parser.add_argument("--name", default="packer")
    parser.add_argument("--offers", type=int, default=10, help="held at once (default: 10)")
    parser.add_argument("--lease", type=float, default=5, help="seconds (default: 5)")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()
    with zmesos.Client(options.control, options.events, options.pipeline) as client:
        client.ping()  # ends here where there is no zmesosd to begin with
        while True:
            try:
                if next(client.tasks("QUEUED", placer=options.name, page_size=1), None):
                    place_all(client, options.name, options.offers, options.lease)
            except (zmesos.NotFound, zmesos.Unavailable, zmesos.TimedOut) as error:  # the lease is over, or zmesosd is away
                print(f"again, after: {error}", flush=True)
            time.sleep(0.5)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except zmesos.ZmesosError as error:
        sys.exit(f"placer.py: {error}")
