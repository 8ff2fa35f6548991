"""The certificates of the command line."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .failure import CANNOT_START, NOT_THERE, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sock import TLS

_NEED_A_CERTIFICATE: Final = ("key", "key_password", "client_ca", "ciphers")


def take_tls(settings: dict[str, Any], sources: Mapping[str, str]) -> TLS | None:
    """Take the options of TLS out of the settings, and return what they say; None for no TLS.

    All files are read once, so that what cannot be used is told before anything else begins.

    Args:
        settings: the options of the command; those of TLS are removed.
        sources: for each option the name by which it was given.
    """
    given = {
        name: settings.pop(name)
        for name in ("certificate", *_NEED_A_CERTIFICATE, "client_certificate")
    }
    if not given["certificate"]:
        for name in _NEED_A_CERTIFICATE:
            if given[name]:
                fail(f"{sources[name]} belongs to a certificate: say --certificate too.", NOT_THERE)
        return None
    from sock.server.certificates import TLS, Certificates, TLSError

    password = given["key_password"]
    if password is not None:
        given["key_password"] = _password_of(password, sources["key_password"])
    try:
        tls = TLS(**given)
    except TLSError as error:
        fail(f"{error}.", NOT_THERE)
    try:
        Certificates(tls)
    except TLSError as error:
        fail(f"{error}.", CANNOT_START)
    return tls


def tls_of_uvicorn(tls: TLS | None, target: str) -> dict[str, Any]:
    """Return the settings of uvicorn that say the same.

    Args:
        tls: what the options say.
        target: the application, for an error.
    """
    if tls is None:
        return {}
    pairs = list(tls.pairs())
    if len(pairs) > 1:
        fail(
            f"several certificates are for Sock's own server; {target!r} is run by uvicorn, which"
            " has one. A certificate may have several names in it.",
            NOT_THERE,
        )
    certificate, key = pairs[0]
    password = tls.key_password() if callable(tls.key_password) else tls.key_password
    settings: dict[str, Any] = {"ssl_certfile": str(certificate)}
    if key is not None:
        settings["ssl_keyfile"] = str(key)
    if password is not None:
        settings["ssl_keyfile_password"] = password
    if tls.client_ca is not None:
        settings["ssl_ca_certs"] = str(tls.client_ca)
        required = tls.client_certificate == "required"
        settings["ssl_cert_reqs"] = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    if tls.ciphers is not None:
        settings["ssl_ciphers"] = tls.ciphers
    return settings


def _password_of(text: str, source: str) -> Callable[[], str]:
    """Return a function that returns the password, also after it has been changed in its file."""
    kind, _, where = text.partition(":")

    def password() -> str:
        if kind == "file":
            return (Path(where).read_text(encoding="utf-8").splitlines() or [""])[0]
        return os.environ[where] if kind == "env" else text

    try:
        password()
    except KeyError:
        fail(f"{source}: there is no variable {where!r}.", CANNOT_START)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        fail(f"{source}: {where!r} cannot be read: {why}.", CANNOT_START)
    return password
