"""Where wire and engine meet: event loop, sockets, clock, tasks."""

from .channel import Channel as Channel
from .channel import Receiver as Receiver
from .channel import accept_socket as accept_socket
from .link import Link as Link
from .reactor import FOREVER as FOREVER
from .reactor import PATIENCE as PATIENCE
from .reactor import Reactor as Reactor
from .ref import LiveRef as LiveRef
from .timer import Alarm as Alarm

__all__ = [
    "FOREVER",
    "PATIENCE",
    "Alarm",
    "Channel",
    "Link",
    "LiveRef",
    "Reactor",
    "Receiver",
    "accept_socket",
]
