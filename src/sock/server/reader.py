"""Requests out of bytes, without I/O; the parser of heads and bodies is httptools.

    in      what comes                     what is done                              then
    ------  -----------------------------  ----------------------------------------  ------
    HEAD    empty lines before a request   dropped, counted                          HEAD
    HEAD    a part of a head               given to the parser, which fails early    HEAD
    HEAD    the end of a head, no body     checked; the request is returned          HEAD
    HEAD    a whole, ordinary handshake    scanned in place of both, where C can     HEAD
    HEAD    the end of a head, a body      checked; Expect is noted                  BODY
    BODY    a part of the body             given to the parser, counted, dropped     BODY
    BODY    the end of the body            the request is returned                   HEAD

The parser is never given a byte that lies behind the head or the body it is reading. So what comes
behind a request that asks to upgrade is still here (`take_rest`), whatever the parser thinks of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast, final

import httptools

from sock.spec import Request

from .head import BadRequest, Head, blame, check
from .scan import scan

if TYPE_CHECKING:
    from sock.spec.request import Peer

MAX_BODY: Final = 64 * 1024
"""Bytes of a request's body, chunks' framing included. Nobody reads them: an application has no use
for a body, but a client that sends one shall see the answer."""

_TOO_LARGE: Final = f"a body of more than {MAX_BODY} bytes (RFC 9110 §15.5.14)"
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)*")


@final
class Reader:
    r"""Reads requests, one after the other, out of what a connection receives.

    Args:
        max_head_size: bytes of a head, empty lines before it included.
        peer: knows the addresses for the requests made; None where nobody does.

    >>> reader = Reader(1024)
    >>> reader.feed(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\nmore")
    >>> reader.next(), reader.take_rest()
    (Request('GET', '/'), b'more')

    RFC 9112.
    """

    __slots__ = (
        "_ahead",
        "_at",
        "_body_left",
        "_complete",
        "_data",
        "_fed",
        "_head_done",
        "_in_body",
        "_max_head_size",
        "_parser",
        "_peer",
        "_request",
        "expects_continue",
        "keep_alive",
    )

    def __init__(self, max_head_size: int, peer: Peer | None = None) -> None:
        self._max_head_size = max_head_size
        self._peer = peer
        self._data = b""
        self._at = 0  # where in it the head or the body that is being read begins
        self._fed = 0  # up to where the parser has it
        self._ahead = 0  # bytes of empty lines dropped before this head
        self._head_done = False
        self._complete = False
        self._in_body = False
        self._body_left = 0
        self._request: Request | None = None
        self.keep_alive = False
        """Whether another request may follow the one that `next` returned last."""
        self.expects_continue = False
        """Whether the peer waits for a 100 before it sends the body; cleared by who sends it."""
        self._parser: Any = None  # made when there is something for it

    @property
    def begun(self) -> bool:
        """Whether a request has come in part."""
        return self._in_body or self._at < len(self._data) or self._ahead > 0

    @property
    def waiting(self) -> int:
        """Bytes that have come and that nobody has read."""
        return len(self._data) - self._fed

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        if self._at:
            self._data = self._data[self._at :]
            self._fed -= self._at
            self._at = 0
        self._data = self._data + data if self._data else data

    def take_rest(self) -> bytes:
        """Return what came behind the last request, and close."""
        rest = self._data[self._at :]
        self.close()
        return rest

    def close(self) -> None:
        """Read no more. Lets go of the parser, which knows this object as this object knows it."""
        self._parser = None
        self._data = b""
        self._at = self._fed = 0

    def next(self) -> Request | None:
        """Return the next request, its body drained, or None when more bytes are needed.

        Raises:
            BadRequest: what has come breaks a rule or a limit; nothing can be read after it.
        """
        if not self._in_body and not self._read_head():
            return None
        if self._in_body and not self._read_body():
            return None
        request, self._request = self._request, None
        return request

    # Called by the parser.

    def on_headers_complete(self) -> None:
        """Note the end of the head."""
        self._head_done = True
        self.keep_alive = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Note the end of the message."""
        self._complete = True

    # Inside.

    def _read_head(self) -> bool:
        data = self._data
        if self._fed == self._at and data.startswith(b"\r", self._at):
            self._drop_empty_lines()
            if self._at == len(data) - 1 and data.endswith(b"\r"):  # half of another one, perhaps
                return False
        begin = self._at
        end = data.find(b"\r\n\r\n", max(begin, self._fed - 3))
        stop = len(data) if end < 0 else end + 4
        if self._ahead + stop - begin > self._max_head_size:
            raise BadRequest(431, f"a head of more than {self._max_head_size} bytes (RFC 6585 §5)")
        if stop == self._fed:
            return False
        whole = data[begin:stop]
        head = scan(whole) if end >= 0 and self._fed == begin else None
        if head is not None:
            self._complete = True
            self.keep_alive = False  # it asks to upgrade
        else:
            self._parse(data[self._fed : stop])
            self._fed = stop
            if self._head_done is not (end >= 0):
                blame(whole, "the head's lines do not end in CRLF")
            if end < 0:
                return False
            head = check(whole)
        self._at = self._fed = stop
        self._begin_message(head)
        self._ahead = 0
        return True

    def _drop_empty_lines(self) -> None:
        # RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD
        # ignore at least one empty line (CRLF) received prior to the request-line".
        lines = _EMPTY_LINES.match(self._data, self._at)
        if lines is not None:
            self._ahead += lines.end() - self._at
            self._at = self._fed = lines.end()

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The parser reads no further. Neither does the server, unless the request is a valid
            # upgrade: what follows may be frames, and never a request (smuggling).
            self.keep_alive = False
        except httptools.HttpParserError as error:
            if self._in_body:
                raise BadRequest(400, f"{_reason(error)} (RFC 9112 §7)") from None
            unknown_method = isinstance(error, httptools.HttpParserInvalidMethodError)
            blame(self._data[self._at :], _reason(error), unknown_method=unknown_method)

    def _begin_message(self, head: Head) -> None:
        self._request = Request.of_head(
            head.method, head.target, head.fields, http_version=head.version, peer=self._peer
        )
        self._request.notable = head.notable
        self._body_left = MAX_BODY if head.length is None else head.length
        if self._body_left > MAX_BODY:
            raise BadRequest(413, _TOO_LARGE)
        self._in_body = not self._complete
        self.expects_continue = head.expects_continue and self._in_body
        if not self._in_body:
            self._end_message()

    def _read_body(self) -> bool:
        data = self._data
        at = self._at
        if at < len(data):
            self.expects_continue = False  # the peer has not waited
        while at < len(data) and not self._complete:
            # A line at a time: a body, chunked or not, then ends where a piece ends.
            stop = data.find(b"\n", at) + 1 or len(data)
            stop = min(stop, at + self._body_left)
            if stop == at:
                raise BadRequest(413, _TOO_LARGE)
            self._parse(data[at:stop])
            self._body_left -= stop - at
            at = stop
        self._at = self._fed = at
        if not self._complete:
            return False
        self._end_message()
        return True

    def _end_message(self) -> None:
        self._in_body = self._head_done = self._complete = False


def _reason(error: Exception) -> str:
    return cast("str", error.args[0]) if error.args else "malformed"
