"""Section 9: nothing is said after the Close frame, and TCP ends."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Ping, Pong, Stop, Stream
from sock.testing.client import End
from sock.testing.peer import frame

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Ref

    from .talk import Talk

_BOUND: Final = 0.3
"""Seconds, of `close_timeout` where a case waits for it to pass."""


class _StopsBesides(Subject):
    """Stops while a stream and a task that push are under way, and pushes in its end."""

    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        ref.spawn(self.sends(ref))
        return Stream(self.items())

    async def sends(self, ref: Ref[Any]) -> None:
        try:
            while True:
                ref.send("item")
                await asyncio.sleep(0.001)
        finally:
            ref.send("too late")

    async def items(self) -> AsyncIterator[str]:
        try:
            while True:
                yield "item"
                await asyncio.sleep(0.001)
        finally:
            yield "too late"

    def handle_in(self, message: str, /) -> Any:
        return Stop(4001)

    def handle_control(self, frame: Ping | Pong, /) -> None:
        self.note("a control frame")


@case(_StopsBesides, ["S9.1", "S7.12"])
async def nothing_is_said_after_a_close_by_whatever_is_under_way(talk: Talk) -> None:
    client = await talk.open()
    await talk.hears(client, "item")
    await client.send("stop")
    talk.is_code(await talk.after(client, "item"), 4001)
    await asyncio.sleep(0.1)
    await client.send_close(4001)
    await talk.hears(client, End.FIN)


class _Stops(Subject):
    def handle_in(self, message: str, /) -> Any:
        self.note(f"handle_in {message}")
        return Stop(4001)

    def handle_control(self, frame: Ping | Pong, /) -> None:
        self.note("a control frame")


@case(_Stops, ["S9.1", "S9.2"], needs=["close"])
async def what_comes_after_our_close_is_ignored_until_the_peers(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    talk.is_code(await client.receive(), 4001)
    try:
        await client.send("late", Ping(b"late"), Pong(b"late"), bytes(70_000))
        await client.send_bytes(frame(0x1, b"in ", fin=False) + frame(0x0, b"pieces"))
        await asyncio.sleep(0.05)
        await client.send_close(4001)
    except OSError:
        pass  # a host may have ended TCP already
    else:
        await talk.hears(client, End.FIN)
    await talk.journal("made", "init", "handle_in stop", "terminate Normal()")


@case(_Stops, ["S9.5"], needs=["violations", "close"], options=Options(close_timeout=_BOUND))
async def after_a_violation_a_close_of_the_peers_is_not_recognized(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(0x3) + frame(0x8, b"\x0f\xa1"))
    talk.is_code(await client.receive(), 1002)
    client.finish()
    await talk.hears(client, End.FIN)
    await talk.journal("made", "init", "terminate Failed(ProtocolError)")


@case(_Stops, ["S9.5"], needs=["violations", "close"], options=Options(close_timeout=_BOUND))
async def after_a_violation_tcp_ends_though_the_peer_does_not_end_it(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(0x3))
    talk.is_code(await client.receive(), 1002)
    await asyncio.sleep(2 * _BOUND)
    for _ in range(20):  # TCP that was closed is reset by what still comes
        try:
            await client.send_bytes(bytes(1))
        except OSError:
            return
        await asyncio.sleep(0.02)
    raise Failure("TCP was not closed within close_timeout")


@case(_Stops, ["S9.3"], needs=["close"])
async def tcp_is_closed_by_the_host_when_both_closes_are_there(talk: Talk) -> None:
    client = await talk.open()
    await client.send_close(4001)
    talk.is_code(await client.receive(), 4001)
    if (heard := await client.receive()) is not End.FIN:  # without a FIN of the peer's
        raise Failure(f"{heard!r} came, but the host was to end TCP")


@case(_Stops, ["S9.4"], needs=["close"])
async def bytes_on_their_way_do_not_take_the_close_with_them(talk: Talk) -> None:
    client = await talk.open()
    for _ in range(16):
        await client.send("stop", bytes(64 * 1024))
    talk.is_code(await client.receive(), 4001)
    await client.send(bytes(256 * 1024))
    await client.send_close(4001)
    if (heard := await client.receive()) is not End.FIN:
        raise Failure(f"{heard!r} came: closing with unread bytes has reset the connection")
