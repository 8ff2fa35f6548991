"""Section 14: what is a valid opening handshake, whose pages are let in, what is on the 101."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from sock.spec import Headers, Options, Upgrade

from .case import Case, case, registered
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import Request

    from .talk import Talk

_QUIET: Final = 0.3
"""Seconds in which a host that would answer once more does so."""

_READ: Final = 64 * 1024
_LAST: Final = b"\r\n\r\n"


@final
@dataclass(frozen=True, slots=True)
class _Answer:
    """What came in answer to bytes.

    Args:
        status: of the first answer; None where TCP ended without one.
        headers: of the first answer.
        behind: what came behind its head.
    """

    status: int | None
    headers: Headers
    behind: bytes


def _fields(talk: Talk) -> dict[str, str]:
    host, port = talk.address
    return {
        "Host": f"{host}:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }


async def _asked(
    talk: Talk,
    *more: str,
    line: str = "GET {} HTTP/1.1",
    without: str = "",
    behind: bytes = b"",
    wait: bool = False,
    **instead: str,
) -> _Answer:
    """Ask for the case's Sock in a way of one's own.

    Args:
        talk: the run.
        more: lines of fields that are added.
        line: of the request, with its target left out.
        without: a field that is left out.
        behind: bytes in the same piece, behind the head.
        wait: whether to wait for what comes behind the first answer.
        instead: other values of fields; an underscore in a name is a hyphen.
    """
    fields = _fields(talk) | {name.replace("_", "-"): value for name, value in instead.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if name != without]
    head = "\r\n".join([line.format(talk.target), *lines, *more]).encode("latin-1") + _LAST
    return await _exchange(talk, head + behind, wait=wait)


async def _exchange(talk: Talk, data: bytes, *, wait: bool) -> _Answer:
    reader, writer = await asyncio.open_connection(*talk.address)
    said, ended = b"", False
    try:
        writer.write(data)
        async with asyncio.timeout(talk.patience):
            while not ended and _LAST not in said:
                bits = await _read(reader)
                said, ended = said + bits, not bits
        while wait and not ended:
            try:
                async with asyncio.timeout(_QUIET):
                    bits = await _read(reader)
            except TimeoutError:
                break
            said, ended = said + bits, not bits
    finally:
        writer.transport.abort()
    head, _, behind = said.partition(_LAST)
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name, value.strip()) for name, _, value in (one.partition(":") for one in lines)]
    status = int(first.split(" ")[1]) if first.startswith("HTTP/") else None
    return _Answer(status, Headers(pairs), behind)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read once; nothing where TCP has ended."""
    try:
        return await reader.read(_READ)
    except ConnectionError:
        return b""


async def _made_nothing(talk: Talk) -> None:
    if (records := await talk.peek()) != []:
        raise Failure(f"a handler was made for no valid handshake: {records}")


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
    answer = await _asked(talk, *more, **how)
    # A router in front of the application knows methods, too: RFC 9110 §15.5.6.
    routed = answer.status == 405 and str(how.get("line", "")).startswith("POST")
    if answer.status != status and not routed:
        raise Failure(f"the status is {answer.status}, not {status}")
    if status == 426 and "sec-websocket-version" in str(how).lower().replace("_", "-"):
        found = answer.headers.get("sec-websocket-version")
        if found != "13":
            raise Failure(f"the answer says Sec-WebSocket-Version: {found}")
    await _made_nothing(talk)


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


@case(Subject, ["S1.5"], needs=["responses", "handshake"])
async def a_request_for_something_else_is_told_what_is_there(talk: Talk) -> None:
    answer = await _asked(talk, without="Upgrade", Connection="keep-alive")
    if answer.status != 426:
        raise Failure(f"the status is {answer.status}, not 426")


@case(Subject, ["S14.1"])
async def lists_in_any_case_ask_for_a_connection(talk: Talk) -> None:
    answer = await _asked(talk, Connection="keep-alive, UPGRADE", Upgrade="WebSocket")
    if answer.status != 101:
        raise Failure(f"the status is {answer.status}, not 101")
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
    await _is_let_in(talk, "https://listed.example:444", 403)
    await _is_let_in(talk, "https://other.example", 403)


@case(Subject, ["S14.7", "S17.1"], options=Options(origins=["*"]))
async def every_origin_is_let_in_where_the_upgrade_says_so(talk: Talk) -> None:
    await _is_let_in(talk, "https://other.example", 101)
    await _is_let_in(talk, "null", 101)


# S14.4.


async def _reads_no_other(talk: Talk, status: int, **how: str) -> None:
    host, port = talk.address
    other = f"GET /journal?now=1 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    answer = await _asked(talk, behind=other, wait=True, **how)
    if answer.status != status:
        raise Failure(f"the status is {answer.status}, not {status}")
    if b"HTTP/1." in answer.behind:
        raise Failure("what came behind the handshake was read as another request")


@case(Subject, ["S14.4"], needs=["handshake"])
async def what_follows_no_valid_handshake_is_no_request(talk: Talk) -> None:
    await _reads_no_other(talk, 426, Sec_WebSocket_Version="12")


@case(Subject, ["S14.4"], needs=["early", "handshake"])
async def what_follows_a_refused_origin_is_no_request(talk: Talk) -> None:
    await _reads_no_other(talk, 403, Origin="https://other.example")


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


@case(
    _upgraded(headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]), ["S14.5"], needs=["headers"]
)
async def a_header_may_be_on_the_101_more_than_once(talk: Talk) -> None:
    client = await talk.open()
    found = client.head.headers.get_all("set-cookie")
    if found != ["a=1", "b=2"]:
        raise Failure(f"the 101 has the cookies {found}")
