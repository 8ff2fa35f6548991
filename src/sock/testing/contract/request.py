"""Section 13: what an application is told of a request, and the body of an ordinary one."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Response

from .case import case
from .raw import asked, has_status, requested
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Reason, Ref, Request

    from .talk import Talk

_MEBIBYTE: Final = 2**20  # the default of max_body_size


class _Says(Subject):
    """Notes what it has been asked with."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        ours = [
            (name.decode().lower(), value.decode())
            for name, value in request.raw_headers
            if name.lower().startswith(b"x-")
        ]
        told: dict[str, Any] = {
            "method": request.method,
            "target": request.target,
            "fields": ours,
            "http_version": request.http_version,
            "scheme": request.scheme,
            "client": request.client,
            "server": request.server,
        }
        self.note(f"asked {json.dumps(told)}")


_QUERY: Final = "&a=%2F&b=%C3%A9+c&b=&d"
_FIELDS: Final = (("x-first", "1"), ("x-other", "a, b"), ("x-last", "é"))
_TWICE: Final = (("x-twice", "a, b"), ("x-twice", "c"))


async def _told(talk: Talk, fields: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Ask with these fields, and return what the application was told."""
    lines = [f"{name}:  {value.encode().decode('latin-1')} " for name, value in fields]
    has_status(await asked(talk, *lines, line=f"GET {{}}{_QUERY} HTTP/1.1"), 101)
    records = [one for one in await talk.peek() if one.startswith("asked ")]
    told: dict[str, Any] = json.loads(records[0].removeprefix("asked "))
    return told


@case(_Says, ["S13.5"], needs=["fields"])
async def each_of_several_fields_of_a_name_is_told(talk: Talk) -> None:
    told = await _told(talk, _TWICE)
    _is("the fields", told["fields"], [[list(pair) for pair in _TWICE]])


@case(_Says, ["S13.5"], needs=["text"])
async def the_request_is_told_as_it_came(talk: Talk) -> None:
    told = await _told(talk, _FIELDS)
    target = f"{talk.target}{_QUERY}"  # where the application is mounted, the end of it
    if not (told["target"].startswith("/contract/") and target.endswith(told["target"])):
        raise Failure(f"the target is told as {told['target']!r}, not as {target!r}")
    _is("the fields", told["fields"], [[list(pair) for pair in _FIELDS]])
    _is("the method", told["method"], ["GET"])
    _is("http_version", told["http_version"], ["1.1", "2", "3"])  # through a gateway
    _is("the scheme", told["scheme"], ["http", "https"])
    for which in ("client", "server"):  # None where the host does not know
        host, _ = talk.address
        _is(f"the {which}", (told[which] or [host])[0], [host, "localhost"])


def _is(what: str, found: object, expected: list[Any]) -> None:
    if found not in expected:
        raise Failure(f"{what} is told as {found!r}, not as {expected[0]!r}")


class _Reads(Subject):
    """Says what it reads in a field and in a cookie."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.read = [request.headers["x-name"], request.cookies["name"]]

    def init(self, ref: Ref[Any], /) -> None:
        super().init(ref)
        self.note(json.dumps(self.read))


@case(_Reads, ["S13.10"], needs=["text"])
async def what_is_no_utf_8_is_read_as_latin_1(talk: Talk) -> None:
    has_status(await asked(talk, "X-Name: J\xfcrgen", "Cookie: a=1; name=J\xfcrgen"), 101)
    await talk.until(json.dumps(["Jürgen", "Jürgen"]))


class _Identified(Subject):
    """Notes whether the connection has, at its end, the id with which it was asked for."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.asked = request.id

    def init(self, ref: Ref[Any], /) -> None:
        super().init(ref)
        self.ref = ref

    def terminate(self, reason: Reason, /) -> None:
        self.note(f"the id is the same: {self.ref.request.id == self.asked}")
        super().terminate(reason)


@case(_Identified, ["S13.12"])
async def a_connection_keeps_the_id_of_its_request(talk: Talk) -> None:
    await talk.says_goodbye(await talk.open())
    await talk.journal("made", "init", "the id is the same: True", "terminate Remote(1000, 'bye')")


# The body of an ordinary request.


def _echoes(request: Request) -> Response:
    Subject(request).note(f"body {len(request.body)}")
    return Response(200, request.body or b"empty")


@case(_echoes, ["S13.9"], needs=["requests"])
async def the_body_of_a_request_is_read_before_the_application_is_called(talk: Talk) -> None:
    empty = await requested(talk, wait=True)
    _has_body(empty.behind, b"empty")
    line = "POST {} HTTP/1.1"
    answer = await requested(talk, "Content-Length: 5", line=line, body=b"hello", wait=True)
    _has_body(answer.behind, b"hello")
    chunks = b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    answer = await requested(talk, "Transfer-Encoding: chunked", line=line, body=chunks, wait=True)
    _has_body(answer.behind, b"hello")


@case(_echoes, ["S13.9"], needs=["requests"])
async def a_body_that_is_too_large_is_answered_with_413(talk: Talk) -> None:
    before = await talk.peek()
    announced = f"Content-Length: {_MEBIBYTE + 1}"
    answer = await requested(talk, announced, line="POST {} HTTP/1.1", body=bytes(_MEBIBYTE + 1))
    has_status(answer, 413)
    size = b"%x\r\n" % (_MEBIBYTE + 1)
    answer = await requested(
        talk,
        "Transfer-Encoding: chunked",
        line="POST {} HTTP/1.1",
        body=size + bytes(_MEBIBYTE + 1) + b"\r\n0\r\n\r\n",
    )
    has_status(answer, 413)
    if await talk.peek() != before:
        raise Failure("the application was called with a body that is too large")


def _has_body(found: bytes, expected: bytes) -> None:
    if not found.endswith(expected) and expected not in found:
        raise Failure(f"a body of {expected!r} came to the application as {found!r}")
