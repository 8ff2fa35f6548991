"""Which pages may open a WebSocket, by Django's settings and by the option `origins`."""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django import conf
from django.http.request import validate_host
from django.utils.http import is_same_domain

from sock.spec.origin import is_listed, parse_origin
from sock.wire import handshake

if TYPE_CHECKING:
    from sock.spec import Options, Request

_LOCAL: Final = (".localhost", "127.0.0.1", "[::1]")
"""The hosts that Django allows when DEBUG is on and ALLOWED_HOSTS is empty."""


def check_origin(request: Request, host: str, options: Options) -> bool:
    """Tell whether Django trusts the page that asks; False if only the options list it.

    Raises:
        HandshakeError: a page of another site asks.
        HandlerError: as for `handshake.check_origin`.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return False
    if _is_trusted(origin, host):
        return True
    if is_listed(origin, request, options.origins):
        return False
    raise handshake.foreign_origin(
        request, origin, settings="ALLOWED_HOSTS, CSRF_TRUSTED_ORIGINS or the option origins="
    )


def _is_trusted(origin: str, host: str) -> bool:
    if parse_origin(origin) is None:  # such as "http://[::1", or with a path
        return False
    page = urlsplit(origin)
    name = page.hostname or ""
    allowed = conf.settings.ALLOWED_HOSTS or (_LOCAL if conf.settings.DEBUG else ())
    allowed = [one for one in allowed if one != "*"]  # "*" is about the Host, not about pages
    if name == (urlsplit(f"//{host}").hostname or "") or (name and validate_host(name, allowed)):
        return True
    trusted = conf.settings.CSRF_TRUSTED_ORIGINS
    wildcards = [urlsplit(one) for one in trusted if "*" in one]
    return origin in trusted or any(
        one.scheme == page.scheme and is_same_domain(page.netloc, one.netloc.lstrip("*"))
        for one in wildcards
    )
