"""Rule 1: what stands in the heads of request and answer, and whose pages are let in."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from sock.spec import Options, Refuse, Upgrade

from .case import case
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Ref, Request
    from sock.testing.client import Client

    from .talk import Talk

_TEXT: Final = "é 日本"


class _Reads(Subject):
    """Says what it has been asked with."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.read = [request.headers["x-name"], request.cookies["name"]]

    def init(self, ref: Ref[Any], /) -> list[str]:
        super().init(ref)
        return self.read


@case(_Reads, ["S13.10"], needs=["text"])
async def fields_and_cookies_are_read_as_utf_8(talk: Talk) -> None:
    client = await talk.open(headers={"X-Name": _TEXT, "Cookie": f"a=1; name={_TEXT}"})
    await talk.hears(client, _TEXT, _TEXT)
    await talk.says_goodbye(client)


_HEADERS: Final = (("Set-Cookie", f"name={_TEXT}"), ("X-Name", _TEXT))


def _named(request: Request) -> Upgrade:
    return Upgrade(Subject(request), headers=_HEADERS)


@case(_named, ["S13.10", "S14.5"], needs=["headers", "text"])
async def headers_of_the_application_are_sent_as_utf_8(talk: Talk) -> None:
    client = await talk.open()
    _has_headers(client)
    await talk.says_goodbye(client)


def _refused(_: Request) -> Upgrade:
    raise Refuse(401, headers=_HEADERS)


@case(_refused, ["S1.3", "S13.10"], needs=["responses", "text"])
async def headers_of_a_refusal_are_sent_as_utf_8(talk: Talk) -> None:
    _has_headers(await talk.ask())


def _has_headers(client: Client) -> None:
    found = [(name, client.head.headers.get(name)) for name, _ in _HEADERS]
    if found != list(_HEADERS):
        raise Failure(f"the headers came as {found}")


_LISTED: Final = ("https://*.example.com", "moz-extension://f1b2", "file://", "null")


@case(Subject, ["S14.7"], options=Options(origins=_LISTED))
async def origins_are_let_in_by_what_is_listed(talk: Talk) -> None:
    for origin, status in (
        ("https://a.b.example.com", 101),
        ("https://example.com", 403),
        ("http://a.example.com", 403),
        ("moz-extension://f1b2", 101),
        ("moz-extension://f1b3", 403),
        ("file://", 101),
        ("null", 101),
        ("https://evil.example", 403),
    ):
        await _answers(talk, origin, status)


def _is_friend(origin: str, request: Request) -> bool:
    if "fault" in origin:
        raise LookupError("not to be told to the peer")
    if "nothing" in origin:
        return cast("bool", None)  # a breach of the contract
    return origin == "https://friend.example" and "run" in request.query


@case(Subject, ["S14.7"], options=Options(origins=_is_friend))
async def origins_are_let_in_by_a_function(talk: Talk) -> None:
    await _answers(talk, "https://friend.example", 101)
    await _answers(talk, "https://evil.example", 403)


@case(Subject, ["S14.7"], options=Options(origins=_is_friend), needs=["responses"])
async def a_function_of_the_origins_that_raises_or_says_nothing_is_a_500(talk: Talk) -> None:
    await _answers(talk, "https://fault.example", 500)
    await _answers(talk, "https://nothing.example", 500)


async def _answers(talk: Talk, origin: str, status: int) -> None:
    client = await talk.ask(headers={"Origin": origin})
    if client.head.status != status:
        raise Failure(f"the origin {origin} was answered with {client.head.status}, not {status}")
    client.hang_up()
