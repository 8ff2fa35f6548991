"""Sections 2 and 3: how results are sent, and when a callback is over."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Prepared, Stop, Stream
from sock.testing.peer import frame

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Reason, Request
    from sock.testing.client import Client

    from .talk import Talk


# Section 2.


class _WritesInto(Subject):
    """Returns the same buffer for each message, with the message in it."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.buffer = bytearray(3)

    def handle_in(self, message: str, /) -> Any:
        self.buffer[:] = message.encode()
        return memoryview(self.buffer) if message == "two" else self.buffer


@case(_WritesInto, ["S2.3"])
async def what_is_written_into_a_buffer_later_is_not_seen(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one", "two", "six")
    await talk.hears(client, b"one", b"two", b"six")


class _SomeBad(Subject):
    def handle_in(self, message: str, /) -> Any:
        match message:
            case "number":
                return ["one", 1]
            case _:
                wrong: Any = ["one", 1]
                return Stop(4001, messages=wrong)


@case(_SomeBad, ["S2.7", "S6.3"])
async def nothing_of_a_sequence_is_sent_if_one_item_is_no_message(talk: Talk) -> None:
    client = await talk.open()
    await client.send("number")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(HandlerError)")


@case(_SomeBad, ["S7.12"])
async def nothing_of_a_stop_is_sent_if_one_of_its_messages_is_none(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(HandlerError)")


class _NoResult(Subject):
    def handle_in(self, message: str, /) -> Any:
        return {"a set"} if message == "set" else (part for part in ("a", "generator"))


@case(_NoResult, ["S2.10", "S6.3"])
async def a_set_and_a_plain_generator_are_no_results(talk: Talk) -> None:
    for message in ("set", "generator"):
        client = await talk.open()
        await client.send(message)
        await talk.is_closed(client, 1011, "")
    await talk.until("terminate Failed(HandlerError)")


class _Several(Subject):
    def handle_in(self, message: str, /) -> Any:
        if message == "stop":
            return Stop(4001, messages=["one", b"two"])
        return ["one", b"two", "three"]


async def _in_one_segment(talk: Talk, client: Client, message: str, *expected: Any) -> None:
    """Hear what a message is answered with, in as many TCP segments as there were writes."""
    before = client.segments
    await client.send(message)
    await talk.hears(client, *expected)
    after = client.segments
    if before is not None and after is not None and after - before != 1:
        raise Failure(
            f"it came in {after - before} segments, so it was sent in more writes than one"
        )


@case(_Several, ["S2.11"], needs=["writes", "buffer"])
async def what_one_callback_returns_is_sent_in_one_write(talk: Talk) -> None:
    client = await talk.open()
    for _ in range(3):
        await _in_one_segment(talk, client, "several", "one", b"two", "three")


@case(_Several, ["S7.12"], needs=["writes", "buffer"])
async def the_messages_of_a_stop_and_its_code_are_sent_in_one_write(talk: Talk) -> None:
    client = await talk.open()
    before = client.segments
    await client.send("stop")
    await talk.hears(client, "one", b"two")
    talk.is_code(await client.receive(), 4001)
    after = client.segments
    # The end of TCP counts as a segment of its own, and comes when the Close was answered.
    if before is not None and after is not None and after - before != 1:
        raise Failure(
            f"it came in {after - before} segments, so it was sent in more writes than one"
        )


class _SaysThenRaises(Subject):
    def handle_in(self, message: str, /) -> Any:
        if message == "raise":
            raise LookupError
        return [message, bytes(70_000)]


@case(_SaysThenRaises, ["S2.13"])
async def what_was_pushed_before_the_end_is_sent_before_the_close(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one", "two", "raise")
    await talk.hears(client, "one", bytes(70_000), "two", bytes(70_000))
    await talk.is_closed(client, 1011, "")


class _Encoded:
    """Counts how often it was encoded, by the variants that it was asked for."""

    prepared = Prepared("to all of you")


class _Shares(Subject):
    """Pushes one `Prepared`, and says how many encoded forms of it there are."""

    def handle_in(self, message: str, /) -> Any:
        if message == "forms":
            return str(len(_Encoded.prepared.encodings))
        return _Encoded.prepared


@case(_Shares, ["S2.6", "S2.14"])
async def a_prepared_keeps_its_one_form_for_all_connections(talk: Talk) -> None:
    one, other = await talk.open(), await talk.open()
    for client in (one, other, one):
        await client.send("push")
        await talk.hears(client, "to all of you")
    await one.send("forms")
    heard = await one.receive()
    if heard not in {"0", "1"}:  # a host need not encode it once
        raise Failure(f"there are {heard!r} forms of one message that is never compressed")


# Section 3.


class _Threads(Subject):
    """Says whether its code runs in the thread in which it has begun."""

    def init(self, ref: Any, /) -> Any:
        self.thread = threading.get_ident()
        return super().init(ref)

    def handle_in(self, message: str, /) -> Any:
        match message:
            case "coroutine":
                return self.works()
            case "generator":
                return self.items()
            case "stream":
                return Stream(self.items())
            case _:
                return self.told(message)

    def handle_info(self, info: str, /) -> str:
        return self.told(info)

    def told(self, what: str) -> str:
        return f"{what} {threading.get_ident() == self.thread}"

    async def works(self) -> str:
        await asyncio.to_thread(time.sleep, 0.001)
        return self.told("coroutine")

    async def items(self) -> AsyncIterator[str]:
        await asyncio.sleep(0.001)
        yield self.told("item")

    def terminate(self, reason: Reason, /) -> Any:
        self.note(self.told("terminate"))
        super().terminate(reason)


@case(_Threads, ["S3.3"])
async def all_code_of_a_connection_runs_in_one_thread(talk: Talk) -> None:
    client = await talk.open()
    await client.send("plain", "coroutine", "generator", "stream")
    await talk.hears(client, "plain True", "coroutine True", "item True", "item True")
    await talk.send_all("info", thread=True)
    await talk.hears(client, "info True")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "terminate True", "terminate Remote(1000, 'bye')")


class _Types(Subject):
    def handle_in(self, message: Any, /) -> str:
        return f"{type(message).__name__} of {len(message)}"


@case(_Types, ["S3.5"])
async def a_message_in_fragments_is_one_message(talk: Talk) -> None:
    client = await talk.open()
    for opcode, name in ((0x1, "str"), (0x2, "bytes")):
        pieces = frame(opcode, b"ab", fin=False) + frame(0x0, b"", fin=False) + frame(0x0, b"c")
        await client.send_bytes(pieces)
        await talk.hears(client, f"{name} of 3")


class _YieldsBadly(Subject):
    async def handle_in(self, message: str, /) -> AsyncIterator[Any]:
        yield "one"
        yield {"none": None, "list": ["two"], "number": 2}[message]
        yield "three"


@case(_YieldsBadly, ["S3.7", "S6.3"])
async def an_item_is_a_message_or_a_stop_and_nothing_else(talk: Talk) -> None:
    for message in ("none", "list", "number"):
        client = await talk.open()
        await client.send(message)
        await talk.hears(client, "one")
        await talk.is_closed(client, 1011, "")
    await talk.until("terminate Failed(HandlerError)")


class _YieldsStop(Subject):
    async def handle_in(self, message: str, /) -> AsyncIterator[Any]:
        try:
            yield "one"
            yield Stop(4001)
        finally:
            self.note("closed")


@case(_YieldsStop, ["S3.9", "S8.2"])
async def a_generator_that_yields_a_stop_is_closed_before_terminate(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.hears(client, "one")
    await talk.is_closed(client, 4001)
    await talk.journal("made", "init", "closed", "terminate Normal()")


_BUSY: Final = 0.8
"""Seconds for which a generator does not suspend."""


class _NeverSuspends(Subject):
    """Yields for a while without ever giving the event loop a turn by itself."""

    def handle_in(self, message: str, /) -> Any:
        if message == "go":
            return self.items()
        self.note(message)
        return message

    async def items(self) -> AsyncIterator[str]:
        self.note("begins")
        until = time.monotonic() + _BUSY
        while time.monotonic() < until:
            time.sleep(0.001)  # noqa: ASYNC251 - it is the fault that the host has to live with
            yield "item"
        self.note("ends")


@case(_NeverSuspends, ["S3.10"])
async def a_generator_that_never_suspends_lets_others_have_their_turn(talk: Talk) -> None:
    client, other = await talk.open(), await talk.open()
    await client.send("go")
    await asyncio.sleep(0.05)  # the generator runs now
    await other.send("the other")
    await talk.hears(other, "the other")
    await talk.until("ends")
    if (records := await talk.peek())[-2:] != ["the other", "ends"]:
        raise Failure(f"another connection had to wait for the generator: {records}")


class _OnTheObject(Subject):
    """Has its callbacks as attributes of the object."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        setattr(self, "handle_in", self.takes)  # noqa: B010 - not to be taken for a mistake
        setattr(self, "terminate", self.ends)  # noqa: B010

    def takes(self, message: str, /) -> str:
        return f"taken: {message}"

    def ends(self, reason: Reason, /) -> None:
        self.note("ends")
        Subject.terminate(self, reason)


@case(_OnTheObject, ["S3.12"])
async def a_callback_may_be_an_attribute_of_the_handler(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one")
    await talk.hears(client, "taken: one")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "ends", "terminate Remote(1000, 'bye')")
