"""The bytes of an ordinary answer."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import pytest

from sock import Request, Response
from sock.server import response as answer

GET = Request("GET", "/")


def rendered(response, request=GET, *, keep_alive=True):
    head, _, body = answer.render(response, request, keep_alive=keep_alive).partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    return line, [tuple(field.split(": ", 1)) for field in fields], body


def fields(response, request=GET, *, keep_alive=True):
    return {
        name.lower(): value for name, value in rendered(response, request, keep_alive=keep_alive)[1]
    }


def test_an_answer_has_its_status_its_phrase_its_headers_and_its_body():
    line, pairs, body = rendered(Response(404, "no such room", [("X-A", "1"), ("X-A", "2")]))
    assert line == "HTTP/1.1 404 Not Found"
    assert [value for name, value in pairs if name == "X-A"] == ["1", "2"]
    assert body == b"no such room"


def test_a_status_without_a_name_is_sent_all_the_same():
    assert rendered(Response(599))[0] == "HTTP/1.1 599 "


def test_an_answer_is_dated_rfc_9110_6_6_1():
    date = fields(Response())["date"]
    assert re.fullmatch(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT", date)
    assert parsedate_to_datetime(date)


def test_a_date_of_the_application_stays():
    sent = rendered(Response(headers={"date": "Thu, 01 Jan 1970 00:00:00 GMT"}))[1]
    assert [value for name, value in sent if name.lower() == "date"] == [
        "Thu, 01 Jan 1970 00:00:00 GMT"
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("hé", "text/plain; charset=utf-8"),
        (b"h", "application/octet-stream"),
        ("", None),
        (b"", None),
    ],
)
def test_a_content_type_is_guessed_from_the_type_of_the_body(body, kind):
    assert fields(Response(200, body)).get("content-type") == kind


def test_a_content_type_of_the_application_stays():
    assert (
        fields(Response(200, "<p>", {"content-type": "text/html"}))["content-type"] == "text/html"
    )


def test_the_length_counts_bytes():
    assert fields(Response(200, "hé"))["content-length"] == "3"
    assert fields(Response(200))["content-length"] == "0"


def test_a_205_says_that_it_has_no_content_rfc_9110_15_3_6():
    _, pairs, body = rendered(Response(205, "x"))
    assert body == b""
    assert dict(pairs)["Content-Length"] == "0"
    assert "Content-Type" not in dict(pairs)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_no_body_and_no_length_rfc_9110_8_6(status):
    _, pairs, body = rendered(Response(status, "x"))
    assert body == b""
    assert "Content-Length" not in dict(pairs)


def test_the_answer_to_head_has_the_length_and_no_body_rfc_9110_9_3_2():
    _, pairs, body = rendered(Response(200, "hello"), Request("HEAD", "/"))
    assert dict(pairs)["Content-Length"] == "5"
    assert body == b""


def test_where_the_message_ends_is_not_the_applications_to_say_rfc_9112_6_3():
    headers = {"Content-Length": "99", "transfer-encoding": "chunked", "Connection": "keep-alive"}
    sent = fields(Response(200, "hi", headers), keep_alive=False)
    assert sent["content-length"] == "2"
    assert sent["connection"] == "close"
    assert "transfer-encoding" not in sent


@pytest.mark.parametrize(
    ("version", "keep_alive", "connection"),
    [
        ("1.1", True, None),
        ("1.1", False, "close"),
        ("1.0", True, "keep-alive"),
        ("1.0", False, "close"),
    ],
)
def test_connection_says_what_is_not_understood_rfc_9112_9_3(version, keep_alive, connection):
    request = Request("GET", "/", http_version=version)
    assert fields(Response(), request, keep_alive=keep_alive).get("connection") == connection


def test_a_426_says_what_to_upgrade_to_rfc_9110_15_5_22():
    sent = fields(Response(426, "no"), keep_alive=False)
    assert sent["upgrade"] == "websocket"
    assert sent["connection"] == "close, Upgrade"


def test_a_426_with_an_upgrade_of_its_own_has_one():
    pairs = rendered(Response(426, headers={"Upgrade": "websocket, h2c"}))[1]
    assert [value for name, value in pairs if name == "Upgrade"] == ["websocket, h2c"]


def test_a_header_is_sent_as_utf_8():
    """[S13.10] RFC 9110 §5.5."""
    head = answer.render(Response(headers={"X": "€ é"}), GET, keep_alive=True)
    assert "\r\nX: € é\r\n".encode() in head


@pytest.mark.parametrize(
    ("value", "wanted"), [("close", True), ("x, Close", True), ("keep-alive", False)]
)
def test_an_application_may_end_the_connection(value, wanted):
    assert answer.wants_close(Response(headers={"Connection": value})) is wanted
