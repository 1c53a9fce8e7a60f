"""The dashboard and the alerts in a real Prometheus that scrapes zmesos-exporter."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
from collections.abc import Callable

import zmesos
from exporting import SOURCES, Exporter, Prometheus, expressions, promtool
from programs import PATIENCE, Cluster, wait_for

SMALL = {"cpus": 0.1, "mem": 32}


def test_the_dashboard_is_one_of_grafana_s() -> None:
    """Nothing lies on anything else, and every panel has what Grafana needs to ask for its data."""
    dashboard = json.loads((SOURCES / "grafana.json").read_text(encoding="utf-8"))
    assert dashboard["schemaVersion"] == 38 and dashboard["id"] is None and dashboard["uid"] == "zmesos"
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "instance"]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["type"] in ("stat", "timeseries") and panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        letters = [target["refId"] for target in panel["targets"]]
        assert letters and len(set(letters)) == len(letters)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_every_query_of_the_dashboard_finds_data(
    start_cluster: Callable[..., Cluster], start_exporter: Callable[..., Exporter], tmp_path: pathlib.Path
) -> None:
    dashboard = json.loads((SOURCES / "grafana.json").read_text(encoding="utf-8"))
    cluster = start_cluster("--role", "keeper")
    exporter = start_exporter(cluster.daemon)
    server = Prometheus(tmp_path / "prometheus", [exporter.address])
    try:
        exporter.wait("the first count", lambda scrape: scrape.counts)
        wait_for(lambda: server.query("zmesos_task_transitions_total"), "a first scrape with counters")
        client = cluster.client()
        waiting = expressions(dashboard)
        batch = 0

        def answered() -> bool:
            """A little work, and the queries that found nothing so far."""
            nonlocal batch, waiting
            batch += 1
            client.launch("exit 1", id=f"bad-{batch}", retry={"max_attempts": 2, "backoff": 0}, **SMALL)
            client.launch("true", id=f"good-{batch}", **SMALL)
            resources = zmesos.reserved("keeper", cpus=0.01)
            wanted = zmesos.mesos.Offer.Operation(type="RESERVE", reserve={"resources": resources})
            client.operate(wanted, id=f"operation-{batch}")
            client.wait([f"bad-{batch}", f"good-{batch}"], PATIENCE)
            waiting = [(title, text) for title, text in waiting
                       if not any(row["value"][1] != "NaN" for row in server.query(text))]
            return not waiting
        try:
            wait_for(answered, "all to find data", 2 * PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}: {waiting}") from error
        print(f"{len(expressions(dashboard))} queries found data after {batch} batches")
        rules = server.get("rules")["groups"][0]["rules"]
        assert len(rules) >= 10 and all(rule["health"] != "err" for rule in rules), rules
        wait_for(lambda: server.query('up{job="zmesos"}')[0]["value"][1] == "1", "a scrape within its time")
    finally:
        server.program.stop()


def test_promtool_finds_nothing_to_say(cluster: Cluster, start_exporter: Callable[..., Exporter]) -> None:
    exporter = start_exporter(cluster.daemon, "--label", "team")
    cluster.client().launch("exit 1", id="one", labels={"team": "a"}, **SMALL)
    cluster.client().wait("one", PATIENCE)
    exporter.wait("an end", lambda scrape: scrape.counts)
    checked = promtool("check", "metrics", text=exporter.text())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert promtool("check", "metrics", text="# TYPE some_total gauge\nsome_total 1\n").returncode != 0  # it does look


def test_the_alerts(tmp_path: pathlib.Path) -> None:
    checked = promtool("check", "rules", str(SOURCES / "alerts.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    shutil.copy(SOURCES / "alerts.yml", tmp_path)
    shutil.copy(pathlib.Path(__file__).with_name("alerts_test.yml"), tmp_path)
    tried = promtool("test", "rules", str(tmp_path / "alerts_test.yml"))
    assert tried.returncode == 0, tried.stdout + tried.stderr
    named = set(re.findall(r"alert: (\w+)", (SOURCES / "alerts.yml").read_text()))
    assert named == set(re.findall(r"alertname: (\w+)", (tmp_path / "alerts_test.yml").read_text()))  # none is left out
