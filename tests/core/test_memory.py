"""What the core does with memory: when there is none, and that none is kept."""

import os
import subprocess
import sys

import pytest

MESSAGES = 1_000_000
CONNECTIONS = 100_000

PRELUDE = """
import asyncio, gc, os, resource, socket, sys
import sock
from sock import Options, Ping, Prepared, Request, Sock, Stop, Stream, native
from sock.live import Link
from sock.loop import Reactor
from sock.wire.parser import Parser
from sock.wire.writer import Writer
assert native.ACTIVE

def frames(*messages):
    out = bytearray()
    for message in messages:
        Writer(mask=lambda: b"mask").push(out, message)
    return bytes(out)

class Echo(Sock):
    def handle_in(self, message):
        return message
"""

# One allocation after the other fails while a link handles bytes; whatever comes of it, the
# process lives, and the connection either goes on or ends.
NO_MEMORY = """
import _testcapi

class Pipe:
    pending = taken = 0
    client = server = None
    def write(self, data):
        self.wrote = bytes(data)
    def pause(self, dead_after=None): pass
    def resume(self): pass
    def finish(self): pass
    def close(self): pass
    def abort(self): pass

async def main():
    reactor = Reactor.of(asyncio.get_running_loop())
    data = frames("short", "é" * 300, b"x" * 20_000, Ping(b"p"), "y" * 9000, b"z")
    tail = frames("tail" * 100)
    outcomes = {"all": 0, "some": 0}
    failed = 0
    for nth in range(1, 400):
        link = Link(reactor, Pipe(), Request(), Echo(Request()), Options())
        link.begin(b"head")
        error = None
        _testcapi.set_nomemory(nth, nth + 1)
        try:
            link.received(data + tail[:50])
            link.received(tail[50:])
        except MemoryError as caught:
            error = caught
        finally:
            _testcapi.remove_mem_hooks()
        failed += error is not None or link.lifecycle.closed
        outcomes["some" if error is not None or link.lifecycle.closed else "all"] += 1
        link.lost()
        del link
    print(outcomes["all"] > 0, outcomes["some"] > 0)

asyncio.run(main())
"""

# What a million messages and a hundred thousand connections leave behind.
LEAKS = """
HEAD = (
    b"GET /?a=b HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n"
)

def weigh():
    gc.collect()
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    return len(gc.get_objects()), pages * resource.getpagesize()

class Busy(Sock):
    def init(self, ref):
        self.ref = ref
        return "hello"
    def handle_in(self, message):
        if message == "later":
            return self.later()
        if message == "info":
            self.ref.send(Prepared("info"))
            return None
        return message
    async def later(self):
        await asyncio.sleep(0)
        return "later"

async def connections(server, count):
    loop = asyncio.get_running_loop()
    say = frames("hi", "later", "info", "x" * 9000) + bytes([0x88, 0x82]) + b"mask" + bytes(
        [0x03 ^ ord("m"), 0xE8 ^ ord("a")]
    )
    for _ in range(count // 50):
        peers = []
        for _ in range(50):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.setblocking(False)
            theirs.send(HEAD + say)
            server._accepted(ours)
            peers.append(theirs)
        while server.live_connections or server.http_connections:
            await asyncio.sleep(0)
        for peer in peers:
            assert peer.recv(1 << 16).startswith(b"HTTP/1.1 101")
            peer.close()

async def messages(server, count):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    server._accepted(ours)
    theirs.send(HEAD)
    while not server.live_connections:
        await asyncio.sleep(0)
    batch = frames(*["text %d" % n if n % 2 else b"blob" for n in range(100)], "é", "y" * 9000)
    for _ in range(count // 102):
        theirs.send(batch)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            while theirs.recv(1 << 20):
                pass
        except BlockingIOError:
            pass
    theirs.close()
    while server.live_connections:
        await asyncio.sleep(0)

async def main(message_count, connection_count):
    async with sock.serve(Busy) as server:
        for act, warm, count in (
            (connections, 2000, connection_count),
            (messages, 20_000, message_count),
        ):
            await act(server, warm)
            objects, memory = weigh()
            await act(server, count)
            more_objects, more_memory = weigh()
            print(more_objects - objects, more_memory - memory)

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


def run(script, *arguments, timeout):
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script, *map(str, arguments)],
        env={**os.environ, "SOCK_EXTENSION": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()


def test_an_allocation_that_fails_costs_a_connection_at_most():
    pytest.importorskip("_testcapi", reason="this Python was built without its test modules")
    assert run(NO_MEMORY, timeout=120) == ["True", "True"]


@pytest.mark.timeout(900)
def test_messages_and_connections_leave_nothing_behind():
    figures = run(LEAKS, MESSAGES, CONNECTIONS, timeout=800)
    print(figures)  # noqa: T201 - shown by `make leaks`
    objects, memory = map(int, figures[::2]), map(int, figures[1::2])
    # A few objects are the interpreter's own, such as caches of specialised code.
    assert max(objects) < 100, figures
    assert max(memory) < 1024 * 1024, figures
