"""Which web pages may connect: parse origins, and match them with those in options. RFC 6454."""

from __future__ import annotations

import inspect
import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from .errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .request import Request

    OriginCheck: TypeAlias = Callable[[str, Request], bool]
    """A function that gets an origin as the browser has sent it, and tells if it may connect."""

    Listed: TypeAlias = str | OriginCheck

# RFC 3986 §3.2.2; http does not allow an empty host (RFC 9110 §4.2.1).
_REG_NAME: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
_AUTHORITY: Final = re.compile(
    rf"(?P<host>\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|{_REG_NAME})(?::(?P<port>[0-9]*))?"
)
_SCHEME: Final = r"(?P<scheme>[A-Za-z][A-Za-z0-9+\-.]*)"
# The origin of a file, such as "file://", has no host; the origin of a web page always has one.
_ORIGIN: Final = re.compile(rf"{_SCHEME}://(?:{_AUTHORITY.pattern})?")
# An entry of `origins`: an origin as a browser writes it, or one with "*." before its host.
_LISTED: Final = re.compile(
    rf"{_SCHEME}://(?P<host>(?:\*\.)?[A-Za-z0-9\-._~]+|\[[0-9A-Fa-f:.]+\])?(?::[0-9]{{1,5}})?"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_SCHEMES_WITH_HOST: Final = frozenset(("http", "https", "ws", "wss"))


class Origin(NamedTuple):
    """An origin in the form in which two of them are compared.

    Attributes:
        scheme: in lower case.
        host: in lower case; "" for the origin of a file.
        port: that of the scheme if none was given; "" if the scheme has no default either.

    RFC 6454 §4, §5.
    """

    scheme: str
    host: str
    port: str


def parse_host(authority: str) -> str | None:
    """Return the host of a Host field in the form in which two are compared; None if it is invalid.

    >>> parse_host("Example.com:8000"), parse_host("[0:0::1]"), parse_host("user@example.com")
    ('example.com', '[::1]', None)

    RFC 9110 §7.2, RFC 3986 §3.2.
    """
    match = _AUTHORITY.fullmatch(authority)
    return None if match is None else _host(match)


def parse_origin(origin: str) -> Origin | None:
    """Return the origin that a field names; None for "null" and for an invalid one.

    >>> parse_origin("HTTPS://Example.com:443"), parse_origin("null")
    (Origin(scheme='https', host='example.com', port='443'), None)

    RFC 6454 §4, §6.2.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    if match["host"] is None:
        return None if scheme in _DEFAULT_PORTS else Origin(scheme, "", "")
    host = _host(match)
    if host is None:
        return None
    return Origin(scheme, host, match["port"] or _DEFAULT_PORTS.get(scheme, ""))


def is_listed(origin: str, request: Request, listed: Iterable[Listed]) -> bool:
    """Tell whether an origin is among those that are listed.

    Args:
        origin: as the browser has sent it.
        request: the request with this origin.
        listed: the entries of `Options.origins`. Functions are called if no text matches.

    Raises:
        HandlerError: a function raises, or returns neither True nor False.
    """
    parsed = parse_origin(origin)
    checks: list[OriginCheck] = []
    for one in listed:
        if not isinstance(one, str):
            checks.append(one)
        elif one == "*" or _matches(parsed, one) or one == origin == "null":
            return True
    return any(_lets_in(check, origin, request) for check in checks)


def checked_origins(value: Any) -> tuple[Any, ...]:
    """Return the value of `origins` as a tuple.

    Raises:
        ValueError: one of them matches no Origin that a browser sends.
        TypeError: one of them is neither a str nor a function, or is an asynchronous function.
    """
    if value is None:
        raise TypeError('origins are a str or several, not None; "*" lets every page connect')
    origins: tuple[Any, ...] = (
        (value,) if isinstance(value, str) or callable(value) else tuple(value)
    )
    for origin in origins:
        if isinstance(origin, str):
            _check_text(origin)
        elif not callable(origin):
            raise TypeError(f"an origin is a str or a function, not {origin!r}")
        elif _is_asynchronous(origin):
            raise TypeError(
                f"the function {_named(origin)} of origins is asynchronous; a check that waits"
                " belongs into the application, which may raise Refuse(403)"
            )
    return origins


def _host(match: re.Match[str]) -> str | None:
    """Return the host of an authority in one form; None if there is no address in its brackets."""
    if match["ipv6"] is None:
        return match["host"].lower()
    try:
        return f"[{IPv6Address(match['ipv6']).compressed}]"
    except ValueError:
        return None


def _check_text(origin: str) -> None:
    if origin in {"*", "null"}:
        return
    match = _LISTED.fullmatch(origin)
    # It would match no Origin that a browser sends, so nobody could connect, without an error.
    if match is None or not _names_a_site(match):
        begun = _LISTED.match(origin)
        if begun is not None and _names_a_site(begun) and origin[begun.end()] == "/":
            why = f", because of the slash behind it. Write {begun[0]!r}"
        else:
            why = " such as 'https://example.com' or 'https://*.example.com'"
        raise ValueError(f"{origin!r} is not an origin{why} (RFC 6454 §6.2)")


def _names_a_site(match: re.Match[str]) -> bool:
    """Tell whether a text has a host; only the origin of a file, such as "file://", has none."""
    if match["host"] is not None:
        return True
    return match[0] == f"{match['scheme']}://" and match["scheme"].lower() not in _SCHEMES_WITH_HOST


@lru_cache(maxsize=256)  # the operator lists a few, the same for each request
def _pattern(listed: str) -> tuple[Origin | None, bool]:
    """Return an origin that is listed, and whether it stands for the sub-domains of its host."""
    scheme, separator, rest = listed.partition("://")
    wild = rest.startswith("*.")
    return parse_origin(f"{scheme}{separator}{rest[2:] if wild else rest}"), wild


def _matches(origin: Origin | None, listed: str) -> bool:
    pattern, wild = _pattern(listed)
    if origin is None or pattern is None:
        return False
    if not wild:
        return pattern == origin
    return (
        origin.scheme == pattern.scheme
        and origin.port == pattern.port
        and origin.host.endswith(f".{pattern.host}")
        and len(origin.host) > len(pattern.host) + 1
    )


def _lets_in(check: OriginCheck, origin: str, request: Request) -> bool:
    try:
        answer: object = check(origin, request)
    except Exception as error:
        raise HandlerError(
            f"the function {_named(check)} of origins raised {type(error).__name__}"
        ) from error
    if answer is True or answer is False:
        return answer
    # A coroutine is truthy, so every page could connect.
    if inspect.iscoroutine(answer):
        answer.close()
    raise HandlerError(
        f"the function {_named(check)} of origins returned {type(answer).__name__},"
        " not True or False"
    )


def _is_asynchronous(check: Any) -> bool:
    return inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(
        getattr(check, "__call__", None)  # noqa: B004 - the object is callable
    )


def _named(check: object) -> str:
    return repr(getattr(check, "__qualname__", type(check).__qualname__))
