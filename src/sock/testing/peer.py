"""A WebSocket client without I/O: it encodes what is sent, and reads what comes back.

It is strict, so that a test that uses it tests the host too: an answer without the right token, a
frame that breaks a rule, and any byte behind the Close frame are errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

from sock.spec import Headers, Ping, Pong, ProtocolError, Request
from sock.spec.request import text_of
from sock.wire.deflate import Agreement, offer
from sock.wire.extension import parse
from sock.wire.frame import FIN, MASKED, Close, Opcode, head
from sock.wire.key import accept_token
from sock.wire.mask import unmask
from sock.wire.parser import Parser
from sock.wire.writer import Writer

if TYPE_CHECKING:
    from sock.spec import Compression, Message
    from sock.wire.parser import Event

Heard: TypeAlias = str | bytes | Ping | Pong | Close
"""What a peer receives: a message, or a control frame."""

# All frames have the same key, so that a test that fails will fail again in the same way.
_KEY: Final = b"\x37\xfa\x21\x3d"


@final
@dataclass(frozen=True, slots=True)
class Head:
    """The head of a host's answer.

    Args:
        status: of the answer; 101 when there is a connection.
        headers: of the answer.
    """

    status: int
    headers: Headers


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    r"""Return a frame as a client sends it, or a frame that breaks a rule.

    Args:
        opcode: 0 to 15.
        payload: of any length, which the head gives in the shortest form.
        fin: whether the frame is the last one of its message.
        rsv: the reserved bits, 0 to 7.
        masked: whether the frame is masked, as the frames of a client must be.

    >>> frame(0x1, b"hi", masked=False)
    b'\x81\x02hi'

    RFC 6455 §5.2.
    """
    first = (FIN if fin else 0) | rsv << 4 | opcode
    if not masked:
        return head(first, len(payload)) + payload
    return head(first, len(payload), MASKED) + _KEY + unmask(payload, _KEY)


@final
class Peer:
    """The client's end of a connection.

    Args:
        request: the request; `testing.request` makes one.
        compression: what the client offers; None for nothing.
    """

    def __init__(self, request: Request, *, compression: Compression | None = None) -> None:
        if compression is not None:
            extensions = (b"Sec-WebSocket-Extensions", str(offer(compression)).encode())
            request.raw_headers = [*request.raw_headers, extensions]
        self.head: Head | None = None
        """The head of the host's answer, once it has come."""
        self.body = b""
        """The body of an ordinary answer, as far as it has come."""
        self.close: Close | None = None
        """The host's Close frame, once it has come."""
        self._request = request
        self._compression = compression
        self._waiting = bytearray()
        self._writer = Writer(mask=lambda: _KEY)
        self._parser = Parser(max_message_size=None, max_fragments=None, masked=False)

    def hello(self) -> bytes:
        """Return the bytes of the request. RFC 6455 §4.1."""
        request = self._request
        line = f"{request.method} {request.target} HTTP/{request.http_version}\r\n".encode()
        fields = (name + b": " + value + b"\r\n" for name, value in request.raw_headers)
        return line + b"".join(fields) + b"\r\n"

    def encoded(self, *messages: Message) -> bytes:
        """Return the bytes of messages and control frames."""
        out = bytearray()
        for message in messages:
            self._writer.push(out, message)
        return bytes(out)

    def closing(self, code: int | None = 1000, detail: str = "") -> bytes:
        """Return a Close frame, with any code; None for an empty one."""
        payload = b"" if code is None else code.to_bytes(2, "big") + detail.encode()
        return frame(Opcode.CLOSE, payload)

    def feed(self, data: bytes) -> list[Heard]:
        """Take bytes from the host; return the messages and control frames that are complete.

        Raises:
            ProtocolError: the host broke the protocol.
        """
        self._waiting += data
        if self.head is None and not self._take_head():
            return []
        assert self.head is not None, "taken above"
        if self.head.status != 101:
            self.body += self._waiting
            self._waiting.clear()
            return []
        heard: list[Heard] = []
        # Frame by frame, so that nothing behind a Close frame goes unseen.
        while size := _frame_size(self._waiting):
            if self.close is not None:
                raise ProtocolError("there is a frame behind the Close frame (RFC 6455 §5.5.1)")
            whole = bytes(self._waiting[:size])
            del self._waiting[:size]
            for event in self._parsed(whole):
                if isinstance(event, ProtocolError):
                    raise event
                heard.append(event)
                if isinstance(event, Close):
                    self.close = event
        return heard

    def _parsed(self, data: bytes) -> list[Event]:
        events: list[Event] = []

        def deliver(event: Event) -> bool:
            events.append(event)
            return True

        self._parser.feed(data, deliver)
        return events

    def _take_head(self) -> bool:
        """Read the head of the answer; tell whether it is complete. RFC 6455 §4.1, RFC 9112 §4."""
        end = self._waiting.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = self._waiting[:end].decode("latin-1").split("\r\n")
        version, _, status = first.partition(" ")
        if version != "HTTP/1.1" or not status[:3].isdecimal():
            raise ProtocolError(f"{first!r} is no status line (RFC 9112 §4)")
        pairs = (line.partition(":") for line in lines)
        headers = Headers(
            (name, text_of(value.strip(" \t").encode("latin-1"))) for name, _, value in pairs
        )
        self.head = Head(int(status[:3]), headers)
        del self._waiting[: end + 4]
        if self.head.status == 101:
            self._check(headers)
        return True

    def _check(self, headers: Headers) -> None:
        key = self._request.headers["sec-websocket-key"]
        if headers.get("sec-websocket-accept") != accept_token(key).decode():
            raise ProtocolError("Sec-WebSocket-Accept answers another key (RFC 6455 §4.1)")
        extensions = parse(headers.get_all("sec-websocket-extensions") or [])
        if not extensions:
            return
        if self._compression is None or len(extensions) > 1:
            raise ProtocolError("the host uses an extension that was not offered (RFC 6455 §4.1)")
        # Host and client are swapped, as the agreement is written from the view of the host.
        agreement = Agreement.from_answer(extensions[0]).swapped()
        deflater = agreement.deflater(self._compression)
        self._writer = Writer(deflater=deflater, mask=lambda: _KEY)
        self._parser = Parser(
            max_message_size=None,
            max_fragments=None,
            inflater=agreement.inflater(),
            masked=False,
        )


def _frame_size(data: bytearray) -> int:
    """Return the size of the first frame; 0 when the frame is not complete."""
    if len(data) < 2:
        return 0
    size = data[1] & 0x7F
    start = 2 + (4 if data[1] & MASKED else 0)
    if size > 125:
        extra = 2 if size == 126 else 8
        if len(data) < 2 + extra:
            return 0
        size = int.from_bytes(data[2 : 2 + extra], "big")
        start += extra
    return start + size if len(data) >= start + size else 0
