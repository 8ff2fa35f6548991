"""A host over the WebSockets of another server, here those of aiohttp, which keeps its socket.

python -m examples.hosts.bridge 8000        serves sock.testing.contract:app
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final, cast

from aiohttp import WebSocketError, WSMsgType, web
from multidict import CIMultiDict

import sock
from sock.hosting.answering import answer_request
from sock.hosting.content import content_of, headers_of
from sock.hosting.limit import Limit, host_with, report_needed
from sock.hosting.members import Members
from sock.hosting.options import options_of_host
from sock.live import Bridge
from sock.live.server_wire import plain
from sock.loop import Reactor
from sock.observe import log
from sock.testing import contract

LIMITS: Final = (
    Limit("writes", ("S1.9", "S2.11"), "aiohttp decides when bytes leave"),
    Limit("violations", ("S15.1", "S15.2"), "aiohttp chooses the code, and takes some bad frames"),
    Limit("close", ("S7.11",), "the peer's Close is answered with its own code, in a drain too"),
    Limit("received", ("S12.1",), "an unfinished message does not count as received"),
    Limit("handshake", ("S14.1", "S14.3"), "aiohttp judges the form of some fields by itself"),
    Limit("heads", ("S14.3", "S14.12", "S17.2"), "aiohttp has limits of its own for heads"),
    Limit("requests", ("S13.9", "S19.9"), "an ordinary request has no body"),
    Limit("lifespan", ("S19.4", "S19.5", "S19.6", "S19.10", "S19.11"), "no lifespan is entered"),
    Limit(
        "options",
        ("S15.5", "S15.7"),
        "fragments are not counted, and nothing is compressed",
        options=frozenset({"max_fragments", "compression"}),
    ),
)
HOST: Final = host_with("an example of a bridge", LIMITS)
ERRORS: Final = {1007: sock.InvalidData, 1009: sock.MessageTooBig}


class AiohttpWire:
    """What a `Bridge` asks of another server: receive, send, close."""

    passes_control_frames = True  # pings can be sent, and pongs are received

    def __init__(self, websocket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.websocket, self.transport = websocket, transport

    async def receive(self) -> str | bytes | sock.Ping | sock.Pong | sock.Remote:
        message = await self.websocket.receive()
        match message.type:
            case WSMsgType.TEXT | WSMsgType.BINARY:
                return cast("str | bytes", message.data)
            case WSMsgType.PING:
                await self.websocket.pong(message.data)
                return sock.Ping(bytes(message.data))
            case WSMsgType.PONG:
                return sock.Pong(bytes(message.data))
            case WSMsgType.CLOSE:  # it is answered before the bridge is told
                code = message.data.to_bytes(2, "big") if message.data else b""
                await self.websocket.send_frame(code, WSMsgType.CLOSE)
                self.transport.close()
                return sock.Remote(message.data or 1005, message.extra or "")
            case WSMsgType.ERROR if isinstance(message.data, WebSocketError):  # this one, too
                raise ERRORS.get(message.data.code, sock.ProtocolError)(str(message.data))
            case _:
                return sock.Remote(1006)

    async def send(self, message: sock.Message, /) -> None:
        message = plain(message)
        if isinstance(message, str):
            await self.websocket.send_str(message)
        elif isinstance(message, bytes):
            await self.websocket.send_bytes(message)
        else:
            kind = WSMsgType.PING if isinstance(message, sock.Ping) else WSMsgType.PONG
            await self.websocket.send_frame(message.payload, kind)

    async def close(self, code: int | None, detail: str, /) -> None:
        await self.websocket.close(code=code or 1000, message=detail.encode())


def make(app: sock.App) -> web.Application:
    """Return an application of aiohttp's that hosts one of Sock's."""
    base = options_of_host(app, None)

    async def serve(asked: web.Request) -> web.StreamResponse:
        version = "{}.{}".format(*asked.version)
        fields = list(asked.raw_headers)
        request = sock.Request(
            asked.method, asked.raw_path, fields, http_version=version, host=HOST
        )
        answer = await answer_request(app, request, base, compresses=False)
        if isinstance(answer, sock.Response):
            headers, body = CIMultiDict(headers_of(answer)), content_of(answer)
            response = web.Response(status=answer.status, headers=headers, body=body)
            response.force_close()  # what follows may be frames
            return response
        handler, options = answer.upgrade.handler, answer.options
        size = 0 if options.max_message_size is None else options.max_message_size + 1
        protocols = [one for one in [answer.upgrade.subprotocol] if one is not None]
        websocket = web.WebSocketResponse(
            autoping=False, autoclose=False, compress=False, max_msg_size=size, protocols=protocols
        )
        websocket.headers.extend(answer.upgrade.headers)
        report_needed(HOST.name, LIMITS, handler, options, request)
        await websocket.prepare(asked)
        transport = cast("asyncio.Transport", asked.transport)
        reactor = Reactor.of(asyncio.get_running_loop())
        bridge = Bridge(reactor, AiohttpWire(websocket, transport), request, handler, options)
        await Members.of(reactor.loop).run(bridge)
        # What waits now is not taken any more.
        transport.abort() if transport.get_write_buffer_size() else transport.close()
        return websocket

    async def drain(_: web.Application) -> None:
        await Members.of(asyncio.get_running_loop()).drain(base.drain_timeout)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serve)
    application.on_shutdown.append(drain)
    return application


if __name__ == "__main__":
    log.attach()
    web.run_app(make(contract.app), host="127.0.0.1", port=int(sys.argv[1]))
