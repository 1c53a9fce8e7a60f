"""The JSON API: docs/dashboard.md describes each answer. Errors are {"error": a sentence, "field": what was at fault}."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Awaitable, Callable, Optional

from aiohttp import web
from zmesos.errors import NotFound, Refused, TimedOut, Unavailable
from zmesos.states import state_number

from . import describe
from .guard import Guard
from .history import SPANS
from .model import ORDERS, Query, read_terms
from .service import Service

log = logging.getLogger("zmesos-dashboard")

PAGE_DEFAULT, PAGE_MOST = 50, 500
TEXT_MOST = 500  # characters of a search
PAGES_KEPT = 32  # answers that several browsers ask for
QUIET = 15.0  # seconds, after which a comment keeps a stream open
STALLED = 30.0  # seconds in which a browser has to take what it is sent

_dumps = json.JSONEncoder(separators=(",", ":")).encode


def answer(body: Any, status: int = 200) -> web.Response:
    """JSON in ASCII: what is no text (half a surrogate pair) is escaped as well."""
    return web.json_response(body, status=status, dumps=_dumps)


class Bad(Exception):
    """A parameter that is refused."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class Api:
    """The handlers."""

    def __init__(self, service: Service, guard: Guard, facts: dict[str, Any], allow_kill: bool) -> None:
        """facts: of the dashboard, as they are in /api/status."""
        self._service = service
        self._guard = guard
        self._facts = facts
        self._allow_kill = allow_kill
        self._pages: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.ending = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/status", self.status),
            web.get("/api/history", self.history),
            web.get("/api/tasks", self.tasks),
            web.get("/api/tasks/{id}", self.task),
            web.post("/api/tasks/{id}/kill", self.kill),
            web.get("/api/agents", self.agents),
            web.get("/api/events", self.events),
            web.route("*", "/api/{rest:.*}", self.nothing),
        ]

    @web.middleware
    async def errors(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refusals as JSON."""
        try:
            return await handler(request)
        except Bad as error:
            return answer({"error": str(error), "field": error.field}, 400)
        except web.HTTPMethodNotAllowed as error:
            words = f"{request.method} is not for this; {', '.join(sorted(error.allowed_methods))} is"
            return answer({"error": words, "field": ""}, 405)

    async def nothing(self, request: web.Request) -> web.Response:
        return answer({"error": "there is no such resource", "field": ""}, 404)

    # ---- reading --------------------------------------------------------------------------------------

    async def status(self, request: web.Request) -> web.Response:
        _only(request)
        token = {"token": self._guard.token} if self._allow_kill else {}
        found = self._service.status_json()
        return answer({**found, "dashboard": {**self._facts, "allow_kill": self._allow_kill, **token}})

    async def history(self, request: web.Request) -> web.Response:
        _only(request, "span")
        span = request.query.get("span", SPANS[0].name)
        names = [known.name for known in SPANS]
        if span not in names:
            raise Bad("span", f"a span is one of {', '.join(names)}")
        points = self._service.history.points(span, int(self._service.now()))
        return answer({**points, "phase": self._service.phase})

    async def tasks(self, request: web.Request) -> web.Response:
        _only(request, "q", "state", "order", "page", "size")
        query = _query(request)
        page = _number(request, "page", 1, 1, 1_000_000)
        size = _number(request, "size", PAGE_DEFAULT, 1, PAGE_MOST)
        model = self._service.model
        key = (self._service.epoch, model.version, query, page, size)
        found = self._pages.get(key)
        if found is None:
            total, rows = model.find(query, (page - 1) * size, size)
            found = {
                "total": total,
                "page": page,
                "pages": max(1, -(-total // size)),
                "size": size,
                "version": model.version,
                "tasks": [describe.listed(row) for row in rows],
            }
            if len(self._pages) >= PAGES_KEPT:
                self._pages.clear()
            self._pages[key] = found
        return answer(found)

    async def task(self, request: web.Request) -> web.Response:
        _only(request)
        task_id = _task_id(request)
        try:
            found = await self._service.task_json(task_id)
        except Unavailable as error:
            return answer({"error": error.message, "field": ""}, 503)
        if found is None:
            return answer({"error": "there is no such task, or it is not known any more", "field": "id"}, 404)
        return answer(found)

    async def agents(self, request: web.Request) -> web.Response:
        _only(request)
        return answer({"told": self._service.agents_told, "agents": self._service.agents_found or []})

    # ---- live -----------------------------------------------------------------------------------------

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Until the browser goes, or does not take what it is sent."""
        _only(request, "after")
        hub = self._service.hub
        listener = hub.join(request.headers.get("Last-Event-ID", request.query.get("after", "")))
        if listener is None:
            return answer({"error": f"{hub.most} browsers are listening, which is the limit", "field": ""}, 503)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            while not self.ending.is_set():
                data = await listener.next(QUIET)
                if self.ending.is_set():
                    break
                if data is None:
                    data = b": quiet\n\n"
                elif data == b"":
                    data = hub.reset()
                await asyncio.wait_for(response.write(data), STALLED)
        except (ConnectionError, asyncio.TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            hub.leave(listener)
        return response

    # ---- changing -------------------------------------------------------------------------------------

    async def kill(self, request: web.Request) -> web.Response:
        if not self._allow_kill:
            return answer({"error": "this dashboard kills nothing; --allow-kill allows it", "field": ""}, 403)
        _only(request)
        refused = self._guard.may_change(request)
        if refused:
            return answer({"error": f"refused: {refused}", "field": ""}, 403)
        task_id = _task_id(request)
        try:
            await self._service.kill(task_id)
        except NotFound:
            return answer({"error": "there is no such task", "field": "id"}, 404)
        except Refused as error:
            return answer({"error": str(error), "field": error.field}, 503 if error.retry else 400)
        except TimedOut:
            return answer({"error": "zmesosd does not answer; the kill may have been taken", "field": ""}, 503)
        log.info("killed by %s: %r", request.remote, task_id)
        return answer({"id": task_id, "code": "OK"})


def _only(request: web.Request, *names: str) -> None:
    for name in request.query:
        if name not in names:
            raise Bad(name, "there is no such parameter here")


def _number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not least <= int(text) <= most:
        raise Bad(name, f"a number from {least} to {most}")
    return int(text)


def _task_id(request: web.Request) -> str:
    task_id = request.match_info["id"]
    try:
        size = len(task_id.encode())
    except UnicodeEncodeError:
        size = 0
    if not 1 <= size <= 200:
        raise Bad("id", "an id has 1 to 200 bytes of UTF-8")
    return task_id


def _query(request: web.Request) -> Query:
    text = request.query.get("q", "")
    if len(text) > TEXT_MOST:
        raise Bad("q", f"at most {TEXT_MOST} characters")
    order: Optional[str] = request.query.get("order", ORDERS[0])
    if order not in ORDERS:
        raise Bad("order", f"an order is one of {', '.join(ORDERS)}")
    states = set()
    for name in request.query.getall("state", []):
        try:
            states.add(state_number(name))
        except ValueError:
            raise Bad("state", "no such state; as RUNNING") from None
    return Query(read_terms(text), frozenset(states), order)
