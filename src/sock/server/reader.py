"""Requests out of bytes, without I/O; the parser of heads and bodies is httptools.

    in      what comes                     what is done                              then
    ------  -----------------------------  ----------------------------------------  ------
    HEAD    empty lines before a request   dropped, counted                          HEAD
    HEAD    a part of a head               given to the parser, which fails early    HEAD
    HEAD    the end of a head, no body     checked; the request is returned          HEAD
    HEAD    a whole, ordinary handshake    scanned in place of both, where C can     HEAD
    HEAD    the end of a head, a body      checked; Expect is noted                  BODY
    BODY    a part of the body             given to the parser, counted, kept        BODY
    BODY    many small parts of a body     some are read, the rest at the next call  BODY
    BODY    the end of the body            the request is returned with it           HEAD

A body is given to the parser in pieces that end where it may end: the content of a chunk whole, of
the framing between chunks one line. The parser is never given a byte that lies behind the head or
the body it is reading. So what comes behind a request that asks to upgrade is still here
(`take_rest`), whatever the parser thinks of it.
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

_PIECES: Final = 64
"""Pieces of a body that one call reads: a body of tiny chunks has 10,000 of them in one read."""

_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]+")
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)*")


@final
class Reader:
    r"""Reads requests, one after the other, out of what a connection receives.

    Args:
        max_head_size: bytes of a head, empty lines before it included.
        max_body_size: bytes of a body; the framing of its chunks may take half as many again, and
            `max_head_size`.
        peer: knows the addresses for the requests made; None where nobody does.

    >>> reader = Reader(1024, 1024)
    >>> reader.feed(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\nmore")
    >>> reader.next(), reader.take_rest()
    (Request('GET', '/'), b'more')

    RFC 9112.
    """

    __slots__ = (
        "_ahead",
        "_at",
        "_body",
        "_chunk_begun",
        "_complete",
        "_data",
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
        self._at = 0  # where in it the head or the body that is being read begins
        self._fed = 0  # up to where the parser has it
        self._ahead = 0  # bytes of empty lines dropped before this head
        self._head_done = False
        self._complete = False
        self._in_body = False
        self._body: bytearray | None = None  # as far as it has come
        self._piece_left = 0  # bytes of content before the next line of framing, or the end
        self._framing_left = 0  # bytes of chunks' framing that may come
        self._chunk_begun = False
        self._request: Request | None = None
        self.keep_alive = False
        """Whether another request may follow the one that `next` returned last."""
        self.expects_continue = False
        """Whether the peer waits for a 100 before it sends the body; cleared by who sends it."""
        self.unfinished = False
        """Whether the last `next` stopped before it had read all that it could."""
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
        self._parser = self._body = self._request = None
        self._data = b""
        self._at = self._fed = 0
        self.unfinished = False

    def next(self) -> Request | None:
        """Return the next request with its body, or None when more bytes are needed.

        None too when there was much to read: then `unfinished` is set, and the next call goes on.

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

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        if self._body is None:
            self._body = bytearray()
        self._body += data

    def on_chunk_header(self) -> None:
        """Note that the line before was a chunk's size."""
        self._chunk_begun = True

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
            half = self._at == len(data) - 1 and data.endswith(b"\r")  # of another one, perhaps
            if half and self._ahead < self._max_head_size:
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
        at = self._at
        if at < len(data):
            self.expects_continue = False  # the peer has not waited
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
        self._at = self._fed = at
        self.unfinished = not left and at < len(data) and not self._complete
        if not self._complete:
            return False
        if self._body is not None and self._request is not None:
            self._request.body = bytes(self._body)
        self._end_message()
        return True

    def _read_line(self, data: bytes, at: int) -> int:
        """Read a line of a chunked body's framing; return where it ends, `at` for not yet."""
        stop = data.find(b"\n", at) + 1
        if (stop or len(data)) - at > self._framing_left:
            raise BadRequest(413, "more framing than a body has use for (RFC 9112 §7.1)")
        if not stop:
            return at
        self._framing_left -= stop - at
        self._chunk_begun = False
        self._parse(data[at:stop])
        if self._chunk_begun:
            digits = _CHUNK_SIZE.match(data, at, stop)
            if digits is None:
                raise BadRequest(400, "not the size of a chunk (RFC 9112 §7.1)")
            size = int(digits[0], 16)
            if size > self._max_body_size - (0 if self._body is None else len(self._body)):
                raise self._too_large()
            self._piece_left = size
        return stop

    def _too_large(self) -> BadRequest:
        return BadRequest(
            413, f"a body of more than {self._max_body_size} bytes (RFC 9110 §15.5.14)"
        )

    def _end_message(self) -> None:
        self._in_body = self._head_done = self._complete = False
        self._body = None


def _reason(error: Exception) -> str:
    return cast("str", error.args[0]) if error.args else "malformed"
