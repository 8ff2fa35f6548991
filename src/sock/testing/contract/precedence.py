"""Section 7: which of two causes of an end counts, and what a `Ref.stop` comes behind."""

# ruff: noqa: D103 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Stop, TextSock

from .case import case
from .subject import Subject

if TYPE_CHECKING:
    from .talk import Talk

_QUIET: Final = 0.2
"""Seconds in which a host that would do something too early has done it."""


class _EndsLate(Subject, TextSock):
    """Ends by itself when it is released."""

    async def handle_in(self, message: str, /) -> Stop:
        self.note("begins")
        await self.run.released.wait()
        if message == "raise":
            raise LookupError
        return Stop(4001, "mine", messages="last")


@case(_EndsLate, ["S7.3"])
async def a_stop_before_the_code_was_said_takes_precedence(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop", b"bad")
    await talk.until("begins")
    await asyncio.sleep(_QUIET)
    await talk.release()
    await talk.hears(client, "last")
    await talk.is_closed(client, 4001, "mine")
    await talk.journal("made", "init", "begins", "terminate Normal()")


@case(_EndsLate, ["S7.3"])
async def an_exception_before_the_code_was_said_takes_precedence(talk: Talk) -> None:
    client = await talk.open()
    await client.send("raise", b"bad")
    await talk.until("begins")
    await asyncio.sleep(_QUIET)
    await talk.release()
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "begins", "terminate Failed(LookupError)")


@case(_EndsLate, ["S7.3"])
async def a_stop_after_the_code_was_said_changes_nothing(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.until("begins")
    await talk.says_goodbye(client)
    await talk.release()
    await talk.journal("made", "init", "begins", "terminate Remote(1000, 'bye')")


# Ref.stop.


class _StopsItself(Subject):
    def handle_in(self, message: str, /) -> Any:
        self.run.refs[-1].stop(4001, "by the ref", messages="of the stop")
        match message:
            case "raise":
                raise LookupError
            case "stop":
                return Stop(4002)
            case _:
                return "last words"


@case(_StopsItself, ["S7.15", "S10.16"])
async def what_a_plain_callback_returns_is_sent_before_its_ref_is_stopped(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go", "late")
    await talk.hears(client, "last words", "of the stop")
    await talk.is_closed(client, 4001, "by the ref")
    await talk.journal("made", "init", "terminate Normal()")


@case(_StopsItself, ["S7.17"])
async def a_callback_that_ends_by_itself_counts_before_its_ref_is_stopped(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 4002)
    client = await talk.open()
    await client.send("raise")
    await talk.is_closed(client, 1011, "")
    await talk.until("terminate Failed(LookupError)")
