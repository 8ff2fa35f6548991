"""What ASGI says, in our words and back: scopes as requests, events as messages, answers as events.

ASGI 3, HTTP & WebSocket, specification 2.0 to 2.5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final
from urllib.parse import quote

from sock.hosting.content import has_content_length
from sock.spec import CloseCode, Prepared, Remote, Request, Shutdown, Text

from . import hosted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Message, Ping, Pong, Response, Upgrade

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]

_SCHEMES: Final = {"ws": "http", "wss": "https"}
_SUBPROTOCOL: Final = b"sec-websocket-protocol"
_SAFE: Final = "/!$&'()*+,;=:@~"  # RFC 3986 §3.3: what a path holds as it is


def request_of(scope: Scope, *, mounted: bool) -> Request:
    """Return a scope as a request.

    Args:
        scope: of type "http" or "websocket".
        mounted: whether what is mounted sees the rest of the path only, as a router would show it.
    """
    path: bytes = scope.get("raw_path") or quote(scope["path"], safe=_SAFE).encode()
    path = path.partition(b"?")[0]  # some servers have the query here too
    root: str = scope.get("root_path") or ""
    if mounted and root:
        path = _without(path, quote(root, safe=_SAFE).encode())
    target = path.decode("ascii", "replace")
    if query := scope.get("query_string"):
        target += "?" + query.decode("ascii", "replace")
    scheme: str = scope.get("scheme") or "http"
    headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    offered = scope.get("subprotocols")
    if offered and not any(name.lower() == _SUBPROTOCOL for name, _ in headers):
        headers.append((_SUBPROTOCOL, ", ".join(offered).encode()))
    request = Request(
        scope.get("method", "GET"),
        target,
        headers,
        http_version=scope.get("http_version", "1.1"),
        scheme=_SCHEMES.get(scheme, scheme),
        client=hosted.address_of(scope.get("client")),
        server=hosted.address_of(scope.get("server")),
        path_params=scope.get("path_params"),
    )
    request.state.update(scope.get("state") or {})
    request.state["asgi.scope"] = scope
    return request


async def body_of(request: Request, receive: Receive, limit: int) -> bytes | None:
    """Return the body of an ordinary request; None when the peer has gone before its end.

    Args:
        request: made of the scope.
        receive: of the scope.
        limit: bytes that it may have.

    Raises:
        HandshakeError: it has more (413). What is left of it is not read.
    """
    hosted.check_length(request, limit)
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        body += event.get("body") or b""
        if len(body) > limit:
            raise hosted.too_large(limit)
        if not event.get("more_body"):
            return bytes(body)


def in_bytes(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them: in bytes, their names in lower case."""
    return [(name.lower().encode(), value.encode()) for name, value in pairs]


def in_text(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return headers of ASGI's in text."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


async def accept(upgrade: Upgrade, send: Send) -> None:
    """Send the acceptance."""
    await send(
        {
            "type": "websocket.accept",
            "subprotocol": upgrade.subprotocol,
            "headers": in_bytes(upgrade.headers),
        }
    )


async def answer(response: Response, scope: Scope, send: Send) -> None:
    """Send an ordinary answer: to an ordinary request, or in place of an upgrade.

    Args:
        response: what is said.
        scope: of type "http" or "websocket".
        send: of the scope.
    """
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    body = hosted.body_of(response)
    headers = in_bytes(hosted.headers_of(response))
    if has_content_length(response.status):
        headers.append((b"content-length", b"%d" % len(body)))
    headers += closing(scope)
    await send({"type": f"{kind}.start", "status": response.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body, "more_body": False})


def closing(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return what an answer says so that nothing behind its request is read as another request.

    What follows a request that asks to upgrade may be frames. Some servers do not close by
    themselves. From HTTP/2 on there is a stream for each request. RFC 9110 §7.8, RFC 9113 §8.2.2.
    """
    if scope.get("http_version", "1.1").startswith("1.") and (
        scope["type"] == "websocket" or _asks_to_upgrade(scope)
    ):
        return [(b"connection", b"close")]
    return []


def _asks_to_upgrade(scope: Scope) -> bool:
    """Tell whether a request is one for a WebSocket that its server has not taken as one."""
    return any(
        name == b"upgrade" and b"websocket" in [one.strip() for one in value.lower().split(b",")]
        for name, value in scope.get("headers", ())
    )


@final
class Events:
    """A WebSocket connection as ASGI's events, for a `Bridge`.

    Args:
        scope: of type "websocket".
        receive: of the scope.
        send: of the scope.
    """

    controls = False

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        version = scope.get("asgi", {}).get("spec_version", "2.0")
        # Since 2.3 a server tells the reason that the peer has given, with its code.
        self._tells_reasons = [int(part) for part in version.split(".")[:2]] >= [2, 3]

    async def receive(self) -> str | bytes | Ping | Pong | Remote | Shutdown:
        """Return a message, or how the connection has ended."""
        event = await self._receive()
        if event["type"] == "websocket.receive":
            text = event.get("text")
            # A test client, and a server in Python, may have another buffer than bytes.
            return bytes(event["bytes"]) if text is None else cast("str", text)
        code = event.get("code") or CloseCode.NO_STATUS_RCVD
        # uvicorn tells of no reason when there was no Close frame: it has lost TCP (its code is
        # 1005 then), or is stopping (1012), and has said so to the peer.
        if self._tells_reasons and "reason" not in event:
            if code == CloseCode.SERVICE_RESTART:
                return Shutdown()
            if code == CloseCode.NO_STATUS_RCVD:
                code = CloseCode.ABNORMAL_CLOSURE
        return Remote(code, event.get("reason") or "")

    def send(self, message: Message, /) -> Awaitable[None]:
        """Send a message: what the server gives is awaited, with no coroutine around it."""
        if isinstance(message, Prepared):
            message = message.message
        if isinstance(message, str):
            return self._send({"type": "websocket.send", "text": message})
        if isinstance(message, Text):
            return self._send({"type": "websocket.send", "text": message.utf8.decode()})
        return self._send({"type": "websocket.send", "bytes": message})

    async def close(self, code: int | None, detail: str, /) -> None:
        """Say Close."""
        code = CloseCode.NORMAL if code is None else code
        await self._send({"type": "websocket.close", "code": int(code), "reason": detail})


def _without(path: bytes, root: bytes) -> bytes:
    root = root.rstrip(b"/")
    if path == root or path.startswith(root + b"/"):
        return path[len(root) :] or b"/"
    return path
