"""Section 2: how results are sent."""

# ruff: noqa: D103 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sock.spec import Prepared, Stop

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Request
    from sock.testing.client import Client

    from .talk import Talk


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
