"""What holds up the end of a connection: what a drain says of those that it cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from sock.engine.job import CALLBACK, STREAM, TERMINATE

if TYPE_CHECKING:
    from sock.engine import Job, Lifecycle

    By: TypeAlias = Literal["callback", "stream", "terminate", "task", "peer", "application"]

_BY: Final[tuple[tuple[object, By], ...]] = (
    (CALLBACK, "callback"),
    (STREAM, "stream"),
    (TERMINATE, "terminate"),
)
"""The work that may hold up an end, in the order in which the life cycle waits for it."""

SPAWN: Final = "spawn"
"""The place of a task of `Ref.spawn`."""


class Held(NamedTuple):
    """What holds up the end of one connection.

    Attributes:
        by: a callback, a stream, `terminate` or a spawned task that has not ended; the peer, which
            does not take what waits for it or does not answer our Close; or the application, which
            has not answered a request.
        handler: the name of the handler's class; "" where there is no handler yet.
        place: the callback whose work it is, such as "Chat.handle_in"; "" for none.
        seconds: how long that work has taken so far; None where nobody has looked at the clock.
        pending: bytes that the peer has not taken.
    """

    by: By
    handler: str = ""
    place: str = ""
    seconds: float | None = None
    pending: int = 0


def held_by(life: Lifecycle, now: float, pending: int) -> Held:
    """Return what holds up the end of a connection.

    Args:
        life: of the connection.
        now: the time of the event loop's clock.
        pending: bytes that wait for the peer.
    """
    handler = life.handler_name()
    jobs = life.jobs.running()
    for role, by in _BY:
        for job in jobs:
            if job.role is role:
                place = life.qualified_name(job.place)
                return Held(by, handler, place, _seconds(job, now), pending)
    for job in jobs:
        if job.place == SPAWN:
            return Held("task", handler, "", _seconds(job, now), pending)
    return Held("peer", handler, pending=pending)


def _seconds(job: Job, now: float) -> float | None:
    return now - job.since if job.since else None
