"""One TCP connection to the server under test: any bytes go out, and what comes back is judged."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Self, TypeAlias, final

from sock.spec import Ping, Pong
from sock.testing.client import End
from sock.wire.frame import Close

from . import raw
from .fell import Fell, told

if TYPE_CHECKING:
    from .inflating import Inflating
    from .target import Target

_READ: Final = 64 * 1024
_MAX_HEAD: Final = 256 * 1024
_MAX_MESSAGE: Final = 64 * 1024 * 1024
# RFC 6455 §7.4.1: they MUST NOT be set in a Close frame.
_FORBIDDEN: Final = frozenset({1005, 1006, 1015})


class Quiet(Enum):
    """Nothing has come for as long as was waited."""

    QUIET = "nothing"


QUIET: Final = Quiet.QUIET

Heard: TypeAlias = str | bytes | Pong | Close | End | Quiet
"""What a server says: a message, a control frame, the end of TCP, or nothing. Its pings are passed
over."""


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer.

    Args:
        status: such as 101.
        fields: names in lower case, and values, as they came.
    """

    status: int
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """Return the values of a field, with commas between; None if there is none."""
        values = self.get_all(name)
        return ", ".join(values) if values else None

    def get_all(self, name: str) -> list[str]:
        """Return each value of a field."""
        return [value for one, value in self.fields if one == name]


@final
class Connection:
    """One TCP connection; `connect` makes it.

    Args:
        reader: what comes.
        writer: what goes.
        patience: seconds to wait for anything.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float
    ) -> None:
        self.patience = patience
        self.sent = 0
        """The bytes that were sent."""
        self.inflating: Inflating | None = None
        """Reads compressed messages; None where nothing was agreed on."""
        self.close: Close | None = None
        """The server's Close frame, once it has come."""
        self._reader = reader
        self._writer = writer
        self._waiting = bytearray()
        self._end: End | None = None
        self._parts: list[bytes] = []
        self._opcode = 0
        self._compressed = False
        self._length = 0

    @classmethod
    async def connect(
        cls, target: Target, patience: float, *, receive_buffer: int | None = None
    ) -> Self:
        """Connect TCP, and TLS where the target has it.

        Args:
            target: the server.
            patience: seconds to wait for anything.
            receive_buffer: the bytes that the kernel may keep for us; None for as many as it likes.

        Raises:
            Fell: the server does not accept.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience):
                found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
                sock = socket.socket(*found[0][:3])
                try:
                    sock.setblocking(False)  # noqa: FBT003 - the socket's own signature
                    if receive_buffer is not None:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    await loop.sock_connect(sock, found[0][4])
                except BaseException:
                    sock.close()
                    raise
                reader, writer = await asyncio.open_connection(
                    sock=sock,
                    ssl=target.tls,
                    server_hostname=target.host if target.tls else None,
                    limit=_READ,
                )
        except TimeoutError:
            raise Fell("the server to accept a connection", f"nothing for {patience:g} s") from None
        except OSError as error:
            raise Fell("the server to accept a connection", f"{error}") from error
        return cls(reader, writer, patience)

    async def send(self, *pieces: bytes) -> None:
        """Send bytes. They go out meanwhile, so that a server that waits for us to read is read.

        Args:
            pieces: each goes out by itself, a moment after the one before.
        """
        for at, piece in enumerate(pieces):
            if at:
                await asyncio.sleep(0.001)
            self.sent += len(piece)
            if not self._writer.is_closing():
                self._writer.write(piece)
        await asyncio.sleep(0)

    async def send_slowly(self, data: bytes, pause: float = 0.0) -> None:
        """Send each byte by itself.

        Args:
            data: the bytes.
            pause: seconds between two of them.
        """
        for at in range(len(data)):
            await self.send(data[at : at + 1])
            await asyncio.sleep(pause)

    async def read_answer(self) -> Answer | End | Quiet:
        """Return the head of the server's answer to a request. RFC 9112 §4.

        Raises:
            Fell: it is none.
        """
        while (at := self._waiting.find(b"\r\n\r\n")) < 0:
            if len(self._waiting) > _MAX_HEAD:
                raise Fell("the head of an answer", f"{_MAX_HEAD:,} bytes without its end")
            if (heard := await self._read()) is not None:
                if self._waiting:
                    raise Fell("the head of an answer", f"only {told(bytes(self._waiting))}")
                return heard
        text = self._waiting[:at].decode("latin-1")
        del self._waiting[: at + 4]
        first, *lines = text.split("\r\n")
        version, _, status = first.partition(" ")
        if version not in {"HTTP/1.1", "HTTP/1.0"} or not status[:3].isdecimal():
            raise Fell("a status line (RFC 9112 §4)", told(first))
        pairs = [line.partition(":") for line in lines]
        return Answer(
            int(status[:3]), tuple((name.lower(), value.strip(" \t")) for name, _, value in pairs)
        )

    async def read_to_end(self) -> tuple[bytes, End | Quiet]:
        """Read all bytes up to the end of TCP, or until nothing comes."""
        heard: End | Quiet | None = None
        while heard is None and len(self._waiting) < _MAX_MESSAGE:
            heard = await self._read()
        data = bytes(self._waiting)
        self._waiting.clear()
        return data, heard or QUIET

    async def receive(self, patience: float | None = None) -> Heard:
        """Return what the server says next.

        Args:
            patience: seconds to wait; None for the usual ones.

        Raises:
            Fell: the server sends what no server may send.
        """
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while True:
            taken = self._take_frame()
            if taken is not None:
                if not isinstance(taken, Ping):
                    return taken
                continue
            if (heard := await self._read(deadline - time.monotonic())) is not None:
                return heard

    async def control(self, patience: float | None = None) -> Heard:
        """Pass over messages, and return what else comes: an application may talk by itself."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        heard: Heard = ""
        while isinstance(heard, (str, bytes)):
            heard = await self.receive(max(0.0, deadline - time.monotonic()))
        return heard

    async def end(self, patience: float | None = None) -> Heard:
        """Pass over messages, and return the end of TCP, or what shows that it does not end."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        heard: Heard = QUIET
        while (left := deadline - time.monotonic()) > 0:
            heard = await self.receive(left)
            if isinstance(heard, (End, Quiet)):
                return heard
        return heard

    def finish(self) -> None:
        """Send FIN, where TLS does not forbid it."""
        with contextlib.suppress(OSError, RuntimeError):
            if self._writer.can_write_eof():
                self._writer.write_eof()

    def reset(self) -> None:
        """Send RST."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def hang_up(self) -> None:
        """End the connection without waiting for anything."""
        self._writer.transport.abort()

    async def _read(self, patience: float | None = None) -> End | Quiet | None:
        """Read once. None when something has come."""
        if self._end is not None:
            return self._end
        try:
            async with asyncio.timeout(self.patience if patience is None else max(patience, 0)):
                data = await self._reader.read(_READ)
        except TimeoutError:
            return QUIET
        except OSError:
            self._end = End.RESET
            return self._end
        if not data:
            self._end = End.FIN
            return self._end
        self._waiting += data
        return None

    def _take_frame(self) -> str | bytes | Ping | Pong | Close | None:
        """Take frames until a message or a control frame is complete."""
        while (head := _head(self._waiting)) is not None:
            first, start, size = head
            if len(self._waiting) < start + size:
                return None
            payload = bytes(self._waiting[start : start + size])
            del self._waiting[: start + size]
            if self.close is not None:
                raise Fell(
                    "nothing behind the server's Close frame (RFC 6455 §5.5.1)",
                    f"a frame with opcode {first & 0x0F:#x} and {size:,} bytes",
                )
            taken = self._take(first, payload)
            if taken is not None:
                return taken
        return None

    def _take(self, first: int, payload: bytes) -> str | bytes | Ping | Pong | Close | None:
        opcode, fin, rsv = first & 0x0F, bool(first & 0x80), first >> 4 & 7
        if opcode not in {0, 1, 2, 8, 9, 10}:
            raise Fell("opcodes that RFC 6455 §5.2 defines", f"opcode {opcode:#x}")
        allowed = raw.RSV1 if self.inflating is not None and opcode in {1, 2} else 0
        if rsv & ~allowed:
            raise Fell("reserved bits that are 0 (RFC 6455 §5.2)", f"RSV {rsv:03b}")
        if opcode >= raw.CLOSE:
            if not fin or len(payload) > 125:
                raise Fell("a control frame of 125 bytes at most (RFC 6455 §5.5)", "another one")
            return self._take_control(opcode, payload)
        if (opcode == raw.CONTINUATION) != bool(self._opcode):
            raise Fell("fragments of one message at a time (RFC 6455 §5.4)", f"opcode {opcode:#x}")
        if opcode:
            self._opcode, self._compressed, self._length = opcode, bool(rsv), 0
        self._parts.append(payload)
        self._length += len(payload)
        if self._length > _MAX_MESSAGE:
            raise Fell(f"a message of {_MAX_MESSAGE:,} bytes at most", "a longer one")
        if not fin:
            return None
        opcode, data = self._opcode, b"".join(self._parts)
        self._opcode = 0
        self._parts.clear()
        if self._compressed and self.inflating is not None:
            data = self.inflating.inflate(data)
        if opcode == raw.BINARY:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Fell("text in UTF-8 (RFC 6455 §8.1)", told(data)) from None

    def _take_control(self, opcode: int, payload: bytes) -> Ping | Pong | Close:
        if opcode == raw.PING:
            return Ping(payload)
        if opcode == raw.PONG:
            return Pong(payload)
        if len(payload) == 1:
            raise Fell("a Close frame with a whole code (RFC 6455 §5.5.1)", "one with half a code")
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        if payload and code in _FORBIDDEN:
            raise Fell("a close code that may be sent (RFC 6455 §7.4)", f"Close {code}")
        try:
            self.close = Close(code, payload[2:].decode())
        except UnicodeDecodeError:
            raise Fell("the text of a Close in UTF-8 (RFC 6455 §5.5.1)", told(payload)) from None
        return self.close


def described(heard: object) -> str:
    """Return in words what a server has said.

    >>> described("hi"), described(Close(1005, "")), described(End.FIN)
    ("the text 'hi'", 'a Close without a code', 'the end of TCP')
    """
    match heard:
        case str():
            return f"the text {told(heard)}"
        case bytes():
            return f"the binary message {told(heard)}"
        case Pong():
            return f"a pong with {told(heard.payload)}"
        case Close():
            if heard.code == 1005:
                return "a Close without a code"
            return f"a Close with {heard.code}" + (f" {told(heard.detail)}" if heard.detail else "")
        case End.FIN:
            return "the end of TCP"
        case End.RESET:
            return "a reset of TCP"
        case Answer():
            return f"status {heard.status}"
        case _:
            return "nothing; the connection stays open"


def _head(data: bytearray) -> tuple[int, int, int] | None:
    """Return the first byte of a frame, where its payload begins, and its length."""
    if len(data) < 2:
        return None
    size = data[1] & 0x7F
    start = 2
    if size > 125:
        start = 4 if size == 126 else 10
        if len(data) < start:
            return None
        least, size = 126 if size == 126 else 0x10000, int.from_bytes(data[2:start], "big")
        if size < least or size >> 63:
            raise Fell("a length in the fewest bytes (RFC 6455 §5.2)", f"{size} in {start - 2}")
    if data[1] & 0x80:
        raise Fell("frames of a server without a mask (RFC 6455 §5.1)", "a masked one")
    if size > _MAX_MESSAGE:
        raise Fell(f"a frame of {_MAX_MESSAGE:,} bytes at most", f"one of {size:,}")
    return data[0], start, size
