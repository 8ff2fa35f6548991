"""Section 10: the tasks and callbacks that belong to a connection, and its `stop` and `pending`."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from .case import case
from .refs import Keeps
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Reason, Ref

    from .talk import Talk

_MOMENT: Final = 0.05  # seconds

_LARGE: Final = 16 * 1024 * 1024
"""Bytes: more than the kernel's buffers of both ends take together."""


# spawn


class _Spawns(Keeps):
    """Spawns a task when it is told to, and another one when all is over."""

    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        self.loop = asyncio.get_running_loop()
        ref.add_done_callback(self.late)

    def handle_in(self, message: str, /) -> str:
        self.ref.spawn(self.work())
        return message

    async def work(self) -> object:
        mine = asyncio.current_task() is not None and asyncio.get_running_loop() is self.loop
        self.note(f"works {mine}")
        return object()  # no result of a callback

    def late(self) -> None:
        self.ref.spawn(self.never()).add_done_callback(
            lambda task: self.note(f"cancelled {task.cancelled()}")
        )

    async def never(self) -> None:
        await asyncio.sleep(_MOMENT)
        self.note("goes on")


@case(_Spawns, ["S10.7"])
async def a_spawned_task_runs_in_the_event_loop_and_its_result_is_ignored(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one")
    await talk.hears(client, "one")
    await talk.until("works True")
    await client.send("two")
    await talk.hears(client, "two")


@case(_Spawns, ["S10.7"])
async def a_task_that_is_spawned_after_the_end_is_cancelled_at_once(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await talk.until("cancelled True")
    await asyncio.sleep(2 * _MOMENT)
    if "goes on" in await talk.peek():
        raise Failure("a task that was spawned after the end went on")


# add_done_callback


class _Done(Keeps):
    """Notes the order of its end."""

    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        ref.add_done_callback(lambda: self.note("done 1"))
        ref.add_done_callback(self.last)

    def last(self) -> None:
        self.note("done 2")
        self.ref.add_done_callback(lambda: self.note("done late"))
        self.note("added")

    async def terminate(self, reason: Reason, /) -> None:
        await asyncio.sleep(_MOMENT)
        super().terminate(reason)
        await asyncio.sleep(_MOMENT)
        self.note("terminate ends")


@case(_Done, ["S10.8"])
async def done_callbacks_come_after_terminate_once_and_in_order(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await talk.until("done late")
    ends = "terminate ends", "done 1", "done 2", "added", "done late"
    await talk.journal("made", "init", "terminate Remote(1000, 'bye')", *ends)


# stop and pending


class _Stops(Keeps):
    def handle_in(self, message: str, /) -> str:
        if message == "wrong":
            return f"{self.refused()} refused, {self.ref.closed}"
        if message == "without a code":
            self.ref.stop()
        else:
            self.ref.stop(4001, "first")
            self.note(f"stopped {self.ref.closed}")
            self.ref.stop(4002, "second")
        return "returned"

    def refused(self) -> int:
        """Count how much of what may not be said is refused in its caller."""
        count = 0
        wrong: list[tuple[Any, Any, Any]] = [
            (1005, "", ()),
            (999, "", ()),
            (4000, 7, ()),
            (4000, "", 7),
            (4000, "", ["one", 7]),
            (4000, "", ["one", "\ud800"]),
        ]
        for code, detail, messages in wrong:
            try:
                self.ref.stop(code, detail, messages=messages)
            except (TypeError, ValueError):
                count += 1
        return count


@case(_Stops, ["S10.11"])
async def stop_refuses_in_its_caller_what_may_not_be_said(talk: Talk) -> None:
    client = await talk.open()
    await client.send("wrong")
    await talk.hears(client, "6 refused, False")


@case(_Stops, ["S10.11", "S7.15"], needs=["detail"])
async def the_first_of_several_stops_counts(talk: Talk) -> None:
    client = await talk.open()
    await client.send("twice")
    await talk.hears(client, "returned")
    await talk.is_closed(client, 4001, "first")
    await talk.journal("made", "init", "stopped True", "terminate Normal()")


@case(_Stops, ["S16.1"])
async def a_stop_without_a_code_says_1000(talk: Talk) -> None:
    client = await talk.open()
    await client.send("without a code")
    await talk.hears(client, "returned")
    await talk.is_closed(client, 1000)
    await talk.journal("made", "init", "terminate Normal()")


class _FillsAndStops(Keeps):
    """Fills the send buffer, and stops a moment later."""

    def handle_in(self, message: str, /) -> bytes:
        self.note("fills")
        asyncio.get_running_loop().call_later(_MOMENT, self.leave)
        return bytes(_LARGE)

    def leave(self) -> None:
        last = bytearray(b"last")
        self.ref.stop(4001, messages=["words", last])
        last[:] = b"late"
        self.note("left")


@case(_FillsAndStops, ["S10.16"], needs=["buffer"])
async def the_messages_of_a_stop_are_sent_also_when_the_send_buffer_is_full(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    await client.send("fill")
    await talk.until("left")
    heard = await client.receive()
    if not isinstance(heard, bytes) or len(heard) != _LARGE:
        raise Failure(f"a message of {_LARGE} bytes was to come")
    await talk.hears(client, "words", b"last")
    await talk.is_closed(client, 4001)


class _Fills(Keeps):
    def handle_in(self, message: str, /) -> bytes:
        self.note("fills")
        return bytes(_LARGE)


@case(_Fills, ["S10.12"], needs=["buffer"])
async def pending_is_0_when_the_ref_is_closed(talk: Talk) -> None:
    client = await talk.open(receive_buffer=4096)
    await client.send("fill")
    await talk.until("fills")
    if (waits := await talk.pending()) == 0:
        raise Failure(f"no bytes wait for a peer that reads nothing of {_LARGE}")
    await talk.stop(4001)
    if (waits := await talk.pending()) != 0:
        raise Failure(f"{waits} bytes wait, says a ref that is closed")
