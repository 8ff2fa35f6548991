"""`sock run` with an ASGI application: starts uvicorn with our protocol."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from sock.hosting.members import Members

from . import log
from .health import Health
from .lifespan_signals import InterruptibleLifespan
from .protocol import SockProtocol
from .worker import run_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from .worker import Place

_CANNOT_START: Final = 1


def run(
    found: Any,
    *,
    host: str,
    port: int,
    drain_timeout: float | None,
    health: str | None,
    stopped: Callable[[], None],
    loop: str,
    log_level: str,
    log_format: str,
    access_log: bool,
    log_query: bool,
    debug: bool,
    tls: Mapping[str, Any],
    root_path: str,
    forwarded_allow_ips: str | None,
    uds: str | None,
    place: Place | None = None,
) -> None:
    """Serve an ASGI application on uvicorn until SIGINT or SIGTERM, which drain.

    Args:
        found: the application.
        host: a name or an address.
        port: 0 for a free one.
        drain_timeout: seconds that a stop may take; None for no limit.
        health: the path of the health check; None for no health check.
        stopped: is called when uvicorn has stopped and the process is about to end.
        loop: "auto", "asyncio" or "uvloop".
        log_level: the lowest level that is shown.
        log_format: "text" or "json".
        access_log: whether to show a line for each answer and each connection's beginning and end.
        log_query: whether to show the values in query strings.
        debug: whether to put the loop in debug mode and to name callbacks that block it.
        tls: the arguments of `uvicorn.run` that begin with "ssl_"; none for plain TCP.
        root_path: the path under which a proxy shows the application.
        forwarded_allow_ips: the proxies that are trusted to name the client; None for uvicorn's
            default.
        uds: the path of a Unix socket, in place of host and port.
        place: that of this process as a worker of a supervisor, which says where it listens.
    """
    if debug:
        os.environ["PYTHONASYNCIODEBUG"] = "1"
    if log_query:
        os.environ["SOCK_LOG_QUERY"] = "1"
    # After a stop, uvicorn raises the signal that has stopped it once more. A clean stop shall exit
    # with 0, so these handlers take that signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, functools.partial(_end, stopped))
    if health is not None:
        found = Health(found, health)
    # uvicorn calls an object to find out whether it is a factory. It does not do that where it is
    # told that the object is one.
    settings: dict[str, Any] = {
        "factory": True,
        "interface": "asgi3",
        "host": host,
        "port": port,
        "uds": uds,
        "ws": SockProtocol,
        "loop": loop,
        "log_config": log.config(log_level, log_format, access=access_log),
        "access_log": access_log,
        **tls,
        "root_path": root_path,
        "forwarded_allow_ips": forwarded_allow_ips,
        "timeout_graceful_shutdown": None if drain_timeout is None else math.ceil(drain_timeout),
    }
    try:
        if place is None:
            uvicorn.run(lambda: InterruptibleLifespan(found, stopped), **settings)
        else:
            run_in_place(lambda: InterruptibleLifespan(found, stopped), place, settings)
    except SystemExit as ended:
        if ended.code == STARTUP_FAILURE:
            sys.exit(_CANNOT_START)
        raise


def _end(stopped: Callable[[], None], _number: int, _frame: FrameType | None) -> None:
    """End the process, when uvicorn raises the signal that has stopped it.

    uvicorn has not waited for the Socks that are left then: a second signal has arrived, or the
    time is up.
    """
    with contextlib.suppress(RuntimeError):  # no loop is running, so there are no Socks
        for link in list(Members.of(asyncio.get_running_loop()).live_connections):
            link.abort()
    stopped()
    sys.exit(0)
