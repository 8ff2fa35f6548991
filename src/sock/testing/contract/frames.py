"""Section 15: the wire, with a few bytes for each statement; `sock check` tries many more."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

import asyncio
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Compression, Options, Pong, Upgrade
from sock.testing.client import End
from sock.testing.peer import frame

from .case import Case, case, registered
from .raw import asked, has_status
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from sock.spec import Request
    from sock.testing.client import Client

    from .talk import Talk

_TEXT: Final = 0x1
_BINARY: Final = 0x2
_COMPRESSED: Final = 4  # the reserved bit of RFC 7692
_SOON: Final = 1.5
"""Seconds in which a host fails what it has not read to the end."""


class _Echo(Subject):
    def handle_in(self, message: str | bytes, /) -> Any:
        return message


class _Sizes(Subject):
    def handle_in(self, message: str | bytes, /) -> str:
        return str(len(message))


async def _fails(talk: Talk, client: Client, code: int, error: str) -> None:
    """Hear the code of a violation, although the peer has more to send."""
    async with asyncio.timeout(_SOON):
        heard = await client.receive()
    talk.is_code(heard, code)
    client.hang_up()
    await talk.hears(client, End.FIN)
    await talk.journal("made", "init", f"terminate Failed({error})")


# S15.1: what RFC 7692 forbids.

_DEFLATED: Final = Options(compression=Compression(threshold=0))
_HELLO: Final = bytes.fromhex("f248cdc9c90700")  # RFC 7692 §7.2.3.1

_FORBIDDEN: Final = {
    "on_a_continuation": (
        frame(_TEXT, _HELLO[:3], fin=False, rsv=_COMPRESSED)
        + frame(0x0, _HELLO[3:], rsv=_COMPRESSED)
    ),
    "on_a_ping": frame(0x9, b"x", rsv=_COMPRESSED),
}


def _compressed(request: Request) -> Upgrade:
    return Upgrade(_Echo(request), options=_DEFLATED)


async def _is_forbidden(data: bytes, talk: Talk, /) -> None:
    client = await talk.open(compression=Compression())
    await client.send_bytes(data)
    await _fails(talk, client, 1002, "ProtocolError")


registered.extend(
    Case(
        f"codes/the_bit_of_compression_{where}",
        ("S15.1", "S16.1"),
        _compressed,
        partial(_is_forbidden, data),
        frozenset({"violations", "options"}),
    )
    for where, data in _FORBIDDEN.items()
)


# S15.3

_NO_TEXT: Final = {
    "a_byte_that_no_character_begins_with": b"\xff",
    "an_overlong_form": b"\xc0",
    "a_surrogate": b"\xed\xa0",
    "more_than_there_are_characters": b"\xf4\x90",
}


async def _is_no_text(bad: bytes, talk: Talk, /) -> None:
    whole = frame(_TEXT, b"good \xc3\xa9" + bad + bytes(1000))
    client = await talk.open()
    await client.send_bytes(whole[: 8 + 7 + len(bad)])  # head and key, and what cannot be UTF-8
    await _fails(talk, client, 1007, "InvalidData")


registered.extend(
    Case(
        f"text/in_the_middle_of_a_frame/{name}",
        ("S15.3",),
        _Echo,
        partial(_is_no_text, bad),
        frozenset({"violations"}),
    )
    for name, bad in _NO_TEXT.items()
)


@case(_Echo, ["S15.3"], needs=["violations"])
async def text_fails_in_the_middle_of_a_message_too(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(_TEXT, b"good", fin=False) + frame(0x0, b"\xff", fin=False))
    await _fails(talk, client, 1007, "InvalidData")


# S15.4, S15.5

_SMALL: Final = Options(max_message_size=1000, max_fragments=3, compression=True)


@case(_Sizes, ["S15.4"], options=_SMALL, needs=["options"])
async def the_head_of_a_frame_tells_that_it_is_too_big(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(_BINARY, bytes(1001))[:8])
    await _fails(talk, client, 1009, "MessageTooBig")


@case(_Sizes, ["S15.4"], options=_SMALL, needs=["options"])
async def the_head_of_a_fragment_tells_that_the_message_is_too_big(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(_BINARY, bytes(600), fin=False) + frame(0x0, bytes(401))[:8])
    await _fails(talk, client, 1009, "MessageTooBig")


@case(_Sizes, ["S15.4"], options=_SMALL, needs=["options"])
async def what_is_inflated_too_far_fails_before_the_end_of_the_message(talk: Talk) -> None:
    client = await talk.open(compression=Compression())
    deflater = zlib.compressobj(wbits=-15)
    bomb = deflater.compress(bytes(1_000_000)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    await client.send_bytes(frame(_BINARY, bomb, fin=False, rsv=_COMPRESSED))
    await _fails(talk, client, 1009, "MessageTooBig")


@case(_Sizes, ["S15.5"], options=_SMALL, needs=["options"])
async def empty_fragments_count(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(_BINARY, fin=False) + frame(0x0, fin=False) * 3)
    await _fails(talk, client, 1009, "MessageTooBig")


@case(_Sizes, ["S15.5"], options=_SMALL, needs=["options"])
async def blocks_that_restart_a_compressed_stream_count(talk: Talk) -> None:
    client = await talk.open(compression=Compression())
    await client.send_bytes(frame(_BINARY, b"\x03\x00" + b"\x00", rsv=_COMPRESSED))
    await talk.hears(client, "0")
    await client.send_bytes(frame(_BINARY, b"\x03\x00" * 5 + b"\x00", rsv=_COMPRESSED))
    await _fails(talk, client, 1009, "MessageTooBig")


# S15.6

_MANY: Final = 8 * 1024
_KIB: Final = 1024


@case(_Sizes, ["S15.6"], options=Options(max_message_size=_MANY * _KIB), needs=["options"])
async def a_message_of_many_fragments_takes_no_longer_than_its_bytes(talk: Talk) -> None:
    client = await talk.open()
    middle = frame(0x0, bytes(_KIB), fin=False)
    first, last = frame(_BINARY, bytes(_KIB), fin=False), frame(0x0, bytes(_KIB))
    await client.send_bytes(first + middle * (_MANY - 2) + last)
    await talk.hears(client, str(_MANY * _KIB))


# S15.7

_INVALID_OFFERS: Final = (
    "permessage-deflate; unknown",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=010",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; client_no_context_takeover=1",
    "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
)


@case(_Echo, ["S15.7"], options=_DEFLATED, needs=["options"])
async def an_invalid_offer_of_compression_is_declined(talk: Talk) -> None:
    for offer in _INVALID_OFFERS:
        answer = await asked(talk, f"Sec-WebSocket-Extensions: {offer}")
        has_status(answer, 101)
        if (found := answer.headers.get("sec-websocket-extensions")) is not None:
            raise Failure(f"{offer!r} was answered with {found!r}")


@case(_Echo, ["S15.7"], options=_DEFLATED, needs=["options"])
async def compression_that_is_not_offered_is_not_agreed_on(talk: Talk) -> None:
    client = await talk.open()
    if (found := client.head.headers.get("sec-websocket-extensions")) is not None:
        raise Failure(f"the 101 says Sec-WebSocket-Extensions: {found}")


# S15.9

_SCRIPT: Final = (
    frame(_TEXT, "h\N{GRINNING FACE}".encode())
    + frame(_TEXT, b"fr", fin=False)
    + frame(0x9, b"?")
    + frame(0x0, b"agments")
    + frame(_BINARY, bytes(200))
    + frame(0x8, b"\x03\xe8bye")
)
_HEARD: Final = ("h\N{GRINNING FACE}", "fragments", bytes(200))


_APART: Final = 0.0005  # seconds between two pieces, so that the host reads them one by one


async def _hears_the_script(talk: Talk, *pieces: bytes) -> None:
    client = await talk.open()
    for piece in pieces:
        await client.send_bytes(piece)
        await asyncio.sleep(_APART)
    await talk.hears_beside(client, Pong(b"?"), *_HEARD)
    talk.is_answer(await client.receive(), 1000)


@case(_Echo, ["S15.9"], needs=["control"])
async def however_bytes_are_split_they_are_handled_alike(talk: Talk) -> None:
    await _hears_the_script(talk, _SCRIPT)
    await _hears_the_script(talk, *[_SCRIPT[at : at + 1] for at in range(len(_SCRIPT))])
    for size in (3, 7):
        pieces = [_SCRIPT[at : at + size] for at in range(0, len(_SCRIPT), size)]
        await _hears_the_script(talk, *pieces)


# S15.10


@case(_Echo, ["S15.10"], needs=["violations"])
async def a_length_out_of_range_in_a_frame_is_refused(talk: Talk) -> None:
    # The last three are 64 KiB in their lowest bits.
    for size in (2**64 - 1, 2**63 - 1, 2**63 + 2**16, 2**62 + 2**16, 2**32 + 2**16):
        client = await talk.open()
        head = bytes([0x82, 0xFF]) + size.to_bytes(8, "big") + bytes(4)
        await client.send_bytes(head + frame(_TEXT, b"behind"))
        heard = await client.receive()
        if getattr(heard, "code", None) not in {1002, 1009}:
            raise Failure(f"{heard!r} came for a length of {size}")
