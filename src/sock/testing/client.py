"""A WebSocket client over a real socket, for tests of a whole host."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Final, Self, TypeAlias, final
from urllib.parse import urlsplit

from sock.spec.upgrade import header_pairs

from .peer import Head, Heard, Peer
from .request import request as request_

if TYPE_CHECKING:
    from types import TracebackType

    from sock.spec import Compression, Message
    from sock.spec.upgrade import HeaderPairs

_RECEIVE: Final = 64 * 1024
_DATA_SEGMENTS_AT: Final = 152
_TCP_INFO_SIZE: Final = _DATA_SEGMENTS_AT + 4


class End(Enum):
    """How the host has ended the TCP connection."""

    FIN = "FIN"
    RESET = "RST"


Happening: TypeAlias = Heard | End
"""What a client receives: a message, a control frame, or the end of TCP."""


@final
class Client:
    """A WebSocket client that does nothing by itself: it sends no pong and no Close.

    It reads only when it is asked to. It waits `patience` seconds at most, and then raises
    `TimeoutError`. `connect` makes it, and it is used as an async context manager.

    Args:
        sock: a connected socket.
        peer: encodes what the client sends, and checks what the host sends.
        patience: in seconds.
    """

    def __init__(self, sock: socket.socket, peer: Peer, patience: float) -> None:
        self.patience = patience
        self._sock = sock
        self._peer = peer
        self._heard: deque[Happening] = deque()
        self._ended = False

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        headers: HeaderPairs = (),
        early: tuple[Message, ...] = (),
        compression: Compression | None = None,
        receive_buffer: int | None = None,
        patience: float = 5.0,
    ) -> Self:
        """Connect, send the request, and read the head of the answer.

        Args:
            url: such as "ws://127.0.0.1:8000/path".
            headers: of the request.
            early: messages that are sent in one piece with the request.
            compression: what the client offers; None for nothing.
            receive_buffer: the bytes that the kernel may keep for the client; None for as many as
                it likes.
            patience: the seconds that the client waits at most, for anything.

        Raises:
            ValueError: the URL does not have the scheme ws.
            OSError: nothing listens there.
            ConnectionError: TCP ended before the answer.
            TimeoutError: the answer does not come.
        """
        parts = urlsplit(url)
        if parts.scheme != "ws" or parts.hostname is None:
            raise ValueError(f"{url!r} is not of the form ws://host:port/path")
        port = parts.port or 80
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        pairs = header_pairs(headers)
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs = (("Host", parts.netloc), *pairs)
        peer = Peer(request_(target, headers=pairs), compression=compression)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(patience):
            found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = found[0]
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)  # noqa: FBT003 - the socket's own signature
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if receive_buffer is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                await loop.sock_connect(sock, address)
                client = cls(sock, peer, patience)
                await client.send_bytes(peer.hello() + peer.encoded(*early))
                await client._read_head()
            except BaseException:
                sock.close()
                raise
        return client

    @property
    def head(self) -> Head:
        """The head of the answer."""
        assert self._peer.head is not None, "read by connect"
        return self._peer.head

    async def body(self) -> bytes:
        """Return the body of the answer; without a Content-Length it ends with TCP."""
        size = int(self.head.headers.get("content-length", "-1"))
        async with asyncio.timeout(self.patience):
            while len(self._peer.body) != size and await self._read():
                pass
        return self._peer.body

    async def send(self, *messages: Message) -> None:
        """Send messages and control frames in one piece."""
        await self.send_bytes(self._peer.encoded(*messages))

    async def send_close(self, code: int | None = 1000, detail: str = "") -> None:
        """Send a Close frame, with any code; None for an empty one."""
        await self.send_bytes(self._peer.closing(code, detail))

    async def send_bytes(self, data: bytes) -> None:
        """Send any bytes; `testing.frame` makes some."""
        async with asyncio.timeout(self.patience):
            await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def receive(self) -> Happening:
        """Return what comes next. After the end of TCP, every call returns that end.

        Raises:
            ProtocolError: the host broke the protocol.
            TimeoutError: nothing comes in time.
        """
        async with asyncio.timeout(self.patience):
            while not self._heard:
                await self._read()
        return self._heard[0] if isinstance(self._heard[0], End) else self._heard.popleft()

    @property
    def segments(self) -> int | None:
        """How many TCP segments with data have come; None where the system does not count them.

        What a host sends in one write, and what fits into one segment, comes in one.
        """
        info = getattr(socket, "TCP_INFO", None)
        if info is None or sys.platform != "linux":
            return None
        # tcpi_data_segs_in of `struct tcp_info` in linux/tcp.h, since Linux 4.6.
        data = self._sock.getsockopt(socket.IPPROTO_TCP, info, _TCP_INFO_SIZE)
        if len(data) < _TCP_INFO_SIZE:
            return None
        return int.from_bytes(data[_DATA_SEGMENTS_AT:_TCP_INFO_SIZE], sys.byteorder)

    def finish(self) -> None:
        """Send FIN, without a Close frame."""
        self._sock.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """Send FIN if there is still a connection."""
        with contextlib.suppress(OSError):
            self.finish()

    def reset(self) -> None:
        """Send RST."""
        linger = b"\1\0\0\0\0\0\0\0"  # on, 0 seconds
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._sock.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._sock.close()

    async def _read_head(self) -> None:
        while self._peer.head is None:
            if not await self._read():
                raise ConnectionError("TCP ended before the head of the answer")

    async def _read(self) -> bool:
        """Read once; tell whether the TCP connection goes on."""
        if self._ended:
            return False
        end = End.FIN
        try:
            data = await asyncio.get_running_loop().sock_recv(self._sock, _RECEIVE)
        except ConnectionError:
            data, end = b"", End.RESET
        if data:
            self._heard += self._peer.feed(data)
            return True
        self._ended = True
        self._heard.append(end)
        return False
