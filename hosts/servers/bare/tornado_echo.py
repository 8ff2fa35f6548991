"""Tornado's own WebSockets, without Sock, compressed: `python tornado_echo.py PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    """Sends every message back."""

    def get_compression_options(self) -> dict[str, Any]:
        """Agree on compression: Tornado does not unless it is asked to."""
        return {}

    async def on_message(self, message: str | bytes) -> None:
        """Answer one message."""
        await self.write_message(message, binary=isinstance(message, bytes))


async def main() -> None:
    """Serve until the process is ended."""
    Application([("/", Echo)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
