"""What a topic and a key are: names that the program chooses, of at most 1,024 bytes."""

from __future__ import annotations

from typing import Final

MAX_NAME: Final = 1024
"""Bytes of a name, in UTF-8."""


def check_topic(topic: object) -> None:
    """Refuse what is no topic.

    Raises:
        TypeError: it is no `str`.
        ValueError: it is empty, too long, or has no form in UTF-8.

    >>> check_topic("room:7")
    """
    _check(topic, "a topic", "T1")


def check_key(key: object) -> None:
    """Refuse what is no key of a Presence.

    Raises:
        TypeError: it is no `str`.
        ValueError: it is empty, too long, or has no form in UTF-8.

    >>> check_key("ada")
    """
    _check(key, "a key", "T11")


def _check(name: object, what: str, statement: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} is a str, not {type(name).__name__!r} [{statement}]")
    if not name:
        raise ValueError(f"{what} has at least one character [{statement}]")
    if len(name) * 4 <= MAX_NAME and name.isascii():
        return
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{what} has no lone surrogates [{statement}]") from None
    if size > MAX_NAME:
        raise ValueError(f"{what} has at most {MAX_NAME} bytes, not {size} [{statement}]")
