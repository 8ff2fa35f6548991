"""The kit for testing applications of Sock: without a server, and without sleeping."""

from sock.wire.frame import Close as Close

from .client import Client as Client
from .client import End as End
from .clock import Clock as Clock
from .opening import open as open  # noqa: A004 - it is used as testing.open
from .peer import Heard as Heard
from .peer import Peer as Peer
from .peer import frame as frame
from .request import request as request
from .session import Session as Session

__all__ = [
    "Client",
    "Clock",
    "Close",
    "End",
    "Heard",
    "Peer",
    "Session",
    "frame",
    "open",
    "request",
]
