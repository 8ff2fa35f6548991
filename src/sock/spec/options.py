"""Every limit, with its default: per upgrade, over a server-wide base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterable

KIB = 1024
MIB = 1024 * KIB


@final
class Default:
    """The type of `DEFAULT`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default()
"""Stands for a field that is not given: the base's value, in the end the one of `limits`."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """How permessage-deflate is done, when the peer offers it.

    Args:
        window: bits of the sliding window, 9 to 15; memory grows with its power of two.
        memory_level: 1 to 9, of the compressor.
        threshold: messages of fewer bytes are sent as they are.
        takeover: whether a message may refer to earlier ones; without, a connection keeps no window between messages.

    Raises:
        ValueError: a value is out of its range.

    RFC 7692 §7.1.
    """

    window: int = 12
    memory_level: int = 5
    threshold: int = 1024
    takeover: bool = True

    def __post_init__(self) -> None:
        for name, value, low, high in (("window", self.window, 9, 15), ("memory_level", self.memory_level, 1, 9)):
            if not low <= value <= high:
                raise ValueError(f"{name} is {low} to {high}, not {value}")
        if self.threshold < 0:
            raise ValueError(f"threshold is at least 0, not {self.threshold}")


DEFAULTS: Final[dict[str, Any]] = {
    "max_message_size": MIB,
    "max_fragments": 1024,
    "max_read_ahead": 64 * KIB,
    "max_mailbox": 1024,
    "max_send_buffer": MIB,
    "send_timeout": 30.0,
    "idle_timeout": 60.0,
    "ping_interval": 20.0,
    "close_timeout": 10.0,
    "compression": None,
    "origins": (),
    "handshake_timeout": 10.0,
    "max_head_size": 16 * KIB,
    "max_connections": None,
    "drain_timeout": 30.0,
}
SERVER_FIELDS: Final = frozenset({"handshake_timeout", "max_head_size", "max_connections", "drain_timeout"})
"""The fields that only a server has; an `Upgrade` refuses them."""

# Without a bound on these, a connection's memory or its end would have none.
_NEVER_NONE = frozenset({"max_read_ahead", "close_timeout", "max_head_size"})


@final
class Options:
    """The limits of a connection and of the server. Times in seconds, sizes in bytes, None for no limit.

    Only what is given is set; `over` lays it over a base. Reading a field that is not given returns the default.

    Args:
        max_message_size: of one message, reassembled and inflated (1009).
        max_fragments: frames in one message (1009).
        max_read_ahead: bytes of messages kept for a handler that lags, at least one message; the rest is left to TCP.
        max_mailbox: infos kept for a handler that lags; one more closes with 1013.
        max_send_buffer: bytes kept for a peer that lags; then the connection neither reads nor takes infos.
        send_timeout: how long a peer may take nothing of what waits for it (1013).
        idle_timeout: how long nothing may be received (3008).
        ping_interval: after how much silence a ping goes out.
        close_timeout: how long the end may take: callbacks under way, and the peer's Close.
        compression: False, True or a `Compression`.
        origins: sites beside the server's own whose pages may connect, such as "https://example.com"; "*" for all.
        handshake_timeout: from accepting a connection to its complete request. The server's.
        max_head_size: of a request's head. The server's.
        max_connections: more are answered with 503. The server's.
        drain_timeout: how long a graceful stop may take. The server's.

    Raises:
        ValueError: a value is out of its range.
        TypeError: a value has the wrong type.

    >>> Options(idle_timeout=None).over(Options(idle_timeout=5, max_mailbox=8))
    Options(idle_timeout=None, max_mailbox=8)
    """

    __slots__ = ("_given", *DEFAULTS)

    max_message_size: int | None
    max_fragments: int | None
    max_read_ahead: int
    max_mailbox: int | None
    max_send_buffer: int | None
    send_timeout: float | None
    idle_timeout: float | None
    ping_interval: float | None
    close_timeout: float
    compression: Compression | None
    origins: tuple[str, ...]
    handshake_timeout: float | None
    max_head_size: int
    max_connections: int | None
    drain_timeout: float | None

    def __init__(  # noqa: PLR0913 - one argument for each limit is what this class is for
        self,
        *,
        max_message_size: int | None | Default = DEFAULT,
        max_fragments: int | None | Default = DEFAULT,
        max_read_ahead: int | Default = DEFAULT,
        max_mailbox: int | None | Default = DEFAULT,
        max_send_buffer: int | None | Default = DEFAULT,
        send_timeout: float | None | Default = DEFAULT,
        idle_timeout: float | None | Default = DEFAULT,
        ping_interval: float | None | Default = DEFAULT,
        close_timeout: float | Default = DEFAULT,
        compression: bool | Compression | None | Default = DEFAULT,
        origins: str | Iterable[str] | Default = DEFAULT,
        handshake_timeout: float | None | Default = DEFAULT,
        max_head_size: int | Default = DEFAULT,
        max_connections: int | None | Default = DEFAULT,
        drain_timeout: float | None | Default = DEFAULT,
    ) -> None:
        arguments = dict(locals())
        given = {
            name: _checked(name, arguments[name])
            for name in DEFAULTS
            if not isinstance(arguments[name], Default)
        }
        object.__setattr__(self, "_given", given)
        for name, default in DEFAULTS.items():
            object.__setattr__(self, name, given.get(name, default))

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that were given."""
        return frozenset(self._given)

    def over(self, base: Options) -> Options:
        """Return the base with what is given here in place of its own."""
        return Options(**{**base._given, **self._given})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Options are not changed, they are laid over others: Options({name}=…).over(base)")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Options) and self._given == other._given

    def __hash__(self) -> int:
        return hash(frozenset(self._given.items()))

    def __repr__(self) -> str:
        given = (f"{name}={self._given[name]!r}" for name in DEFAULTS if name in self._given)
        return f"Options({', '.join(given)})"


def _checked(name: str, value: Any) -> Any:
    if name == "origins":
        return (value,) if isinstance(value, str) else tuple(value)
    if name == "compression":
        if value is True:
            return Compression()
        if value is False or value is None:
            return None
        if isinstance(value, Compression):
            return value
        raise TypeError(f"compression is a bool or a Compression, not {value!r}")
    if value is None:
        if name in _NEVER_NONE:
            raise ValueError(f"{name} cannot do without a limit")
        return None
    in_bytes = name.startswith("max_")
    if isinstance(value, bool) or not isinstance(value, int if in_bytes else (int, float)):
        raise TypeError(f"{name} is {'an int' if in_bytes else 'in seconds'}, not {value!r}")
    if not value > 0:  # said this way round so that NaN is refused too
        raise ValueError(f"{name} is more than 0, not {value!r}")
    return value
