"""`Token`: signed texts that say who a client is, interchangeable with those of Phoenix.Token.

    SFMyNTY . base64url(term) . base64url(HMAC-SHA256 over what stands before)

    part     what it is
    -------  --------------------------------------------------------------------------
    SFMyNTY  base64url of "HS256"
    term     (data, signed at in milliseconds, max_age in seconds), in Erlang's format
    key      PBKDF2-HMAC-SHA256 of the secret and the salt: 1,000 rounds, 32 bytes

base64url is without padding, so a token has only letters, digits, `-`, `_` and `.`, and fits into a
URL, a cookie and a subprotocol.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import time
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, cast, final

from . import term

MAX_AGE: Final = 86_400
"""Seconds for which a token is good, if it does not say anything else."""

_HEAD: Final = "SFMyNTY"
_INFINITY: Final = term.Atom("infinity")
_MIN_SECRET: Final = 20
"""Bytes of a secret: what Phoenix asks of one."""

_KEPT_KEYS: Final = 64
"""Derived keys that are kept. A program has a salt for each use of tokens, which are few."""

Why: TypeAlias = Literal["missing", "invalid", "expired"]
"""What is wrong with a token."""


@final
class TokenError(ValueError):
    """A token does not prove what it should.

    Args:
        why: "missing", "invalid" (also: of another secret or salt, or signed in the future), or
            "expired".
    """

    def __init__(self, why: Why) -> None:
        super().__init__(f"the token is {why}")
        self.why: Why = why
        """What is wrong with it."""


@final
class Token:
    """Signs data into texts, and verifies them. Whoever has a token can read what is in it.

    Tokens go both ways between this class and Phoenix.Token with the same secret and the same salt.

    Args:
        secrets: what only servers know, 20 bytes at least, such as `secrets.token_urlsafe(48)`. The
            first one signs, and each of them verifies: put a new one in front, and take the old one
            away when its last token has expired.

    Raises:
        ValueError: there is no secret, or one is too short.
        TypeError: a secret is no `str` and no `bytes`.

    >>> tokens = Token("a secret of at least twenty bytes")
    >>> text = tokens.sign("user socket", {"id": 7})
    >>> tokens.verify("user socket", text)
    {'id': 7}
    >>> tokens.verify("password reset", text)
    Traceback (most recent call last):
    sock.channels.TokenError: the token is invalid
    """

    __slots__ = ("_key", "_secrets")

    def __init__(self, *secrets: str | bytes) -> None:
        self._secrets = tuple(
            one.encode() if isinstance(one, str) else one
            for one in cast("tuple[Any, ...]", secrets)
        )
        if not self._secrets:
            raise ValueError("a Token needs a secret")
        for one in self._secrets:
            if not isinstance(one, bytes):
                raise TypeError(f"a secret is a str or bytes, not {type(one).__name__!r}")
            if len(one) < _MIN_SECRET:
                raise ValueError(
                    f"a secret has {_MIN_SECRET} bytes at least, not {len(one)}: make one by"
                    " python -c 'import secrets; print(secrets.token_urlsafe(48))'"
                )
        # Deriving a key takes 0.3 ms.
        self._key = lru_cache(_KEPT_KEYS)(_derived)

    def sign(
        self, salt: str, data: object, *, max_age: float = MAX_AGE, signed_at: float | None = None
    ) -> str:
        """Return data as a signed text.

        Args:
            salt: says what the token is for, such as "user socket"; not a secret. A token for one
                use does not count for another.
            data: what `verify` returns: None, bool, int, float, str, bytes, and lists, tuples and
                dicts of these.
            max_age: seconds for which it is good; `math.inf` for ever.
            signed_at: seconds since 1970; None for now.

        Raises:
            TypeError: there is something else in the data.
            OverflowError: an integer in the data has more than 2,040 bits.
        """
        when = time.time() if signed_at is None else signed_at
        payload = term.encode(
            (data, int(when * 1000), _INFINITY if max_age == math.inf else max_age)
        )
        signed = f"{_HEAD}.{_text(payload)}"
        return f"{signed}.{_text(self._mac(self._secrets[0], salt, signed))}"

    def verify(self, salt: str, token: object, *, max_age: float | None = None) -> Any:
        """Return the data of a token.

        Args:
            salt: with which it was signed.
            token: what came from the client; None if nothing did. Only a `str` may be valid.
            max_age: seconds since it was signed; None for those that were signed into it.

        Raises:
            TokenError: the token is missing, invalid or expired.
        """
        if token is None:
            raise TokenError("missing")
        if not isinstance(token, str) or not token.isascii():
            raise TokenError("invalid")
        signed, _, mac = token.rpartition(".")
        head, _, payload = signed.partition(".")
        if head != _HEAD:
            raise TokenError("invalid")
        try:
            given = _bytes(mac)
            # Each secret is tried, so that the time does not tell which of them has signed.
            fits = sum(
                hmac.compare_digest(self._mac(one, salt, signed), given) for one in self._secrets
            )
            if not fits:
                raise TokenError("invalid")
            data, when, own = _opened(term.decode(_bytes(payload)))
        except (ValueError, RecursionError):
            raise TokenError("invalid") from None
        _check_age(when, own if max_age is None else max_age)
        return data

    def _mac(self, secret: bytes, salt: str, signed: str) -> bytes:
        return hmac.digest(self._key(secret, salt), signed.encode(), "sha256")

    def __repr__(self) -> str:
        return f"Token(<{len(self._secrets)} secrets>)"


def _derived(secret: bytes, salt: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", secret, salt.encode(), 1000, 32)


def _opened(value: Any) -> tuple[Any, float, float]:
    """Return data, time and age of what was signed, also by older versions of Phoenix."""
    match value:
        case (data, int(when), int(age) | float(age)):
            return data, when / 1000, age
        case (data, int(when), "infinity"):
            return data, when / 1000, math.inf
        case (data, int(when)):
            return data, when / 1000, MAX_AGE
        case {"data": data, "signed": int(when)}:
            return data, when / 1000, MAX_AGE
        case _:
            raise ValueError("this was not signed as a token")


def _check_age(when: float, max_age: float) -> None:
    if max_age == math.inf:
        return
    if max_age <= 0:
        raise TokenError("expired")
    # Whole milliseconds, as they were signed: a token is good in the one in which it was made.
    now, signed = int(time.time() * 1000), round(when * 1000)
    if signed > now:
        raise TokenError("invalid")
    if signed + int(max_age * 1000) < now:
        raise TokenError("expired")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Decode base64url, which Python's function would take with any characters in between.

    Raises:
        ValueError: it is none.
    """
    if "+" in text or "/" in text or "=" in text:
        raise ValueError("this is not base64url")
    standard = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(text) % 4), validate=True)
