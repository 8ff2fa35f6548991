"""An object that may ask the reactor for a turn. It gets one, however often it has asked."""

from __future__ import annotations


class Wakeable:
    """The base class of objects that get turns; a class, so that the compiled core is fast."""

    __slots__ = ("woken",)

    def __init__(self) -> None:
        self.woken = False
        """Whether a turn has been asked for. Only the reactor sets it."""

    def turn(self) -> None:
        """Do the work that waits."""
        raise NotImplementedError
