"""What a callback of a channel raises to refuse: the client gets an error reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReplyError(Exception):
    """Raised by the handler of an event, to answer with an error. The channel lives on.

    Args:
        response: the response of the reply, a mapping.
        fields: the same, by keywords; they are laid over `response`.

    >>> ReplyError(reason="empty").response
    {'reason': 'empty'}
    """

    response: dict[str, Any]
    """What the client gets."""

    def __init__(self, response: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        super().__init__(response, fields)
        self.response = {**(response or {}), **fields}

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.response.items())


class JoinError(ReplyError):
    """Raised by `Channel.join`, to refuse. It is no crash, and is not logged as one.

    >>> JoinError(reason="unauthorized").response
    {'reason': 'unauthorized'}
    """
