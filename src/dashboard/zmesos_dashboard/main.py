"""zmesos-dashboard: the program. It follows one zmesosd and serves its dashboard until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from typing import Optional

import zmesos
import zmq
from aiohttp import web
from zmesos.errors import Refused, TimedOut, ZmesosError

from .api import Api
from .guard import Guard, add_headers
from .hub import Hub
from .pages import CHART_MISSING, Pages, find_chart
from .service import Service
from .source import Source

log = logging.getLogger("zmesos-dashboard")

EVERYWHERE = ("0.0.0.0", "::")
ANNOUNCE_AGAIN = 2.0  # seconds
HELP = """\
Shows the tasks of a zmesosd in a browser, live: http://127.0.0.1:5580/ unless told otherwise. It has no passwords:
whoever reaches the port sees every task. docs/dashboard.md has more.

Prints one line on standard output once it serves: zmesos-dashboard ready url=URL"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="zmesos-dashboard", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    environment = os.environ.get
    parser.add_argument(
        "--control",
        type=_endpoint,
        default=environment("ZMESOS_CONTROL") or zmesos.DEFAULT_CONTROL,
        help="zmesosd's endpoint (default: $ZMESOS_CONTROL, or %(default)s)",
    )
    parser.add_argument("--events", type=_endpoint, default=environment("ZMESOS_EVENTS"), help="default: $ZMESOS_EVENTS, or beside --control's default")
    parser.add_argument("--pipeline", type=_endpoint, default=environment("ZMESOS_PIPELINE"), help="likewise, $ZMESOS_PIPELINE")
    parser.add_argument("--bind", default="127.0.0.1", help="address to serve on (default: %(default)s, this machine alone)")
    parser.add_argument("--port", type=_port, default=5580, help="default: %(default)s; 0: any that is free")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a name that browsers use for this machine; several times"
    )
    parser.add_argument("--allow-kill", action="store_true", help="tasks can be killed from the browser")
    parser.add_argument(
        "--announce",
        nargs="?",
        const="",
        metavar="URL",
        help="have the daemon tell the master URL (default: this dashboard's) as the framework's webui_url",
    )
    parser.add_argument("--tasks-max", type=_positive, default=200_000, metavar="N", help="tasks kept here (default: %(default)s)")
    parser.add_argument("--browsers-max", type=_positive, default=64, metavar="N", help="browsers at once (default: %(default)s)")
    parser.add_argument("--chart-js", metavar="FILE", help="Chart.js 3 (default: where Debian's libjs-chart.js has it)")
    parser.add_argument("--log-level", choices=("error", "warning", "info", "debug"), default="info")
    return parser


def _port(text: str) -> int:
    return _between(text, 0, 65535)


def _endpoint(text: str) -> str:
    """What ZeroMQ takes: it looks at the words alone, and connects later."""
    with zmq.Context.instance().socket(zmq.REQ) as trial:
        trial.linger = 0
        try:
            trial.connect(text)
        except zmq.ZMQError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is no endpoint, as tcp://127.0.0.1:5560 is: {error}") from None
    return text


def _positive(text: str) -> int:
    return _between(text, 1, 10_000_000)


def _between(text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"expected {least} to {most}, got {text!r}")
    return int(text)


async def announce(client: zmesos.Client, service: Service, url: str) -> None:
    """Has the daemon tell the master, once for each run of the daemon: other flags of it may say something else."""
    told: Optional[tuple[str, int]] = None
    while True:
        beat = service.beat
        if beat is not None and not service.away and (beat.store, beat.run) != told:
            try:
                await asyncio.to_thread(client.update_framework, webui_url=url)
                told = (beat.store, beat.run)
                log.info("the master has been told webui_url %s", url)
            except (TimedOut, Refused) as error:
                if isinstance(error, Refused) and not error.retry:
                    log.error("the master is not told webui_url: %s", error)
                    return
                log.debug("the master cannot be told yet: %s", error)
        await asyncio.sleep(ANNOUNCE_AGAIN)


def _url(bind: str, port: int) -> str:
    name = socket.getfqdn() if bind in EVERYWHERE else bind
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


async def serve(options: argparse.Namespace) -> int:
    """Until a signal, or a failure."""

    def make_client() -> zmesos.Client:
        return zmesos.Client(options.control, options.events, options.pipeline)

    chart = find_chart(options.chart_js)
    if chart is None:
        log.warning("%s", CHART_MISSING)
    loop = asyncio.get_running_loop()
    ended: "asyncio.Future[int]" = loop.create_future()

    def end(status: int) -> None:
        if not ended.done():
            ended.set_result(status)

    def failed(error: BaseException) -> None:
        log.error("stopping: a thread has failed", exc_info=error)
        end(1)

    def done(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            failed(error)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, 0)

    with make_client() as client:
        service = Service(client, Hub(options.browsers_max), options.tasks_max)
        # The address that is told for all interfaces has this machine's full name.
        guard = Guard([*options.allow_host, options.bind, *([socket.getfqdn()] if options.bind in EVERYWHERE else [])])
        facts = {"started_ms": int(time.time() * 1000), "chart": chart is not None, "control": options.control}
        api = Api(service, guard, facts, options.allow_kill)
        app = web.Application(middlewares=[guard.middleware(), api.errors], client_max_size=64 * 1024)
        app.on_response_prepare.append(add_headers)
        app.add_routes(api.routes() + Pages(chart).routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        source = Source(make_client, service, failed)
        tasks: list["asyncio.Task[None]"] = []
        try:
            site = web.TCPSite(runner, options.bind, options.port, shutdown_timeout=1.0)
            try:
                await site.start()
            except OSError as error:
                log.error("cannot serve on %s:%d: %s", options.bind, options.port, error.strerror)
                return 2
            assert site._server is not None and isinstance(site._server, asyncio.Server)
            url = _url(options.bind, site._server.sockets[0].getsockname()[1])
            source.start()
            tasks.append(asyncio.create_task(service.tell_for_ever()))
            if options.announce is not None:
                tasks.append(asyncio.create_task(announce(client, service, options.announce or url)))
            for task in tasks:
                task.add_done_callback(done)
            print(f"zmesos-dashboard ready url={url}", flush=True)
            status = await ended
        finally:
            api.ending.set()
            service.hub.close()
            for task in tasks:
                task.cancel()
            await asyncio.to_thread(source.stop)
            await runner.cleanup()
        return status


def main() -> int:
    options = arguments().parse_args()
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    if options.control != zmesos.DEFAULT_CONTROL and not options.events:
        print("zmesos-dashboard: --control is another than the default: name --events too", file=sys.stderr)
        return 2
    try:
        with contextlib.suppress(KeyboardInterrupt):
            return asyncio.run(serve(options))
    except ZmesosError as error:
        print(f"zmesos-dashboard: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
