"""The dashboard in a browser: headless Chromium, with the real service and the real daemon behind it.

Screenshots are written to dashboard/ in the build directory, for people to look at.
"""
from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest
import zmesos
from browser import Browser, missing
from programs import BUILD, PATIENCE, wait_for

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")
PICTURES = BUILD / "dashboard"
HOSTILE = "<img src=x onerror='window.hacked=1'>"
TAB, ENTER = "\ue004", "\ue007"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """With an empty console, and with one when the test is over; with nothing loaded from elsewhere."""
    chromium.size(1280, 900)
    chromium.scheme("light")
    chromium.console()
    yield chromium
    chromium.open("about:blank")


def at_peace(browser: Browser) -> None:
    """No errors on the console, no text of a task taken as HTML, nothing from another site."""
    assert browser.console() == []
    assert browser.run("return window.hacked ?? null") is None
    elsewhere = "return performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => !name.startsWith(location.origin))"
    assert browser.run(elsewhere) == []


def row(task_id: str) -> str:
    return f'#tasks a[href="/tasks/{task_id}"]'


def state(browser: Browser, task_id: str) -> str:
    return browser.run("return document.querySelector(arguments[0])?.closest('tr').querySelector('.badge').innerText ?? ''", row(task_id))


def test_tasks_change_without_a_reload(cluster, start_dashboard, browser, tmp_path):
    client = cluster.client()
    dashboard = start_dashboard(cluster)
    browser.open(dashboard.url)
    browser.wait_text("#tasks-empty", "No tasks yet")
    browser.run("window.mark = 1")
    go = tmp_path / "go"
    client.launch(f"while ! test -e {go}; do sleep 0.1; done", id="watched", cpus=0.1, mem=32, labels={"batch": "7"})
    wait_for(lambda: state(browser, "watched") == "RUNNING", "RUNNING on the page")
    wait_for(lambda: browser.texts("#tasks .label") == ["batch=7"], "its label, which no event has")
    wait_for(lambda: browser.texts(".tile .count")[2] == "1", "the tile")
    chart = "return Chart.getChart('chart-alive').data.datasets[0].data.at(-1)?.y"
    wait_for(lambda: browser.run(chart) == 1, "the chart")
    go.touch()
    wait_for(lambda: state(browser, "watched") == "FINISHED", "FINISHED on the page")
    wait_for(lambda: browser.texts(".tile .count")[2:5:2] == ["0", "1"], "the tiles")
    ended = "return Chart.getChart('chart-ended').data.datasets[0].data.reduce((sum, point) => sum + (point.y ?? 0), 0)"
    wait_for(lambda: browser.run(chart) == 0 and browser.run(ended) == 1, "the charts")
    assert browser.run("return window.mark") == 1
    at_peace(browser)


def test_search_states_and_pages(cluster, start_dashboard, browser):
    client = cluster.client()
    specs = [zmesos.task_spec("true", id=f"t-{number:03d}", cpus=1000, mem=32, labels={"n": str(number % 2)}) for number in range(60)]
    client.launch_many(specs)
    client.launch("true", id="done", cpus=0.1, mem=32)
    client.wait("done", timeout=PATIENCE)
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    browser.open(dashboard.url)
    browser.wait_text("#tasks-count", "1 to 25 of 61")
    browser.keys("/")
    browser.keys("label:n=1")
    browser.wait_text("#tasks-count", "1 to 25 of 30")
    browser.click("#page-on")
    browser.wait_text("#tasks-count", "26 to 30 of 30")
    browser.wait_text("#page-now", "page 2 of 2")
    assert browser.run("return document.getElementById('page-on').disabled")
    browser.type("#search", "nothing-like-it")
    browser.wait_text("#tasks-empty", "No task is like that")
    browser.run("const search = document.getElementById('search'); search.value = ''; search.dispatchEvent(new Event('input'))")
    browser.click("#tiles li:nth-child(5) button")
    browser.wait_text("#tasks-count", "1 to 1 of 1")
    assert browser.texts("#tasks tbody a") == ["done"]
    browser.click("#tiles li:nth-child(5) button")
    browser.wait_text("#tasks-count", "of 61")
    at_peace(browser)


def test_a_task_page_says_why_it_waits(cluster, start_dashboard, browser):
    client = cluster.client()
    client.launch("true", id="waits", cpus=1000, mem=32, constraints=[zmesos.equals("rack", "r1")])
    client.launch("exit 3", id="fails", cpus=0.1, mem=32, retry={"max_attempts": 2, "backoff": 0.1})
    client.wait("fails", timeout=PATIENCE)
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    browser.open(dashboard.url)
    browser.wait_text("#tasks-count", "of 2")
    browser.run("document.querySelector(arguments[0]).focus()", row("waits"))
    browser.keys(ENTER)
    browser.wait_text(".why", "1000")
    assert "CPUS" in browser.text(".why") and "rack EQUALS r1" in browser.text("#view-task .side")
    assert browser.texts(".steps .name") == ["QUEUED"] and not browser.texts("#kill")
    browser.keys(TAB)  # from the beginning of the page's own content
    assert browser.run("return document.activeElement.className") == "back"
    browser.keys(ENTER)
    browser.wait_text("#tasks-count", "of 2")
    browser.click(row("fails"))
    browser.wait_text(".steps", "FAILED")
    assert browser.texts(".steps .name").count("RUNNING") == 2
    assert [text.split("\n")[0] for text in browser.texts("#view-task tbody tr td:first-child")] == ["2", "1"]
    browser.open(f"{dashboard.url}/tasks/nobody")
    browser.wait_text("#view-task", "There is no such task")
    assert all("404" in line and "/api/tasks/nobody" in line for line in browser.console())


def drawn_anew(browser: Browser, address: str) -> None:
    """Waits until the page has asked for this, and shown it, once more: it asks again only then."""
    count = "return performance.getEntriesByType('resource').filter((entry) => entry.name.endsWith(arguments[0])).length"
    before = browser.run(count, address)
    wait_for(lambda: browser.run(count, address) >= before + 2, f"{address} to be asked for again")


def test_what_is_used_stays_while_the_page_changes(cluster, start_dashboard, browser):
    """The focus, and a click in whose middle something is told."""
    client = cluster.client()
    client.launch("true", id="waits", cpus=1000, mem=32)
    dashboard = start_dashboard(cluster, "--allow-kill")
    dashboard.wait_live()
    browser.open(f"{dashboard.url}/tasks/waits")
    browser.wait_text(".why", "1000")
    for selector in (".back", "#kill"):
        browser.run("document.querySelector(arguments[0]).focus()", selector)
        drawn_anew(browser, "/api/tasks/waits")
        assert browser.run("return document.activeElement.matches(arguments[0])", selector)
    browser.press("#kill")
    drawn_anew(browser, "/api/tasks/waits")
    browser.release()
    browser.wait_text("#kill", "for good")
    drawn_anew(browser, "/api/tasks/waits")
    browser.wait_text("#kill", "for good")
    browser.press(".back")
    drawn_anew(browser, "/api/tasks/waits")
    browser.release()
    browser.wait_text("#tasks-count", "of 1")
    browser.run("const order = document.getElementById('order'); order.value = 'id'; order.dispatchEvent(new Event('change'))")
    browser.press(row("waits"))
    client.launch("true", id="waits-too", cpus=1000, mem=32)
    wait_for(lambda: state(browser, "waits-too") == "QUEUED", "another task on the page")
    browser.release()
    browser.wait_text(".why", "1000")
    assert not client.task("waits").kill_requested
    at_peace(browser)


def test_a_kill_is_asked_for_twice(cluster, start_dashboard, browser):
    client = cluster.client()
    client.launch("sleep 600", id="t", cpus=0.1, mem=32)
    dashboard = start_dashboard(cluster, "--allow-kill")
    dashboard.wait_state("t", "RUNNING")
    browser.open(f"{dashboard.url}/tasks/t")
    browser.wait_text(".task-head", "RUNNING")
    browser.wait_text("#kill", "Kill")
    browser.click("#kill")
    browser.wait_text("#kill", "for good")
    browser.keys(TAB)  # to something else: that was no yes
    wait_for(lambda: browser.text("#kill") == "Kill", "the question to be taken back")
    browser.click("#kill")
    browser.wait_text("#kill", "for good")
    assert not client.task("t").kill_requested
    browser.click("#kill")
    browser.wait_text(".task-head", "KILLED")
    browser.wait_text("#view-task .notice", "on zmesosd's disk")
    assert zmesos.state_name(client.wait("t", timeout=PATIENCE).state) == "KILLED"
    wait_for(lambda: not browser.texts("#kill"), "the button to go")
    wait_for(lambda: browser.texts("#view-task tbody .badge") == ["KILLED"], "the attempt's end")
    at_peace(browser)


def test_a_task_page_that_was_opened_too_early_fills_itself(cluster, start_dashboard, browser):
    client = cluster.client()
    client.launch("sleep 600", id="t", cpus=0.1, mem=32)
    cluster.daemon.kill()
    dashboard = start_dashboard(cluster)
    browser.open(f"{dashboard.url}/tasks/t")
    browser.wait_text("#view-task", "zmesosd does not answer")
    cluster.daemon.start()
    browser.wait_text(".task-head", "RUNNING")
    browser.wait_text(".steps", "QUEUED")
    assert all("503" in line and "/api/tasks/t" in line for line in browser.console())


def test_hostile_texts_are_texts(cluster, start_dashboard, browser):
    client = cluster.client()
    hostile = [HOSTILE, "\u202egnp.exe", "\u200binvisible", "a%2Fb", "x" * 200, "&lt;b&gt;"]
    for task_id in hostile:
        client.launch("printf '%s' \"$0\"", id=task_id, name=HOSTILE, cpus=1000, mem=32, submitter=HOSTILE,
                      labels={HOSTILE: "</td></tr></table><script>window.hacked=1</script>", "turn": "\u202eabc\u2066"})
    dashboard = start_dashboard(cluster, "--allow-kill")
    dashboard.wait_live()
    browser.open(dashboard.url)
    browser.wait_text("#tasks-count", f"of {len(hostile)}")
    shown = browser.texts("#tasks tbody a")
    assert set(shown) == {HOSTILE, "U+202Egnp.exe", "U+200Binvisible", "a%2Fb", "x" * 200, "&lt;b&gt;"}
    assert "turn=U+202EabcU+2066" in browser.texts("#tasks .label")
    assert browser.run("return document.querySelectorAll('#tasks img, #tasks script').length") == 0
    browser.type("#search", HOSTILE)
    browser.wait_text("#tasks-count", f"of {len(hostile)}")
    for text in shown:
        browser.run("[...document.querySelectorAll('#tasks tbody a')].find((link) => link.innerText === arguments[0]).click()", text)
        wait_for(lambda: browser.text(".task-head h1") == text and "CPUS" in browser.text(".why"), f"the page of {text}")
        assert browser.run("return document.querySelectorAll('main img, main script').length") == 0
        browser.run("history.back()")
        browser.wait_text("#tasks-count", f"of {len(hostile)}")
    browser.open(f"{dashboard.url}/tasks/%E2%80%AE{'%3Cscript%3E' * 10}")
    browser.wait_text("#view-task", "There is no such task")
    assert browser.run("return window.hacked ?? null") is None
    assert all("404" in line for line in browser.console())


def test_the_daemon_and_the_dashboard_go_and_come_back(cluster, start_dashboard, browser):
    client = cluster.client(timeout=PATIENCE, attempts=20)
    dashboard = start_dashboard(cluster)
    browser.open(dashboard.url)
    browser.wait_text("#pill-master", "subscribed")
    browser.run("window.mark = 1")
    cluster.daemon.kill()
    browser.wait_text("#notice", "zmesosd does not answer")
    cluster.daemon.start()
    wait_for(lambda: browser.run("return document.getElementById('notice').hidden"), "the notice to go")
    dashboard.stop()
    browser.wait_text("#notice", "own service does not answer")
    client.launch("true", id="meanwhile", cpus=0.1, mem=32)
    client.wait("meanwhile", timeout=PATIENCE)
    dashboard.start()
    wait_for(lambda: browser.run("return document.getElementById('notice').hidden"), "the notice to go again")
    wait_for(lambda: state(browser, "meanwhile") == "FINISHED", "what came meanwhile")
    assert browser.run("return window.mark") == 1
    assert all("ERR_" in line and "/api/" in line for line in browser.console())  # the browser's own words on its attempts


@pytest.mark.parametrize("lost", ["/api/status", "/api/history?span=10m"])
def test_a_request_that_is_lost_at_the_beginning_is_made_again(cluster, start_dashboard, browser, lost):
    """As where a machine changes its network: what the stream has said before it broke it does not say again."""
    dashboard = start_dashboard(cluster)
    dashboard.wait_live()
    script = """
        const real = window.fetch, lost = LOST;
        let first = true;
        window.fetch = (address, ...options) => {
            if (!first || address !== lost) return real(address, ...options);
            first = false;
            window.lostOne = true;
            return Promise.reject(new TypeError("Failed to fetch"));
        };""".replace("LOST", json.dumps(lost))
    added = browser.command("Page.addScriptToEvaluateOnNewDocument", source=script)
    try:
        browser.open(dashboard.url)
        browser.wait_text("#pill-master", "subscribed")
        assert browser.run("return window.lostOne")
    finally:
        browser.command("Page.removeScriptToEvaluateOnNewDocument", **added)
    at_peace(browser)


def test_without_chart_js_the_numbers_are_in_a_table(cluster, start_dashboard, browser):
    client = cluster.client()
    client.launch("true", id="t", cpus=0.1, mem=32)
    client.wait("t", timeout=PATIENCE)
    dashboard = start_dashboard(cluster, "--chart-js", "/nowhere/chart.js")
    assert "libjs-chart.js" in dashboard.program.text() and not dashboard.status()["dashboard"]["chart"]
    browser.open(dashboard.url)
    browser.wait_text("#chart-note", "libjs-chart.js")
    browser.wait_text("#chart-table", "finished")
    wait_for(lambda: any("\t1" in text for text in browser.texts("#chart-table tbody tr")), "the numbers")
    assert all("/static/chart.js" in line for line in browser.console())


def test_it_can_be_used_without_eyes_and_without_a_mouse(cluster, start_dashboard, browser):
    client = cluster.client()
    client.launch("sleep 600", id="t", cpus=0.1, mem=32)
    dashboard = start_dashboard(cluster)
    dashboard.wait_state("t", "RUNNING")
    browser.open(dashboard.url)
    browser.wait_text("#tasks", "RUNNING")
    browser.keys(TAB)
    assert browser.run("return document.activeElement.innerText") == "Skip to the content"
    unnamed = """return [...document.querySelectorAll('button, input, select, a, canvas, table')].filter((element) => element.getClientRects().length
        && !(element.innerText?.trim() || element.ariaLabel || element.labels?.length || element.caption)).map((element) => element.outerHTML)"""
    assert browser.run(unnamed) == []
    assert browser.run("return [...document.querySelectorAll('th')].filter((cell) => !cell.scope).length") == 0
    wait_for(lambda: "1 running" in browser.run("return document.getElementById('chart-alive').getAttribute('aria-label')"), "the chart in words")
    at_peace(browser)


def test_pictures(start_cluster, start_dashboard, browser, needs_local):
    """A batch that runs, for people to look at, in light and dark and at a phone's width: nothing is wider than the screen."""
    cluster = start_cluster(local={"agents": "6", "resources": "cpus:4;mem:8192;disk:20480;ports:[31000-32000]"})
    client = cluster.client()
    dice = random.Random(5)
    kinds = [("render", 0.5, 256), ("encode", 1, 512), ("align", 0.25, 1024)]
    for number in range(90):
        kind, cpus, mem = dice.choice(kinds)
        command = f"sleep {dice.choice([1, 2, 600])}" + ("; exit 1" if dice.random() < 0.1 else "")
        client.launch(command, id=f"{kind}-{number:03d}", cpus=cpus, mem=mem, labels={"kind": kind, "batch": str(number % 4)})
    client.launch("train", id="train-000", cpus=2, mem=2048, gpus=1, labels={"kind": "train"})
    dashboard = start_dashboard(cluster)
    browser.open(dashboard.url)
    wait_for(lambda: dashboard.status()["counts"].get("FINISHED", 0) >= 10, "some to be over")
    browser.wait_text("#agents", "agent1")
    for name, scheme, width, height in (("light", "light", 1280, 1100), ("dark", "dark", 1280, 1100), ("phone", "light", 390, 1600)):
        browser.scheme(scheme)
        browser.size(width, height, mobile=width < 600)
        wait_for(lambda: browser.run("return document.documentElement.clientWidth") == width, "the width")
        browser.screenshot(PICTURES / f"{name}.png")
        wait_for(lambda: browser.run("return document.documentElement.scrollWidth") <= width, "charts that are no wider")
    browser.size(1280, 900)
    browser.open(f"{dashboard.url}/tasks/train-000")
    browser.wait_text(".why", "gpus")
    browser.screenshot(PICTURES / "task.png")
    at_peace(browser)
