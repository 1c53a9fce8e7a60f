"""zmesos top in a real terminal, with real tasks: what it shows is what the daemon says."""
from __future__ import annotations

import collections
import os
import re
import signal
import subprocess

import pytest
import zmesos

from command_line import ZMESOS, Cli, one_line
from following import SIMULATED, Cutter, Load
from programs import PATIENCE, wait_for
from terminal import Terminal

SMALL = {"cpus": 0.1, "mem": 32}
ONCE = ("--once", "--timeout", "50")
COUNT = re.compile(r"([\d,]+) ([A-Z]+)")


@pytest.fixture
def start_top():
    """start_top(cluster, *flags, width=..., height=...): zmesos top in a terminal."""
    made: list[Terminal] = []

    def start(cluster, *flags: str, width: int = 100, height: int = 30, **environment: str) -> Terminal:
        settings = {"ZMESOS_CONTROL": cluster.control, "ZMESOS_EVENTS": cluster.events, **environment}
        made.append(Terminal([ZMESOS, "top", "--interval", "0.2", *flags], settings, width, height))
        return made[-1]
    yield start
    for terminal in made:
        terminal.close()


def shown(text: str) -> dict[str, int]:
    """The tasks by state, as the two lines of the page say."""
    counts = {}
    for line in text.splitlines():
        if line.startswith(("open ", "over ")):
            counts.update({state: int(count.replace(",", "")) for count, state in COUNT.findall(line)})
    return counts


def told(cli: Cli) -> dict[str, int]:
    """The same as `zmesos tasks` says."""
    return dict(collections.Counter(task["state"] for task in cli.json("tasks")))


def launch(client: zmesos.Client, prefix: str, count: int, command: str, **more: object) -> list[str]:
    results = client.launch_many(
        zmesos.task_spec(command, id=f"{prefix}-{n}", **{**SMALL, **more}) for n in range(count))
    assert all(result.ok for result in results)
    return [result.id for result in results]


def wait_over(client: zmesos.Client, ids: list[str]) -> None:
    client.wait(ids, timeout=300)


def test_a_running_batch(start_cluster, start_top, needs_local):
    cluster = start_cluster(local={"agents": "3"})
    cli = Cli(cluster)
    with cluster.client() as client:
        before = launch(client, "before", 20, "true")
        terminal = start_top(cluster, height=40)
        terminal.wait_for_text("SUBSCRIBED at " + cluster.master)
        terminal.wait_for_text(client.status().framework_id)
        bad = launch(client, "bad", 3, "echo lost >&2; exit 3")
        good = launch(client, "good", 100, "sleep 0.1")
        long = launch(client, "long", 4, "sleep 600", cpus=0.5, mem=64)
        launch(client, "huge", 1, "true", cpus=5000)
        wait_over(client, before + bad + good)
        final = {"FINISHED": 120, "FAILED": 3, "RUNNING": 4, "QUEUED": 1}
        wait_for(lambda: told(cli) == final, "the batch to end")
        terminal.wait_for(lambda text: shown(text) == final, f"{final} on the screen")
        terminal.wait_for(lambda text: "all told" in text and "TASKS 128" in text, "128 tasks")
        # The last failures, with their message.
        def failures(text: str) -> list[list[str]]:
            return [line.split() for line in text.splitlines() if line.split()[1:2] == ["FAILED"]]
        terminal.wait_for(lambda text: {words[2] for words in failures(text)[:3]} == {f"{name}/1" for name in bad}
                          and "Command exited with status 3" in text, "the failures")
        # The agents, and what our tasks there ask for.
        agents = {agent.hostname: [str(agent.tasks), f"{agent.used.cpus:g}/{agent.known.cpus:g}",
                                   f"{agent.used.mem:g}/{agent.known.mem:g}"] for agent in client.agents()}
        assert sum(int(row[0]) for row in agents.values()) == 4
        terminal.wait_for(lambda text: agents == {
            line.split()[0]: line.split()[1:4] for line in text.splitlines() if re.match(r"agent\d", line)}, f"{agents}")
        # What was launched and finished a second, over the last minute: all of it, if the minute is not over.
        def rates(text: str) -> list[float]:
            return [float(word) for line in text.splitlines() if line.startswith("over 60s") for word in line.split()[2:]]
        terminal.wait_for(lambda text: rates(text) and all(rate > 0 for rate in rates(text)), "rates above 0")
        client.kill(*long, "huge-0")
        wait_over(client, long)
        final = {"FINISHED": 120, "FAILED": 3, "KILLED": 5}
        terminal.wait_for(lambda text: shown(text) == final, f"{final} on the screen")
        terminal.press("q")
        assert terminal.end() == 0


def test_keys(start_cluster, start_top, needs_local):
    cluster = start_cluster()
    with cluster.client() as client:
        over = launch(client, "over", 5, "exit 7")
        wait_over(client, over)
        launch(client, "web", 3, "sleep 600", labels={"app": "web"})
        launch(client, "huge", 1, "true", cpus=5000)
        terminal = start_top(cluster, "--sort", "id")
        terminal.wait_for_text("TASKS 9")
        by_id = ["huge-0", *over, *(f"web-{n}" for n in range(3))]
        terminal.wait_for(lambda text: re.findall(r"^((?:over|web|huge)-\d) ", text, re.MULTILINE) == by_id, "all by their ids")
        # A task: its history, and why it waits.
        terminal.press("Enter")
        terminal.wait_for_text("WHY IT WAITS")
        terminal.wait_for_text("asks for   cpus 5000")
        terminal.wait_for(lambda text: "CPUS" not in text and "offers" in text and "cpus" in text
                          and "TASK huge-0" in text and "it was not launched yet" in text, "the reason")
        terminal.press("Escape", "Down", "Enter")
        terminal.wait_for_text("TASK over-0")
        terminal.wait_for_text("Command exited with status 7")
        terminal.wait_for(lambda text: re.search(r"1 FAILED +\d{4}-", text), "its attempt")
        terminal.press("Enter")
        terminal.wait_for_text("TASKS 9")
        # Filters.
        terminal.press("/")
        terminal.type("over-")
        terminal.press("Enter")
        terminal.wait_for_text("TASKS 5 of id:over-")
        terminal.press("/")
        terminal.type("label:app=web")
        terminal.press("Enter")
        terminal.wait_for_text("TASKS 3 of label:app=web")
        launch(client, "later", 2, "sleep 600", labels={"app": "web"})
        launch(client, "other", 2, "sleep 600", labels={"app": "db"})
        terminal.wait_for_text("TASKS 5 of label:app=web")
        terminal.press("/", "Enter")
        terminal.wait_for_text("TASKS 13")
        terminal.press("s")
        terminal.wait_for_text("by state")
        # Views.
        terminal.press("3")
        terminal.wait_for(lambda text: "AGENTS 2" in text and "TASKS 13" not in text, "the agents")
        terminal.press("Tab")
        terminal.wait_for(lambda text: "FAILURES" in text and "AGENTS" not in text, "the failures")
        terminal.press("h")
        terminal.wait_for_text("label:KEY[=VALUE]")
        terminal.press("h", "1")
        terminal.wait_for_text("TASKS 13")
        # Sizes.
        terminal.resize(60, 20)
        terminal.wait_for_text("too small: it has 60 columns and 20 lines")
        terminal.resize(80, 24)
        terminal.wait_for(lambda text: "TASKS 13" in text and "q quit" in terminal.last_line(24), "80 columns and 24 lines")
        whole = f"framework {client.status().framework_id}"
        terminal.wait_for(lambda text: whole in text.splitlines(), "the framework's id, whole")
        terminal.resize(132, 43)
        terminal.wait_for(lambda _: "q quit" in terminal.last_line(43), "132 columns and 43 lines")
        # A pause: what comes is not shown, and is made up for.
        terminal.press("p")
        terminal.wait_for_text("PAUSED")
        client.kill(label=("app", "db"))
        wait_over(client, ["other-0", "other-1"])
        assert "KILLED" not in shown(terminal.text())
        terminal.press("p")
        terminal.wait_for(lambda text: shown(text).get("KILLED") == 2, "the two killed ones")
        terminal.press("q")
        assert terminal.end() == 0


def test_the_daemon_and_the_master_go_and_come(start_cluster, start_top, needs_local):
    cluster = start_cluster()
    cli = Cli(cluster)
    with cluster.client() as client:
        wait_over(client, launch(client, "first", 10, "true"))
        terminal = start_top(cluster)
        terminal.wait_for(lambda text: shown(text) == {"FINISHED": 10}, "ten tasks")
        cluster.daemon.kill()
        terminal.wait_for(lambda text: "daemon   is away: no heartbeat for" in text and shown(text) == {"FINISHED": 10},
                          "no daemon, and what was last known")
        cluster.daemon.start()
        cluster.wait_subscribed()
    terminal.wait_for(lambda text: "daemon   run 2" in text and "SUBSCRIBED" in text, "the daemon's second run")
    with cluster.client() as client:
        wait_over(client, launch(client, "second", 10, "true"))
        terminal.wait_for(lambda text: shown(text) == told(cli) == {"FINISHED": 20}, "twenty tasks")
        cluster.local.program.kill()
        terminal.wait_for(lambda text: re.search(r"master   (DISCONNECTED|CONNECTING) for \d+s: ", text)
                          and "is away" not in text, "no master, told by a daemon that is there")


def test_nothing_is_missed_when_its_connection_is_cut(start_cluster, start_top, needs_local):
    """What is published while there is no connection does not come: the screen asks for it."""
    cluster = start_cluster(**SIMULATED)
    cli = Cli(cluster)
    cutter = Cutter(cluster.events)
    try:
        terminal = start_top(cluster, ZMESOS_EVENTS=cutter.endpoint)
        terminal.wait_for_text("all told")
        tasks = 0

        def asked_again() -> int:
            found = terminal.wait_for(lambda text: re.search(r"([\d,]+) asked for again", text), "how many were asked for again")
            return int(found.group(1).replace(",", ""))

        def look() -> bool:
            nonlocal tasks
            cutter.cut()
            Load(cluster, 100, names=(f"cut-{tasks}",)).finish()
            tasks += 100
            terminal.wait_for(lambda text: shown(text) == {"FINISHED": tasks} and "all told" in text, f"{tasks} tasks")
            return asked_again() > 0
        wait_for(look, "an event that was lost")
        assert told(cli) == {"FINISHED": tasks}
    finally:
        cutter.close()


def test_signals_and_characters(start_cluster, start_top, needs_local):
    cluster = start_cluster()
    with cluster.client() as client:
        wait_over(client, launch(client, "\u4efb\u52d9", 2, "true"))
        terminal = start_top(cluster)
        terminal.wait_for_text("\u4efb\u52d9-1")
        os.kill(terminal.pid(), signal.SIGTERM)
        assert terminal.end() == 0
        # In a locale without those characters they are signs.
        terminal = start_top(cluster, LC_ALL="C")
        terminal.wait_for_text("??????-1")
        terminal.press("C-c")
        assert terminal.end() == 0


def test_one_page_for_a_pipe(cluster):
    cli = Cli(cluster)
    with cluster.client() as client:
        wait_over(client, launch(client, "over", 30, "true", labels={"app": "x"}))
        lines = cli("top", *ONCE).stdout.splitlines()
        assert shown("\n".join(lines)) == told(cli) == {"FINISHED": 30}
        assert lines[0].startswith("zmesos top: zmesosd ") and "\x1b" not in "".join(lines)
        assert len([line for line in lines if line.startswith("over-")]) == 20
        text = cli("top", *ONCE, "--label", "app=x", "--sort", "id").stdout
        assert "TASKS 30 of label:app=x" in text
        assert "TASKS 0 of label:app=y" in cli("top", *ONCE, "--label", "app=y").stdout
        assert "TASKS 11 of id:over-2" in cli("top", *ONCE, "--prefix", "over-2").stdout
        wide = subprocess.run([ZMESOS, "top", *ONCE], env={**cli.environment(), "COLUMNS": "200"},
                              capture_output=True, text=True, timeout=PATIENCE)
        assert max(map(len, wide.stdout.splitlines())) > 150


@pytest.mark.parametrize("term, words", [("dumb", "whose cursor cannot be moved"), ("nosuch", "which is not known here"),
                                         ("", "TERM does not say")])
def test_a_terminal_that_will_not_do(cluster, start_top, term, words):
    terminal = start_top(cluster, width=200, TERM=term)
    assert terminal.end() == 1
    # What it wrote is still on its way to the terminal, perhaps.
    wait_for(lambda: words in terminal.everything() and "zmesos top --once" in terminal.everything(), f"'{words}' on the terminal")


@pytest.mark.parametrize("flags, code, words", [
    ((), 1, "no terminal"),
    (("--interval", "0"), 2, "from 0.1 to 3600"),
    (("--interval", "3601"), 2, "from 0.1 to 3600"),
    (("--interval", "x"), 2, "expected seconds"),
    (("--sort", "size"), 2, "changed, created, id or state"),
    (("--label", "=x"), 2, "is no filter"),
    (("--prefix", ""), 2, "is no filter"),
    (("--prefix", "x" * 300), 2, "is no filter"),
    (("--prefix", "a", "--label", "b"), 2, "one of --prefix and --label"),
    (("--json",), 2, "there is no JSON"),
    (("more",), 2, "'more' is too much"),
    (("--once", "--control", "nonsense"), 2, "expected an endpoint"),
])
def test_called_wrongly(cluster, flags, code, words):
    one_line(Cli(cluster)("top", *flags, code=code), "zmesos top: ", words)


def test_once_without_a_daemon(tmp_path):
    class Nobody:
        control, events, pipeline = (f"ipc://{tmp_path}/{name}" for name in ("control", "events", "pipeline"))
    one_line(Cli(Nobody)("top", "--once", "--timeout", "0.5", code=3), "did not tell all in time")
