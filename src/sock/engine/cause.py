"""The causes that end a connection; for each, its code for the peer and its reason.

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

    (1) 1002 answers a code that a Close frame may not carry; a Close without a code is answered by
        one without a code.

"gone" means that the peer takes no more messages, and at most the Close frame. The codes belong to
the public interface, see `docs/reference/specification.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
from sock.spec.close_code import shortened_detail

if TYPE_CHECKING:
    from sock.spec import ProtocolError, Reason, Stop


class Cause(NamedTuple):
    """The cause of an end.

    Attributes:
        reason: the argument of `terminate`.
        code: the code in the Close frame; None if it has no code, 1006 if no frame can be sent.
        detail: the text in the Close frame.
    """

    reason: Reason
    code: int | None
    detail: str = ""


_new_tuple: Final[Any] = tuple[Any, ...].__new__

LOST: Final = Cause(Remote(CloseCode.ABNORMAL_CLOSURE), CloseCode.ABNORMAL_CLOSURE)
IDLE: Final = Cause(TimedOut(), CloseCode.TIMEOUT, "nothing was received in time")
SHUTDOWN: Final = Cause(Shutdown(), CloseCode.SERVICE_RESTART, "the server restarts")


def closed(code: int, detail: str, answer: int | None) -> Cause:
    """The peer sent a Close frame. RFC 6455 §5.5.1."""
    # Without the constructor of the NamedTuple, which is a Python function (bench, connect).
    why: Cause = _new_tuple(Cause, (Remote(code, detail), answer, ""))
    return why


def too_slow(seconds: float | None) -> Cause:
    """The peer took nothing for so many seconds."""
    error = PeerTooSlow(f"the peer took nothing for send_timeout={seconds} s")
    return Cause(Failed(error), CloseCode.TRY_AGAIN_LATER, "too slow")


def mailbox_full(infos: int | None) -> Cause:
    """More infos came than may wait."""
    error = MailboxFull(f"more than max_mailbox={infos} infos wait for the handler")
    return Cause(
        Failed(error), CloseCode.TRY_AGAIN_LATER, "too many messages wait for this connection"
    )


def violated(error: ProtocolError) -> Cause:
    """The peer broke the protocol; its developers are told how."""
    return Cause(Failed(error), error.code, shortened_detail(str(error)))


def stopped(stop: Stop) -> Cause:
    """The handler returned or raised a Stop, or `Ref.stop` was called."""
    reason = Normal() if stop.error is None else Failed(stop.error)
    return Cause(reason, stop.code, stop.detail)


def raised(error: BaseException) -> Cause:
    """Something was raised. The peer is told no details (rule 6)."""
    return Cause(Failed(error), CloseCode.INTERNAL_ERROR)
