"""Section 8: `terminate` comes last, exactly once."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Stop, Stream

from .case import case
from .subject import Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Reason, Ref

    from .talk import Talk

_BOUND: Final = 0.3
"""Seconds, of `close_timeout` where a case waits for it to pass."""

_GONE: Final = "terminate Remote(1000, 'bye')"


class _CleansUp(Subject):
    """Takes a moment to end when it is cancelled."""

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "coroutine":
                return self.works()
            case "generator":
                return self.items()
            case _:
                return Stream(self.items())

    async def works(self) -> None:
        self.note("begins")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            self.note("ends")

    async def items(self) -> AsyncIterator[str]:
        await self.works()
        yield "never"


async def _ends_before_terminate(talk: Talk, kind: str) -> None:
    client = await talk.open()
    await client.send(kind)
    await talk.until("begins")
    await talk.stop(4001)
    await talk.is_closed(client, 4001)
    await talk.journal("made", "init", "begins", "ends", "terminate Normal()")


@case(_CleansUp, ["S8.2"])
async def terminate_waits_for_a_coroutine_that_was_cancelled(talk: Talk) -> None:
    await _ends_before_terminate(talk, "coroutine")


@case(_CleansUp, ["S8.2", "S3.9"])
async def terminate_waits_for_a_generator_that_was_cancelled(talk: Talk) -> None:
    await _ends_before_terminate(talk, "generator")


@case(_CleansUp, ["S8.2", "S4.8"])
async def terminate_waits_for_a_stream_that_was_cancelled(talk: Talk) -> None:
    await _ends_before_terminate(talk, "stream")


class _IgnoresItsEnd(Subject):
    """Goes on when it is cancelled, until it is released."""

    async def handle_in(self, message: str, /) -> None:
        self.note("begins")
        while not self.run.released.is_set():
            try:
                await self.run.released.wait()
            except asyncio.CancelledError:
                self.note("is cancelled")
        self.note("ends")


@case(_IgnoresItsEnd, ["S8.3"], options=Options(close_timeout=_BOUND))
async def what_ignores_its_cancellation_is_abandoned_by_name(talk: Talk) -> None:
    client = await talk.open()
    await client.send("work")
    await talk.until("begins")
    await talk.stop(4001)
    talk.is_code(await client.receive(), 4001)
    client.hang_up()
    await talk.journal("made", "init", "begins", "is cancelled", "terminate Normal()")
    await talk.reported("_IgnoresItsEnd.handle_in", about="_IgnoresItsEnd")
    await talk.release()
    await talk.until("ends")


class _EndsForEver(Subject):
    """Has a `terminate` that never ends by itself."""

    def init(self, ref: Ref[Any], /) -> Any:
        ref.add_done_callback(self.done)
        return super().init(ref)

    async def terminate(self, reason: Reason, /) -> None:
        self.note("terminate begins")
        try:
            await asyncio.Event().wait()
        finally:
            self.note("terminate is cancelled")

    def done(self) -> None:
        self.note("done")
        self.run.over.set()


@case(_EndsForEver, ["S8.5", "S10.8"], options=Options(close_timeout=_BOUND))
async def a_terminate_that_never_ends_is_cancelled(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "terminate begins", "terminate is cancelled", "done")


class _EndsSlowly(Subject):
    """Has a `terminate` that takes its time, and what it returns is no result."""

    def init(self, ref: Ref[Any], /) -> Any:
        ref.add_done_callback(self.run.over.set)
        return super().init(ref)

    async def terminate(self, reason: Reason, /) -> Any:
        await asyncio.sleep(0.05)
        self.note("terminate ends")
        return {"no result"}


@case(_EndsSlowly, ["S8.5", "S8.6"])
async def a_terminate_is_awaited_and_its_result_ignored(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "terminate ends")
    await talk.silent("_EndsSlowly")


class _EndsBadly(Subject):
    def terminate(self, reason: Reason, /) -> Any:
        super().terminate(reason)
        raise self.run.error()


@case(_EndsBadly, ["S8.6"])
async def an_exception_in_terminate_is_reported_once(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await talk.journal("made", "init", _GONE)
    await talk.reported("terminate", "Traceback")


class _CloseFirst(Subject):
    """Has a `terminate` that waits until the peer has seen the end."""

    def handle_in(self, message: str, /) -> Stop:
        return Stop(4001)

    async def terminate(self, reason: Reason, /) -> None:
        await self.run.released.wait()
        super().terminate(reason)


@case(_CloseFirst, ["S8.7", "S9.3"], needs=["close"])
async def terminate_delays_neither_the_close_nor_the_end_of_tcp(talk: Talk) -> None:
    for message in ("stop", None):
        client = await talk.open()
        if message is None:
            await client.send_close(4001)
        else:
            await client.send(message)
        await talk.is_closed(client, 4001, answer=message is not None)
    await talk.release()
    await talk.journal("made", "init", "made", "init", *_BOTH, any_order=True)


_BOTH: Final = ("terminate Normal()", "terminate Remote(4001, '')")
