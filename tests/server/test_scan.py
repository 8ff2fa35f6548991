"""What is read in one pass is what the check says, and never anything that it refuses."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sock import native
from sock.server.head import BadRequest, check
from sock.server.reader import Reader
from sock.server.scan import scan

BROWSER = (
    b"GET /rooms/7?name=ada HTTP/1.1\r\nHost: chat.example.com:8080\r\n"
    b"Connection: keep-alive, Upgrade\r\nPragma: no-cache\r\nUser-Agent: Mozilla/5.0 (X11)\r\n"
    b"Upgrade: websocket\r\nOrigin: http://chat.example.com:8080\r\nSec-WebSocket-Version: 13\r\n"
    b"Accept-Encoding: gzip\r\nCookie: a=1; b=2\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)


@pytest.mark.skipif(not native.ACTIVE, reason="Python reads none in one pass")
@pytest.mark.parametrize(
    "head",
    [
        BROWSER,
        b"GET / HTTP/1.1\r\nHost:a\r\nX:\r\nUPGRADE: \twebsocket \r\n\r\n",
        b"GET /%20?a=b&c HTTP/1.1\r\nhOST: 127.0.0.1:1\r\nOrigin: \xe9\r\n\r\n",
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: a\r\n"
            b"Sec-WebSocket-Protocol: b\r\n\r\n"
        ),
    ],
)
def test_an_ordinary_head_is_read_in_one_pass_as_the_check_reads_it(head):
    assert scan(head) == check(head)


lines = st.one_of(
    st.sampled_from(
        [
            b"Host: a",
            b"host: A.b-c:80",
            b"Host: [::1]",
            b"Host:",
            b"Host: a:b",
            b"Host : a",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Content-Length: 0",
            b"Transfer-Encoding: chunked",
            b"Expect: 100-continue",
            b"X-Other: \xff value\t",
            b" folded: line",
            b"Sec-WebSocket-Key: a\rb",
            b"Origin: a\nb: c",
            b"Empty:",
            b"Hostess: x",
            b"@ost: x",
        ]
    ),
    st.builds(
        lambda name, value: name + b":" + value, st.binary(max_size=9), st.binary(max_size=9)
    ),
)


@given(
    st.sampled_from(
        [
            b"GET / HTTP/1.1",
            b"GET /#a HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"GET http://a/ HTTP/1.1",
            b"POST / HTTP/1.1",
            b"GET / HTTP/1.0",
            b"GET /\xff HTTP/1.1",
            b"GET  / HTTP/1.1",
        ]
    ),
    st.lists(lines, max_size=5),
)
@example(b"GET / HTTP/1.1", [b"Host: a", b"Host: b"])
def test_nothing_is_read_in_one_pass_that_is_refused_or_read_otherwise(line, fields):
    head = b"".join(part + b"\r\n" for part in [line, *fields, b""])
    reader = Reader(1 << 16)
    reader.feed(head)
    try:
        reader.next()
    except BadRequest:
        expected = None
    else:
        expected = check(head[: head.index(b"\r\n\r\n") + 4])
    scanned = scan(head[: head.index(b"\r\n\r\n") + 4])
    if expected is not None and scanned is not None:
        assert scanned == expected
    elif scanned is not None:
        # The parser has refused it before: the scan is asked only for what that takes.
        with pytest.raises(BadRequest):
            fresh = Reader(1 << 16)
            fresh.feed(head)
            fresh.next()
