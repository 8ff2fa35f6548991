"""uvicorn started with our protocol in it: what `sock run` does with an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

try:
    import uvicorn as server
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.importer import import_from_string
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("uvicorn is not installed: pip install 'sockpy[uvicorn]'") from error

from sock.hosting.members import Members

from . import uvicorn_log
from .entering import Entering
from .health import Health
from .uvicorn import SockProtocol  # here, a uvicorn that is too old is told in one line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

_CANNOT_START: Final = 1

_TARGET: Final = "_SOCK_TARGET"
_FACTORY: Final = "_SOCK_TARGET_IS_FACTORY"
_PATH: Final = "_SOCK_HEALTH"
"""Variables by which the processes of --workers and --reload are told what to put in front."""


def run(
    target: str,
    found: Any,
    *,
    app_dir: Path,
    factory: bool,
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
    workers: int,
    reload: bool,
    reload_dir: Sequence[str],
    certificate: Path | None,
    key: Path | None,
    root_path: str,
    forwarded_allow_ips: str | None,
    uds: str | None,
) -> None:
    """Serve an ASGI application on uvicorn until SIGINT or SIGTERM, which drain.

    Args:
        target: module and name, such as "chat:app", for the processes that have to find it again.
        found: the application of that name, for this process.
        app_dir: folder in which the module is looked for first.
        factory: whether the name is that of a function which returns the application.
        host: a name or an address.
        port: 0 for one that is free.
        drain_timeout: seconds that a stop may take; None for as long as it takes.
        health: path that is answered whatever the application is; None for none.
        stopped: called when uvicorn has stopped and the process is to end.
        loop: "auto", "asyncio" or "uvloop".
        log_level: the lowest that is shown.
        log_format: "text" or "json".
        access_log: whether to show a line for each answer and each connection's beginning and end.
        log_query: whether to show the values in query strings.
        debug: whether to put the loop in debug mode and to name callbacks that block it.
        workers: processes.
        reload: whether to start again when a file changes.
        reload_dir: folders whose files are meant; none for `app_dir`.
        certificate: of the server, in PEM; with it, TLS is spoken.
        key: of the certificate; None when it is in the same file.
        root_path: under which a proxy shows the application.
        forwarded_allow_ips: proxies whose word of the client is taken; None for uvicorn's default.
        uds: path of a Unix socket, in place of host and port.
    """
    if debug:
        os.environ["PYTHONASYNCIODEBUG"] = "1"
    if log_query:
        os.environ["SOCK_LOG_QUERY"] = "1"
    # uvicorn ends its process by the very signal that has stopped it; a clean stop exits with 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, functools.partial(_stop, stopped))
    # uvicorn guesses whether what it gets is a factory, by calling it; a factory it only calls.
    own = not reload and workers == 1
    if health is not None:
        if own:
            found = Health(found, health)
        else:
            os.environ |= {_TARGET: target, _FACTORY: "1" if factory else "", _PATH: health}
            target, factory = f"{__name__}:{healthy.__name__}", True
    try:
        server.run(
            (lambda: Entering(found, stopped)) if own else target,
            app_dir=str(app_dir),
            factory=own or factory,
            interface="asgi3",
            host=host,
            port=port,
            uds=uds,
            ws=SockProtocol,
            loop=loop,
            log_config=uvicorn_log.config(log_level, log_format, access=access_log),
            access_log=access_log,
            workers=workers,
            reload=reload,
            reload_dirs=[*(reload_dir or (str(app_dir),))] if reload else None,
            ssl_certfile=None if certificate is None else str(certificate),
            ssl_keyfile=None if key is None else str(key),
            root_path=root_path,
            forwarded_allow_ips=forwarded_allow_ips,
            timeout_graceful_shutdown=None if drain_timeout is None else math.ceil(drain_timeout),
        )
    except SystemExit as ended:
        if ended.code == STARTUP_FAILURE:
            sys.exit(_CANNOT_START)
        raise


def healthy() -> Any:
    """Return the application for a process of --workers or --reload, with its health in front."""
    app: Any = import_from_string(os.environ[_TARGET])
    return Health(app() if os.environ[_FACTORY] else app, os.environ[_PATH])


def _stop(stopped: Callable[[], None], _number: int, _frame: FrameType | None) -> None:
    """End the process, as uvicorn passes on the signal that has stopped it.

    A Sock that is left then was not waited for: a second signal has come, or the time is up.
    """
    with contextlib.suppress(RuntimeError):  # no loop runs, in which there were Socks
        for left in list(Members.of(asyncio.get_running_loop()).live_connections):
            left.abort()
    stopped()
    sys.exit(0)
