"""Rules 1, 3, 4, 5 and 10: what comes before what, and what goes on beside what."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from sock.spec import Ping, Pong, Refuse, Response, Stream, Upgrade

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.spec import Ref, Request

    from .talk import Talk


class _Steps(Subject):
    """Notes where a callback begins and where it ends, with a pause between the two."""

    async def init(self, ref: Ref[Any], /) -> None:
        self.note("init begins")
        self.run.refs.append(ref)
        await asyncio.sleep(0.02)
        self.note("init ends")

    async def handle_in(self, message: str, /) -> str:
        self.note(f"{message} begins")
        await asyncio.sleep(0.01)
        self.note(f"{message} ends")
        return message

    async def handle_info(self, info: str, /) -> str:
        return await self.handle_in(info)


class _Waits(Subject):
    """Handles "go" until it is released, and echoes all else."""

    async def handle_in(self, message: str, /) -> str:
        if message == "go":
            self.note("waits")
            await self.run.released.wait()
            message = "released"
        self.note(message)
        return message

    def handle_info(self, info: str, /) -> str:
        self.note(info)
        return info

    def handle_control(self, frame: Ping | Pong, /) -> None:
        self.note(f"handle_control {frame!r}")


class _Generates(_Waits):
    """Answers "go" with a generator that waits between two items."""

    def handle_in(self, message: str, /) -> Any:
        return self.items() if message == "go" else message

    async def items(self) -> AsyncIterator[str]:
        try:
            yield "one"
            await self.run.released.wait()
            yield "two"
        finally:
            self.note("items end")


class _Streams(_Generates):
    """The same as a stream, which "cancel" ends."""

    stream: Stream | None = None

    def handle_in(self, message: str, /) -> Any:
        if message == "go":
            self.stream = Stream(self.items())
            return self.stream
        if message == "cancel" and self.stream is not None:
            self.stream.cancel()
        return message


# Rule 1.


class _Refuses(Subject):
    def __init__(self, request: Request) -> None:
        super().__init__(request)
        raise Refuse(401, "who are you?", {"WWW-Authenticate": "Basic"})


@case(_Refuses, ["S1.3", "S8.1"], needs=["responses"])
async def a_constructor_may_refuse(talk: Talk) -> None:
    client = await talk.ask()
    found = client.head.status, client.head.headers.get("www-authenticate"), await client.body()
    if found != (401, "Basic", b"who are you?"):
        raise Failure(f"the answer is {found}")
    if (records := await talk.peek()) != ["made"]:
        raise Failure(f"the journal of a Sock that never lived is {records}")


class _FailsToBeMade(Subject):
    def __init__(self, request: Request) -> None:
        super().__init__(request)
        raise LookupError("not to be told to the peer")


@case(_FailsToBeMade, ["S1.4"], needs=["responses"])
async def a_constructor_that_raises_is_an_error_of_the_server(talk: Talk) -> None:
    client = await talk.ask()
    if client.head.status != 500:
        raise Failure(f"the status is {client.head.status}, not 500")
    if b"not to be told" in await client.body():
        raise Failure("the peer is told what was raised")


@case(lambda _: Response(404, "nothing here"), ["S1.2"], needs=["responses"])
async def an_application_may_give_an_ordinary_answer(talk: Talk) -> None:
    client = await talk.ask()
    found = client.head.status, await client.body()
    if found != (404, b"nothing here"):
        raise Failure(f"the answer is {found}")


def _upgraded(request: Request) -> Upgrade:
    return Upgrade(_Steps(request), subprotocol="b", headers={"X-Kind": "chosen"})


@case(_upgraded, ["S14.5"], needs=["headers"])
async def the_application_chooses_subprotocol_and_headers(talk: Talk) -> None:
    client = await talk.open(headers={"Sec-WebSocket-Protocol": "a, b"})
    names = "sec-websocket-protocol", "x-kind"
    found = [client.head.headers.get_all(name) for name in names]
    if found != [["b"], ["chosen"]]:
        raise Failure(f"the 101 has {found}")


async def _answered_later(request: Request) -> _Steps:
    await asyncio.sleep(0.01)
    return _Steps(request)


@case(_answered_later, ["S1.1", "S1.10"], needs=["acceptance", "early"])
async def an_application_may_answer_later_and_what_came_meanwhile_is_not_lost(talk: Talk) -> None:
    client = await talk.open(early=("first", "second"))
    await talk.hears(client, "first", "second")


@case(_Steps, ["S1.7", "S1.10", "S3.2"], needs=["early"])
async def init_comes_first_whatever_came_with_the_handshake(talk: Talk) -> None:
    client = await talk.open(early=("first",))
    await talk.hears(client, "first")
    await talk.says_goodbye(client)
    steps = [f"{what} {when}" for what in ("init", "first") for when in ("begins", "ends")]
    await talk.journal("made", *steps, "terminate Remote(1000, 'bye')")


# Rule 3.


@case(_Steps, ["S3.1", "S3.2", "S3.4"])
async def callbacks_never_overlap(talk: Talk) -> None:
    client = await talk.open()
    await client.send("one", "two", "three")
    await talk.hears(client, "one", "two", "three")
    await talk.says_goodbye(client)
    callbacks = "init", "one", "two", "three"
    steps = [f"{what} {when}" for what in callbacks for when in ("begins", "ends")]
    await talk.journal("made", *steps, "terminate Remote(1000, 'bye')")


@case(_Waits, ["S3.4", "S5.1"], needs=["control"])
async def messages_and_infos_wait_in_the_order_of_arrival(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go", "one", Ping(b"1"))
    await talk.hears(client, Pong(b"1"))
    await talk.post("two")
    await client.send("three", Ping(b"2"))
    await talk.hears(client, Pong(b"2"))
    await talk.release()
    await talk.hears(client, "released", "one", "two", "three")


@case(_Generates, ["S3.6"])
async def each_yield_is_pushed_at_once(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.hears(client, "one")
    await talk.release()
    await talk.hears(client, "two")


@case(_Generates, ["S3.2"])
async def a_message_waits_for_the_generator(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go", "after")
    await talk.hears(client, "one")
    await talk.release()
    await talk.hears(client, "two", "after")


# Rule 4.


@case(_Streams, ["S3.2", "S4.1"])
async def the_conversation_goes_on_beside_a_stream(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.hears(client, "one")
    await client.send("beside")
    await talk.hears(client, "beside")
    await talk.release()
    await talk.hears(client, "two")


@case(_Streams, ["S4.8", "S7.6", "S8.2"])
async def a_stream_ends_with_its_connection(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.hears(client, "one")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "items end", "terminate Remote(1000, 'bye')")


@case(_Streams, ["S4.4"])
async def a_stream_may_be_cancelled(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    await talk.hears(client, "one")
    await client.send("cancel")
    await talk.hears(client, "cancel")
    await talk.until("items end")
    await talk.release()
    await client.send("after")
    await talk.hears(client, "after")


# Rule 5.


@case(_Waits, ["S3.4", "S5.1", "S5.3"], needs=["control"])
async def a_ping_is_answered_while_a_callback_is_waiting(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go", Ping(b"there?"))
    await talk.hears(client, Pong(b"there?"))
    await talk.release()
    await talk.hears(client, "released")
    await talk.says_goodbye(client)
    told = "handle_control Ping(payload=b'there?')"
    reason = "terminate Remote(1000, 'bye')"
    await talk.journal("made", "init", "waits", "released", told, reason)


@case(_Waits, ["S5.3"], needs=["control"])
async def a_pong_is_told_too(talk: Talk) -> None:
    client = await talk.open()
    await client.send(Pong(b"here"))
    await talk.until("handle_control Pong(payload=b'here')")


# Rule 10.


@final
class _Sends(Subject):
    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        return self.send(ref)

    async def send(self, ref: Ref[Any]) -> None:
        await asyncio.to_thread(self.send_numbers, ref)
        ref.send_after(0.05, "in a moment")
        ref.send_after(0.01, "cancelled").cancel()
        ref.spawn(self.spawned(ref))

    @staticmethod
    def send_numbers(ref: Ref[Any]) -> None:
        for number in range(100):
            ref.send(number)

    async def spawned(self, ref: Ref[Any]) -> None:
        ref.send("spawned")
        try:
            await asyncio.Event().wait()
        finally:
            self.note("spawned ends")

    def handle_info(self, info: Any, /) -> str:
        return str(info)


@case(_Sends, ["S7.13", "S10.1", "S10.2", "S10.6", "S10.7"])
async def infos_arrive_in_the_order_sent_from_any_thread(talk: Talk) -> None:
    client = await talk.open()
    await talk.hears(client, *map(str, range(100)), "spawned", "in a moment")
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "spawned ends", "terminate Remote(1000, 'bye')")


@case(_Waits, ["S7.4", "S10.3", "S10.4"])
async def an_info_to_a_closed_connection_is_silent(talk: Talk) -> None:
    client = await talk.open()
    await talk.says_goodbye(client)
    await talk.journal("made", "init", "terminate Remote(1000, 'bye')")
    if not await talk.post("too late"):
        raise Failure("the ref of a connection that is over says that it is not closed")
    await talk.journal("made", "init", "terminate Remote(1000, 'bye')")


@case(Subject, ["S13.6"])
async def an_info_that_is_a_message_is_pushed_by_default(talk: Talk) -> None:
    client = await talk.open()
    await talk.post("hello")
    await talk.hears(client, "hello")


@case(Subject, ["S13.6", "S16.1"])
async def a_message_that_nobody_takes_closes_with_1003(talk: Talk) -> None:
    client = await talk.open()
    await client.send("hello")
    await talk.is_closed(client, 1003)
    await talk.journal("made", "init", "terminate Failed(UnsupportedData)")
