"""Sections 4 and 5: streams, and pings."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Ping, Pong, Stop, Stream

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Reason
    from sock.testing.client import Client

    from .subject import Run
    from .talk import Talk


class Watched(AsyncGenerator[Any, None]):
    """An async generator that notes when it is asked for an item and when it is closed.

    A generator function would not do: one that was never begun runs no code when it is closed.

    Args:
        run: in whose journal it writes.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    async def asend(self, value: None, /) -> Any:
        """Yield an item."""
        self._run.records.append("asked")
        return "an item"

    async def athrow(self, kind: Any, value: Any = None, trace: Any = None, /) -> Any:
        """Raise it."""
        raise kind

    async def aclose(self) -> None:
        """Note it."""
        self._run.records.append("closed")


# Section 4.


class _Streams(Subject):
    """Begins the stream that a message names; says of the last one whether it is done."""

    last: Stream | None = None

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "done?":
                return str(self.last is not None and self.last.done)
            case "cancel":
                assert self.last is not None, "there is one"
                self.last.cancel()
                return str(self.last.done)
            case "again":
                return self.last
            case "cancelled":
                stream = Stream(Watched(self.run))
                stream.cancel()
                return stream
            case _:
                self.last = Stream(getattr(self, message)())
                return self.last

    async def short(self) -> AsyncIterator[str]:
        yield "one"
        await self.run.released.wait()
        yield "last"

    async def numbers(self) -> AsyncIterator[str]:
        for number in range(50):
            yield str(number)
            await asyncio.sleep(0)

    async def nothing(self) -> AsyncIterator[Any]:
        yield "one"
        yield None

    async def stop(self) -> AsyncIterator[Any]:
        yield "one"
        yield Stop(4001, messages="last")

    async def fails(self) -> AsyncIterator[str]:
        yield "one"
        raise self.run.error()

    def terminate(self, reason: Reason, /) -> Any:
        if self.last is not None:
            self.note(f"done {self.last.done}")
        super().terminate(reason)


@case(_Streams, ["S4.5", "S4.9"])
async def a_stream_is_done_when_it_is_exhausted_and_not_before(talk: Talk) -> None:
    client = await talk.open()
    await client.send("short")
    await talk.hears(client, "one")
    await client.send("done?")
    await talk.hears(client, "False")
    await talk.release()
    await talk.hears(client, "last")
    heard = await _asked_until(client, "done?", "True")
    if heard != "True":
        raise Failure("a stream that is exhausted is not done")


async def _asked_until(client: Client, question: str, answer: str) -> Any:
    """Ask a few times, as what is asked for may happen in a later turn of the host."""
    heard: Any = None
    for _ in range(20):
        await client.send(question)
        heard = await client.receive()
        if heard == answer:
            break
        await asyncio.sleep(0.01)
    return heard


@case(_Streams, ["S4.5"])
async def a_stream_is_done_as_soon_as_it_is_cancelled(talk: Talk) -> None:
    client = await talk.open()
    await client.send("short")
    await talk.hears(client, "one")
    await client.send("cancel")
    await talk.hears(client, "True")


@case(_Streams, ["S4.5", "S4.7", "S6.2"])
async def a_stream_that_has_failed_is_done_and_reported_once(talk: Talk) -> None:
    client = await talk.open()
    await client.send("fails")
    await talk.hears(client, "one")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "done True", "terminate Failed(LookupError)")
    await talk.reported("Traceback")


@case(_Streams, ["S4.6", "S4.9"])
async def a_stream_that_is_given_twice_breaks_the_contract(talk: Talk) -> None:
    client = await talk.open()
    await client.send("short")
    await talk.hears(client, "one")
    await client.send("again")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "done True", "terminate Failed(HandlerError)")


@case(_Streams, ["S4.6"])
async def a_stream_that_was_cancelled_before_is_closed_and_not_run(talk: Talk) -> None:
    client = await talk.open()
    await client.send("cancelled", "numbers")
    await talk.hears(client, "0")
    await talk.until("closed")
    if "asked" in (records := await talk.peek()):
        raise Failure(f"a stream that was cancelled was run: {records}")


@case(_Streams, ["S4.2", "S3.7"])
async def an_item_of_a_stream_is_a_message_or_a_stop(talk: Talk) -> None:
    client = await talk.open()
    await client.send("nothing")
    await talk.hears(client, "one")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "done True", "terminate Failed(HandlerError)")


@case(_Streams, ["S4.7"])
async def a_stop_that_a_stream_yields_ends_the_connection(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.hears(client, "one", "last")
    await talk.is_closed(client, 4001)
    await talk.journal("made", "init", "done True", "terminate Normal()")


@case(_Streams, ["S4.2", "S2.12"])
async def each_stream_keeps_its_own_order(talk: Talk) -> None:
    client = await talk.open()
    await client.send("numbers", "numbers")
    heard = [await client.receive() for _ in range(100)]
    places: dict[Any, list[int]] = {}
    for place, item in enumerate(heard):
        places.setdefault(item, []).append(place)
    wanted = [str(number) for number in range(50)]
    firsts = [places.get(item, [0, 0])[0] for item in wanted]
    if sorted(places, key=str) != sorted(wanted) or firsts != sorted(firsts):
        raise Failure(f"the items of two streams came as {heard}")


# Section 5.


class _Controls(Subject):
    def handle_control(self, frame: Ping | Pong, /) -> str:
        return f"told of {type(frame).__name__} {frame.payload.decode()}"

    def handle_in(self, message: str, /) -> str:
        return message


@case(_Controls, ["S5.1", "S5.2", "S5.3"], needs=["control"])
async def the_pong_comes_before_what_handle_control_pushes(talk: Talk) -> None:
    client = await talk.open()
    await client.send(Ping(b"1"), Pong(b"2"))
    await talk.hears(client, Pong(b"1"), "told of Ping 1", "told of Pong 2")


class _NoControls(Subject):
    def handle_in(self, message: str, /) -> str:
        return message


@case(_NoControls, ["S5.1", "S5.3"], needs=["control"])
async def a_handler_without_handle_control_goes_on_as_before(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one", Ping(b"1"), Pong(b"2"), "two")
    await talk.hears_beside(client, Pong(b"1"), "one", "two")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "terminate Remote(1000, 'bye')")


_PINGS: Final = b"".join([b"\x89\xfd" + bytes(4) + bytes(125)] * 512)
_ROUNDS: Final = 256
"""Pings in so many pieces: more than the kernel's buffers of both ends take together."""

_QUIET: Final = 0.2
_STILL: Final = 5
"""A host that takes nothing so many times, for so many seconds each, has stopped to read."""


@case(
    _NoControls, ["S5.4"], needs=["control", "buffer"], options=Options(max_send_buffer=64 * 1024)
)
async def pongs_that_nobody_reads_stop_the_host_from_reading(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    sent: list[int] = []
    sending = asyncio.ensure_future(_flood(client, sent))
    try:
        still, before = 0, -1
        while still < _STILL and not sending.done():  # as long as the host reads on
            await asyncio.sleep(_QUIET)
            still = still + 1 if before == len(sent) else 0
            before = len(sent)
    finally:
        sending.cancel()
        await asyncio.wait({sending})
    if len(sent) == _ROUNDS:
        raise Failure(f"{_ROUNDS * len(_PINGS)} bytes of pings were read, and no pong was taken")


async def _flood(client: Client, sent: list[int]) -> None:
    for number in range(_ROUNDS):
        await client.send_bytes(_PINGS)
        sent.append(number)
