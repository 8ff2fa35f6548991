"""Section 11: what is larger than a server wants it to be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sock.testing.client import End
from sock.wire.frame import Close

from . import raw
from .case import Section
from .connection import QUIET, Answer, described
from .fell import Fell

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    11,
    "limits",
    "Limits",
    "One client takes the memory or the time of the whole server.",
    alone=True,
)
must, should = SECTION.must, SECTION.should

_WAIT: Final = 10.0
"""Seconds for a large message."""


async def _large(size: int, opcode: int, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(opcode, b"x" * size))
    await _refused_or_back(probe, size)


async def _refused_or_back(probe: Probe, size: int) -> None:
    heard = await probe.connections[-1].receive(_WAIT)
    match heard:
        case str() | bytes() if len(heard) == size:
            return
        case Close(code=1009) | End():
            pass
        case Close():
            probe.remark("a Close with 1009", described(heard))
        case _:
            raise Fell("the message, or a Close with 1009", described(heard))
    await probe.still_serves()


for _size in (256 << 10, 1 << 20, 4 << 20, 16 << 20):
    must(
        "RFC 6455 §10.4",
        f"A text of {_size >> 10:,} KiB comes back, or is refused.",
        "echo",
    )(partial(_large, _size, raw.TEXT))


@must("RFC 6455 §10.4", "A message of 4 MiB in 64 fragments comes back, or is refused.", "echo")
async def _large_in_fragments(probe: Probe) -> None:
    connection = await probe.open()
    parts = tuple(b"y" * 65_536 for _ in range(64))
    await connection.send(b"".join(raw.fragments(raw.TEXT, parts)))
    await _refused_or_back(probe, 4 << 20)


@must("RFC 6455 §10.4", "20,000 fragments of a byte come back, or are refused.", "echo")
async def _tiny(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(b"".join(raw.fragments(raw.TEXT, (b"z",) * 20_000)))
    await _refused_or_back(probe, 20_000)


@must("RFC 6455 §10.4", "20,000 empty fragments are one message, or are refused.", "echo")
async def _empty(probe: Probe) -> None:
    connection = await probe.open()
    parts = (b"e", *((b"",) * 20_000), b"e")
    await connection.send(b"".join(raw.fragments(raw.TEXT, parts)))
    await _refused_or_back(probe, 2)


@must("RFC 6455 §10.4", "10,000 small messages in one piece come back, or are refused.", "echo")
async def _burst(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.TEXT, b"burst") * 10_000)
    for _ in range(10_000):
        heard = await connection.receive(_WAIT)
        if isinstance(heard, Close):
            probe.remark("all messages to come back", described(heard))
            break
        if heard != "burst":
            raise Fell("the messages in order, or a Close", described(heard))
    await probe.still_serves()


async def _announced(size: int, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame_of_length(raw.BINARY, b"x" * 100, 8, size))
    heard = await connection.control()
    await probe.still_serves()
    if heard is QUIET:
        raise Fell(
            "a Close with 1009 as soon as the length is known", "the server waits for the rest"
        )
    if isinstance(heard, Close) and heard.code != 1009:
        probe.remark("a Close with 1009", described(heard))


for _word, _size in (("1 GiB", 1 << 30), ("2^62 bytes", 1 << 62)):
    should("RFC 6455 §10.4", f"A frame that announces {_word} is refused at its head.")(
        partial(_announced, _size)
    )


async def _read(probe: Probe, request: bytes, *statuses: int) -> None:
    """See a request that is too large answered: with 4xx, or as any other."""
    connection = await probe.connect()
    await connection.send(request)
    answer = await connection.read_answer()
    if answer is QUIET:
        raise Fell("an answer, or the end of TCP", "nothing")
    if isinstance(answer, Answer):
        if answer.status not in {*statuses, 101, 404}:
            probe.remark(f"status {' or '.join(map(str, statuses))}", described(answer))
        if answer.status >= 500:
            raise Fell("status 4xx, or 101", described(answer))
    else:
        probe.remark(f"status {' or '.join(map(str, statuses))}", described(answer))
    await probe.still_serves()


@must("RFC 9110 §5.4", "A field of 256 KiB gets 4xx, or is taken.")
async def _field(probe: Probe) -> None:
    await _read(probe, raw.request(probe.target, {"X-Check": "x" * (256 << 10)}), 431, 400)


@must("RFC 9110 §5.4", "Ten thousand fields get 4xx, or are taken.")
async def _fields(probe: Probe) -> None:
    lines = (f"X-Check-{number}: value" for number in range(10_000))
    await _read(probe, raw.request(probe.target, {}, *lines), 431, 400)


@must("RFC 9112 §3", "A target of 128 KiB gets 414, or is taken.")
async def _target(probe: Probe) -> None:
    line = f"GET /{'x' * (128 << 10)} HTTP/1.1"
    await _read(probe, raw.request(probe.target, line=line), 414, 431)


@should("RFC 9110 §5.4", "A head that does not end is refused before it has 2 MiB.")
async def _endless(probe: Probe) -> None:
    connection = await probe.connect()
    await connection.send(f"GET {probe.target.path} HTTP/1.1\r\n".encode())
    for number in range(128):
        await connection.send(b"X-Check-%d: " % number + b"x" * (16 << 10) + b"\r\n")
    answer = await connection.read_answer()
    if answer is QUIET:
        raise Fell("status 431, or the end of TCP", "the server reads on")
    await probe.still_serves()


@should("RFC 9112 §3", "A line that does not end is refused before it has 2 MiB.")
async def _endless_line(probe: Probe) -> None:
    connection = await probe.connect()
    await connection.send(b"GET /")
    for _ in range(128):
        await connection.send(b"x" * (16 << 10))
    answer = await connection.read_answer()
    if answer is QUIET:
        raise Fell("status 414, or the end of TCP", "the server reads on")
    await probe.still_serves()
