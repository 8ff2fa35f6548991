"""The hosts in which `sock check` starts an application, and the process that it starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

ECHO: Final = "echo"
"""In place of MODULE:APP: an echo, with the options that the application carries."""

SUITE: Final = "suite"
"""In place of MODULE:APP: the application of the statements' suite."""

APP: Final = "SOCK_CHECK_APP"
"""The variable that says what the process serves: MODULE:APP, `ECHO` and MODULE:APP, or `SUITE`."""

FOLDER: Final = "SOCK_CHECK_FOLDER"
"""The variable with the folder in which modules are looked for first."""

FACTORY: Final = "SOCK_CHECK_FACTORY"
"""The variable that is there if APP is called without arguments, and returns the application."""

DRAIN: Final = "2"
"""Seconds for a drain: `sock.testing.contract.DRAIN_BOUND`, which is not imported for `--help`."""

_START: Final = 30.0
_STOP: Final = 5.0

_IN_A_ROUTE: Final = ("heads", "lifespan")
_WSGI: Final = ("heads", "fields")
_ASGI: Final = (
    *("heads", "control", "idle", "leaving", "violations", "handshake", "options", "writes"),
)
_UVICORN: Final = (*_ASGI, "buffer", "early", "drain")


@final
@dataclass(frozen=True, slots=True)
class CheckHost:
    """A host that `sock check` can start.

    Args:
        command: the arguments of Python; "{port}" stands for the port.
        limits: words of `sock.testing.contract.LIMITS`: what the host declares.
    """

    command: tuple[str, ...]
    limits: tuple[str, ...] = ()


def _own(name: str) -> tuple[str, ...]:
    return "-m", "sock.cli.check.serve", name, "{port}"


def _uvicorn(ws: str) -> tuple[str, ...]:
    app = "sock.cli.check.asgi:app"
    return (
        *("-m", "uvicorn", app, "--port", "{port}", "--ws", ws, "--log-level", "warning"),
        *("--timeout-graceful-shutdown", DRAIN),
    )


def _gunicorn(*arguments: str) -> tuple[str, ...]:
    return (
        *("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket"),
        *("--log-level", "warning", *arguments, "sock.cli.check.wsgi:app"),
    )


HOSTS: Final = {
    "sock": CheckHost(_own("sock")),
    "uvicorn": CheckHost(_uvicorn("sock.adapters.uvicorn:SockProtocol"), ("heads",)),
    "aiohttp": CheckHost(_own("aiohttp"), _IN_A_ROUTE),
    "tornado": CheckHost(_own("tornado"), _IN_A_ROUTE),
    "websockets": CheckHost(
        _own("websockets"),
        (
            *(*_IN_A_ROUTE, "requests", "received"),
            *("control", "close", "violations", "handshake", "options", "writes"),
        ),
    ),
    # A peer that has sent half a head keeps a thread, and many cases are tried at a time.
    "gunicorn-gthread": CheckHost(_gunicorn("--threads", "64"), _WSGI),
    "gunicorn-sync": CheckHost(_gunicorn(), (*_WSGI, "handshake", "requests")),
    "werkzeug": CheckHost(_own("werkzeug"), (*_WSGI, "handshake")),
    "uvicorn-websockets-sansio": CheckHost(_uvicorn("websockets-sansio"), (*_UVICORN, "close")),
    "uvicorn-websockets": CheckHost(_uvicorn("websockets"), (*_UVICORN, "text")),
    "uvicorn-wsproto": CheckHost(_uvicorn("wsproto"), (*_UVICORN, "close", "detail")),
    "hypercorn": CheckHost(
        ("-m", "hypercorn", "sock.cli.check.asgi:app", "--bind", "127.0.0.1:{port}"),
        (*_ASGI, "detail", "early", "drain"),
    ),
    "granian": CheckHost(
        (
            *("-m", "granian", "--interface", "asgi", "--port", "{port}"),
            *("--log-level", "warning", "sock.cli.check.asgi:app"),
        ),
        (*_ASGI, "close", "detail", "headers", "drain"),
    ),
    "daphne": CheckHost(
        ("-m", "daphne", "--port", "{port}", "--verbosity", "0", "sock.cli.check.asgi:app"),
        (
            *(*_ASGI, "buffer", "close", "detail", "pressure", "responses"),
            *("headers", "codes", "empty", "early", "drain", "fields", "lifespan"),
        ),
    ),
}
"""The hosts by the names that the command line knows."""


class NotStarted(Exception):
    """The host did not start. The text is what it has printed."""


@contextmanager
def started(
    name: str, app: str, folder: Path, *, factory: bool = False
) -> Generator[tuple[int, subprocess.Popen[bytes]]]:
    """Start an application in a host, in a process of its own; end it.

    Args:
        name: of `HOSTS`.
        app: MODULE:APP, `ECHO` or `SUITE`.
        folder: where modules are looked for first.
        factory: whether APP is called without arguments, and returns the application.

    Yields:
        The port on loopback, and the process.

    Raises:
        NotStarted: it did not start.
    """
    port = _free_port()
    # Without -P the folder would hide packages of the server that have the name of one in it.
    command = [sys.executable, "-P", *(part.format(port=port) for part in HOSTS[name].command)]
    variables = {APP: app, FOLDER: str(folder)} | ({FACTORY: "1"} if factory else {})
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own table
            command,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _listens(process, port):
                log.seek(0)
                raise NotStarted(log.read().decode(errors="replace").strip())
            yield port, process
        finally:
            _end(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                # TCP connects a socket to itself if it happens to get this very port.
                if probe.getsockname() != probe.getpeername():
                    return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            # Its session is its own, so that nothing else is ended.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
