"""Messages as values of declared types: JSON in both directions, encoded and decoded here."""

from .codec import Codec as Codec
from .json_sock import JsonSock as JsonSock

__all__ = ["Codec", "JsonSock"]

JsonSock.__module__ = "sock"  # the name that users write
