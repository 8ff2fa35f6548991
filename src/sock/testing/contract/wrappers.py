"""Section 20: what a wrapper sees of the messages of the handler behind it."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Ping, Pong, Prepared, Stop, Stream, Text, Wrapper, around

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .subject import Run
    from .talk import Talk


class Sees(Wrapper):
    """Writes into the journal of its handler what it sees."""

    mark = ""

    @property
    def run(self) -> Run:
        """The run of the handler behind all wrappers."""
        inner: Any = self.handler
        while isinstance(inner, Wrapper):
            inner = inner.handler
        run: Run = inner.run
        return run

    def note(self, way: str, message: object) -> None:
        """Write a message into the journal."""
        kind = "" if isinstance(message, str) else f"{type(message).__name__} "
        text = message if isinstance(message, str) else _content(message)
        self.run.records.append(f"{way}{self.mark} {kind}{text}")

    def incoming(self, message: Any, /) -> Any:
        """Note it, and mark a text."""
        self.note("in", message)
        return f"{message}{self.mark}" if isinstance(message, str) else message

    def outgoing(self, message: Any, /) -> Any:
        """Note it, and mark a text."""
        self.note("out", message)
        return f"{message}{self.mark}" if isinstance(message, str) else message


class First(Sees):
    """Marks a text with a 1."""

    mark = "1"


class _Second(Sees):
    mark = "2"


def _content(message: Any) -> str:
    match message:
        case Text(content) | Ping(content) | Pong(content):
            return bytes(content).decode()
        case Prepared(content):
            return str(content)
        case _:
            return bytes(message).decode()


class Gives(Subject):
    """Gives what a message names, in one form or another."""

    def handle_in(self, message: Any, /) -> Any:
        """Give what the message names, or the message."""
        match message.rstrip("12"):
            case "sequence":
                return ["a", "b"]
            case "awaitable":
                return self.later("a")
            case "generator":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "stop":
                return Stop(4001, "out", ["a", "b"])
            case "raised":
                raise Stop(4001, "out", "a")
            case "raised later":
                return self.raises()
            case "stopped":
                self.run.refs[0].stop(4001, "out", messages=["a"])
                return None
            case "spawned":
                self.run.refs[0].spawn(self.raises())
                return None
            case "breach":
                return ["a", 7]
            case "fails":
                raise self.run.error()
            case _:
                return message

    async def later(self, value: Any) -> Any:
        """Give a value later."""
        await asyncio.sleep(0)
        return value

    async def raises(self) -> None:
        """Raise a Stop later."""
        await asyncio.sleep(0)
        raise Stop(4001, "out", "a")

    async def items(self) -> AsyncIterator[str]:
        """Yield two messages."""
        for item in ("a", "b"):
            yield item
            await asyncio.sleep(0)


_TWICE: Final = around(around(Gives, First), _Second)


@case(_TWICE, ["S20.1", "S20.2", "S20.3", "S20.9", "S20.12"])
async def the_outermost_wrapper_sees_first_what_comes_and_last_what_goes(talk: Talk) -> None:
    client = await talk.open()
    await client.send("m")
    await talk.hears(client, "m2112")
    expected = ["made", "init", "in2 m", "in1 m2", "out1 m21", "out2 m211"]
    equal(await talk.peek(), expected)
    await talk.says_goodbye(client)


@case(_TWICE, ["S20.3"])
async def a_wrapper_sees_what_is_returned_in_whatever_form(talk: Talk) -> None:
    client = await talk.open()
    for form, heard in (
        ("sequence", ["a12", "b12"]),
        ("awaitable", ["a12"]),
        ("generator", ["a12", "b12"]),
        ("stream", ["a12", "b12"]),
    ):
        await client.send(form)
        await talk.hears(client, *heard)
    await talk.says_goodbye(client)


@case(_TWICE, ["S20.3"])
async def an_info_that_is_pushed_is_seen(talk: Talk) -> None:
    client = await talk.open()
    await talk.post("news")
    await talk.hears(client, "news12")
    await talk.says_goodbye(client)


async def _last_message_is_seen(talk: Talk, way: str, *heard: str) -> None:
    client = await talk.open()
    await client.send(way)
    await talk.hears(client, *heard)
    await talk.is_closed(client, 4001, "out")


@case(_TWICE, ["S20.3"])
async def the_messages_of_a_returned_stop_are_seen(talk: Talk) -> None:
    await _last_message_is_seen(talk, "stop", "a12", "b12")


@case(_TWICE, ["S20.3", "S20.7"])
async def the_messages_of_a_raised_stop_are_seen(talk: Talk) -> None:
    await _last_message_is_seen(talk, "raised", "a12")


@case(_TWICE, ["S20.3", "S20.7"])
async def the_messages_of_a_stop_that_is_raised_later_are_seen(talk: Talk) -> None:
    await _last_message_is_seen(talk, "raised later", "a12")


@case(_TWICE, ["S20.6"])
async def the_messages_of_a_ref_stop_are_seen(talk: Talk) -> None:
    await _last_message_is_seen(talk, "stopped", "a12")


@case(_TWICE, ["S20.6"])
async def the_messages_of_a_stop_of_a_spawned_task_are_seen(talk: Talk) -> None:
    await _last_message_is_seen(talk, "spawned", "a12")


class _Kinds(Subject):
    def handle_in(self, message: str | bytes, /) -> Any:
        return [b"a", bytearray(b"b"), memoryview(b"c"), Text(b"d"), Prepared("e")]


@case(around(_Kinds, Sees), ["S20.3"])
async def a_wrapper_sees_messages_of_the_types_that_were_given(talk: Talk) -> None:
    client = await talk.open()
    await client.send("x")
    await talk.hears(client, b"a", b"b", b"c", "d", "e")
    seen = ["out bytes a", "out bytearray b", "out memoryview c", "out Text d", "out Prepared e"]
    equal((await talk.peek())[3:], seen)
    await talk.says_goodbye(client)


class _Controls(Subject):
    def handle_control(self, frame: Ping | Pong, /) -> Any:
        return Pong(b"own")


@case(around(_Controls, Sees), ["S20.1", "S20.10"], needs=["control"])
async def a_wrapper_sees_no_control_frames_but_those_of_its_handler(talk: Talk) -> None:
    client = await talk.open()
    await client.send(Ping(b"a"))
    await talk.hears(client, Pong(b"a"), Pong(b"own"))
    equal(await talk.peek(), ["made", "init", "out Pong own"])
    await talk.says_goodbye(client)


def equal(found: object, expected: object) -> None:
    if found != expected:
        raise Failure(f"{found!r} was found, and {expected!r} was to be")
