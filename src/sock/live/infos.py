"""What other threads send to one connection: counted exactly, so that nothing gets lost unseen.

    a thread                              the connection's loop
    ------------------------------------  ----------------------------------------------------------
    takes a ticket: how many were sent    counts what it has admitted
    the two are max_mailbox apart         …
    closes the ref, sends a flood        takes what was sent before that, and says 1013
    sends nothing more: the ref is closed

Neither number is ever written by two threads, and neither goes back. So a thread's infos arrive in
order, up to the end of the connection: there is no moment at which one is left out and a later one
is taken. No lock is held while an info is sent: a finalizer or a signal handler may run in the
midst of it, and send too.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol, final

if TYPE_CHECKING:
    from sock.engine import Lifecycle
    from sock.loop.reactor import Reactor

    from .ref import LiveRef


class Flood:
    """What a thread sends in place of an info when more wait than may."""


FLOOD: Final = Flood()

# Held for one assignment, in which nothing else is called.
_making: Final = threading.RLock()


class Connection(Protocol):
    """A connection that other threads send to."""

    inlet: Inlet | None

    @property
    def reactor(self) -> Reactor:
        """Of the connection's event loop."""
        ...

    @property
    def lifecycle(self) -> Lifecycle:
        """Takes the infos."""
        ...

    @property
    def ref(self) -> LiveRef:
        """The address that they are sent to."""
        ...

    def admit(self, info: Any, /) -> None:
        """Take an info that another thread has sent."""


@final
class Inlet:
    """The count of the infos that other threads have sent and the loop has not admitted.

    Args:
        bound: how many that may be (`max_mailbox`); None for no limit.
    """

    __slots__ = ("_bound", "_tickets", "admitted")

    def __init__(self, bound: int | None) -> None:
        self._bound = bound
        # `next` of this is one step: no two threads get the same number, and none is left out.
        self._tickets = itertools.count()
        self.admitted = 0
        """Infos that the loop has taken; written in its thread only."""

    def full(self) -> bool:
        """Count one more; tell whether that is one too many."""
        ticket = next(self._tickets)
        return self._bound is not None and ticket - self.admitted >= self._bound


def post(connection: Connection, bound: int | None, info: Any) -> None:
    """Send an info from another thread, or the flood that it makes.

    Args:
        connection: the receiver.
        bound: its `max_mailbox`.
        info: what is sent.
    """
    inlet = connection.inlet or _made(connection, bound)
    if inlet.full():
        connection.ref.shut()
        info = FLOOD
    connection.reactor.post(connection, info)


def admit(connection: Connection, info: Any) -> None:
    """Take an info that another thread has sent, now in the loop's."""
    if info is FLOOD:
        connection.lifecycle.overflowed()
    else:
        assert connection.inlet is not None, "made before the first is sent"
        connection.inlet.admitted += 1
        connection.lifecycle.post(info)


def _made(connection: Connection, bound: int | None) -> Inlet:
    """Make the inlet of a connection when the first thread sends to it: most never need one."""
    made = Inlet(bound)
    with _making:
        # Another thread may have made one since, and counted.
        inlet = connection.inlet = connection.inlet or made
    return inlet
