"""The errors of Sock, sorted by whose fault they are.

    SockError
    ├── ProtocolError     the peer broke the protocol (1002)
    │   ├── UnsupportedData   … sent a kind of message that this handler does not take (1003)
    │   ├── InvalidData       … sent text that is not UTF-8, or broken compression (1007)
    │   │   └── InvalidMessage    … sent a message that is not of the declared type (1007)
    │   ├── MessageTooBig     … sent more than the limits allow (1009)
    │   └── RateExceeded      … sent it faster than `rate_limit` allows (1008)
    ├── HandshakeError    the request is not a valid upgrade (400, 403, 426 …)
    ├── HandlerError      the handler broke the contract (1011)
    ├── MailboxFull       more infos than `max_mailbox` wait (1013)
    └── PeerTooSlow       the peer took nothing for `send_timeout` (1013)

`Refuse` and `Stop` are not errors but answers, which may be raised.
"""

# Annotations are evaluated, so that get_type_hints reads them under the name sock.ProtocolError.
from collections.abc import Sequence
from typing import Any, ClassVar

from .close_code import CloseCode


class SockError(Exception):
    """The base of Sock's errors.

    >>> issubclass(MailboxFull, SockError)
    True
    """


class ProtocolError(SockError):
    """The peer broke the protocol; `code` is the close code that it is sent.

    >>> ProtocolError.code
    <CloseCode.PROTOCOL_ERROR: 1002>

    RFC 6455 §7.1.7.
    """

    code: ClassVar[CloseCode] = CloseCode.PROTOCOL_ERROR


class UnsupportedData(ProtocolError):
    """The peer sent a kind of message that this handler does not take.

    >>> UnsupportedData.code
    <CloseCode.UNSUPPORTED_DATA: 1003>

    RFC 6455 §7.4.1.
    """

    code: ClassVar[CloseCode] = CloseCode.UNSUPPORTED_DATA


class InvalidData(ProtocolError):
    """The peer sent text that is not UTF-8, or compressed data that is broken.

    >>> InvalidData.code
    <CloseCode.INVALID_DATA: 1007>

    RFC 6455 §8.1, RFC 7692 §7.2.2.
    """

    code: ClassVar[CloseCode] = CloseCode.INVALID_DATA


class InvalidMessage(InvalidData):
    """A message is no JSON, or not of the type that it should have.

    Its text is short enough for the detail of a Close frame.

    Args:
        why: what is wrong.
        path: the place in the message, such as `$.author`; empty if the message is no JSON.

    >>> str(InvalidMessage("expected `str`, got `int`", "$.author"))
    '$.author: expected `str`, got `int`'

    RFC 6455 §7.4.1.
    """

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.why = why
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        # Copying and pickling use the args of an exception, and these are the text alone.
        return type(self), (self.why, self.path)


class MessageTooBig(ProtocolError):
    """The peer sent a message over `max_message_size` or `max_fragments`.

    >>> MessageTooBig.code
    <CloseCode.MESSAGE_TOO_BIG: 1009>

    RFC 6455 §10.4.
    """

    code: ClassVar[CloseCode] = CloseCode.MESSAGE_TOO_BIG


class RateExceeded(ProtocolError):
    """The peer sent more in a second than `rate_limit` allows, which says to end the connection.

    >>> RateExceeded.code
    <CloseCode.POLICY_VIOLATION: 1008>

    RFC 6455 §7.4.1.
    """

    code: ClassVar[CloseCode] = CloseCode.POLICY_VIOLATION


class HandshakeError(SockError):
    """The request is not a valid upgrade.

    Args:
        status: the HTTP status of the answer.
        detail: a text for the peer's developers, sent as the body.
        headers: of the answer, such as `Sec-WebSocket-Version` with a 426.

    >>> match HandshakeError(426, "version 8, not 13 (RFC 6455 §4.4)"):
    ...     case HandshakeError(426, detail):
    ...         print(detail)
    version 8, not 13 (RFC 6455 §4.4)

    RFC 6455 §4.2.1.
    """

    __match_args__ = ("status", "detail", "headers")

    def __init__(self, status: int, detail: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = tuple(headers)

    def __reduce__(self) -> tuple[Any, ...]:
        # Copying and pickling use the args of an exception, and these are the text alone.
        return type(self), (self.status, self.detail, self.headers)


class HandlerError(SockError):
    """The handler broke the contract, for instance by returning a value that is not a result.

    >>> raise HandlerError("Echo.handle_in returned 7, which is not a result")
    Traceback (most recent call last):
    sock.HandlerError: Echo.handle_in returned 7, which is not a result
    """


class MailboxFull(SockError):
    """More infos than `max_mailbox` wait for a handler that lags.

    >>> match Failed(MailboxFull()):
    ...     case Failed(MailboxFull() | PeerTooSlow()):
    ...         print("one of the two could not keep up")
    one of the two could not keep up
    """


class PeerTooSlow(SockError):
    """The peer took nothing for `send_timeout` seconds.

    >>> PeerTooSlow("nothing taken for 30 s")
    PeerTooSlow('nothing taken for 30 s')
    """
