"""What happens to the cluster during a soak: zmesos-local's faults, or commands of the user's against a real master."""
from __future__ import annotations

import os
import pathlib
import random
import subprocess
import time
from collections import Counter
from typing import Any, Optional, TextIO

import interrupts
import programs
from plan import ORPHAN, command

ALLOCATION = "0.2"
WELL = 60.0      # seconds for all agents to be back
HEARTBEAT = "1"  # seconds: a silent stream is noticed after five


class Chaos:
    """Called often; does something now and then. calm() ends what lasts; then the cluster has to become well by itself."""

    def __init__(self, rng: random.Random, every: float) -> None:
        self.random, self.every = rng, every
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self._next = time.monotonic() + rng.expovariate(1 / every)

    def turn(self) -> None:
        if time.monotonic() >= self._next:
            self.act()
            self._next = time.monotonic() + self.random.expovariate(1 / self.every)

    def act(self) -> None:
        raise NotImplementedError

    def calm(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class LocalChaos(Chaos):
    """Runs zmesos-local and uses its faults (docs/zmesos-local.md)."""

    def __init__(self, directory: pathlib.Path, evidence: pathlib.Path, agents: int, rng: random.Random, every: float) -> None:
        super().__init__(rng, every)
        self.local = programs.Local(directory / "local", agents=str(agents), resources="cpus:8;mem:4096;disk:10240",
                                    allocation_interval=ALLOCATION, heartbeat=HEARTBEAT)
        self.agents = agents
        self.away: dict[int, float] = {}   # agents, and when they return
        self.until = 0.0                   # what lasts ends then
        self.evidence, self.orphans = evidence, 0

    @property
    def master(self) -> str:
        return self.local.address

    def turn(self) -> None:
        now = time.monotonic()
        for agent in [agent for agent, back in self.away.items() if now >= back]:
            del self.away[agent]
            self._fault("return_agent", agent=agent, with_tasks=self.random.random() < 0.5)
        if self.until and now >= self.until:
            self.until = 0.0
            self._fault("clear")
        super().turn()

    def act(self) -> None:
        often = [self.lose_agent, self.restart_agent, self.no_answer]
        self.random.choice([*often, *often, self.failover, self.refuse, self.late_or_twice, self.lose_acknowledgements,
                            self.stall, self.stream, self.last_for_a_while, self.stage, self.orphan, self.surprise])()

    def _fault(self, name: str, **what: Any) -> None:
        self.done[name] += 1
        self.local.fault(name, **what)

    def _later(self) -> float:
        return time.monotonic() + self.random.uniform(0.5, 8.0)

    def _agent(self) -> Optional[int]:
        """One that is there."""
        there = [agent for agent in range(1, self.agents + 1) if agent not in self.away]
        return self.random.choice(there) if there else None

    def failover(self) -> None:
        late = [self.random.choice([0, 100, 1000, 3000]) for _ in range(self.random.randrange(1, self.agents + 1))]
        what: dict[str, Any] = {"agents_return_ms": late}
        if self.random.random() < 0.3:
            what["with_tasks"] = [self.random.random() < 0.7 for _ in late]
        if self.random.random() < 0.3:
            what["give_up_ms"] = 2000
        self._fault("failover", **what)
        self.away = {agent: self._later() for agent in range(len(late) + 1, self.agents + 1)}

    def lose_agent(self) -> None:
        agent = self._agent()
        if agent:
            how = self.random.choice(["unreachable", "unreachable", "gone", "removed"])
            after_ms = self.random.choice([0, 200, 2000])
            self._fault("lose_agent", agent=agent, how=how, after_ms=after_ms)
            self.away[agent] = self._later() + after_ms / 1000

    def restart_agent(self) -> None:
        agent = self._agent()
        if agent:
            self._fault("restart_agent", agent=agent, tasks=self.random.choice(["kept", "kept", "ended", "forgotten", "new"]),
                        after_ms=self.random.choice([0, 500, 3000]))

    def _call(self) -> str:
        return self.random.choice(["ACCEPT", "ACCEPT", "ACKNOWLEDGE", "KILL", "RECONCILE", "SUBSCRIBE", "REVIVE", "DECLINE"])

    def no_answer(self) -> None:
        what: dict[str, Any] = {"call": self._call(), "act": self.random.choice(["never", "now", "later"])}
        if what["act"] == "later":
            what["act_after_ms"] = self.random.randrange(100, 6000)
            what["answer"] = self.random.random() < 0.5
        if self.random.random() < 0.4:
            what["close"] = True
            what.pop("answer", None)
        self._fault("no_answer", **what)

    def refuse(self) -> None:
        """The master is not well: it cannot, or wants a credential."""
        what = self.random.choice([{"status": 503, "text": "Master has not finished recovery"}, {"status": 401},
                                   {"status": 500, "text": "out of luck"}])
        self._fault("answer", **what, **self.random.choice([{"count": self.random.randrange(1, 4)},
                                                            {"for_ms": self.random.randrange(100, 2000)}]))

    def late_or_twice(self) -> None:
        if self.random.random() < 0.5:
            self._fault("delay", call=self._call(), what=self.random.choice(["call", "answer"]),
                        ms=self.random.randrange(50, 5000))
        else:  # nothing sends an ACCEPT or SUBSCRIBE twice, which is the daemon's own promise
            self._fault("double", call=self.random.choice(["ACKNOWLEDGE", "KILL", "RECONCILE", "REVIVE", "DECLINE"]),
                        after_ms=self.random.choice([0, 1000]))

    def lose_acknowledgements(self) -> None:
        self._fault("answer", call="ACKNOWLEDGE", status=202, for_ms=self.random.randrange(200, 4000))

    def stall(self) -> None:
        what = self.random.choice([{}, {"only": "calls"}, {"only": "streams"}])
        self._fault("stall", ms=self.random.randrange(50, 5000), **what)

    def stream(self) -> None:
        self._fault("drop_stream", how=self.random.choice(["cut", "end"]))

    def last_for_a_while(self) -> None:
        self._fault(self.random.choice(["split_streams", "silence_heartbeats", "double_updates"]), on=True)
        self.until = time.monotonic() + self.random.uniform(1.0, 10.0)

    def stage(self) -> None:
        """Launches that do not get on: for a time, and one in ten for ever, where a KILL ends it. Nothing ends one that is deaf
        for ever."""
        how = self.random.choice(["slow", "deaf", "lost"])
        ms = 0 if self.random.random() < 0.1 and how != "deaf" else self.random.randrange(500, 15000)
        self._fault("stage_tasks", count=self.random.randrange(1, 4), how=how, ms=ms)

    def orphan(self) -> None:
        """A task that zmesosd has not launched. It is to be adopted, so it must not be lost sight of."""
        agent = self._agent()
        frameworks = self.local.state()["frameworks"]
        if agent and any(framework["state"] == "subscribed" for framework in frameworks):
            self.orphans += 1
            task = f"{ORPHAN}{self.orphans}"
            self._fault("orphan", agent=agent, task=task, framework=frameworks[0]["id"], quiet=self.random.random() < 0.3,
                        command=command(self.evidence, task, self.random.uniform(0.5, 20.0), 1, 0, False))

    def surprise(self) -> None:
        self._fault(self.random.choice(["rescind", "unknown_event", "repeat_updates"]))

    def calm(self) -> None:
        self._fault("clear")
        deadline = time.monotonic() + WELL
        while missing := [number for number, agent in enumerate(self.local.state()["agents"], 1) if agent["state"] != "registered"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"zmesos-local's agents {missing} did not return")
            for agent in missing:
                self._fault("return_agent", agent=agent, with_tasks=True)
            time.sleep(1.0)  # one may be on its way out still
        self.away.clear()

    def close(self) -> None:
        self.local.stop()


class CommandChaos(Chaos):
    """Runs the user's commands, one at a time. Each must leave the cluster as it was, within the limit; its environment
    has SOAK_RANDOM, a number from the soak's seed."""

    def __init__(self, commands: list[str], rng: random.Random, every: float, limit: float, log: TextIO) -> None:
        super().__init__(rng, every)
        self.commands, self.limit, self.log = commands, limit, log
        self._running: Optional[subprocess.Popen[bytes]] = None
        self._deadline = 0.0

    def turn(self) -> None:
        if self._running:
            status = self._running.poll()
            if status is None and time.monotonic() < self._deadline:
                return
            if status is None:
                self._running.kill()
                self._running.wait()
                self.problems.append(f"a command of --disturb was ended after {self.limit:g} s")
            elif status != 0:
                self.problems.append(f"a command of --disturb ended with {status}")
            self._running = None
        super().turn()

    def act(self) -> None:
        if not self.commands:
            return
        command = self.random.choice(self.commands)
        environment = {**os.environ, "SOAK_RANDOM": str(self.random.randrange(10**6))}
        with interrupts.later():
            self._running = subprocess.Popen(command, shell=True, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                             start_new_session=True, env=environment)
        self._deadline = time.monotonic() + self.limit
        self.done["disturb"] += 1

    def calm(self) -> None:
        self._next = float("inf")
        while self._running:
            self.turn()
            time.sleep(0.05)

    def close(self) -> None:
        if self._running:
            self._running.kill()
            self._running.wait()
            self._running = None
