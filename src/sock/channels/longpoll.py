"""Long poll: the transport for clients that no WebSocket reaches. Ordinary requests.

    request                        the answer is HTTP 200 with JSON, in which the status is
    -----------------------------  ------------------------------------------------------------
    from a page of another site    403
    GET, no session that lives     403 if `connect` refuses, or no version is known; 500 if there
                                   are too many sessions; else 410 with the token of a new one
    GET, a session                 200 with the frames that were sent; 204 after a window; 410 if
                                   it ends
    POST, no session that lives    410
    POST, a session                200 when its frames are handled; 408 after a window; 410 if it
                                   ends
    OPTIONS                        (HTTP 200 without a body) what pages may send
    another method, a bad body     (HTTP 400)

A body of `application/x-ndjson` has a frame on each line, 100 at most: one that begins with `[` or
`{` is text, any other is a binary frame in base64. A body of another type is one frame of text.

The token of a session says which process has it. Where that is another one, it is asked through the
pubsub.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final, final

from sock.spec import Refuse, Response
from sock.spec.errors import HandshakeError
from sock.wire import handshake

from .longpoll_relay import Relay
from .longpoll_sessions import GONE, Sessions, Told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sock.pubsub import PubSub
    from sock.spec import Options, Request, Sock

    from .message import Frame

MAX_BODY: Final = 10_000_000
"""Bytes of the body of a POST. The host may have a lower limit, `max_body_size`."""

MAX_BATCH: Final = 100
"""Frames of one POST. phoenix.js sends no more."""

_TOKEN: Final = re.compile(r"([\w-]{12})\.([\w-]{22})", re.ASCII)
_CORS: Final = ("Access-Control-Allow-Origin", "*")
_HEADERS: Final = (
    _CORS,
    ("Content-Type", "application/json; charset=utf-8"),
    ("Cache-Control", "no-store"),
)


@final
class LongPoll:
    """The long-poll sessions of an endpoint, in each event loop that it runs in.

    Args:
        pubsub: reaches other processes.
        window: seconds for which a GET waits.
        max_sessions: how many there may be in one event loop.
    """

    def __init__(self, pubsub: PubSub[str | bytes], window: float, max_sessions: int) -> None:
        self._pubsub = pubsub
        self._window = window
        self._max_sessions = max_sessions
        self._relays: dict[asyncio.AbstractEventLoop, tuple[Sessions, Relay]] = {}

    async def answer(
        self,
        request: Request,
        options: Options,
        connect: Callable[[], Awaitable[Sock[Any]]],
    ) -> Response:
        """Answer a request.

        Args:
            request: the request.
            options: the limits of a session that it may begin.
            connect: returns the handler of a session, or raises `Refuse`.
        """
        try:
            handshake.check_origin(request, options.origins)
        except HandshakeError:
            return _told(Told(403, []))
        match request.method:
            case "GET":
                return await self._get(request, options, connect)
            case "POST":
                return await self._post(request)
            case "OPTIONS":
                return _preflight(request)
            case _:
                return Response(400, headers=[_CORS])

    async def end(self) -> None:
        """End the sessions of the running event loop: its server has stopped."""
        known = self._relays.pop(asyncio.get_running_loop(), None)
        if known is not None:
            await known[0].end()

    async def _get(
        self,
        request: Request,
        options: Options,
        connect: Callable[[], Awaitable[Sock[Any]]],
    ) -> Response:
        sessions, relay = await self._here()
        token = _token_of(request)
        told = None if token is None else await self._asked(token, None)
        if told is not None:
            return _told(told, token)
        if sessions.is_full:
            return _told(Told(500, []))
        try:
            handler = await connect()
        except Refuse:  # the client knows no other status
            return _told(Told(403, []))
        return _told(GONE, f"{relay.name}.{sessions.begin(request, handler, options)}")

    async def _post(self, request: Request) -> Response:
        token = _token_of(request)
        if token is None:
            return _told(GONE)
        frames = _frames_of(request)
        if frames is None:
            return Response(400, headers=[_CORS])
        return _told(await self._asked(token, frames) or GONE)

    async def _asked(self, token: str, frames: list[Frame] | None) -> Told | None:
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        owner, session = match.groups()
        sessions, relay = await self._here()
        if owner != relay.name:
            return await relay.ask(owner, session, frames)
        if frames is None:
            return await sessions.poll(session)
        return await sessions.post(session, frames)

    async def _here(self) -> tuple[Sessions, Relay]:
        loop = asyncio.get_running_loop()
        known = self._relays.get(loop)
        if known is None:
            for other in [one for one in self._relays if one.is_closed()]:
                self._relays.pop(other, None)
            sessions = Sessions(self._window, self._max_sessions)
            known = self._relays[loop] = (
                sessions,
                Relay(self._pubsub, sessions, self._window),
            )
        await known[1].begin()
        return known


def _token_of(request: Request) -> str | None:
    """Return the token of a session: of newer clients in a field, of others in the query."""
    return request.headers.get("x-phoenix-longpoll-token") or request.query.get("token") or None


def _frames_of(request: Request) -> list[Frame] | None:
    """Return the frames of a POST; None if the body is not well-formed."""
    body = request.body
    if len(body) > MAX_BODY:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind != "application/x-ndjson":
            return [body.decode()]
        lines = [line.rstrip(b"\r") for line in body.split(b"\n", MAX_BATCH)[:MAX_BATCH]]
        return [_frame_of(line) for line in lines if line]
    except ValueError:  # not UTF-8, or no base64
        return None


def _frame_of(line: bytes) -> Frame:
    return line.decode() if line[:1] in {b"[", b"{"} else base64.b64decode(line, validate=True)


def _told(told: Told, token: str | None = None) -> Response:
    body: dict[str, Any] = {"status": told.status}
    if token is not None:
        body |= {"token": token, "messages": told.messages}
    return Response(200, json.dumps(body, separators=(",", ":")), _HEADERS)


def _preflight(request: Request) -> Response:
    asked = ", ".join(request.headers.get_all("access-control-request-headers"))
    return Response(
        200,
        headers=[
            _CORS,
            ("Access-Control-Allow-Headers", asked),
            ("Access-Control-Allow-Methods", "get, post, options"),
            ("Access-Control-Max-Age", "3600"),
        ],
    )
