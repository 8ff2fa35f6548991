"""What is served."""

from __future__ import annotations

from typing import Final

import click

from sock.cli.sections import option

_HEADING: Final = "The application"

OPTIONS: Final = (
    option(
        _HEADING,
        "--factory",
        default=False,
        is_flag=True,
        help="APP is called without arguments and makes the application. It may be a coroutine"
        " function, or return an async context manager that yields the application.",
    ),
    option(
        _HEADING,
        "--app-dir",
        default=".",
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False),
        help="Folder in which MODULE is looked for first.",
    ),
    option(
        _HEADING,
        "--health",
        metavar="PATH",
        help="Path that the server itself answers, with 200, and with 503 while it is stopping.",
    ),
    option(
        _HEADING,
        "--require-backend",
        default=False,
        is_flag=True,
        help="Do not start where the broker of the application's topics is away; otherwise it is"
        " connected when it comes.",
    ),
)
