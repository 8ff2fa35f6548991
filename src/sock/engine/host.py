"""The interface of a host: what the life cycle asks of it.

A host is a link, a bridge to another server, or a test. The host has the event loop, the
clock and the wire. The life cycle decides what happens, and in which order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sock.spec import Message, Ref, Request

    from .job import Job


class Host(Protocol):
    """The life cycle calls these methods of its host.

    They may not call the life cycle, with two exceptions: `start` may report a job, and `push` may
    call `Lifecycle.note_pending` when too much is pending.
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
        """Encode a message and queue it. All messages of one turn leave in one write."""

    def close(self, code: int | None, detail: str, /) -> None:
        """Send a Close frame behind all messages. It is called at most once, and no push follows.

        The frame has left when this returns, because `terminate`, which follows, may take long.
        """

    def start(self, job: Job, /) -> None:
        """Begin a job, and report its end to the life cycle, now or later.

        A report is a call of `Lifecycle.job_returned` or `Lifecycle.job_raised`.

        If the job is `cancelled` already, its iterator is closed and not run.
        """

    def cancel(self, job: Job, /) -> None:
        """Cancel a job that has not been reported. Its report still follows, later."""

    def hold(self) -> None:
        """Stop reading from the peer."""

    def resume(self) -> None:
        """Read again. Messages may arrive in the host's next turn, and not within this call."""

    def wake(self) -> None:
        """Call `Lifecycle.step` in the host's next turn."""

    def overdue(self) -> bool:
        """Tell whether this turn has lasted too long, so that the rest waits for the next one."""
        ...

    def alarm(self, seconds: float | None, /) -> None:
        """Call `Lifecycle.alarmed` after so many seconds; None: never. The last call counts."""

    def over(self) -> None:
        """Note that `terminate` has ended, and that nothing more will happen."""
