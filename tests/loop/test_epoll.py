"""Sockets in an epoll, and over transports: the same pipe, and what can go wrong with it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct

import pytest

from sock import native
from sock.loop import Reactor

only_epoll = pytest.mark.parametrize("native", [True], ids=["epoll"], indirect=True)


class Collects:
    """A receiver that keeps everything."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.data = b""
        self.events = []
        self.changed = asyncio.Event()

    def received(self, data):
        self.data += data
        self.changed.set()

    def ended(self):
        self._note("ended")

    def drained(self):
        self._note("drained")

    def lost(self):
        self._note("lost")

    def _note(self, event):
        self.events.append(event)
        self.changed.set()

    async def until(self, true):
        while not true():
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 10)


def test_bytes_go_both_ways(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects)
        peer.writer.write(b"ping")
        await receiver.until(lambda: receiver.data == b"ping")
        pipe.write(b"pong")
        assert await peer.reader.readexactly(4) == b"pong"
        assert pipe.client == peer.writer.get_extra_info("sockname")
        assert pipe.server == peer.writer.get_extra_info("peername")
        pipe.close()
        await receiver.until(lambda: "lost" in receiver.events)
        assert await peer.reader.read() == b""

    run(scenario())


def test_what_the_kernel_does_not_take_waits_and_is_drained(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects, limit=1000)
        data = bytes(range(256)) * 40_000
        pipe.write(bytearray(data))
        pipe.write(b"tail")
        assert pipe.pending > 0
        taken = pipe.taken
        assert await peer.reader.readexactly(len(data)) == data
        assert await peer.reader.readexactly(4) == b"tail"
        await receiver.until(lambda: "drained" in receiver.events)
        assert pipe.pending == 0
        assert pipe.taken > taken
        pipe.abort()
        await receiver.until(lambda: "lost" in receiver.events)

    run(scenario())


def test_close_sends_what_is_pending_first(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects, limit=1000)
        data = b"x" * 10_000_000
        pipe.write(data)
        pipe.close()
        assert await peer.reader.readexactly(len(data)) == data
        assert await peer.reader.read() == b""
        await receiver.until(lambda: "lost" in receiver.events)

    run(scenario())


def test_finish_sends_fin_behind_what_is_pending_and_goes_on_reading(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects, limit=1000)
        data = b"x" * 10_000_000
        pipe.write(data)
        pipe.finish()
        assert await peer.reader.readexactly(len(data)) == data
        assert await peer.reader.read() == b""
        peer.writer.write(b"still heard")
        await receiver.until(lambda: receiver.data == b"still heard")
        peer.writer.close()
        await receiver.until(lambda: receiver.events[-1] in {"ended", "lost"})
        pipe.close()
        await receiver.until(lambda: "lost" in receiver.events)

    run(scenario())


def test_a_paused_pipe_reads_nothing_until_it_is_resumed(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects)
        pipe.pause(20.0)
        peer.writer.write(b"held")
        await peer.writer.drain()
        for _ in range(20):
            await asyncio.sleep(0)
        assert receiver.data == b""
        pipe.resume()
        await receiver.until(lambda: receiver.data == b"held")
        pipe.abort()
        await receiver.until(lambda: "lost" in receiver.events)

    run(scenario())


@only_epoll  # a transport that is paused sees nothing; the probes of rule 12 do
def test_a_paused_pipe_notices_a_reset(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects)
        pipe.pause()
        sock = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.writer.transport.abort()
        await receiver.until(lambda: receiver.events == ["lost"])

    run(scenario())


def test_a_pause_asks_the_kernel_to_probe_the_peer(run, pair):
    # rule 12
    options = []

    async def scenario():
        pipe, receiver, _ = await pair(Collects)
        transport = getattr(pipe, "_transport", None)
        fileno = pipe.fileno() if transport is None else transport.get_extra_info("socket").fileno()
        pipe.pause(60.0)
        with socket.socket(fileno=os.dup(fileno)) as sock:
            options.append(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        pipe.abort()
        await receiver.until(lambda: "lost" in receiver.events)

    run(scenario())
    assert options == [1, 60_000]


def test_a_pipe_that_is_lost_takes_everything_in_silence_and_knows_its_addresses(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects)
        pipe.abort()
        await receiver.until(lambda: "lost" in receiver.events)
        pipe.write(b"nobody reads")
        pipe.pause()
        pipe.resume()
        pipe.finish()
        pipe.close()
        pipe.abort()
        await asyncio.sleep(0)
        assert receiver.events == ["lost"]
        assert pipe.pending == 0
        assert pipe.client == peer.writer.get_extra_info("sockname")
        assert pipe.server == peer.writer.get_extra_info("peername")

    run(scenario())


def test_the_end_of_what_the_peer_sends_is_told_once(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects)
        peer.writer.write_eof()
        await receiver.until(lambda: "ended" in receiver.events)
        for _ in range(20):
            await asyncio.sleep(0)
        pipe.pause()
        pipe.resume()
        for _ in range(20):
            await asyncio.sleep(0)
        assert receiver.events == ["ended"]
        pipe.write(b"still said")
        assert await peer.reader.readexactly(10) == b"still said"
        pipe.close()
        await receiver.until(lambda: "lost" in receiver.events)

    run(scenario())


class FullKernel:
    """A socket whose sends fail as when the kernel has no memory, a few times."""

    def __init__(self, sock, failures):
        self._sock = sock
        self.failures = failures

    def __getattr__(self, name):
        return getattr(self._sock, name)

    def send(self, data):
        if self.failures:
            self.failures -= 1
            raise OSError(errno.ENOBUFS, "no buffer space")
        return self._sock.send(data)


@only_epoll
@pytest.mark.skipif(native.ACTIVE, reason="a pipe in C has no socket; tests/core has the same test")
def test_a_kernel_without_memory_is_asked_again_later(run, pair):
    async def scenario():
        pipe, receiver, peer = await pair(Collects)
        pipe._sock = FullKernel(pipe._sock, 2)
        pipe.write(b"at last")
        assert pipe.pending == 7
        assert await asyncio.wait_for(peer.reader.readexactly(7), 10) == b"at last"
        await receiver.until(lambda: "drained" in receiver.events)
        pipe.abort()
        await receiver.until(lambda: "lost" in receiver.events)

    run(scenario())


@only_epoll
def test_the_epoll_is_closed_with_the_last_socket_and_opened_with_the_next(run, pair):
    async def scenario():
        for _ in range(3):
            await once()

    async def once():
        reactor = Reactor.of(asyncio.get_running_loop())
        pipe, receiver, peer = await pair(Collects)
        assert (reactor.epoll is not None) is reactor.uses_epoll
        peer.writer.write(b"x")
        await receiver.until(lambda: receiver.data == b"x")
        pipe.close()
        await receiver.until(lambda: "lost" in receiver.events)
        assert reactor.epoll is None

    run(scenario())
