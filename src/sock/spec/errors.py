"""What can go wrong, sorted by whose fault it is: the peer's, the handler's, or the pace between the two.

    SockError
    ├── ProtocolError     the peer broke the protocol (1002)
    │   ├── UnsupportedData   … sent a kind of message that this handler does not take (1003)
    │   ├── InvalidData       … sent text that is not UTF-8, or broken compression (1007)
    │   └── MessageTooBig     … sent more than the limits allow (1009)
    ├── HandshakeError    the request is not a valid upgrade (400, 403, 426 …)
    ├── HandlerError      the handler broke the contract (1011)
    ├── MailboxFull       more infos than `max_mailbox` wait (1013)
    └── PeerTooSlow       the peer took nothing for `send_timeout` (1013)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .close_code import CloseCode

if TYPE_CHECKING:
    from collections.abc import Sequence


class SockError(Exception):
    """The base of Sock's errors."""


class ProtocolError(SockError):
    """The peer broke the protocol; `code` is what its Close frame says."""

    code: ClassVar[CloseCode] = CloseCode.PROTOCOL_ERROR


class UnsupportedData(ProtocolError):
    """The peer sent a kind of message that this handler does not take. RFC 6455 §7.4.1."""

    code: ClassVar[CloseCode] = CloseCode.UNSUPPORTED_DATA


class InvalidData(ProtocolError):
    """The peer sent text that is not UTF-8, or compressed data that is broken. RFC 6455 §8.1, RFC 7692 §7.2.2."""

    code: ClassVar[CloseCode] = CloseCode.INVALID_DATA


class MessageTooBig(ProtocolError):
    """The peer sent a message over `max_message_size` or `max_fragments`. RFC 6455 §10.4."""

    code: ClassVar[CloseCode] = CloseCode.MESSAGE_TOO_BIG


class HandshakeError(SockError):
    """The request is not a valid upgrade.

    Args:
        status: the HTTP status of the answer.
        detail: a text for the peer's developers, sent as the body.
        headers: of the answer, such as `Sec-WebSocket-Version` with a 426.
    """

    def __init__(self, status: int, detail: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = tuple(headers)


class HandlerError(SockError):
    """The handler broke the contract, such as by returning what is no result."""


class MailboxFull(SockError):
    """More infos than `max_mailbox` wait for a handler that lags."""


class PeerTooSlow(SockError):
    """The peer took nothing for `send_timeout` seconds."""
