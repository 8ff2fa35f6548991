"""What is logged, and how."""

from __future__ import annotations

from typing import Final

import click

from sock.cli.sections import option

_HEADING: Final = "The log"

OPTIONS: Final = (
    option(
        _HEADING,
        "--log-level",
        default="info",
        metavar="LEVEL",
        type=click.Choice(["debug", "info", "warning", "error", "critical"]),
        help="The lowest level that is shown: debug, info, warning, error or critical.",
    ),
    option(
        _HEADING,
        "--log-format",
        default="text",
        type=click.Choice(["text", "json"]),
        metavar="FORMAT",
        help="text, or json, which is one object a line.",
    ),
    option(
        _HEADING,
        "--access-log",
        default=False,
        is_flag=True,
        help="A line for each answer, and for each connection's beginning and end.",
    ),
    option(
        _HEADING,
        "--log-query",
        default=False,
        is_flag=True,
        help="Show the values in query strings, tokens among them, in place of ***.",
    ),
    option(
        _HEADING,
        "--debug",
        default=False,
        is_flag=True,
        help="Name callbacks that block the event loop.",
    ),
)
