"""What an application may know about the TLS of the connection that its request came on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class TLSInfo:
    """The TLS of one connection, as it was agreed in its handshake.

    Args:
        version: such as "TLSv1.3".
        cipher: the name of the cipher suite, such as "TLS_AES_256_GCM_SHA384".
        server_name: the host that the peer has asked for (SNI); None if it has named none.
        certificate: the peer's certificate, checked, in the form of `ssl.SSLSocket.getpeercert`;
            None if the peer has shown none.
        certificate_der: the same certificate as it was sent; None if the peer has shown none.

    >>> tls = TLSInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", server_name="example.com")
    >>> tls.server_name, tls.certificate
    ('example.com', None)

    RFC 8446; RFC 6066 §3 for the server's name.
    """

    version: str
    cipher: str
    server_name: str | None = None
    certificate: Mapping[str, Any] | None = field(default=None, hash=False)
    certificate_der: bytes | None = field(default=None, repr=False)
