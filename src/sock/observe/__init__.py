"""The subscribers of telemetry: the log and the metrics."""

from .identity import ConnectionId as ConnectionId
from .identity import identify as identify

__all__ = ["ConnectionId", "identify"]
