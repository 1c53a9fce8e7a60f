#!/usr/bin/env python3
"""What the dashboard and the exporter cost beside a zmesosd that has many tasks.

usage: bench_monitors.py [--tasks N] [--waiting N] [--runs N]

N simulated tasks are run to their end while the exporter counts their events; as many as --waiting are too large for any agent.
Then the dashboard is started: the time until it has read all, its memory, and its pages. Each is a process of its own; the
machine's cores are shared, so times are those of a busy machine and CPU seconds say more.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time
from typing import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import programs  # noqa: E402
import zmesos  # noqa: E402
from dashboards import Dashboard  # noqa: E402
from exporting import Exporter  # noqa: E402

LIMIT = 600.0  # seconds that any wait may take
ASKED = 20  # times that each page is asked for


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def launch(client: zmesos.Client, name: str, count: int, cpus: float) -> None:
    for first in range(0, count, 1000):
        for result in client.launch_many(zmesos.task_spec("true", id=f"{name}-{n}", cpus=cpus, mem=1)
                                         for n in range(first, min(first + 1000, count))):
            result.check()


def milliseconds(ask: Callable[[int], object]) -> float:
    """The median of ask(0), ask(1) ...: what was asked for before may be kept."""
    def once(turn: int) -> float:
        began = time.perf_counter()
        ask(turn)
        return (time.perf_counter() - began) * 1000
    return statistics.median(once(turn) for turn in range(ASKED))


def events_of(exporter: Exporter) -> int:
    """Those that it counts one by one."""
    return exporter.scrape().by("zmesos_events_total", "class").get("TASK", 0)


def run(tasks: int, waiting: int, figures: dict[str, list[float]]) -> None:
    with tempfile.TemporaryDirectory(prefix="zmesos-bench-") as place:
        directory = pathlib.Path(place)
        cluster = programs.Cluster(directory, local_flags=("--simulate",), local={
            "agents": "10", "allocation_interval": "0.1", "resources": "cpus:64;mem:65536;disk:65536"})
        exporter = dashboard = None
        try:
            client = cluster.client(timeout=60.0)
            exporter = Exporter(directory, cluster.daemon)
            exporter.wait("a daemon", lambda scrape: scrape.up)
            watcher = exporter.program.process.pid
            before, empty, spent = events_of(exporter), memory_mib(watcher), cpu_seconds(watcher)
            launch(client, "large", waiting, 1000)
            launch(client, "ends", tasks, 0.01)
            programs.wait_for(lambda: sum(count.tasks for count in client.status().counts if zmesos.is_over(count)) == tasks,
                              "all tasks to end", LIMIT)
            programs.wait_for(lambda: not exporter.scrape().by("zmesos_exporter_events_behind", "class"),
                              "the exporter to have counted all", LIMIT)
            figures["exporter: CPU us an event"].append(
                (cpu_seconds(watcher) - spent) * 1e6 / (events_of(exporter) - before))
            figures["exporter: MiB more than at its start"].append(memory_mib(watcher) - empty)
            figures["exporter: ms a scrape"].append(milliseconds(lambda _: exporter.text()))

            began = time.monotonic()
            dashboard = Dashboard(directory, cluster)
            programs.wait_for(lambda: (status := dashboard.status())["phase"] == "live" and status["behind"] == 0,
                              "the dashboard to be live", LIMIT)
            page = dashboard.program.process.pid
            figures["dashboard: s until it is live"].append(time.monotonic() - began)
            figures["dashboard: CPU s until then"].append(cpu_seconds(page))
            figures["dashboard: MiB"].append(memory_mib(page))
            figures["dashboard: ms for a page"].append(milliseconds(lambda turn: dashboard.tasks(page=turn + 1)))
            figures["dashboard: ms for a search in all"].append(milliseconds(lambda turn: dashboard.tasks(q=f"ends-77{turn}")))
        finally:
            for monitor in (exporter, dashboard):
                if monitor is not None:
                    monitor.program.kill()
            cluster.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=100_000, help="below the 100,000 that zmesosd keeps after their end")
    parser.add_argument("--waiting", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    figures: dict[str, list[float]] = {name: [] for name in (
        "exporter: CPU us an event", "exporter: MiB more than at its start", "exporter: ms a scrape",
        "dashboard: s until it is live", "dashboard: CPU s until then", "dashboard: MiB", "dashboard: ms for a page",
        "dashboard: ms for a search in all")}
    for _ in range(options.runs):
        run(options.tasks, options.waiting, figures)
    print(f"monitors: {options.tasks:,} tasks that are over, {options.waiting:,} that wait")
    for name, values in figures.items():
        print(f"monitors: {name}: {statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})")


if __name__ == "__main__":
    main()
