"""Rules 11 and 12: what holds whom back, and for how long."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sock.spec import Options, Ping, RateLimit, Stream

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sock.spec import Ref
    from sock.testing.client import Client

    from .talk import Talk

LookT = TypeVar("LookT")

# More than the kernel's buffers of both ends take together.
_PIECE: Final = 64 * 1024
_PIECES: Final = 512
_QUIET: Final = 0.2  # seconds in which what is held back does not move
_SHORT: Final = 0.3  # seconds, of the limits on time


class _Sink(Subject):
    """Waits at its first message until it is released; says of each which one it was."""

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self.count = itertools.count()

    async def handle_in(self, message: bytes, /) -> str:
        await self.run.released.wait()
        return f"{next(self.count)}: {len(message)}"


@case(_Sink, ["S11.3", "S11.4"], needs=["pressure"])
async def a_handler_that_lags_holds_its_peer_back(talk: Talk) -> None:
    client = await talk.open()
    sent: list[int] = []
    sending = asyncio.ensure_future(_send_all(client, sent))
    await _resting(lambda: _length(sent))
    if len(sent) == _PIECES:
        raise Failure(f"{_PIECES * _PIECE} bytes were read while the handler was waiting")
    await talk.release()
    await talk.hears(client, *[f"{number}: {_PIECE}" for number in range(_PIECES)])
    await sending


async def _send_all(client: Client, sent: list[int]) -> None:
    for number in range(_PIECES):
        await client.send(bytes(_PIECE))
        sent.append(number)


async def _length(sent: list[int]) -> int:
    return len(sent)


async def _resting(look: Callable[[], Awaitable[LookT]]) -> LookT:
    """Return what is seen when it moves no more."""
    seen: LookT | None = None
    while True:
        await asyncio.sleep(_QUIET)
        before, seen = seen, await look()
        if before == seen:
            return seen


class _Source(Subject):
    """Yields many pieces, each with its number."""

    async def handle_in(self, message: str, /) -> AsyncIterator[bytes]:
        for number in range(_PIECES):
            self.run.records[-1] = str(number)
            yield number.to_bytes(2, "big") + bytes(_PIECE - 2)

    def init(self, ref: Ref[Any], /) -> None:
        super().init(ref)
        self.note("0")


@case(_Source, ["S3.8", "S11.1"], needs=["pressure"])
async def a_peer_that_does_not_read_holds_the_generator_back(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    await client.send("go")
    yielded = await _resting(talk.peek)
    if yielded[-1] == str(_PIECES - 1):
        raise Failure(f"{_PIECES * _PIECE} bytes were pushed to a peer that does not read")
    for number in range(_PIECES):
        await talk.hears(client, number.to_bytes(2, "big") + bytes(_PIECE - 2))
    await client.send_close(1000)


class _Flooded(Subject):
    def handle_in(self, message: str, /) -> Any:
        return self.wait()

    async def wait(self) -> None:
        for number in range(5):
            self.run.refs[0].send(str(number))
        await self.run.released.wait()

    def handle_info(self, info: Any, /) -> None:
        self.note(info)


@case(_Flooded, ["S11.5", "S16.1", "S17.1"], options=Options(max_mailbox=4))
async def one_info_too_many_closes_with_1013(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.is_closed(client, 1013)
    await talk.release()
    await talk.journal("made", "init", "0", "1", "2", "3", "terminate Failed(MailboxFull)")


class _Pushes(Subject):
    def handle_in(self, message: str, /) -> bytes:
        return bytes(_PIECE * _PIECES)


@case(_Pushes, ["S11.2", "S16.1", "S17.1"], needs=["buffer"], options=Options(send_timeout=_SHORT))
async def a_peer_that_takes_nothing_is_too_slow(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    await client.send("go")
    await talk.journal("made", "init", "terminate Failed(PeerTooSlow)")


# Rule 12.

_SILENT: Final = Options(idle_timeout=_SHORT, ping_interval=None)


class _Talks(Subject):
    """Pushes all the time, and works on a message until it is released."""

    def init(self, ref: Ref[Any], /) -> Stream:
        super().init(ref)
        return Stream(self.ticks())

    async def handle_in(self, message: str, /) -> None:
        await self.run.released.wait()

    async def ticks(self) -> AsyncIterator[str]:
        while True:
            yield "tick"
            await asyncio.sleep(_SHORT / 10)


async def _times_out(talk: Talk, *messages: str) -> None:
    client = await talk.open()
    await client.send(*messages)
    heard = await talk.after(client, "tick")
    code = getattr(heard, "code", None)
    if code != 3008:
        raise Failure(f"{heard!r} came, but a Close with 3008 was to come")
    await client.send_close(3008)
    await talk.release()
    await talk.journal("made", "init", "terminate TimedOut()")


@case(_Talks, ["S12.1", "S12.2", "S16.1", "S17.1"], needs=["idle"], options=_SILENT)
async def pushes_keep_no_silent_peer_alive(talk: Talk) -> None:
    await _times_out(talk)


@case(_Talks, ["S12.1", "S12.2", "S16.1", "S17.1"], needs=["idle"], options=_SILENT)
async def a_busy_handler_keeps_no_silent_peer_alive(talk: Talk) -> None:
    await _times_out(talk, "work", "more work")


@case(
    Subject,
    ["S12.3", "S17.1"],
    needs=["control"],
    options=Options(ping_interval=_SHORT, idle_timeout=60),
)
async def a_silent_peer_is_pinged(talk: Talk) -> None:
    client = await talk.open()
    await talk.hears(client, Ping())


# A limit on the rate.

_RATE: Final = 10  # messages a second, and as many at once
_EXTRA: Final = 5  # messages beyond those, the first of which is still handled


class _Answers(Subject):
    def handle_in(self, message: str, /) -> str:
        self.note(message)
        return message


@case(_Answers, ["S17.1", "S17.3"], options=Options(rate_limit=RateLimit(messages=_RATE, burst=1)))
async def a_peer_that_is_too_fast_is_held_back_and_loses_nothing(talk: Talk) -> None:
    client = await talk.open()
    texts = [str(number) for number in range(_RATE + 1 + _EXTRA)]
    began = asyncio.get_running_loop().time()
    await client.send(*texts)
    await talk.hears(client, *texts)
    # A busy machine makes it longer, and never shorter.
    took = asyncio.get_running_loop().time() - began
    if took < (_EXTRA - 1) / _RATE:
        raise Failure(f"{len(texts)} messages were answered in {took:.2f} s")


@case(
    _Answers,
    ["S16.1", "S17.1", "S17.4"],
    options=Options(rate_limit=RateLimit(messages=2, burst=1, close=True)),
)
async def a_peer_that_is_too_fast_is_sent_away_where_the_limit_says_so(talk: Talk) -> None:
    client = await talk.open()
    await client.send("1", "2", "3", "4")
    await talk.hears(client, "1", "2")
    await talk.is_closed(client, 1008)
    await talk.journal("made", "init", "1", "2", "terminate Failed(RateExceeded)")
