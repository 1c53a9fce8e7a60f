"""What protects the dashboard. It has no passwords: whoever reaches its port sees all tasks. By default only this machine does.

- Host: a page of another site cannot have its name point here (DNS rebinding): names that are not ours are refused.
- Everything that is answered says that no script but ours runs, nothing comes from elsewhere, and no other site embeds it.
- Kills need a token that only a page of ours can read, and come from our own origin.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from typing import Awaitable, Callable, Iterable, Optional
from urllib.parse import urlsplit

from aiohttp import web

TOKEN_HEADER = "X-Zmesos-Token"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """names: under which this service may be asked for, besides localhost, this machine's name and any IP address."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.token = secrets.token_urlsafe(24)
        self._names = {"localhost", socket.gethostname().lower(), *(name.lower().rstrip(".") for name in names)}

    def host_is_ours(self, header: str) -> bool:
        """Whether a Host header names this service. An address is never another site's: its pages come from us."""
        name = _name(header)
        if name is None:
            return False
        try:
            ipaddress.ip_address(name)
            return True
        except ValueError:
            return name.rstrip(".") in self._names

    def may_change(self, request: web.Request) -> Optional[str]:
        """Why a request may change nothing; None where it may."""
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower():
            return "it comes from another site"
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return "it comes from another site"
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            return f"the header {TOKEN_HEADER} has not the token of /api/status"
        return None

    def middleware(self) -> Callable[[web.Request, Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[web.StreamResponse]]:
        """Refuses other names."""

        @web.middleware
        async def check(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            if not self.host_is_ours(request.headers.get("Host", "")):
                return web.json_response(
                    {"error": "this service has no such name; --allow-host NAME allows one", "field": "Host"}, status=421
                )
            return await handler(request)

        return check


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """To everything, before its headers leave."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def _name(header: str) -> Optional[str]:
    """The name or address in a Host header, without its port."""
    try:
        parts = urlsplit(f"//{header}")
        parts.port  # noqa: B018  (raises where it is none)
        return parts.hostname.lower() if parts.hostname and not parts.username and not parts.path else None
    except ValueError:
        return None
