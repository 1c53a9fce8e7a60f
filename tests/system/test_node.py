"""The package for Node: built, packed and installed into an empty project from the npm registry, and tested there.

`npm ci` takes what it needs from the registry, or from the cache of an earlier run beside the build (npm-cache). Without
either these tests fail, and say so: what was not run is not known to work. `-k "not node"` leaves them out.
"""
from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import types
from typing import Any, Optional

import pytest
import zmesos
from following import SIMULATED, Account, Cutter, Load, heads_of, settle
from programs import BUILD, PATIENCE, TOP, Cluster

NODE = TOP / "bindings" / "node"
NO_REGISTRY = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|FETCH_ERROR|ERR_SOCKET")


def npm(directory: pathlib.Path, *words: str) -> str:
    """Runs npm there; what it said. Fails with a sentence where there is no npm or no registry."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.fail("there is no node or npm; scripts/setup installs both", pytrace=False)
    cache = ["--cache", str(BUILD / "npm-cache"), "--prefer-offline", "--no-audit", "--no-fund"]
    done = subprocess.run(["npm", *words, *cache], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=10 * PATIENCE, env={**os.environ, "CI": "1"})
    if done.returncode != 0 and NO_REGISTRY.search(done.stderr):
        pytest.fail(f"npm {words[0]} reaches no npm registry, and the packages that bindings/node stands on are not in "
                    f"{BUILD / 'npm-cache'} either:\n{done.stderr}", pytrace=False)
    assert done.returncode == 0, f"npm {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A copy of bindings/node, with the .proto files where it looks for them, built by `npm ci`."""
    top = tmp_path_factory.mktemp("node")
    shutil.copytree(TOP / "proto", top / "proto")
    copy = top / "bindings" / "node"
    shutil.copytree(NODE, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "generated"))
    began = time.monotonic()
    npm(copy, "ci")
    print(f"npm ci and build: {time.monotonic() - began:.1f} s")
    return copy


@pytest.fixture(scope="module")
def project(sources: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """An empty project into which the packed package was installed, with its tests beside it."""
    packed = json.loads(npm(sources, "pack", "--json", "--ignore-scripts"))[0]
    names = {file["path"] for file in packed["files"]}
    assert {"dist/index.js", "dist/index.d.ts", "README.md", "package.json"} <= names
    assert not [name for name in names if not re.match(r"dist/|README\.md$|package\.json$", name)]
    made = tmp_path_factory.mktemp("project")
    (made / "package.json").write_text(json.dumps({"name": "project", "version": "1.0.0", "private": True}))
    npm(made, "install", str(sources / packed["filename"]))
    shutil.copytree(NODE / "test", made / "test")
    return made


def node(directory: pathlib.Path, *words: str, limit: float = 5 * PATIENCE) -> subprocess.CompletedProcess[str]:
    """Runs node there. What a program that takes too long has started ends with it."""
    environment = {**os.environ, "ZMESOS_BUILD": str(BUILD)}
    with subprocess.Popen(["node", *words], cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as program:
        try:
            said, complained = program.communicate(timeout=limit)
        except BaseException:
            os.killpg(program.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(program.args, program.returncode, said, complained)


def test_types_are_checked(sources: pathlib.Path) -> None:
    npm(sources, "run", "check")


def test_no_address_is_in_the_lock_file() -> None:
    text = (NODE / "package-lock.json").read_text()
    assert "resolved" not in text and "://" not in re.sub(r'"url": "[^"]*"', "", text)
    assert text.count('"integrity"') == text.count('"node_modules/')


@pytest.mark.parametrize("name", sorted(path.name for path in (NODE / "test").glob("*.test.mjs")))
def test_of_the_package(project: pathlib.Path, name: str) -> None:
    done = node(project, "--test", f"test/{name}")
    print(done.stdout[-1000:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^(# |ℹ )pass [1-9]", done.stdout, re.MULTILINE), done.stdout


def test_a_program_that_has_nothing_to_do_ends(cluster: Cluster, project: pathlib.Path) -> None:
    """Nothing of a client that was not closed keeps it alive."""
    program = ("import { Client } from 'zmesos'\n"
               f"const client = new Client({endpoints(cluster)})\n"
               "const task = await client.launch('true', { cpus: 0.1 })\n"
               "console.log((await task.wait({ timeout: 60_000 })).state)\n")
    (project / "ends.mjs").write_text(program)
    done = node(project, "ends.mjs")
    assert (done.returncode, done.stdout) == (0, "FINISHED\n"), done.stderr


# ---- documentation ---------------------------------------------------------------------------------------------------


def endpoints(cluster: Cluster, **other: str) -> str:
    return json.dumps({"control": cluster.control, "events": cluster.events, "pipeline": cluster.pipeline, **other})


def snippets() -> list[str]:
    return re.findall(r"^```js\n(.*?)^```$", (NODE / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(snippets())))
def test_a_snippet_of_the_readme(cluster: Cluster, project: pathlib.Path, number: int) -> None:
    text = snippets()[number]
    if "import " not in text:
        text = "import * as zmesos from 'zmesos'\nconst client = new zmesos.Client()\n" + text
    assert "Client()" in text
    (project / "snippet.mjs").write_text(text.replace("Client()", f"Client({endpoints(cluster)})") + "\nprocess.exit(0)\n")
    done = node(project, "snippet.mjs")
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def test_the_example(cluster: Cluster, project: pathlib.Path) -> None:
    shutil.copy(TOP / "examples" / "node" / "hello.mjs", project)
    words = [f"--{name}={value}" for name, value in json.loads(endpoints(cluster)).items()]
    done = node(project, "hello.mjs", *words)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1] == "hello: 4 launched, 3 FINISHED, 1 KILLED"
    assert sum(re.match(r"task/hello-\S+/(FINISHED|KILLED)  ", line) is not None for line in lines) == 4
    nowhere = node(project, "hello.mjs", "--control=nowhere", "--events=nowhere")
    assert nowhere.returncode == 1 and re.fullmatch(r"hello\.mjs: nowhere: [^\n]*\n", nowhere.stderr)
    assert node(project, "hello.mjs", "--colour=red").returncode == 1


# ---- nothing missed, nothing twice ------------------------------------------------------------------------------------


class NodeFollower:
    """following.mjs, and the account of what it got."""

    def __init__(self, project: pathlib.Path, where: str, prefixes: tuple[str, ...], high_water: int = 500) -> None:
        self.prefixes = prefixes
        options = json.dumps({"endpoints": json.loads(where), "prefixes": prefixes, "highWater": high_water})
        self._process = subprocess.Popen(["node", "test/following.mjs", options], cwd=project, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self.replayed: Optional[int] = None
        self._held = threading.Event()
        self._position: dict[str, int] = {}
        self._reader = threading.Thread(target=self._read)
        line = self._line()
        if not line:
            self.close()
            pytest.fail("following.mjs has ended")
        first = json.loads(line)
        numbers = {name: int(number) for name, number in first["position"]["numbers"].items()}
        self.account = Account(zmesos.Position(first["position"]["store"], numbers))
        self._reader.start()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def _read(self) -> None:
        while line := self._line():
            said = json.loads(line)
            if "position" in said:
                self._position = {name: int(number) for name, number in said["position"]["numbers"].items()}
            elif "held" in said:
                self._held.set()
            elif "replayed" in said:
                self.replayed = said["replayed"]
            elif "startedOver" in said:
                self.account.note(zmesos.StartedOver(said["startedOver"], None, None, self.account.start))
            else:
                event: Any = types.SimpleNamespace(event_class=said["class"], number=said["number"], topic=said["topic"])
                self.account.note(event)

    def say(self, word: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def hold(self) -> None:
        """Takes no more events until it is said to go."""
        self.say("hold")
        assert self._held.wait(PATIENCE)

    def finish(self, heads: dict[str, int]) -> None:
        """Waits until it has all up to these heads, and ends it."""
        self.account.heads = heads
        deadline = time.monotonic() + 2 * PATIENCE
        while any(self._position.get(name, -1) < number for name, number in heads.items() if name in self.account.start.numbers):
            if time.monotonic() > deadline or self._process.poll() is not None:
                break  # the account will show it
            time.sleep(0.05)
        self.say("end")
        self._reader.join(PATIENCE)
        assert self._process.wait(PATIENCE) == 0

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._reader.is_alive():
            self._reader.join(PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()


@pytest.fixture
def follow(project: pathlib.Path, needs_local: None):
    """follow(endpoints) begins a follower of whole classes and one under a prefix; both end with the test."""
    made: dict[str, NodeFollower] = {}

    def begin(where: str) -> dict[str, NodeFollower]:
        for name, prefixes in {"whole classes": ("task/", "mesos/UPDATE/"), "a prefix": ("task/a-",)}.items():
            made[name] = NodeFollower(project, where, prefixes)
        return made
    yield begin
    for follower in made.values():
        follower.close()


def finish(what: str, cluster: Cluster, made: dict[str, NodeFollower], lossy: bool = True) -> None:
    heads = heads_of(cluster.status())
    for follower in made.values():
        follower.finish(heads)
        assert follower.replayed or not lossy, "nothing was lost on the way: this proves nothing"
    settle(f"node, {what}", cluster, {name: (follower.account, follower.prefixes) for name, follower in made.items()})


def test_a_follower_that_is_held_up_under_load(start_cluster, follow) -> None:
    cluster = start_cluster("--events-hwm", "500", **SIMULATED)
    made = follow(endpoints(cluster))
    for follower in made.values():
        follower.hold()
    Load(cluster, 8000).finish()
    for follower in made.values():
        follower.say("go")
    finish("held up", cluster, made)


def test_a_follower_whose_connection_is_cut_a_hundred_times(start_cluster, follow) -> None:
    cluster = start_cluster(**SIMULATED)
    cutter = Cutter(cluster.events)
    try:
        made = follow(endpoints(cluster, events=cutter.endpoint))
        load = Load(cluster, 3000, batch=15, pause=0.05)
        for _ in range(100):
            connected = cutter.connections
            cutter.cut()
            until = time.monotonic() + PATIENCE
            while cutter.connections < connected + len(made) and time.monotonic() < until:
                time.sleep(0.01)
        load.finish()
        assert cutter.connections >= 202
        finish("cut 100 times", cluster, made)
    finally:
        cutter.close()


def test_a_follower_through_kills_of_the_daemon(start_cluster, follow) -> None:
    cluster = start_cluster(**SIMULATED)
    made = follow(endpoints(cluster))
    load = Load(cluster, 2000, batch=50, pause=0.02)
    for done in (1, 2, 3):
        begun = time.monotonic()
        while sum(map(len, made["whole classes"].account.numbers.values())) < 300 * done:
            assert time.monotonic() < begun + PATIENCE, "the follower has nothing"
            time.sleep(0.01)
        cluster.restart(kill=True)
    load.finish()
    assert cluster.status().run == 4
    finish("3 times kill -9", cluster, made, lossy=False)
