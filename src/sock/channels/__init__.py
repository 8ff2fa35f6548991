"""Phoenix Channels: many topics on one connection, for the clients that exist."""

from .channel import Channel as Channel
from .channel import Reply as Reply
from .channel_ref import ChannelRef as ChannelRef
from .deferred import Deferred as Deferred
from .endpoint import Endpoint as Endpoint
from .endpoint import Mount as Mount
from .events import intercept as intercept
from .events import on as on
from .params import Params as Params
from .presence import Presence as Presence
from .presence import Presences as Presences
from .reason import Closed as Closed
from .reason import Crashed as Crashed
from .reason import Draining as Draining
from .reason import Duplicate as Duplicate
from .reason import Ended as Ended
from .reason import Left as Left
from .reason import Stopped as Stopped
from .reply_error import JoinError as JoinError
from .reply_error import ReplyError as ReplyError
from .serializer import V1 as V1
from .serializer import V2 as V2
from .serializer import Serializer as Serializer
from .socket import ConnectInfo as ConnectInfo
from .socket import Socket as Socket
from .token import Token as Token
from .token import TokenError as TokenError

__all__ = [
    "V1",
    "V2",
    "Channel",
    "ChannelRef",
    "Closed",
    "ConnectInfo",
    "Crashed",
    "Deferred",
    "Draining",
    "Duplicate",
    "Ended",
    "Endpoint",
    "JoinError",
    "Left",
    "Mount",
    "Params",
    "Presence",
    "Presences",
    "Reply",
    "ReplyError",
    "Serializer",
    "Socket",
    "Stopped",
    "Token",
    "TokenError",
    "intercept",
    "on",
]

for _one in (
    *(Channel, ChannelRef, Closed, ConnectInfo, Crashed, Deferred, Draining, Duplicate, Endpoint),
    *(
        JoinError,
        Left,
        Mount,
        Presence,
        ReplyError,
        Serializer,
        Socket,
        Stopped,
        Token,
        TokenError,
        V1,
        V2,
    ),
    *(intercept, on),
):
    _one.__module__ = "sock.channels"  # the name that users write
