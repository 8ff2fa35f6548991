"""Where the server listens, and on which event loop."""

from __future__ import annotations

from typing import Final

import click

from sock.cli.listening import HOST, PORT, checked_texts
from sock.cli.sections import WholeNumber, option

_HEADING: Final = "Where it listens"

OPTIONS: Final = (
    option(
        _HEADING,
        "--host",
        default_in_words=HOST,
        help="Name or address to listen on; 0.0.0.0 is every interface.",
    ),
    option(
        _HEADING,
        "--port",
        metavar="NUMBER",
        type=WholeNumber(0, 65535),
        default_in_words=str(PORT),
        help="Port to listen on; 0 picks a free one.",
    ),
    option(
        _HEADING,
        "--uds",
        metavar="PATH",
        help="Listen on a Unix socket, for a proxy on this machine, in place of host and port.",
    ),
    option(
        _HEADING,
        "--bind",
        multiple=True,
        metavar="ADDRESS",
        callback=checked_texts,
        help="Listen on this address, in place of the three above: HOST:PORT, [IPv6]:PORT,"
        " unix:PATH, unix:PATH,mode=660, fd:NUMBER, systemd or systemd:NAME. May be given more than"
        " once, in the variable with spaces between.",
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
