"""Section 3: when a callback is called, and when it is over."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Stop, Stream
from sock.testing.peer import frame

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Reason, Request

    from .talk import Talk


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
