"""One event loop: its turns, deadlines and coroutines, and the byte pipes over its sockets."""

from .pipe import Pipe as Pipe
from .pipe import Receiver as Receiver
from .pipe import accept_socket as accept_socket
from .reactor import FOREVER as FOREVER
from .reactor import MAX_TURN_NANOSECONDS as MAX_TURN_NANOSECONDS
from .reactor import Reactor as Reactor
from .sockets import accept as accept
from .sockets import adopt as adopt
from .timer import Alarm as Alarm

__all__ = [
    "FOREVER",
    "MAX_TURN_NANOSECONDS",
    "Alarm",
    "Pipe",
    "Reactor",
    "Receiver",
    "accept",
    "accept_socket",
    "adopt",
]
