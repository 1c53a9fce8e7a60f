"""The files that a browser loads: ours, and Debian's Chart.js. Nothing comes from elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Optional

from aiohttp import web

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CHART_PATHS = (
    "/usr/share/javascript/chart.js/chart.min.js",
    "/usr/share/javascript/chart.js/Chart.min.js",
    "/usr/share/nodejs/chart.js/dist/chart.min.js",
)
CHART_MISSING = "Chart.js is not installed (Debian: apt install libjs-chart.js), so there is no chart"


def find_chart(named: Optional[str]) -> Optional[Path]:
    """Chart.js, 3.x: the file that was named, or Debian's."""
    for path in (named,) if named else CHART_PATHS:
        if Path(path).is_file():
            return Path(path)
    return None


class Pages:
    """All in memory: they are few and small. A browser asks each time whether its copy is the newest."""

    def __init__(self, chart: Optional[Path]) -> None:
        self._files = {path.name: (TYPES[path.suffix], path.read_bytes()) for path in STATIC.iterdir() if path.suffix in TYPES}
        if chart is not None:
            self._files["chart.js"] = (TYPES[".js"], chart.read_bytes())
        self._tags = {name: hashlib.sha256(data).hexdigest()[:32] for name, (_, data) in self._files.items()}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/", self.page), web.get("/tasks/{id}", self.page), web.get("/static/{name}", self.file)]

    async def page(self, request: web.Request) -> web.Response:
        return self._answer(request, "index.html")

    async def file(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["name"])

    def _answer(self, request: web.Request, name: str) -> web.Response:
        if name not in self._files:
            words = CHART_MISSING if name == "chart.js" else "there is no such file"
            return web.Response(status=404, text=words + "\n")
        headers = {"Cache-Control": "no-cache", "ETag": f'"{self._tags[name]}"'}
        if f'"{self._tags[name]}"' in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        content_type, data = self._files[name]
        response = web.Response(body=data, headers={**headers, "Content-Type": content_type})
        response.enable_compression()
        return response
