"""Section 8: how a connection ends."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sock.testing.client import End
from sock.wire.frame import Close

from . import raw
from .case import Section
from .connection import described
from .fell import Fell
from .probe import MARK

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    8,
    "close",
    "The end of a connection",
    "A client cannot tell an orderly end from a lost connection, or waits for its time-out.",
)
must, should = SECTION.must, SECTION.should


async def _closed(code: int | None, detail: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.close(code, detail))
    await probe.is_closed(connection, *((1005, 1000) if code is None else (code,)))


must("RFC 6455 §5.5.1", "A Close without a code is answered.")(partial(_closed, None, b""))

for _code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
    must("RFC 6455 §5.5.1, §7.4", f"A Close with {_code} is answered.")(
        partial(_closed, _code, b"")
    )
for _code in (1012, 1013, 1014):
    # Registered with IANA after the RFC, so an old server does not know them.
    should("RFC 6455 §7.4, §11.7", f"A Close with {_code} is answered.")(
        partial(_closed, _code, b"")
    )
for _word, _detail in (
    ("a text", b"good bye"),
    ("a text of 123 bytes", b"x" * 123),
    ("a text that is not ASCII", "auf Wiedersehen, 再见 😀".encode()),
):
    must("RFC 6455 §5.5.1", f"A Close with {_word} is answered.")(partial(_closed, 1000, _detail))


@must("RFC 6455 §5.5.1", "A Close may come byte by byte.")
async def _slow(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send_slowly(raw.close(1000, b"slowly"))
    await probe.is_closed(connection, 1000)


@must("RFC 6455 §7.1.1", "The server ends TCP, and does not wait for the client.")
async def _first(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.close(1000))
    heard = await connection.control()
    if not isinstance(heard, Close):
        raise Fell("a Close", described(heard))
    ended = await connection.end(1.5)
    if not isinstance(ended, End):
        raise Fell("the end of TCP within 1.5 s", "TCP stays open")


async def _answered_with(code: int, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.close(code))
    # `receive` fails for a code that may not be sent.
    await probe.is_failed(connection, 1002)


for _code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535):
    must(
        "RFC 6455 §7.4.1, §7.4.2",
        f"A Close with {_code}, which no end may say, ends the connection, and is not said back.",
        why="Clients fail for such a code, and programs take it for what their library says.",
    )(partial(_answered_with, _code))


async def _bad(data: bytes, codes: tuple[int, ...], probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(data)
    await probe.is_failed(connection, *codes)


for _title, _data, _codes in (
    ("A Close with half a code fails the connection.", raw.frame(raw.CLOSE, b"\x03"), (1002,)),
    ("A Close of 126 bytes fails the connection.", raw.close(1000, b"x" * 124), (1002,)),
    (
        "A Close that is a fragment fails the connection.",
        raw.frame(raw.CLOSE, b"\x03\xe8", fin=False),
        (1002,),
    ),
    (
        "A Close whose text is not UTF-8 fails the connection.",
        raw.close(1000, b"\xff"),
        (1007, 1002),
    ),
    (
        "A Close whose text ends in half a letter fails the connection.",
        raw.close(1000, "é".encode()[:1]),
        (1007, 1002),
    ),
    ("A Close with RSV1 fails the connection.", raw.frame(raw.CLOSE, b"\x03\xe8", rsv=4), (1002,)),
):
    must("RFC 6455 §5.5, §5.5.1", _title)(partial(_bad, _data, _codes))


async def _behind(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.close(1000) + data)
    await probe.is_closed(connection, 1000, cleanly=False)


for _word, _data in (
    ("A text", raw.frame(raw.TEXT, MARK.encode())),
    ("A ping", raw.frame(raw.PING, MARK.encode())),
    ("A second Close", raw.close(1001)),
    ("A bad frame", raw.frame(0x3, MARK.encode())),
):
    # `receive` fails for whatever the server sends behind its Close.
    must("RFC 6455 §5.5.1", f"{_word} behind our Close is not answered.")(partial(_behind, _data))


@must("RFC 6455 §5.5.1", "A message behind the server's Close is not answered.")
async def _behind_both(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.close(1000))
    heard = await connection.control()
    if not isinstance(heard, Close):
        raise Fell("a Close", described(heard))
    await connection.send(raw.frame(raw.TEXT, MARK.encode()))
    ended = await connection.end()
    if not isinstance(ended, End):
        raise Fell("the end of TCP", described(ended))


@should(
    "RFC 6455 §7.1.1, §7.2.1", "A client that ends TCP without a Close has TCP ended by the server."
)
async def _fin(probe: Probe) -> None:
    connection = await probe.open()
    connection.finish()
    ended = await connection.end()
    if not isinstance(ended, End):
        raise Fell("the end of TCP", described(ended))


@should("RFC 6455 §7.1.1", "A client that ends TCP within a frame has TCP ended by the server.")
async def _fin_within(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, MARK.encode() * 10)[:20])
    connection.finish()
    ended = await connection.end()
    if not isinstance(ended, End):
        raise Fell("the end of TCP", described(ended))


@should("RFC 6455 §7.1.1", "TCP ends with a FIN after messages, not with a reset.", "echo")
async def _clean(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, b"x" * 1000) * 20)
    await probe.hears(connection, *["x" * 1000] * 20)
    await connection.send(raw.close(1000))
    await probe.is_closed(connection, 1000)
