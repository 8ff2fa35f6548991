"""`Realtime`: the channel that Supabase's clients speak to.

from the client                               what is done
--------------------------------------------  ----------------------------------------------------
join, with a config                           `authorize`; the reply; the presences, if asked for
broadcast {type, event, payload}              to all others, and to itself with `self`; reply ok
                                              with `ack`, else none
presence {event: "track", payload}            enters the list, or changes the entry; reply ok
presence {event: "untrack"}                   leaves the list; reply ok
access_token {access_token}                   `refresh`; no reply
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar, cast

from msgspec import Struct, field

from sock.channels.channel import Channel
from sock.channels.events import on
from sock.channels.presence import shaped
from sock.channels.reply_error import JoinError, ReplyError
from sock.pubsub import Diff, State

from .serializer import BROADCAST

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock.pubsub import Presence

PREFIX = "realtime:"
"""What these clients put in front of each topic."""


class BroadcastConfig(Struct):
    """How the client wants its broadcasts handled."""

    ack: bool = False
    to_self: bool = field(name="self", default=False)


class PresenceConfig(Struct):
    """Whether the client wants to know who is here, and under which key it is itself."""

    key: str = ""
    enabled: bool = False


class Config(Struct):
    """What the client wants of the channel."""

    broadcast: BroadcastConfig | None = None
    presence: PresenceConfig | None = None
    private: bool = False
    postgres_changes: list[Any] | None = None


class JoinParams(Struct):
    """The parameters of a join."""

    config: Config = field(default_factory=Config)
    access_token: str | None = None


class Sent(Struct):
    """What a client sends as broadcast or presence."""

    event: str = ""
    payload: Any = None
    type: str = ""


class AccessToken(Struct):
    """A new token of the client, in the place of one that expires."""

    access_token: str | None = None


class Realtime(Channel):
    """The channel of Supabase's clients: broadcast and presence.

    Changes of a database are not served. A subclass decides in `authorize` who may join, and sets
    `presence`.
    """

    presence: ClassVar[Presence[Any] | None] = None
    """Knows who is here; without it, nobody is."""

    access_token: str | None = None
    """Of the client, if it has sent one."""

    _broadcast: BroadcastConfig
    _presence: PresenceConfig

    def authorize(self, name: str, *, private: bool) -> None | Awaitable[None]:
        """Let the client in. `access_token` is what it has sent.

        Args:
            name: the topic, without "realtime:".
            private: whether the client asks for a private channel.

        Raises:
            JoinError: to refuse.
        """

    def refresh(self) -> None | Awaitable[None]:
        """Take note that `access_token` is a new one. `Stop` ends the channel."""

    async def join(self, topic: str, params: JoinParams, /) -> dict[str, Any]:
        """Let the client in, if `authorize` does."""
        config = params.config
        self.access_token = params.access_token
        self._broadcast = config.broadcast or BroadcastConfig()
        self._presence = config.presence or PresenceConfig()
        self._presence.key = self._presence.key or secrets.token_urlsafe(12)
        if config.postgres_changes:
            raise JoinError(reason="changes of a database are not served here")
        allowed = self.authorize(topic.removeprefix(PREFIX), private=config.private)
        if allowed is not None:
            await allowed
        return {"postgres_changes": []}

    async def after_join(self) -> None:
        """Send who is here, if the client has asked for it."""
        if not self._presence.enabled:
            return
        if self.presence is None:
            self.push("presence_state", {})
        else:
            await self.presence.watch(self.topic, self.ref)

    @on(BROADCAST)
    async def on_broadcast(self, payload: dict[str, Any] | bytes) -> dict[str, Any] | None:
        """Send to the others what the client has sent."""
        if self._broadcast.to_self:
            await self.broadcast(BROADCAST, payload)
        else:
            await self.broadcast_from(BROADCAST, payload)
        return {} if self._broadcast.ack else None

    @on("presence")
    async def on_presence(self, sent: Sent) -> dict[str, Any]:
        """Enter the client in the list, or take it out."""
        if self.presence is None:
            raise ReplyError(reason="there is no presence here")
        key = self._presence.key
        match sent.event.lower():
            case "track":
                meta = _fields(sent.payload)
                await self.presence.track(self.topic, self.ref, key=key, meta=meta)
            case "untrack":
                await self.presence.untrack(self.topic, self.ref, key=key)
            case _:
                raise ReplyError(reason="presence knows track and untrack")
        return {}

    @on("access_token")
    async def on_access_token(self, token: AccessToken) -> None:
        """Take a new token."""
        self.access_token = token.access_token
        refreshed = self.refresh()
        if refreshed is not None:
            await refreshed

    def handle_info(self, info: Any, /) -> Any:
        """Tell the client who is here. A subclass with infos of its own passes on the others."""
        told: Any = info
        if isinstance(info, State):
            self.push("presence_state", shaped(told.present))
        elif isinstance(info, Diff):
            joins, leaves = shaped(told.joins, told.leaves), shaped(told.leaves)
            self.push("presence_diff", {"joins": joins, "leaves": leaves})

    def system(self, status: str, message: str, *, extension: str = "system") -> None:
        """Tell the client something of the system: an event that it gets as `system`."""
        name = self.topic.removeprefix(PREFIX)
        told = {"channel": name, "extension": extension, "message": message, "status": status}
        self.push("system", told)


def _fields(data: Any) -> dict[str, Any]:
    if isinstance(data, dict):
        return cast("dict[str, Any]", data)
    return {} if data is None else {"payload": data}
