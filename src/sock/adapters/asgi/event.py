"""Conversion between ASGI and Sock: scopes become requests, events messages, responses events.

ASGI 3, HTTP & WebSocket, specification 2.0 to 2.5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final
from urllib.parse import quote, unquote

from sock.adapters import body, conversion
from sock.hosting.content import has_content_length
from sock.spec import CloseCode, Prepared, Remote, Request, Shutdown, Text

from .extension import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.engine import Cause
    from sock.spec import Message, Ping, Pong, Response, Upgrade

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]

_SCHEMES: Final = {"ws": "http", "wss": "https"}
_SUBPROTOCOL: Final = b"sec-websocket-protocol"
_SAFE: Final = "/!$&'()*+,;=:@~"  # RFC 3986 §3.3: the characters that a path holds unescaped


def request_of(scope: Scope, *, mounted: bool) -> Request:
    """Return the request that a scope describes.

    Args:
        scope: of type "http" or "websocket".
        mounted: whether to leave `root_path` out of the target too, as a router shows a request to
            a mounted application.
    """
    path: bytes = scope.get("raw_path") or quote(scope["path"], safe=_SAFE).encode()
    path = path.partition(b"?")[0]  # some servers put the query here too
    root: str = scope.get("root_path") or ""
    rest = _without(path, quote(root, safe=_SAFE).encode()) if root else path
    target = (rest if mounted else path).decode("ascii", "replace")
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
        client=conversion.address_of(scope.get("client")),
        server=conversion.address_of(scope.get("server")),
        path_params=scope.get("path_params"),
        root_path=root.rstrip("/"),
        host=host_of(scope),
    )
    if rest is not path and not mounted:
        request.path = unquote(rest.decode("ascii", "replace"))
    request.state.update(scope.get("state") or {})
    request.state["asgi.scope"] = scope
    return request


async def body_of(request: Request, receive: Receive, limit: int) -> bytes | None:
    """Return the body of an ordinary request, or None when the peer has left before its end.

    Args:
        request: the request that was made of the scope.
        receive: of the scope.
        limit: the most bytes that the body may have.

    Raises:
        HandshakeError: the body has more bytes (413). The rest of it is not read.
    """
    body.check_announced_length(request, limit)
    received = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        received += event.get("body") or b""
        if len(received) > limit:
            raise body.too_large(limit)
        if not event.get("more_body"):
            return bytes(received)


def headers_to_asgi(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers in the form that ASGI has: bytes, with names in lower case."""
    return [(name.lower().encode(), value.encode()) for name, value in pairs]


def headers_to_text(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return headers in ASGI's form as text."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


async def send_acceptance(upgrade: Upgrade, send: Send) -> None:
    """Send the event that accepts a WebSocket connection."""
    await send(
        {
            "type": "websocket.accept",
            "subprotocol": upgrade.subprotocol,
            "headers": headers_to_asgi(upgrade.headers),
        }
    )


async def send_response(response: Response, scope: Scope, send: Send) -> None:
    """Send the events of a response: to an ordinary request, or in place of an upgrade.

    Args:
        response: the response to send.
        scope: of type "http" or "websocket".
        send: of the scope.
    """
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    content = conversion.content_of(response)
    headers = headers_to_asgi(conversion.headers_of(response))
    if has_content_length(response.status):
        headers.append((b"content-length", b"%d" % len(content)))
    headers += closing_headers(scope)
    await send({"type": f"{kind}.start", "status": response.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": content, "more_body": False})


def disconnect_event(cause: Cause | None) -> Event:
    """Return the event that tells an application how its connection has ended."""
    code: int | None = CloseCode.ABNORMAL_CLOSURE
    detail = ""
    if cause is not None:
        # The peer's own code has precedence over the one that it was answered with.
        ended_by = cause.reason if isinstance(cause.reason, Remote) else cause
        code, detail = ended_by.code, ended_by.detail
    code = CloseCode.NO_STATUS_RCVD if code is None else code
    return {"type": "websocket.disconnect", "code": int(code), "reason": detail}


def closing_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers that keep a server from reading another request on the connection.

    The bytes behind a request that asks to upgrade may be frames, and some servers do not close
    the connection by themselves. From HTTP/2 on every request has a stream of its own, so there is
    nothing to close. RFC 9110 §7.8, RFC 9113 §8.2.2.
    """
    if scope.get("http_version", "1.1").startswith("1.") and (
        scope["type"] == "websocket" or _asks_to_upgrade(scope)
    ):
        return [(b"connection", b"close")]
    return []


def _asks_to_upgrade(scope: Scope) -> bool:
    """Tell whether a request asks for a WebSocket, although its server has not seen that."""
    return any(
        name == b"upgrade" and b"websocket" in [one.strip() for one in value.lower().split(b",")]
        for name, value in scope.get("headers", ())
    )


@final
class AsgiWire:
    """A WebSocket connection whose messages are ASGI's events: the `ServerWire` of a `Bridge`.

    Args:
        scope: of type "websocket".
        receive: of the scope.
        send: of the scope.
    """

    passes_control_frames = False

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        version = scope.get("asgi", {}).get("spec_version", "2.0")
        # Since 2.3 a server tells the peer's detail ("reason" in ASGI) together with its code.
        self._tells_detail = [int(part) for part in version.split(".")[:2]] >= [2, 3]

    async def receive(self) -> str | bytes | Ping | Pong | Remote | Shutdown:
        """Return the next message, or how the connection has ended."""
        event = await self._receive()
        if event["type"] == "websocket.receive":
            text: str | None = event.get("text")
            # Test clients and servers in Python may use another buffer type than bytes.
            return bytes(event["bytes"]) if text is None else text
        code = event.get("code") or CloseCode.NO_STATUS_RCVD
        # uvicorn leaves the reason out when there was no Close frame: TCP was lost (its code is
        # 1005 then), or uvicorn is stopping and has sent 1012 to the peer.
        if self._tells_detail and "reason" not in event:
            if code == CloseCode.SERVICE_RESTART:
                return Shutdown()
            if code == CloseCode.NO_STATUS_RCVD:
                code = CloseCode.ABNORMAL_CLOSURE
        return Remote(code, event.get("reason") or "")

    def send(self, message: Message, /) -> Awaitable[None]:
        """Send a message. Returns the server's own awaitable, without a coroutine around it."""
        if isinstance(message, Prepared):
            message = message.message
        if isinstance(message, str):
            return self._send({"type": "websocket.send", "text": message})
        if isinstance(message, Text):
            return self._send({"type": "websocket.send", "text": message.utf8.decode()})
        return self._send({"type": "websocket.send", "bytes": message})

    async def close(self, code: int | None, detail: str, /) -> None:
        """Send Close."""
        code = CloseCode.NORMAL if code is None else code
        await self._send({"type": "websocket.close", "code": int(code), "reason": detail})


def _without(path: bytes, root: bytes) -> bytes:
    root = root.rstrip(b"/")
    if path == root or path.startswith(root + b"/"):
        return path[len(root) :] or b"/"
    return path
