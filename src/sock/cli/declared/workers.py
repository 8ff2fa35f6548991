"""The processes that serve, and how they are replaced."""

from __future__ import annotations

from typing import Final

import click

from sock.cli.sections import WholeNumber, option

_HEADING: Final = "Workers (for ASGI applications only, which uvicorn runs)"

OPTIONS: Final = (
    option(
        _HEADING,
        "--workers",
        default=1,
        metavar="NUMBER",
        type=WholeNumber(1),
        help="Number of processes.",
    ),
    option(
        _HEADING,
        "--reload",
        default=False,
        is_flag=True,
        help="Start again when a file changes.",
    ),
    option(
        _HEADING,
        "--reload-dir",
        multiple=True,
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False),
        default_in_words="that of --app-dir",
        help="Folder that --reload watches; may be given more than once.",
    ),
)
