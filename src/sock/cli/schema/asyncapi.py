"""Conversations as a document of AsyncAPI 3.0.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .conversation import BINARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sock.typed.schema import Schema

    from .conversation import Conversation


def asyncapi(
    conversations: Iterable[Conversation],
    components: Mapping[str, Schema],
    *,
    title: str,
    version: str,
) -> dict[str, Any]:
    """Return a document as what is to be written as JSON.

    Args:
        conversations: what is said, with the schemas of the messages.
        components: the schemas to which these refer.
        title: of the application.
        version: of the application.
    """
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for one in conversations:
        key = _unique(one.name, channels)
        messages: dict[str, Any] = {}
        channels[key] = _channel(one, messages)
        for verb, is_sent in (("receive", False), ("send", True)):
            keys = [_put(each.name, each.schema, messages) for each in one.going(sent=is_sent)]
            replies = [each.reply for each in one.going(sent=is_sent)]
            plain = [own for own, reply in zip(keys, replies, strict=True) if reply is None]
            if plain:
                operations[_unique(f"{verb}{key}", operations)] = _operation(verb, key, plain)
            for each, own in zip(one.going(sent=is_sent), keys, strict=True):
                if each.reply is not None:
                    told = _put(f"{each.name} reply", each.reply_schema, messages)
                    reply = {"channel": {"$ref": f"#/channels/{key}"}, **_messages(key, [told])}
                    operation = {**_operation(verb, key, [own]), "reply": reply}
                    operations[_unique(f"{verb}{key}_{own}", operations)] = operation
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }
    if components:
        document["components"] = {"schemas": dict(components)}
    return document


def _channel(conversation: Conversation, messages: dict[str, Any]) -> dict[str, Any]:
    channel: dict[str, Any] = {"address": conversation.address, "title": conversation.name}
    if conversation.description:
        channel["description"] = conversation.description
    if conversation.parameters:
        channel["parameters"] = {
            name: {"description": said} if said else {}
            for name, said in conversation.parameters.items()
        }
    channel["messages"] = messages
    if conversation.socket is None:
        channel["bindings"] = {"ws": {"method": "GET", "bindingVersion": "0.1.0"}}
    else:
        channel["x-phoenix-socket"] = conversation.socket
    return channel


def _put(name: str, schema: Schema, messages: dict[str, Any]) -> str:
    """Put a message to the others, if it is not among them, and return its key."""
    message: dict[str, Any] = {"name": name, "payload": schema}
    if schema == BINARY:
        message["contentType"] = "application/octet-stream"
    for key, one in messages.items():
        if one == message:
            return key
    key = _unique(name, messages)
    messages[key] = message
    return key


def _operation(action: str, channel: str, keys: list[str]) -> dict[str, Any]:
    reference = {"$ref": f"#/channels/{channel}"}
    return {"action": action, "channel": reference, **_messages(channel, keys)}


def _messages(channel: str, keys: list[str]) -> dict[str, Any]:
    return {"messages": [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in keys]}


def _unique(name: str, taken: Mapping[str, Any]) -> str:
    """Return a key of letters, digits, `-`, `_` and `.` that is not taken."""
    key = first = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_") or "message"
    number = 2
    while key in taken:
        key = f"{first}_{number}"
        number += 1
    return key
