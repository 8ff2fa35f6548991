"""Why a connection ended: the argument of `terminate`, made for `match`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

from .close_code import CloseCode, may_travel
from .result import Stop


@final
@dataclass(frozen=True, slots=True)
class Normal:
    """The handler returned or raised a `Stop` without an error, or `Ref.stop` was called.

    >>> Normal()
    Normal()
    """


@final
@dataclass(frozen=True, slots=True)
class Remote:
    """The peer is gone: it closed, or its TCP connection was lost.

    Args:
        code: as in its Close frame; 1005 when that had none, 1006 when there was no Close frame.
        detail: the text in its Close frame.

    >>> match Remote(1001, "tab closed"):
    ...     case Remote(1000 | 1001, detail):
    ...         print(detail)
    tab closed
    >>> Remote(1001, "tab closed").stop(), Remote(1006).stop()
    (Stop(code=1001, detail='tab closed'), Stop(code=1011))

    RFC 6455 §7.1.5, §7.1.6.
    """

    code: int
    detail: str = ""

    def stop(self) -> Stop:
        """Return a `Stop` with which a handler that relays tells another peer the same.

        A code that a Close frame may not carry is replaced: 1005 (a Close without a code) becomes
        1000, and every other one, such as 1006 (TCP was lost), becomes 1011.

        RFC 6455 §7.4.1.
        """
        if may_travel(self.code):
            return Stop(self.code, self.detail)
        ordinary = self.code == CloseCode.NO_STATUS_RCVD
        return Stop(CloseCode.NORMAL if ordinary else CloseCode.INTERNAL_ERROR, self.detail)


@final
@dataclass(frozen=True, slots=True)
class Shutdown:
    """The server stops, restarts or drains; the peer was told 1012.

    >>> Shutdown() == Shutdown()
    True
    """


@final
@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nothing was received for `idle_timeout` seconds, pongs included.

    >>> match TimedOut():
    ...     case TimedOut() | Remote():
    ...         print("the peer is gone")
    the peer is gone
    """


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """Something went wrong.

    Args:
        error: an exception of the handler, the error given to `Stop`, or a `SockError` that names
            the peer's fault.

    >>> match Failed(KeyError("name")):
    ...     case Failed(LookupError() as error):
    ...         print(repr(error))
    KeyError('name')
    """

    error: BaseException


Reason: TypeAlias = Normal | Remote | Shutdown | TimedOut | Failed
"""Why a connection ended."""
