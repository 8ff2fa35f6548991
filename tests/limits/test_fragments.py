"""How many frames a message may have, against a whole server. RFC 6455 §5.4, §10.4."""

import pytest

from sock import Sock
from sock.testing import Close, frame

pytestmark = pytest.mark.usefixtures("reactor_kind")

KIB = 1024
BINARY, CONTINUATION, CLOSE = 0x2, 0x0, 0x8
LARGE = bytes(range(256)) * (17_000_000 // 256)


class Sizes(Sock):
    def handle_in(self, message):
        return f"{len(message)}: {message == LARGE}"


def in_pieces(message, size):
    """Cut a message into frames, as a client does that never holds all of it."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(
        frame(CONTINUATION if number else BINARY, piece, fin=number + 1 == len(pieces))
        for number, piece in enumerate(pieces)
    )


@pytest.mark.parametrize("piece", [128 * KIB, 16 * KIB], ids=["Chromium", "npm's websocket"])
def test_a_large_message_may_come_in_the_pieces_of_its_client(talk, piece):
    """[S17.1]"""
    said = in_pieces(LARGE, piece) + frame(CLOSE)
    heard, *_ = talk(Sizes, said, max_message_size=64 << 20)
    assert heard == f"{len(LARGE)}: True"


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({}, 1024),
        ({"max_message_size": 100}, 1024),
        ({"max_message_size": 2000 * KIB}, 2000),
        ({"max_message_size": 2000 * KIB, "max_fragments": 7}, 7),
        ({"max_message_size": 2000 * KIB, "max_fragments": 3000}, 3000),
    ],
)
def test_one_fragment_more_than_is_allowed_is_refused_with_1009(talk, options, allowed):
    """[S15.5] [S17.1]"""
    for fragments, code in ((allowed, 1000), (allowed + 1, 1009)):
        more = frame(CONTINUATION, fin=False) * (fragments - 2)
        said = frame(BINARY, fin=False) + more + frame(CONTINUATION)
        heard = talk(Sizes, said + frame(CLOSE, b"\x03\xe8"), **options)
        assert next(one.code for one in heard if isinstance(one, Close)) == code
