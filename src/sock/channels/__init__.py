"""Phoenix Channels: many topics on one connection, for the clients that exist."""

from .token import Token as Token
from .token import TokenError as TokenError

__all__ = ["Token", "TokenError"]

Token.__module__ = TokenError.__module__ = "sock.channels"  # the names that users write
