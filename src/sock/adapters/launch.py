"""uvicorn started with our protocol in it: what `sock run` does with an ASGI application."""

from __future__ import annotations

import math
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

try:
    import uvicorn as server
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("uvicorn is not installed: pip install 'sockpy[uvicorn]'") from error

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

PROTOCOL: Final = "sock.adapters.uvicorn:SockProtocol"


def run(
    target: str,
    *,
    app_dir: Path,
    factory: bool,
    host: str,
    port: int,
    drain_timeout: float,
    loop: str,
    log_level: str,
    access_log: bool,
    debug: bool,
    workers: int,
    reload: bool,
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Serve an ASGI application on uvicorn until SIGINT or SIGTERM, which drain.

    Args:
        target: module and name, such as "chat:app".
        app_dir: folder in which the module is looked for first.
        factory: whether the name is that of a function which returns the application.
        host: a name or an address.
        port: 0 for one that is free.
        drain_timeout: seconds that a stop may take.
        loop: "auto", "asyncio" or "uvloop".
        log_level: the lowest that is shown.
        access_log: whether to show a line for each answer.
        debug: whether to put the loop in debug mode and to name callbacks that block it.
        workers: processes.
        reload: whether to start again when a file changes.
        certificate: of the server, in PEM; with it, TLS is spoken.
        key: of the certificate; None when it is in the same file.
    """
    if debug:
        os.environ["PYTHONASYNCIODEBUG"] = "1"
    # uvicorn ends its process by the very signal that has stopped it; a clean stop exits with 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    options: dict[str, Any] = {}
    if reload:
        options["reload_dirs"] = [str(app_dir)]
    server.run(
        target,
        app_dir=str(app_dir),
        factory=factory,
        host=host,
        port=port,
        ws=PROTOCOL,
        loop=loop,
        log_level=log_level,
        access_log=access_log,
        workers=workers,
        reload=reload,
        ssl_certfile=None if certificate is None else str(certificate),
        ssl_keyfile=None if key is None else str(key),
        timeout_graceful_shutdown=math.ceil(drain_timeout),
        **options,
    )


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
