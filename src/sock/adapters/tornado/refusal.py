"""Refused upgrades in Tornado: `Refuse` in a handler, and the end of the connection behind one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from tornado import web

from sock.hosting import asking
from sock.spec import Refuse

from .exchange import is_unanswered, request_of, send_response
from .single_use import close_after_response

if TYPE_CHECKING:
    from types import TracebackType

    from tornado.httputil import HTTPServerRequest


def setup(application: web.Application) -> web.Application:
    """Let a Tornado application close each connection whose request to upgrade was refused.

    Tornado reads the bytes behind such a request as another request, although they may be frames.
    `upgrade` and `hosting` close the connection without this function. Every other response of the
    application needs it, for example a 401 before `upgrade`, or a 404.

    Args:
        application: the application that serves Socks.

    Returns:
        The same application.

    RFC 9112 §9.6.
    """
    application.add_transform(_ClosingTransform)
    return application


class RefuseMixin(web.RequestHandler):
    """Lets a RequestHandler raise `Refuse` before the handshake is answered.

        class Room(RefuseMixin, RequestHandler):
            async def get(self, room: str) -> None:
                await upgrade(self, Chat(room))       # whose constructor may raise it too

    The response of the Refuse is sent, and no error is logged. Without this class Tornado answers
    it with 500, as any other exception.
    """

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an exception as Tornado does, except a `Refuse` whose response will be sent."""
        if not (isinstance(value, Refuse) and is_unanswered(self)):
            super().log_exception(typ, value, tb)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Send an error as Tornado does, but the response of a `Refuse` in its place."""
        refusal = kwargs.get("exc_info", (None, None))[1]
        if isinstance(refusal, Refuse) and is_unanswered(self):
            self.clear()
            send_response(self, asking.refused(request_of(self), refusal))
        else:
            super().send_error(status_code, **kwargs)


@final
class _ClosingTransform(web.OutputTransform):
    """Sees each request of an application before its handler runs. It changes no response."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        close_after_response(request)
