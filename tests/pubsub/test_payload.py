"""Messages as values and as bytes."""

from dataclasses import dataclass

import pytest

from sock import Prepared
from sock.pubsub.payload import BINARY, JSON, TEXT, Payloads, whole

pytestmark = pytest.mark.one_form


@dataclass
class Line:
    author: str
    text: str


@pytest.mark.parametrize("message", ["é", b"\xff", "", b""])
def test_text_and_bytes_come_back_as_they_were(message):
    payloads = Payloads()
    kind, data = payloads.encode(message)
    assert payloads.decode(kind, data) == message
    assert whole(kind, data) == Prepared(message)


def test_what_is_no_message_of_the_declared_type_is_refused_where_it_is_published():
    for declared, message in ((None, 7), (str, b"x"), (bytes, "x")):
        with pytest.raises(TypeError, match="this PubSub carries"):
            Payloads(declared).encode(message)
    with pytest.raises(ValueError, match="surrogates"):
        Payloads().encode("\ud800")
    with pytest.raises(TypeError, match="'str' is not Line"):
        Payloads(Line).encode("x")


def test_what_comes_and_is_of_another_kind_is_named():
    for declared, kind, said in (
        (Line, TEXT, "it is text, and this PubSub takes JSON"),
        (None, JSON, "it is JSON, and this PubSub takes text and binary"),
        (str, BINARY, "it is binary, and this PubSub takes text"),
        (bytes, 9, "it is of the kind 9, and this PubSub takes binary"),
    ):
        with pytest.raises(ValueError, match=f"^{said}$"):
            Payloads(declared).decode(kind, b"x")


def test_a_message_of_a_declared_type_is_json():
    kind, data = Payloads(Line).encode(Line("ada", "hi"))
    assert data == b'{"author":"ada","text":"hi"}'
    assert Payloads(Line).decode(kind, data) == Line("ada", "hi")
    assert whole(kind, data) == Prepared('{"author":"ada","text":"hi"}')


@pytest.mark.parametrize(
    ("declared", "kind", "data"),
    [
        (Line, JSON, b"{}"),
        (Line, JSON, b"garbage"),
        (Line, TEXT, b"{}"),
        (None, JSON, b"{}"),
        (None, 9, b""),
        (None, TEXT, b"\xff"),
        (str, BINARY, b"x"),
        (bytes, TEXT, b"x"),
    ],
)
def test_what_another_program_sends_is_an_error_that_can_be_counted(declared, kind, data):
    with pytest.raises(ValueError, match=r"takes|decode|author|JSON|malformed"):
        Payloads(declared).decode(kind, data)
