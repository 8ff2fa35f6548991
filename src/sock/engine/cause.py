"""What may end a connection, and what each cause tells the peer and `terminate`.

    cause            the Close frame says       terminate gets            the peer is
    ---------------  -------------------------  ------------------------  -----------
    closed           its own code, or 1002 (1)  Remote(code, detail)      gone
    LOST             nothing can be said        Remote(1006)              gone
    IDLE             3008                       TimedOut()                gone
    too_slow         1013                       Failed(PeerTooSlow)       gone
    mailbox_full     1013                       Failed(MailboxFull)       gone
    violated         the error's                Failed(the error)         there
    SHUTDOWN         1012                       Shutdown()                there
    stopped          the Stop's                 Normal() or Failed(error)  there
    raised           1011                       Failed(the error)         there

    (1) 1002 in answer to a code that may not travel, nothing in answer to none.

"gone" means that nothing but the Close is of use to it any more. These codes are part of the
interface: see `docs/reference/specification.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sock.spec import (
    CloseCode,
    Failed,
    MailboxFull,
    Normal,
    PeerTooSlow,
    Remote,
    Shutdown,
    TimedOut,
)
from sock.spec.close_code import fitting

if TYPE_CHECKING:
    from sock.spec import ProtocolError, Reason, Stop


class Cause(NamedTuple):
    """Why an end begins.

    Attributes:
        reason: what `terminate` gets.
        code: what the Close frame says; None when it says nothing, 1006 when there can be none.
        detail: the text in the Close frame.
    """

    reason: Reason
    code: int | None
    detail: str = ""


LOST: Final = Cause(Remote(CloseCode.ABNORMAL_CLOSURE), CloseCode.ABNORMAL_CLOSURE)
IDLE: Final = Cause(TimedOut(), CloseCode.TIMEOUT, "nothing was received in time")
SHUTDOWN: Final = Cause(Shutdown(), CloseCode.SERVICE_RESTART, "the server restarts")


def closed(code: int, detail: str, answer: int | None) -> Cause:
    """The peer said Close. RFC 6455 §5.5.1."""
    return Cause(Remote(code, detail), answer)


def too_slow(seconds: float | None) -> Cause:
    """The peer took nothing for so many seconds."""
    error = PeerTooSlow(f"the peer took nothing for send_timeout={seconds} s")
    return Cause(Failed(error), CloseCode.TRY_AGAIN_LATER, "too slow")


def mailbox_full(infos: int | None) -> Cause:
    """One more info came than may wait."""
    error = MailboxFull(f"more than max_mailbox={infos} infos wait")
    return Cause(Failed(error), CloseCode.TRY_AGAIN_LATER, "more waits here than can be kept")


def violated(error: ProtocolError) -> Cause:
    """The peer broke the protocol; its developers are told how."""
    return Cause(Failed(error), error.code, fitting(str(error)))


def stopped(stop: Stop) -> Cause:
    """The handler has given a Stop, or a ref was told to stop."""
    reason = Normal() if stop.error is None else Failed(stop.error)
    return Cause(reason, stop.code, stop.detail)


def raised(error: BaseException) -> Cause:
    """Something was raised. The peer is told no details (rule 6)."""
    return Cause(Failed(error), CloseCode.INTERNAL_ERROR)
