"""zmesos-exporter on the real daemon: its counters against the journal, through kill -9 of either."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
import zmesos
from exporting import EXPORTER, Exporter, journal_states
from following import SIMULATED, Load
from programs import BUILD, PATIENCE, TOP, Cluster, wait_for

SMALL = {"cpus": 0.1, "mem": 32}


def task_ends(cluster: Cluster) -> dict[tuple[str, str], int]:
    """State and reason of each end, by the journal."""
    ends: dict[tuple[str, str], int] = {}
    for event in cluster.client().replay("TASK"):
        assert event.task
        if zmesos.is_over(event.task):
            key = (zmesos.state_name(event.task.state), event.task.reason)
            ends[key] = ends.get(key, 0) + 1
    return ends


# ---- nothing missed, nothing twice -------------------------------------------------------------------------


def test_counters_agree_with_the_journal_through_kill_9(
    start_cluster: Callable[..., Cluster], start_exporter: Callable[..., Exporter], needs_local: None
) -> None:
    cluster = start_cluster(**SIMULATED)
    exporter = start_exporter(cluster.daemon)
    exporter.wait("the first count", lambda scrape: scrape.counts)
    load = Load(cluster, 3000, batch=100, pause=0.02)
    client = cluster.client(timeout=PATIENCE, attempts=20)
    for share in (0.2, 0.4, 0.6):
        def reached() -> bool:
            head = client.tail("TASK").head
            return head > 3000 * 3 * share
        wait_for(reached, "events to come")
        cluster.restart(kill=True)
    load.finish()
    scrape = exporter.counted(cluster.daemon)
    journal = journal_states(cluster)
    print("by the journal:", journal, "; asked for again:", scrape.get("zmesos_exporter_events_replayed_total"))
    assert scrape.by("zmesos_task_transitions_total", "state") == journal
    assert scrape.get("zmesos_task_attempts_total") == journal["LAUNCHING"]
    ends = {(labels["state"], labels["reason"]): value for labels, value in scrape.all("zmesos_task_ends_total")}
    assert ends == task_ends(cluster)
    # Each attempt that was launched waited in the queue, and each that ran was launched.
    assert scrape.get("zmesos_task_queue_seconds_count") == journal["LAUNCHING"]
    assert scrape.get("zmesos_task_launch_seconds_count") == journal["RUNNING"]
    assert scrape.get("zmesos_tasks", state="FINISHED") == 3000
    assert scrape.by("zmesos_exporter_events_lost_total", "class") == {}
    assert scrape.by("zmesos_exporter_started_over_total", "reason") == {}
    assert scrape.get("zmesos_daemon_run") == 4
    assert exporter.program.stop() == 0


def test_a_state_file_carries_counters_over_kill_9_of_the_exporter(
    start_cluster: Callable[..., Cluster], start_exporter: Callable[..., Exporter], tmp_path: pathlib.Path, needs_local: None
) -> None:
    cluster = start_cluster(**SIMULATED)
    kept = tmp_path / "exporter.json"
    exporter = start_exporter(cluster.daemon, "--state", str(kept))
    exporter.wait("the first count", lambda scrape: scrape.counts)
    load = Load(cluster, 1500, batch=50, pause=0.02)
    told = 0.0
    for _ in range(3):
        wait_for(kept.exists, "the file")
        told = max(told, exporter.scrape().get("zmesos_task_transitions_total", state="QUEUED") or 0)
        exporter.program.kill()
        exporter = start_exporter(cluster.daemon, "--state", str(kept))
        # Counters are not told before they are what they were.
        first = exporter.wait("counters again", lambda scrape: scrape.counts)
        assert (first.get("zmesos_task_transitions_total", state="QUEUED") or 0) >= told
    load.finish()
    scrape = exporter.counted(cluster.daemon)
    assert scrape.by("zmesos_task_transitions_total", "state") == journal_states(cluster)
    # Ended as it should be, nothing is to be done again; and what happens meanwhile counts.
    assert exporter.program.stop() == 0
    cluster.client().launch("exit 1", id="meanwhile", **SMALL)
    cluster.client().wait("meanwhile", PATIENCE)
    exporter = start_exporter(cluster.daemon, "--state", str(kept))
    scrape = exporter.counted(cluster.daemon)
    journal = journal_states(cluster)
    assert scrape.by("zmesos_task_transitions_total", "state") == journal and journal["QUEUED"] == 1501


def test_events_that_are_not_kept_any_more_are_told(
    start_cluster: Callable[..., Cluster], start_exporter: Callable[..., Exporter], tmp_path: pathlib.Path, needs_local: None
) -> None:
    cluster = start_cluster("--keep-events", "200", **SIMULATED)
    kept = str(tmp_path / "exporter.json")
    exporter = start_exporter(cluster.daemon, "--state", kept)
    exporter.wait("the first count", lambda scrape: scrape.counts)
    assert exporter.program.stop() == 0
    head = cluster.client().tail("TASK").head
    Load(cluster, 2000, batch=500).finish()
    cluster.restart()  # what is in memory would do
    exporter = start_exporter(cluster.daemon, "--state", kept)
    scrape = exporter.counted(cluster.daemon)
    lost = scrape.by("zmesos_exporter_events_lost_total", "class")["TASK"]
    counted = sum(scrape.by("zmesos_task_transitions_total", "state").values())
    print(f"{counted} counted, {lost} lost")
    assert lost > 0 and counted > 0
    assert head == 0 and lost + counted == cluster.client().snapshot().position.numbers["TASK"]
    assert scrape.by("zmesos_exporter_started_over_total", "reason")["TRUNCATED"] >= 1


def test_another_history_goes_on_counting(
    start_cluster: Callable[..., Cluster], start_exporter: Callable[..., Exporter], tmp_path: pathlib.Path, needs_local: None
) -> None:
    """A start from a backup: numbers begin where the backup was made, and counters never go down."""
    cluster = start_cluster()
    client = cluster.client()
    exporter = start_exporter(cluster.daemon)
    exporter.wait("the first count", lambda scrape: scrape.counts)
    client.launch("true", id="before", **SMALL)
    client.wait("before", PATIENCE)
    backup = tmp_path / "backup.db"
    client.backup(backup)
    for number in range(3):
        client.launch("exit 1", id=f"forgotten-{number}", **SMALL)
        client.wait(f"forgotten-{number}", PATIENCE)
    before = exporter.counted(cluster.daemon)
    # What was not acknowledged would be told to the other history, too, and counted there.
    wait_for(lambda: cluster.local.unacknowledged() == 0, "all updates to be acknowledged")
    cluster.daemon.set_back(backup, kill=True)
    cluster.wait_subscribed()
    exporter.wait("word of the other history",
                  lambda scrape: scrape.get("zmesos_exporter_started_over_total", reason="STORE") == 1)
    client.launch("true", id="after", **SMALL)
    client.wait("after", PATIENCE)
    after = exporter.counted(cluster.daemon)
    assert before.get("zmesos_task_transitions_total", state="FAILED") == 3
    assert after.get("zmesos_task_transitions_total", state="FAILED") == 3
    assert after.get("zmesos_task_transitions_total", state="FINISHED") == 2
    assert after.get("zmesos_tasks", state="FAILED") == 0 and after.get("zmesos_restored_timestamp_seconds")
    for labels, value in before.all("zmesos_events_total"):
        assert (after.get("zmesos_events_total", **labels) or 0) >= value


# ---- what is counted ---------------------------------------------------------------------------------------


def test_retries_ends_and_operations(cluster: Cluster, start_exporter: Callable[..., Exporter]) -> None:
    exporter = start_exporter(cluster.daemon)
    exporter.wait("the first count", lambda scrape: scrape.counts)
    client = cluster.client()
    client.launch("exit 3", id="again", retry={"max_attempts": 3, "backoff": 0.1}, **SMALL)
    client.launch("true", id="well", **SMALL)
    client.launch("true", id="never", cpus=1_000_000, mem=32)
    client.kill("never")
    ended = client.wait(["again", "well", "never"], PATIENCE)
    assert len(ended["again"].attempts) == 3
    exporter.wait("the agents", lambda scrape: scrape.get("zmesos_agents") == len(list(client.agents())) > 0)
    scrape = exporter.counted(cluster.daemon)
    assert scrape.by("zmesos_task_retries_total", "ended") == {"FAILED": 2}
    assert scrape.get("zmesos_task_attempts_total") == 4
    assert scrape.by("zmesos_task_ends_total", "state") == {"FAILED": 1, "FINISHED": 1, "KILLED": 1}
    assert scrape.by("zmesos_task_transitions_total", "state") == journal_states(cluster)
    assert scrape.get("zmesos_task_launch_seconds_count") == 4
    status = client.status()
    assert scrape.all("zmesos_daemon_info")[0][0]["framework_id"] == status.framework_id
    assert scrape.get("zmesos_subscription_since_timestamp_seconds") == status.subscription_since_ns / 1e9
    assert scrape.get("zmesos_master_connected") == 1 and scrape.get("zmesos_subscription", state="SUBSCRIBED") == 1


def test_the_documentation_has_each_metric_and_flag(cluster: Cluster, start_exporter: Callable[..., Exporter]) -> None:
    """And no other."""
    text = (TOP / "docs" / "monitoring.md").read_text(encoding="utf-8")
    exporter = start_exporter(cluster.daemon, "--label", "team")
    exporter.wait("the first count", lambda scrape: scrape.counts)
    told = set(re.findall(r"^# TYPE (zmesos_\w+)", exporter.text(), re.MULTILINE))
    table = re.search(r"^## Metrics\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert table
    named = set()
    for row in re.findall(r"^\| (`[^|]*) \|", table[1], re.MULTILINE):
        names = re.findall(r"`(\w+)(?:\{[^`]*)?`", row)
        named |= {names[0].rpartition("_cpus")[0] + name if name.startswith("_") else name for name in names}
    where_there_are = {"zmesos_restored_timestamp_seconds", "zmesos_submitter_share"}
    assert named - where_there_are == told
    shown = subprocess.run([EXPORTER, "--help"], capture_output=True, text=True, timeout=PATIENCE).stdout
    assert set(re.findall(r"^  (--[\w-]+)", shown, re.MULTILINE)) == set(re.findall(r"^\| `(--[\w-]+)", text, re.MULTILINE)) | {"--events"}


def test_labels_are_the_operator_s_and_bounded(cluster: Cluster, start_exporter: Callable[..., Exporter]) -> None:
    client = cluster.client()
    client.launch("sleep 1000", id="older", labels={"team": "a"}, **SMALL)
    exporter = start_exporter(cluster.daemon, "--label", "team", "--label", "cost-centre", "--label-sets", "2")
    exporter.wait("the first count", lambda scrape: scrape.counts)
    for number, labels in enumerate(({"team": "b", "cost-centre": "7"}, {"team": "c"}, {"team": "d"}, {}, {"color": "red"})):
        client.launch("exit 1", id=f"task-{number}", labels=labels, **SMALL)
        client.wait(f"task-{number}", PATIENCE)
    client.launch("sleep 1000", id="long", labels={"team": "e" * 1000}, **SMALL)

    def seen(scrape: Any) -> bool:
        return all(scrape.get("zmesos_labeled_tasks", state="RUNNING", label_team=team, label_cost_centre=centre) == 1
                   for team, centre in (("a", ""), ("other", "other")))
    scrape = exporter.wait("both to run", seen)
    ends = {(labels["label_team"], labels["label_cost_centre"]): value for labels, value in scrape.all("zmesos_task_ends_total")}
    assert ends == {("b", "7"): 1, ("other", "other"): 2, ("", ""): 2}
    running = {(labels["label_team"], labels["state"]): value for labels, value in scrape.all("zmesos_labeled_tasks") if value}
    assert running == {("a", "RUNNING"): 1, ("other", "RUNNING"): 1}
    assert scrape.get("zmesos_exporter_label_sets") == 2
    assert scrape.get("zmesos_exporter_label_sets_overflows_total") == 3
    assert "task-0" not in exporter.text() and "older" not in exporter.text()  # no ids as labels


def test_labels_of_tasks_whose_specifications_do_not_fit_into_one_reply(
    cluster: Cluster, start_exporter: Callable[..., Exporter], tmp_path: pathlib.Path
) -> None:
    """All come while the exporter is down, so it asks for them together."""
    client = cluster.client(timeout=PATIENCE)
    flags = ("--label", "team", "--state", str(tmp_path / "counters"))
    exporter = start_exporter(cluster.daemon, *flags)
    exporter.wait("the first count", lambda scrape: scrape.counts)
    assert exporter.program.stop() == 0
    assert (tmp_path / "counters").exists()
    wide = {"FILLER": "x" * 100_000}  # 4 MiB are the most
    specs = [zmesos.task_spec("true", cpus=1_000_000, env=wide, labels={"team": str(n % 2)}) for n in range(50)]
    assert all(result.ok for result in client.launch_many(specs))
    exporter = start_exporter(cluster.daemon, *flags)
    exporter.wait("all to be counted", lambda scrape: all(
        scrape.get("zmesos_labeled_tasks", state="QUEUED", label_team=team) == 25 for team in "01"
    ) and scrape.get("zmesos_task_transitions_total", state="QUEUED") == 50)


def test_agents_and_their_use(
    start_cluster: Callable[..., Cluster], start_exporter: Callable[..., Exporter], needs_local: None
) -> None:
    cluster = start_cluster(local={"agents": "3", "resources": "cpus:4;mem:4096;disk:10240;ports:[31000-32000]"})
    exporter = start_exporter(cluster.daemon)
    cluster.client().launch("sleep 1000", id="user", cpus=1.5, mem=512, disk=100)

    def used(scrape: Any) -> bool:
        return scrape.get("zmesos_agents") == 3 and scrape.get("zmesos_tasks", state="RUNNING") == 1
    scrape = exporter.wait("three agents", used)
    assert scrape.get("zmesos_agents_cpus") == 12 and scrape.get("zmesos_agents_used_cpus") == 1.5
    assert scrape.get("zmesos_agents_memory_bytes") == 3 * 4096 * 2**20
    assert scrape.get("zmesos_agents_used_memory_bytes") == 512 * 2**20
    assert scrape.get("zmesos_agents_used_disk_bytes") == 100 * 2**20 and scrape.get("zmesos_agents_gpus") == 0


# ---- the daemon is away ------------------------------------------------------------------------------------


def test_it_stays_when_the_daemon_is_away(cluster: Cluster, start_exporter: Callable[..., Exporter]) -> None:
    exporter = start_exporter(cluster.daemon, "--timeout", "4")
    before = exporter.wait("the first count", lambda scrape: scrape.up and scrape.counts)
    cluster.daemon.kill()
    away = exporter.scrape()
    assert away.get("zmesos_up") == 0 and away.counts
    assert not away.all("zmesos_tasks") and not away.all("zmesos_offers")  # no numbers that nobody knows
    exporter.scrape()
    cluster.daemon.start()
    cluster.client().launch("true", id="back", **SMALL)
    cluster.client().wait("back", PATIENCE)
    again = exporter.counted(cluster.daemon)
    assert again.get("zmesos_task_transitions_total", state="FINISHED") == 1
    assert again.get("zmesos_daemon_start_time_seconds") != before.get("zmesos_daemon_start_time_seconds")
    said = exporter.program.text().splitlines()
    kinds = ["answers again" in line for line in said
             if ("no answer from" in line and "trying again" not in line) or "answers again" in line]
    # In turn: an answer may have taken too long elsewhere too.
    assert kinds and kinds == [False, True] * (len(kinds) // 2), said


def test_it_starts_without_a_daemon(cluster: Cluster, start_exporter: Callable[..., Exporter]) -> None:
    cluster.daemon.kill()
    exporter = start_exporter(cluster.daemon, "--timeout", "2")
    scrape = exporter.scrape()
    assert scrape.get("zmesos_up") == 0 and not scrape.counts
    cluster.daemon.start()
    exporter.wait("the daemon to be found", lambda scrape: scrape.up and scrape.counts)
    cluster.daemon.kill()
    assert exporter.program.stop() == 0  # also where there is nobody to talk to


def test_counters_are_not_told_before_they_are_what_they_were(
    cluster: Cluster, start_exporter: Callable[..., Exporter], tmp_path: pathlib.Path
) -> None:
    kept = tmp_path / "exporter.json"
    exporter = start_exporter(cluster.daemon, "--state", str(kept))
    exporter.wait("the first count", lambda scrape: scrape.counts)
    assert exporter.program.stop() == 0
    cluster.client().launch("true", id="one", **SMALL)
    cluster.client().wait("one", PATIENCE)
    cluster.daemon.kill()
    exporter = start_exporter(cluster.daemon, "--state", str(kept), "--timeout", "0.3")
    assert not exporter.scrape().counts  # those of the file are old, and nobody tells by how much
    cluster.daemon.start()
    first = exporter.wait("counters", lambda scrape: scrape.counts)
    assert first.get("zmesos_task_transitions_total", state="FINISHED") == 1


# ---- as a program ------------------------------------------------------------------------------------------


def test_the_http_server(cluster: Cluster, start_exporter: Callable[..., Exporter]) -> None:
    exporter = start_exporter(cluster.daemon)
    base = f"http://{exporter.address}"
    with urllib.request.urlopen(base + "/", timeout=PATIENCE) as page:
        assert b"/metrics" in page.read()
    for method, path, status in (("GET", "/else", 404), ("POST", "/metrics", 405), ("DELETE", "/", 405)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(base + path, method=method), timeout=PATIENCE)
        assert refused.value.code == status
    head = urllib.request.Request(exporter.url, headers={"Accept": "application/openmetrics-text"})
    with urllib.request.urlopen(head, timeout=PATIENCE) as answer:
        assert answer.read().endswith(b"# EOF\n")
    second = subprocess.run([*exporter.command[:2], exporter.address, *exporter.command[3:]], capture_output=True, text=True,
                            timeout=PATIENCE)
    assert second.returncode == 1 and f"cannot listen on {exporter.address}" in second.stderr


@pytest.mark.parametrize(("flags", "words"), [
    (["--listen", "here"], "HOST:PORT is wanted, and not 'here'"),
    (["--listen", "127.0.0.1:65536"], "HOST:PORT is wanted"),
    (["--timeout", "0"], "seconds above 0"),
    (["--timeout", "61"], "seconds above 0"),
    (["--control", "tcp://127.0.0.1:1"], "give --events as well"),
    (["--control", "nonsense", "--events", "tcp://127.0.0.1:1"], "--control: an endpoint such as tcp://127.0.0.1:5560 is wanted"),
    (["--events", "tcp://127.0.0.1"], "--events: an endpoint"),
    (["--label", "a-b", "--label", "a_b"], "two labels would both be label_a_b"),
    (["--label", ""], "a label has a key"),
    (["--label-sets", "0"], "at least one set"),
    ([flag for number in range(9) for flag in ("--label", f"l{number}")], "at most 8 labels"),
])
def test_bad_flags(flags: list[str], words: str) -> None:
    done = subprocess.run([EXPORTER, *flags], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""


def test_a_state_file_that_is_none(cluster: Cluster, start_exporter: Callable[..., Exporter], tmp_path: pathlib.Path) -> None:
    kept = tmp_path / "exporter.json"
    exporter = start_exporter(cluster.daemon, "--state", str(kept), "--label", "team")
    exporter.wait("the first count", lambda scrape: scrape.counts)
    assert exporter.program.stop() == 0
    good = json.loads(kept.read_text())
    done = subprocess.run([*exporter.command, "--label", "color"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "was written with --label team: give the same labels" in done.stderr
    for content, words in (
        (json.dumps({**good, "version": 99}), "is of another version"),
        (json.dumps({**good, "launch": {"counts": [1], "sum": 1}}), "another number of buckets"),
        ("[]", "is no file of zmesos-exporter's"),
        ("{", "is no file of zmesos-exporter's"),
    ):
        kept.write_text(content)
        done = subprocess.run(exporter.command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1 and words in done.stderr and len(done.stderr.splitlines()) == 1
    for place in (tmp_path, tmp_path / "nowhere" / "exporter.json"):
        done = subprocess.run([*exporter.command[:-4], "--state", str(place)], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1 and str(place) in done.stderr and len(done.stderr.splitlines()) == 1
        assert done.stdout == ""


def test_installed_it_needs_nothing_else(tmp_path: pathlib.Path) -> None:
    prefix = tmp_path / "prefix"
    subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(prefix)], capture_output=True, check=True, timeout=5 * PATIENCE)
    moved = prefix.rename(tmp_path / "moved")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([moved / "bin" / "zmesos-exporter", "--help"], env=environment, capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0 and done.stdout.startswith("usage: zmesos-exporter"), done.stderr
    for name in ("grafana.json", "alerts.yml"):
        assert (moved / "share" / "zmesos" / name).is_file()
