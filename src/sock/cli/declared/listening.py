"""Where the server listens, and on which event loop."""

from __future__ import annotations

from typing import Final

import click

from sock.cli.sections import WholeNumber, option

_HEADING: Final = "Where it listens"

OPTIONS: Final = (
    option(
        _HEADING,
        "--host",
        default="127.0.0.1",
        help="Name or address to listen on; 0.0.0.0 is every interface.",
    ),
    option(
        _HEADING,
        "--port",
        default=8000,
        metavar="NUMBER",
        type=WholeNumber(0, 65535),
        help="Port to listen on; 0 picks a free one.",
    ),
    option(
        _HEADING,
        "--uds",
        metavar="PATH",
        help="Listen on a Unix socket, for a proxy on this machine, in place of host and port; for"
        " ASGI applications only.",
    ),
    option(
        _HEADING,
        "--loop",
        default="auto",
        type=click.Choice(["auto", "asyncio", "uvloop"]),
        metavar="LOOP",
        help="auto, asyncio or uvloop; auto is uvloop when it is installed.",
    ),
)
