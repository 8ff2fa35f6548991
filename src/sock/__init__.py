"""Sock: WebSocket applications written once, hosted by any server.

The specification is importable from here and needs nothing outside the standard library; what is
behind `run`, `serve`, `send_all`, `asgi` and `JsonSock` is imported when one of them is first
asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import native as native  # first: it decides where the other modules are taken from
from . import spec
from .spec import Answer as Answer
from .spec import App as App
from .spec import Application as Application
from .spec import BinarySock as BinarySock
from .spec import CloseCode as CloseCode
from .spec import Compression as Compression
from .spec import Failed as Failed
from .spec import HandlerError as HandlerError
from .spec import HandshakeError as HandshakeError
from .spec import Headers as Headers
from .spec import Host as Host
from .spec import InvalidData as InvalidData
from .spec import InvalidMessage as InvalidMessage
from .spec import MailboxFull as MailboxFull
from .spec import Message as Message
from .spec import MessageTooBig as MessageTooBig
from .spec import MultiMapping as MultiMapping
from .spec import Normal as Normal
from .spec import Options as Options
from .spec import PeerTooSlow as PeerTooSlow
from .spec import Ping as Ping
from .spec import Pong as Pong
from .spec import Prepared as Prepared
from .spec import ProtocolError as ProtocolError
from .spec import RateExceeded as RateExceeded
from .spec import RateLimit as RateLimit
from .spec import Reason as Reason
from .spec import Ref as Ref
from .spec import Refuse as Refuse
from .spec import Remote as Remote
from .spec import Request as Request
from .spec import Response as Response
from .spec import Result as Result
from .spec import Returned as Returned
from .spec import Routes as Routes
from .spec import Shutdown as Shutdown
from .spec import Sock as Sock
from .spec import SockError as SockError
from .spec import Stop as Stop
from .spec import Stream as Stream
from .spec import Text as Text
from .spec import TextSock as TextSock
from .spec import TimedOut as TimedOut
from .spec import Timer as Timer
from .spec import TLSInfo as TLSInfo
from .spec import UnsupportedData as UnsupportedData
from .spec import Upgrade as Upgrade
from .spec import Wrapper as Wrapper
from .spec import around as around
from .spec import mount as mount

if TYPE_CHECKING:
    from .adapters.asgi import asgi as asgi
    from .live.ref import send_all as send_all
    from .server.certificates import TLS as TLS
    from .server.run import run as run
    from .server.run import serve as serve
    from .typed.json_sock import JsonSock as JsonSock

__all__ = [
    "TLS",
    "Answer",
    "App",
    "Application",
    "BinarySock",
    "CloseCode",
    "Compression",
    "Failed",
    "HandlerError",
    "HandshakeError",
    "Headers",
    "Host",
    "InvalidData",
    "InvalidMessage",
    "JsonSock",
    "MailboxFull",
    "Message",
    "MessageTooBig",
    "MultiMapping",
    "Normal",
    "Options",
    "PeerTooSlow",
    "Ping",
    "Pong",
    "Prepared",
    "ProtocolError",
    "RateExceeded",
    "RateLimit",
    "Reason",
    "Ref",
    "Refuse",
    "Remote",
    "Request",
    "Response",
    "Result",
    "Returned",
    "Routes",
    "Shutdown",
    "Sock",
    "SockError",
    "Stop",
    "Stream",
    "TLSInfo",
    "Text",
    "TextSock",
    "TimedOut",
    "Timer",
    "UnsupportedData",
    "Upgrade",
    "Wrapper",
    "around",
    "asgi",
    "mount",
    "run",
    "send_all",
    "serve",
]

_LAZY: Final = {
    "JsonSock": "sock.typed",
    "TLS": "sock.server",
    "asgi": "sock.adapters.asgi",
    "run": "sock.server",
    "send_all": "sock.live.ref",
    "serve": "sock.server",
}


def _name_as_users_do() -> None:
    """Have tracebacks say sock.Stop, the name that users write, and not where the class lives."""
    for name in spec.__all__:
        value = getattr(spec, name)
        if isinstance(value, type):
            value.__module__ = __name__


_name_as_users_do()


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("sockpy")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
