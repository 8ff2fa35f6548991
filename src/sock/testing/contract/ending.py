"""Rules 6 to 9, and every reason: how connections end."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sock.spec import BinarySock, Options, Pong, Stop, Stream, TextSock
from sock.testing.client import End
from sock.testing.peer import frame

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Reason, Ref

    from .talk import Talk


class _Worker(Subject):
    """Works on each message until it is released, and notes what becomes of it."""

    async def handle_in(self, message: str, /) -> str:
        self.note(f"{message} begins")
        try:
            await self.run.released.wait()
        except asyncio.CancelledError:
            self.note(f"{message} is cancelled")
            raise
        self.note(f"{message} ends")
        return f"{message} is done"


class _Ticker(Subject):
    """Answers "generate" and "stream" by ticking for ever; "stop" stops; "raise" raises."""

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "generate":
                return self.ticks()
            case "stream":
                return Stream(self.ticks())
            case "stop":
                return Stop(messages="stopped")
            case "raise":
                raise LookupError
            case _:
                return message

    async def ticks(self) -> AsyncIterator[str]:
        try:
            while True:
                yield "tick"
                await asyncio.sleep(0.001)
        finally:
            self.note("ticks end")


# Rule 6.


@case(_Ticker, ["S6.5"])
async def a_handler_that_raises_touches_no_other_connection(talk: Talk) -> None:
    one, other = await talk.open(), await talk.open()
    await one.send("raise")
    await talk.is_closed(one, 1011, "")
    await other.send("still here?")
    await talk.hears(other, "still here?")


class _RaisesLater(Subject):
    def handle_in(self, message: str, /) -> Any:
        match message:
            case "generator":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "task":
                self.run.refs[0].spawn(self.work())
                return "spawned"
            case _:
                return self.work()

    async def work(self) -> None:
        await asyncio.sleep(0)
        raise LookupError("not to be told to the peer")

    async def items(self) -> AsyncIterator[str]:
        yield "one"
        await self.work()


async def _raises(talk: Talk, kind: str, *pushed: str) -> None:
    client = await talk.open()
    await client.send(kind)
    await talk.hears(client, *pushed)
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(LookupError)")


@case(_RaisesLater, ["S6.1"])
async def a_coroutine_that_raises_ends_the_connection(talk: Talk) -> None:
    await _raises(talk, "coroutine")


@case(_RaisesLater, ["S6.1"])
async def a_generator_that_raises_ends_the_connection(talk: Talk) -> None:
    await _raises(talk, "generator", "one")


@case(_RaisesLater, ["S4.7", "S6.1"])
async def a_stream_that_raises_ends_the_connection(talk: Talk) -> None:
    await _raises(talk, "stream", "one")


@case(_RaisesLater, ["S6.1", "S10.7"])
async def a_spawned_task_that_raises_ends_the_connection(talk: Talk) -> None:
    await _raises(talk, "task", "spawned")


# Rule 7.


@case(_Worker, ["S7.5", "S7.6"])
async def a_close_is_answered_while_a_callback_is_waiting(talk: Talk) -> None:
    client = await talk.open()
    await client.send("work")
    await talk.until("work begins")
    await talk.says_goodbye(client)
    await talk.release()
    reason = "terminate Remote(1000, 'bye')"
    await talk.journal("made", "init", "work begins", "work ends", reason)


@case(_Worker, ["S7.6"])
async def what_came_before_the_close_is_still_handled(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one", "two")
    await talk.says_goodbye(client)
    await talk.release()
    steps = "one begins", "one ends", "two begins", "two ends"
    await talk.journal("made", "init", *steps, "terminate Remote(1000, 'bye')")


@case(_Worker, ["S7.6", "S7.9", "S17.1"], options=Options(close_timeout=0.2))
async def a_callback_is_cancelled_after_close_timeout(talk: Talk) -> None:
    client = await talk.open()
    await client.send("work")
    await talk.until("work begins")
    await talk.says_goodbye(client)
    reason = "terminate Remote(1000, 'bye')"
    await talk.journal("made", "init", "work begins", "work is cancelled", reason)


@case(_Ticker, ["S3.9", "S7.6"], needs=["farewell"])
async def a_generator_is_cancelled_when_the_peer_is_gone(talk: Talk) -> None:
    client = await talk.open()
    await client.send("generate")
    await talk.hears(client, "tick", "tick")
    await client.send_close(1001)
    heard = await talk.after(client, "tick")
    talk.is_answer(heard, 1001)
    await talk.hears(client, End.FIN)
    await talk.journal("made", "init", "ticks end", "terminate Remote(1001, '')")


class _Hurries(Subject):
    """Works for a moment: long enough that a drain begins meanwhile."""

    async def handle_in(self, message: str, /) -> str:
        self.note(f"{message} begins")
        await asyncio.sleep(0.3)
        self.note(f"{message} ends")
        return f"{message} is done"


@case(_Hurries, ["S7.8", "S16.1", "S16.3"], needs=["drain"])
async def a_drain_lets_work_finish_and_then_says_1012(talk: Talk) -> None:
    client = await talk.open()
    # Nothing new is accepted later: whoever reads the journal connects now, and waits.
    reader = await talk.reader()
    await client.send("work")
    await talk.until("work begins")
    drained = await talk.drain()
    await talk.hears(client, "work is done")
    await talk.is_closed(client, 1012)
    steps = "work begins", "work ends"
    await talk.journal("made", "init", *steps, "terminate Shutdown()", reader=reader)
    await drained


@case(_Ticker, ["S4.8", "S7.12", "S9.1"])
async def nothing_is_said_after_a_stop_beside_a_stream(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stream")
    await talk.hears(client, "tick")
    await client.send("stop", "late")
    heard = await talk.after(client, "tick")
    if heard != "stopped":
        raise Failure(f"{heard!r} came, but the messages of the Stop were to come")
    await talk.is_closed(client, 1000)
    await talk.journal("made", "init", "ticks end", "terminate Normal()")


# Rule 8.


class _EndsSlowly(Subject):
    def handle_in(self, message: str, /) -> Any:
        return Stop()

    async def terminate(self, reason: Reason, /) -> None:
        await self.run.released.wait()
        super().terminate(reason)


@case(_EndsSlowly, ["S8.7"])
async def terminate_never_delays_the_close(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 1000)
    await talk.release()
    await talk.journal("made", "init", "terminate Normal()")


class _EndsBadly(Subject):
    def init(self, ref: Ref[Any], /) -> Any:
        ref.add_done_callback(lambda: self.note("done"))
        return super().init(ref)

    def handle_in(self, message: str, /) -> Any:
        return Stop(4000)

    def terminate(self, reason: Reason, /) -> Any:
        super().terminate(reason)
        raise LookupError


@case(_EndsBadly, ["S8.1", "S8.6", "S10.8"])
async def terminate_may_raise_and_is_called_once(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 4000)
    await talk.until("done")
    await talk.journal("made", "init", "terminate Normal()", "done")


# The reasons that are the peer's or the network's doing.


class _Echo(Subject):
    def handle_in(self, message: str | bytes, /) -> str | bytes:
        return message


@case(_Echo, ["S8.4", "S16.1"], needs=["detail"])
async def a_close_with_code_and_detail_is_told(talk: Talk) -> None:
    client = await talk.open()
    await client.send_close(4321, "so long é")
    await talk.is_closed(client, 4321, answer=False)
    await talk.journal("made", "init", "terminate Remote(4321, 'so long é')")


@case(_Echo, ["S16.1"], needs=["farewell"])
async def a_close_without_a_code_is_1005(talk: Talk) -> None:
    client = await talk.open()
    await client.send_close(None)
    await talk.is_closed(client, 1005, answer=False)
    await talk.journal("made", "init", "terminate Remote(1005, '')")


@case(_Echo, ["S7.1", "S16.1"], needs=["ends"])
async def the_end_of_tcp_without_a_close_is_1006(talk: Talk) -> None:
    client = await talk.open()
    client.finish()
    await talk.journal("made", "init", "terminate Remote(1006, '')")


@case(_Echo, ["S7.1", "S16.1"], needs=["ends"])
async def a_reset_of_tcp_is_1006(talk: Talk) -> None:
    client = await talk.open()
    client.reset()
    await talk.journal("made", "init", "terminate Remote(1006, '')")


# The peer's mistakes: what came before is answered, then the code says what was wrong.


async def _breaks(talk: Talk, data: bytes, code: int, error: str, *before: str) -> None:
    client = await talk.open()
    await client.send_bytes(data)
    await talk.hears(client, *before)
    heard = await client.receive()
    talk.is_code(heard, code)
    client.finish()
    await talk.hears(client, End.FIN)
    await talk.journal("made", "init", f"terminate Failed({error})")


@case(_Echo, ["S7.7", "S15.2", "S16.1"], needs=["violations"])
async def a_broken_frame_is_1002_after_the_good_ones(talk: Talk) -> None:
    data = frame(0x1, b"good") + frame(0x1, b"bad", masked=False)
    await _breaks(talk, data, 1002, "ProtocolError", "good")


@case(_Echo, ["S15.3", "S16.1"], needs=["violations"])
async def broken_text_is_1007(talk: Talk) -> None:
    await _breaks(talk, frame(0x1, b"\xff"), 1007, "InvalidData")


@case(_Echo, ["S15.4", "S16.1", "S17.1"], options=Options(max_message_size=1000))
async def a_message_that_is_too_big_is_1009(talk: Talk) -> None:
    await _breaks(talk, frame(0x2, bytes(1001)), 1009, "MessageTooBig")


class _Text(Subject, TextSock):
    def handle_in(self, message: str, /) -> str:
        return message


class _Binary(Subject, BinarySock):
    def handle_in(self, message: bytes, /) -> bytes:
        return message


@case(_Text, ["S7.7", "S13.7", "S16.1"])
async def binary_to_a_text_sock_is_1003(talk: Talk) -> None:
    client = await talk.open()
    await client.send("good", b"bad")
    await talk.hears(client, "good")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "terminate Failed(UnsupportedData)")


@case(_Binary, ["S7.7", "S13.7", "S16.1"])
async def text_to_a_binary_sock_is_1003(talk: Talk) -> None:
    client = await talk.open()
    await client.send(b"good", "bad")
    await talk.hears(client, b"good")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "terminate Failed(UnsupportedData)")


@case(_Echo, ["S9.1"], needs=["control"])
async def a_ping_after_the_close_is_not_answered(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(0x9, b"1") + frame(0x8, b"\x03\xe8") + frame(0x9, b"2"))
    await talk.hears(client, Pong(b"1"))
    await talk.is_closed(client, 1000, answer=False)
