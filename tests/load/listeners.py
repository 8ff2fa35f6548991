"""Clients of the scenarios of topics: some listen, some say things at a pace; all is counted."""

import asyncio
import time

from .crowd import UPGRADE, frame, reach


class Client(asyncio.Protocol):
    """One connection. What it is sent goes to `heard`."""

    path = ""

    def __init__(self):
        self.pid = 0
        """The process of its handler, which says so at first."""
        self.is_open = True
        self.ready = asyncio.get_running_loop().create_future()
        self._buffer = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(UPGRADE.format(name=self.path).encode())

    def connection_lost(self, error):
        self.is_open = False
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionResetError("TCP ended before the 101"))

    def data_received(self, data):
        data = self._buffer + data if self._buffer else data
        at, end = 0, len(data)
        if not self.pid and data.startswith(b"HTTP"):
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._buffer = data
                return
            if b" 101 " not in data[:20]:
                self.ready.set_exception(ConnectionRefusedError(data[:40]))
                self.transport.abort()
                return
        while end - at >= 4 or (end - at >= 2 and data[at + 1] < 126):
            size, head = data[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[at + 2 : at + 4]), 4
            if end - at < head + size:
                break
            self._take(data[at] & 15, data[at + head : at + head + size])
            at += head + size
        self._buffer = data[at:]

    def _take(self, opcode, payload):
        if opcode == 8:
            self.is_open = False
        elif opcode == 9:
            self.transport.write(frame(10, payload))
        elif not self.pid:
            self.pid = int(payload)
            self.ready.set_result(self)
        else:
            self.heard(payload)

    def heard(self, payload):
        """Take a message."""

    def say(self, text):
        """Send a message."""
        payload = text.encode()
        if len(payload) < 126:
            self.transport.write(frame(1, payload))
        else:
            size = len(payload).to_bytes(2)
            self.transport.write(b"".join((b"\x81\xfe", size, bytes(4), payload)))


class Listener(Client):
    """Listens to the room, and looks whether each publisher's numbers come in their order.

    Args:
        path: of the kind of listening.
    """

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.count = self.wrong = self.gaps = 0
        self.last = {}
        self.latencies = []
        """Seconds from a message's beginning, of those that carry it."""

    def heard(self, payload):
        if payload == b"gap":
            self.gaps += 1
            return
        who, number, began, *_ = payload.split(b" ", 3)
        number = int(number)
        if number <= self.last.get(who, -1):
            self.wrong += 1
        self.last[who] = number
        self.count += 1
        self.latencies.append(time.monotonic() - float(began))


class Publisher(Client):
    """Says numbered messages, of which at most so many are on their way.

    Args:
        who: its name.
        how: "say", to wait for the backend, or "soon".
        size: bytes of each message.
    """

    def __init__(self, who, how="say", size=40):
        super().__init__()
        self.who, self.how, self.size = who, how, size
        self.said = self.done = 0

    def heard(self, payload):
        self.done += 1

    def next(self):
        """Say the next message."""
        text = f"{self.who} {self.said} {time.monotonic():.6f} "
        self.say(f"{self.how} {text}{'x' * (self.size - len(text))}")
        self.said += 1

    async def say_all(self, count, window=8):
        """Say so many, as fast as the answers come."""
        while self.said < count:
            if self.said - self.done < window:
                self.next()
            else:
                await asyncio.sleep(0)
        while self.done < count:
            await asyncio.sleep(0.005)

    async def say_every(self, seconds):
        """Say one each so often, until cancelled."""
        at = time.monotonic()
        while True:
            self.next()
            at += seconds
            await asyncio.sleep(max(0.0, at - time.monotonic()))


async def enter(port, clients, at_once=100):
    """Connect clients, and return them when their handlers have begun."""
    places = asyncio.Semaphore(at_once)

    async def one(number, client):
        async with places:
            await reach(port, number, client)
            await client.ready

    async with asyncio.timeout(600):
        await asyncio.gather(*(one(number, client) for number, client in enumerate(clients)))
    return clients


async def enter_each_worker(port, make, pids, each):
    """Return so many clients in each of these processes; those too many are closed."""
    kept = {pid: [] for pid in pids}
    while any(len(ones) < each for ones in kept.values()):
        (client,) = await enter(port, [make(sum(map(len, kept.values())))])
        if len(kept[client.pid]) < each:
            kept[client.pid].append(client)
        else:
            client.transport.abort()
    return [client for ones in kept.values() for client in ones]
