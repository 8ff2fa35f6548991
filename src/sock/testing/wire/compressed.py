"""Section 10: compressed messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sock.spec import Pong
from sock.testing.client import End
from sock.wire.frame import Close

from . import raw
from .case import Section
from .connection import described
from .fell import Fell
from .inflating import Deflating
from .probe import MARK

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    10,
    "compression",
    "Compressed messages",
    "Browsers compress as soon as the server agrees: messages of this kind are lost or changed.",
)
must, should = SECTION.must, SECTION.should

_MUCH: Final = 16 << 20
"""Bytes beyond which a server should have a limit on one message."""

_BOMB: Final = "A few kilobytes fill the memory of the server."
_TEXT: Final = "compress " * 40
_BIG: Final = "".join(f"line {number} of a log\n" for number in range(4_000))


def _frame(data: bytes, opcode: int = raw.TEXT) -> bytes:
    return raw.frame(opcode, data, rsv=raw.RSV1)


async def _echoes(text: str, data: bytes, probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    await connection.send(_frame(data))
    await probe.hears(connection, text)
    await connection.send(_frame(raw.deflated(b"and the next one")))
    await probe.hears(connection, "and the next one")


for _word, _text, _data in (
    ("A compressed text", _TEXT, raw.deflated(_TEXT.encode())),
    ("A compressed text that is empty", "", b"\x00"),
    ("A text in a stored block", "stored", raw.deflated(b"stored", level=0)),
    ("A text in a final block", "final", raw.deflated(b"final", final=True)),
    ("A text in two blocks", "twoblocks", None),
    ("A text with a fixed table", "fixed", raw.deflated(b"fixed", level=1)),
    ("A text that does not shrink", "q7$Zk!p0", raw.deflated(b"q7$Zk!p0")),
    ("A text of 80 kB", _BIG, raw.deflated(_BIG.encode())),
    (
        "A text that ends in an empty block",
        "empty",
        raw.deflated(b"empty") + b"\x00\x00\xff\xff\x00",
    ),
):
    if _data is None:
        _data = raw.deflated(b"two") + b"\x00\x00\xff\xff" + raw.deflated(b"blocks")
    must(
        "RFC 7692 §7.2.2, §7.2.3",
        f"{_word} comes back, and so does the next.",
        "echo",
        "compression",
    )(partial(_echoes, _text, _data))


@must("RFC 7692 §7.2.2", "A compressed binary message comes back.", "binary", "compression")
async def _binary(probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    await connection.send(_frame(raw.deflated(bytes(range(256)) * 20), raw.BINARY))
    await probe.hears(connection, bytes(range(256)) * 20)


@must(
    "RFC 7692 §6",
    "A message that is not compressed comes back all the same.",
    "echo",
    "compression",
)
async def _uncompressed(probe: Probe) -> None:
    connection, deflating = await probe.open_compressed()
    await connection.send(
        raw.frame(raw.TEXT, b"plain")
        + _frame(deflating.deflate(b"compressed"))
        + raw.frame(raw.TEXT, b"plain again")
    )
    await probe.hears(connection, "plain", "compressed", "plain again")


async def _windows(offer: str, needed: tuple[str, ...], probe: Probe) -> None:
    connection, deflating = await probe.open_compressed(offer, *needed)
    # The same again, far away and near: what refers beyond the window cannot be read.
    texts = [_BIG[:3_000], _BIG[40_000:44_000], _BIG[:3_000], "short", _BIG, _BIG[:3_000]]
    for text in texts:
        await connection.send(_frame(deflating.deflate(text.encode())))
        await probe.hears(connection, text)


for _title, _offer, _needed in (
    ("Messages refer to earlier ones.", "permessage-deflate", ()),
    (
        "With server_no_context_takeover no message of the server refers to earlier ones.",
        "permessage-deflate; server_no_context_takeover",
        ("server_no_context_takeover",),
    ),
    (
        "With client_no_context_takeover each message of the client is read by itself.",
        "permessage-deflate; client_no_context_takeover",
        (),
    ),
    (
        "With server_max_window_bits=9 the server's messages refer back 512 bytes at most.",
        "permessage-deflate; server_max_window_bits=9",
        ("server_max_window_bits",),
    ),
    (
        "With server_max_window_bits=12 the server's messages refer back 4,096 bytes at most.",
        "permessage-deflate; server_max_window_bits=12",
        ("server_max_window_bits",),
    ),
    (
        "With a window of the client that was agreed on, its messages are read.",
        "permessage-deflate; client_max_window_bits",
        (),
    ),
    (
        "With all four parameters, messages are read both ways.",
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover;"
            " server_max_window_bits=10; client_max_window_bits=10"
        ),
        (),
    ),
):
    must("RFC 7692 §7.1, §7.2", _title, "echo", "compression")(partial(_windows, _offer, _needed))


@must(
    "RFC 7692 §6.1",
    "A compressed message may be cut into fragments anywhere.",
    "echo",
    "compression",
)
async def _fragments(probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    data = raw.deflated(_TEXT.encode())
    for parts in (
        (data[:1], data[1:]),
        (b"", data, b""),
        tuple(data[at : at + 1] for at in range(len(data))),
    ):
        await connection.send(b"".join(raw.fragments(raw.TEXT, parts, rsv=raw.RSV1)))
        await probe.hears(connection, _TEXT)


@must(
    "RFC 7692 §6.1",
    "A ping may come between the fragments of a compressed message.",
    "echo",
    "compression",
)
async def _ping(probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    data = raw.deflated(_TEXT.encode())
    first, last = raw.fragments(raw.TEXT, (data[:5], data[5:]), rsv=raw.RSV1)
    await connection.send(first + raw.frame(raw.PING, b"ping") + last)
    await probe.hears(connection, Pong(b"ping"), _TEXT)


@must("RFC 7692 §7.2.2", "A compressed message may come byte by byte.", "echo", "compression")
async def _slow(probe: Probe) -> None:
    connection, deflating = await probe.open_compressed()
    await connection.send_slowly(_frame(deflating.deflate(_TEXT.encode())))
    await probe.hears(connection, _TEXT)


@must(
    "RFC 7692 §7.2.2, RFC 6455 §5.6",
    "A letter may be cut by a compressed fragment.",
    "echo",
    "compression",
)
async def _letter(probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    data = raw.deflated("日本語 😀".encode(), level=0)
    parts = tuple(data[at : at + 1] for at in range(len(data)))
    await connection.send(b"".join(raw.fragments(raw.TEXT, parts, rsv=raw.RSV1)))
    await probe.hears(connection, "日本語 😀")


async def _bad(data: bytes, codes: tuple[int, ...], probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    await connection.send(data)
    await probe.is_failed(connection, *codes)


_MARK: Final = MARK.encode()
_GOOD: Final = raw.deflated(_MARK)
_BROKEN: Final = "What is no message is given to the program, or the program fails."

for _rfc, _title, _data, _codes in (
    (
        "RFC 7692 §6.1",
        "RSV1 on a continuation fails the connection.",
        b"".join(
            (
                raw.frame(raw.TEXT, _GOOD[:3], fin=False, rsv=4),
                raw.frame(raw.CONTINUATION, _GOOD[3:], rsv=4),
            )
        ),
        (1002,),
    ),
    (
        "RFC 7692 §6.1",
        "RSV1 on a ping fails the connection.",
        raw.frame(raw.PING, _MARK, rsv=4),
        (1002,),
    ),
    (
        "RFC 7692 §6.1",
        "RSV1 on a pong fails the connection.",
        raw.frame(raw.PONG, _MARK, rsv=4),
        (1002,),
    ),
    (
        "RFC 7692 §6.1",
        "RSV1 on a Close fails the connection.",
        raw.frame(raw.CLOSE, b"\x03\xe8", rsv=4),
        (1002,),
    ),
    (
        "RFC 6455 §5.2",
        "RSV2 beside RSV1 fails the connection.",
        raw.frame(raw.TEXT, _GOOD, rsv=6),
        (1002,),
    ),
    (
        "RFC 6455 §5.2",
        "RSV3 beside RSV1 fails the connection.",
        raw.frame(raw.TEXT, _GOOD, rsv=5),
        (1002,),
    ),
    (
        "RFC 6455 §5.2",
        "RSV2 alone fails the connection.",
        raw.frame(raw.TEXT, _GOOD, rsv=2),
        (1002,),
    ),
    (
        "RFC 7692 §7.2.2",
        "Bytes that are no DEFLATE fail the connection.",
        _frame(b"\xff\xff\xff" + _MARK),
        (1007, 1002),
    ),
    (
        "RFC 7692 §7.2.2",
        "A block of a kind that does not exist fails the connection.",
        _frame(b"\x06" + _MARK),
        (1007, 1002),
    ),
    (
        "RFC 7692 §7.2.2",
        "A reference to what was never sent fails the connection.",
        _frame(bytes.fromhex("4a4c4a06620002000000ffff04")[:5] + b"\x03\x13\x04"),
        (1007, 1002),
    ),
    (
        "RFC 7692 §7.2.2",
        "A stored block with a wrong length fails the connection.",
        _frame(b"\x00\x05\x00\x05\x00hello"),
        (1007, 1002),
    ),
    (
        "RFC 6455 §8.1",
        "A compressed text that is not UTF-8 fails the connection.",
        _frame(raw.deflated(_MARK + b"\xff\xfe")),
        (1007,),
    ),
    (
        "RFC 6455 §8.1",
        "A compressed text that ends in half a letter fails the connection.",
        _frame(raw.deflated(_MARK + "é".encode()[:1])),
        (1007,),
    ),
):
    must(_rfc, _title, "compression", why=_BROKEN)(partial(_bad, _data, _codes))


async def _bombed(size: int, probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    await connection.send(_frame(raw.bomb(size), raw.BINARY))
    heard = await connection.receive(10)
    if isinstance(heard, bytes) and len(heard) == size:
        if size > _MUCH:
            probe.remark(
                "a limit on what a message becomes, and Close 1009", f"all {size:,} bytes came back"
            )
    elif isinstance(heard, Close):
        if heard.code != 1009:
            probe.remark("a Close with 1009", described(heard))
    elif not isinstance(heard, End):
        raise Fell("a Close with 1009, or the message", described(heard))
    await probe.still_serves()


for _megabytes in (4, 32):
    must(
        "RFC 6455 §10.4",
        f"{_megabytes} MiB of zeros, compressed to {_megabytes} kB, are refused, or come back.",
        "binary",
        "compression",
        why=_BOMB,
    )(partial(_bombed, _megabytes << 20))


@must(
    "RFC 6455 §10.4",
    "A bomb in fragments is refused, or comes back.",
    "binary",
    "compression",
    why=_BOMB,
)
async def _bomb_in_fragments(probe: Probe) -> None:
    connection, _ = await probe.open_compressed()
    data = raw.bomb(16 << 20)
    parts = tuple(data[at : at + 1_000] for at in range(0, len(data), 1_000))
    await connection.send(b"".join(raw.fragments(raw.BINARY, parts, rsv=raw.RSV1)))
    heard = await connection.receive(10)
    if not isinstance(heard, (bytes, Close, End)):
        raise Fell("a Close with 1009, or the message", described(heard))
    await probe.still_serves()


@must("RFC 7692 §7.2.2", "Two hundred small messages refer to each other.", "echo", "compression")
async def _many(probe: Probe) -> None:
    connection, deflating = await probe.open_compressed()
    texts = [f'{{"type": "tick", "number": {number}}}' for number in range(200)]
    await connection.send(b"".join(_frame(deflating.deflate(text.encode())) for text in texts))
    await probe.hears(connection, *texts)


@must("RFC 7692 §7.1.1", "Two connections do not share a window.", "echo", "compression")
async def _apart(probe: Probe) -> None:
    one, deflating_one = await probe.open_compressed()
    other, deflating_other = await probe.open_compressed()
    for number in range(5):
        for connection, deflating in ((one, deflating_one), (other, deflating_other)):
            text = f"{number} {'one' if connection is one else 'other'} " * 30
            await connection.send(_frame(deflating.deflate(text.encode())))
            await probe.hears(connection, text)
    assert isinstance(deflating_one, Deflating), "one for each connection"
