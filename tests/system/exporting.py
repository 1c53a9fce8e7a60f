"""zmesos-exporter and Prometheus, as the system tests run them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import Any, Optional

from prometheus_client.parser import text_string_to_metric_families
from programs import BUILD, TOP, Cluster, Daemon, Program, wait_for

EXPORTER = str(BUILD / "bin" / "zmesos-exporter")
SOURCES = TOP / "src" / "exporter"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Exporter:
    """zmesos-exporter beside a daemon."""

    def __init__(self, directory: pathlib.Path, daemon: Daemon, *flags: str) -> None:
        self.command = [EXPORTER, "--listen", "127.0.0.1:0", "--control", daemon.control, "--events", daemon.events, *flags]
        self.program = Program(self.command, directory / "exporter.log")
        self.url = self.program.first_line("zmesos-exporter ready ")

    @property
    def address(self) -> str:
        return urllib.parse.urlsplit(self.url).netloc

    def text(self) -> str:
        with urllib.request.urlopen(self.url, timeout=60) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            return answer.read().decode()

    def scrape(self) -> "Scrape":
        return Scrape(self.text())

    def wait(self, what: str, condition: Any) -> "Scrape":
        """The first scrape for which condition(scrape) holds."""
        def look() -> Optional[Scrape]:
            scrape = self.scrape()
            return scrape if condition(scrape) else None
        return wait_for(look, what, 120.0)

    def counted(self, daemon: Daemon) -> "Scrape":
        """Once all tasks are over and all that was published until then is counted."""
        def quiet(scrape: Scrape) -> bool:
            return scrape.up and scrape.counts and not any(
                scrape.get("zmesos_tasks", state=state) for state in ("QUEUED", "LAUNCHING", "STAGING", "STARTING", "RUNNING",
                                                                      "KILLING", "UNREACHABLE", "UNKNOWN")
            ) and scrape.get("zmesos_exporter_events_behind", **{"class": "TASK"}) == 0
        wait_for(lambda: daemon.running, "the daemon")
        return self.wait("all to be counted", quiet)


class Scrape:
    """What /metrics said once."""

    def __init__(self, text: str) -> None:
        self.samples: Samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in self.samples, f"{key} twice"
                self.samples[key] = sample.value

    def get(self, name: str, **labels: str) -> Optional[float]:
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def all(self, name: str) -> list[tuple[dict[str, str], float]]:
        return [(dict(labels), value) for (found, labels), value in self.samples.items() if found == name]

    def by(self, name: str, label: str) -> dict[str, int]:
        """Sums by one label; what is 0 is left out."""
        sums: dict[str, int] = {}
        for labels, value in self.all(name):
            sums[labels[label]] = sums.get(labels[label], 0) + int(value)
        return {key: value for key, value in sums.items() if value}

    @property
    def up(self) -> bool:
        return self.get("zmesos_up") == 1

    @property
    def counts(self) -> bool:
        """Whether it has counters."""
        return bool(self.all("zmesos_task_transitions_total"))


class Prometheus:
    """A real one that scrapes these addresses each second."""

    def __init__(self, directory: pathlib.Path, targets: Iterable[str]) -> None:
        directory.mkdir()
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(SOURCES / "alerts.yml")],
            "scrape_configs": [{"job_name": "zmesos", "scrape_timeout": "1s",
                                "static_configs": [{"targets": list(targets)}]}],
        }
        (directory / "prometheus.yml").write_text(json.dumps(config))  # YAML takes JSON
        log = directory / "prometheus.log"
        self.program = Program(["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                                "--web.listen-address=127.0.0.1:0", "--log.format=json"], log)
        try:
            self.address = wait_for(self._listens, "Prometheus to listen")
        except BaseException:
            self.program.kill()
            raise

    def _listens(self) -> Optional[str]:
        assert self.program.process.poll() is None, self.program.text()
        lines = [json.loads(line) for line in self.program.text().splitlines() if line.endswith("}")]
        said = {line.get("msg"): line for line in lines}
        ready = "Server is ready to receive web requests." in said
        return said["Listening on"]["address"] if ready and "Listening on" in said else None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An instant query; an expression that it refuses is a failure with its words."""
        url = f"http://{self.address}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.loads(answer.read())["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}", timeout=60) as answer:
            return json.loads(answer.read())["data"]


def promtool(*words: str, text: Optional[str] = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, timeout=60)


def expressions(dashboard: dict[str, Any]) -> list[tuple[str, str]]:
    """Title and expression of every query in a Grafana dashboard, as Grafana asks it for all instances."""
    found = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "1m")
            assert "$" not in text, text
            found.append((panel["title"], text))
    return found


def journal_states(cluster: Cluster) -> dict[str, int]:
    """How often which state was entered, by what the daemon replays, and as many as tail() counts."""
    client = cluster.client()
    counted: dict[str, int] = {}
    for event in client.replay("TASK"):
        state = event.topic.rsplit("/", 1)[1]
        counted[state] = counted.get(state, 0) + 1
    assert sum(counted.values()) == client.tail("TASK").count
    return counted
