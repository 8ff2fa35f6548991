"""Section 4: frames, one by one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from . import raw
from .case import Section
from .probe import MARK

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    4,
    "frames",
    "Frames",
    "What the two ends read differently, an attacker can use: one end takes for data what the other"
    " takes for the head of a frame.",
)
must, should = SECTION.must, SECTION.should

_LOST: Final = "Messages of this kind are lost or changed."
_MARK: Final = MARK.encode()


def _binary(size: int) -> bytes:
    return bytes(at * 7 % 256 for at in range(256)) * (size // 256) + bytes(size % 256)


def _plural(number: int) -> str:
    return "" if number == 1 else "s"


async def _text_of(size: int, probe: Probe) -> None:
    connection = await probe.open()
    text = "abcdefghij" * (size // 10) + "x" * (size % 10)
    await connection.send(raw.frame(raw.TEXT, text.encode()))
    await probe.hears(connection, text)


async def _binary_of(size: int, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.BINARY, _binary(size)))
    await probe.hears(connection, _binary(size))


_SIZES: Final = (0, 1, 125, 126, 127, 65_535, 65_536, 131_072)

for _size in _SIZES:
    must(
        "RFC 6455 §5.2", f"A text of {_size:,} byte{_plural(_size)} comes back.", "echo", why=_LOST
    )(partial(_text_of, _size))
for _size in _SIZES:
    must(
        "RFC 6455 §5.2",
        f"A binary message of {_size:,} byte{_plural(_size)} comes back.",
        "binary",
        why=_LOST,
    )(partial(_binary_of, _size))


@must("RFC 6455 §5.6", "Each value of a byte comes back.", "binary", why=_LOST)
async def _all_bytes(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.BINARY, bytes(range(256)) * 4))
    await probe.hears(connection, bytes(range(256)) * 4)


async def _masked_with(key: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame_with_key(raw.TEXT, b"masked", key))
    await probe.hears(connection, "masked")


for _word, _key in (
    ("A mask of zeros", bytes(4)),
    ("A mask of ones", b"\xff" * 4),
    ("A mask of letters", b"mask"),
):
    must("RFC 6455 §5.3", f"{_word} is a mask.", "echo", why=_LOST)(partial(_masked_with, _key))


@must("RFC 6455 §5.3", "Each frame has a mask of its own.", "echo", why=_LOST)
async def _masks(probe: Probe) -> None:
    connection = await probe.open()
    for number in range(10):
        key = number.to_bytes(4, "big")
        await connection.send(raw.frame_with_key(raw.TEXT, b"message %d" % number, key))
        await probe.hears(connection, f"message {number}")


@must("RFC 6455 §5.4", "A frame may come byte by byte.", "echo", why=_LOST)
async def _slow(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send_slowly(raw.frame(raw.TEXT, b"x" * 130))
    await probe.hears(connection, "x" * 130)


@must("RFC 6455 §5.2", "A head may come in three pieces.", "echo", why=_LOST)
async def _pieces(probe: Probe) -> None:
    connection = await probe.open()
    whole = raw.frame(raw.TEXT, b"y" * 70_000)
    await connection.send(whole[:1], whole[1:7], whole[7:12], whole[12:])
    await probe.hears(connection, "y" * 70_000)


@must("RFC 6455 §5.4", "A hundred messages in one piece come back in order.", "echo", why=_LOST)
async def _hundred(probe: Probe) -> None:
    connection = await probe.open()
    texts = [f"message {number}" for number in range(100)]
    await connection.send(b"".join(raw.frame(raw.TEXT, one.encode()) for one in texts))
    await probe.hears(connection, *texts)


@must("RFC 6455 §5.6", "Text comes back as text, and binary as binary.", "binary", why=_LOST)
async def _kinds(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, b"text") + raw.frame(raw.BINARY, b"binary"))
    await probe.hears(connection, "text", b"binary")


async def _bad(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(data)
    await probe.is_failed(connection, 1002)


_NO_MASK: Final = (
    "Masks keep a page's script from writing bytes that a proxy between takes for a request, and"
    " keeps in its cache (RFC 6455 §10.3)."
)

for _word, _data in (
    ("text", raw.frame(raw.TEXT, _MARK, masked=False)),
    ("binary", raw.frame(raw.BINARY, _MARK, masked=False)),
    ("empty text", raw.frame(raw.TEXT, masked=False)),
    ("ping", raw.frame(raw.PING, _MARK, masked=False)),
    ("Close", raw.frame(raw.CLOSE, b"\x03\xe8", masked=False)),
):
    must("RFC 6455 §5.1", f"An unmasked {_word} frame fails the connection.", why=_NO_MASK)(
        partial(_bad, _data)
    )


@must(
    "RFC 6455 §5.1",
    "An unmasked frame behind a good one fails the connection.",
    why=_NO_MASK,
)
async def _unmasked_later(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, b"good") + raw.frame(raw.TEXT, _MARK, masked=False))
    await probe.is_failed(connection, 1002)


for _bits in range(1, 8):
    must("RFC 6455 §5.2", f"RSV {_bits:03b} on a text frame fails the connection.")(
        partial(_bad, raw.frame(raw.TEXT, _MARK, rsv=_bits))
    )
for _word, _opcode in (("binary", raw.BINARY), ("ping", raw.PING), ("pong", raw.PONG)):
    for _bits in (1, 2, 4):
        must("RFC 6455 §5.2", f"RSV {_bits:03b} on a {_word} frame fails the connection.")(
            partial(_bad, raw.frame(_opcode, _MARK, rsv=_bits))
        )
for _bits in (1, 2, 4):
    must("RFC 6455 §5.2", f"RSV {_bits:03b} on a continuation fails the connection.")(
        partial(
            _bad,
            raw.frame(raw.TEXT, b"sock-", fin=False)
            + raw.frame(raw.CONTINUATION, b"check", rsv=_bits),
        )
    )
for _opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF):
    must("RFC 6455 §5.2", f"The opcode {_opcode:#x} fails the connection.")(
        partial(_bad, raw.frame(_opcode, _MARK))
    )
for _opcode in (0x3, 0xB):
    must("RFC 6455 §5.2", f"The opcode {_opcode:#x} fails the connection, also without a payload.")(
        partial(_bad, raw.frame(_opcode))
    )
    must("RFC 6455 §5.2", f"The opcode {_opcode:#x} fails the connection, also in a message.")(
        partial(
            _bad,
            raw.frame(raw.TEXT, b"sock-", fin=False)
            + raw.frame(_opcode, b"")
            + raw.frame(raw.CONTINUATION, b"check"),
        )
    )

_LENGTHS: Final = (
    ("125 bytes in two bytes", raw.frame_of_length(raw.TEXT, (MARK * 13)[:125].encode(), 2)),
    ("no bytes in two bytes", raw.frame_of_length(raw.TEXT, b"", 2)),
    ("125 bytes in eight bytes", raw.frame_of_length(raw.TEXT, (MARK * 13)[:125].encode(), 8)),
    ("1,000 bytes in eight bytes", raw.frame_of_length(raw.TEXT, (MARK * 100).encode(), 8)),
)


async def _long_length(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    # A message behind it shows a server that has taken an empty one, and says nothing.
    await connection.send(data + raw.frame(raw.TEXT, _MARK))
    await probe.is_failed(connection, 1002)


for _word, _data in _LENGTHS:
    should("RFC 6455 §5.2", f"A length of {_word}, more than it needs, fails the connection.")(
        partial(_long_length, _data)
    )

_HUGE: Final = "The server waits for bytes that never come, or makes room for them."


async def _announced(size: int, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame_of_length(raw.BINARY, b"x" * 100, 8, size))
    await probe.is_failed(connection, 1002, 1009)
    await probe.still_serves()


should("RFC 6455 §5.2", "A length with its highest bit set is refused at once.", why=_HUGE)(
    partial(_announced, 1 << 63)
)
should("RFC 6455 §5.2", "A length of 2^64 - 1 is refused at once.", why=_HUGE)(
    partial(_announced, (1 << 64) - 1)
)
