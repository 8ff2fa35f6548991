"""One WebSocket over HTTP/2 or HTTP/3: an extended CONNECT of a client (RFC 8441, RFC 9220)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Pairs = list[tuple[str, str]]
"""Header fields, each byte of which is one character of Latin-1."""


class Tunnel:
    """The stream of one extended CONNECT."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[Pairs] = asyncio.get_running_loop().create_future()
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        """Pieces of data from the host; an empty piece is the end of the stream."""

    async def open(self, headers: Pairs) -> Pairs:
        """Send the request, and return the headers of the response."""
        raise NotImplementedError

    async def send(self, data: bytes) -> None:
        """Send bytes to the host; empty bytes end the stream."""
        raise NotImplementedError

    def acknowledge(self, size: int) -> None:
        """Note that the client has got so many bytes of those that have arrived."""

    def end(self) -> None:
        """Note that the host has ended the stream."""
        self.arrived.put_nowait(b"")
        if not self.answered.done():
            self.answered.add_done_callback(lambda answered: answered.exception())
            self.answered.set_exception(ConnectionError("the host has ended the connection"))


class Http2(Tunnel, asyncio.Protocol):
    """A stream over HTTP/2 with prior knowledge, on a connection of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self.window = asyncio.Event()
        self.stream = 1
        self.wire = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))

    def connection_made(self, transport: Any) -> None:
        """Send the preface of HTTP/2."""
        self.transport = transport
        self.wire.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Handle frames of HTTP/2."""
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
        """Note that TCP has ended."""
        self.end()

    def flush(self) -> None:
        """Write the bytes that h2 has to send."""
        self.transport.write(self.wire.data_to_send())

    async def open(self, headers: Pairs) -> Pairs:
        """Send the request when the settings of the host have arrived."""
        await self.ready.wait()
        self.wire.send_headers(self.stream, _encoded(headers))
        self.flush()
        return await self.answered

    def acknowledge(self, size: int) -> None:
        """Open the window of HTTP/2 by so many bytes."""
        with contextlib.suppress(Exception):
            self.wire.acknowledge_received_data(size, self.stream)
            self.flush()

    async def send(self, data: bytes) -> None:
        """Send bytes, as many at a time as the windows allow."""
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
    """A stream over HTTP/3, on a connection of its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        Tunnel.__init__(self)
        QuicConnectionProtocol.__init__(self, *arguments, **named)
        self.wire = H3Connection(self._quic)
        self.stream = self._quic.get_next_available_stream_id()

    def quic_event_received(self, event: Any) -> None:
        """Handle an event of QUIC."""
        if isinstance(event, (ConnectionTerminated, StreamReset)):
            self.end()
        for one in self.wire.handle_event(event):
            if isinstance(one, HeadersReceived):
                if not self.answered.done():
                    self.answered.set_result(
                        [(n.decode("latin-1"), v.decode("latin-1")) for n, v in one.headers]
                    )
            elif isinstance(one, DataReceived) and one.data:
                self.arrived.put_nowait(one.data)
            if getattr(one, "stream_ended", False):
                self.end()

    async def open(self, headers: Pairs) -> Pairs:
        """Send the request."""
        self.wire.send_headers(self.stream, _encoded(headers))
        self.transmit()
        return await self.answered

    async def send(self, data: bytes) -> None:
        """Send bytes, which QUIC keeps until its windows allow them. The connection ends it."""
        if data:
            with contextlib.suppress(Exception):
                self.wire.send_data(self.stream, data, end_stream=False)
                self.transmit()


def _encoded(headers: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


@contextlib.asynccontextmanager
async def connect_tunnel(version: str, port: int) -> AsyncIterator[Tunnel]:
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
        assert isinstance(over_3, Http3), "create_protocol makes it"
        yield over_3
