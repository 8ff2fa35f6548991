"""Every limit, with its default."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, final

from .exact import exact_int
from .origin import checked_origins
from .rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .origin import Listed
    from .request import Request

KIB = 1024
MIB = 1024 * KIB

MAX_NUMBER: Final = 1 << 62
"""A larger size or number counts as this one, 4 EiB. Twice as much still fits a machine word, so
the compiled core can count with it."""


@final
class Default:
    """The type of `DEFAULT`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default()
"""Stands for a field that is not given: the base's value counts, and finally that of `DEFAULTS`."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """How permessage-deflate is done, when the peer offers it.

    Args:
        window: bits of the sliding window, 9 to 15; memory grows with its power of two.
        memory_level: 1 to 9, of the compressor.
        threshold: messages of fewer bytes are sent as they are.
        takeover: whether a message may refer to earlier ones; without, a connection keeps no window
            between messages.

    Raises:
        ValueError: a value is out of its range.
        TypeError: a size is no int.

    >>> Compression(window=15).threshold
    1024

    RFC 7692 §7.1.
    """

    window: int = 12
    memory_level: int = 5
    threshold: int = 1024
    takeover: bool = True

    def __post_init__(self) -> None:
        _check_int("window", self.window)
        _check_int("memory_level", self.memory_level)
        _check_int("threshold", self.threshold)
        if not 9 <= self.window <= 15:
            raise ValueError(f"window is 9 to 15, not {self.window}")
        if not 1 <= self.memory_level <= 9:
            raise ValueError(f"memory_level is 1 to 9, not {self.memory_level}")
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
    "rate_limit": None,
    "compression": None,
    "origins": (),
    "handshake_timeout": 10.0,
    "max_head_size": 16 * KIB,
    "max_body_size": MIB,
    "max_connections": None,
    "max_connections_per_ip": None,
    "handshake_rate_per_ip": None,
    "drain_timeout": 30.0,
    "drain_batch": 1000,
    "drain_interval": 0.1,
}
SERVER_FIELDS: Final = frozenset(
    (
        "handshake_timeout",
        "max_head_size",
        "max_body_size",
        "max_connections",
        "max_connections_per_ip",
        "handshake_rate_per_ip",
        "drain_timeout",
        "drain_batch",
        "drain_interval",
    )
)
"""The fields that only a server has. An `Upgrade` refuses them."""

# Without a bound on these, the memory of a connection or its end would be unbounded.
_NEVER_NONE: Final = frozenset(
    ("max_read_ahead", "close_timeout", "max_head_size", "max_body_size")
)


@final
class Options:
    """The limits of a connection and of the server.

    Times are in seconds, sizes in bytes, and None stands for no limit. Only the fields that are
    given are set; `over` lays these over a base. A field that is not given has its default when it
    is read. A size or a number over 2^62 counts as 2^62.

    Args:
        max_message_size: of one message, reassembled and inflated (1009).
        max_fragments: frames in one message (1009); when it is not given, one for each KiB of
            `max_message_size`, and at least 1,024.
        max_read_ahead: bytes of messages kept for a handler that lags, at least one message; the
            rest is left to TCP.
        max_mailbox: infos kept for a handler that lags; one more closes with 1013.
        max_send_buffer: bytes kept for a peer that lags; then the connection neither reads nor
            takes infos.
        send_timeout: how long a peer may take nothing of what waits for it (1013).
        idle_timeout: how long nothing may be received (3008).
        ping_interval: after how much silence a ping goes out, below `idle_timeout`; when it is not
            given, at least three times within an `idle_timeout` shorter than the default.
        close_timeout: how long the end may take: callbacks under way, and the peer's Close.
        rate_limit: a `RateLimit` for what the peer sends; beyond it nothing is read for a while, or
            1008 is said.
        compression: False, True or a `Compression`.
        origins: sites beside the server's own whose pages may connect: `https://example.com`,
            `https://*.example.com` for its sub-domains of any depth, `file://` or another scheme;
            `null` for pages that have no origin, `*` for all; or a function that is given an origin
            and the request, and returns whether it may connect.
        handshake_timeout: from accepting a connection to its complete request. The server's.
        max_head_size: of a request's head. The server's.
        max_body_size: of an ordinary request's body (413). The server's.
        max_connections: more are answered with 503. The server's.
        max_connections_per_ip: of one address, or of one /64 of IPv6 (429). The server's.
        handshake_rate_per_ip: handshakes a second from there, on average; those of ten seconds may
            come at once (429). The server's.
        drain_timeout: how long a graceful stop may take. The server's.
        drain_batch: how many connections a stop tells at a time to end (1012). The server's.
        drain_interval: how long it is until the next ones are told, on average; less where
            `drain_timeout` leaves less. The server's.

    Raises:
        ValueError: a value is out of its range, or `ping_interval` is not below `idle_timeout`, the
            default of 60 included.
        TypeError: a value has the wrong type.

    >>> Options(idle_timeout=None).over(Options(idle_timeout=5, max_mailbox=8))
    Options(max_mailbox=8, idle_timeout=None)
    """

    __slots__ = ("_given", *DEFAULTS)

    _given: dict[str, Any]
    max_message_size: int | None
    max_fragments: int | None
    max_read_ahead: int
    max_mailbox: int | None
    max_send_buffer: int | None
    send_timeout: float | None
    idle_timeout: float | None
    ping_interval: float | None
    close_timeout: float
    rate_limit: RateLimit | None
    compression: Compression | None
    origins: tuple[Listed, ...]
    handshake_timeout: float | None
    max_head_size: int
    max_body_size: int
    max_connections: int | None
    max_connections_per_ip: int | None
    handshake_rate_per_ip: float | None
    drain_timeout: float | None
    drain_batch: int | None
    drain_interval: float | None

    def __init__(
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
        rate_limit: RateLimit | None | Default = DEFAULT,
        compression: bool | Compression | None | Default = DEFAULT,
        origins: str
        | Callable[[str, Request], bool]
        | Iterable[str | Callable[[str, Request], bool]]
        | Default = DEFAULT,
        handshake_timeout: float | None | Default = DEFAULT,
        max_head_size: int | Default = DEFAULT,
        max_body_size: int | Default = DEFAULT,
        max_connections: int | None | Default = DEFAULT,
        max_connections_per_ip: int | None | Default = DEFAULT,
        handshake_rate_per_ip: float | None | Default = DEFAULT,
        drain_timeout: float | None | Default = DEFAULT,
        drain_batch: int | None | Default = DEFAULT,
        drain_interval: float | None | Default = DEFAULT,
    ) -> None:
        arguments = dict(locals())
        given = {
            name: _checked(name, arguments[name])
            for name in DEFAULTS
            if not isinstance(arguments[name], Default)
        }
        if "ping_interval" in given and _never_pings(given):
            default = "" if "idle_timeout" in given else ", its default"
            raise ValueError(
                f"ping_interval is {given['ping_interval']}, and idle_timeout "
                f"{_value(given, 'idle_timeout')}{default}: no ping would go out before a peer is "
                "given up. Make the first smaller, or the second larger"
            )
        self._set(given)

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that were given."""
        return frozenset(self._given)

    def over(self, base: Options) -> Options:
        """Return the options of the base, with the fields that are given here in place of its own.

        If the `ping_interval` of one is not below the `idle_timeout` of the other, it becomes a
        third of that timeout. Otherwise healthy peers would be cut off.
        """
        given = {**base._given, **self._given}
        if _never_pings(given):
            given.pop("ping_interval", None)
        return _laid(given)

    def _set(self, given: dict[str, Any]) -> None:
        values = {**DEFAULTS, **given}
        if "ping_interval" not in given and values["idle_timeout"] is not None:
            values["ping_interval"] = min(values["ping_interval"], values["idle_timeout"] / 3)
        if "max_fragments" not in given:
            values["max_fragments"] = _fragments(values["max_message_size"])
        object.__setattr__(self, "_given", given)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"Options cannot be changed. Lay new ones over them: Options({name}=…).over(base)"
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Options cannot be changed, so {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self._given == other._given if isinstance(other, Options) else NotImplemented

    def __hash__(self) -> int:
        # The functions among the origins are left out, because they may have no hash.
        texts = tuple(one for one in self.origins if isinstance(one, str))
        return hash(frozenset({**self._given, "origins": texts}.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _laid, (self._given,)

    def __repr__(self) -> str:
        given = (f"{name}={self._given[name]!r}" for name in DEFAULTS if name in self._given)
        return f"Options({', '.join(given)})"


def check_of_connection(options: object, whose: str) -> None:
    """Refuse options that one connection cannot have.

    Args:
        options: the options that were given for it.
        whose: the place where they were given, for the error text.

    Raises:
        TypeError: they are not an Options.
        ValueError: they have fields that only a server has.
    """
    if not isinstance(options, Options):
        raise TypeError(f"{whose} are an Options, not {type(options).__name__!r}")
    if misplaced := SERVER_FIELDS & options.given:
        names = ", ".join(sorted(misplaced))
        raise ValueError(
            f"{names}: of the server, not of one connection, as {whose} are; run, serve and an"
            " Application take these"
        )


def _laid(given: dict[str, Any]) -> Options:
    """Return options of fields, each of which was checked when it was given."""
    options = Options.__new__(Options)
    options._set(given)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a second constructor
    return options


def _value(given: dict[str, Any], name: str) -> Any:
    return given.get(name, DEFAULTS[name])


def _never_pings(given: dict[str, Any]) -> bool:
    ping_interval, idle_timeout = _value(given, "ping_interval"), _value(given, "idle_timeout")
    return None not in {ping_interval, idle_timeout} and bool(ping_interval >= idle_timeout)


def _fragments(max_message_size: int | None) -> int | None:
    """Return how many frames a message may have. Clients may cut a large one into pieces."""
    if max_message_size is None:
        return None
    return max(1024, -(-max_message_size // KIB))


def _checked(name: str, value: Any) -> Any:
    if name == "origins":
        return checked_origins(value)
    if name == "compression":
        if value is True:
            return Compression()
        if value is False or value is None:
            return None
        if isinstance(value, Compression):
            return value
        raise TypeError(f"compression is a bool or a Compression, not {value!r}")
    if name == "rate_limit" and value is not None:
        if not isinstance(value, RateLimit):
            raise TypeError(f"rate_limit is a RateLimit, not {value!r}")
        return value
    if value is None:
        if name in _NEVER_NONE:
            raise ValueError(f"{name} cannot do without a limit")
        return None
    if name.startswith("max_") or name == "drain_batch":
        _check_int(name, value)
        value = min(exact_int(value), MAX_NUMBER)
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        what = "handshakes a second" if name == "handshake_rate_per_ip" else "in seconds"
        raise TypeError(f"{name} is {what}, not {value!r}")
    elif isinstance(value, int):
        value = min(exact_int(value), MAX_NUMBER)  # an int may be more than a float can hold
    if not value > 0 or not isfinite(value):  # written this way round so that NaN is refused too
        raise ValueError(f"{name} is more than 0 and finite, not {value!r}")
    return value


def _check_int(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is an int, not {value!r}")
