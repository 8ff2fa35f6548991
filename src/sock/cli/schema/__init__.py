"""The command `sock schema`."""

from .command import schema as schema

__all__ = ["schema"]
