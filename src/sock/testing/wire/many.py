"""Section 13: many connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from . import raw
from .case import Section

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    13,
    "many",
    "Many connections",
    "What works for one client does not for all of them.",
    alone=True,
)
must = SECTION.must

_MANY: Final = 200


@must("RFC 6455 §1.1", f"{_MANY} clients at one time each get their own messages.", "echo")
async def _at_one_time(probe: Probe) -> None:
    connections = [await probe.open() for _ in range(_MANY)]
    for number, connection in enumerate(connections):
        await connection.send(raw.frame(raw.TEXT, b"client %d" % number))
    for number, connection in enumerate(connections):
        await probe.hears(connection, f"client {number}")
    for connection in connections:
        await connection.send(raw.close(1000))


@must("RFC 6455 §1.1", f"{_MANY} clients that connect side by side are all served.", "echo")
async def _side_by_side(probe: Probe) -> None:
    async def one(number: int) -> None:
        connection = await probe.open()
        await probe.talks(connection, f"client {number}")
        connection.hang_up()

    await asyncio.gather(*map(one, range(_MANY)))


@must("RFC 6455 §1.1", f"{_MANY} clients one after the other are all served.", "echo")
async def _one_after_the_other(probe: Probe) -> None:
    for number in range(_MANY):
        connection = await probe.open()
        await probe.talks(connection, f"client {number}")
        await connection.send(raw.close(1000))
        connection.hang_up()


@must("RFC 6455 §7.1.1", f"After {_MANY} clients that have reset TCP, others are served.", "echo")
async def _resets(probe: Probe) -> None:
    for _ in range(_MANY):
        connection = await probe.open()
        await connection.send(raw.frame(raw.TEXT, b"gone"))
        connection.reset()
    await probe.talks(await probe.open())


@must(
    "RFC 9112 §9.6",
    f"After {_MANY} clients that have connected and left, others are served.",
    "echo",
)
async def _left(probe: Probe) -> None:
    for _ in range(_MANY):
        (await probe.connect()).hang_up()
    await probe.talks(await probe.open())


@must("RFC 6455 §10.4", "Beside 100 clients with half a handshake, others are served.", "echo")
async def _half(probe: Probe) -> None:
    for _ in range(100):
        connection = await probe.connect()
        await connection.send(raw.request(probe.target)[:40])
    await probe.talks(await probe.open())


@must("RFC 6455 §5.4", "The fragments of 50 clients are not mixed.", "echo")
async def _mixed(probe: Probe) -> None:
    connections = [await probe.open() for _ in range(50)]
    for step in range(4):
        for number, connection in enumerate(connections):
            await connection.send(
                raw.frame(raw.CONTINUATION if step else raw.TEXT, b"%d." % number, fin=step == 3)
            )
    for number, connection in enumerate(connections):
        await probe.hears(connection, f"{number}." * 4)
