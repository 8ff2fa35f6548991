"""The contract: data, errors and one class. Imports nothing outside the standard library."""

from .application import Application as Application
from .close_code import CloseCode as CloseCode
from .errors import HandlerError as HandlerError
from .errors import HandshakeError as HandshakeError
from .errors import InvalidData as InvalidData
from .errors import InvalidMessage as InvalidMessage
from .errors import MailboxFull as MailboxFull
from .errors import MessageTooBig as MessageTooBig
from .errors import PeerTooSlow as PeerTooSlow
from .errors import ProtocolError as ProtocolError
from .errors import RateExceeded as RateExceeded
from .errors import SockError as SockError
from .errors import UnsupportedData as UnsupportedData
from .handler import BinarySock as BinarySock
from .handler import Sock as Sock
from .handler import TextSock as TextSock
from .host import Host as Host
from .message import Message as Message
from .message import Ping as Ping
from .message import Pong as Pong
from .message import Prepared as Prepared
from .message import Text as Text
from .options import Compression as Compression
from .options import Options as Options
from .rate_limit import RateLimit as RateLimit
from .reason import Failed as Failed
from .reason import Normal as Normal
from .reason import Reason as Reason
from .reason import Remote as Remote
from .reason import Shutdown as Shutdown
from .reason import TimedOut as TimedOut
from .ref import Ref as Ref
from .ref import Timer as Timer
from .request import Headers as Headers
from .request import MultiMapping as MultiMapping
from .request import Request as Request
from .result import Result as Result
from .result import Returned as Returned
from .result import Stop as Stop
from .result import Stream as Stream
from .routes import Routes as Routes
from .routes import mount as mount
from .tls import TLSInfo as TLSInfo
from .upgrade import Answer as Answer
from .upgrade import App as App
from .upgrade import Refuse as Refuse
from .upgrade import Response as Response
from .upgrade import Upgrade as Upgrade
from .wrapped import around as around
from .wrapper import Wrapper as Wrapper

__all__ = [
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
    "mount",
]
