"""Sections 0 and 1: what the application is asked, what it may answer, and when `init` comes."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Refuse, Response, Stop, Upgrade
from sock.testing.client import End

from .case import case
from .reports import private_text
from .subject import Subject, run_of
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Ref, Request
    from sock.testing.client import Client

    from .talk import Talk

_QUIET: Final = 0.2
"""Seconds in which a host that would do something too early has done it."""


class _Echo(Subject):
    def handle_in(self, message: str | bytes, /) -> str | bytes:
        return message


def _answer_of(client: Client, *names: str) -> tuple[int, list[str | None]]:
    return client.head.status, [client.head.headers.get(name) for name in names]


# S1.1: what the application is given, and how often.


def _counted(*arguments: Any, **named: Any) -> _Echo:
    (request,) = arguments
    run_of(request).records.append(f"asked with {len(arguments)} and {len(named)}")
    return _Echo(request)


@case(_counted, ["S1.1", "S1.5"])
async def the_application_is_asked_once_with_the_request_alone(talk: Talk) -> None:
    client = await talk.open()
    await client.send("hello")
    await talk.hears(client, "hello")
    await talk.says_goodbye(client)
    await talk.journal("asked with 1 and 0", "made", "init", "terminate Remote(1000, 'bye')")


# S1.2 to S1.5: answers that are no connection.

_KIND: Final = {"X-Kind": "chosen"}


@case(lambda _: Response(418, "é", _KIND), ["S1.2"], needs=["responses"])
async def a_response_is_sent_with_its_status_headers_and_body(talk: Talk) -> None:
    client = await talk.ask()
    found = *_answer_of(client, "x-kind"), await client.body()
    if found != (418, ["chosen"], "é".encode()):
        raise Failure(f"the answer is {found}")


_OF_THE_HOST: Final = {
    "Content-Length": "3",
    "Keep-Alive": "timeout=600",
    "Transfer-Encoding": "gzip",
    "Connection": "X-Kind",
}


@case(lambda _: Response(418, "hello", _OF_THE_HOST), ["S14.10"], needs=["responses"])
async def where_an_answer_ends_is_for_the_host_to_say(talk: Talk) -> None:
    client = await talk.ask()
    headers = client.head.headers
    found = [name for name, value in _OF_THE_HOST.items() if value in headers.get_all(name)]
    if found:
        raise Failure(f"the answer has what the application says in {', '.join(found)}")
    if (body := await client.body()) != b"hello":
        raise Failure(f"the body of the answer is {body!r}")


def _refuses(_: Request) -> Upgrade:
    raise Refuse(401, "who are you?", _KIND)


@case(_refuses, ["S1.3", "S14.6"], needs=["responses"])
async def a_refusal_is_answered_and_is_no_error_in_the_log(talk: Talk) -> None:
    client = await talk.ask()
    found = *_answer_of(client, "x-kind"), await client.body()
    if found != (401, ["chosen"], b"who are you?"):
        raise Failure(f"the answer is {found}")
    await talk.silent("a_refusal_is_answered_and_is_no_error_in_the_log")


def _fails(request: Request) -> Upgrade:
    raise run_of(request).error()


async def _fails_later(request: Request) -> Upgrade:
    await asyncio.sleep(0)
    raise run_of(request).error()


async def _is_an_internal_error(talk: Talk, about: str | None = None) -> None:
    client = await talk.ask()
    if client.head.status != 500:
        raise Failure(f"the status is {client.head.status}, not 500")
    if talk.run.encode() in await client.body():
        raise Failure("the peer is told what was raised")
    await talk.reported("Traceback", about=about)


@case(_fails, ["S1.4"], needs=["responses"])
async def an_application_that_raises_is_reported_once_and_answered_with_500(talk: Talk) -> None:
    await _is_an_internal_error(talk)


@case(_fails_later, ["S1.4"], needs=["responses", "acceptance"])
async def an_application_that_raises_later_is_reported_once_too(talk: Talk) -> None:
    await _is_an_internal_error(talk)


class _NoAnswerAtAll:
    """What an application may not answer with."""


def _answers_with_nothing_known(_: Request) -> Any:
    return _NoAnswerAtAll()


@case(_answers_with_nothing_known, ["S1.4"], needs=["responses"])
async def an_answer_that_is_none_is_reported_once_and_answered_with_500(talk: Talk) -> None:
    await _is_an_internal_error(talk, "_NoAnswerAtAll")


def _stops(request: Request) -> Upgrade:
    raise Stop(4001, private_text(run_of(request).name))


@case(_stops, ["S1.4", "S6.9"], needs=["responses"])
async def a_stop_before_the_101_is_an_exception(talk: Talk) -> None:
    await _is_an_internal_error(talk)


# S1.6, S1.8: what happens while the application has not answered.


async def _answers_when_released(request: Request) -> _Echo:
    run = run_of(request)
    run.records.append("asked")
    await run.released.wait()
    return _Echo(request)


@case(_answers_when_released, ["S1.6"], needs=["acceptance"])
async def no_byte_of_the_101_comes_before_the_answer_of_the_application(talk: Talk) -> None:
    asking = asyncio.ensure_future(talk.open())
    try:
        await talk.until("asked")
        await asyncio.sleep(_QUIET)
        if asking.done():
            raise Failure("the 101 came before the application had answered")
        await talk.release()
        client = await asking
    finally:
        asking.cancel()
    await client.send("hello")
    await talk.hears(client, "hello")


@case(_answers_when_released, ["S1.8", "S8.1"], needs=["acceptance", "ends", "leaving"])
async def a_peer_that_is_lost_before_init_is_never_live(talk: Talk) -> None:
    asking = asyncio.ensure_future(talk.open())
    await talk.until("asked")
    asking.cancel()  # which closes its socket
    await asyncio.wait({asking})
    await asyncio.sleep(_QUIET)
    await talk.release()
    await asyncio.sleep(_QUIET)
    records = await talk.peek()
    if "init" in records or any(record.startswith("terminate") for record in records):
        raise Failure(f"the journal of a connection that never was is {records}")


# S1.7, S1.9: init.


class _Greets(_Echo):
    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        return ["welcome", b"to you"]


@case(_Greets, ["S1.7", "S1.9"], needs=["early"])
async def what_init_pushes_comes_before_all_else(talk: Talk) -> None:
    client = await talk.open(early=("first",))
    await talk.hears(client, "welcome", b"to you", "first")


class _GreetsWhenReleased(_Echo):
    async def init(self, ref: Ref[Any], /) -> str:
        super().init(ref)
        await self.run.released.wait()
        return "welcome"


@case(_GreetsWhenReleased, ["S1.9"])
async def the_101_does_not_wait_for_an_init_under_way(talk: Talk) -> None:
    client = await talk.open()
    await talk.release()
    await talk.hears(client, "welcome")


class _LeavesInInit(Subject):
    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        raise self.run.error()


@case(_LeavesInInit, ["S6.2", "S8.1"])
async def an_exception_in_init_is_reported_once_and_terminate_called(talk: Talk) -> None:
    client = await talk.open()
    await talk.is_closed(client, 1011, "")
    await talk.journal("made", "init", "terminate Failed(LookupError)")
    await talk.reported("init", "Traceback")


# S1.12: a Refuse wherever the handshake is not answered yet.


class _RefusesOnlyThen(_Echo):
    """Refuses in its constructor what is not told a password."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        if request.headers.get("x-password") != "sesame":
            raise Refuse(401, "no", _KIND)

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        if message == "refuse":
            raise Refuse(403, f"too late: {self.run.name}")
        return message


@case(_RefusesOnlyThen, ["S1.12"], needs=["responses"])
async def a_refuse_is_an_answer_before_the_101_and_an_exception_after_it(talk: Talk) -> None:
    refused = await talk.ask()
    if (found := _answer_of(refused, "x-kind")) != (401, ["chosen"]):
        raise Failure(f"the answer is {found}")
    client = await talk.open(headers={"X-Password": "sesame"})
    await client.send("refuse")
    await talk.is_closed(client, 1011, "")
    await talk.hears(client, End.FIN)
    await talk.until("terminate Failed(Refuse)")
