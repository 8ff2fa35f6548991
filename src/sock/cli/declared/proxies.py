"""What a proxy in front of the server says."""

from __future__ import annotations

from typing import Final

from sock.cli.proxies import checked_proxies, checked_root_path
from sock.cli.sections import option

_HEADING: Final = "Behind a proxy"

OPTIONS: Final = (
    option(
        _HEADING,
        "--root-path",
        default="",
        metavar="PATH",
        callback=checked_root_path,
        help="Path under which a proxy shows the application, such as /chat, and which it does not"
        " pass on.",
    ),
    option(
        _HEADING,
        "--forwarded-allow-ips",
        metavar="IPS",
        callback=checked_proxies,
        default_in_words="127.0.0.1,::1,unix",
        help="Proxies that are believed to name the client, in Forwarded or X-Forwarded-For, -Proto"
        " and -Host: addresses and networks, with commas between; unix is a Unix socket, * is all.",
    ),
    option(
        _HEADING,
        "--proxy-protocol",
        default=False,
        is_flag=True,
        help="Connections of these proxies begin with a header of the PROXY protocol, version 1 or"
        " 2.",
    ),
)
