"""What reads the pipe of a connection that was accepted and has not begun.

what happens                 what is done
---------------------------  ------------------------------------------------------
bytes come                   kept, and read by the link when it has begun
the peer ends TCP            the link is told when it has begun
TCP is lost                  the link is told at once, and does not begin
the next turn of the loop    the link begins, and reads the pipe from then on

uvloop reads a new transport in the very turn that makes it, also if its protocol has paused it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    import asyncio

    from sock.live.link import Link


@final
class Unbegun:
    """The receiver of a pipe for one turn of the loop, in the place of a link.

    Args:
        loop: in which the link begins.
        link: begins in the next turn.
        head: the 101 as it is sent.
        early: bytes that came behind the head of the request.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, link: Link, head: bytes, early: bytes
    ) -> None:
        self._link = link
        self._head = head
        self._early = bytearray(early)
        self._ended = False
        self._beginning = loop.call_soon(self._begin)

    def received(self, data: bytes, /) -> None:
        """Keep bytes: there are those of one turn at most."""
        self._early += data

    def ended(self) -> None:
        """Note that the peer sends nothing more."""
        self._ended = True

    def drained(self) -> None:
        """Do nothing: nothing was sent."""

    def lost(self) -> None:
        """Tell the link, which does not begin."""
        self._beginning.cancel()
        self._link.lost()

    def _begin(self) -> None:
        self._link.begin(self._head, bytes(self._early))
        if self._ended:
            self._link.ended()
