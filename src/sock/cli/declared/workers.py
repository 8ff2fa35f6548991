"""The processes that serve, and how they are replaced."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, final

import click

from sock.cli.options import seconds_of, size_of
from sock.cli.sections import WholeNumber, option

_HEADING: Final = "Workers"

AUTO: Final = "auto"


@final
class _Workers(WholeNumber):
    """A whole number, or "auto"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        return AUTO if value == AUTO else super().convert(value, param, ctx)


@final
class _Quantity(click.ParamType[Any]):
    """Seconds, or a size in bytes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._read = {"seconds": seconds_of, "size": size_of}[name]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        if not isinstance(value, str):
            return value
        try:
            number = self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not 0 <= number < math.inf:
            self.fail(f"it is 0 or more, and finite, not {value}", param, ctx)
        return number


OPTIONS: Final = (
    option(
        _HEADING,
        "--workers",
        metavar="NUMBER",
        type=_Workers(1),
        default_in_words="no supervisor: this process serves",
        help="Number of processes that serve, under a supervisor that replaces them; auto is one"
        " for each core that this process may use.",
    ),
    option(
        _HEADING,
        "--worker-timeout",
        metavar="SECONDS",
        type=_Quantity("seconds"),
        default_in_words="60; 0 with --reload",
        help="How long an event loop may be blocked before its worker is killed and replaced; 0 is"
        " for ever.",
    ),
    option(
        _HEADING,
        "--max-worker-memory",
        metavar="SIZE",
        type=_Quantity("size"),
        help="Memory of a worker beyond which it is replaced.",
    ),
    option(
        _HEADING,
        "--max-worker-age",
        metavar="SECONDS",
        type=_Quantity("seconds"),
        help="Age of a worker at which it is replaced, or up to a fifth sooner.",
    ),
    option(
        _HEADING,
        "--control",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        default_in_words="a file of this process in $XDG_RUNTIME_DIR/sock",
        help="Where the supervisor listens for sock ctl.",
    ),
    option(
        _HEADING,
        "--reload",
        default=False,
        is_flag=True,
        help="Replace the workers when a file changes; needs the extra reload.",
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
    option(
        _HEADING,
        "--reload-include",
        multiple=True,
        metavar="PATTERN",
        default_in_words="*.py",
        help="Names or paths of more files that --reload watches, as '*.html'; may be given more"
        " than once.",
    ),
)
