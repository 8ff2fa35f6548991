"""Section 1: opening handshakes that are right, and what the 101 says."""

from __future__ import annotations

import secrets
from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, Final

from . import raw
from .case import Section
from .connection import Answer, described
from .fell import Fell
from .probe import accept_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .probe import Probe

SECTION: Final = Section(
    1,
    "opening",
    "The opening handshake: what is accepted",
    "A client that writes its handshake in this way, as the RFC allows, cannot connect.",
)
must, should = SECTION.must, SECTION.should

_CACHED: Final = "Clients check it: they drop the connection at once."


async def _opened(probe: Probe, request: bytes | None = None) -> Answer:
    connection = await probe.connect()
    await connection.send(request or raw.request(probe.target))
    answer = await connection.read_answer()
    if not isinstance(answer, Answer) or answer.status != 101:
        raise Fell("status 101", described(answer))
    return answer


@must("RFC 6455 §4.2.2", "An ordinary handshake is answered with 101.")
async def _ordinary(probe: Probe) -> None:
    await _opened(probe)


@must("RFC 6455 §4.2.2", "Sec-WebSocket-Accept answers the key.", why=_CACHED)
async def _accept(probe: Probe) -> None:
    for key in (raw.KEY, *(b64encode(secrets.token_bytes(16)).decode() for _ in range(3))):
        answer = await _opened(probe, raw.request(probe.target, {"Sec-WebSocket-Key": key}))
        found = answer.get("sec-websocket-accept")
        if found != accept_of(key):
            raise Fell(f"Sec-WebSocket-Accept: {accept_of(key)}", str(found))


@must("RFC 6455 §4.2.2", "The 101 has Upgrade: websocket.", why=_CACHED)
async def _says_upgrade(probe: Probe) -> None:
    answer = await _opened(probe)
    if (answer.get("upgrade") or "").lower() != "websocket":
        raise Fell("Upgrade: websocket", str(answer.get("upgrade")))


@must("RFC 6455 §4.2.2", "The 101 has Connection: Upgrade.", why=_CACHED)
async def _says_connection(probe: Probe) -> None:
    answer = await _opened(probe)
    named = [one.strip().lower() for one in (answer.get("connection") or "").split(",")]
    if "upgrade" not in named:
        raise Fell("Connection: Upgrade", str(answer.get("connection")))


@must("RFC 6455 §4.1", "The 101 names no extension that was not offered.", why=_CACHED)
async def _no_extension(probe: Probe) -> None:
    answer = await _opened(probe)
    if answer.get("sec-websocket-extensions"):
        raise Fell("no extension", str(answer.get("sec-websocket-extensions")))


@must("RFC 6455 §4.1", "The 101 names no subprotocol that was not offered.", why=_CACHED)
async def _no_subprotocol(probe: Probe) -> None:
    answer = await _opened(probe)
    if answer.get("sec-websocket-protocol") is not None:
        raise Fell("no subprotocol", str(answer.get("sec-websocket-protocol")))


@must("RFC 6455 §4.2.2", "Of subprotocols that nobody knows, one at most is chosen.", why=_CACHED)
async def _one_subprotocol(probe: Probe) -> None:
    offered = "check.one.invalid, check.two.invalid"
    connection, answer = await probe.ask(
        raw.request(probe.target, {"Sec-WebSocket-Protocol": offered})
    )
    connection.hang_up()
    if not isinstance(answer, Answer):
        raise Fell("an answer", described(answer))
    chosen = answer.get_all("sec-websocket-protocol")
    if answer.status == 101 and (len(chosen) > 1 or not {*chosen} <= {*offered.split(", ")}):
        raise Fell("one of the offered subprotocols, or none", ", ".join(chosen))


@must(
    "RFC 9110 §8.6, RFC 9112 §6.1",
    "The 101 has neither Content-Length nor Transfer-Encoding.",
    why="A proxy takes the first frames for a body.",
)
async def _no_length(probe: Probe) -> None:
    answer = await _opened(probe)
    for name in ("content-length", "transfer-encoding"):
        if answer.get(name) is not None:
            raise Fell("neither of them", f"{name}: {answer.get(name)}")


async def _changed(change: Mapping[str, str | None], more: tuple[str, ...], probe: Probe) -> None:
    await _opened(probe, raw.request(probe.target, change, *more))


_TAKEN: Final[tuple[tuple[str, str, dict[str, str | None], tuple[str, ...]], ...]] = (
    ("RFC 6455 §4.2.1", "WebSocket in Upgrade is taken in any case.", {"Upgrade": "WebSOCKET"}, ()),
    (
        "RFC 6455 §4.2.1",
        "Upgrade in Connection is taken in any case.",
        {"Connection": "UPGRADE"},
        (),
    ),
    (
        "RFC 6455 §4.2.1",
        "Connection is a list, and Upgrade may be its last element.",
        {"Connection": "keep-alive, Upgrade"},
        (),
    ),
    (
        "RFC 6455 §4.2.1",
        "Connection is a list, and Upgrade may be its first element.",
        {"Connection": "Upgrade,keep-alive"},
        (),
    ),
    (
        "RFC 9110 §5.3",
        "Two lines of Connection are one list.",
        {"Connection": "keep-alive"},
        ("Connection: Upgrade",),
    ),
    (
        "RFC 9110 §5.6.1",
        "Empty elements of the list in Connection are passed over.",
        {"Connection": ", ,Upgrade, "},
        (),
    ),
    (
        "RFC 9112 §5.1",
        "Spaces and tabs around a value do not count.",
        {"Upgrade": " \t websocket \t", "Sec-WebSocket-Version": "\t13  "},
        (),
    ),
    (
        "RFC 9112 §5.1",
        "A value needs no space before it.",
        {"Upgrade": None, "Connection": None},
        ("Upgrade:websocket", "Connection:Upgrade"),
    ),
    (
        "RFC 6455 §4.2.1",
        "Fields that are not known are passed over.",
        {f"X-Check-{number}": "value" for number in range(20)},
        (),
    ),
    (
        "RFC 6455 §9.1",
        "An extension that is not known is passed over.",
        {"Sec-WebSocket-Extensions": "x-check-unknown; a=1; b"},
        (),
    ),
    ("RFC 9110 §5.5", "A field may be empty.", {"X-Check": ""}, ()),
)

for _rfc, _title, _change, _more in _TAKEN:
    must(_rfc, _title)(partial(_changed, _change, _more))


@must("RFC 9110 §5.1", "Names of fields are taken in lower case.")
async def _lower(probe: Probe) -> None:
    await _opened(probe, _with_names(probe, str.lower))


@must("RFC 9110 §5.1", "Names of fields are taken in upper case.")
async def _upper(probe: Probe) -> None:
    await _opened(probe, _with_names(probe, str.upper))


def _with_names(probe: Probe, change: type[str] | object) -> bytes:
    assert callable(change), "a method of str"
    lines = [f"GET {probe.target.path} HTTP/1.1"]
    for line in raw.fields(probe.target):
        name, _, value = line.partition(":")
        lines.append(f"{change(name)}:{value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@must("RFC 6455 §4.2.1", "Fields may stand in any order.")
async def _order(probe: Probe) -> None:
    lines = [f"GET {probe.target.path} HTTP/1.1", *reversed(raw.fields(probe.target))]
    await _opened(probe, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


@must("RFC 9112 §2.1", "A handshake may come byte by byte.", why="Networks cut where they like.")
async def _split(probe: Probe) -> None:
    connection = await probe.connect()
    await connection.send_slowly(raw.request(probe.target))
    answer = await connection.read_answer()
    if not isinstance(answer, Answer) or answer.status != 101:
        raise Fell("status 101", described(answer))


@must(
    "RFC 9112 §3.2.2",
    "A target in absolute form is taken.",
    why="Clients behind a proxy write the whole URL into the request line.",
)
async def _absolute(probe: Probe) -> None:
    scheme = "https" if probe.target.tls else "http"
    url = f"{scheme}://{probe.target.authority}{probe.target.path}"
    await _opened(probe, raw.request(probe.target, line=f"GET {url} HTTP/1.1"))


@should("RFC 9112 §2.2", "An empty line before the request line is passed over.")
async def _empty_line(probe: Probe) -> None:
    await _opened(probe, b"\r\n" + raw.request(probe.target))


@should("RFC 9112 §3", "A request line of 7,900 bytes is taken.")
async def _long_line(probe: Probe) -> None:
    mark = "&" if "?" in probe.target.path else "?"
    target = probe.target.path + mark + "check=" + "x" * (7880 - len(probe.target.path))
    _, answer = await probe.ask(raw.request(probe.target, line=f"GET {target} HTTP/1.1"))
    if not isinstance(answer, Answer) or answer.status in {400, 413, 414, 431}:
        raise Fell("the request to be read", described(answer))


@should("RFC 9110 §5.4", "A field of 4,000 bytes is taken.", why="Cookies are as long as that.")
async def _long_field(probe: Probe) -> None:
    await _opened(probe, raw.request(probe.target, {"Cookie": "check=" + "x" * 4000}))


@should("RFC 9110 §7.8", "Of several protocols in Upgrade, websocket is found.")
async def _several(probe: Probe) -> None:
    await _opened(probe, raw.request(probe.target, {"Upgrade": "h2c, websocket"}))
