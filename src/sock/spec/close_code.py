"""The close codes that IANA has registered, and which codes a Close frame may carry."""

from __future__ import annotations

from enum import IntEnum

MAX_DETAIL = 123  # RFC 6455 §5.5 allows 125 bytes in a control frame; two are the code


class CloseCode(IntEnum):
    """Why a connection was closed, as a number in the Close frame.

    Three codes are never in a Close frame, and describe its absence: `NO_STATUS_RCVD` (the peer
    closed without a code), `ABNORMAL_CLOSURE` (TCP ended without a Close frame) and
    `TLS_HANDSHAKE`.

    >>> CloseCode(1012)
    <CloseCode.SERVICE_RESTART: 1012>

    RFC 6455 §7.4.1 and the IANA "WebSocket Close Code Number" registry.
    """

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015
    UNAUTHORIZED = 3000
    FORBIDDEN = 3003
    TIMEOUT = 3008


def may_travel(code: int) -> bool:
    """Tell whether a Close frame may carry this code.

    >>> [code for code in (999, 1000, 1004, 1005, 1014, 1015, 2999, 3000) if may_travel(code)]
    [1000, 1014, 3000]

    RFC 6455 §7.4.2, with the codes registered since.
    """
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def shortened_detail(detail: str) -> str:
    """Cut a text, between two characters, to the size that fits a Close frame beside the code.

    Raises:
        UnicodeEncodeError: the text has a lone surrogate, which UTF-8 cannot encode.

    >>> len(shortened_detail("é" * 100).encode())
    122

    RFC 6455 §5.5.
    """
    utf8 = detail.encode()
    return detail if len(utf8) <= MAX_DETAIL else utf8[:MAX_DETAIL].decode(errors="ignore")
