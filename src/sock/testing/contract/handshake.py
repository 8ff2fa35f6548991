"""Section 14: what is a valid opening handshake, whose pages are let in, what is on the 101."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Options, Response, Upgrade

from .case import Case, case, registered
from .raw import Answer, asked, has_status, made_nothing, requested
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import Request

    from .talk import Talk

# S14.1: one case for each fault.

_FAULTS: Final[dict[str, tuple[int, tuple[str, ...], dict[str, Any]]]] = {
    "the_method_is_post": (400, (), {"line": "POST {} HTTP/1.1"}),
    "http_is_older_than_1_1": (400, (), {"line": "GET {} HTTP/1.0"}),
    "there_is_no_host": (400, (), {"without": "Host"}),
    "there_are_two_hosts": (400, ("Host: example.com",), {}),
    "the_host_is_not_valid": (400, (), {"Host": "exa mple.com"}),
    "connection_does_not_name_upgrade": (426, (), {"Connection": "keep-alive"}),
    "the_version_is_not_13": (426, (), {"Sec_WebSocket_Version": "12"}),
    "there_is_no_version": (400, (), {"without": "Sec-WebSocket-Version"}),
    "there_are_two_versions": (400, ("Sec-WebSocket-Version: 13",), {}),
    "there_is_no_key": (400, (), {"without": "Sec-WebSocket-Key"}),
    "there_are_two_keys": (400, ("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",), {}),
    "the_key_is_not_16_bytes": (400, (), {"Sec_WebSocket_Key": "c2hvcnQ="}),
    "a_subprotocol_is_offered_twice": (400, ("Sec-WebSocket-Protocol: a, a",), {}),
    "a_subprotocol_is_no_token": (400, ("Sec-WebSocket-Protocol: a b",), {}),
    "an_extension_is_malformed": (400, ("Sec-WebSocket-Extensions: a; =1",), {}),
    "a_body_is_announced": (400, ("Content-Length: 5",), {"behind": b"hello"}),
    "a_body_in_chunks_is_announced": (
        400,
        ("Transfer-Encoding: chunked",),
        {"behind": b"0\r\n\r\n"},
    ),
}


async def _is_refused(
    status: int, more: tuple[str, ...], how: dict[str, Any], talk: Talk, /
) -> None:
    answer = await asked(talk, *more, **how)
    # A router in front of the application knows methods, too: RFC 9110 §15.5.6.
    routed = [405] if str(how.get("line", "")).startswith("POST") else []
    has_status(answer, status, *routed)
    if status == 426 and "sec-websocket-version" in str(how).lower().replace("_", "-"):
        found = answer.headers.get("sec-websocket-version")
        if found != "13":
            raise Failure(f"the answer says Sec-WebSocket-Version: {found}")
    await made_nothing(talk)


registered.extend(
    Case(
        f"handshake/refused_as_{name}",
        ("S14.1",),
        Subject,
        partial(_is_refused, *wanted),
        frozenset({"handshake"}),
    )
    for name, wanted in _FAULTS.items()
)


_TWICE: Final[tuple[tuple[int, tuple[str, ...], dict[str, Any]], ...]] = (
    (400, (), {"without": "Host", "Connection": "keep-alive"}),
    (400, (), {"without": "Host", "Sec_WebSocket_Version": "12"}),
    (426, (), {"Connection": "keep-alive", "without": "Sec-WebSocket-Version"}),
    (426, (), {"Sec_WebSocket_Version": "12", "Sec_WebSocket_Key": "c2hvcnQ="}),
    (400, (), {"Sec_WebSocket_Key": "c2hvcnQ=", "Origin": "https://other.example"}),
)


@case(Subject, ["S14.11"], needs=["handshake"])
async def of_several_faults_the_first_decides(talk: Talk) -> None:
    for status, more, how in _TWICE:
        has_status(await asked(talk, *more, **how), status)
    await made_nothing(talk)


_PROTOCOL: Final = "Sec-WebSocket-Protocol"
_UPGRADES: Final[tuple[tuple[int, tuple[str, ...], dict[str, Any]], ...]] = (
    (101, ("Upgrade: websocket",), {"Upgrade": "h2c"}),
    (101, ("Connection: Upgrade",), {"Connection": "keep-alive"}),
    (101, (), {"Upgrade": ", websocket,", "Connection": ",,upgrade"}),
)
_OFFERS: Final[tuple[tuple[int, tuple[str, ...], dict[str, Any]], ...]] = (
    (101, (f"{_PROTOCOL}: a,, b,", f"{_PROTOCOL}: c"), {}),
    (400, (f"{_PROTOCOL}: a, b", f"{_PROTOCOL}: a"), {}),
    (400, (f"{_PROTOCOL}: ,",), {}),
    (400, ("Sec-WebSocket-Extensions: ,",), {}),
)


@case(Subject, ["S14.12"], needs=["handshake", "heads"])
async def upgrade_and_connection_are_lists_of_which_empty_elements_are_none(talk: Talk) -> None:
    for status, more, how in _UPGRADES:
        has_status(await asked(talk, *more, **how), status)


@case(Subject, ["S14.12"], needs=["handshake"])
async def several_fields_of_offers_are_one_list_and_empty_elements_are_none(talk: Talk) -> None:
    for status, more, how in _OFFERS:
        answer = await asked(talk, *more, **how)
        if answer.status != status:
            raise Failure(f"{more} is answered with {answer.status}, not with {status}")


@case(Subject, ["S1.5"], needs=["responses", "handshake"])
async def a_request_for_something_else_is_told_what_is_there(talk: Talk) -> None:
    answer = await asked(talk, without="Upgrade", Connection="keep-alive")
    has_status(answer, 426)


@case(Subject, ["S14.1"], needs=["handshake"])
async def lists_in_any_case_ask_for_a_connection(talk: Talk) -> None:
    answer = await asked(talk, Connection="keep-alive, UPGRADE", Upgrade="WebSocket")
    has_status(answer, 101)
    found = answer.headers.get("sec-websocket-accept")
    if found != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=":  # RFC 6455 §1.3
        raise Failure(f"the 101 says Sec-WebSocket-Accept: {found}")


# S14.2.


async def _is_let_in(talk: Talk, origin: str, status: int) -> None:
    client = await talk.ask(headers={"Origin": origin})
    if client.head.status != status:
        raise Failure(f"the page of {origin} gets {client.head.status}, not {status}")


@case(Subject, ["S14.2"])
async def another_sites_page_is_not_let_in(talk: Talk) -> None:
    await _is_let_in(talk, "https://other.example", 403)
    if "init" in (records := await talk.peek()):
        raise Failure(f"the Sock was live: {records}")


@case(Subject, ["S14.2"])
async def a_page_of_the_host_itself_is_let_in_whatever_its_port(talk: Talk) -> None:
    host, port = talk.address
    await _is_let_in(talk, f"http://{host}:{port}", 101)
    await _is_let_in(talk, f"https://{host}:8443", 101)


_LISTED: Final = Options(origins=["https://listed.example"])


@case(Subject, ["S14.2", "S14.7", "S17.1"], options=_LISTED)
async def an_origin_of_the_upgrades_is_let_in(talk: Talk) -> None:
    await _is_let_in(talk, "https://listed.example", 101)
    await _is_let_in(talk, "HTTPS://Listed.Example:443", 101)
    await _is_let_in(talk, "https://listed.example:444", 403)
    await _is_let_in(talk, "http://listed.example", 403)
    await _is_let_in(talk, "https://other.example", 403)


@case(Subject, ["S14.7", "S17.1"], options=Options(origins=["*"]))
async def every_origin_is_let_in_where_the_upgrade_says_so(talk: Talk) -> None:
    await _is_let_in(talk, "https://other.example", 101)
    await _is_let_in(talk, "null", 101)


# S14.5.


def _upgraded(**how: Any) -> Callable[[Request], Upgrade]:
    return lambda request: Upgrade(Subject(request), **how)


async def _is_an_error(talk: Talk) -> None:
    client = await talk.ask(headers={"Sec-WebSocket-Protocol": "a, b"})
    if client.head.status != 500:
        raise Failure(f"the status is {client.head.status}, not 500")
    if "init" in (records := await talk.peek()):
        raise Failure(f"the Sock was live: {records}")


@case(_upgraded(subprotocol="c"), ["S14.5"], needs=["responses"])
async def a_subprotocol_that_was_not_offered_is_an_error_of_the_server(talk: Talk) -> None:
    await _is_an_error(talk)


@case(_upgraded(headers={"Sec-WebSocket-Accept": "mine"}), ["S14.5"], needs=["responses"])
async def a_header_that_is_the_hosts_is_an_error_of_the_server(talk: Talk) -> None:
    await _is_an_error(talk)


_COOKIES: Final = (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))


@case(_upgraded(headers=_COOKIES), ["S14.5"], needs=["headers"])
async def a_header_may_be_on_the_101_more_than_once(talk: Talk) -> None:
    client = await talk.open()
    found = client.head.headers.get_all("set-cookie")
    if found != ["a=1", "b=2"]:
        raise Failure(f"the 101 has the cookies {found}")


# S14.10: headers of an ordinary answer that are the host's.


def _frames_it_itself(_: Request) -> Response:
    names = {"Content-Length": "1", "Transfer-Encoding": "gzip", "Keep-Alive": "timeout=77"}
    return Response(201, "hello", {**names, "Connection": "x-mine", "X-Kind": "plain"})


def _is_framed_by_the_host(answer: Answer) -> None:
    has_status(answer, 201)  # over HTTP/2, a 200 would be a connection
    headers = answer.headers
    lengths = headers.get_all("content-length")
    chunked = headers.get_all("transfer-encoding") == ["chunked"]
    if lengths != ["5"] and not (chunked and not lengths):
        raise Failure(f"the answer of 5 bytes has Content-Length: {', '.join(lengths)}")
    codings, lives = headers.get("transfer-encoding", ""), headers.get_all("keep-alive")
    if "gzip" in codings or "timeout=77" in lives:
        raise Failure("the answer has a header that is the host's")
    if "x-mine" in headers.get("connection", "") or headers.get("x-kind") != "plain":
        raise Failure("the answer has a Connection of the application's, or lacks its X-Kind")
    if b"hello" not in answer.behind:
        raise Failure(f"the body is {answer.behind!r}")


@case(_frames_it_itself, ["S14.10", "S1.2"], needs=["responses"])
async def only_the_host_says_where_an_ordinary_answer_ends(talk: Talk) -> None:
    _is_framed_by_the_host(await asked(talk, wait=True))
    ordinary = await requested(talk, wait=True)
    if ordinary.status == 201:  # the host takes ordinary requests too
        _is_framed_by_the_host(ordinary)
