#!/usr/bin/env python3
"""One client of the soak, a process with a socket of its own: launches, kills and looks at random, and keeps what it is told.

usage: client.py --kind control|router|dealer --endpoint E --name N --seed N --evidence DIR --log FILE --pause S --waiting N

control: a REQ at the REP socket; router: a REQ at the ROUTER socket; dealer: several requests in flight at the ROUTER
socket. A request that is not answered is asked again with the same bytes, later too: no task is forgotten. It ends when
standard input does. The log has a JSON object a line, each written before the next request:
  {"plan": {...}}                         what is launched next
  {"launched"|"refusals"|"killed": [[id, code, state, revision, message], ...]}    answered item by item
  {"view": [[id, state, revision], ...]}  as a `get` said
  {"missing": [id, ...]}                  unknown to a `get`, though their launch had been answered
  {"unanswered": what}                    given up for now
  {"refused": code, ...}                  a whole request
"""
from __future__ import annotations

import argparse
import json
import pathlib
import random
import select
import sys
from typing import Any, Optional, TextIO

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import programs  # noqa: E402, F401  (puts the built package on the path)
from plan import Planned, Planner  # noqa: E402
from zmesos import TaskSpec, TimedOut, is_over, messages, state_name  # noqa: E402
from zmesos.errors import code_name  # noqa: E402
from zmesos.transport import VERSION, Pipeline, Question, Requester  # noqa: E402

TIMEOUT = 15.0     # seconds for a request, asked again meanwhile
ATTEMPTS = 30
MINE = 60          # so many of the last tasks are looked at and killed

Reply = messages.Reply
Request = messages.Request


class Asker:
    """Requests in, replies out; None for one that was not answered."""

    def __init__(self, kind: str, endpoint: str, name: str) -> None:
        self._pipeline = Pipeline(endpoint, TIMEOUT, ATTEMPTS) if kind == "dealer" else None
        self._requester = Requester(endpoint, TIMEOUT, ATTEMPTS)
        self._name = name
        self._asked = 0

    def ask(self, requests: list[Request]) -> list[Optional[Reply]]:
        questions = []
        for request in requests:
            self._asked += 1
            request.version = VERSION
            request.id = f"{self._name}-{self._asked}"
            questions.append(Question(request.id, request.SerializeToString()))
        replies: list[Optional[Reply]] = [None] * len(requests)
        if self._pipeline:
            try:
                for place, reply in self._pipeline.ask_all(questions):
                    replies[place] = reply
            except TimedOut:
                pass
            return replies
        for place, question in enumerate(questions):
            try:
                replies[place] = self._requester.ask(question)
            except TimedOut:
                pass
        return replies

    def close(self) -> None:
        self._requester.close()


class Client:
    def __init__(self, options: argparse.Namespace, log: TextIO) -> None:
        self.random = random.Random(options.seed)
        self.planner = Planner(self.random, options.name, options.evidence)
        self.asker = Asker(options.kind, options.endpoint, options.name)
        self.pause, self.waiting = options.pause, options.waiting
        self.several = options.kind == "dealer"
        self.log = log
        self.known: list[TaskSpec] = []             # launches that were answered
        self.unsure: list[TaskSpec] = []            # launches that were not
        self.unsure_kills: list[list[str]] = []
        self.full = False                           # enough tasks wait

    def note(self, what: dict[str, Any]) -> None:
        self.log.write(json.dumps(what) + "\n")
        self.log.flush()

    # ---- what it does ---------------------------------------------------------------------------------

    def step(self) -> None:
        actions = [(self.launch, 10), (self.kill, 4), (self.look, 3), (self.again, 1), (self.refusals, 1),
                   (self.kill_label, 0.3), (self.status, 2)]
        if self.unsure or self.unsure_kills:
            actions.append((self.ask_again, 5))
        [action] = self.random.choices([action for action, _ in actions], [weight for _, weight in actions])
        action()

    def launch(self) -> None:
        if self.full:
            self.status()
            return
        groups = []
        for _ in range(self.random.randrange(2, 6) if self.several else 1):
            made = [self.planner.task() for _ in range(self.random.choice([1, 1, 2, 5]))]
            self._plan(made)
            groups.append([spec for spec, _ in made])
        self._launch(groups)

    def _plan(self, made: list[tuple[TaskSpec, Planned]]) -> None:
        for _, planned in made:
            self.note({"plan": planned.record()})

    def _launch(self, groups: list[list[TaskSpec]]) -> None:
        replies = self.asker.ask([Request(launch=messages.Launch(tasks=specs)) for specs in groups])
        for specs, reply in zip(groups, replies):
            if not self._answered("launched", [spec.id for spec in specs], reply):
                self.unsure += specs
                continue
            assert reply
            self.known += [spec for spec, item in zip(specs, reply.items.items) if item.code == messages.OK]

    def again(self) -> None:
        """The same specification once more: nothing may happen."""
        if self.known:
            self._launch([[self.random.choice(self.known[-MINE:])]])

    def ask_again(self) -> None:
        """What was not answered, with the same bytes."""
        specs, self.unsure = self.unsure, []
        if specs:
            self._launch([[spec] for spec in specs])
        kills, self.unsure_kills = self.unsure_kills, []
        for ids in kills:
            self._kill([ids])

    def refusals(self) -> None:
        made = [self.planner.invalid()]
        if self.known:
            made.append(self.planner.conflict(self.random.choice(self.known[-MINE:]).id))
        self._plan(made)
        [reply] = self.asker.ask([Request(launch=messages.Launch(tasks=[spec for spec, _ in made]))])
        self._answered("refusals", [spec.id for spec, _ in made], reply)

    def _some(self) -> list[str]:
        mine = [spec.id for spec in self.known[-MINE:]]
        return self.random.sample(mine, min(len(mine), self.random.randrange(1, 4)))

    def kill(self) -> None:
        groups = [ids for _ in range(self.random.randrange(1, 4) if self.several else 1) if (ids := self._some())]
        self._kill(groups)

    def _kill(self, groups: list[list[str]]) -> None:
        replies = self.asker.ask([Request(kill=messages.Kill(task_ids=ids)) for ids in groups])
        for ids, reply in zip(groups, replies):
            if not self._answered("killed", ids, reply):
                self.unsure_kills.append(ids)

    def kill_label(self) -> None:
        if not self.known:
            return
        label = self.random.choice(self.known[-MINE:]).labels.labels[0]
        [reply] = self.asker.ask([Request(kill=messages.Kill(label=label))])
        self._answered("killed", None, reply)

    def look(self) -> None:
        ids = self._some()
        if not ids:
            return
        [reply] = self.asker.ask([Request(get=messages.Get(task_ids=ids))])
        if reply is None:
            self.note({"unanswered": "get"})
        elif reply.code in (messages.OK, messages.NOT_FOUND):
            self.note({"view": [[task.id, state_name(task.state), task.revision] for task in reply.tasks.tasks]})
            if reply.tasks.missing:
                self.note({"missing": list(reply.tasks.missing)})
        else:
            self.note({"refused": code_name(reply.code), "message": reply.message, "what": "get"})

    def status(self) -> None:
        [reply] = self.asker.ask([Request(status=messages.Status())])
        if reply is not None:
            over = sum(count.tasks for count in reply.status.counts if not is_over(messages.Task(state=count.state)))
            self.full = over > self.waiting

    # ---- what it was told -----------------------------------------------------------------------------

    def _answered(self, what: str, ids: Optional[list[str]], reply: Optional[Reply]) -> bool:
        """Writes the answer down, item by item. False if there was none that says what became of it."""
        if reply is None:
            self.note({"unanswered": what, "ids": ids})
            return False
        if reply.code == messages.UNAVAILABLE:
            self.note({"refused": "UNAVAILABLE", "message": reply.message, "what": what, "ids": ids})
            return False
        items = reply.items.items
        if reply.code not in (messages.OK, messages.SOME_REFUSED) or (ids is not None and len(items) != len(ids)):
            self.note({"refused": code_name(reply.code), "message": reply.message, "what": what, "ids": ids, "whole": True})
            return True
        self.note({what: [[item.task_id, code_name(item.code), state_name(item.state) if item.HasField("state") else None,
                           item.revision if item.HasField("revision") else None, item.message] for item in items]})
        return True

    def end(self) -> None:
        """What is still open is asked once more: the daemon is well by now."""
        for _ in range(3):
            if self.unsure or self.unsure_kills:
                self.ask_again()
        self.asker.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=["control", "router", "dealer"], required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--evidence", type=pathlib.Path, required=True)
    parser.add_argument("--log", type=pathlib.Path, required=True)
    parser.add_argument("--pause", type=float, required=True)
    parser.add_argument("--waiting", type=int, required=True)
    options = parser.parse_args()
    with options.log.open("w") as log:
        client = Client(options, log)
        while not select.select([sys.stdin], [], [], client.random.expovariate(1 / options.pause))[0]:
            client.step()
        client.end()


if __name__ == "__main__":
    main()
