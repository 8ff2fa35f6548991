"""Phoenix Channels under load: what joins leave in memory, and deploys under those who have joined.

a client    what happens            what is done                       then
----------  ----------------------  ---------------------------------  ----------
CONNECTING  no TCP, or no 101       counted as refused                 GONE
CONNECTING  the 101                                                    OPEN
OPEN        a reply, a phx_close    counted                            OPEN
OPEN        a Close                 noted, answered                    CLOSED
OPEN        TCP is lost             noted with the code None           GONE
CLOSED      TCP ends                a successor connects and joins     GONE
                                    the same topics, if it was 1012
"""

import asyncio
import collections
import json
import signal
import socket
from pathlib import Path

from tests.server.supervisor.conftest import Served

from .crowd import frame
from .report import memory
from .served import started

MIB = 2**20
BOUND = 120
TOPICS = [f"room:{number}" for number in range(10)]
ROOT = Path(__file__).parents[2]
APP = ("tests.channels.clients.over_workers:app", "--app-dir", str(ROOT))
UPGRADE = (
    "GET /socket/websocket?vsn=2.0.0&name={name} HTTP/1.1\r\nHost: localhost\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def channels(report, size):
    """Joins and leaves three times, then SIGHUP and SIGTERM under 1,000 joined sockets."""
    with _served(count=0) as served:
        began, joined, left = memory(served.process), [], []
        async with Sockets(served.port, size) as sockets:
            await asyncio.sleep(1)
            opened = memory(served.process)
            for _ in range(3):
                await sockets.say("phx_join", TOPICS)
                joined.append(memory(served.process))
                await sockets.say("phx_leave", TOPICS)
                left.append(memory(served.process))
            report.claim(
                f"every join and leave was answered, every leave closed: {dict(sockets.heard)}",
                sockets.heard == {"phx_reply": 6 * size * 10, "phx_close": 3 * size * 10},
            )
        gone = await _settled(served.process)
        async with Sockets(served.port, size):
            again = await _settled(served.process)
        held = [began, opened, joined[-1], *left, gone, again]
        report.say(
            f"{size} sockets with {len(TOPICS)} channels each, MiB at the start, when open, when "
            "joined, when left (three times), when they have gone, and with as many new ones: "
            + " ".join(f"{one / MIB:.1f}" for one in held)
        )
        # Python gives a block of a MiB back when nothing is left in it, and what a socket has lies
        # between its channels. So what channels have left is free, but not the system's.
        report.claim("no round takes more than the first", joined[-1] < joined[0] * 1.03)
        report.claim("no round keeps more than the first", left[-1] < left[0] * 1.03)
    size = min(size, 1000)
    with _served("--workers", "2", count=2) as served:
        async with Sockets(served.port, size) as sockets:
            await sockets.say("phx_join", TOPICS[:1])
            old = sockets.pids()
            served.signal(signal.SIGHUP)
            await sockets.until(lambda: "reload: all workers are new" in served.said)
            await sockets.until(lambda: not sockets.pids() & {*old, None})
            new, told = sockets.pids(), dict(sockets.codes)
            report.claim(
                f"SIGHUP: all {size} have joined again, on the new workers: {old} -> {new}",
                len(new) == 2,
            )
            # The workers are replaced one after the other, so some sockets are moved twice.
            report.claim(f"all were told 1012: {told}", told.keys() == {1012})
            sockets.coming_back = False
            sockets.codes.clear()
            served.signal(signal.SIGTERM)
            await sockets.until(lambda: sum(sockets.codes.values()) == size)
            told = dict(sockets.codes)
            report.claim(f"SIGTERM: all were told 1012: {told}", told == {1012: size})
            code = await asyncio.to_thread(served.process.wait, BOUND)
            report.claim(f"the command ended with {code}", code == 0)
            report.claim(f"no attempt was refused {sockets.refused[:2] or ''}", not sockets.refused)


async def _settled(process):
    """Return the memory of a process when it does not fall any more."""
    before, now = None, memory(process)
    while before is None or now < before * 0.99:
        await asyncio.sleep(2)
        before, now = now, memory(process)
    return now


def _served(*arguments, count):
    return started(Served, *APP, *arguments, count=count)


class Sockets:
    """As many sockets as were asked for.

    Args:
        port: of the server.
        size: how many.
    """

    def __init__(self, port, size):
        self.port, self.size = port, size
        self.places = [None] * size
        self.heard = collections.Counter()
        """How many events of each name have come."""
        self.codes = collections.Counter()
        """How many sockets were closed with each code; None is a lost one."""
        self.refused = []
        self.coming_back = True
        self._at_once = asyncio.Semaphore(200)
        self._tasks = set()

    async def __aenter__(self):
        for place in range(self.size):
            self.connect(place, ())
        await self.until(lambda: sum(bool(one and one.is_open) for one in self.places) == self.size)
        return self

    async def __aexit__(self, *_):
        self.coming_back = False
        for task in self._tasks:
            task.cancel()
        for one in self.places:
            one.transport.abort()

    async def until(self, condition):
        """Wait until something holds."""
        async with asyncio.timeout(BOUND):
            while not condition():
                assert not self.refused, self.refused[:3]
                await asyncio.sleep(0.02)

    async def say(self, event, topics):
        """Have each socket join or leave topics, and wait until all are answered."""
        expected = self.heard["phx_reply"] + self.size * len(topics)
        for at, one in enumerate(self.places):
            one.say(event, topics)
            if at % 100 == 99:  # a server that works is not flooded
                await asyncio.sleep(0)
        await self.until(lambda: self.heard["phx_reply"] >= expected)
        await asyncio.sleep(0.5)

    def pids(self):
        """Return the processes in which the channels are."""
        return {one.pid for one in self.places}

    def connect(self, place, topics):
        """Open the socket of a place, soon."""
        task = asyncio.create_task(self._connect(place, topics))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, place, topics):
        async with self._at_once:
            self.places[place] = client = Client(self, place, topics)
            opened = socket.socket()
            opened.setblocking(False)
            # Several addresses, so that ports do not run out: the kernel keeps each for a minute.
            opened.bind((f"127.0.0.{1 + place % 200}", 0))
            loop = asyncio.get_running_loop()
            await loop.sock_connect(opened, ("127.0.0.1", self.port))
            await loop.create_connection(lambda: client, sock=opened)


class Client(asyncio.Protocol):
    """One socket, which joins topics as soon as it is open."""

    def __init__(self, sockets, place, topics):
        self.sockets, self.place = sockets, place
        self.topics = topics
        self.is_open = False
        self.pid = None
        self.code = None
        self._buffer = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(UPGRADE.format(name=self.place).encode())

    def data_received(self, data):
        self._buffer += data
        if not self.is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self.sockets.refused.append(head.decode())
                return
            self.is_open, self._buffer = True, rest
            self.say("phx_join", self.topics)
        while len(self._buffer) >= 2:
            begin, size = 2, self._buffer[1]
            if size == 126:
                begin, size = 4, int.from_bytes(self._buffer[2:4])
            if len(self._buffer) < begin + size:
                return
            opcode, payload = self._buffer[0] & 15, self._buffer[begin : begin + size]
            self._buffer = self._buffer[begin + size :]
            self._take(opcode, payload)

    def _take(self, opcode, payload):
        if opcode == 8:
            self.code = int.from_bytes(payload[:2]) if payload else 1005
            self.transport.write(frame(8, payload[:2]))
        elif opcode == 9:
            self.transport.write(frame(10, payload))
        else:
            _, _, _, event, said = json.loads(payload)
            assert event != "phx_reply" or said["status"] == "ok", payload
            self.sockets.heard[event] += 1
            self.pid = said.get("response", {}).get("pid", self.pid)

    def say(self, event, topics):
        """Join or leave topics."""
        self.topics = topics
        frames = [frame(1, json.dumps(["1", "1", topic, event, {}]).encode()) for topic in topics]
        self.transport.write(b"".join(frames))

    def connection_lost(self, _error):
        if not self.is_open:
            self.sockets.refused.append("TCP ended before the 101")
            return
        self.sockets.codes[self.code] += 1
        if self.code == 1012 and self.sockets.coming_back:
            self.sockets.connect(self.place, self.topics)
