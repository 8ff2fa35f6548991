"""Section 7: what still happens between the cause of an end and the end."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Ping, Pong, Stream, TextSock

from .case import case
from .reports import counts_dropped
from .streams import Watched
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.testing.client import Client

    from .talk import Talk

_QUIET: Final = 0.2
"""Seconds in which a host that would do something too early has done it."""

_BOUND: Final = 0.3
"""Seconds, of `close_timeout` where a case waits for it to pass."""

_GONE: Final = "terminate Remote(1000, 'bye')"
_LOST: Final = "terminate Remote(1006, '')"
_BROKEN: Final = "terminate Failed(UnsupportedData)"


class _Works(Subject, TextSock):
    """Does what a message says until it is released. A binary message is a violation."""

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "work":
                return self.work()
            case "generate":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "spawn":
                self.run.refs[-1].spawn(self.task())
                return "spawned"
            case "iterator":
                return Watched(self.run)
            case "watched stream":
                return Stream(Watched(self.run))
            case _:
                self.note(message)
                return f"{message} is done"

    def handle_info(self, info: str, /) -> None:
        self.note(f"info {info}")

    def handle_control(self, frame: Ping | Pong, /) -> None:
        self.note("a control frame")

    async def work(self) -> str:
        self.note("work begins")
        try:
            await self.run.released.wait()
            await asyncio.sleep(0.05)  # what else was released is seen to go on
        except asyncio.CancelledError:
            self.note("work is cancelled")
            raise
        self.note("work ends")
        return "work is done"

    async def items(self) -> AsyncIterator[str]:
        try:
            yield "one"
            await self.run.released.wait()
            yield "two"
        finally:
            self.note("items end")

    async def task(self) -> None:
        await self.run.released.wait()
        self.note("the task goes on")
        try:
            await asyncio.Event().wait()
        finally:
            self.note("the task ends")


async def _works(talk: Talk, *behind: str | bytes) -> Client:
    client = await talk.open()
    await client.send("work")
    await talk.until("work begins")
    if behind:
        await client.send(*behind)
    return client


# The peer is gone.


@case(_Works, ["S7.1", "S7.6"], needs=["ends"])
async def work_goes_on_when_tcp_is_lost_and_what_waits_is_handled(talk: Talk) -> None:
    client = await _works(talk, "more")
    client.reset()
    await asyncio.sleep(_QUIET)
    await talk.release()
    await talk.journal("made", "init", "work begins", "work ends", "more", _LOST)


@case(_Works, ["S7.1", "S7.6", "S4.8"], needs=["ends"])
async def a_stream_is_cancelled_at_once_when_tcp_is_lost(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stream", "work")
    await talk.hears(client, "one")
    await talk.until("work begins")
    client.reset()
    await talk.until("items end")
    await talk.release()
    await talk.journal("made", "init", "work begins", "items end", "work ends", _LOST)


@case(_Works, ["S7.6", "S4.6", "S7.10"])
async def an_iterator_that_is_given_to_a_peer_that_is_gone_is_closed_and_not_run(
    talk: Talk,
) -> None:
    client = await _works(talk, "iterator", "watched stream", "more")
    await talk.says_goodbye(client)
    await talk.release()
    steps = "work begins", "work ends", "closed", "closed", "more"
    await talk.journal("made", "init", *steps, _GONE, any_order=True)


@case(_Works, ["S7.10"])
async def what_is_pushed_when_the_peer_is_gone_is_counted_and_reported(talk: Talk) -> None:
    client = await _works(talk, "more")
    await talk.says_goodbye(client)
    await talk.release()
    await talk.journal("made", "init", "work begins", "work ends", "more", _GONE)
    # A line of a log names the path: it may not have the value in the query that marks this run.
    async with asyncio.timeout(talk.patience):
        while not any(  # noqa: ASYNC110 - as in Talk
            counts_dropped(report, 2) for report in await talk.reports(talk.path)
        ):
            await asyncio.sleep(0.01)


@case(_Works, ["S7.2", "S7.3"])
async def the_first_cause_of_an_end_is_the_one_that_counts(talk: Talk) -> None:
    client = await _works(talk)
    await talk.says_goodbye(client)
    client.reset()
    await asyncio.sleep(_QUIET)
    await talk.stop(4001)
    await talk.release()
    await talk.journal("made", "init", "work begins", "work ends", _GONE)


@case(_Works, ["S7.4", "S10.3", "S10.4"])
async def when_an_end_has_begun_the_ref_is_closed_and_takes_no_infos(talk: Talk) -> None:
    client = await _works(talk)
    if await talk.post("before"):
        raise Failure("the ref of a live connection says that it is closed")
    await talk.says_goodbye(client)
    await talk.until_closed()  # where another server answers the Close, the host learns of it later
    await talk.post("after")
    await talk.release()
    await talk.journal("made", "init", "work begins", "work ends", "info before", _GONE)


@case(_Works, ["S7.9", "S17.1"], options=Options(close_timeout=_BOUND))
async def when_the_bound_passes_what_waits_is_forgotten(talk: Talk) -> None:
    client = await _works(talk, "more")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "work begins", "work is cancelled", _GONE)


@case(_Works, ["S7.13", "S8.2"])
async def a_spawned_task_goes_on_while_an_end_is_finished_and_ends_before_terminate(
    talk: Talk,
) -> None:
    client = await talk.open()
    await client.send("spawn", "work")
    await talk.hears(client, "spawned")
    await talk.until("work begins")
    await talk.says_goodbye(client)
    await talk.release()
    steps = "work begins", "the task goes on", "work ends", "the task ends"
    await talk.journal("made", "init", *steps, _GONE)


# A violation: a binary message to a TextSock, which every host sees by itself.


@case(_Works, ["S7.7", "S13.7", "S15.2"])
async def after_a_violation_the_work_and_what_came_before_are_finished_first(talk: Talk) -> None:
    client = await _works(talk, "more", b"bad", "late")
    await asyncio.sleep(_QUIET)
    await talk.release()
    await talk.hears(client, "work is done", "more is done")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "work begins", "work ends", "more", _BROKEN)


@case(_Works, ["S7.7"])
async def after_a_violation_a_generator_may_finish(talk: Talk) -> None:
    client = await talk.open()
    await client.send("generate")
    await talk.hears(client, "one")
    await client.send(b"bad")
    await asyncio.sleep(_QUIET)
    await talk.release()
    await talk.hears(client, "two")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "items end", _BROKEN)


@case(_Works, ["S7.7", "S4.8"])
async def after_a_violation_a_stream_is_cancelled_at_once(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stream")
    await talk.hears(client, "one")
    await client.send(b"bad")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "items end", _BROKEN)


@case(_Works, ["S4.6", "S7.7"])
async def a_stream_that_is_given_after_a_violation_is_closed_and_not_run(talk: Talk) -> None:
    client = await _works(talk, "watched stream", b"bad")
    await asyncio.sleep(_QUIET)
    await talk.release()
    await talk.hears(client, "work is done")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "work begins", "work ends", "closed", _BROKEN)


@case(_Works, ["S7.9", "S7.7"], options=Options(close_timeout=_BOUND))
async def when_the_bound_of_a_violation_passes_the_code_is_said(talk: Talk) -> None:
    client = await _works(talk, "more", b"bad")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "work begins", "work is cancelled", _BROKEN)
