"""`Socket`: a connection of a client, and the channels that it may join. To be subclassed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sock.spec.options import check_of_connection

from .channel import Channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from types import SimpleNamespace

    from sock.spec import Options, Request

    from .params import Params


class ConnectInfo(NamedTuple):
    """What is known of a client that connects, beside its parameters."""

    request: Request
    """Its request."""
    auth_token: str | None
    """What it has sent as `authToken`, if the endpoint takes tokens."""
    transport: str
    """How it connects: "websocket" or "longpoll"."""


class Socket:
    """A connection of a client, and the channels that it may join.

    One is made for each connection, without arguments. What `connect` puts into `assigns` is there
    in each channel of the connection.

    >>> class Lobby(Channel): ...
    >>> class UserSocket(Socket):
    ...     channels = {"lobby": Lobby}
    ...
    ...     def connect(self, params: Params, info: ConnectInfo) -> None:
    ...         self.assigns.name = params.get("name", "nobody")
    >>> UserSocket.channel_for("lobby") is Lobby, UserSocket.channel_for("room:1")
    (True, None)
    """

    channels: ClassVar[Mapping[str, type[Channel]]] = {}
    """The classes of channels by topic: a topic, or the beginning of one with a `*` at its end. The
    first that matches counts."""

    options: ClassVar[Options | None] = None
    """Limits for connections of this class, laid over those of the host and of the endpoint."""

    assigns: SimpleNamespace
    """Values of this connection, such as who the user is."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Check what the class declares.

        Raises:
            TypeError: what stands behind a topic is no class of channels.
            ValueError: a topic has a `*` in another place than its end; or the options are not for
                a connection.
        """
        super().__init_subclass__(**arguments)
        for topic, kind in cls.channels.items():
            _check_channel(cls, topic, kind)
        if cls.options is not None:
            check_of_connection(cls.options, f"{cls.__name__}.options")

    def connect(self, params: Params, info: ConnectInfo, /) -> None | Awaitable[None]:
        """Let the client in, before it is connected. Put into `assigns` what the channels need.

        Args:
            params: of the URL, nested as the client has given them.
            info: its token, and its request.

        Raises:
            Refuse: to refuse, with any status.
            TokenError: the client's token is not good: it is refused with 403.
        """

    def id(self) -> str | None:
        """Return a name for all connections of one user, or None.

        `Endpoint.disconnect` ends all connections with this name.
        """
        return None

    @classmethod
    def channel_for(cls, topic: str) -> type[Channel] | None:
        """Return the class of channels for a topic, if there is one."""
        for pattern, kind in cls.channels.items():
            if pattern == topic or (pattern.endswith("*") and topic.startswith(pattern[:-1])):
                return kind
        return None


def _check_channel(owner: type[Socket], topic: object, kind: object) -> None:
    where = f"{owner.__name__}.channels"
    if not isinstance(topic, str):
        raise TypeError(f"{where} has {topic!r} for a topic, which is a str")
    if "*" in topic[:-1]:
        raise ValueError(f"{where} has the topic {topic!r}: a * stands at its end only")
    if not (isinstance(kind, type) and issubclass(kind, Channel)):
        raise TypeError(f"{where} has {kind!r} behind {topic!r}, which is no class of channels")
