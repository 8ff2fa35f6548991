"""The answer to a scope of ASGI, as it passes a middleware: a `Refuse` may stand in its place.

the framework                                            what is sent
-------------------------------------------------------  ------------------------------------
lets a Refuse through (Starlette, FastAPI), before it    the Refuse's response
has said anything
makes an internal error of a Refuse (Litestar;           the same, in place of the 500
Starlette's own outermost middleware)
has answered already                                     nothing: the Refuse is an error
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final, final

from sock.spec import Refuse

from . import admission, event, hosted

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .event import Event, Scope, Send

_FAILED: Final = frozenset({500, 4500})
"""The status, and Litestar's close code, that stand for an error which nobody has expected."""

_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


@final
class Answering:
    """What a framework says, on its way to the server.

    An answer to a request that asks to upgrade is the last one of its connection, whoever gives it.

    Args:
        scope: of type "http" or "websocket".
        send: of the scope.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._begun = False
        self._refused = False

    def said(self, said: Event) -> Awaitable[None]:
        """Send what the framework says, unless that is its error for a `Refuse`."""
        if self._refused:
            return asyncio.sleep(0)
        if not self._begun:
            self._begun = True
            refusal = sys.exc_info()[1]  # which the framework is handling
            if isinstance(refusal, Refuse) and said.get("status", said.get("code")) in _FAILED:
                return self._refuse(refusal)
            if said["type"] in _STARTS and (closing := event.closing(self._scope)):
                headers = said.get("headers", ())
                others = [pair for pair in headers if pair[0].lower() != b"connection"]
                said = {**said, "headers": others + closing}
        return self._send(said)

    async def raised(self, refusal: Refuse) -> None:
        """Answer with a `Refuse` that the framework has let through, if it was not done.

        Raises:
            Refuse: it comes too late, as something else was answered.
        """
        if self._refused:
            return
        if self._begun:
            raise refusal
        self._begun = True
        await self._refuse(refusal)

    async def _refuse(self, refusal: Refuse) -> None:
        self._refused = True
        request = event.request_of(self._scope, mounted=False)
        response = hosted.refused(request, refusal)
        if self._scope["type"] == "http":
            await event.answer(response, self._scope, self._send)
        else:
            await admission.deny(self._scope, request, response, self._send)
