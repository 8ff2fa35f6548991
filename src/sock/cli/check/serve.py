"""`python -m sock.cli.check.serve HOST PORT`: serves what `sock check` tries, in a host of ours."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import nullcontext
from typing import Any, Final

from sock import Options
from sock.cli.find import is_asgi
from sock.cli.make import needs_event_loop
from sock.testing.contract import DRAIN_BOUND

from .served import check_made, made_in_loop, served, served_as_wsgi

HERE: Final = "127.0.0.1"


def main(host: str, port: int) -> None:
    """Serve until SIGTERM.

    Args:
        host: "sock", "aiohttp", "tornado", "websockets" or "werkzeug".
        port: on loopback.
    """
    if host == "werkzeug":
        _serve_werkzeug(port)
        return
    app = served()
    if is_asgi(app):
        sys.exit(f"an ASGI application runs in an ASGI server, not in {host}: --host uvicorn")
    if host != "sock":
        check_made(app)
    match host:
        case "sock":
            _serve_sock(app, port)
        case "aiohttp":
            _serve_aiohttp(app, port)
        case "tornado":
            asyncio.run(_serve_tornado(app, port))
        case _:
            asyncio.run(_serve_websockets(app, port))


def _serve_sock(app: Any, port: int) -> None:
    from sock import server

    options = Options(drain_timeout=DRAIN_BOUND)
    server.run_made(
        lambda: made_in_loop(app) if needs_event_loop(app) else nullcontext(app),
        host=HERE,
        port=port,
        options=options,
        loop="auto",
        log_level="warning",
        log_format="text",
        access_log=False,
        log_query=False,
        debug=False,
    )


def _serve_aiohttp(app: Any, port: int) -> None:
    from aiohttp import web

    from sock.adapters.aiohttp import handler, setup

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler(app))
    setup(application, DRAIN_BOUND)
    web.run_app(application, host=HERE, port=port, print=None, access_log=None)


async def _serve_tornado(app: Any, port: int) -> None:
    from tornado.httpserver import HTTPServer
    from tornado.web import Application

    from sock.adapters.tornado import drain, hosting, setup

    server = HTTPServer(setup(Application([(r".*", hosting(app))])))
    server.listen(port, HERE)
    await _stopped()
    server.stop()
    await drain(DRAIN_BOUND)


async def _serve_websockets(app: Any, port: int) -> None:
    from websockets.asyncio.server import serve

    from sock.adapters.websockets import drain, hosting

    async with serve(**hosting(app), host=HERE, port=port):
        await _stopped()
        await drain(DRAIN_BOUND)


def _serve_werkzeug(port: int) -> None:
    from werkzeug.serving import make_server

    # Its reloader ends its process in this way, and the Socks are drained then.
    signal.signal(signal.SIGTERM, _end)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    make_server(HERE, port, served_as_wsgi("werkzeug"), threaded=True).serve_forever()


def _end(number: int, frame: object) -> None:  # noqa: ARG001 - as signal.signal calls it
    sys.exit(0)


async def _stopped() -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
