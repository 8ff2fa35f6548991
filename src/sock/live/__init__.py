"""One live connection: a link, whose wire is ours, or a bridge over another server's wire."""

from .bridge import Bridge as Bridge
from .link import Link as Link
from .ref import LiveRef as LiveRef

__all__ = ["Bridge", "Link", "LiveRef"]
