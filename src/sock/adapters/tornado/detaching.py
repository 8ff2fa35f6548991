"""Taking a connection over from Tornado, by detaching its stream.

the descriptor of the connection   how the connection goes on
---------------------------------  -----------------------------------------------------------
can be duplicated, plain TCP       in our reactor; Tornado's stream is closed, which closes its
                                   own descriptor only
no descriptor is left; TLS;        over Tornado's stream (`stream.py`)
Tornado has bytes yet to send
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from tornado import iostream, web

from sock.adapters.conversion import type_name
from sock.hosting.takeover import Takeover, duplicate_socket
from sock.loop import Reactor, adopt
from sock.observe import log
from sock.spec import HandlerError

from .exchange import is_unanswered, request_of
from .single_use import close_after_response
from .stream import StreamPipe

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from sock.loop import Pipe, Receiver

_CHUNK: Final = 64 * 1024


def takeover_of(handler: Any) -> Takeover:
    """Return the takeover of a handler's request.

    Raises:
        TypeError: `handler` is no RequestHandler of Tornado's.
        RuntimeError: it has begun its response.
    """
    if not isinstance(handler, web.RequestHandler):
        raise TypeError(
            f"upgrade takes the RequestHandler of Tornado's whose `get` it is called in, not a"
            f" {type_name(handler)}"
        )
    close_after_response(handler.request)
    if not is_unanswered(handler):
        raise RuntimeError("upgrade comes too late: an answer to this request has begun")
    log.attach()
    reactor = Reactor.of(asyncio.get_running_loop())

    def take(connect: Callable[[Pipe], Receiver]) -> bytes:
        stream: Any = handler.detach()
        if stream.closed():
            raise ConnectionResetError("the peer has gone")
        # The duplicate comes first: Tornado closes its descriptor when the next line finds that
        # the peer has left.
        own = _duplicate(stream)
        # Bytes that Tornado has read are there at once. Otherwise it begins to wait for more.
        reading = stream.read_bytes(_CHUNK, partial=True)
        early = bytes(reading.result()) if reading.done() and not reading.exception() else b""
        if stream.closed() and (own is None or not early or stream.error is not None):
            if own is not None:
                own.close()
            raise ConnectionResetError("the peer has gone")
        if own is not None:
            with contextlib.suppress(OSError):  # no descriptor is left for the reactor itself
                adopt(reactor, own, connect)
                reading.add_done_callback(_take_exception)  # the next line ends the reading
                stream.close()
                return early
        pipe = StreamPipe(reactor, stream, None if reading.done() else reading)
        pipe.receiver = connect(pipe)
        pipe.begin()
        return early

    return Takeover(reactor, request_of(handler), take)


def _duplicate(stream: Any) -> socket.socket | None:
    """Return the connection under a descriptor of our own, or None where the stream must go on."""
    if isinstance(stream, iostream.SSLIOStream) or stream.writing():
        return None
    try:
        return duplicate_socket(stream.socket.fileno())
    except HandlerError:  # no descriptor is left
        return None


def _take_exception(reading: asyncio.Future[bytes]) -> None:
    """Take the exception of a read, which asyncio would log otherwise."""
    if not reading.cancelled():
        reading.exception()
