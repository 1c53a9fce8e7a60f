"""Headless Chromium for tests, driven over the W3C WebDriver protocol by Debian's chromedriver: the few commands that tests need."""
from __future__ import annotations

import base64
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any, Optional

from programs import PATIENCE, wait_for

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-GB"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing() -> Optional[str]:
    """What of the browser is not installed."""
    for program in ("chromedriver", "chromium"):
        if shutil.which(program) is None:
            return f"no {program} (Debian: apt install chromium chromium-driver)"
    return None


NOT_YET = ("no such element", "stale element reference", "element not interactable", "element click intercepted")


class Refused(AssertionError):
    """The browser did not do it; `code` is WebDriver's word for why."""

    def __init__(self, what: str, answer: str) -> None:
        super().__init__(f"{what}: {answer[:2000]}")
        self.code = json.loads(answer)["value"]["error"]


class Browser:
    """One browser with one window; closed with all that belongs to it by close()."""

    def __init__(self, width: int = 1280, height: int = 900) -> None:
        self._profile = tempfile.mkdtemp(prefix="zmesos-chromium-")
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self._session = ""
        try:
            self._address = f"http://127.0.0.1:{self._port()}"
            options = {"args": [*ARGUMENTS, f"--user-data-dir={self._profile}", f"--window-size={width},{height}"],
                       "binary": shutil.which("chromium")}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
                      "timeouts": {"script": 60000, "pageLoad": 120000}}
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _port(self) -> int:
        assert self._driver.stdout
        for line in self._driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return int(found[1])
        raise AssertionError("chromedriver ended at once")

    def _call(self, method: str, path: str, body: Optional[dict[str, Any]] = None) -> Any:
        request = urllib.request.Request(self._address + path, None if body is None else json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=4 * PATIENCE) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}", error.read().decode()) from error

    def _ask(self, command: str, body: Optional[dict[str, Any]] = None, method: str = "POST") -> Any:
        return self._call(method, f"{self._session}/{command}", body if body is not None or method == "GET" else {})

    def close(self) -> None:
        try:
            if self._session:
                self._call("DELETE", self._session)
        finally:
            self._driver.terminate()
            try:
                self._driver.wait(20)
            except subprocess.TimeoutExpired:
                self._driver.kill()
                self._driver.wait()
            if self._driver.stdout:
                self._driver.stdout.close()
            shutil.rmtree(self._profile, ignore_errors=True)

    # ---- what a test does ---------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        self._ask("url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function's body returns, run in the page."""
        return self._ask("execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector: str) -> str:
        """The text of the first element, as it is on the screen; nothing if there is none, or it is hidden."""
        return self.run("const found = document.querySelector(arguments[0]); return found?.getClientRects().length ? found.innerText : ''",
                        selector)

    def texts(self, selector: str) -> list[str]:
        return self.run("return [...document.querySelectorAll(arguments[0])].map((found) => found.innerText)", selector)

    def wait_text(self, selector: str, part: str) -> str:
        """The text, once it has that part."""
        last = ""

        def look() -> bool:
            nonlocal last
            last = self.text(selector)
            return part in last
        try:
            wait_for(look, f"'{part}' in {selector}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {last!r}; console: {self.console()}") from None
        return last

    def _element(self, selector: str) -> str:
        return self._ask("element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector: str) -> None:
        """As soon as the element is there and can be clicked: pages that live put it in another place, or anew."""
        def done() -> bool:
            try:
                self._ask(f"element/{self._element(selector)}/click")
                return True
            except Refused as error:
                if error.code not in NOT_YET:
                    raise
                return False
        wait_for(done, f"{selector} to be clicked")

    def press(self, selector: str) -> None:
        """The mouse's button goes down on the element, and stays so until release()."""
        place = {"type": "pointerMove", "origin": {ELEMENT: self._element(selector)}, "x": 0, "y": 0}
        self._mouse(place, {"type": "pointerDown", "button": 0})

    def release(self) -> None:
        self._mouse({"type": "pointerUp", "button": 0})

    def _mouse(self, *actions: dict[str, Any]) -> None:
        self._ask("actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": list(actions)}]})

    def type(self, selector: str, text: str) -> None:
        element = self._element(selector)
        self._ask(f"element/{element}/clear")
        self._ask(f"element/{element}/value", {"text": text})

    def keys(self, text: str) -> None:
        """Keys pressed wherever the focus is. Tab is \\ue004, Enter \\ue007."""
        actions = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._ask("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def command(self, name: str, **parameters: Any) -> Any:
        """One of Chromium's own protocol."""
        return self._ask("goog/cdp/execute", {"cmd": name, "params": parameters})

    def scheme(self, name: str) -> None:
        """light or dark."""
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width: int, height: int, mobile: bool = False) -> None:
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def console(self) -> list[str]:
        """What the console was told since the last look, errors and warnings."""
        entries = self._ask("se/log", {"type": "browser"})
        return [f"{entry['level']} {entry['message']}" for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path: pathlib.Path) -> None:
        time.sleep(0.3)  # for the eye alone: no test looks at it
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._ask("screenshot", method="GET")))
