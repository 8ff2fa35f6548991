"""What is said on the channels of an endpoint, by the annotations of their methods.

of a channel                       what is said
---------------------------------  ---------------------------------------------------------
join                               its parameters, and what it returns
a method with `@on(event)`         the payload, and what it returns
a method with `@intercept(event)`  the payload, which the client gets, too
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, Union, cast

from sock import Stop
from sock.typed.kind import NONE, members

from .conversation import Conversation, Message

if TYPE_CHECKING:
    from sock.channels import Channel, Endpoint

JOIN: Final = "phx_join"
"""The event of a join."""


def is_endpoint(app: object) -> bool:
    """Tell whether an application is an endpoint of channels."""
    module = sys.modules.get("sock.channels")  # where it was not imported, nobody has made one
    return module is not None and isinstance(app, module.Endpoint)


def conversations_of_endpoint(endpoint: Endpoint) -> list[Conversation]:
    """Return what is said on the topics of all sockets.

    Raises:
        Exception: as for `sock.typed.Codec`, for the type of a payload.
    """
    return [
        _of_channel(kind, topic, path)
        for path, mount in endpoint.sockets.items()
        for topic, kind in mount.socket.channels.items()
    ]


def _of_channel(kind: type[Channel], topic: str, path: str) -> Conversation:
    from sock.channels.channel import events_of

    events = events_of(kind)
    messages = [
        Message(JOIN, events.params.kind, is_sent=False, reply=_reply_of(kind, "join")),
        *(
            Message(event, handler.payload.kind, is_sent=False, reply=_reply_of(kind, handler.name))
            for event, handler in events.pushed.items()
        ),
        *(
            Message(event, handler.payload.kind, is_sent=True)
            for event, handler in events.intercepted.items()
        ),
    ]
    address, parameters = topic, dict[str, str]()
    if topic.endswith("*"):
        address, parameters = f"{topic[:-1]}{{rest}}", {"rest": "The rest of the topic."}
    own = inspect.cleandoc(vars(kind).get("__doc__") or "")
    return Conversation(kind.__name__, address, parameters, own, messages, socket=path)


def _reply_of(kind: type, name: str) -> Any:
    """Return the type that a method declares to reply with; None if it declares none."""
    method = inspect.unwrap(getattr(kind, name))
    try:
        result = typing.get_type_hints(method, include_extras=True).get("return", Any)
    except NameError:  # a name for type checkers only
        return None
    if typing.get_origin(result) is Awaitable:
        (result,) = typing.get_args(result)
    replied = [one for one in members(result) if one not in {NONE, Stop}]
    if not replied or Any in replied or any(map(_is_awaitable, replied)):
        return None
    return cast("Any", Union)[tuple(replied)]


def _is_awaitable(kind: Any) -> bool:
    return typing.get_origin(kind) is Awaitable
