"""The program: flags, the thread that counts, and the HTTP server that is scraped."""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Callable, Iterable, Optional, Sequence
from wsgiref.simple_server import WSGIRequestHandler, make_server

import zmesos
from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from .account import Account
from .collector import DaemonCollector
from .labels import LabelSets
from .numbers import EventNumbers
from .saved import Unreadable, load, try_to_save
from .watch import Watch

LISTEN = "127.0.0.1:9564"
PAGE = b'<!doctype html><title>zmesos-exporter</title><p>zmesos-exporter: <a href="/metrics">metrics</a></p>\n'
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class QuietHandler(WSGIRequestHandler):
    """Logs no requests; a client that says nothing is not waited for for ever."""

    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def address(text: str) -> tuple[str, int]:
    """HOST:PORT or [HOST]:PORT."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535 or not host.strip("[]"):
        raise argparse.ArgumentTypeError(f"HOST:PORT is wanted, and not '{text}'")
    return host.removeprefix("[").removesuffix("]"), int(port)


def endpoint(text: str) -> str:
    """Of TCP or a Unix socket: what libzmq says of others names no word."""
    if not re.fullmatch(r"tcp://.+:\d{1,5}|ipc://.+", text):
        raise argparse.ArgumentTypeError(f"an endpoint such as {zmesos.DEFAULT_CONTROL} is wanted, and not '{text}'")
    return text


def seconds(text: str) -> float:
    """Above 0, at most a minute."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError(f"seconds above 0 and up to 60 are wanted, and not '{text}'")
    return value


def routes(metrics: App) -> App:
    """/metrics, and a page that leads there."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Type", "text/plain")])
            return [b"only GET and HEAD\n"]
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start_response)
        if environ["PATH_INFO"] == "/":
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [PAGE]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"metrics are at /metrics\n"]

    return app


def serve(place: tuple[str, int], app: App) -> ThreadingWSGIServer:
    """Bound, and not serving yet."""
    family = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)[0][0]
    server = type("Server", (ThreadingWSGIServer,), {"address_family": family})
    return make_server(place[0], place[1], app, server, QuietHandler)


def options_of(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="zmesos-exporter", description="Metrics of a zmesosd for Prometheus.")
    parser.add_argument("--listen", type=address, default=LISTEN, metavar="HOST:PORT",
                        help=f"of the HTTP server; port 0: any that is free (default: {LISTEN})")
    parser.add_argument("--control", type=endpoint, default=os.environ.get("ZMESOS_CONTROL") or zmesos.DEFAULT_CONTROL,
                        metavar="ENDPOINT", help="default: ZMESOS_CONTROL, or %(default)s")
    parser.add_argument("--events", type=endpoint, default=os.environ.get("ZMESOS_EVENTS") or None, metavar="ENDPOINT",
                        help="default: ZMESOS_EVENTS, or what goes with the default of --control")
    parser.add_argument("--state", type=Path, metavar="FILE",
                        help="where counters are kept, so that another start goes on with them (default: nowhere)")
    parser.add_argument("--label", action="append", default=[], metavar="KEY",
                        help="tell ends and tasks by this label of theirs; several times for several")
    parser.add_argument("--label-sets", type=int, default=100, metavar="N",
                        help="how many different sets of these labels, before others are told as 'other' (default: 100)")
    parser.add_argument("--timeout", type=seconds, default=2.0, metavar="SECONDS",
                        help="for the daemon's answer during a scrape (default: 2)")
    options = parser.parse_args(arguments)
    if options.control != zmesos.DEFAULT_CONTROL and options.events is None:
        parser.error("--control is not the default: give --events as well")
    try:
        options.label_sets = LabelSets(options.label, options.label_sets)
    except ValueError as error:
        parser.error(f"--label: {error}")
    return options


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = options_of(arguments)
    account, numbers = Account(options.label_sets), EventNumbers()
    try:
        if options.state is not None:
            load(options.state, account, numbers)
            try_to_save(options.state)
    except (Unreadable, OSError) as error:
        print(f"zmesos-exporter: {error}", file=sys.stderr)
        return 1
    # An Event would not do: set() takes a lock, which the main thread may hold when a signal comes.
    end: SimpleQueue[None] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.put(None))
    with zmesos.Client(options.control, options.events) as client:
        watch = Watch(client, account, numbers, options.state, lambda: end.put(None))
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(DaemonCollector(client, watch, options.timeout))
        try:
            server = serve(options.listen, routes(make_wsgi_app(registry)))
        except OSError as error:
            print(f"zmesos-exporter: cannot listen on {options.listen[0]}:{options.listen[1]}: {error}", file=sys.stderr)
            return 1
        serving = threading.Thread(target=server.serve_forever, name="http", daemon=True)
        with server:
            watch.start()
            serving.start()
            host, port = str(server.server_address[0]), server.server_address[1]
            print(f"zmesos-exporter ready http://{f'[{host}]' if ':' in host else host}:{port}/metrics", flush=True)
            end.get()
            server.shutdown()
        try:
            watch.stop()
        except OSError as error:
            watch.error = watch.error or error
    if watch.error is not None:
        print(f"zmesos-exporter: {type(watch.error).__name__}: {watch.error}", file=sys.stderr)
        return 1
    return 0
