"""socketify: uWebSockets behind cffi, on its own loop, compression off."""

from __future__ import annotations

import sys

from socketify import App, AppListenOptions, CompressOptions, OpCode, WebSocket


def echo(socket: WebSocket, message: str | bytes, opcode: OpCode) -> None:
    """Answer one message."""
    socket.send(message, opcode)


app = App()
app.ws(
    "/*",
    {
        "compression": CompressOptions.DISABLED,
        "max_payload_length": 1024 * 1024,
        "max_backpressure": 1024 * 1024,
        "message": echo,
    },
)
app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"), lambda _: None)
app.run()
