"""Connections that are closed after their next response, because frames may follow the request."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, final

from tornado import http1connection, iostream

if TYPE_CHECKING:
    import asyncio

    from tornado.httputil import (
        HTTPHeaders,
        HTTPServerRequest,
        RequestStartLine,
        ResponseStartLine,
    )


@final
class SingleUseConnection(http1connection.HTTP1Connection):
    """A connection of Tornado's that is closed after its response, unless that is a 101.

    The header `Connection: close` of a response does not close it, because Tornado obeys that of
    the request only. And when Tornado closes a stream, it still reads the bytes that have arrived
    as another request.
    """

    _disconnect_on_finish: bool

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Begin the response."""
        if getattr(start_line, "code", None) != 101:
            self._disconnect_on_finish = True
        return super().write_headers(start_line, headers, chunk)

    def close(self) -> None:
        """Close the stream, and drop the bytes that have arrived."""
        stream: Any = self.stream
        super().close()
        if stream is not None:
            with contextlib.suppress(iostream.StreamClosedError):  # no bytes have arrived
                stream.read_bytes(stream.max_buffer_size, partial=True)


def close_after_response(request: HTTPServerRequest) -> None:
    """Let nothing behind a request that asks to upgrade be read as another request.

    The bytes behind such a request may be frames, whatever the response is. RFC 9110 §7.8.
    """
    tokens = ",".join(request.headers.get_list("Upgrade")).split(",")
    connection: Any = request.connection
    if "websocket" in [token.strip().lower() for token in tokens] and isinstance(
        connection, http1connection.HTTP1Connection
    ):
        connection.__class__ = SingleUseConnection
