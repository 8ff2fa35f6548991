"""A turn: what the reactor gives to whoever has asked for one, once, however often it was asked."""

from __future__ import annotations


class Wakeable:
    """Who may ask for a turn. A class, so that the core asks and gives without looking up names."""

    __slots__ = ("woken",)

    def __init__(self) -> None:
        self.woken = False
        """Whether a turn has been asked for; the reactor's own."""

    def turn(self) -> None:
        """Do what waits."""
        raise NotImplementedError
