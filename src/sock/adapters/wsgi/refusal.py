"""A response in place of an upgrade, sent from the event loop.

gunicorn waits for up to two seconds for a peer to close, before it closes a connection itself. Its
sync worker answers nobody meanwhile, and gthread accepts nobody. A peer that was refused may keep
its connection open. So such a connection is taken from the server, too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, final

from sock.adapters.conversion import content_of, headers_of
from sock.hosting.content import has_content_length
from sock.loop import Reactor
from sock.loop.pipe import NO_RECEIVER
from sock.spec import HandlerError, HandshakeError

from .background import Background
from .exchange import send, send_nothing, status_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.loop import Pipe
    from sock.spec import Response

    from .environment import StartResponse
    from .given_socket import GivenSocket

_LINGER: Final = 2.0
"""Seconds behind a refusal: to close with unread bytes would reset TCP, and lose the response."""


def refuse(
    response: Response, method: str, given: GivenSocket, start_response: StartResponse
) -> Iterable[bytes]:
    """Send the last response of a connection: from the event loop, or if need be by the server.

    Args:
        response: the response to send.
        method: of the request.
        given: the socket of the request.
        start_response: the server's.
    """
    if not send_from_loop(response, given):
        return send(response, method, start_response, last=True)
    return send_nothing(given, start_response, response.status)


def send_from_loop(response: Response, given: GivenSocket) -> bool:
    """Send the last response of a connection from the event loop; tell whether that can be done."""

    async def begin() -> None:
        reactor = Reactor.of(asyncio.get_running_loop())
        given.take(reactor, Refusal(reactor, response).connect)

    if given.problem:
        return False
    try:
        Background.of_process().call(begin)
    except ConnectionResetError:
        pass
    except (HandshakeError, HandlerError):  # the process is about to end; no descriptor is left
        return False
    return True


@final
class Refusal:
    """The receiver of a connection whose last bytes are a response. It drops what still comes.

    Args:
        reactor: of the event loop.
        response: the response.
    """

    def __init__(self, reactor: Reactor, response: Response) -> None:
        self._loop = reactor.loop
        self._response = response
        self._pipe: Pipe | None = None

    def connect(self, pipe: Pipe) -> Refusal:
        """Send the response over a pipe, in the next turn: it has this receiver by then."""
        self._pipe = pipe
        self._loop.call_soon(self._send)
        return self

    def received(self, data: bytes, /) -> None:
        """Drop bytes, which may be frames."""

    def ended(self) -> None:
        """Close: the peer has left, or has had its time."""
        if self._pipe is not None:
            self._pipe.receiver = NO_RECEIVER
            self._pipe.close()
            self._pipe = None

    def drained(self) -> None:
        """Do nothing."""

    def lost(self) -> None:
        """Note that nothing is left to close."""
        self._pipe = None

    def _send(self) -> None:
        if self._pipe is not None:
            self._pipe.resume()
            self._pipe.write(_rendered(self._response))
            self._pipe.finish()
            self._loop.call_later(_LINGER, self.ended)


def _rendered(response: Response) -> bytes:
    """Return the bytes of a response that is the last one of its connection. RFC 9112."""
    content = content_of(response)
    lines = [f"HTTP/1.1 {status_line(response.status)}"]
    lines += [f"{name}: {value}" for name, value in headers_of(response)]
    if has_content_length(response.status):
        lines.append(f"Content-Length: {len(content)}")
    lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content
