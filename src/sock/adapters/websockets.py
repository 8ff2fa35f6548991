"""The asyncio server of websockets as a host: as its handler, over its own wire.

    async with serve(**hosting(Chat), host="127.0.0.1", port=8000) as server:
        ...
        await drain()          # before it closes: 1012 to all, where it would say 1001

or in a handler of one's own, where the 101 has been sent already:

    async def room(connection: ServerConnection) -> None:
        await upgrade(connection, Chat(...))
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, final

from sock.hosting.asking import accept_upgrade
from sock.hosting.content import has_content_length
from sock.hosting.limit import Limit, report_needed
from sock.hosting.members import Members
from sock.hosting.options import options_of_connection
from sock.live.bridge import Bridge
from sock.loop import Reactor
from sock.observe import log
from sock.spec import (
    CloseCode,
    HandlerError,
    HandshakeError,
    InvalidData,
    MessageTooBig,
    Options,
    Ping,
    Pong,
    Prepared,
    ProtocolError,
    Remote,
    Request,
    Response,
    Shutdown,
    Text,
    Upgrade,
)
from sock.wire import handshake

try:
    import websockets
    from websockets.asyncio.server import ServerConnection
    from websockets.datastructures import Headers
    from websockets.http11 import Response as Answer
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError(
        "websockets is missing, or older than 14: pip install --upgrade 'sockpy[websockets]'"
    ) from error

from .hosted import (
    Hosted,
    address_of,
    body_of,
    check,
    failed,
    for_latin_1,
    headers_of,
    kind_of,
    refused,
)
from .hosted import drain as drain

if TYPE_CHECKING:
    from sock.spec import App, Message, Sock

__all__ = ["LIMITS", "drain", "hosting", "upgrade"]

_HOST: Final = "websockets"

LIMITS: Final = (
    Limit(
        "control",
        ("S5.2", "S5.3"),
        "pings can be pushed, but none that the peer sends is told to the handler",
        method="handle_control",
    ),
    Limit(
        "received",
        ("S12.1", "S12.2"),
        "messages and pongs count as received, unfinished frames and the peer's own pings do not",
    ),
    Limit(
        "writes",
        ("S2.11", "S1.9", "S11.1", "S11.2", "S11.3"),
        "websockets decides when bytes leave, and how much is read ahead and waits to be sent",
        options=frozenset({"max_read_ahead", "max_send_buffer"}),
    ),
    Limit(
        "close",
        ("S7.5", "S9.3", "S9.4"),
        "websockets answers the peer's Close by itself, and then ends TCP",
    ),
    Limit(
        "violations",
        ("S15.1", "S15.2", "S15.3", "S15.8"),
        "websockets answers violations by itself, and drops what came before in the same read",
    ),
    Limit(
        "handshake",
        ("S14.1", "S14.4"),
        "websockets judges by itself what is a valid handshake, and may read on behind another",
    ),
    Limit(
        "options",
        ("S15.5", "S15.7", "S17.1", "S17.2"),
        "compression, fragments and the largest message are arguments of its serve()",
        options=frozenset({"compression", "max_fragments"}),
    ),
)
"""What websockets does not let through."""

_ANSWERED: Final = "_sock_answer"

_FAULTS: Final = {
    CloseCode.PROTOCOL_ERROR: ProtocolError,
    CloseCode.INVALID_DATA: InvalidData,
    CloseCode.MESSAGE_TOO_BIG: MessageTooBig,
}
"""The codes by which websockets says that the peer broke the protocol."""


async def upgrade(
    connection: ServerConnection, handler: Sock[Any, Any], options: Options | None = None
) -> None:
    """Hand a connection to a handler, until it has ended.

    The handshake is over, so another site's page is sent away with 1008, unless serve() was given
    `origins` of its own; `hosting` answers it with 403.

    Args:
        connection: that websockets has accepted.
        handler: takes over.
        options: limits of this connection.

    Raises:
        TypeError: it is no connection of websockets' asyncio server.
    """
    _check(connection)
    accepting = Upgrade(handler, options=options)
    limits = options_of_connection(accepting, Options())
    request = request_of(connection)
    if "origins" in limits.given or connection.protocol.origins is None:
        try:
            handshake.check_origin(request, limits.origins)
        except HandshakeError as refusal:
            refused(request, refusal)
            await connection.close(CloseCode.POLICY_VIOLATION, "another site's page")
            return
    await _live(connection, request, accepting, limits)


def hosting(app: App, *, options: Options | None = None) -> dict[str, Any]:
    """Return the arguments for `serve` that make an application its own: `serve(**hosting(app))`.

    The application is asked in `process_request`: so it may refuse, or give an ordinary answer.

    Args:
        app: from a request to an answer; a Sock class is one.
        options: limits; what an `Upgrade` gives is laid over them.
    """
    application = Hosted(app, options)

    async def process_request(connection: ServerConnection, _: Any) -> Answer | None:
        request = request_of(connection)
        answer = await application.ask(request, check, upgrading=True)
        if isinstance(answer, Response):
            return _answer(answer)
        try:
            limits = accept_upgrade(request, "", answer, application.options)[1]
        except HandshakeError as refusal:
            return _answer(refused(request, refusal))
        except HandlerError as error:
            return _answer(failed(request, error))
        setattr(connection, _ANSWERED, (request, answer, limits))
        return None

    def select_subprotocol(connection: ServerConnection, _: Any) -> Any:
        _, answer, _ = getattr(connection, _ANSWERED)
        return answer.subprotocol

    def process_response(connection: ServerConnection, _: Any, response: Answer) -> None:
        if response.status_code == 101:
            _, answer, _ = getattr(connection, _ANSWERED)
            for name, value in answer.headers:
                response.headers[name] = for_latin_1(value)

    async def handler(connection: ServerConnection) -> None:
        request, answer, limits = getattr(connection, _ANSWERED)
        await _live(connection, request, answer, limits)

    return {
        "handler": handler,
        "process_request": process_request,
        "select_subprotocol": select_subprotocol,
        "process_response": process_response,
        "max_size": application.options.max_message_size,
    }


def request_of(connection: ServerConnection) -> Request:
    """Return the request that websockets has read."""
    asked: Any = connection.request
    made = Request(
        "GET",
        asked.path,
        [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in asked.headers.raw_items()
        ],
        scheme="http" if connection.transport.get_extra_info("sslcontext") is None else "https",
        client=address_of(connection.remote_address),
        server=address_of(connection.local_address),
    )
    made.state["websockets.connection"] = connection
    return made


@final
class _Connection:
    """A connection of websockets, for a `Bridge`."""

    controls = True

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.bridge: Bridge | None = None
        """Which is told of pongs."""

    async def receive(self) -> str | bytes | Ping | Pong | Remote | Shutdown:
        """Return a message, or the peer's end."""
        connection = self._connection
        try:
            message: str | bytes = await connection.recv()
        except websockets.ConnectionClosed as closed:
            return self._end(closed)
        return message

    def _end(self, closed: websockets.ConnectionClosed) -> Remote | Shutdown:
        received, sent = closed.rcvd, closed.sent
        if sent is not None and not closed.rcvd_then_sent:  # the server began
            if sent.code in {CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART}:
                return Shutdown()
            if sent.code in _FAULTS:
                raise _FAULTS[CloseCode(sent.code)](sent.reason)
        if received is None:
            return Remote(CloseCode.ABNORMAL_CLOSURE)
        return Remote(received.code, received.reason)

    async def send(self, message: Message, /) -> None:
        """Send a message or a control frame."""
        connection = self._connection
        if isinstance(message, Prepared):
            message = message.message
        if isinstance(message, Ping):
            with contextlib.suppress(websockets.ConcurrencyError):  # one like it has no answer yet
                answered = await connection.ping(message.payload)
                answered.add_done_callback(self._ponged)
        elif isinstance(message, Pong):
            await connection.pong(message.payload)
        elif isinstance(message, Text):
            await connection.send(message.utf8, text=True)
        else:
            await connection.send(message)

    def _ponged(self, answered: asyncio.Future[float]) -> None:
        if not answered.cancelled() and answered.exception() is None and self.bridge is not None:
            self.bridge.heard()

    async def close(self, code: int | None, detail: str, /) -> None:
        """Say Close, and wait for the peer's."""
        await self._connection.close(CloseCode.NORMAL if code is None else code, detail)


async def _live(
    connection: ServerConnection, request: Request, upgrade: Upgrade, options: Options
) -> None:
    log.attach()
    loop = asyncio.get_running_loop()
    report_needed(_HOST, LIMITS, upgrade.handler, options, request)
    foreign = _Connection(connection)
    bridge = foreign.bridge = Bridge(
        Reactor.of(loop), foreign, request, upgrade.handler, options, debug=loop.get_debug()
    )
    members = Members.of(loop)
    members.add(bridge)
    try:
        await bridge.run()
    finally:
        members.discard(bridge)


def _check(connection: Any) -> None:
    if not isinstance(connection, ServerConnection):
        raise TypeError(
            f"upgrade takes the ServerConnection of websockets.asyncio.server.serve, not a"
            f" {kind_of(connection)}"
        )


def _answer(response: Response) -> Answer:
    body = body_of(response)
    headers = Headers((name, for_latin_1(value)) for name, value in headers_of(response))
    if has_content_length(response.status):
        headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    return Answer(response.status, "", headers, body)
