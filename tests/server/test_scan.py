"""What is read in one pass is what the check says, and never anything that it refuses."""

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sock import native
from sock.server.head import BadRequest, check_head
from sock.server.scan import scan

ASKS = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"

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
        b"GET / HTTP/1.1\r\nHost:a\r\nX:\r\nUPGRADE: \twebsocket \r\nconnection: upgrade\r\n\r\n",
        b"GET /%20?a=b&c HTTP/1.1\r\nhOST: 127.0.0.1:1\r\nOrigin: \xe9\r\n" + ASKS + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + ASKS + b"X-Protocol: a\r\nX-Protocol: b\r\n\r\n",
    ],
)
def test_an_ordinary_head_is_read_in_one_pass_as_parser_and_check_read_it(head):
    assert scan(head) == judged(head) is not None


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade:\r\nConnection: upgrade\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\xa0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + ASKS + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n" + ASKS + b"\r\n",
    ],
)
def test_what_is_no_ordinary_handshake_is_for_others_to_read(head):
    assert scan(head) is None


class Notes:
    """What a parser tells."""

    done = False

    def on_headers_complete(self):
        self.done = True


def judged(head):
    """Return what parser and check make of a head; None for what they refuse."""
    notes = Notes()
    parser = httptools.HttpRequestParser(notes)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return None
    if not notes.done:
        return None
    try:
        return check_head(head)
    except BadRequest:
        return None


targets = st.one_of(
    st.sampled_from([b"/", b"/a/b?c=d", b"/%41", b"/a b", b"http://a/", b"*", b""]),
    st.binary(max_size=6).map(lambda more: b"/" + more),
)
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
            b"Connection: keep-alive, Upgrade",
            b"Connection: close",
            b"Connection: \x85upgrade",
            b"Upgrade:",
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
        lambda name, value: name + b":" + value, st.binary(max_size=5), st.binary(max_size=5)
    ),
    st.builds(
        lambda name, value: b"X-" + name.encode() + b": " + value,
        st.text("!#$%&'*+-.^_`|~09azAZ", max_size=5),
        st.binary(max_size=5),
    ),
)


@settings(max_examples=1000)
@given(
    st.sampled_from([b"GET", b"GET", b"GET", b"POST", b"get", b"GET "]),
    targets,
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"]),
    st.lists(lines, max_size=4),
    st.booleans(),
)
@example(b"GET", b"/", b"HTTP/1.1", [b"Host: a", b"Host: b"], True)
def test_nothing_is_read_in_one_pass_that_is_refused_or_read_otherwise(
    method, target, version, fields, ordinary
):
    usual = [b"Host: a", b"Upgrade: websocket", b"Connection: Upgrade"] if ordinary else []
    line = b" ".join([method, target, version])
    head = b"".join(part + b"\r\n" for part in [line, *usual, *fields, b""])
    head = head[: head.index(b"\r\n\r\n") + 4]
    scanned = scan(head)
    assert scanned is None or scanned == judged(head)
