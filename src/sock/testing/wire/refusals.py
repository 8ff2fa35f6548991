"""Section 2: requests that are no valid opening handshake, and how they are refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sock.testing.client import End

from . import raw
from .case import Section
from .connection import Answer, described
from .fell import Fell
from .probe import MARK

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    2,
    "refusals",
    "The opening handshake: what is refused",
    "RFC 6455 §4.2.1 tells the server to stop: what is no handshake was made by something that is"
    " no WebSocket client, such as a form or a script that sends requests for another.",
)
must, should = SECTION.must, SECTION.should

_ATTACK: Final = (
    "Where a proxy and the server disagree on where a request ends, one user's bytes become another"
    " user's request."
)
_KEY_RULE: Final = "a key is the base64 of 16 bytes, and shows that a WebSocket client asks"


async def _refused(
    change: dict[str, str | None], more: tuple[str, ...], line: str | None, probe: Probe
) -> None:
    if line is not None:
        line = line.format(path=probe.target.path)
    _, answer = await probe.ask(raw.request(probe.target, change, *more, line=line))
    probe.is_refused(answer)


_REFUSED: Final[tuple[tuple[str, str, dict[str, str | None], tuple[str, ...], str | None], ...]] = (
    ("§4.2.1", "POST is refused.", {"Content-Length": "0"}, (), "POST {path} HTTP/1.1"),
    ("§4.2.1", "HEAD is refused.", {}, (), "HEAD {path} HTTP/1.1"),
    ("§4.2.1", "HTTP/1.0 is refused.", {}, (), "GET {path} HTTP/1.0"),
    ("§4.2.1", "A request without Upgrade is no handshake.", {"Upgrade": None}, (), None),
    ("§4.2.1", "Upgrade to something else is no handshake.", {"Upgrade": "check"}, (), None),
    (
        "§4.2.1",
        "A word with websocket in it is no handshake.",
        {"Upgrade": "websockets"},
        (),
        None,
    ),
    ("§4.2.1", "A request without Connection is refused.", {"Connection": None}, (), None),
    ("§4.2.1", "Connection without Upgrade is refused.", {"Connection": "keep-alive"}, (), None),
    (
        "§4.2.1",
        "A word with upgrade in it is refused.",
        {"Connection": "upgrades"},
        (),
        None,
    ),
    ("§4.2.1", "A request without a key is refused.", {"Sec-WebSocket-Key": None}, (), None),
    ("§4.2.1", "An empty key is refused.", {"Sec-WebSocket-Key": ""}, (), None),
    (
        "§4.2.1",
        "A key that is no base64 is refused.",
        {"Sec-WebSocket-Key": "not base64 at all ==== "},
        (),
        None,
    ),
    (
        "§4.2.1",
        "A key of 15 bytes is refused.",
        {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"},
        (),
        None,
    ),
    (
        "§4.2.1",
        "A key of 17 bytes is refused.",
        {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA="},
        (),
        None,
    ),
    (
        "§11.3.1",
        "Two keys are refused.",
        {},
        ("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",),
        None,
    ),
    (
        "§4.2.1",
        "A request without a version is refused.",
        {"Sec-WebSocket-Version": None},
        (),
        None,
    ),
    ("§4.2.1", "Version 12 is refused.", {"Sec-WebSocket-Version": "12"}, (), None),
    ("§4.2.1", "Version 99 is refused.", {"Sec-WebSocket-Version": "99"}, (), None),
    (
        "§4.2.1",
        "A version that is no number is refused.",
        {"Sec-WebSocket-Version": "thirteen"},
        (),
        None,
    ),
    ("§11.3.5", "Two versions are refused.", {}, ("Sec-WebSocket-Version: 12",), None),
    (
        "§9.1",
        "A malformed list of extensions is refused.",
        {"Sec-WebSocket-Extensions": "check; =1"},
        (),
        None,
    ),
)

for _rfc, _title, _change, _more, _line in _REFUSED:
    must(f"RFC 6455 {_rfc}", _title, why=_KEY_RULE.capitalize() + "." if "key" in _title else "")(
        partial(_refused, _change, _more, _line)
    )


async def _version(probe: Probe) -> Answer:
    _, answer = await probe.ask(raw.request(probe.target, {"Sec-WebSocket-Version": "12"}))
    if not isinstance(answer, Answer):
        raise Fell("an answer", described(answer))
    return answer


@must(
    "RFC 6455 §4.2.2, §4.4",
    "The answer to a wrong version names version 13.",
    why="A client that speaks several versions cannot find the one that both speak.",
)
async def _names_version(probe: Probe) -> None:
    answer = await _version(probe)
    named = (answer.get("sec-websocket-version") or "").replace(" ", "").split(",")
    if "13" not in named:
        raise Fell(
            "Sec-WebSocket-Version: 13",
            f"{described(answer)} with {answer.get('sec-websocket-version')}",
        )


@must("RFC 9110 §15.5.22", "A 426 has an Upgrade field.")
async def _names_upgrade(probe: Probe) -> None:
    answer = await _version(probe)
    if answer.status == 426 and answer.get("upgrade") is None:
        raise Fell("Upgrade: websocket", "no Upgrade")


_HOSTS: Final[tuple[tuple[str, dict[str, str | None], tuple[str, ...]], ...]] = (
    ("A request without Host gets 400.", {"Host": None}, ()),
    ("Two lines of Host get 400.", {}, ("Host: other.example",)),
    ("A Host that is no name gets 400.", {"Host": "not a host"}, ()),
)


async def _host(change: dict[str, str | None], more: tuple[str, ...], probe: Probe) -> None:
    _, answer = await probe.ask(raw.request(probe.target, change, *more))
    probe.is_refused(answer, 400, strict=True)


for _title, _change, _more in _HOSTS:
    must("RFC 9112 §3.2", _title, why=_ATTACK)(partial(_host, _change, _more))


@must("RFC 9112 §5.1", "A space between a field's name and its colon gets 400.", why=_ATTACK)
async def _space(probe: Probe) -> None:
    _, answer = await probe.ask(raw.request(probe.target, {}, "X-Check : value"))
    probe.is_refused(answer, 400, strict=True)


@must("RFC 9112 §2.2", "A carriage return alone does not end a line.", why=_ATTACK)
async def _bare_cr(probe: Probe) -> None:
    _, answer = await probe.ask(raw.request(probe.target, {"Upgrade": "websocket\rX-Check: value"}))
    probe.is_refused(answer)


@must("RFC 9112 §5.2", "A folded line gets 400, or is read as one line.", why=_ATTACK)
async def _folded(probe: Probe) -> None:
    _, answer = await probe.ask(raw.request(probe.target, {"X-Check": "value\r\n more"}))
    if not isinstance(answer, Answer) or answer.status not in {101, 400}:
        raise Fell("status 400 or 101", described(answer))


@must("RFC 9110 §9.1", "The method is taken in upper case only.")
async def _method(probe: Probe) -> None:
    _, answer = await probe.ask(raw.request(probe.target, line=f"get {probe.target.path} HTTP/1.1"))
    probe.is_refused(answer)


@should("RFC 9112 §3", "A line that is no request gets 400.")
async def _garbage(probe: Probe) -> None:
    _, answer = await probe.ask(b"\x16\x03\x01 no request at all\r\n\r\n")
    if isinstance(answer, Answer) and answer.status == 101:
        raise Fell("status 400", "status 101")
    if answer is not End.FIN and answer is not End.RESET:
        probe.is_refused(answer, 400)


@must("RFC 9110 §15.2", "A plain request gets an ordinary answer.")
async def _plain(probe: Probe) -> None:
    change: dict[str, str | None] = {"Upgrade": None, "Connection": None}
    change |= {"Sec-WebSocket-Key": None, "Sec-WebSocket-Version": None}
    _, answer = await probe.ask(raw.request(probe.target, change))
    if not isinstance(answer, Answer) or answer.status < 200:
        raise Fell("an answer from 200 on", described(answer))


@must(
    "RFC 9112 §6.3",
    "A client can tell where the answer to a refused handshake ends.",
    why="The client waits for the rest of the answer.",
)
async def _framed(probe: Probe) -> None:
    connection, answer = await probe.ask(raw.request(probe.target, {"Sec-WebSocket-Key": None}))
    if not isinstance(answer, Answer):
        probe.remark("an answer", described(answer))
        return
    bodiless = answer.status in {101, 204, 304}
    if bodiless or answer.get("content-length") is not None or answer.get("transfer-encoding"):
        return
    _, ended = await connection.read_to_end()
    if not isinstance(ended, End):
        raise Fell("a length, a chunked body, or the end of TCP", "none of them")


_BODIES: Final = (
    ("Content-Length", "counted", "Content-Length: {size}", "{body}"),
    (
        "Transfer-Encoding",
        "chunked",
        "Transfer-Encoding: chunked",
        "{size:x}\r\n{body}\r\n0\r\n\r\n",
    ),
)


async def _smuggled(field: str, form: str, probe: Probe) -> None:
    body = raw.frame(raw.TEXT, MARK.encode()).decode("latin-1")
    head = raw.request(probe.target, {}, field.format(size=len(body)))
    content = form.format(size=len(body), body=body).encode("latin-1")
    connection, answer = await probe.ask(head + content)
    if not isinstance(answer, Answer) or answer.status != 101:
        return
    heard = await connection.receive(0.5)
    if heard == MARK:
        raise Fell("the body not to be taken for frames", described(heard))


for _field, _word, _line_, _form in _BODIES:
    must(
        "RFC 9112 §6.3",
        f"A {_word} body of the request is never taken for frames.",
        "echo",
        why=_ATTACK,
    )(partial(_smuggled, _line_, _form))


_PROTOCOLS: Final = (
    ("A subprotocol that is no token is refused.", "a b"),
    ("An offer that names a subprotocol twice is refused.", "check, check"),
    ("An offer with a separator in a subprotocol is refused.", "che(ck)"),
)

for _title, _value in _PROTOCOLS:
    should("RFC 6455 §4.1, §4.2.1", _title)(
        partial(_refused, {"Sec-WebSocket-Protocol": _value}, (), None)
    )


@should("RFC 6455 §4.2.2", "A wrong version is answered with 426.")
async def _status_of_version(probe: Probe) -> None:
    answer = await _version(probe)
    probe.is_refused(answer, 426)


@should("RFC 9110 §15.6.6", "HTTP/3.7 in the request line is refused.")
async def _http_3_7(probe: Probe) -> None:
    line = f"GET {probe.target.path} HTTP/3.7"
    _, answer = await probe.ask(raw.request(probe.target, line=line))
    if isinstance(answer, Answer) and answer.status == 101:
        raise Fell("the handshake to be refused with 505", "status 101")
