"""A `Refuse` that is raised behind a middleware becomes the response to its scope.

the framework                                            what is sent
-------------------------------------------------------  ------------------------------------
lets the Refuse through before it has sent anything      the response of the Refuse
(Starlette, FastAPI)
makes an internal error of the Refuse (Litestar;         the response of the Refuse, in place
Starlette's own outermost middleware)                    of the 500
has sent a response already                              nothing: the Refuse is an error
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final, final

from sock.hosting import asking
from sock.spec import Refuse

from . import admission, event

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .event import Event, Scope, Send

_INTERNAL_ERRORS: Final = frozenset({500, 4500})
"""The status, and Litestar's close code, that a framework sends for an unexpected error."""

_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


@final
class RefusalSender:
    """Passes a framework's events on to the server, and sends a `Refuse` in their place.

    A response to a request that asks to upgrade is the last one of its connection, even if the
    framework sends it.

    Args:
        scope: of type "http" or "websocket".
        send: of the scope.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._begun = False
        self._refused = False

    def send(self, event_: Event) -> Awaitable[None]:
        """Pass an event on, unless it is the framework's internal error for a `Refuse`."""
        if self._refused:
            return asyncio.sleep(0)
        if not self._begun:
            self._begun = True
            refusal = sys.exc_info()[1]  # the exception that the framework is handling
            status = event_.get("status", event_.get("code"))
            if isinstance(refusal, Refuse) and status in _INTERNAL_ERRORS:
                return self._send_refusal(refusal)
            if event_["type"] in _STARTS and (closing := event.closing_headers(self._scope)):
                headers = event_.get("headers", ())
                others = [pair for pair in headers if pair[0].lower() != b"connection"]
                event_ = {**event_, "headers": others + closing}
        return self._send(event_)

    async def refuse(self, refusal: Refuse) -> None:
        """Send a `Refuse` that the framework has let through, unless it was sent already.

        Raises:
            Refuse: another response was sent before, so that the refusal comes too late.
        """
        if self._refused:
            return
        if self._begun:
            raise refusal
        self._begun = True
        await self._send_refusal(refusal)

    async def _send_refusal(self, refusal: Refuse) -> None:
        self._refused = True
        request = event.request_of(self._scope, mounted=False)
        response = asking.refused(request, refusal)
        if self._scope["type"] == "http":
            await event.send_response(response, self._scope, self._send)
        else:
            await admission.deny(self._scope, request, response, self._send)
