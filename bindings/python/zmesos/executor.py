"""Python functions as tasks: an Executor after concurrent.futures.Executor. docs/executor.md describes it.

    with zmesos.Executor(cpus=0.5, mem=256) as executor:
        print(sum(executor.map(math.factorial, range(100))))
"""

from __future__ import annotations

import concurrent.futures
import itertools
import resource
import secrets
import shlex
import socket
import time
import weakref
from collections import deque
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, ParamSpec, TypeVar

from .client import Client
from .delivery import Server
from .errors import ZmesosError
from .functions import PICKLERS, cloudpickle, pack
from .jobs import Job, Jobs, TaskFuture
from .messages import TaskSpec
from .specs import new_id, task_spec

Args = ParamSpec("Args")
Value = TypeVar("Value")

MAX_BYTES = 64 << 20
LABEL = "zmesos.executor"
NOT_OPTIONS = frozenset({"command", "id", "group", "placer", "executor", "data", "spec"})
OTHER_FILES = 64  # descriptors that the rest of the program may need
NAME_BYTES = 200
FOLLOW_WITHIN = 10.0  # seconds until events are heard; longer where the client has more patience
START = "import os; exec(os.environ.pop('ZMESOS_FUNCTION_START'))"  # a short line for people who look at processes


def bootstrap() -> str:
    """bootstrap.py without what it says of itself: each task has it, for as long as the daemon keeps the task."""
    return Path(__file__).with_name("bootstrap.py").read_text("utf-8").split('"""', 2)[2].lstrip()


class Executor(concurrent.futures.Executor):
    """Calls functions in tasks of a Mesos cluster, one each; submit() and map() as the standard's.

    client: of the daemon; default: one of its own, of the default endpoints.
    max_tasks: that are launched and not over, at once; others wait here. max_waiting: how many may: then submit() waits too.
    listen: host and port on which tasks deliver; address: how agents reach that, where it is another ("host" or "host:port").
    max_bytes: of a function with its arguments, and of its result, pickled.
    python: the interpreter on the agents, of this version; pickler: "cloudpickle", or "pickle" where that is not installed.
    options: of each task, as task_spec() takes them: cpus, mem, labels, constraints, retry, container, env, uris, ...;
    image: a Docker image for Mesos's own containerizer.

    TimedOut if the daemon does not answer. What a task ended by that brought no result is BrokenTask.
    """

    def __init__(
        self,
        client: Optional[Client] = None,
        *,
        max_tasks: int = 256,
        max_waiting: Optional[int] = None,
        listen: str = "127.0.0.1:0",
        address: Optional[str] = None,
        max_bytes: int = MAX_BYTES,
        python: str = "python3",
        pickler: Optional[str] = None,
        **options: Any,
    ) -> None:
        _check_numbers(max_tasks, max_waiting, max_bytes)
        self._pickler = _pickler(pickler)
        self._max_bytes = max_bytes
        self._options = _checked({"python": python, **options})
        self._root = self  # views keep it alive: when it goes, all is shut down
        self.id = new_id("functions")
        self._numbers = itertools.count(1)
        self._bootstrap = bootstrap()

        listener, self.address = _listen(listen, address)
        close: Callable[[], None] = lambda: None  # noqa: E731
        follower = None
        try:
            if client is None:
                client = Client()
                close = client.close
            if client.events_endpoint is None:
                raise ZmesosError("an Executor needs a client with an events endpoint")
            client.status()  # a daemon that is not there is told at once
            follower = client.follow(f"task/{self.id}-", ready=max(FOLLOW_WITHIN, client.timeout))
            self._jobs = Jobs(client, follower, max_tasks, max_waiting, self.address, close)
            self._server = Server(listener, secrets.token_bytes(32), max_bytes, max_tasks + OTHER_FILES // 2, self._jobs)
            self._jobs.start(self._server)
        except BaseException:
            listener.close()
            if follower is not None:
                follower.close()
            close()
            raise
        weakref.finalize(self, self._jobs.abandon).atexit = False

    def __repr__(self) -> str:
        return f"<Executor {self.id} at {self.address}>"

    def with_options(self, **options: Any) -> "Executor":
        """The same executor, with other options for what is submitted by it: those named here take the place of its own.
        None takes one back. shutdown() of one is that of all."""
        other = object.__new__(Executor)
        other.__dict__.update(self.__dict__)
        other._options = _checked({**self._options, **options})
        return other

    # Positional alone, as the standard's: the function may have arguments of any name.
    def submit(self, fn: Callable[Args, Value], /, *args: Args.args, **kwargs: Args.kwargs) -> TaskFuture[Value]:
        """Has fn(*args, **kwargs) called in a task of its own; its future. What is handed over is pickled now. What cannot
        be, is an exception of the future; so is a launch that the daemon refuses."""
        return self._submit(fn, args, kwargs, many=False)

    def map(
        self,
        fn: Callable[..., Value],
        *iterables: Iterable[Any],
        timeout: Optional[float] = None,
        chunksize: int = 1,
        buffersize: Optional[int] = None,
    ) -> Iterator[Value]:
        """The results of fn for the elements of the iterables taken together, in order.

        chunksize: so many calls a task. timeout: seconds from now, after which the next result is a TimeoutError.
        buffersize: at most so many tasks are submitted ahead of the result that is asked for, so that the iterables may be
        endless; without it they are read at once. What is not begun is cancelled when the iterator ends early.
        """
        _check_number("chunksize", chunksize, 1)
        if buffersize is not None:
            _check_number("buffersize", buffersize, 1)
        deadline = None if timeout is None else time.monotonic() + timeout
        calls = zip(*iterables)
        runs = iter(lambda: list(itertools.islice(calls, chunksize)), [])
        futures: "Iterator[TaskFuture[list[Value]]]" = (self._submit(fn, run, {}, many=True) for run in runs)
        return _results(deque(itertools.islice(futures, buffersize)), futures, deadline)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes nothing more. cancel_futures: what has not begun is cancelled; else everything is finished. wait: returns
        when all futures are done; else at once, and the program does not end before."""
        self._jobs.shutdown(wait, cancel_futures)

    def kill_all(self) -> None:
        """Cancels what has not begun, and kills the tasks of all that runs: TaskFuture.kill() of each."""
        futures = self._jobs.futures()
        for future in futures:
            future.cancel()
        self._jobs.kill(future.task_id for future in futures)

    def _submit(self, fn: Callable[..., Any], positional: Any, named: Mapping[str, Any], many: bool) -> TaskFuture[Any]:
        task_id = f"{self.id}-{next(self._numbers)}"
        future: TaskFuture[Any] = TaskFuture(task_id, self._jobs)
        job = Job(future, TaskSpec(), None)
        try:
            if not callable(fn):
                raise TypeError(f"{fn!r} cannot be called")
            job.payload = pack(fn, positional, named, many, self._pickler, self._max_bytes)
        except Exception as error:
            self._jobs.settle(job, error)
            return future
        job.spec = self._spec(task_id, fn)
        self._jobs.submit(job)
        return future

    def _spec(self, task_id: str, fn: Callable[..., Any]) -> TaskSpec:
        options = dict(self._options)
        python = options.pop("python")
        name = getattr(fn, "__qualname__", type(fn).__qualname__).encode()[:NAME_BYTES].decode("utf-8", "ignore")
        options.setdefault("name", name)
        options["labels"] = {**options.get("labels", {}), LABEL: self.id}
        options["env"] = {
            **options.get("env", {}),
            "ZMESOS_FUNCTION_ADDRESS": self.address,
            "ZMESOS_FUNCTION_TASK": task_id,
            "ZMESOS_FUNCTION_KEY": self._server.key(task_id).hex(),
            "ZMESOS_FUNCTION_START": self._bootstrap,
        }
        return task_spec(f"exec {shlex.quote(python)} -c {shlex.quote(START)}", id=task_id, **options)


def _results(
    futures: "deque[TaskFuture[list[Value]]]", more: "Iterator[TaskFuture[list[Value]]]", deadline: Optional[float]
) -> Iterator[Value]:
    try:
        while futures:
            future = futures.popleft()
            try:
                values = future.result(None if deadline is None else deadline - time.monotonic())
            except BaseException:
                future.cancel()
                raise
            del future
            futures.extend(itertools.islice(more, 1))
            values.reverse()
            while values:
                yield values.pop()
    finally:
        for future in futures:
            future.cancel()


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as task_spec() has them; raises for those that it does not take, or not here."""
    made = {name: value for name, value in options.items() if value is not None}
    wrong = NOT_OPTIONS & made.keys()
    if wrong:
        raise TypeError(f"{', '.join(sorted(wrong))}: the Executor says that itself")
    image = made.pop("image", None)
    if image is not None:
        if "container" in made:
            raise ValueError("an image or a container, not both")
        made["container"] = {"type": "MESOS", "mesos": {"image": {"type": "DOCKER", "docker": {"name": image}}}}
    python = made.setdefault("python", "python3")
    if not isinstance(python, str) or not python:
        raise ValueError("python is the name or the path of an interpreter")
    for name, value in made.items():
        try:
            task_spec("true", id="to-see", **({} if name == "python" else {name: value}))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        except (TypeError, AttributeError) as error:
            raise TypeError(f"{name}: {error}") from error
    return made


def _check_number(name: str, value: int, least: int) -> None:
    if not isinstance(value, int):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{name} is at least {least}")


def _check_numbers(max_tasks: int, max_waiting: Optional[int], max_bytes: int) -> None:
    _check_number("max_tasks", max_tasks, 1)
    if max_waiting is not None:
        _check_number("max_waiting", max_waiting, 1)
    _check_number("max_bytes", max_bytes, 1024)
    if max_bytes > 1 << 40:
        raise ValueError("max_bytes is at most 1 TiB")
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if max_tasks > files - OTHER_FILES:
        raise ValueError(
            f"max_tasks is {max_tasks}, and each running task has a connection: this process may have {files} open files "
            f"(ulimit -n), which is enough for {max(0, files - OTHER_FILES)}"
        )


def _pickler(name: Optional[str]) -> str:
    if name is None:
        return "cloudpickle" if cloudpickle() is not None else "pickle"
    if name not in PICKLERS:
        raise ValueError(f"pickler is one of {', '.join(PICKLERS)}")
    if name == "cloudpickle" and cloudpickle() is None:
        raise ModuleNotFoundError("cloudpickle is not installed (Debian: python3-cloudpickle)", name=name)
    return name


def _listen(listen: str, address: Optional[str]) -> tuple[socket.socket, str]:
    """A socket bound there, and the address that tasks are told."""
    host, port = _place(listen, "listen")
    wild = host in ("", "0.0.0.0", "::", "*")
    if wild and address is None:
        raise ValueError(f"listen is {listen}: say by `address` how agents reach this machine")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0" if host in ("", "*") else host, port or 0))
        bound = listener.getsockname()[1]
        told, told_port = (host, None) if address is None else _place(address, "address")
        if not told:
            raise ValueError("address has no host")
        return listener, f"[{told}]:{told_port or bound}" if ":" in told else f"{told}:{told_port or bound}"
    except BaseException:
        listener.close()
        raise


def _place(text: str, what: str) -> tuple[str, Optional[int]]:
    """Host and port of "host:port", "[::1]:port", or of the host alone."""
    if not isinstance(text, str):
        raise TypeError(f"{what} is a text, not {text!r}")
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]") or ":" in host and not host.startswith("["):
        host, port = text, ""
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError(f"{what} is {text!r}: a host, or host:port with a port of at most 65535")
    return host.strip("[]"), int(port) if port else None
