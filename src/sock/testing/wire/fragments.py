"""Section 5: messages in fragments, and control frames between them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sock.spec import Pong

from . import raw
from .case import Section
from .probe import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .probe import Probe

SECTION: Final = Section(
    5,
    "fragments",
    "Fragments",
    "Clients and proxies cut messages where they like: such a message is lost or changed.",
)
must = SECTION.must

_MIXED: Final = "The two ends disagree on what belongs to which message."


async def _text(parts: Sequence[bytes], at_once: bool, probe: Probe) -> None:  # noqa: FBT001
    connection = await probe.open()
    pieces = raw.fragments(raw.TEXT, parts)
    await connection.send(*([b"".join(pieces)] if at_once else pieces))
    await probe.hears(connection, b"".join(parts).decode())
    await probe.talks(connection)


for _word, _parts in (
    ("Two fragments", (b"two ", b"parts")),
    ("Three fragments", (b"one", b"two", b"three")),
    ("An empty first fragment", (b"", b"text")),
    ("An empty last fragment", (b"text", b"")),
    ("An empty fragment in the middle", (b"te", b"", b"xt")),
    ("Three empty fragments", (b"", b"", b"")),
    ("A hundred fragments of a byte", tuple(b"x" for _ in range(100))),
    ("Sixty-four fragments of 1,024 bytes", tuple(b"y" * 1024 for _ in range(64))),
    ("Fragments of 126 and 65,536 bytes", (b"a" * 126, b"b" * 65_536)),
):
    for _at_once, _how in ((True, "in one piece"), (False, "each by itself")):
        must("RFC 6455 §5.4", f"{_word}, sent {_how}, are one message.", "echo")(
            partial(_text, _parts, _at_once)
        )


@must("RFC 6455 §5.4", "A binary message in fragments comes back.", "binary")
async def _binary(probe: Probe) -> None:
    connection = await probe.open()
    parts = (bytes(range(100)), b"", bytes(range(100, 256)))
    await connection.send(b"".join(raw.fragments(raw.BINARY, parts)))
    await probe.hears(connection, bytes(range(256)))


@must("RFC 6455 §5.4", "Fragments may come byte by byte.", "echo")
async def _slow(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send_slowly(b"".join(raw.fragments(raw.TEXT, (b"byte ", b"by ", b"byte"))))
    await probe.hears(connection, "byte by byte")


@must("RFC 6455 §5.4", "Messages in fragments may follow each other.", "echo")
async def _several(probe: Probe) -> None:
    connection = await probe.open()
    texts = ("first one", "second one", "third one")
    for text in texts:
        one, two = text.split(" ")
        pieces = raw.fragments(raw.TEXT, (one.encode(), b" ", two.encode()))
        await connection.send(b"".join(pieces))
    await probe.hears(connection, *texts)


async def _control(between: Sequence[bytes], pongs: Sequence[bytes], probe: Probe) -> None:
    connection = await probe.open()
    first, second = raw.fragments(raw.TEXT, (b"be", b"tween"))
    await connection.send(first, *between)
    await probe.hears(connection, *map(Pong, pongs))
    await connection.send(second)
    await probe.hears(connection, "between")


for _word, _between, _pongs in (
    ("A ping", (raw.frame(raw.PING, b"ping"),), (b"ping",)),
    ("An empty ping", (raw.frame(raw.PING),), (b"",)),
    ("A ping of 125 bytes", (raw.frame(raw.PING, b"p" * 125),), (b"p" * 125,)),
    ("A pong", (raw.frame(raw.PONG, b"pong"),), ()),
    ("A pong and a ping", (raw.frame(raw.PONG), raw.frame(raw.PING, b"2")), (b"2",)),
):
    must(
        "RFC 6455 §5.4, §5.5",
        f"{_word} may come between two fragments, and is answered before the rest.",
        "echo",
        why="A server that waits for the rest of a large message seems dead meanwhile.",
    )(partial(_control, _between, _pongs))


@must("RFC 6455 §5.4, §5.5.1", "A Close between two fragments is answered.")
async def _close(probe: Probe) -> None:
    connection = await probe.open()
    first, _ = raw.fragments(raw.TEXT, (MARK.encode(), b"never"))
    await connection.send(first + raw.close(1000))
    await probe.is_closed(connection, 1000)


async def _bad(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(data)
    await probe.is_failed(connection, 1002)


_TEXT: Final = MARK.encode()
_MORE: Final = raw.frame(raw.CONTINUATION, _TEXT, fin=False)
_LAST: Final = raw.frame(raw.CONTINUATION, _TEXT)
_BEGIN: Final = raw.frame(raw.TEXT, _TEXT, fin=False)
_BEGIN_BINARY: Final = raw.frame(raw.BINARY, _TEXT, fin=False)

for _title, _data in (
    ("A last fragment of nothing fails the connection.", _LAST),
    ("A fragment of nothing fails the connection.", _MORE + _LAST),
    ("An empty fragment of nothing fails the connection.", raw.frame(raw.CONTINUATION)),
    ("A fragment behind a whole message fails the connection.", raw.frame(raw.TEXT, b"a") + _LAST),
    (
        "A fragment behind a message in fragments fails the connection.",
        b"".join(raw.fragments(raw.TEXT, (b"a", b"b"))) + _LAST,
    ),
    ("A text inside a text fails the connection.", _BEGIN + raw.frame(raw.TEXT, _TEXT)),
    ("A binary message inside a text fails the connection.", _BEGIN + raw.frame(raw.BINARY, _TEXT)),
    (
        "A text inside a binary message fails the connection.",
        _BEGIN_BINARY + raw.frame(raw.TEXT, _TEXT),
    ),
    ("A text that begins inside a text fails the connection.", _BEGIN + _BEGIN + _LAST),
    (
        "An empty text inside a text fails the connection.",
        _BEGIN + raw.frame(raw.TEXT) + _LAST,
    ),
    (
        "A binary message inside a binary one fails the connection.",
        _BEGIN_BINARY + raw.frame(raw.BINARY, _TEXT),
    ),
):
    must("RFC 6455 §5.4", _title, why=_MIXED)(partial(_bad, _data))
