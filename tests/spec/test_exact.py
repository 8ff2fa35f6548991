"""What an application gives is taken as what it is, whatever its class says of it. [S13.3]"""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus

import pytest

from sock import (
    CloseCode,
    Ping,
    Pong,
    Prepared,
    Refuse,
    Request,
    Response,
    Sock,
    Stop,
    Text,
    Upgrade,
)
from sock.spec.exact import exact_bytes, exact_content, exact_int, exact_text


class LyingText(str):
    """Says of itself that it is empty, and harmless."""

    __slots__ = ()

    def __len__(self):
        return 0

    def __iter__(self):
        return iter("harmless")

    def __contains__(self, other):
        return False

    def __format__(self, spec):
        return "evil\r\nX: y"

    def __str__(self):
        return "evil\r\nX: y"

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1

    def encode(self, *args):
        return b"evil\r\nX: y"

    def lower(self):
        return "harmless"

    def isascii(self):
        return True


class LyingBytes(bytes):
    """Says of itself that it is empty."""

    __slots__ = ()

    def __len__(self):
        return 0

    def __iter__(self):
        return iter(b"")

    def __bytes__(self):
        return b"evil"

    def __getitem__(self, key):
        return b"evil"

    def __buffer__(self, flags):
        return memoryview(b"evil")


class LyingBuffer(bytearray):
    def __len__(self):
        return 0

    def __getitem__(self, key):
        return bytearray(b"evil")

    def __bytes__(self):
        return b"evil"


class LyingInt(int):
    """Says of itself that it is within all limits."""

    def __le__(self, other):
        return True

    __lt__ = __ge__ = __gt__ = __le__

    def __int__(self):
        return 200

    def __index__(self):
        return 200

    def __format__(self, spec):
        return "200 OK\r\nX: y"

    __str__ = __repr__ = lambda self: "200 OK\r\nX: y"


class Mine(IntEnum):
    FULL = 4001


def test_exact_copies_are_of_pythons_own_types():
    assert exact_text("a") == "a"
    assert type(exact_text(LyingText("honest"))) is str
    assert exact_text(LyingText("honest")) == "honest"
    assert type(exact_bytes(LyingBytes(b"honest"))) is bytes
    assert exact_bytes(LyingBytes(b"honest")) == b"honest"
    assert type(exact_bytes(LyingBuffer(b"honest"))) is bytearray
    assert exact_bytes(LyingBuffer(b"honest")) == b"honest"
    assert exact_bytes(b"same") == b"same"
    assert exact_content(LyingText("honest")) == "honest"
    assert exact_content(LyingBytes(b"honest")) == b"honest"
    assert exact_content(b"same") == b"same"
    assert type(exact_int(LyingInt(7))) is int
    assert (exact_int(LyingInt(7)), exact_int(8)) == (7, 8)


@pytest.mark.parametrize("text", ["a\r\nX: y", "a\nb", "a\0b"])
def test_a_header_is_judged_by_the_characters_that_it_has(text):
    lie = LyingText(text)
    with pytest.raises(ValueError, match="RFC 9110 §5"):
        Response(200, headers={"X-A": lie})
    with pytest.raises(ValueError, match="RFC 9110 §5"):
        Response(200, headers=[(lie, "a")])
    with pytest.raises(ValueError, match="RFC 9110 §5"):
        Refuse(403, headers={"X-A": lie})
    with pytest.raises(ValueError, match="RFC 9110 §5"):
        Upgrade(Sock(Request()), headers={"X-A": lie})
    with pytest.raises(ValueError, match="is no subprotocol"):
        Upgrade(Sock(Request()), subprotocol=lie)


def test_what_is_kept_is_exact():
    lie = LyingText("honest")
    response = Response(HTTPStatus.NOT_FOUND, lie, [(lie, lie)])
    assert (type(response.status), type(response.body)) == (int, str)
    assert [*map(type, response.headers[0])] == [str, str]
    upgrade = Upgrade(Sock(Request()), subprotocol=lie, headers=[(lie, lie)])
    assert type(upgrade.subprotocol) is str
    assert [*map(type, upgrade.headers[0])] == [str, str]
    assert type(Response(200, LyingBytes(b"honest")).body) is bytes
    assert type(Text(LyingBytes(b"honest")).utf8) is bytes
    assert type(Prepared(lie).message) is str
    assert type(Prepared(LyingBytes(b"honest")).message) is bytes
    for frame in (Ping(LyingBytes(b"honest")), Pong(LyingBytes(b"honest"))):
        assert type(frame.payload) is bytes
        assert frame.payload == b"honest"
    stop = Stop(Mine.FULL, lie)
    assert (type(stop.code), stop.code, type(stop.detail), stop.detail) == (
        int,
        4001,
        str,
        "honest",
    )
    assert Stop(CloseCode.GOING_AWAY).code is CloseCode.GOING_AWAY


def test_limits_are_those_of_the_value_itself():
    with pytest.raises(ValueError, match="200 to 599"):
        Response(LyingInt(99))
    with pytest.raises(ValueError, match="may not travel"):
        Stop(LyingInt(1005))
    with pytest.raises(ValueError, match="at most 125"):
        Ping(LyingBytes(b"x" * 126))
    with pytest.raises(ValueError, match="at most 125"):
        Pong(LyingBytes(b"x" * 126))
