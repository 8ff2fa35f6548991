"""Section 7: what a host does that is asked to stop. All these cases share one drain."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Ping, Pong, Stream

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.testing.client import Client

    from .talk import Talk

_WORK: Final = 1.0
"""Seconds of work: a part of `DRAIN_BOUND`, and long enough to be met by what comes meanwhile."""

_END: Final = "terminate Shutdown()"


class _Works(Subject):
    """Works for a while, in the way that a message names."""

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "work":
                return self.work()
            case "generate":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "for ever":
                return self.for_ever()
            case _:
                self.note(message)
                return f"{message} is done"

    async def work(self) -> str:
        self.note("begins")
        await asyncio.sleep(_WORK)
        self.note("ends")
        return "work is done"

    async def items(self) -> AsyncIterator[str]:
        self.note("begins")
        try:
            yield "one"
            await asyncio.sleep(_WORK)
            yield "two"
        finally:
            self.note("ends")

    async def for_ever(self) -> None:
        self.note("begins")
        await asyncio.Event().wait()


async def _drained(talk: Talk, *messages: str) -> tuple[Client, Client, asyncio.Future[object]]:
    """Send messages and have the host drained; return when the drain has begun.

    Returns:
        The connection, one for the journal, and what tells that the host has stopped.
    """
    client, idle = await talk.open(), await talk.idle()
    reader = await talk.reader()  # nothing new is accepted later
    await client.send(*messages)
    await talk.until("begins")
    drained = await talk.drain()
    talk.is_code(await idle.receive(), 1012)
    await idle.send_close(1012)
    return client, reader, drained


async def _finishes(talk: Talk, messages: tuple[str, ...], *pushed: str) -> None:
    client, reader, drained = await _drained(talk, *messages)
    await talk.hears(client, *pushed)
    await talk.is_closed(client, 1012)
    steps = ["made", "init", "begins", "ends", *messages[1:], _END]
    await talk.journal(*steps, reader=reader, any_order=True)
    await drained


@case(_Works, ["S7.8", "S7.14", "S16.1", "S16.3"], needs=["drain"])
async def a_drain_lets_a_coroutine_and_the_mailbox_finish(talk: Talk) -> None:
    await _finishes(talk, ("work", "more"), "work is done", "more is done")


@case(_Works, ["S7.8"], needs=["drain"])
async def a_drain_lets_a_generator_finish(talk: Talk) -> None:
    await _finishes(talk, ("generate",), "one", "two")


@case(_Works, ["S7.8", "S4.8"], needs=["drain"])
async def a_drain_lets_a_stream_finish(talk: Talk) -> None:
    await _finishes(talk, ("stream",), "one", "two")


@case(_Works, ["S7.8"], needs=["drain"])
async def a_drain_that_reaches_its_bound_says_1012(talk: Talk) -> None:
    client, _, drained = await _drained(talk, "for ever", "more")
    await talk.is_closed(client, 1012)  # what is in the journal, the bound keeps from being told
    await drained


@case(_Works, ["S5.1", "S7.8", "S7.16"], needs=["drain", "control"])
async def a_drain_answers_pings_and_drops_messages(talk: Talk) -> None:
    client, reader, drained = await _drained(talk, "work")
    await client.send(Ping(b"still there?"), "too late")
    await talk.hears(client, Pong(b"still there?"), "work is done")
    await talk.is_closed(client, 1012)
    await talk.journal("made", "init", "begins", "ends", _END, reader=reader, any_order=True)
    await drained


@case(_Works, ["S7.11"], needs=["drain", "close"])
async def a_close_in_a_drain_is_answered_at_once_with_1012(talk: Talk) -> None:
    client, reader, drained = await _drained(talk, "work")
    await client.send_close(1001)
    talk.is_code(await client.receive(), 1012)  # what the work returns is dropped
    await talk.journal("made", "init", "begins", "ends", _END, reader=reader, any_order=True)
    await drained


@case(_Works, ["S7.2", "S7.11"], needs=["drain", "ends"])
async def a_peer_that_is_lost_in_a_drain_does_not_change_the_reason(talk: Talk) -> None:
    client, reader, drained = await _drained(talk, "generate")
    await talk.hears(client, "one")
    client.reset()
    steps = ["made", "init", "begins", "ends", _END]
    await talk.journal(*steps, reader=reader, any_order=True)
    await drained


@case(_Works, ["S7.14"], needs=["drain", "handshake"])
async def a_handshake_that_ends_in_a_drain_is_refused_with_503(talk: Talk) -> None:
    reader, writer = await asyncio.open_connection(*talk.address)
    try:
        head = talk.hello()
        writer.write(head[:20])
        _, _, drained = await _drained(talk, "work")
        writer.write(head[20:])
        try:
            async with asyncio.timeout(talk.patience):
                answer = await reader.read(64 * 1024)
        except ConnectionError:
            answer = b""
    finally:
        writer.transport.abort()
    # A peer that is refused gets an answer, or at least the end of TCP [S14.3].
    if answer and not answer.startswith(b"HTTP/1.1 503 "):
        raise Failure(f"the answer begins with {answer[:40]!r}, not with a 503")
    await drained
