"""Section 12: clients that are slow, and clients that vanish."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sock.testing.client import End
from sock.wire.frame import Close

from . import raw
from .case import Section
from .connection import QUIET, described
from .fell import Fell

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    12,
    "slow",
    "Slow clients, and clients that vanish",
    "One slow client holds up all others, or keeps its place for ever.",
)
must, should = SECTION.must, SECTION.should

_HEAD: Final = 20.0
"""Seconds within which half a head should have had its answer."""


@must("RFC 6455 §5.4", "A frame that takes a second is a frame.", "echo")
async def _trickle(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send_slowly(raw.frame(raw.TEXT, b"slowly, slowly"), 0.05)
    await probe.hears(connection, "slowly, slowly")


@must("RFC 6455 §5.4", "A second between two fragments does not matter.", "echo")
async def _pause(probe: Probe) -> None:
    connection = await probe.open()
    first, last = raw.fragments(raw.TEXT, (b"be", b"tween"))
    await connection.send(first)
    await asyncio.sleep(1)
    await connection.send(last)
    await probe.hears(connection, "between")


@must("RFC 6455 §5.4", "A silence of two seconds does not matter.", "echo")
async def _silence(probe: Probe) -> None:
    connection = await probe.open()
    await asyncio.sleep(2)
    await probe.talks(connection)


@must("RFC 9112 §2.1", "A head that takes a second is a head.")
async def _slow_head(probe: Probe) -> None:
    connection = await probe.connect()
    request = raw.request(probe.target)
    step = max(1, len(request) // 20)
    for at in range(0, len(request), step):
        await connection.send(request[at : at + step])
        await asyncio.sleep(0.05)
    answer = await connection.read_answer()
    if getattr(answer, "status", 0) != 101:
        raise Fell("status 101", described(answer))


async def _others(probe: Probe) -> None:
    try:
        await probe.talks(await probe.open())
    except Fell as fell:
        raise Fell("another client to be served meanwhile", fell.seen) from None


@must("RFC 6455 §10.4", "Half a frame of one client does not hold up others.", "echo")
async def _half(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, b"x" * 1_000)[:500])
    await _others(probe)
    await connection.send(raw.frame(raw.TEXT, b"x" * 1_000)[500:])
    await probe.hears(connection, "x" * 1_000)


@must("RFC 6455 §10.4", "Half a head of one client does not hold up others.", "echo")
async def _half_head(probe: Probe) -> None:
    connection = await probe.connect()
    await connection.send(raw.request(probe.target)[:40])
    await _others(probe)


@must("RFC 6455 §10.4", "A client that reads nothing does not hold up others.", "echo")
async def _reads_nothing(probe: Probe) -> None:
    connection = await probe.open(receive_buffer=4096)
    await connection.send(raw.frame(raw.TEXT, b"p" * 16_384) * 256)
    await asyncio.sleep(1)
    await _others(probe)


@must("RFC 6455 §5.4", "A client that reads late gets all messages in order, or its end.", "echo")
async def _reads_late(probe: Probe) -> None:
    connection = await probe.open(receive_buffer=4096)
    texts = [f"{number} ".ljust(8_192, ".") for number in range(200)]
    data = b"".join(raw.frame(raw.TEXT, text.encode()) for text in texts)
    await connection.send(data)
    await asyncio.sleep(1)
    for text in texts:
        heard = await connection.receive(10)
        if isinstance(heard, (Close, End)):
            probe.remark("all messages", described(heard))
            return
        if heard != text:
            raise Fell("the messages in order", described(heard))


@must("RFC 6455 §7.1.1", "A client that resets TCP in a frame does not hold up others.", "echo")
async def _reset(probe: Probe) -> None:
    for _ in range(10):
        connection = await probe.open()
        await connection.send(raw.frame(raw.TEXT, b"x" * 1_000)[:500])
        connection.reset()
    await _others(probe)


@must(
    "RFC 6455 §7.1.1", "A client that resets TCP in the handshake does not hold up others.", "echo"
)
async def _reset_handshake(probe: Probe) -> None:
    for cut in (0, 10, 100, None):
        connection = await probe.connect()
        await connection.send(raw.request(probe.target)[:cut])
        connection.reset()
    await _others(probe)


@should("RFC 6455 §7.2.1", "A client that ends TCP in a handshake has TCP ended by the server.")
async def _fin_in_head(probe: Probe) -> None:
    connection = await probe.connect()
    await connection.send(raw.request(probe.target)[:40])
    connection.finish()
    _, ended = await connection.read_to_end()
    if ended is QUIET:
        raise Fell("the end of TCP", "TCP stays open")


@should("RFC 9110 §15.5.9", f"Half a head is answered, or ended, within {_HEAD:g} s.")
async def _never_ends(probe: Probe) -> None:
    connection = await probe.connect()
    connection.patience = _HEAD
    await connection.send(raw.request(probe.target)[:40])
    answer = await connection.read_answer()
    if answer is QUIET:
        raise Fell("status 408, or the end of TCP", f"nothing for {_HEAD:g} s")


@should("RFC 6455 §10.4", f"A client that connects and says nothing is ended within {_HEAD:g} s.")
async def _says_nothing(probe: Probe) -> None:
    connection = await probe.connect()
    connection.patience = _HEAD
    answer = await connection.read_answer()
    if answer is QUIET:
        raise Fell("status 408, or the end of TCP", f"nothing for {_HEAD:g} s")
