"""Rules 3, 6, 7 and 10: what the program does from outside, and a `Stop` that is raised."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Stop, Stream

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.testing.client import Client

    from .talk import Talk

_BOUND: Final = 0.5
"""Seconds for which a peer may leave a Close frame unread."""

_LARGE: Final = 16 * 1024 * 1024
"""Bytes: more than the kernel's buffers of both ends take together."""


class _Busy(Subject):
    """Does what a message says until it is cancelled, and notes that."""

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "sleep":
                return self.sleep()
            case "generate":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "fill":
                self.note("fill")
                return bytes(_LARGE)
            case _:
                return message

    async def sleep(self) -> None:
        self.note("begins")
        try:
            await asyncio.Event().wait()
        finally:
            self.note("ends")

    async def items(self) -> AsyncIterator[str]:
        self.note("begins")
        try:
            while True:
                yield "item"
                await asyncio.sleep(0.001)
        finally:
            self.note("ends")


# Rule 10: Ref.stop.


async def _stopped(talk: Talk, work: str, *, thread: bool = False) -> None:
    client = await talk.open()
    await client.send(work, "waits")
    await talk.until("begins")
    if not await talk.stop(4001, "out", thread=thread):
        raise Failure("the ref of a connection that was stopped says that it is not closed")
    await _is_told(talk, client, 4001)
    await talk.journal("made", "init", "begins", "ends", "terminate Normal()")


async def _is_told(talk: Talk, client: Client, code: int) -> None:
    """Hear the code behind any number of items, and answer it."""
    heard = talk.is_code(await talk.after(client, "item"), code)
    await client.send_close(heard.answer)


@case(_Busy, ["S7.1", "S7.15", "S10.4", "S10.11"])
async def stop_ends_a_callback_that_sleeps(talk: Talk) -> None:
    await _stopped(talk, "sleep")


@case(_Busy, ["S7.15", "S10.10", "S10.11"])
async def stop_from_another_thread_ends_a_callback_that_sleeps(talk: Talk) -> None:
    await _stopped(talk, "sleep", thread=True)


@case(_Busy, ["S7.1", "S7.15"])
async def stop_ends_a_generator(talk: Talk) -> None:
    await _stopped(talk, "generate")


@case(_Busy, ["S4.8", "S7.15"])
async def stop_ends_a_stream(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stream")
    await talk.until("begins")
    await talk.stop(4001)
    await _is_told(talk, client, 4001)
    await talk.journal("made", "init", "begins", "ends", "terminate Normal()")


@case(_Busy, ["S10.11", "S16.1"])
async def stop_of_an_idle_connection_says_its_code_and_detail(talk: Talk) -> None:
    client = await talk.open()
    await client.send("hello")
    await talk.hears(client, "hello")
    await talk.stop(4001, "out é")
    await talk.is_closed(client, 4001, "out é")
    await talk.journal("made", "init", "terminate Normal()")


@case(_Busy, ["S7.15", "S9.3"], options=Options(close_timeout=_BOUND, send_timeout=60))
async def stop_cuts_a_peer_that_does_not_read(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    await client.send("fill")
    await talk.until("fill")
    await talk.stop(4001)
    await talk.journal("made", "init", "fill", "terminate Normal()")
    await talk.is_cut(client, within=2 * _BOUND)


@case(_Busy, ["S7.15"])
async def stop_of_a_connection_that_is_over_is_silent(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "terminate Remote(1000, 'bye')")
    await talk.stop(4001)
    await talk.journal("made", "init", "terminate Remote(1000, 'bye')")


# Rule 10: send_all and pending.


class _Hears(Subject):
    def handle_info(self, info: str, /) -> str:
        self.note(info)
        return f"heard {info}"


@case(Subject, ["S10.10", "S10.13"])
async def send_all_reaches_every_connection(talk: Talk) -> None:
    one, other = await talk.open(), await talk.open()
    await talk.send_all("first é")
    await talk.send_all("second", thread=True)
    for client in (one, other):
        await talk.hears(client, "first é", "second")


@case(_Hears, ["S10.13"])
async def send_all_gives_a_handler_the_info_itself(talk: Talk) -> None:
    client = await talk.open()
    await talk.send_all("info")
    await talk.hears(client, "heard info")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "info", "terminate Remote(1000, 'bye')")


@case(_Busy, ["S10.12"], needs=["buffer"])
async def pending_tells_what_waits_for_the_peer(talk: Talk) -> None:
    client = await talk.open()
    if (waits := await talk.pending()) != 0:
        raise Failure(f"{waits} bytes wait for an idle connection")
    await client.send("fill")
    await talk.until("fill")
    if not 0 < (waits := await talk.pending()) <= _LARGE + 14:
        raise Failure(f"{waits} bytes wait for a peer that reads nothing of {_LARGE}")
    heard = await client.receive()
    if not isinstance(heard, bytes) or len(heard) != _LARGE:
        raise Failure(f"a message of {_LARGE} bytes was to come")
    async with asyncio.timeout(client.patience):
        while await talk.pending():  # noqa: ASYNC110 - another process has the buffer
            await asyncio.sleep(0.01)


# Rule 6: a Stop that is raised.


class _Raises(Subject):
    def handle_in(self, message: str, /) -> Any:
        match message:
            case "coroutine":
                return self.fail(message)
            case "generator":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "task":
                self.run.refs[0].spawn(self.fail(message))
                return None
            case _:
                return self.group()

    async def fail(self, message: str) -> None:
        await asyncio.sleep(0)
        raise Stop(4001, "mine", messages=["last", b"words"])

    async def items(self) -> AsyncIterator[str]:
        yield "one"
        await self.fail("items")

    async def group(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.fail("group"))
            group.create_task(asyncio.sleep(60))


async def _raises(talk: Talk, kind: str, *pushed: str) -> None:
    client = await talk.open()
    await client.send(kind)
    await talk.hears(client, *pushed, "last", b"words")
    await talk.is_closed(client, 4001, "mine")
    await talk.journal("made", "init", "terminate Normal()")


@case(_Raises, ["S6.9", "S7.12"])
async def a_stop_raised_in_a_coroutine_is_a_result(talk: Talk) -> None:
    await _raises(talk, "coroutine")


@case(_Raises, ["S6.9"])
async def a_stop_raised_in_a_generator_is_a_result(talk: Talk) -> None:
    await _raises(talk, "generator", "one")


@case(_Raises, ["S6.9"])
async def a_stop_raised_in_a_stream_is_a_result(talk: Talk) -> None:
    await _raises(talk, "stream", "one")


@case(_Raises, ["S6.9"])
async def a_stop_raised_in_a_spawned_task_is_a_result(talk: Talk) -> None:
    await _raises(talk, "task")


@case(_Raises, ["S6.9"])
async def a_stop_raised_in_a_task_group_is_a_result(talk: Talk) -> None:
    await _raises(talk, "group")


class _Odd(Subject):
    async def handle_in(self, message: str, /) -> None:
        if message == "later":
            await asyncio.sleep(0)
        raise GeneratorExit


@case(_Odd, ["S6.1"])
async def a_coroutine_that_raises_generator_exit_ends_the_connection(talk: Talk) -> None:
    for when in ("at once", "later"):
        client = await talk.open()
        await client.send(when)
        await talk.is_closed(client, 1011, "")


# Rule 3: callbacks are looked up once.


class _Rebinds(Subject):
    def handle_in(self, message: str, /) -> str:
        setattr(self, "handle_in", self.another)  # noqa: B010 - not to be taken for a mistake
        return message

    def another(self, message: str, /) -> str:
        return "rebound"


@case(_Rebinds, ["S3.12"])
async def what_is_bound_to_a_callback_later_is_never_called(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one", "in the same piece")
    await talk.hears(client, "one", "in the same piece")
    await client.send("alone")
    await talk.hears(client, "alone")
