"""Section 14: bytes that chance has changed. The seed makes them the same again."""

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
    from collections.abc import Callable
    from random import Random

    from .probe import Probe

SECTION: Final = Section(
    14,
    "mutations",
    "Mutated bytes",
    "What no list of cases has thought of: the server fails, or answers with bytes that are no"
    " frames.",
    alone=True,
)
must = SECTION.must

_TRIES: Final = 30
_PAUSE: Final = 0.05
"""Seconds in which a server says what it has to say about bytes that are wrong."""


def _changed(data: bytes, random: Random) -> bytes:
    """Return the bytes with one to four of them changed, left out, repeated or put in."""
    out = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(out)) if out else 0
        match random.randrange(5):
            case 0 if out:
                out[at] ^= 1 << random.randrange(8)
            case 1 if out:
                del out[at : at + random.randint(1, 4)]
            case 2:
                out[at:at] = random.randbytes(random.randint(1, 4))
            case 3:
                out[at:at] = out[at : at + random.randint(1, 16)]
            case 4 if out:
                out[at] = random.choice((0, 0x7E, 0x7F, 0x80, 0xFE, 0xFF, 0x0A, 0x0D))
            case _:
                pass  # nothing is left that could be changed
    return bytes(out)


_TALK: Final = (
    raw.frame(raw.TEXT, MARK.encode())
    + raw.frame(raw.PING, b"ping")
    + b"".join(raw.fragments(raw.BINARY, (b"one", b"two", b"three")))
    + raw.frame(raw.TEXT, b"x" * 200)
    + raw.close(1000, b"bye")
)
_LETTERS: Final = "aé語😀 κόσμε".encode()
_SQUEEZED: Final = raw.deflated(b"compress " * 50)

_WAYS: Final[tuple[tuple[str, Callable[[Random], bytes]], ...]] = (
    ("frames, changed", lambda random: _changed(_TALK, random)),
    (
        "the heads of frames, changed",
        lambda random: b"".join(
            _changed(raw.frame(raw.TEXT, b"abc")[:2], random) + raw.frame(raw.TEXT, b"abc")[2:]
            for _ in range(3)
        ),
    ),
    ("frames, cut short", lambda random: _TALK[: random.randrange(len(_TALK))]),
    ("frames with text, changed", lambda random: raw.frame(raw.TEXT, _changed(_LETTERS, random))),
    (
        "fragments in any order",
        lambda random: b"".join(
            raw.frame(random.choice((0, 0, 1, 2, 8, 9, 10)), b"ab", fin=random.random() < 0.5)
            for _ in range(8)
        ),
    ),
    ("any bytes", lambda random: random.randbytes(random.randint(1, 400))),
    (
        "Close frames of any content",
        lambda random: raw.frame(raw.CLOSE, random.randbytes(random.randint(0, 125))),
    ),
)


async def _frames(make: Callable[[Random], bytes], probe: Probe) -> None:
    for _ in range(_TRIES):
        connection = await probe.open()
        await connection.send(make(probe.random))
        connection.finish()
        # `receive` fails for whatever no server may send.
        await connection.end(_PAUSE)
        connection.hang_up()
    await probe.still_serves()


for _word, _make in _WAYS:
    must("RFC 6455 §5, §7.1.7", f"{_TRIES} times {_word}: right frames come back, and an end.")(
        partial(_frames, _make)
    )


@must(
    "RFC 7692 §7.2.2",
    f"{_TRIES} times compressed bytes, changed: the server lives on.",
    "compression",
)
async def _compressed(probe: Probe) -> None:
    for _ in range(_TRIES):
        connection, _ = await probe.open_compressed()
        data = _changed(_SQUEEZED, probe.random)
        await connection.send(raw.frame(raw.BINARY, data, rsv=raw.RSV1))
        connection.finish()
        await connection.end(_PAUSE)
        connection.hang_up()
    await probe.still_serves()


@must("RFC 9112 §2.2", f"{_TRIES} times a handshake, changed: an answer, or the end of TCP.")
async def _handshakes(probe: Probe) -> None:
    for _ in range(_TRIES):
        connection = await probe.connect()
        await connection.send(_changed(raw.request(probe.target), probe.random) + b"\r\n\r\n")
        connection.finish()
        answer = await connection.read_answer()
        if not isinstance(answer, (Answer, End)):
            raise Fell("an answer, or the end of TCP", described(answer))
        connection.hang_up()
    await probe.still_serves()


@must("RFC 9112 §2.2", f"{_TRIES} times any bytes in place of a request: the server lives on.")
async def _no_requests(probe: Probe) -> None:
    for _ in range(_TRIES):
        connection = await probe.connect()
        await connection.send(probe.random.randbytes(probe.random.randint(1, 2_000)))
        connection.finish()
        await connection.read_to_end()
        connection.hang_up()
    await probe.still_serves()
