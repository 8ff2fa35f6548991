"""Section 7: pings and pongs."""

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
from .probe import MARK

if TYPE_CHECKING:
    from .probe import Probe

SECTION: Final = Section(
    7,
    "control",
    "Pings and pongs",
    "Clients take a server that does not answer their pings for dead, and leave.",
)
must = SECTION.must

_FLOOD: Final = 2_000
_HELD: Final = "One client that sends many small frames stops the server, or costs it the memory."


async def _ping(payload: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.PING, payload))
    await probe.hears(connection, Pong(payload))


for _word, _payload in (
    ("A ping", b"ping"),
    ("An empty ping", b""),
    ("A ping of one byte", b"\0"),
    ("A ping of 125 bytes", b"p" * 125),
    ("A ping with bytes that are no text", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
):
    must("RFC 6455 §5.5.2, §5.5.3", f"{_word} gets a pong with the same payload.")(
        partial(_ping, _payload)
    )


@must("RFC 6455 §5.5.2", "A ping may come byte by byte.")
async def _slow(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send_slowly(raw.frame(raw.PING, b"p" * 125))
    await probe.hears(connection, Pong(b"p" * 125))


@must("RFC 6455 §5.5.3", "Of ten pings the last at least is answered.")
async def _ten(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(b"".join(raw.frame(raw.PING, b"%d" % n) for n in range(10)))
    await _last_pong(probe, b"9")


async def _last_pong(probe: Probe, payload: bytes) -> None:
    """Receive pongs up to this one, which must be in the order of the pings."""
    connection = probe.connections[-1]
    last = -1
    while True:
        heard = await connection.control()
        if not isinstance(heard, Pong):
            raise Fell(described(Pong(payload)), described(heard))
        if heard.payload == payload:
            return
        if not heard.payload.isdigit() or int(heard.payload) <= last:
            raise Fell("pongs in the order of the pings", described(heard))
        last = int(heard.payload)


@must(
    "RFC 6455 §5.5.2",
    "A ping between two messages is answered, and the messages come back.",
    "echo",
)
async def _between(probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(
        raw.frame(raw.TEXT, b"one") + raw.frame(raw.PING, b"two") + raw.frame(raw.TEXT, b"three")
    )
    heard = [await connection.receive() for _ in range(3)]
    if [one for one in heard if isinstance(one, str)] != ["one", "three"] or Pong(
        b"two"
    ) not in heard:
        raise Fell("the two texts and the pong", ", ".join(map(described, heard)))


async def _pong(payload: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(raw.frame(raw.PONG, payload))
    await probe.talks(connection)


for _word, _payload in (("", b""), (" with a payload", b"unasked"), (" of 125 bytes", b"p" * 125)):
    must("RFC 6455 §5.5.3", f"A pong{_word} that nobody has asked for is passed over.", "echo")(
        partial(_pong, _payload)
    )


async def _bad(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(data)
    await probe.is_failed(connection, 1002)


_TOO_LONG: Final = (MARK * 13)[:126].encode()

for _word, _opcode in (("ping", raw.PING), ("pong", raw.PONG)):
    must("RFC 6455 §5.5", f"A {_word} of 126 bytes fails the connection.")(
        partial(_bad, raw.frame(_opcode, _TOO_LONG))
    )
    must("RFC 6455 §5.5", f"A {_word} of 70,000 bytes fails the connection.")(
        partial(_bad, raw.frame(_opcode, MARK.encode() * 7_000))
    )
    must("RFC 6455 §5.5", f"A {_word} that is a fragment fails the connection.")(
        partial(_bad, raw.frame(_opcode, MARK.encode(), fin=False))
    )
    must("RFC 6455 §5.5", f"A {_word} in two fragments fails the connection.")(
        partial(
            _bad,
            raw.frame(_opcode, MARK.encode(), fin=False) + raw.frame(raw.CONTINUATION, b""),
        )
    )


async def _flood(data: bytes, probe: Probe) -> None:
    connection = await probe.open()
    await connection.send(data)
    await connection.send(raw.frame(raw.PING, b"-1"))
    heard = await connection.control()
    while isinstance(heard, Pong) and heard.payload != b"-1":
        heard = await connection.control()
    if heard != Pong(b"-1"):
        # A server may end a connection that floods it (RFC 6455 §10.4), but must live on.
        probe.remark("the pong behind the flood", described(heard))
    await probe.still_serves()


for _word, _data in (
    ("empty pings", raw.frame(raw.PING) * _FLOOD),
    ("pings of 125 bytes", raw.frame(raw.PING, b"p" * 125) * _FLOOD),
    ("pongs", raw.frame(raw.PONG) * _FLOOD),
    ("pongs of 125 bytes", raw.frame(raw.PONG, b"p" * 125) * _FLOOD),
):
    must(
        "RFC 6455 §5.5.2, §10.4",
        f"{_FLOOD:,} {_word} in one piece leave the server alive.",
        why=_HELD,
    )(partial(_flood, _data))


@must("RFC 6455 §5.4, §10.4", "2,000 pings inside a message leave it whole.", "echo", why=_HELD)
async def _inside(probe: Probe) -> None:
    connection = await probe.open()
    first, last = raw.fragments(raw.TEXT, (b"in", b"side"))
    await connection.send(first + raw.frame(raw.PING, b"p") * _FLOOD + last)
    heard = await connection.receive()
    while isinstance(heard, Pong):
        heard = await connection.receive()
    if isinstance(heard, (Close, End)):
        probe.remark("the message behind the pings", described(heard))
        await probe.still_serves()
    elif heard != "inside":
        raise Fell(described("inside"), described(heard))
