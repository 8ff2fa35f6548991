"""A host with frames of its own, here those of wsproto: Sock has the life cycle, and not the wire.

python -m examples.hosts.engine 8000        serves sock.testing.contract:app
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from wsproto import events
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.frame_protocol import CloseReason

import sock
from examples.hosts import http
from sock.engine import NEVER
from sock.hosting.answering import answer_request
from sock.hosting.limit import Limit, host_with, report_needed
from sock.hosting.members import Members
from sock.live import EngineConnection, TransportWire
from sock.loop import Reactor
from sock.testing import contract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sock.live.engine_connection import Received

LIMITS: Final = (
    *http.LIMITS,
    Limit("violations", ("S15.3", "S15.10"), "some are found when the frame is complete only"),
    Limit(
        "options",
        ("S15.5", "S15.7"),
        "fragments are not counted, and nothing is compressed",
        options=frozenset({"max_fragments", "compression"}),
    ),
    Limit("detail", ("S16.1",), "a Close with 1014, or with no code for a Close, is a violation"),
)
ERRORS: Final = {1007: sock.InvalidData}


class WsprotoWire(TransportWire):
    """The frames of one connection."""

    def __init__(self, transport: asyncio.Transport, head: bytes, max_size: float) -> None:
        super().__init__(transport, head)
        self.frames, self.max_size = Connection(ConnectionType.SERVER), max_size
        self.parts, self.size = list[Any](), 0

    def parse(self, data: bytes, /) -> Iterator[Received]:
        """Parse what has come, one after the other."""
        self.frames.receive_data(data)
        for event in self.frames.events():
            if isinstance(event, (events.Ping, events.Pong)):
                kind = sock.Ping if isinstance(event, events.Ping) else sock.Pong
                yield kind(bytes(event.payload))
            elif isinstance(event, events.Message):
                part: str | bytes = cast("Any", event).data
                self.parts.append(part)
                self.size += len(part)
                if self.size > self.max_size:
                    yield sock.MessageTooBig("message too big")
                if event.message_finished:
                    yield ("" if isinstance(event, events.TextMessage) else b"").join(self.parts)
                    self.parts, self.size = [], 0
            elif isinstance(event, events.CloseConnection):
                if self.frames.state in {ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED}:
                    yield sock.Remote(event.code, event.reason or "")
                else:  # wsproto reports a violation in this way
                    yield ERRORS.get(event.code, sock.ProtocolError)(event.reason or "")

    def encode(self, message: str | bytes | sock.Ping | sock.Pong, /) -> bytes:
        if isinstance(message, (sock.Ping, sock.Pong)):
            kind: Any = events.Ping if isinstance(message, sock.Ping) else events.Pong
            return self.frames.send(kind(message.payload))
        kind = events.TextMessage if isinstance(message, str) else events.BytesMessage
        return self.frames.send(kind(message))

    def encode_close(self, code: int | None, detail: str, /) -> bytes:
        close = events.CloseConnection(code or CloseReason.NO_STATUS_RCVD, detail or None)
        return self.frames.send(close)


class EngineHost(http.HttpConnection):
    """One connection, up to its 101."""

    host = host_with("an example of an engine", LIMITS)

    async def answer(self, request: sock.Request) -> None:
        """Ask the application, and respond or go live."""
        answer = await answer_request(self.app, request, self.options, compresses=False)
        if isinstance(answer, sock.Response):
            self.respond(answer)
            return
        loop, handler, options = self.loop, answer.upgrade.handler, answer.options
        report_needed(self.host.name, LIMITS, handler, options, request)
        wire = WsprotoWire(self.transport, answer.head, options.max_message_size or NEVER)
        members = Members.of(loop)  # the connections that a drain ends
        connection = EngineConnection(
            Reactor.of(loop), wire, request, handler, options, on_over=members.discard
        )
        members.add(connection)
        wire.go_live(connection, self.data)


if __name__ == "__main__":
    asyncio.run(http.serve(EngineHost, contract.app, int(sys.argv[1])))
