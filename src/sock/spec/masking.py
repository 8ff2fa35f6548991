"""Hide the secrets that a peer may have sent: for logs, for `repr`, error texts and hosts.

    where                       what is hidden                        what stays
    --------------------------  ------------------------------------  ---------------------------
    query of a target           every value; a key that looks like a  the path and the keys
                                token; a part that is not a pair
    absolute target             the user and the password             scheme, host and the above
    subprotocol                 the part behind a word like "bearer"; the rest
                                each part that looks like a token
    headers                     the values of `Authorization`, of     all others
                                cookies, and tokens in subprotocols

RFC 3986 §3.2.1: "Applications should not render as clear text any data after the first colon".
RFC 6750 §5.3: "Bearer tokens SHOULD NOT be passed in page URLs", but browsers leave little else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK: Final = "***"

_QUERY: Final = re.compile(r"\?|%3[fF]")
"""The beginning of a query. One that is encoded by mistake may have a token in it too."""

_USER: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")

_ANNOUNCED: Final = frozenset(
    (
        *("access_token", "apikey", "api-key", "api_key", "auth", "authorization", "bearer", "jwt"),
        *("key", "password", "secret", "session", "sid", "ticket", "token"),
    )
)
"""Words behind which a subprotocol carries a secret: `bearer.4fd1`."""

_SECRET: Final = frozenset(("authorization", "cookie", "proxy-authorization", "set-cookie"))

_PART: Final = re.compile(r"[A-Za-z0-9_~+/=%-]{20,}")
_LONG: Final = 32
"""Characters in a row: a readable name of this length has a separator somewhere."""


def masked_target(target: str) -> str:
    """Return a request's target without the values in its query.

    >>> masked_target("/chat?token=s3cret&room=7")
    '/chat?token=***&room=***'
    >>> masked_target("/chat")
    '/chat'
    """
    if "@" in target:
        target = _USER.sub(rf"\1{MASK}@", target)
    mark = _QUERY.search(target)
    if mark is None or mark.end() == len(target):
        return target
    pairs = "&".join([_masked_pair(pair) for pair in target[mark.end() :].split("&")])
    return target[: mark.end()] + pairs


def _masked_pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    if not pair:
        return pair
    # A token in base64 may end with "=". It is the secret then, and not a name.
    return f"{name}={MASK}" if equals and name and not looks_like_a_token(name) else MASK


def masked_subprotocol(subprotocol: str) -> str:
    """Return a subprotocol without the token that may be in it.

    Browsers cannot set headers of a handshake, so applications put tokens there.

    >>> masked_subprotocol("bearer.4fd1"), masked_subprotocol("graphql-transport-ws")
    ('bearer.***', 'graphql-transport-ws')
    """
    if subprotocol.startswith("eyJ"):  # a JSON object in base64: RFC 7519 §3.1
        return MASK
    shown: list[str] = []
    for part in subprotocol.split("."):
        shown.append(MASK if looks_like_a_token(part) else part)
        if part.lower() in _ANNOUNCED and len(shown) <= subprotocol.count("."):
            shown.append(MASK)
            break
    return ".".join(shown)


def masked_headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return header fields without the secrets that are in some.

    >>> masked_headers([("Cookie", "session=4fd1"), ("Host", "example.com")])
    (('Cookie', '***'), ('Host', 'example.com'))
    """
    return tuple([(name, masked_header(name, value)) for name, value in pairs])


def masked_header(name: str, value: str) -> str:
    """Return the value of a header field without the secrets in it."""
    lowered = name.lower()
    if lowered in _SECRET:
        return MASK
    if lowered == "sec-websocket-protocol":
        return ", ".join([masked_subprotocol(item.strip(" \t")) for item in value.split(",")])
    return value


def looks_like_a_token(text: str) -> bool:
    """Tell whether a text looks random rather than like a name.

    >>> looks_like_a_token("8fJ2kQx0Zr5TnV7bYw3s"), looks_like_a_token("actioncable-unsupported")
    (True, False)
    """
    if text.startswith("eyJ"):
        return True
    if not _PART.fullmatch(text):
        return False
    digits = sum(character.isdigit() for character in text)
    mixed = text != text.lower() and text != text.upper()
    unbroken = len(text) >= _LONG and "-" not in text and "_" not in text
    return digits > 1 or mixed or unbroken
