"""The certificates of a server that speaks TLS: how they are read, chosen by name, and renewed.

A peer names the host that it wants (SNI), and gets the certificate that has this name in it:

    the name that the peer asks for             its certificate
    ------------------------------------------  --------------------------------------------
    is in a certificate                         the first one that has it
    one label deeper than a "*." in one         the first one that has it
    none, or one that is in no certificate      the first one of all
"""

from __future__ import annotations

import errno
import os
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast, final

from sock.loop.agreed_tls import ServerSideTLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

File: TypeAlias = "str | os.PathLike[str]"
KeyPassword: TypeAlias = "str | bytes | Callable[[], str | bytes]"
ClientCertificate: TypeAlias = Literal["required", "optional"]

_CLIENTS: Final = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL}


class TLSError(ValueError):
    """A certificate or a key cannot be used, or the settings of TLS contradict each other."""


@dataclass(frozen=True, slots=True)
class TLS:
    """The settings of a server that speaks TLS. All files are in PEM.

    Args:
        certificate: a file with the server's certificate, and behind it those that lead to its
            authority; or several such files, which are chosen by the names in them.
        key: a file with the certificate's key; for several certificates as many, in their order.
            Not needed where the keys are in the files of their certificates.
        key_password: of all keys that are encrypted, or a function that returns it.
        client_ca: a file with the authorities of clients, who are then asked for a certificate.
        client_certificate: with `client_ca`, whether a client without a certificate is refused.
        ciphers: for TLS 1.2 in the words of OpenSSL; None for Python's own choice. TLS 1.3 has
            good ones only.

    Raises:
        TLSError: the number of keys is not that of the certificates, or an argument has none of
            the values that it may have.

    >>> TLS("chat.pem", "chat.key", key_password="secret")
    TLS(certificate='chat.pem', key='chat.key', client_ca=None, client_certificate='required', \
ciphers=None)

    RFC 8446, RFC 5246; RFC 9325 for what a server should allow.
    """

    certificate: File | Sequence[File]
    key: File | Sequence[File] | None = None
    key_password: KeyPassword | None = field(default=None, repr=False)
    client_ca: File | None = None
    client_certificate: ClientCertificate = "required"
    ciphers: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        certificates, keys = _several(self.certificate), _several(self.key)
        if not certificates:
            raise TLSError("TLS needs a certificate")
        if keys and len(keys) != len(certificates):
            raise TLSError(
                f"{len(certificates)} certificates and {len(keys)} keys: each certificate needs its"
                " own key, in the same order, or all keys in the files of their certificates"
            )
        if self.client_certificate not in _CLIENTS:
            raise TLSError(
                f"client_certificate is required or optional, not {self.client_certificate!r}"
            )

    def pairs(self) -> Iterator[tuple[Path, Path | None]]:
        """Return each certificate with its key; None for one that is in the certificate's file."""
        certificates, keys = _several(self.certificate), _several(self.key)
        for number, certificate in enumerate(certificates):
            yield Path(certificate), Path(keys[number]) if keys else None


def _several(given: File | Sequence[File] | None) -> Sequence[File]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str | os.PathLike) else given


@final
class Certificates:
    """What a server shows its peers. It is read at once, and again by `reload`.

    Args:
        tls: the settings; or a context of the program's own, which is used as it is, and whose
            connections have no `server_name` where it has a `sni_callback` or an
            `sslobject_class` of its own.

    Raises:
        TLSError: a file cannot be read or used. The text says what is wrong with which one.
    """

    def __init__(self, tls: TLS | ssl.SSLContext) -> None:
        self._tls = tls
        self._context = _adopted(tls) if isinstance(tls, ssl.SSLContext) else _read(tls)

    def new_tls(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> ssl.SSLObject:
        """Return the TLS of a new connection, which reads one memory and writes the other."""
        return self._context.wrap_bio(incoming, outgoing, server_side=True)

    def reload(self) -> int:
        """Read all files again, for the connections that come from now on.

        A context of the program's own is not touched: the program can load another certificate into
        it at any time.

        Returns:
            How many certificates were read.

        Raises:
            TLSError: a file cannot be used; everything stays as it was.
        """
        if not isinstance(self._tls, TLS):
            return 0
        self._context = _read(self._tls)
        return len(list(self._tls.pairs()))


def _read(tls: TLS) -> ssl.SSLContext:
    """Return a context for all certificates: that of the first one, which knows the others."""
    contexts = [(certificate, _context(certificate, key, tls)) for certificate, key in tls.pairs()]
    first = contexts[0][1]
    by_name: dict[str, ssl.SSLContext] = {}
    for certificate, context in contexts:
        for name in _names(certificate):
            by_name.setdefault(name.lower().rstrip("."), context)

    def choose(connection: Any, name: str | None, _context: ssl.SSLContext) -> None:
        if name is not None:
            connection.server_name = name
            name = name.lower().rstrip(".")
            wildcard = "*." + name.partition(".")[2]
            context = by_name.get(name) or by_name.get(wildcard)
            if context is not None and context is not first:
                connection.context = context

    first.sni_callback = choose
    return first


def _adopted(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let a context of the program's own tell us the names that peers ask for."""
    if context.protocol is ssl.PROTOCOL_TLS_CLIENT:
        raise TLSError("this SSLContext is for a client: a server's has PROTOCOL_TLS_SERVER")
    if context.sslobject_class is ssl.SSLObject and context.sni_callback is None:
        context.sslobject_class = ServerSideTLS
        context.sni_callback = _keep_name
    return context


def _keep_name(connection: Any, name: str | None, _context: ssl.SSLContext) -> None:
    connection.server_name = name


def _context(certificate: Path, key: Path | None, tls: TLS) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = ServerSideTLS
    # RFC 9325 §3.1.1: "Implementations MUST NOT negotiate TLS version 1.1".
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client that asks for one handshake after the other would cost us more than it costs itself.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    if tls.ciphers is not None:
        try:
            context.set_ciphers(tls.ciphers)
        except ssl.SSLError:
            raise TLSError(
                f"no cipher of OpenSSL is {tls.ciphers!r}: `openssl ciphers` lists them"
            ) from None
    _load(context, certificate, key, tls.key_password)
    _check_time(certificate)
    if tls.client_ca is not None:
        _load_authorities(context, Path(tls.client_ca))
        context.verify_mode = _CLIENTS[tls.client_certificate]
    return context


class _NoPasswordError(Exception):
    """A key is encrypted, and there is no password."""


def _load(
    context: ssl.SSLContext, certificate: Path, key: Path | None, password: KeyPassword | None
) -> None:
    for file in filter(None, (certificate, key)):
        _check_readable(file)

    def give_password() -> str | bytes:
        if password is None:  # without this function, OpenSSL would ask the terminal
            raise _NoPasswordError
        return password() if callable(password) else password

    named = f"the key {str(key)!r}" if key else f"the key in {str(certificate)!r}"
    try:
        context.load_cert_chain(certificate, key, give_password)
    except _NoPasswordError:
        raise TLSError(
            f"{named} is encrypted, and needs a password: key_password, or --key-password"
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            problem = f"{named} is not the key of the certificate {str(certificate)!r}"
        elif _decoded(certificate) is None:
            problem = f"{str(certificate)!r} has no certificate in PEM"
        elif "PRIVATE KEY-----" not in (key or certificate).read_text(errors="replace"):
            problem = f"{str(key or certificate)!r} has no key in PEM" + (
                "" if key else "; if it is in another file, name that file too"
            )
        elif _is_encrypted(key or certificate):
            problem = f"the password of {named} is wrong"
        else:
            problem = f"{str(certificate)!r} and {named} cannot be used: {error.reason or error}"
        raise TLSError(problem) from None


def _check_readable(file: Path) -> None:
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        why = {
            errno.ENOENT: "there is no such file",
            errno.EACCES: "this user may not read it",
            errno.EISDIR: "it is a folder",
        }.get(error.errno or 0, error.strerror)
        raise TLSError(f"{str(file)!r} cannot be read: {why}") from None


def _is_encrypted(file: Path) -> bool:
    text = file.read_text(errors="replace")
    return "ENCRYPTED PRIVATE KEY-----" in text or "Proc-Type: 4,ENCRYPTED" in text


def _load_authorities(context: ssl.SSLContext, file: Path) -> None:
    _check_readable(file)
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:
        raise TLSError(f"{str(file)!r} has no certificate of an authority in PEM") from None


def _decoded(certificate: Path) -> dict[str, Any] | None:
    """Return the first certificate of a file, or None if it has none.

    Python's own tests use this function, since 2.6 and in all versions. The public ways to decode
    a certificate need a connection.
    """
    decode = cast("Any", ssl)._ssl._test_decode_cert  # noqa: SLF001
    try:
        return cast("dict[str, Any]", decode(os.fspath(certificate)))
    except ssl.SSLError:
        return None


def _names(certificate: Path) -> list[str]:
    """Return the names of hosts in a certificate.

    RFC 9525 §2: names are in the subjectAltName; the common name is not looked at.
    """
    found = _decoded(certificate) or {}
    return [value for kind, value in found.get("subjectAltName", ()) if kind == "DNS"]


def _check_time(certificate: Path) -> None:
    found = _decoded(certificate) or {}
    now = time.time()
    if now > ssl.cert_time_to_seconds(found["notAfter"]):
        raise TLSError(
            f"the certificate {str(certificate)!r} has expired on {found['notAfter']}: renew it"
        )
    if now < ssl.cert_time_to_seconds(found["notBefore"]):
        raise TLSError(
            f"the certificate {str(certificate)!r} is valid from {found['notBefore']} only: is the"
            " clock of this machine right?"
        )
