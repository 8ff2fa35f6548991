"""Conversion between Sock's form and the form that other servers use."""

from __future__ import annotations

import pytest

from sock import Response
from sock.adapters import conversion


def test_an_address_is_a_host_and_a_port_or_none():
    assert conversion.address_of(["::1", "80", 0, 0]) == ("::1", 80)
    assert conversion.address_of("/a/path") is None
    assert conversion.address_of(("a", None)) is None
    assert conversion.address_of(("a",)) is None


@pytest.mark.parametrize(
    ("response", "headers"),
    [
        (Response(200, "hi"), [("Content-Type", "text/plain; charset=utf-8")]),
        (Response(200, b"hi"), [("Content-Type", "application/octet-stream")]),
        (Response(200, "{}", {"content-type": "x/y"}), [("content-type", "x/y")]),
        (Response(204), []),
        (
            Response(200, b"", {"Content-Length": "9", "Connection": "close", "X-A": "b"}),
            [("X-A", "b")],
        ),
    ],
)
def test_the_headers_of_a_response_tell_its_type_and_not_its_length(response, headers):
    assert conversion.headers_of(response) == headers


def test_a_header_that_is_encoded_as_latin_1_is_sent_as_utf_8():
    assert conversion.for_latin_1("é").encode("latin-1") == "é".encode()


def test_the_name_of_a_type_has_its_module():
    assert conversion.type_name(7) == "builtins.int"
