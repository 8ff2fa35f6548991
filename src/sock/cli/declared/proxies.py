"""What a proxy in front of the server says."""

from __future__ import annotations

from typing import Final

from sock.cli.sections import option

_HEADING: Final = "Behind a proxy (for ASGI applications only, which uvicorn runs)"

OPTIONS: Final = (
    option(
        _HEADING,
        "--root-path",
        default="",
        help="Path under which a proxy shows the application, such as /chat.",
    ),
    option(
        _HEADING,
        "--forwarded-allow-ips",
        metavar="IPS",
        default_in_words="127.0.0.1",
        help="Proxies whose X-Forwarded-For and -Proto are believed, with commas between; * is"
        " all.",
    ),
)
