"""A live bridge in one process: a handler, and a server that a test plays."""

from __future__ import annotations

import asyncio

from sock import Options, Request, Sock
from sock.live.bridge import Bridge
from sock.loop import Reactor


class Server:
    """Somebody else's connection: what a test puts in, and what was sent and said."""

    def __init__(self, *, controls=False):
        self.passes_control_frames = controls
        self.sent = []
        self.closed = []
        self.slow = None
        self.peer_gone = False
        self._told = asyncio.Queue()

    def tell(self, *told):
        for one in told:
            self._told.put_nowait(one)

    async def receive(self):
        return await self._told.get()

    async def send(self, message):
        if self.slow is not None:
            await self.slow.wait()
        if self.peer_gone:
            raise ConnectionResetError
        self.sent.append(message)

    async def close(self, code, detail):
        if self.slow is not None:
            await self.slow.wait()
        self.closed.append((code, detail))


class Notes(Sock):
    def __init__(self):
        self.reasons = []
        self.infos = []

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        return message

    def handle_info(self, info):
        return info

    def terminate(self, reason):
        self.reasons.append(reason)


async def until(condition):
    """Give the loop its turns until something has come about; the test is bounded as a whole."""
    while not condition():
        await asyncio.sleep(0)


class Living:
    """A bridge that runs."""

    def __init__(self, handler, *, controls=False, **options):
        self.server = Server(controls=controls)
        self.handler = handler
        reactor = Reactor.of(asyncio.get_running_loop())
        self.bridge = Bridge(reactor, self.server, Request(), handler, Options(**options))
        self.task = asyncio.ensure_future(self.bridge.run())
