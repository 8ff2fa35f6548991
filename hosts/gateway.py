"""WebSockets over HTTP/2 and HTTP/3, for clients that speak HTTP/1.1: so any of them can test one.

What comes is an ordinary opening handshake; what goes on is an extended CONNECT (RFC 8441, RFC
9220), whose stream carries the very bytes of the frames. So: `python -m hosts.gateway 2 PORT TO`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection

from sock.wire.codec import Close, Event, Parser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_HOP: Final = {"connection", "upgrade", "host", "sec-websocket-key", "sec-websocket-accept"}
_CHUNK: Final = 64 * 1024
_PATIENCE: Final = 1.0  # seconds for the one side to end, after the other

Pairs = list[tuple[str, str]]


class Tunnel:
    """One stream of an extended CONNECT, as the gateway sees it."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[Pairs] = asyncio.get_running_loop().create_future()
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        """What the host sends; an empty piece is its end."""

    async def open(self, headers: Pairs) -> Pairs:
        """Send the request; return the headers of the answer."""
        raise NotImplementedError

    async def send(self, data: bytes) -> None:
        """Send bytes on; none for the end."""
        raise NotImplementedError

    def took(self, size: int) -> None:
        """Note that so many bytes have gone on to the client."""

    def end(self) -> None:
        """Note that nothing more comes."""
        self.arrived.put_nowait(b"")
        if not self.answered.done():
            self.answered.add_done_callback(lambda answered: answered.exception())
            self.answered.set_exception(ConnectionError("the host has ended the connection"))


class Http2(Tunnel, asyncio.Protocol):
    """Over HTTP/2 with prior knowledge, a connection of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self.window = asyncio.Event()
        self.stream = 1
        self.wire = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self.wire.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Take frames of HTTP/2."""
        for event in self.wire.receive_data(data):
            if isinstance(event, events.RemoteSettingsChanged):
                self.ready.set()
            elif isinstance(event, events.ResponseReceived):
                self.answered.set_result([(str(n), str(v)) for n, v in event.headers])
            elif isinstance(event, events.DataReceived):
                self.arrived.put_nowait(event.data)
            elif isinstance(event, events.WindowUpdated):
                self.window.set()
            elif isinstance(
                event, (events.StreamEnded, events.StreamReset, events.ConnectionTerminated)
            ):
                self.end()
        self.flush()

    def connection_lost(self, _: Exception | None) -> None:
        """Note the end of TCP."""
        self.end()

    def flush(self) -> None:
        """Send what there is."""
        self.transport.write(self.wire.data_to_send())

    async def open(self, headers: Pairs) -> Pairs:
        """Send the request, when the host has said what it can."""
        await self.ready.wait()
        self.wire.send_headers(self.stream, headers)
        self.flush()
        return await self.answered

    def took(self, size: int) -> None:
        """Open the window again."""
        with contextlib.suppress(Exception):
            self.wire.acknowledge_received_data(size, self.stream)
            self.flush()

    async def send(self, data: bytes) -> None:
        """Send bytes as the windows allow."""
        if not data:
            with contextlib.suppress(Exception):
                self.wire.end_stream(self.stream)
                self.flush()
            return
        while data:
            size = min(
                self.wire.local_flow_control_window(self.stream),
                self.wire.max_outbound_frame_size,
                len(data),
            )
            if not size:
                self.window.clear()
                await self.window.wait()
                continue
            self.wire.send_data(self.stream, data[:size])
            self.flush()
            data = data[size:]


class Http3(Tunnel, QuicConnectionProtocol):
    """Over HTTP/3, a connection of its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        Tunnel.__init__(self)
        QuicConnectionProtocol.__init__(self, *arguments, **named)
        self.wire = H3Connection(self._quic)
        self.stream = self._quic.get_next_available_stream_id()

    def quic_event_received(self, event: Any) -> None:
        """Take what QUIC tells."""
        if isinstance(event, (ConnectionTerminated, StreamReset)):
            self.end()
        for one in self.wire.handle_event(event):
            if isinstance(one, HeadersReceived):
                if not self.answered.done():
                    self.answered.set_result([(n.decode(), v.decode()) for n, v in one.headers])
            elif isinstance(one, DataReceived) and one.data:
                self.arrived.put_nowait(one.data)
            if getattr(one, "stream_ended", False):
                self.end()

    async def open(self, headers: Pairs) -> Pairs:
        """Send the request."""
        self.wire.send_headers(self.stream, [(n.encode(), v.encode()) for n, v in headers])
        self.transmit()
        return await self.answered

    async def send(self, data: bytes) -> None:
        """Send bytes; QUIC keeps what the windows do not allow. The end is the connection's."""
        if data:
            with contextlib.suppress(Exception):
                self.wire.send_data(self.stream, data, end_stream=False)
                self.transmit()


@contextlib.asynccontextmanager
async def tunnel(version: str, port: int) -> AsyncIterator[Tunnel]:
    """Connect to a host on loopback.

    Args:
        version: "2" or "3".
        port: of the host.
    """
    if version == "2":
        transport, over_2 = await asyncio.get_running_loop().create_connection(
            Http2, "127.0.0.1", port
        )
        try:
            yield over_2
        finally:
            transport.close()
        return
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN)
    configuration.verify_mode = ssl.CERT_NONE
    configuration.server_name = "localhost"
    async with connect(
        "127.0.0.1", port, configuration=configuration, create_protocol=Http3
    ) as over_3:
        assert isinstance(over_3, Http3), "as was asked for"
        yield over_3


async def carry(
    version: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Carry one connection over."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.split("\r\n")[:-2]
        pairs = [(n.lower(), v.strip()) for n, _, v in (field.partition(":") for field in fields)]
        given = dict(pairs)
        headers = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http" if version == "2" else "https"),
            (":path", line.split(" ")[1]),
            (":authority", given["host"]),
            *(pair for pair in pairs if pair[0] not in _HOP),
        ]
        async with asyncio.timeout(60), tunnel(version, port) as through:
            answer = await through.open(headers)
            writer.write(_head(answer, given["sec-websocket-key"]))
            await _pipe(through, reader, writer)
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        pass
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()


def _token(key: str) -> str:
    """Return what `Sec-WebSocket-Accept` says to a key. RFC 6455 §4.2.2."""
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return b64encode(sha1((key + guid).encode(), usedforsecurity=False).digest()).decode()


def _head(answer: Pairs, key: str) -> bytes:
    status = dict(answer)[":status"]
    fields = [(name, value) for name, value in answer if name not in {*_HOP, ":status"}]
    if status == "200":
        status = "101"
        fields += [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", _token(key)),
        ]
    else:
        fields = [pair for pair in fields if pair[0] != "connection"]
        fields.append(("connection", "close"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} \r\n{lines}\r\n".encode()


async def _pipe(
    through: Tunnel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    # hypercorn 0.18 forgets a stream when it has said Close, and serves nobody over HTTP/3 any more
    # when the peer's answer comes. So that is left out, and the rest can be seen.
    closed: list[Event] = []
    parser = Parser(max_message_size=None, max_fragments=None, masked=False)

    def see(event: Event) -> bool:
        if isinstance(event, Close):
            closed.append(event)
        return True

    async def there() -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if not (closed and isinstance(through, Http3)):
                    await through.send(data)
        await through.send(b"")

    async def back() -> None:
        while data := await through.arrived.get():
            parser.feed(data, see)
            writer.write(data)
            await writer.drain()
            through.took(len(data))
        writer.write_eof()

    going, coming = asyncio.ensure_future(there()), asyncio.ensure_future(back())
    try:
        await asyncio.wait({going, coming}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({going, coming}, timeout=_PATIENCE)
    finally:
        for one in (going, coming):
            one.cancel()
        await asyncio.wait({going, coming})
        for one in (going, coming):
            if not one.cancelled():
                one.exception()  # a peer that has gone is no news


async def main(version: str, own: int, port: int) -> None:
    """Carry connections until the process is ended."""
    server = await asyncio.start_server(
        lambda reader, writer: carry(version, port, reader, writer), "127.0.0.1", own
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
