"""The time of day: a Starlette application with a Sock in a route.

    sock run examples.starlette_clock:app

`sock.asgi` turns a Sock application into an ASGI application, for a route of any framework. In a
`WebSocketRoute` it serves exactly that path; in a `Mount` it serves "/clock/" and all paths below.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from sock import TextSock, asgi
from sock.adapters.asgi import drain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from sock import Ref


class Clock(TextSock[None]):
    """Tells the time. The peer may choose how often."""

    seconds = 1.0

    def init(self, ref: Ref[None]) -> str:
        self.ref = ref
        return self.tick()

    def handle_info(self, info: None) -> str:
        return self.tick()

    def handle_in(self, text: str) -> None:
        self.seconds = max(0.01, float(text))

    def tick(self) -> str:
        """Return the time, and ask to be called again."""
        self.ref.send_after(self.seconds, None)
        return datetime.now(UTC).time().isoformat("milliseconds")


async def index(_: Request) -> PlainTextResponse:
    """Answer with the address of the clock."""
    return PlainTextResponse("the clock is at /clock\n")


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncGenerator[None]:
    """Close all connections with 1012 when the server stops."""
    yield
    await drain()


app = Starlette(
    routes=[Route("/", index), WebSocketRoute("/clock", asgi(Clock))], lifespan=lifespan
)
