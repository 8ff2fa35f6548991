"""The orderly end of all connections of a host, be it our own server or an adapter to another one.

    seconds before the bound    what is done
    --------------------------  ------------------------------------------------------------------
    the whole bound             nothing new is accepted; requests get their last answer; the Socks
                                are told, one batch after the other, to finish and close with 1012
    half of it, at the latest   the last batch has been told
    1, or a quarter (1)         work that is unfinished is cancelled, and 1012 is sent
    half of that                work that ignores its cancellation is abandoned: `terminate` follows
    0                           the connections that are left are cut

    (1) of the bound, if that is less

Each connection whose work is cancelled, or that is cut, is counted, and telemetry is told once for
each kind of them what has held them up.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final, Protocol

from sock import telemetry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sock.live.held import Held
    from sock.spec import Options, Request

_A_TURN: Final = 1000
"""How many Socks of one batch are told in one turn of the loop. Others get their turns between."""

_CLOSING: Final = 1.0
"""Seconds of the time that are kept for the Close frames to leave, a quarter of it at most."""

_CUT_TIMEOUT: Final = 1.0
"""Seconds behind the bound for the connections that were cut to be reported as lost."""

_JITTER: Final = 0.5
"""By which part of it a pause between two batches may be shorter or longer."""


class HttpConnection(Protocol):
    """A connection in its HTTP phase, which has no Sock yet."""

    @property
    def request(self) -> Request | None:
        """The request that the application has not answered; None for none."""
        ...

    def shutdown(self) -> None:
        """Close the connection when it is idle; else the answer under way is its last one."""

    def held_by(self) -> Held:
        """Return what holds up its end."""
        ...

    def cut(self) -> None:
        """Cut the connection."""


class LiveConnection(Protocol):
    """A connection that has a Sock."""

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        ...

    def shutdown(self, timeout: float | None, /) -> None:
        """Finish the work under way within `timeout` seconds, then close with 1012."""

    def held_by(self) -> Held:
        """Return what holds up its end."""
        ...

    def end_work(self) -> bool:
        """Cancel the work that is unfinished, and close with 1012; tell whether there was any."""
        ...

    def abandon_work(self) -> None:
        """Stop waiting for work that ignores its cancellation."""

    def abort(self) -> None:
        """Cut TCP."""

    def cut(self) -> None:
        """Cut TCP, and end the life cycle now."""


class Drainable(Protocol):
    """A host that accepts no more, and whose connections are to end."""

    @property
    def http_connections(self) -> Collection[HttpConnection]:
        """The connections in their HTTP phase."""
        ...

    @property
    def live_connections(self) -> Collection[LiveConnection]:
        """The connections that have a Sock."""
        ...

    async def wait_empty(self) -> None:
        """Wait until there are no connections of either kind."""


async def drain(host: Drainable, options: Options, seconds: float | None) -> int:
    """End all connections of a host that accepts no more.

    Args:
        host: whose connections end.
        options: say how many Socks are told at a time, and how long it is until the next ones are.
        seconds: after which the connections that are left are cut; None for never.

    Returns:
        How many were cut, or had work that was cancelled.
    """
    loop = asyncio.get_running_loop()
    for http_connection in list(host.http_connections):
        http_connection.shutdown()
    if seconds is None:
        await _tell_all(host, options, None, None)
        await host.wait_empty()
        return 0
    deadline = loop.time() + seconds
    closing = min(_CLOSING, seconds / 4)
    await _tell_all(host, options, deadline, deadline - closing - seconds / 4)
    if await _empty_by(host, deadline - closing):
        return 0
    cut: dict[object, tuple[Held, Request | None]] = {}
    for connection in list(host.live_connections):
        held = connection.held_by()
        if connection.end_work():
            cut[connection] = held, connection.request
    if not await _empty_by(host, deadline - closing / 2):
        for connection in list(host.live_connections):
            connection.abandon_work()
    if not await _empty_by(host, deadline):
        left: list[Any] = [*host.http_connections, *host.live_connections]
        for one in left:
            if one not in cut:
                cut[one] = one.held_by(), one.request
            one.cut()
    _report(cut.values())
    await _empty_by(host, loop.time() + _CUT_TIMEOUT)
    return len(cut)


async def _tell_all(
    host: Drainable, options: Options, deadline: float | None, tell_by: float | None
) -> None:
    """Tell all Socks to finish: in batches, and with pauses that no two drains have alike."""
    loop = asyncio.get_running_loop()
    connections = list(host.live_connections)
    size = options.drain_batch or max(1, len(connections))
    batches = [connections[begin : begin + size] for begin in range(0, len(connections), size)]
    for left in range(len(batches) - 1, -1, -1):
        await _tell(host, batches[-1 - left], deadline)
        if not left:
            return
        telemetry.emit("drain.paused", connections=len(host.live_connections), batches=left)
        time_left = None if tell_by is None else max(0.0, tell_by - loop.time())
        if await _empty_by(host, loop.time() + pause(options.drain_interval, left, time_left)):
            return


async def _tell(host: Drainable, batch: Sequence[LiveConnection], deadline: float | None) -> None:
    loop = asyncio.get_running_loop()
    told = 0
    for number, connection in enumerate(batch, 1):
        if connection in host.live_connections:
            told += 1
            # The drain is about to end its work itself; this bound is for a drain that is killed.
            connection.shutdown(None if deadline is None else max(0.0, deadline - loop.time()))
        if number % _A_TURN == 0:
            await asyncio.sleep(0)
    telemetry.emit("drain.told", connections=told)


def pause(interval: float | None, batches: int, time_left: float | None) -> float:
    """Return how many seconds it is until the next batch is told.

    Args:
        interval: seconds between two batches, on average; None for no pause.
        batches: how many are left, at least one.
        time_left: seconds within which all of them are to be told; None for no limit.
    """
    if interval is None:
        return 0.0
    if time_left is not None:
        interval = min(interval, time_left / batches)
    # No secret: clients that are told at the same time shall not come back at the same time.
    jittered = interval * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
    return jittered if time_left is None else min(jittered, time_left)


def _report(cut: Collection[tuple[Held, Request | None]]) -> None:
    """Tell telemetry what has held up the connections that were cut: once for each kind."""
    kinds: dict[tuple[str, str, str], list[tuple[Held, Request | None]]] = {}
    for held, request in cut:
        kinds.setdefault((held.by, held.handler, held.place), []).append((held, request))
    for (by, handler, place), ones in kinds.items():
        seconds = [held.seconds for held, _ in ones if held.seconds is not None]
        telemetry.emit(
            "drain.cut",
            connections=len(ones),
            held_by=by,
            handler=handler,
            place=place,
            seconds=max(seconds, default=None),
            pending=sum(held.pending for held, _ in ones),
            request=ones[0][1],
        )


async def _empty_by(host: Drainable, deadline: float) -> bool:
    """Wait until no connection is left; tell whether that came before the deadline."""
    try:
        async with asyncio.timeout_at(deadline):
            # Also where the deadline is now, so that others get their turn.
            await asyncio.sleep(0)
            await host.wait_empty()
    except TimeoutError:
        return False
    return True
