"""Section 10: what a ref promises to the program that holds it."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Stop

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Reason, Ref, Request
    from sock.testing.client import Client

    from .talk import Talk

_BLOCKED: Final = 2.0
"""Seconds after which a thread that sends counts as blocked."""

_DELAY: Final = 0.3
"""Seconds of `send_after`."""

_EARLY: Final = 0.005
"""Seconds by which a timer of an event loop may be early: some count in milliseconds."""

_LARGE: Final = 16 * 1024 * 1024
"""Bytes: more than the kernel's buffers of both ends take together."""


class Keeps(Subject):
    """Keeps its ref, and notes each info."""

    def init(self, ref: Ref[Any], /) -> Any:
        """Keep it."""
        super().init(ref)
        self.ref = ref

    def handle_info(self, info: Any, /) -> Any:
        """Note it."""
        self.note(f"got {info}")

    @property
    def other(self) -> Ref[Any]:
        """The ref of the run's other connection."""
        return next(ref for ref in self.run.refs if ref is not self.ref)


async def open_two(talk: Talk) -> tuple[Client, Client]:
    """Open two connections, and wait until both are live."""
    both = await talk.open(), await talk.open()
    async with asyncio.timeout(talk.patience):
        while (await talk.peek()).count("init") < 2:  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(0.01)
    return both


async def _noted(talk: Talk, *expected: str) -> None:
    """Find these records in the journal, in this order; others may be between them."""
    await talk.until(expected[-1])
    records = await talk.peek()
    found = [record for record in records if record in expected]
    if found != list(expected):
        raise Failure(f"the journal has {found}, not {list(expected)}")


# send


class _Sends(Keeps):
    def handle_in(self, message: str, /) -> None:
        self.other.send(message)
        self.note("send has returned")


@case(_Sends, ["S10.1"])
async def send_returns_before_the_receiver_is_called(talk: Talk) -> None:
    _, sender = await open_two(talk)
    await sender.send("one")
    await _noted(talk, "send has returned", "got one")


class _SendsFromAThread(Keeps):
    """Keeps the event loop waiting while a thread sends."""

    def handle_in(self, message: str, /) -> str:
        thread = threading.Thread(target=self.ref.send, args=(message,), daemon=True)
        thread.start()
        thread.join(_BLOCKED)
        return "blocked" if thread.is_alive() else "sent"


@case(_SendsFromAThread, ["S10.1"])
async def send_waits_for_no_event_loop(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one")
    await talk.hears(client, "sent")
    await talk.until("got one")


class _SendsAnything(Keeps):
    """Sends itself what is no message, and looks whether it gets that very object."""

    def handle_in(self, message: str, /) -> None:
        self.sent = [None, object(), {"a": [1]}, iter(()), bytearray(b"abc")]
        for info in self.sent:
            self.ref.send(info)

    def handle_info(self, info: Any, /) -> str | None:
        if info is not self.sent.pop(0):
            return f"{info!r} is another object"
        return None if self.sent else "all were the same"


@case(_SendsAnything, ["S10.15"])
async def an_info_is_any_object_and_arrives_as_that_object(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.hears(client, "all were the same")


class _SendsAndEnds(Keeps):
    def handle_in(self, message: str, /) -> Stop:
        for number in range(3):
            self.ref.send(number)
        if message == "stop":
            return Stop(4001)
        raise LookupError


@case(_SendsAndEnds, ["S10.3", "S7.12"])
async def what_waits_when_a_stop_ends_the_connection_is_forgotten(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 4001)
    await talk.journal("made", "init", "terminate Normal()")


@case(_SendsAndEnds, ["S10.3", "S6.4"])
async def what_waits_when_an_exception_ends_the_connection_is_forgotten(talk: Talk) -> None:
    client = await talk.open()
    await client.send("raise")
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(LookupError)")


# closed and request


class _Closed(Keeps):
    """Notes what its ref says of the end."""

    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        self.look("init")
        ref.add_done_callback(lambda: self.look("done"))

    def look(self, where: str) -> None:
        self.note(f"{where} {self.ref.closed}")

    async def handle_in(self, message: str, /) -> None:
        self.look("before")
        await self.run.released.wait()
        self.look("after")

    def terminate(self, reason: Reason, /) -> None:
        self.look("last")
        super().terminate(reason)


@case(_Closed, ["S10.4", "S7.4"], needs=["farewell"])
async def closed_is_false_until_the_end_begins_and_true_from_then_on(talk: Talk) -> None:
    client = await talk.open()
    await client.send("work")
    await talk.until("before False")
    await talk.says_goodbye(client)
    await talk.release()
    await _noted(talk, "init False", "before False", "after True", "last True", "done True")


class _Asks(Keeps):
    """Notes whether its ref has the request that it was made with."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.request = request

    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        self.look("init")
        ref.add_done_callback(lambda: self.look("done"))

    def look(self, where: str) -> None:
        self.note(f"{where} {self.ref.request is self.request}")


@case(_Asks, ["S10.5"])
async def the_request_is_the_one_that_was_upgraded_also_after_the_end(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await _noted(talk, "init True", "done True")


# send_after


class _Delays(Keeps):
    def handle_in(self, message: str, /) -> Any:
        match message:
            case "measure":
                self.ref.send_after(_DELAY, time.monotonic())
            case "wait":
                self.ref.send_after(_DELAY, "timer")
                self.ref.send("before")
                return self.wait()
            case "stop":
                self.ref.send_after(_DELAY, "too late")
                return Stop()
            case _:
                return message
        return None

    async def wait(self) -> str:
        self.note("waits")
        await self.run.released.wait()
        return "released"

    def handle_info(self, info: Any, /) -> str:
        if isinstance(info, float):
            return "early" if time.monotonic() < info + _DELAY - _EARLY else "in time"
        self.note(f"got {info}")
        return str(info)


@case(_Delays, ["S10.6"])
async def an_info_for_later_is_sent_once_and_not_before_its_time(talk: Talk) -> None:
    client = await talk.open()
    await client.send("measure")
    await talk.hears(client, "in time")
    await asyncio.sleep(_DELAY)
    await client.send("once?")
    await talk.hears(client, "once?")


@case(_Delays, ["S10.6"])
async def an_info_for_later_takes_its_place_when_its_time_has_come(talk: Talk) -> None:
    client = await talk.open()
    await client.send("wait")
    await talk.until("waits")
    await asyncio.sleep(4 * _DELAY)
    await talk.post("behind")
    await talk.release()
    await talk.hears(client, "released", "before", "timer", "behind")


@case(_Delays, ["S10.6"])
async def an_info_for_later_is_forgotten_when_the_connection_ends(talk: Talk) -> None:
    client = await talk.open()
    await client.send("stop")
    await talk.is_closed(client, 1000)
    await talk.journal("made", "init", "terminate Normal()")
    await asyncio.sleep(2 * _DELAY)
    await talk.journal("made", "init", "terminate Normal()")
