"""Broadcasts over HTTP, as Supabase's clients send them without a connection.

    request, below the path of the application  body                            sent to
    ------------------------------------------  ------------------------------  -----------------
    POST /                                      {"messages": [{topic, event,    each topic
                                                payload}, …]}
    POST /TOPIC/events/EVENT                    JSON; or application/octet-     the topic
                                                stream, which are bytes
    OPTIONS                                     none                            nobody

The answer is 202; 403 where `allow` refuses; 422 for a body that is something else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, final

from msgspec import Struct

from sock.channels.payload_type import ANYTHING
from sock.spec import InvalidMessage, Response
from sock.typed import Codec

from .realtime import PREFIX
from .serializer import BROADCAST, binary_payload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sock.channels.endpoint import Endpoint
    from sock.spec import Request

_CORS: Final = (("Access-Control-Allow-Origin", "*"),)
_SEPARATOR: Final = "/events/"


class _Message(Struct):
    topic: str
    event: str
    payload: Any = None
    private: bool = False


class _Messages(Struct):
    messages: list[_Message]


_MESSAGES: Final = Codec(_Messages)
_ANYTHING: Final[Codec[Any]] = Codec[Any](ANYTHING)


@final
class Rest:
    """An application that takes broadcasts, to be mounted at "/api/broadcast" beside the socket.

    Args:
        endpoint: whose clients get them.
        allow: called with the request and the name of a topic, without "realtime:". Tells whether
            the broadcast may be sent. The token of the client is in its fields `Authorization` and
            `apikey`.
    """

    def __init__(
        self, endpoint: Endpoint, allow: Callable[[Request, str], bool | Awaitable[bool]]
    ) -> None:
        self._endpoint = endpoint
        self._allow = allow

    async def __call__(self, request: Request, /) -> Response:
        """Answer a request."""
        if request.method == "OPTIONS":
            return _preflight(request)
        if request.method != "POST":
            return Response(405, headers=[*_CORS, ("Allow", "POST, OPTIONS")])
        try:
            broadcasts = _broadcasts(request)
        except InvalidMessage as error:
            return _answer(422, {"error": str(error)})
        if broadcasts is None:
            return _answer(404, {"error": "nothing here"})
        for name, _ in broadcasts:
            allowed = self._allow(request, name)
            if not (allowed if isinstance(allowed, bool) else await allowed):
                return _answer(403, {"error": f"no broadcasts to {name!r}"})
        for name, payload in broadcasts:
            await self._endpoint.broadcast(PREFIX + name, BROADCAST, payload)
        return Response(202, headers=_CORS)


def _broadcasts(request: Request) -> list[tuple[str, Any]] | None:
    """Return the topics and payloads in a request; None if its path is another one.

    Raises:
        InvalidMessage: the body is not as the table says.
    """
    path = request.path
    if path in {"", "/"}:
        messages = _MESSAGES.decode(request.body).messages
        return [(one.topic, _payload(one.event, one.payload)) for one in messages]
    name, found, event = path.removeprefix("/").rpartition(_SEPARATOR)
    if not found:
        return None
    if request.headers.get("content-type", "").startswith("application/octet-stream"):
        if len(event.encode()) > 255:
            raise InvalidMessage("an event has 255 bytes at most")
        return [(name, binary_payload(event, request.body))]
    return [(name, _payload(event, _ANYTHING.decode(request.body)))]


def _payload(event: str, payload: Any) -> dict[str, Any]:
    return {"type": BROADCAST, "event": event, "payload": payload}


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, json.dumps(body), [*_CORS, ("Content-Type", "application/json")])


def _preflight(request: Request) -> Response:
    asked = ", ".join(request.headers.get_all("access-control-request-headers"))
    headers = (("Access-Control-Allow-Headers", asked), ("Access-Control-Allow-Methods", "POST"))
    return Response(200, headers=[*_CORS, *headers])
