"""Why a channel has ended: the argument of `Channel.terminate`, made for `match`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

if TYPE_CHECKING:
    from sock.spec import Reason


@final
@dataclass(frozen=True, slots=True)
class Left:
    """The client has left the topic."""


@final
@dataclass(frozen=True, slots=True)
class Closed:
    """The connection has ended.

    Args:
        reason: why, as the `terminate` of a Sock gets it; None where there is no connection that
            knows.
    """

    reason: Reason | None = None


@final
@dataclass(frozen=True, slots=True)
class Draining:
    """The server stops or restarts; the client was told 1012, and comes back."""


@final
@dataclass(frozen=True, slots=True)
class Duplicate:
    """The client has joined the topic once more on the same connection."""


@final
@dataclass(frozen=True, slots=True)
class Stopped:
    """The channel has stopped itself: a callback gave a `Stop`, or `Channel.stop` was called."""


@final
@dataclass(frozen=True, slots=True)
class Crashed:
    """A callback has raised an exception.

    Args:
        error: the exception.
    """

    error: BaseException


Ended: TypeAlias = Left | Closed | Draining | Duplicate | Stopped | Crashed
"""Why a channel has ended."""
