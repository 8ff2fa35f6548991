"""The command `sock`."""

from .command import main as main

__all__ = ["main"]
