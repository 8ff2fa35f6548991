"""A gateway to HTTP/2 and HTTP/3, so that any client of HTTP/1.1 can test WebSockets over them.

A client sends an ordinary opening handshake. The gateway sends an extended CONNECT to the host (RFC
8441, RFC 9220), whose stream carries the same bytes of the frames. `python -m hosts.gateway 2 OWN
TO` starts it on port OWN, for a host on port TO that speaks HTTP/2.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from base64 import b64encode
from hashlib import sha1
from typing import Final

from sock.wire.frame import Close
from sock.wire.parser import Event, Parser

from .tunnel import Http3, Pairs, Tunnel, connect_tunnel

_HOP: Final = {"connection", "upgrade", "host", "sec-websocket-key", "sec-websocket-accept"}
_CHUNK: Final = 64 * 1024
_PATIENCE: Final = 1.0  # seconds for one side to end after the other


async def carry(
    version: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Carry one connection of a client to the host and back."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
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
        async with asyncio.timeout(60), connect_tunnel(version, port) as tunnel:
            answer = await tunnel.open(headers)
            writer.write(_head(answer, given["sec-websocket-key"]))
            await _pipe(tunnel, reader, writer)
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        pass
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()


def _token(key: str) -> str:
    """Return the value of `Sec-WebSocket-Accept` for a key. RFC 6455 §4.2.2."""
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
    return f"HTTP/1.1 {status} \r\n{lines}\r\n".encode("latin-1")


async def _pipe(tunnel: Tunnel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # hypercorn 0.18 forgets a stream when it has sent Close, and serves no more peers over HTTP/3
    # when the peer's answer arrives. The answer is left out here, so that the rest can be tried.
    closed: list[Event] = []
    parser = Parser(max_message_size=None, max_fragments=None, masked=False)

    def see(event: Event) -> bool:
        if isinstance(event, Close):
            closed.append(event)
        return True

    async def there() -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if not (closed and isinstance(tunnel, Http3)):
                    await tunnel.send(data)
        await tunnel.send(b"")

    async def back() -> None:
        while data := await tunnel.arrived.get():
            parser.feed(data, see)
            writer.write(data)
            await writer.drain()
            tunnel.acknowledge(len(data))
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
                one.exception()  # taken, so that a peer that has left is not logged


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
