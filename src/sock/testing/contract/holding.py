"""Section 11: what is held back while a peer or a handler lags, and that nothing of it is lost."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Ping, Pong, Stream
from sock.testing.peer import frame

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Ref
    from sock.testing.client import Client

    from .talk import Talk

_LARGE: Final = 16 * 1024 * 1024
"""Bytes: more than the kernel's buffers of both ends take together."""

_QUIET: Final = 0.3  # seconds in which what is held back does not move
_SHORT: Final = 3.0  # seconds of `send_timeout`

_PIECE: Final = 1024 * 1024
_PIECES: Final = 26
_PAUSE: Final = 0.2  # seconds between two pieces: all of them take longer than `_SHORT`


async def _is_large(client: Client) -> None:
    heard = await client.receive()
    if not isinstance(heard, bytes) or len(heard) != _LARGE:
        raise Failure(f"a message of {_LARGE} bytes was to come")


# A peer that does not read.


class _Fills(Subject):
    """Fills the send buffer when it is told to, and notes what it handles."""

    def handle_in(self, message: str, /) -> str | bytes:
        if message == "fill":
            self.note("fills")
            return bytes(_LARGE)
        self.note(message)
        return message

    def handle_info(self, info: str, /) -> None:
        self.note(info)


@case(_Fills, ["S11.1"], needs=["buffer", "pressure"])
async def nothing_is_handled_while_the_send_buffer_is_full(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    await client.send("fill")
    await talk.until("fills")
    await client.send("a message")
    await talk.post("an info")
    await asyncio.sleep(_QUIET)
    if (records := await talk.peek()) != ["made", "init", "fills"]:
        raise Failure(f"the send buffer is full, and the journal has {records}")
    await _is_large(client)
    await talk.until("an info")
    await talk.hears(client, "a message")


class _Works(Subject):
    """Fills the send buffer by a stream while a callback is under way."""

    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        self.begun = asyncio.Event()

    def handle_in(self, message: str, /) -> Any:
        return Stream(self.fill()) if message == "stream" else self.work()

    async def fill(self) -> AsyncIterator[bytes]:
        await self.begun.wait()
        yield bytes(_LARGE)

    async def work(self) -> str:
        self.begun.set()
        await asyncio.sleep(_QUIET)
        self.note("returns")
        return "kept"


@case(_Works, ["S11.1"], needs=["buffer", "pressure"])
async def the_callback_under_way_goes_on_and_its_result_is_kept(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    await client.send("stream", "work")
    await talk.until("returns")
    await _is_large(client)
    await talk.hears(client, "kept")


class _Pushes(Subject):
    def handle_in(self, message: str, /) -> list[bytes]:
        return [bytes(_PIECE)] * _PIECES


@case(_Pushes, ["S11.2"], needs=["buffer"], options=Options(send_timeout=_SHORT))
async def a_peer_that_reads_slowly_is_not_too_slow(talk: Talk) -> None:
    client = await talk.open(receive_buffer=_PIECE // 4)
    await client.send("go")
    for number in range(_PIECES):
        if await client.receive() != bytes(_PIECE):
            raise Failure(f"piece {number} of {_PIECES} did not come")
        await asyncio.sleep(_PAUSE)


# A handler that lags.


class _Lags(Subject):
    """Works on its first message until it is released, and counts those that come behind it."""

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self.count = 0

    async def handle_in(self, message: str, /) -> str | None:
        if message == "work":
            self.note("works")
            await self.run.released.wait()
        elif message == "last":
            return f"{self.count} before the last"
        else:
            self.count += 1
        return None


async def _sees_a_ping(client: Client) -> bool:
    """Tell whether the host still reads: then it answers a ping."""
    await client.send(Ping(b"there?"))
    patience, client.patience = client.patience, _QUIET
    try:
        return await client.receive() == Pong(b"there?")
    except TimeoutError:
        return False
    finally:
        client.patience = patience


async def _stops_reading(talk: Talk, behind: bytes, count: int) -> None:
    """Send messages to a handler that works: the host stops reading, and loses none of them."""
    client = await talk.open()
    await client.send("work")
    await talk.until("works")
    await client.send_bytes(behind)
    await asyncio.sleep(_QUIET / 3)
    if await _sees_a_ping(client):
        raise Failure("the host read a ping although more than max_read_ahead bytes wait")
    await client.send("last")
    await talk.release()
    heard = [await client.receive(), await client.receive()]
    if heard != [Pong(b"there?"), f"{count} before the last"]:
        raise Failure(f"{heard} came when the handler was released")


_AHEAD: Final = Options(max_read_ahead=1000)


@case(_Lags, ["S11.3", "S11.4"], needs=["control", "pressure"], options=_AHEAD)
async def a_host_stops_reading_when_max_read_ahead_bytes_wait(talk: Talk) -> None:
    await _stops_reading(talk, frame(0x1, bytes(500)) * 3, 3)


@case(_Lags, ["S11.3", "S11.4"], needs=["control", "pressure"], options=_AHEAD)
async def empty_messages_count_as_something(talk: Talk) -> None:
    await _stops_reading(talk, frame(0x1) * 1001, 1001)


@case(_Lags, ["S11.3"], needs=["control", "pressure"], options=Options(max_read_ahead=3000))
async def a_text_counts_with_the_memory_that_it_occupies(talk: Talk) -> None:
    await _stops_reading(talk, frame(0x1, b"x" * 1000 + "\N{GRINNING FACE}".encode()), 1)


@case(_Lags, ["S11.3"], needs=["control", "pressure"], options=Options(max_read_ahead=10))
async def one_message_is_kept_however_large(talk: Talk) -> None:
    await _stops_reading(talk, frame(0x1, b"x" * 5000), 1)


# Infos, which cannot be held back.


class _Floods(Subject):
    """Sends itself more infos than may wait, in this thread or in another one."""

    def handle_in(self, message: str, /) -> Any:
        if message == "thread":
            thread = threading.Thread(target=self.flood)
            thread.start()
            thread.join()  # the event loop has seen none of the infos
        else:
            self.flood()
        return self.wait()

    def flood(self) -> None:
        ref = self.run.refs[0]
        for number in range(7):
            ref.send(number)
        self.note(f"closed {ref.closed}")

    async def wait(self) -> None:
        await self.run.released.wait()

    def handle_info(self, info: Any, /) -> None:
        self.note(str(info))


async def _overflows(talk: Talk, where: str) -> None:
    client = await talk.open()
    await client.send(where)
    await talk.is_closed(client, 1013)
    await talk.post("later")
    await talk.release()
    handled = "0", "1", "2", "3"
    end = "terminate Failed(MailboxFull)"
    await talk.journal("made", "init", "closed True", *handled, end)


@case(_Floods, ["S11.5", "S7.4", "S16.1"], options=Options(max_mailbox=4))
async def nothing_is_taken_behind_an_info_too_many(talk: Talk) -> None:
    await _overflows(talk, "here")


@case(_Floods, ["S11.5", "S11.6"], options=Options(max_mailbox=4))
async def a_thread_that_sends_too_many_finds_the_ref_closed(talk: Talk) -> None:
    await _overflows(talk, "thread")
