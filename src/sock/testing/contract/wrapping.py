"""Section 20: what a wrapper decides, and what it takes over from the handler behind it."""

# ruff: noqa: D103 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Stop, Stream, TextSock, around

from .case import case
from .subject import Subject
from .wrappers import Gives, Sees

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .talk import Talk


class _Decides(Sees):
    """Decides about a message by its text."""

    def incoming(self, message: Any, /) -> Any:
        match message:
            case "swallow":
                return None
            case "stop":
                return Stop(4002, "mine", "last")
            case "later":
                return self.decide(message)
            case "wrong":
                return 7
            case "raise":
                raise self.run.error()
            case _:
                return message

    async def decide(self, message: str) -> str:
        await asyncio.sleep(0.01)
        return message

    def outgoing(self, message: Any, /) -> Any:
        match message:
            case "swallow out":
                return None
            case "b":
                return Stop(4002, "mine", "last")
            case "wrong out":
                return 7
            case "async out":
                return self.decide(message)
            case "raise out":
                raise self.run.error()
            case _:
                return message


_DECIDED: Final = around(Gives, _Decides)


@case(_DECIDED, ["S20.2", "S20.3"])
async def a_wrapper_may_swallow_a_message_and_take_its_time(talk: Talk) -> None:
    client = await talk.open()
    await client.send("swallow", "later", "swallow out", "next")
    await talk.hears(client, "later", "next")
    await talk.says_goodbye(client)


class _MarksWhatGoes(Sees):
    mark = "1"

    def incoming(self, message: Any, /) -> Any:
        return message


@case(around(_DECIDED, _MarksWhatGoes), ["S20.2", "S20.4"])
async def the_wrappers_in_front_see_a_stop_of_incoming(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.hears(client, "last1")
    await talk.is_closed(client, 4002, "mine")


@case(around(Gives, _Decides), ["S20.2", "S20.4"])
async def a_wrapper_does_not_see_the_messages_of_its_own_stop(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.hears(client, "last")
    await talk.is_closed(client, 4002, "mine")
    await talk.journal("made", "init", "terminate Normal()")


async def _is_ended_at_b(talk: Talk, form: str) -> None:
    client = await talk.open()
    await client.send(form)
    await talk.hears(client, "a", "last")
    await talk.is_closed(client, 4002, "mine")


@case(_DECIDED, ["S20.4"])
async def a_stop_takes_the_place_of_a_message_in_a_sequence(talk: Talk) -> None:
    await _is_ended_at_b(talk, "sequence")


@case(_DECIDED, ["S20.4"])
async def a_stop_takes_the_place_of_a_message_in_a_generator(talk: Talk) -> None:
    await _is_ended_at_b(talk, "generator")


@case(_DECIDED, ["S20.4"])
async def a_stop_takes_the_place_of_a_message_in_a_stream(talk: Talk) -> None:
    await _is_ended_at_b(talk, "stream")


async def _breaks(talk: Talk, message: str) -> None:
    client = await talk.open()
    await client.send(message)
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(HandlerError)")


@case(_DECIDED, ["S20.2"])
async def incoming_returns_a_message_none_or_a_stop(talk: Talk) -> None:
    await _breaks(talk, "wrong")


@case(_DECIDED, ["S20.3"])
async def outgoing_returns_a_message_none_or_a_stop(talk: Talk) -> None:
    await _breaks(talk, "wrong out")


@case(_DECIDED, ["S20.3"])
async def outgoing_is_not_async(talk: Talk) -> None:
    await _breaks(talk, "async out")


@case(around(Gives, Sees), ["S20.5"])
async def outgoing_is_not_called_for_a_sequence_that_breaks_the_contract(talk: Talk) -> None:
    client = await talk.open()
    await client.send("breach")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "in breach", "terminate Failed(HandlerError)")


async def _fails(talk: Talk, message: str) -> None:
    client = await talk.open()
    await client.send(message)
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(LookupError)")
    await talk.reported("Gives.handle_in")


@case(_DECIDED, ["S20.7", "S20.11"])
async def what_incoming_raises_ends_the_connection(talk: Talk) -> None:
    await _fails(talk, "raise")


@case(_DECIDED, ["S20.7", "S20.11"])
async def what_outgoing_raises_ends_the_connection(talk: Talk) -> None:
    await _fails(talk, "raise out")


@case(_DECIDED, ["S20.7", "S20.11"])
async def what_the_handler_raises_passes_as_it_is(talk: Talk) -> None:
    await _fails(talk, "fails")


class _Cancels(Subject):
    stream: Stream

    def handle_in(self, message: str, /) -> Any:
        if message.startswith("cancel"):
            self.stream.cancel()
            return f"cancelled {self.stream.done}"
        self.stream = Stream(self.items())
        return self.stream

    async def items(self) -> AsyncIterator[str]:
        try:
            yield "item"
            await asyncio.Event().wait()
        finally:
            self.note("closed")


@case(around(_Cancels, Sees), ["S20.8"])
async def a_stream_behind_a_wrapper_is_its_handlers_own(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.hears(client, "item")
    await client.send("cancel")
    await talk.hears(client, "cancelled True")
    await talk.until("closed")
    await talk.says_goodbye(client)


class Texts(Subject, TextSock[Any]):
    """Takes short texts only."""

    options = Options(max_message_size=10)

    def handle_in(self, text: str, /) -> str:
        """Return the text."""
        return text


@case(around(around(Texts, Sees), Sees), ["S20.10"])
async def a_text_sock_behind_wrappers_closes_with_1003(talk: Talk) -> None:
    client = await talk.open()
    await client.send("text", b"binary")
    await talk.hears(client, "text")
    await talk.is_closed(client, 1003)


@case(around(Texts, Sees), ["S20.10"])
async def the_options_of_the_class_behind_a_wrapper_count(talk: Talk) -> None:
    client = await talk.open()
    await client.send("0123456789", "0123456789a")
    await talk.hears(client, "0123456789")
    heard = await client.receive()
    talk.is_code(heard, 1009)
    client.hang_up()
    await talk.until("terminate Failed(MessageTooBig)")


class _Bytes(Sees):
    accepts = (bytes,)

    def incoming(self, message: Any, /) -> Any:
        return bytes(message).decode()


@case(around(Texts, _Bytes), ["S20.10"])
async def a_wrapper_may_take_other_messages_than_its_handler(talk: Talk) -> None:
    client = await talk.open()
    await client.send(b"binary", "text")
    await talk.hears(client, "binary")
    await talk.is_closed(client, 1003)
