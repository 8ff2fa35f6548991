"""One live connection: a link, whose wire is ours, or a bridge over another server's wire."""

# First, because the compiled epoll of that room knows the lane of this one, which in turn needs the
# scope of that room.
import sock.loop  # noqa: F401  # pyright: ignore[reportUnusedImport]

from .bridge import Bridge as Bridge
from .engine_connection import EngineConnection as EngineConnection
from .link import Link as Link
from .ref import LiveRef as LiveRef
from .transport_wire import TransportWire as TransportWire

__all__ = ["Bridge", "EngineConnection", "Link", "LiveRef", "TransportWire"]
