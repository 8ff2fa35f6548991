"""picows: its core on uvloop. It echoes frames: it neither joins fragments nor checks UTF-8."""

from __future__ import annotations

import sys

import picows
import uvloop


class Echo(picows.WSListener):
    """Sends back what comes, frame by frame."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Answer one frame."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        else:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview())


async def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    server = await picows.ws_create_server(lambda _: Echo(), "127.0.0.1", port)
    await server.serve_forever()


uvloop.run(main(int(sys.argv[1])))
