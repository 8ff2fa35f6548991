"""Section 14: refused requests, what their answers say, and what is not read behind them."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Refuse, Response

from .case import case
from .raw import QUIET, asked, exchange, fields_of_handshake, has_status, made_nothing
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Request

    from .talk import Talk

_MAX_ANSWER: Final = 2048
"""Bytes: the text of a refusal that quotes its peer is shorter, however long what it quotes is."""

_HANDSHAKE_TIMEOUT: Final = 3.0
"""Seconds: the `handshake_timeout` that the application of the suite carries."""


# S14.2: what the answer to a foreign page says.


@case(Subject, ["S14.2"], needs=["responses"])
async def the_answer_to_another_sites_page_names_the_option(talk: Talk) -> None:
    answer = await asked(talk, Origin="https://other.example", wait=True)
    has_status(answer, 403)
    if b"origins" not in answer.behind or b"https://other.example" not in answer.behind:
        raise Failure(f"{answer.behind!r} names neither the origin nor the option `origins`")


@case(Subject, ["S14.2"], needs=["responses"])
async def the_answer_names_the_header_that_a_proxy_has_to_pass_on(talk: Talk) -> None:
    forwarded = "X-Forwarded-For: 192.0.2.7"
    answer = await asked(talk, forwarded, Origin="https://other.example", wait=True)
    has_status(answer, 403)
    if b"Host" not in answer.behind.replace(b"of the Host", b""):
        raise Failure(f"{answer.behind!r} does not name the header Host")


@case(Subject, ["S14.2"], needs=["responses"])
async def what_the_answer_quotes_is_cut(talk: Talk) -> None:
    answer = await asked(talk, Origin=f"https://{'o' * 6000}.example", wait=True)
    has_status(answer, 403)
    if not 0 < len(answer.behind) < _MAX_ANSWER:
        raise Failure(f"the answer to an origin of 6000 bytes has {len(answer.behind)} bytes")


# S14.3


@case(Subject, ["S14.3", "S17.2"], needs=["heads"])
async def a_head_that_is_too_large_is_refused(talk: Talk) -> None:
    room = 16 * 1024 - 600
    has_status(await asked(talk, f"X-Large: {'x' * room}"), 101)
    answer = await asked(talk, f"X-Large: {'x' * 16 * 1024}", wait=True)
    has_status(answer, 431)
    if not answer.ended:
        raise Failure("the connection goes on behind a head that is too large")


@case(Subject, ["S14.3", "S17.2", "S19.1", "S19.3"], needs=["heads"])
async def a_head_that_does_not_come_in_time_is_given_up(talk: Talk) -> None:
    head = b"GET / HTTP/1.1\r\nX-Begun: "
    answer = await exchange(talk, *[head, *[b"x"] * 20], pause=_HANDSHAKE_TIMEOUT / 12, wait=True)
    has_status(answer, 408, None)
    if not answer.ended:
        raise Failure("the connection goes on although its request is too late")


# S14.4, S14.8


async def _reads_no_other(talk: Talk, status: int, **how: Any) -> None:
    host, port = talk.address
    other = f"GET /journal?now=1 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    answer = await asked(talk, behind=other, wait=True, **how)
    has_status(answer, status)
    if b"HTTP/1." in answer.behind:
        raise Failure("what came behind the handshake was read as another request")


@case(Subject, ["S14.4"], needs=["handshake"])
async def what_follows_no_valid_handshake_is_no_request(talk: Talk) -> None:
    await _reads_no_other(talk, 426, Sec_WebSocket_Version="12")


@case(Subject, ["S14.4"], needs=["early", "handshake"])
async def what_follows_a_refused_origin_is_no_request(talk: Talk) -> None:
    await _reads_no_other(talk, 403, Origin="https://other.example")


def _refuses(_: Request) -> Response:
    raise Refuse(401, "who are you?")


@case(_refuses, ["S14.4"], needs=["early", "handshake", "responses"])
async def what_follows_a_refusal_of_the_application_is_no_request(talk: Talk) -> None:
    await _reads_no_other(talk, 401)


@case(lambda _: Response(200, "hello"), ["S14.4"], needs=["early", "handshake", "responses"])
async def what_follows_an_ordinary_answer_to_a_handshake_is_no_request(talk: Talk) -> None:
    await _reads_no_other(talk, 200)


_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9] ")
_NO_REQUESTS: Final = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: example.com\r\nno field\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : example.com\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: example.com\r\nX: a\0b\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
)


@case(Subject, ["S14.8"], needs=["handshake"])
async def what_is_no_request_is_refused_and_nothing_behind_it_is_read(talk: Talk) -> None:
    host, port = talk.address
    other = f"GET /journal?now=1 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    for bad in _NO_REQUESTS:
        answer = await exchange(talk, bad + other, wait=True)
        has_status(answer, 400, 500, 501, 505, None)
        if _STATUS_LINE.search(answer.behind):  # a body may quote the request line
            raise Failure(f"what came behind {bad!r} was read as a request")
        if not answer.ended:
            raise Failure(f"the connection goes on behind {bad!r}")


# S14.6


def _a_refused_handshake_is_reported_as_no_crash(_: Request) -> Response:
    raise Refuse(401, "who are you?")


@case(_a_refused_handshake_is_reported_as_no_crash, ["S14.6"], needs=["handshake"])
async def a_refused_handshake_is_reported_as_no_crash(talk: Talk) -> None:
    await talk.peek()  # the run begins, and what is reported from now on is kept
    await asked(talk)
    await asked(talk, without="Sec-WebSocket-Key")
    await asked(talk, Origin="https://other.example")
    await asyncio.sleep(QUIET)
    # The name is in the target of the requests, and would be in a traceback.
    for report in await talk.reports("a_refused_handshake_is_reported_as_no_crash"):
        if report.startswith(("ERROR", "CRITICAL")) or "Traceback" in report:
            raise Failure(f"a refusal was reported so: {report}")


# S14.9


@case(Subject, ["S14.9"], needs=["handshake"])
async def a_target_in_absolute_form_names_the_host_and_the_path(talk: Talk) -> None:
    host, port = talk.address
    line = f"GET http://{host}:{port}{{}} HTTP/1.1"
    here = f"http://{host}:{port}"
    has_status(await asked(talk, line=line, Host="other.example", Origin=here), 101)
    await talk.until("init")
    there = "http://other.example"
    has_status(await asked(talk, line=line, Host="other.example", Origin=there), 403)
    has_status(await asked(talk, line=line, without="Host"), 400)


# S15.10, in a head.


@case(Subject, ["S15.10"], needs=["handshake"])
async def a_length_of_many_digits_in_a_head_is_refused(talk: Talk) -> None:
    for digits in (str(2**64 + 5), "9" * 4500, "-1", "1e9"):
        lines = [f"{name}: {value}" for name, value in fields_of_handshake(talk).items()]
        head = "\r\n".join(
            [f"POST {talk.target} HTTP/1.1", *lines[:1], f"Content-Length: {digits}"]
        )
        answer = await exchange(
            talk, head.encode() + b"\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n", wait=True
        )
        # A field may be too long by itself; and a router knows methods, too.
        has_status(answer, 400, 413, 431, 405)
        if b"HTTP/1." in answer.behind:
            raise Failure("what came behind a length out of range was read as a request")
    await made_nothing(talk)
