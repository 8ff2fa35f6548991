"""TLS on the listening sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from sock.cli.sections import option

_HEADING: Final = "TLS (for ASGI applications only, which uvicorn runs)"

OPTIONS: Final = (
    option(
        _HEADING,
        "--certificate",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Speak TLS with this certificate, in PEM.",
    ),
    option(
        _HEADING,
        "--key",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The key of --certificate, which it needs, if it is not in the same file.",
    ),
)
