"""TLS on the listening sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from sock.cli.sections import option

_HEADING: Final = "TLS"

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

OPTIONS: Final = (
    option(
        _HEADING,
        "--certificate",
        multiple=True,
        metavar="FILE",
        type=_FILE,
        help="Speak TLS with this certificate, in PEM, and those behind it that lead to its"
        " authority; given more than once, the one with the name that the peer asks for.",
    ),
    option(
        _HEADING,
        "--key",
        multiple=True,
        metavar="FILE",
        type=_FILE,
        help="The key of --certificate, if it is not in the same file; one for each, in order.",
    ),
    option(
        _HEADING,
        "--key-password",
        metavar="PASSWORD",
        help="Of keys that are encrypted: file:PATH, env:NAME, or the password itself.",
    ),
    option(
        _HEADING,
        "--client-ca",
        metavar="FILE",
        type=_FILE,
        help="Ask clients for a certificate that an authority in this file has issued.",
    ),
    option(
        _HEADING,
        "--client-certificate",
        default="required",
        metavar="WHETHER",
        type=click.Choice(["required", "optional"]),
        help="required, or optional: a client may connect without one.",
    ),
    option(
        _HEADING,
        "--ciphers",
        metavar="LIST",
        help="For TLS 1.2, as `openssl ciphers` names them.",
    ),
)
