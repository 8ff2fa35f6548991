"""What a topic is: a name that the program chooses, of at most 1,024 bytes."""

from __future__ import annotations

from typing import Final

MAX_TOPIC: Final = 1024
"""Bytes of a topic, in UTF-8."""


def check_topic(topic: object) -> None:
    """Refuse what is no topic.

    Raises:
        TypeError: it is no `str`.
        ValueError: it is empty, too long, or has no form in UTF-8.

    >>> check_topic("room:7")
    """
    if not isinstance(topic, str):
        raise TypeError(f"a topic is a str, not {type(topic).__name__!r} [T1]")
    if not topic:
        raise ValueError("a topic has at least one character [T1]")
    if len(topic) * 4 <= MAX_TOPIC and topic.isascii():
        return
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        raise ValueError("a topic has no lone surrogates [T1]") from None
    if size > MAX_TOPIC:
        raise ValueError(f"a topic has at most {MAX_TOPIC} bytes, not {size} [T1]")
