"""The content of an ordinary answer. RFC 9110."""

from __future__ import annotations

import pytest

from sock import Response
from sock.hosting.content import content_of, content_type_of, has_content_length


@pytest.mark.parametrize("body", ["hé", "hé".encode()])
def test_the_content_is_the_body_in_bytes(body):
    assert content_of(Response(200, body)) == "hé".encode()


@pytest.mark.parametrize("status", [204, 205, 304])
def test_these_statuses_have_neither_content_nor_a_type_of_it(status):
    response = Response(status, "text")
    assert content_of(response) == b""
    assert content_type_of(response) is None


@pytest.mark.parametrize(
    ("status", "wanted"), [(200, True), (204, False), (205, True), (304, False)]
)
def test_a_204_and_a_304_have_no_content_length(status, wanted):
    assert has_content_length(status) is wanted


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(200, "text"), "text/plain; charset=utf-8"),
        (Response(200, b"bytes"), "application/octet-stream"),
        (Response(200), None),
        (Response(200, "{}", {"content-TYPE": "application/json"}), None),
    ],
)
def test_a_content_type_is_added_to_content_that_has_none(response, kind):
    assert content_type_of(response) == kind
