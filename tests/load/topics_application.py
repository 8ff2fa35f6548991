"""The application of the scenarios of topics: connections that listen to a room, and say things."""

import asyncio
import os
import time

import sock
from sock.pubsub import Gap, PubSub

rooms = PubSub()


class Turns:
    """The longest turn of the event loop, in seconds, of the clock and of this thread's CPU."""

    def __init__(self):
        self.longest = self.longest_of_cpu = 0.0
        self._loop = asyncio.get_running_loop()
        self._note()

    def _note(self):
        self._at, self._cpu = time.perf_counter(), time.thread_time()
        self._handle = self._loop.call_soon(self._look)

    def _look(self):
        self.longest = max(self.longest, time.perf_counter() - self._at)
        self.longest_of_cpu = max(self.longest_of_cpu, time.thread_time() - self._cpu)
        self._note()

    def end(self):
        """Return both."""
        self._handle.cancel()
        return f"{self.longest:.6f} {self.longest_of_cpu:.6f}"


class Member(sock.TextSock[str | Gap]):
    """Says at first in which process it is."""

    turns = None

    async def init(self, ref):
        match ref.request.path:
            case "/attached":
                await rooms.attach("room", ref)
            case "/subscribed":
                await rooms.subscribe("room", ref, gaps=True)
        return str(os.getpid())

    def handle_info(self, info):
        return "gap" if isinstance(info, Gap) else info

    async def handle_in(self, text):
        what, _, rest = text.partition(" ")
        match what:
            case "say":
                await rooms.broadcast("room", rest)
            case "soon":
                rooms.broadcast_soon("room", rest)
            case "block":
                time.sleep(float(rest))  # noqa: ASYNC251 - it is to block
            case "watch":
                self.turns = Turns()
            case "turns":
                return self.turns.end()
        return "done"


app = Member
