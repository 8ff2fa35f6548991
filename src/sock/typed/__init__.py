"""Messages as values of declared types: JSON in both directions, encoded and decoded here."""

from .codec import Codec as Codec

__all__ = ["Codec"]
