#!/usr/bin/python3
"""Tasks over plain HTTP: POST launches a command, GET tells how it is, DELETE ends it. README.md has the whole of it.

usage: gateway.py [--listen HOST:PORT] [--host NAME] [--timeout SECONDS] [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT]

    curl -X POST 'http://127.0.0.1:8080/?cmd=echo+hello&cpus=0.1&mem=32'
    curl 'http://127.0.0.1:8080/?id=ID'

It keeps nothing: all is in zmesosd, and several gateways can stand beside each other. Whoever reaches it can run commands as
zmesosd's tasks, so it listens on loopback, and takes no requests that a page of another site has a browser send.
"""

import argparse
import asyncio
import itertools
import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Awaitable, Callable
from urllib.parse import unquote_to_bytes

import zmesos
from aiohttp import web

NUMBERS = {"cpus": float, "mem": float, "disk": float, "gpus": float, "ports": int, "priority": int}
TEXTS = ("cmd", "id", "name", "role", "submitter")
PAIRS = {"label": "labels", "env": "env"}  # as a parameter key=value, several times; in JSON an object
STATUS = {"NOT_FOUND": 404, "CONFLICT": 409, "UNAVAILABLE": 503}  # others: 400
MOST_LISTED = 10_000
WORKERS = 16  # requests to zmesosd at once


class Bad(Exception):
    """A request that is refused here: status, code, sentence, the field at fault."""

    def __init__(self, field: str, message: str, status: int = 400, code: str = "INVALID") -> None:
        super().__init__(status, code, message, field)


def number(field: str, kind: type, value: Any) -> Any:
    """From a parameter or from JSON."""
    try:
        found = kind(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
        same = isinstance(value, str) or found == value  # 1.5 is no integer
        if found is not None and same and (kind is float or abs(found) < 2**31):
            return found
    except (ValueError, OverflowError):
        pass
    raise Bad(field, f"{'an integer' if kind is int else 'a number'} is wanted, and not {json.dumps(value)}")


def once(query: Any, *allowed: str) -> dict[str, str]:
    """The parameters, each of which may be given once."""
    for field in query:
        if field not in allowed:
            raise Bad(field, f"no such parameter; there are {', '.join(allowed)}")
        if len(query.getall(field)) > 1:
            raise Bad(field, "is given twice")
    return dict(query)


async def wanted(request: web.Request) -> dict[str, Any]:
    """What to launch, by the parameters or by a body in JSON, as the arguments of Client.launch()."""
    fields: dict[str, Any] = {}
    if request.can_read_body:
        if request.content_type != "application/json":
            raise Bad("", "a body is JSON, with Content-Type: application/json", 415, "MALFORMED")
        if request.query:
            raise Bad(next(iter(request.query)), "either parameters or a body")
        try:
            body = await request.json()
        except (ValueError, RecursionError, LookupError) as error:  # also of a charset that there is not
            raise Bad("", f"the body is no JSON: {error}", 400, "MALFORMED") from None
        if not isinstance(body, dict):
            raise Bad("", "the body is no object")
        fields.update(body)
    else:
        single = request.query.copy()
        for field, name in PAIRS.items():
            for pair in single.popall(field, ()):
                key, separator, value = pair.partition("=")
                if not separator or not key:
                    raise Bad(field, f"key=value is wanted, and not {json.dumps(pair)}")
                fields.setdefault(name, {})[key] = value
        fields.update(once(single, *TEXTS, *NUMBERS))
    for field, value in fields.items():
        if field in NUMBERS:
            fields[field] = number(field, NUMBERS[field], value)
        elif field in PAIRS.values():
            if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
                raise Bad(field, "an object of texts is wanted")
        elif field not in TEXTS:
            raise Bad(field, f"no such field; there are {', '.join((*TEXTS, *NUMBERS, *PAIRS.values()))}")
        elif not isinstance(value, str):
            raise Bad(field, "a text is wanted")
    if not fields.get("cmd"):
        raise Bad("cmd", "is missing: the command, a line for the shell")
    return {"cpus": 0.1, "mem": 32.0, **fields, "id": fields.get("id") or zmesos.new_id(fields.get("name") or "task")}


def view(task: zmesos.Task) -> dict[str, Any]:
    """A task as JSON."""
    last = task.attempts[-1] if task.attempts else None
    return {
        "id": task.id, "name": task.name, "state": zmesos.state_name(task.state), "over": zmesos.is_over(task),
        "message": task.message, "reason": task.reason, "attempts": len(task.attempts),
        "hostname": last.hostname if last is not None else "", "created": task.created_ns / 1e9, "changed": task.changed_ns / 1e9,
    }


class Gateway:
    """The three requests. zmesos.Client waits, so each of its calls is in a thread of its own."""

    def __init__(self, client: zmesos.Client, hosts: list[str]) -> None:
        self._client = client
        self._hosts = hosts
        self._threads = ThreadPoolExecutor(WORKERS)

    async def _do(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def launch(self, request: web.Request) -> web.Response:
        fields = await wanted(request)
        command, task_id = fields.pop("cmd"), fields["id"]
        try:
            result = await self._do(lambda: self._client.launch(command, **fields))
        except zmesos.TimedOut as error:
            raise Bad("", f"{error}: it may have been launched; send it again with id={task_id}", 503, "TIMED_OUT") from None
        answer = {"id": task_id, "state": result.state, "known": result.known}
        return web.json_response(answer, status=200 if result.known else 201)

    async def show(self, request: web.Request) -> web.Response:
        if "id" in request.query:
            task_id = once(request.query, "id")["id"]
            return web.json_response(view(await self._do(lambda: self._client.task(task_id))))
        query: dict[str, Any] = once(request.query, "state", "label", "prefix", "limit")
        limit = number("limit", int, query.pop("limit", "1000"))
        if not 1 <= limit <= MOST_LISTED:
            raise Bad("limit", f"1 to {MOST_LISTED} is wanted")
        if "state" in query and query["state"].upper() not in zmesos.messages.TaskState.keys():
            raise Bad("state", f"no state; there are {', '.join(zmesos.messages.TaskState.keys())}")
        found = await self._do(lambda: list(itertools.islice(self._client.tasks(**query), limit + 1)))
        return web.json_response({"tasks": [view(task) for task in found[:limit]], "more": len(found) > limit})

    async def kill(self, request: web.Request) -> web.Response:
        task_id = once(request.query, "id").get("id", "")
        if not task_id:
            raise Bad("id", "is missing: which task to end")
        result, = await self._do(lambda: self._client.kill(task_id))
        return web.json_response({"id": task_id, "state": result.state}, status=202)

    @web.middleware
    async def guard(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        """Keeps pages of other sites out (a browser says where they are from, and by which name it came here), and
        tells what goes wrong as JSON."""
        more: dict[str, str] = {}
        try:
            unquote_to_bytes(request.raw_path).decode()  # strictly: the parsed parameters have U+FFFD for what is broken
            origin = request.headers.get("Origin")
            if request.host not in self._hosts:
                raise Bad("Host", f"{request.host} is not one of this gateway's names: see --host", 403, "FORBIDDEN")
            if origin not in (None, f"http://{request.host}", f"https://{request.host}"):
                raise Bad("Origin", f"requests from pages of {origin} are not taken", 403, "FORBIDDEN")
            return await handler(request)
        except web.HTTPException as error:
            status, code, message, field = error.status, "MALFORMED", error.reason, ""
            more = {name: value for name, value in error.headers.items() if name == "Allow"}
        except Bad as error:
            status, code, message, field = error.args
        except zmesos.Refused as error:
            field = "id" if error.code == "NOT_FOUND" else error.field.rpartition("].")[2].replace("command.value", "cmd")
            status, code, message = STATUS.get(error.code, 400), error.code, error.message
        except zmesos.TimedOut as error:
            status, code, message, field = 503, "TIMED_OUT", str(error), ""
        except UnicodeError:
            status, code, message, field = 400, "MALFORMED", "the request has what is no UTF-8", ""
        except ValueError as error:  # of what protobuf does not take
            status, code, message, field = 400, "INVALID", str(error), ""
        except zmesos.ZmesosError as error:
            status, code, message, field = 502, "PROTOCOL", str(error), ""
        if status == 503:
            more["Retry-After"] = "1"
        return web.json_response({"code": code, "message": message, "field": field}, status=status, headers=more)


async def serve(client: zmesos.Client, host: str, port: int, names: list[str]) -> None:
    """Until SIGTERM or SIGINT."""
    hosts: list[str] = []
    gateway = Gateway(client, hosts)
    app = web.Application(middlewares=[gateway.guard], client_max_size=1024 * 1024)
    app.add_routes([web.post("/", gateway.launch), web.get("/", gateway.show), web.delete("/", gateway.kill)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        port = runner.addresses[0][1]
        hosts += names + [f"{name}:{port}" for name in (host, "127.0.0.1", "localhost", "[::1]")]
        end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end.set)
        print(f"gateway ready http://{host}:{port}/", flush=True)
        await end.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description="Launch and kill tasks over HTTP.")
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="default: %(default)s")
    parser.add_argument("--host", action="append", default=[], metavar="NAME", help="one more name:port that requests may be for")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds for zmesosd's answer (default: 5)")
    parser.add_argument("--control", default=zmesos.DEFAULT_CONTROL)
    parser.add_argument("--events", help="default: beside the default --control")
    parser.add_argument("--pipeline", help="default: beside the default --control")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        parser.error("--listen: HOST:PORT is wanted")
    if not options.timeout > 0:
        parser.error("--timeout: seconds above 0 are wanted")
    with zmesos.Client(options.control, options.events, options.pipeline, timeout=options.timeout) as client:
        asyncio.run(serve(client, host, int(port), options.host))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"gateway.py: {error}")
