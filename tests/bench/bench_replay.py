#!/usr/bin/env python3
"""Launches a second while other clients read the journal or the tasks, against launches with nobody reading.

usage: bench_replay.py [--tasks N] [--runs N] [--old N]

zmesosd first gets N old tasks and is started again, so that their events are on disk alone. Then, in turn: launches alone;
with a client that replays the old events without a pause; with one that looks for one task among them; with a hundred
snapshots of all tasks begun at once. Each is its own process. Ratios of one run can be compared: the machine's cores are shared.
"""
from __future__ import annotations

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import programs  # noqa: E402
import zmesos  # noqa: E402

# The readers count what they got, until a line comes on standard input.
READER = """
import sys, threading, time, zmesos
control, what, tasks = sys.argv[1:]
client = zmesos.Client(control, timeout=60)
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
got = 0
lock = threading.Lock()
longest = 0.0
print("ready", flush=True)
def ask(pages):
    global got, longest
    began = time.perf_counter()
    for _ in pages:
        got += 1
        if stop.is_set():
            break
    longest = max(longest, time.perf_counter() - began)
def snapshots():
    global got
    one = zmesos.Client(control, timeout=60)
    found = len(one.snapshot().tasks)
    with lock:
        got += found
if what == "snapshots":
    threads = [threading.Thread(target=snapshots) for _ in range(100)]
    began = time.perf_counter()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    longest = time.perf_counter() - began
else:
    prefixes = ["task/old-7/"] if what == "search" else []
    while not stop.is_set():
        ask(client.replay("TASK", *prefixes, start=1))
print(got, longest)
"""


class Reader:
    def __init__(self, cluster: programs.Cluster, what: str, tasks: int) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", READER, cluster.pipeline, what, str(tasks)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout and self._process.stdout.readline() == "ready\n"

    def stop(self) -> tuple[int, float]:
        out, _ = self._process.communicate("\n", timeout=300)
        got, longest = out.split()
        return int(got), float(longest)


def launch(client: zmesos.Client, name: str, tasks: int) -> float:
    specs = [zmesos.task_spec("true", id=f"{name}-{n}", cpus=0.01, mem=1) for n in range(tasks)]
    start = time.perf_counter()
    for first in range(0, tasks, 1000):
        for result in client.launch_many(specs[first:first + 1000]):
            result.check()
    while any(not zmesos.is_over(count) for count in client.status().counts):
        time.sleep(0.02)
    return tasks / (time.perf_counter() - start)


def run(number: int, tasks: int, old: int, rates: dict[str, list[float]], notes: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory(prefix="zmesos-bench-") as place:
        cluster = programs.Cluster(pathlib.Path(place), local={"agents": "10", "allocation_interval": "0.1",
                                                                "resources": "cpus:64;mem:65536;disk:65536"},
                                   local_flags=("--simulate",))
        try:
            launch(cluster.client(timeout=60.0), "old", old)
            cluster.restart()
            cluster.wait_subscribed()
            client = cluster.client(timeout=60.0)
            launch(client, "warm", 1000)
            for turn in range(2):
                for what in ("alone", "replay", "search", "snapshots"):
                    reader = Reader(cluster, what, tasks) if what != "alone" else None
                    began = time.perf_counter()
                    rates[what].append(launch(client, f"{what}-{number}-{turn}", tasks))
                    seconds = time.perf_counter() - began
                    if reader:
                        got, longest = reader.stop()
                        notes[what].append(f"{got / max(seconds, longest if what == 'snapshots' else 0):,.0f}/s read, "
                                           f"the longest took {longest:.2f} s")
        finally:
            cluster.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--old", type=int, default=20000)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {"alone": [], "replay": [], "search": [], "snapshots": []}
    notes: dict[str, list[str]] = {what: [] for what in rates}
    for number in range(options.runs):
        run(number, options.tasks, options.old, rates, notes)
    alone = statistics.median(rates["alone"])
    for what, values in rates.items():
        print(f"replay: tasks finished, {what}: {statistics.median(values):,.0f}/s ({min(values):,.0f} to {max(values):,.0f}), "
              f"ratio {statistics.median(values) / alone:.2f}" + (f"; {notes[what][-1]}" if notes[what] else ""))


if __name__ == "__main__":
    main()
