"""The server under test: where it is, and whether it may be tried."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PORTS: Final = {"ws": 80, "wss": 443}


@final
@dataclass(frozen=True, slots=True)
class Target:
    """The server under test.

    Args:
        host: its name or address.
        port: its port.
        path: the target of the requests, with the query.
        tls: the settings of TLS; None for ws.
        headers: more fields for each handshake, such as a cookie.
    """

    host: str
    port: int
    path: str = "/"
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(
        cls,
        url: str,
        *,
        ca: Path | None = None,
        insecure: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the server at a URL.

        Args:
            url: "ws://HOST:PORT/PATH", or wss.
            ca: the file with the certificates that are trusted, in place of the system's.
            insecure: whether any certificate is taken.
            headers: more fields for each handshake.

        Raises:
            ValueError: the URL is of another form.
            OSError: the file cannot be read, or has no certificates.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{url!r} is no URL: {error}") from None
        if parts.scheme not in _PORTS or parts.hostname is None or parts.fragment:
            raise ValueError(f"{url!r} is not of the form ws://HOST:PORT/PATH")
        tls = None
        if parts.scheme == "wss":
            tls = ssl.create_default_context(cafile=None if ca is None else str(ca))
            if insecure:
                tls.check_hostname = False
                tls.verify_mode = ssl.CERT_NONE
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(
            parts.hostname,
            port if port is not None else _PORTS[parts.scheme],
            path,
            tls,
            headers or {},
        )

    @property
    def authority(self) -> str:
        """What the field Host says. RFC 9110 §7.2."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _PORTS["wss" if self.tls else "ws"]
        return name if usual else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The URL."""
        return f"{'wss' if self.tls else 'ws'}://{self.authority}{self.path}"

    @property
    def origin(self) -> str:
        """The origin of the server's own pages. RFC 6454 §6.2."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    def is_loopback(self) -> bool:
        """Tell whether every address of the server is one of this machine's loopback.

        Raises:
            OSError: there is no such host.
        """
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return all(ipaddress.ip_address(str(one[4][0])).is_loopback for one in found)
