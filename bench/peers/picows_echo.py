"""picows: its core on uvloop. It echoes frames: it neither joins fragments nor checks UTF-8.

On /fanout each frame goes to every transport that asked for that path.
"""

from __future__ import annotations

import os
import ssl
import sys

import picows
import uvloop


class Echo(picows.WSListener):
    """Sends every frame back."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Answer one frame."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        else:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview())


everybody: list[picows.WSTransport] = []


class Fanout(picows.WSListener):
    """Sends every message to everybody."""

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Join."""
        everybody.append(transport)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Leave."""
        everybody.remove(transport)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Copy one frame to everybody."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        payload = frame.get_payload_as_memoryview()
        for other in everybody:
            other.send(frame.msg_type, payload)


def listener(request: picows.WSUpgradeRequest) -> picows.WSListener:
    """Make the listener of one connection."""
    return Fanout() if request.path == b"/fanout" else Echo()


async def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    tls = None
    if certificate := os.environ.get("BENCH_CERTIFICATE"):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    server = await picows.ws_create_server(listener, "127.0.0.1", port, backlog=4096, ssl=tls)
    await server.serve_forever()


uvloop.run(main(int(sys.argv[1])))
