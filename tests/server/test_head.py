"""What RFC 9112 forbids in a head is refused, whatever httptools makes of it."""

from __future__ import annotations

import pytest

from sock.server.head import BadRequest
from sock.server.reader import Reader

MAX_BODY = 64 * 1024
CHUNKED_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def refusal(data, **limits):
    reader = Reader(limits.get("max_head_size", 16384), MAX_BODY)
    reader.feed(data)
    with pytest.raises(BadRequest) as caught:
        while reader.next() is not None or reader.unfinished:
            pass
    return caught.value.status, caught.value.detail


def test_an_absolute_target_names_the_host_rfc_9112_3_2_2():
    reader = Reader(1024, MAX_BODY)
    reader.feed(b"GET http://example.com:81/a?b HTTP/1.1\r\nHost: other\r\n\r\n")
    request = reader.next()
    assert request.target == "/a?b"
    assert request.headers.get_all("host") == ["example.com:81"]


@pytest.mark.parametrize(
    ("target", "path"), [("http://a", "/"), ("HTTP://a?q", "/?q"), ("ws://a/x", "/x")]
)
def test_an_absolute_target_without_a_path_is_the_root_rfc_9110_4_2_3(target, path):
    reader = Reader(1024, MAX_BODY)
    reader.feed(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert reader.next().target == path


def test_an_asterisk_is_a_target_of_options_rfc_9112_3_2_4():
    reader = Reader(1024, MAX_BODY)
    reader.feed(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert reader.next().target == "*"


@pytest.mark.parametrize(
    ("head", "status", "section"),
    [
        # The request line.
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §3"),
        (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET /\r\n\r\n", 400, "RFC 9112 §3"),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "RFC 9110 §9.3.6"),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "RFC 9110 §9.1"),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "RFC 9110 §9.1"),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, "RFC 9112 §3"),
        # The version.
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "RFC 9110 §15.6.6"),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "RFC 9110 §15.6.6"),
        (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "RFC 9110 §15.6.6"),
        (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "RFC 9110 §15.6.6"),
        (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET / ICE/1.0\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"PLAY / RTSP/1.0\r\nHost: a\r\n\r\n", 400, "RFC 9112 §"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "RFC 9110 §15.6.6"),
        # The fields.
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\n: a\r\nHost: a\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\nX@Y: a\r\nHost: a\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\x01c\r\n\r\n", 400, "RFC 9112 §5"),
        (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400, "RFC 9112 §"),
        (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, "RFC 9112 §"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\nX: b\r\n\r\n", 400, "RFC 9112 §"),
        # Host.
        (b"GET / HTTP/1.1\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET / HTTP/1.1\r\nHost: a, b/\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "RFC 9112 §3.2"),
        (b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "RFC 9112 §3.2"),
        # Where the message ends.
        (
            (
                b"POST / HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            ),
            400,
            "RFC 9112 §",
        ),
        (
            (
                b"POST / HTTP/1.1\r\nHost: a\r\n"
                b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"
            ),
            400,
            "RFC 9112 §",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            400,
            "RFC 9112 §",
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400, "RFC 9112 §"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400, "RFC 9112 §"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx", 400, "RFC 9112 §"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400, "RFC 9112 §"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            400,
            "RFC 9112 §",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501,
            "RFC 9112 §6.1",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
            400,
            "RFC 9112 §",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            400,
            "RFC 9112 §",
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n\r\n", 400, "RFC 9112 §"),
        (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "RFC 9112 §6.1"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n",
            417,
            "RFC 9110 §10.1.1",
        ),
        # Chunks.
        (CHUNKED_HEAD + b"g\r\n", 400, "RFC 9112 §7"),
        (CHUNKED_HEAD + b"5 \r\nhello\r\n", 400, "RFC 9112 §7"),
        (CHUNKED_HEAD + b"5\nhello\r\n", 400, "RFC 9112 §7"),
        (CHUNKED_HEAD + b"5\r\nhelloXX\r\n", 400, "RFC 9112 §7"),
        (CHUNKED_HEAD + b"fffffffffffffffff\r\n", 400, "RFC 9112 §7"),
    ],
)
def test_a_head_that_breaks_a_rule_is_refused(head, status, section):
    got, detail = refusal(head)
    assert got == status
    assert section in detail
