"""A peer of our own making: frames as a client sends them, built without the code under test."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from sock import ProtocolError
from sock.wire.parser import Event, Parser

KEY = b"\x37\xfa\x21\x3d"


@dataclass
class Log:
    """Takes what a parser delivers, and lets it go on."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> bool:
        self.events.append(event)
        return True

    @property
    def kinds(self) -> list[object]:
        """The events, and for an error its kind: its words may tell how the bytes came."""
        return [type(each) if isinstance(each, ProtocolError) else each for each in self.events]


def make_frame(first: int, payload: bytes = b"", key: bytes | None = KEY) -> bytes:
    """Return a frame, masked unless the key is None; `first` is FIN, reserved bits and opcode."""
    size = len(payload)
    bit = 0 if key is None else 0x80
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 65536:
        head = bytes((first, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8, "big")
    if key is None:
        return head + payload
    covered = (key * (size // 4 + 1))[:size]
    return head + key + bytes(a ^ b for a, b in zip(payload, covered, strict=True))


def make_parser(**changes) -> Parser:
    return Parser(**{"max_message_size": 1 << 20, "max_fragments": 1024, **changes})


def feed(parser: Parser, data: bytes, step: int | None = None) -> list[Event]:
    """Feed all at once, or so many bytes at a time; return what was delivered."""
    log = Log()
    step = step or max(len(data), 1)
    for start in range(0, len(data), step):
        assert parser.feed(data[start : start + step], log)
    return log.events


def the_failure(events: list[Event], good: int = 0) -> ProtocolError:
    """Return the error that the events end with, after so many good ones."""
    assert len(events) == good + 1, events
    error = events[-1]
    assert isinstance(error, ProtocolError), events
    return error


def squeeze(payload: bytes, bits: int = 15, stream: "zlib._Compress | None" = None) -> bytes:
    """Compress a message the way of RFC 7692 §7.2.1, alone or with a stream that goes on."""
    stream = stream or zlib.compressobj(9, zlib.DEFLATED, -bits)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def final_block(payload: bytes) -> bytes:
    """Compress into a stream that ends: its last block has BFINAL."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(payload) + stream.flush(zlib.Z_FINISH)


@pytest.fixture(scope="session")
def peer() -> SimpleNamespace:
    return SimpleNamespace(
        Log=Log,
        KEY=KEY,
        frame=make_frame,
        feed=feed,
        failure=the_failure,
        squeeze=squeeze,
        final_block=final_block,
    )


@pytest.fixture(scope="session")
def new_parser() -> Callable[..., Parser]:
    return make_parser
