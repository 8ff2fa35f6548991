"""Section 12: when a silent peer is pinged and given up, by what has been received."""

# ruff: noqa: D103 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Ping, Pong
from sock.testing.peer import frame

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from .talk import Talk

_IDLE: Final = 1.5  # seconds of `idle_timeout`
_OFTEN: Final = 0.3  # seconds between two signs of life
_PING: Final = 0.4  # seconds of `ping_interval`
_EARLY: Final = 0.005
"""Seconds by which a timer of an event loop may be early: some count in milliseconds."""

_LATE: Final = 1.0 + 0.5
"""Seconds by which a deadline may be late, and some for a machine that is busy."""

_SILENT: Final = Options(idle_timeout=_IDLE, ping_interval=None)


class _Echo(Subject):
    def handle_in(self, message: str, /) -> str:
        return message


def _in_time(what: str, seconds: float, expected: float) -> None:
    if not expected - _EARLY <= seconds <= expected + _LATE:
        raise Failure(f"{what} came after {seconds:.2f} s, not after {expected}")


@case(_Echo, ["S12.1", "S12.5"], needs=["idle"], options=_SILENT)
async def a_silent_peer_is_given_up_in_time_and_not_before(talk: Talk) -> None:
    before = time.monotonic()
    client = await talk.open()
    talk.is_code(await client.receive(), 3008)
    _in_time("3008", time.monotonic() - before, _IDLE)


@case(_Echo, ["S12.1"], needs=["idle", "received"], options=_SILENT)
async def every_byte_of_an_unfinished_frame_counts(talk: Talk) -> None:
    client = await talk.open()
    for byte in frame(0x1, b""):
        await asyncio.sleep(_OFTEN)
        await client.send_bytes(bytes([byte]))
    await talk.hears(client, "")
    await client.send("still here?")
    await talk.hears(client, "still here?")


@case(_Echo, ["S12.1"], needs=["idle", "control"], options=_SILENT)
async def the_peers_pongs_count(talk: Talk) -> None:
    client = await talk.open()
    for _ in range(6):
        await asyncio.sleep(_OFTEN)
        await client.send(Pong())
    await client.send("still here?")
    await talk.hears(client, "still here?")


@case(
    Subject,
    ["S12.3", "S12.5"],
    needs=["control"],
    options=Options(ping_interval=_PING, idle_timeout=60),
)
async def a_silent_peer_is_pinged_after_each_interval_and_not_before(talk: Talk) -> None:
    since = time.monotonic()
    client = await talk.open()
    for _ in range(2):
        heard = await client.receive()
        if not isinstance(heard, Ping):
            raise Failure(f"{heard!r} came, but a ping was to come")
        now = time.monotonic()
        _in_time("a ping", now - since, _PING)
        since = now - 0.1  # the deadlines of a host may stand in ticks


class _Lags(Subject):
    """Works on each message until it is released."""

    async def handle_in(self, message: str, /) -> str:
        self.note(message)
        await self.run.released.wait()
        return f"{message} is done"


@case(
    _Lags,
    ["S12.4"],
    needs=["idle", "pressure"],
    options=Options(max_read_ahead=1, idle_timeout=_IDLE, ping_interval=None),
)
async def the_clock_stands_still_while_the_host_does_not_read(talk: Talk) -> None:
    client = await talk.open()
    await client.send("work")
    await talk.until("work")
    await client.send("more", "and more")
    await asyncio.sleep(2 * _IDLE)
    await talk.release()
    await talk.hears(client, "work is done", "more is done", "and more is done")


@case(Subject, ["S17.1"], needs=["control"], options=Options(idle_timeout=3 * _PING))
async def a_ping_goes_out_three_times_within_a_short_idle_timeout(talk: Talk) -> None:
    before = time.monotonic()
    client = await talk.open()
    heard: Any = await client.receive()
    if not isinstance(heard, Ping):
        raise Failure(f"{heard!r} came, but a ping was to come")
    if (after := time.monotonic() - before) > 3 * _PING:
        raise Failure(f"the first ping came after {after:.2f} s of an idle_timeout of {3 * _PING}")
