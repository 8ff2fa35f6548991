"""What the life cycle asks of whatever hosts it.

A host is our own link, an adapter to another server, or a test. It owns the event loop, the clock
and the wire; the life cycle owns the order of things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sock.spec import Message, Ref, Request

    from .job import Job


class Host(Protocol):
    """What the life cycle tells its host to do.

    None of these may call back into the life cycle, but for `start`, and for `push`, which may tell
    `Lifecycle.backlog` that too much is pending.
    """

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        ...

    @property
    def ref(self) -> Ref[Any]:
        """The address of this connection."""
        ...

    def push(self, message: Message, /) -> None:
        """Encode a message and queue it; what is pushed in one turn leaves in one write."""

    def close(self, code: int | None, detail: str, /) -> None:
        """Say Close, behind all that was pushed. Called at most once; nothing is pushed after it.

        It has left when this returns: what follows, such as `terminate`, may take its time.
        """

    def start(self, job: Job, /) -> None:
        """Begin a job; report it to `Lifecycle.settled` or `Lifecycle.failed`, now or later.

        An iterator whose job is `cancelled` already is not run but closed.
        """

    def cancel(self, job: Job, /) -> None:
        """Cancel a job that has not been reported; its report follows later."""

    def hold(self) -> None:
        """Stop reading from the peer."""

    def resume(self) -> None:
        """Read again; messages may arrive in the host's next turn, not before this call returns."""

    def wake(self) -> None:
        """Call `Lifecycle.step` in the host's next turn."""

    def overdue(self) -> bool:
        """Tell whether this turn has lasted too long: what waits is for the next one, then."""
        ...

    def alarm(self, seconds: float | None, /) -> None:
        """Call `Lifecycle.alarmed` after so many seconds, and not as told before; None: never."""

    def over(self) -> None:
        """Take note that nothing more will happen: `terminate` has ended."""
