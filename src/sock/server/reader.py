"""Reads requests out of bytes, without I/O. The parser of heads and bodies is httptools.

    in      what comes                    what is done                               then
    ------  ----------------------------  -----------------------------------------  ------
    HEAD    empty lines before a request  dropped and counted                        HEAD
    HEAD    a part of a head              given to the parser, which may refuse it   HEAD
    HEAD    the end of a head, no body    checked; the request is returned           HEAD
    HEAD    a whole, ordinary handshake   `scan` reads it, where the core is used    HEAD
    HEAD    the end of a head, a body     checked; the field Expect is noted         BODY
    BODY    a part of the body            given to the parser, counted and kept      BODY
    BODY    many small parts of a body    some are read, the rest by the next call   BODY
    BODY    the end of the body           the request is returned, with its body     HEAD

The parser gets a body in pieces, and the body can only end at the end of a piece: a piece is the
content of a chunk, or one line of the framing between chunks. So the parser never gets a byte from
behind the head or the body that it reads. The bytes behind a request that asks to upgrade stay here
until `take_rest`, whatever the parser thinks of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast, final

import httptools

from sock.spec import Host, Request

from .head import SPEAKS_TLS, BadRequest, Head, check_head, reject_head
from .scan import scan

if TYPE_CHECKING:
    from sock.spec.request import Peer

HOST: Final = Host("sock")
"""What `Request.host` is on our own server, which keeps all statements."""

_PIECES: Final = 64
"""Pieces of a body that one call reads at most. One read may bring 10,000 tiny chunks."""

_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]+")
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)*")


@final
class Reader:
    r"""Reads requests, one after the other, out of the bytes that a connection receives.

    Args:
        max_head_size: the bytes that a head may have, with the empty lines before it.
        max_body_size: the bytes that a body may have. The framing of its chunks may take half as
            many besides, and `max_head_size`.
        peer: knows the addresses that the requests get; None where they have none.

    >>> reader = Reader(1024, 1024)
    >>> reader.feed(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\nmore")
    >>> reader.next(), reader.take_rest()
    (Request('GET', '/'), b'more')

    RFC 9112.
    """

    __slots__ = (
        "_begin",
        "_body",
        "_chunk_begun",
        "_complete",
        "_data",
        "_empty_lines",
        "_fed",
        "_framing_left",
        "_head_done",
        "_in_body",
        "_max_body_size",
        "_max_head_size",
        "_parser",
        "_peer",
        "_piece_left",
        "_request",
        "expects_continue",
        "keep_alive",
        "unfinished",
    )

    def __init__(self, max_head_size: int, max_body_size: int, peer: Peer | None = None) -> None:
        self._max_head_size = max_head_size
        self._max_body_size = max_body_size
        self._peer = peer
        self._data = b""
        self._begin = 0  # where in the data the head, or the rest of the body, begins
        self._fed = 0  # up to where the parser has got the data
        self._empty_lines = 0  # bytes of empty lines that were dropped before this head
        self._head_done = False
        self._complete = False
        self._in_body = False
        self._body: bytearray | None = None  # the part of the body that has come
        self._piece_left = 0  # bytes of content before the next line of framing, or the end
        self._framing_left = 0  # bytes of framing between chunks that may still come
        self._chunk_begun = False
        self._request: Request | None = None
        self.keep_alive = False
        """Whether another request may follow the one that `next` has returned last."""
        self.expects_continue = False
        """Whether the peer waits for a 100 before it sends the body; sending the 100 clears it."""
        self.unfinished = False
        """Whether the last `next` stopped before it had read all that it could."""
        self._parser: Any = None  # made when there are bytes for it

    @property
    def begun(self) -> bool:
        """Whether a part of a request has come."""
        return self._in_body or self._begin < len(self._data) or self._empty_lines > 0

    @property
    def waiting(self) -> int:
        """The number of bytes that have come and that the parser has not got."""
        return len(self._data) - self._fed

    def feed(self, data: bytes) -> None:
        """Add bytes that have come."""
        if self._begin:
            self._data = self._data[self._begin :]
            self._fed -= self._begin
            self._begin = 0
        self._data = self._data + data if self._data else data

    def take_rest(self) -> bytes:
        """Return the bytes that came behind the last request, and close."""
        rest = self._data[self._begin :]
        self.close()
        return rest

    def close(self) -> None:
        """Read no more. The parser is let go of, as it and this object refer to each other."""
        self._parser = self._body = self._request = None
        self._data = b""
        self._begin = self._fed = 0
        self.unfinished = False

    def next(self) -> Request | None:
        """Return the next request with its body, or None when more bytes are needed.

        When there is much to read, this returns None too, and sets `unfinished`: the next call goes
        on.

        Raises:
            BadRequest: the bytes break a rule or a limit, and nothing can be read after them.
        """
        if not self._in_body and not self._read_head():
            return None
        if self._in_body and not self._read_body():
            return None
        request, self._request = self._request, None
        return request

    # Called by the parser.

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        if self._body is None:
            self._body = bytearray()
        self._body += data

    def on_chunk_header(self) -> None:
        """Note that the last line was the size of a chunk."""
        self._chunk_begun = True

    def on_headers_complete(self) -> None:
        """Note the end of the head."""
        self._head_done = True
        self.keep_alive = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Note the end of the message."""
        self._complete = True

    # Internal.

    def _read_head(self) -> bool:
        data = self._data
        if self._fed == self._begin and data.startswith((b"\r", b"\x16"), self._begin):
            if data.startswith(b"\x16", self._begin):  # the first byte of a ClientHello
                raise BadRequest(400, SPEAKS_TLS)
            self._drop_empty_lines()
            half = self._begin == len(data) - 1 and data.endswith(b"\r")  # of another empty line
            if half and self._empty_lines < self._max_head_size:
                return False
        begin = self._begin
        end = data.find(b"\r\n\r\n", max(begin, self._fed - 3))
        stop = len(data) if end < 0 else end + 4
        if self._empty_lines + stop - begin > self._max_head_size:
            raise BadRequest(
                431, f"the head has more than {self._max_head_size} bytes (RFC 6585 §5)"
            )
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
                reject_head(whole, "the lines of the head do not end in CRLF")
            if end < 0:
                return False
            head = check_head(whole)
        self._begin = self._fed = stop
        self._begin_message(head)
        self._empty_lines = 0
        return True

    def _drop_empty_lines(self) -> None:
        # RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD
        # ignore at least one empty line (CRLF) received prior to the request-line".
        lines = _EMPTY_LINES.match(self._data, self._begin)
        if lines is not None:
            self._empty_lines += lines.end() - self._begin
            self._begin = self._fed = lines.end()

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The parser reads no further, and neither does the server: the bytes that follow may be
            # frames, and must never be read as a request (smuggling).
            self.keep_alive = False
        except httptools.HttpParserError as error:
            if self._in_body:
                raise BadRequest(400, f"{_reason(error)} (RFC 9112 §7)") from None
            unknown_method = isinstance(error, httptools.HttpParserInvalidMethodError)
            reject_head(self._data[self._begin :], _reason(error), unknown_method=unknown_method)

    def _begin_message(self, head: Head) -> None:
        self._request = Request.of_head(
            head.method,
            head.target,
            head.fields,
            http_version=head.version,
            peer=self._peer,
            host=HOST,
        )
        self._request.notable = head.notable
        length = head.length
        if length is None:
            self._piece_left = 0
            self._framing_left = self._max_body_size // 2 + self._max_head_size
        elif length > self._max_body_size:
            raise self._too_large()
        else:
            self._piece_left = length
            self._framing_left = 0
        self._in_body = not self._complete
        self.expects_continue = head.expects_continue and self._in_body
        if not self._in_body:
            self._end_message()

    def _read_body(self) -> bool:
        data = self._data
        at = self._begin
        if at < len(data):
            self.expects_continue = False  # the peer did not wait
        left = _PIECES
        while at < len(data) and not self._complete and left:
            left -= 1
            if self._piece_left:
                stop = min(at + self._piece_left, len(data))
                self._piece_left -= stop - at
                self._parse(data[at:stop])
            else:
                stop = self._read_line(data, at)
                if stop == at:
                    break
            at = stop
        self._begin = self._fed = at
        self.unfinished = not left and at < len(data) and not self._complete
        if not self._complete:
            return False
        if self._body is not None and self._request is not None:
            self._request.body = bytes(self._body)
        self._end_message()
        return True

    def _read_line(self, data: bytes, at: int) -> int:
        """Read a line of the framing of a chunked body.

        Returns:
            Where the line ends; `at` when its end has not come.
        """
        stop = data.find(b"\n", at) + 1
        if (stop or len(data)) - at > self._framing_left:
            raise BadRequest(413, "the chunks of the body have too much framing (RFC 9112 §7.1)")
        if not stop:
            return at
        self._framing_left -= stop - at
        self._chunk_begun = False
        self._parse(data[at:stop])
        if self._chunk_begun:
            digits = _CHUNK_SIZE.match(data, at, stop)
            if digits is None:
                raise BadRequest(400, "the size of a chunk is not a number (RFC 9112 §7.1)")
            size = int(digits[0], 16)
            if size > self._max_body_size - (0 if self._body is None else len(self._body)):
                raise self._too_large()
            self._piece_left = size
        return stop

    def _too_large(self) -> BadRequest:
        return BadRequest(
            413, f"the body has more than {self._max_body_size} bytes (RFC 9110 §15.5.14)"
        )

    def _end_message(self) -> None:
        self._in_body = self._head_done = self._complete = False
        self._body = None


def _reason(error: Exception) -> str:
    return cast("str", error.args[0]) if error.args else "the request is malformed"
