"""What peers and an application say to each other at one address, by the declared types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Union, cast, final

from sock.typed.kind import members
from sock.typed.schema import describe

if TYPE_CHECKING:
    from sock.typed.schema import Schema

BINARY: Final = {"type": "string", "format": "binary"}
"""The schema of a message of bytes."""


@final
@dataclass(slots=True)
class Message:
    """A kind of message.

    Args:
        name: of the type, or of the event.
        kind: the type.
        is_sent: whether the application sends it; otherwise the peer does.
        reply: the type of the reply to it; None if none is declared.
    """

    name: str
    kind: Any
    is_sent: bool
    reply: Any = None
    schema: Schema = field(default=True, init=False)
    """Of the type. It is set when all types of the application are known."""
    reply_schema: Schema = field(default=True, init=False)
    """Of the type of the reply."""


@final
@dataclass(slots=True)
class Conversation:
    """What is said at one address.

    Args:
        name: of the handler.
        address: a path, or a topic of channels; parameters are in braces.
        parameters: what is known of each parameter, by its name.
        description: of the handler; empty if it has none.
        messages: all kinds of them.
        socket: where the address is a topic: the path of the socket that has it. Else None.
    """

    name: str
    address: str
    parameters: dict[str, str]
    description: str
    messages: list[Message]
    socket: str | None = None

    def going(self, *, sent: bool) -> list[Message]:
        """Return the messages that the application sends, or those that it receives."""
        return [message for message in self.messages if message.is_sent is sent]


def describe_all(conversations: list[Conversation]) -> dict[str, Schema]:
    """Find the schemas of all messages, and return those to which they refer, by their names.

    Raises:
        TypeError: there is no schema for a type, or two types have the same name.
    """
    messages = [message for one in conversations for message in one.messages]
    replying = [message for message in messages if message.reply is not None]
    described = describe(
        [(_without_bytes(message.kind), message.is_sent) for message in messages]
        + [(_without_bytes(message.reply), True) for message in replying]
    )
    schemas = iter(described.schemas)
    for message in messages:
        message.schema = _with_bytes(message.kind, next(schemas))
    for message in replying:
        message.reply_schema = _with_bytes(message.reply, next(schemas))
    return described.components


def _without_bytes(kind: Any) -> Any:
    """Return what of a type is JSON: `bytes` as a whole message are binary."""
    of_json = [one for one in members(kind) if one is not bytes]
    if not of_json:
        return Any
    return kind if len(of_json) == len(members(kind)) else cast("Any", Union)[tuple(of_json)]


def _with_bytes(kind: Any, schema: Schema) -> Schema:
    if bytes not in members(kind):
        return schema
    return dict(BINARY) if members(kind) == (bytes,) else {"anyOf": [schema, dict(BINARY)]}
