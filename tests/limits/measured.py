"""A server in a process of its own, which tells its memory, its CPU time and its connections.

Started by `conftest.py` with its options as JSON; it says its port on stdout. SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import gc
import json
import resource
import signal
import socket
import sys
import termios
import time
from pathlib import Path

import sock
from sock import Options, Response, Sock


class Echo(Sock):
    def handle_in(self, message):
        return message


class Sink(Sock):
    """Takes everything, says its number when it is asked."""

    count = 0

    def handle_in(self, message):
        self.count += 1
        return f"{self.count}" if message == "how many?" else None


class Lags(Sock):
    """Is never done with its first message."""

    async def handle_in(self, message):
        await asyncio.Event().wait()


class Pours(Sock):
    """Pushes for as long as there is somebody."""

    async def init(self, ref):
        while True:
            yield b"x" * 16_384


RESULT = 32 * 1024 * 1024


class Returns(Sock):
    """Returns a large result at once."""

    def handle_in(self, message):
        return b"x" * RESULT


class Yields(Sock):
    """Yields a large result, and has another one."""

    async def handle_in(self, message):
        while True:
            yield b"x" * RESULT


HANDLERS = {
    "/returns": Returns,
    "/yields": Yields,
    "/echo": Echo,
    "/sink": Sink,
    "/lags": Lags,
    "/pours": Pours,
}


def unread(descriptor: Path) -> int:
    """Return the bytes that the kernel has received and this process has not read."""
    with contextlib.suppress(OSError):  # it is closed meanwhile, or is nothing that is read
        if str(descriptor.readlink()).startswith("socket:"):
            counted = fcntl.ioctl(int(descriptor.name), termios.FIONREAD, bytes(4))
            return int.from_bytes(counted, sys.byteorder)
    return 0


def figures(server) -> str:
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return json.dumps(
        {
            "memory": pages * resource.getpagesize(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "cpu": time.process_time(),
            "connections": server.connections,
            "pending": len(server.http_connections),
            "unread": sum(map(unread, Path("/proc/self/fd").iterdir())),
            "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        }
    )


async def main(options: Options) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def app(request):
        if request.path == "/figures":
            return Response(200, figures(server), headers={"Connection": "close"})
        return HANDLERS[request.path](request)

    async with sock.serve(app, options=options) as server:
        # Accepted sockets inherit it: what the kernel keeps is not what is measured.
        for listener in server._listeners:
            listener._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
            listener._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await stop.wait()
        await server.drain(0.2)


if __name__ == "__main__":
    asyncio.run(main(Options(**json.loads(sys.argv[1]))))
