"""The metrics, made anew for each scrape. docs/monitoring.md lists them."""

from __future__ import annotations

import sys
import time
from typing import Iterable, Iterator, Sequence

import zmesos
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from zmesos import messages

from .account import STATES, Histogram
from .watch import Watch

MIB = 1024.0 * 1024.0
GAUGES = (  # name, field of DaemonStatus, words
    ("zmesos_held_tasks", "held", "Tasks that wait for a release, after a start from a backup."),
    ("zmesos_strays", "strays", "Attempts given up and orphans that are to be killed and may live."),
    ("zmesos_offers", "offers", "Offers held now."),
    ("zmesos_leases", "leases", "Leases of offers."),
    ("zmesos_leased_offers", "leased_offers", "Offers held that are leased."),
    ("zmesos_unconfirmed_updates", "unconfirmed", "Updates that wait for their consumers."),
    ("zmesos_operations", "operations", "Operations on resources that are not over."),
    ("zmesos_held_operations", "held_operations", "Operations that wait for a release."),
    ("zmesos_maintenance_agents", "maintenance", "Agents of which it is known when they are to be maintained."),
    ("zmesos_agents", "agents", "Agents known."),
    ("zmesos_waiting_outputs", "outputs_waiting", "Replies, events and calls that wait for the disk."),
    ("zmesos_waiting_calls", "calls_waiting", "Calls that wait for the master, or for its answer."),
    ("zmesos_daemon_run", "run", "Starts of the daemon on this store."),
)
AMOUNTS = (  # name, field of Amounts, factor, words
    ("cpus", "cpus", 1.0, "CPUs"),
    ("memory_bytes", "mem", MIB, "Memory"),
    ("disk_bytes", "disk", MIB, "Disk"),
    ("gpus", "gpus", 1.0, "GPUs"),
)


class DaemonCollector(Collector):
    """Asks the daemon for its status with each scrape, and tells what `watch` has counted."""

    def __init__(self, client: zmesos.Client, watch: Watch, timeout: float) -> None:
        self._client = client
        self._watch = watch
        self._timeout = timeout
        self._said = ""

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering it asks nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        began = time.monotonic()
        try:
            status = self._client.status(self._timeout)
            took = time.monotonic() - began
            agents = list(self._agents(status))
        except zmesos.ZmesosError as error:
            self._say(str(error))
            yield gauge("zmesos_up", "Whether the daemon answered.", 0)
        else:
            self._say("")
            yield gauge("zmesos_up", "Whether the daemon answered.", 1)
            yield gauge("zmesos_status_request_seconds", "How long it took to answer, which is not before its disk has.", took)
            with self._watch.lock:
                self._watch.numbers.note(status)
                position = self._watch.account.position
            yield from of_status(status)
            yield from agents
            heads = {getattr(head, "class"): head.number for head in status.heads}
            if position is not None and position.store == status.store:
                behind = GaugeMetricFamily("zmesos_exporter_events_behind", "Events that are not counted yet.", labels=["class"])
                for name, number in position.numbers.items():
                    behind.add_metric([name], max(0, heads.get(messages.EventClass.Value(name), 0) - number))
                yield behind
        # Counters that are still behind what the exporter before this one told would look as if they began anew.
        if self._watch.caught_up:
            yield from self._of_account()

    def _agents(self, status: zmesos.DaemonStatus) -> Iterator[Metric]:
        """What all agents have together, and what our tasks use of it."""
        known = {field: 0.0 for _, field, _, _ in AMOUNTS}
        used = dict(known)
        try:
            agents = list(self._client.agents())
        except zmesos.Unsupported:
            return  # a daemon from before there was such a request
        for agent in agents:
            for field in known:
                known[field] += max(getattr(agent.known, field), getattr(agent.used, field))
                used[field] += getattr(agent.used, field)
        for name, field, factor, words in AMOUNTS:
            family = GaugeMetricFamily(f"zmesos_agents_{name}", f"{words} of all agents known, as far as offers show.")
            family.add_metric([], known[field] * factor)
            yield family
            family = GaugeMetricFamily(f"zmesos_agents_used_{name}", f"{words} that tasks of this daemon use.")
            family.add_metric([], used[field] * factor)
            yield family

    def _of_account(self) -> Iterator[Metric]:
        watch = self._watch
        with watch.lock:
            account = watch.account
            names = list(account.label_sets.names)
            yield counter("zmesos_task_transitions", "Tasks that came into a state.", ["state"],
                          (((state,), account.transitions[state]) for state in STATES))
            yield counter("zmesos_task_attempts", "Attempts that were launched.", [], [((), account.transitions["LAUNCHING"])])
            yield counter("zmesos_task_retries", "Tasks that wait again, by how the attempt before ended.", ["ended"],
                          (((state,), account.retries[state])
                           for state in STATES if state in account.retries or state in ("FAILED", "GONE", "LOST")))
            yield counter("zmesos_task_ends", "Tasks that came to their end.", ["state", "reason", *names],
                          (((state, reason, *labels), count) for (state, reason, labels), count in account.ends.items()))
            yield counter("zmesos_operation_ends", "Operations that came to their end.", ["type", "state"],
                          account.operation_ends.items())
            yield histogram("zmesos_task_queue_seconds", "From QUEUED, or the end of a backoff, to LAUNCHING.", account.queued)
            yield histogram("zmesos_task_launch_seconds", "From QUEUED, or the end of a backoff, to RUNNING.", account.launch)
            yield counter("zmesos_events", "Events that the daemon has published.", ["class"],
                          (((name,), count) for name, count in watch.numbers.totals.items()))
            yield counter("zmesos_exporter_events_lost", "Events that could not be had, and are not counted.", ["class"],
                          (((name,), account.lost[name]) for name in ("TASK", "OPERATION")))
            yield counter("zmesos_exporter_started_over", "Times that counting went on from a snapshot.", ["reason"],
                          (((name,), account.started_over[name]) for name in ("TRUNCATED", "ADDED", "STORE")))
            yield counter("zmesos_exporter_events_replayed", "Events that had to be asked for once more.", [],
                          [((), account.replayed)])
            if names:
                family = GaugeMetricFamily("zmesos_labeled_tasks", "Tasks that are not over.", labels=["state", *names])
                for (state, labels), count in account.live_by_labels.items():
                    family.add_metric([state, *labels], count)
                yield family
                yield gauge("zmesos_exporter_label_sets", "Different sets of labels seen.", len(account.label_sets.known))
                yield counter("zmesos_exporter_label_sets_overflows", "Tasks whose labels are told as \"other\".", [],
                              [((), account.label_sets.overflowed)])

    def _say(self, words: str) -> None:
        """On standard error when it changes."""
        if words != self._said:
            print(f"zmesos-exporter: {words or 'the daemon answers again'}", file=sys.stderr)
        self._said = words


def of_status(status: zmesos.DaemonStatus) -> Iterator[Metric]:
    """What the daemon knows at this moment."""
    yield InfoMetricFamily("zmesos_daemon", "The daemon.", value={
        "version": status.version, "store": status.store, "framework_id": status.framework_id, "master": status.master,
    })
    yield gauge("zmesos_daemon_start_time_seconds", "When the daemon was started.", status.started_ns / 1e9)
    yield gauge("zmesos_master_connected", "Whether there is a subscription.", status.subscription == messages.SUBSCRIBED)
    family = GaugeMetricFamily("zmesos_subscription", "1 for the state of the subscription.", labels=["state"])
    for name, number in messages.Subscription.items():
        family.add_metric([name], status.subscription == number)
    yield family
    if status.subscription_since_ns:
        yield gauge("zmesos_subscription_since_timestamp_seconds", "Since when the master is connected, or is not.",
                    status.subscription_since_ns / 1e9)
    counts = {zmesos.state_name(count.state): count.tasks for count in status.counts}
    family = GaugeMetricFamily("zmesos_tasks", "Tasks that the daemon keeps, those that are over too.", labels=["state"])
    for state in STATES:
        family.add_metric([state], counts.get(state, 0))
    yield family
    for name, field, words in GAUGES:
        yield gauge(name, words, getattr(status, field))
    if status.HasField("commits"):  # a daemon from before there were these has none
        yield gauge("zmesos_journal_events", "Events that are kept.", status.journal_events)
        if status.HasField("journal_bytes"):
            yield gauge("zmesos_journal_bytes", "Their topics, headers and bodies.", status.journal_bytes)
        yield counter("zmesos_commits", "Commits to disk, in this run of the daemon.", [], [((), status.commits)])
        yield counter("zmesos_commit_seconds", "How long they took together.", [], [((), status.commits_us / 1e6)])
        yield gauge("zmesos_longest_commit_seconds", "The longest of them.", status.longest_commit_us / 1e6)
    yield gauge("zmesos_teardown", "Whether the framework is being ended.", status.teardown)
    yield gauge("zmesos_suppressed_roles", "Roles that get no offers, by request.", len(status.suppressed_roles))
    if status.restored_ns:
        yield gauge("zmesos_restored_timestamp_seconds", "When it was last started from a backup.", status.restored_ns / 1e9)
    if status.weights:
        family = GaugeMetricFamily("zmesos_submitter_share", "Dominant share of the submitters that have a weight.",
                                   labels=["submitter"])
        for weight in status.weights:
            family.add_metric([weight.submitter], weight.share)
        yield family


def gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))


def counter(name: str, words: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for key, count in values:
        family.add_metric(key, count)
    return family


def histogram(name: str, words: str, found: Histogram) -> Metric:
    return HistogramMetricFamily(name, words, buckets=found.buckets(), sum_value=found.sum)
