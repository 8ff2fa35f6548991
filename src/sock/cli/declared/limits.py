"""What one connection, and the server, may use: the fields of `Options`."""

from __future__ import annotations

from typing import Final

from sock.cli.options import option_declarations
from sock.cli.sections import option

_HEADING: Final = "Limits (a SIZE is in bytes, or has a unit, as 4MiB; none is no limit)"

OPTIONS: Final = (
    option(
        _HEADING,
        "--options",
        metavar="MODULE:OPTIONS",
        help="All limits at once, from an Options in a module; those below are laid over it.",
    ),
    *(option(_HEADING, name, field, **settings) for field, name, settings in option_declarations()),
)
