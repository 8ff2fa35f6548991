"""The command `sock check`."""

from .command import check as check

__all__ = ["check"]
