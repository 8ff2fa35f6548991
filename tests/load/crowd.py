"""Clients that send all the time, come back when they are told 1012, and count everything.

    in          what happens             what is done                            then
    ----------  -----------------------  --------------------------------------  ----------
    CONNECTING  no TCP, or no 101        counted as refused                      GONE
    CONNECTING  the 101                                                          OPEN
    OPEN        the crowd ticks          a message, if none waits for its answer OPEN
    OPEN        an answer                compared with what was sent             OPEN
    OPEN        a Close                  noted, answered                         CLOSED
    OPEN        TCP is lost              noted as lost                           GONE
    CLOSED      TCP ends                 a successor connects, if it was 1012    GONE

A message that was sent and not answered when the Close came has crossed with it. Whether the server
has taken it is known by the handler, which notes at its end how many messages it was given.
"""

import asyncio
import collections
import contextlib
import socket
import time

TICK = 0.02
_BIND_ADDRESS_NO_PORT = 24
_FILES = 110_000
UPGRADE = (
    "GET /{name} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(first, payload):
    """Return a frame, masked with zeros, which leave it as it is."""
    assert len(payload) < 126
    return bytes((0x80 | first, 0x80 | len(payload), 0, 0, 0, 0)) + payload


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, crowd, name, place):
        self.crowd, self.name, self.place = crowd, name, place
        self.state = "CONNECTING"
        self.answers_to = ""
        """What the handler says first: its process, the version, the name of our certificate."""
        self.sent = self.answered = 0
        self.sent_at = 0.0
        self.code = None
        self._buffer = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(UPGRADE.format(name=self.name).encode())

    def data_received(self, data):
        self._buffer += data
        if self.state == "CONNECTING":
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.crowd.refuse(self, head.partition(b"\r\n")[0].decode())
                return
            self.state, self._buffer = "OPEN", rest
        while self.state == "OPEN" and len(self._buffer) >= 2:
            size = self._buffer[1]
            if len(self._buffer) < 2 + size:
                return
            opcode, payload = self._buffer[0] & 15, self._buffer[2 : 2 + size]
            self._buffer = self._buffer[2 + size :]
            self._take(opcode, payload)

    def _take(self, opcode, payload):
        if opcode == 8:
            self.state, self.code = "CLOSED", int.from_bytes(payload[:2]) if payload else 1005
            self.crowd.note_close(self)
            self.transport.write(frame(8, payload[:2]))
        elif opcode == 9:
            self.transport.write(frame(10, payload))
        elif not self.answers_to:
            self.answers_to = payload.decode()
            self.crowd.note_open(self)
        else:
            expected = f"{self.name} {self.answered}".encode()
            if payload != expected:
                self.crowd.wrong.append((expected, payload))
            self.answered += 1
            self.crowd.slowest = max(self.crowd.slowest, time.monotonic() - self.sent_at)

    def send(self):
        """Send a message, if the one before was answered."""
        if self.state == "OPEN" and self.answers_to and self.sent == self.answered:
            self.sent_at = time.monotonic()
            self.transport.write(frame(1, f"{self.name} {self.sent}".encode()))
            self.sent += 1

    def connection_lost(self, error):
        was, self.state = self.state, "GONE"
        if was == "CONNECTING":
            self.crowd.refuse(self, f"TCP ended before the 101: {error}")
        elif was == "OPEN":
            self.crowd.note_lost(self)
        elif was == "CLOSED":
            self.crowd.note_end(self)


class Crowd:
    """As many connections as were asked for, at all times.

    Args:
        port: of the server.
        size: how many connections.
        every: seconds between two messages of one connection.
        tls: the context of a client, to speak TLS.
    """

    def __init__(self, port, size, every=0.2, tls=None):
        self.port, self.size, self.tls = port, size, tls
        self.every = every
        self.places = [None] * size
        self.attempts = 0
        self.refused = []
        self.lost = []
        self.wrong = []
        self.ended = {}
        """For each connection that has ended: its client."""
        self.closed_at = collections.defaultdict(list)
        self.slowest = 0.0
        """Seconds that the slowest answer took."""
        self.coming_back = True
        self._tasks = set()
        self._names = 0
        self._at_once = asyncio.Semaphore(200)

    @property
    def open(self):
        """Return the connections that are open."""
        return [one for one in self.places if one is not None and one.state == "OPEN"]

    @property
    def clients(self):
        """Return all clients there have been."""
        return [*self.ended.values(), *(one for one in self.places if one is not None)]

    async def __aenter__(self):
        for place in range(self.size):
            self.connect(place)
        await self.all_open()
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_):
        self.coming_back = False
        self._ticking.cancel()
        for task in self._tasks:
            task.cancel()
        for one in self.places:
            if one is not None:
                one.transport.abort()

    def connect(self, place):
        """Open the connection of a place, soon."""
        task = asyncio.create_task(self._connect(place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, place):
        async with self._at_once:
            self._names += 1
            self.attempts += 1
            client = Client(self, str(self._names), place)
            try:
                await reach(self.port, self._names, client, self.tls)
            except OSError as error:
                self.refuse(client, repr(error))
                return
            self.places[place] = client

    async def all_open(self, bound=120):
        """Wait until every connection is open, and has heard its handler."""
        async with asyncio.timeout(bound):
            while sum(bool(one.answers_to) for one in self.open) < self.size:
                if self.refused:
                    raise AssertionError(self.refused[:3])
                await asyncio.sleep(0.05)

    async def _tick(self):
        """Send, a part of the connections at a time."""
        parts = max(1, round(self.every / TICK))
        part = 0
        while True:
            for one in self.places[part::parts]:
                if one is not None:
                    one.send()
            part = (part + 1) % parts
            await asyncio.sleep(TICK)

    def stop_sending(self):
        """Send nothing more."""
        self._ticking.cancel()

    # What clients tell.

    def refuse(self, client, why):
        client.state = "GONE"
        self.refused.append(why)

    def note_open(self, client):
        pass

    def note_close(self, client):
        self.closed_at[client.answers_to].append(time.monotonic())

    def note_lost(self, client):
        self.lost.append(client)
        self._end(client)

    def note_end(self, client):
        self._end(client)

    def _end(self, client):
        self.ended[client.name] = client
        self.places[client.place] = None
        if self.coming_back:
            self.connect(client.place)

    # What is counted.

    def codes(self):
        """Return how many connections have ended with each code; None is a lost one."""
        return dict(collections.Counter(one.code for one in self.ended.values()))

    def sums(self):
        """Return how many messages were sent, answered, and not answered when a Close came."""
        sent = sum(one.sent for one in self.clients)
        answered = sum(one.answered for one in self.clients)
        return sent, answered, sent - answered


async def reach(port, number, protocol, tls=None):
    """Connect with a port of loopback.

    Args:
        port: of the server.
        number: of this connection. It chooses one of several addresses, so that ports do not run
            out: the kernel keeps each for a minute.
        protocol: of the connection.
        tls: the context of a client, to speak TLS.

    Raises:
        OSError: nobody listens there.
    """
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    sock.bind((f"127.0.0.{1 + number % 200}", 0))
    try:
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.create_connection(
            lambda: protocol, sock=sock, ssl=tls, server_hostname="localhost" if tls else None
        )
    except OSError:
        sock.close()
        raise


@contextlib.contextmanager
def many_files():
    """Let this process and its children open as many files as they may, or as root many."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(before[1], _FILES)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except ValueError:  # only root may have more than the hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
