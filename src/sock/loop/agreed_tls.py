"""What a handshake of TLS has agreed, as the `TLSInfo` that a request gets."""

from __future__ import annotations

import functools
import ssl

from sock.spec.tls import TLSInfo


class ServerSideTLS(ssl.SSLObject):
    """The TLS of one connection. A context makes it that has this class as `sslobject_class`."""

    server_name: str | None = None
    """The name that the peer has asked for; set by the context's `sni_callback`."""


def agreed(tls: ssl.SSLObject) -> TLSInfo:
    """Return what the handshake of a connection has agreed; it is complete."""
    cipher = tls.cipher()
    found = (
        tls.version() or "",
        cipher[0] if cipher else "",
        getattr(tls, "server_name", None),
    )
    der = tls.getpeercert(binary_form=True)
    if der is None:
        return _shared_info(*found)
    return TLSInfo(*found, certificate=tls.getpeercert() or {}, certificate_der=der)


@functools.lru_cache(maxsize=256)
def _shared_info(version: str, cipher: str, server_name: str | None) -> TLSInfo:
    """Return one object for all connections that are alike, as most of a server are."""
    return TLSInfo(version, cipher, server_name)
