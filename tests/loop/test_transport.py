"""A pipe over an asyncio transport; what it shares with the other is in test_epoll.py."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct

from sock.loop import Reactor
from sock.loop.transport import TransportPipe
from tests.loop.receiver import Receiver


class Transport(asyncio.Transport):
    """One that does nothing but note, so that the order of calls is the test's."""

    def __init__(self, extra=None, *, half_close=True):
        super().__init__(extra)
        self.calls = []
        self.half_close = half_close
        self.buffered = 0

    def set_write_buffer_limits(self, high=None, low=None):
        self.calls.append(("limits", high))

    def get_write_buffer_size(self):
        return self.buffered

    def can_write_eof(self):
        return self.half_close

    def write(self, data):
        self.calls.append(("write", bytes(data)))

    def write_eof(self):
        self.calls.append("write_eof")

    def close(self):
        self.calls.append("close")

    def abort(self):
        self.calls.append("abort")

    def pause_reading(self):
        self.calls.append("pause")

    def resume_reading(self):
        self.calls.append("resume")


def pipe_over(transport):
    async def make():
        pipe = TransportPipe(Reactor.of(asyncio.get_running_loop()), Receiver)
        pipe.connection_made(transport)
        pipe.data_received(b"bytes")
        return pipe

    return asyncio.run(make())


def test_it_asks_to_be_told_whenever_something_waits():
    transport = Transport()
    pipe = pipe_over(transport)
    assert transport.calls == [("limits", 0)]
    assert pipe.receiver.events == [b"bytes"]


def test_what_waits_and_what_was_taken_are_the_transports_figures():
    transport = Transport()
    pipe = pipe_over(transport)
    pipe.write(bytearray(b"0123456789"))
    transport.buffered = 4
    assert (pipe.pending, pipe.taken) == (4, 6)
    pipe.resume_writing()
    assert pipe.receiver.events[-1] == "drained"


def test_over_tls_there_is_no_half_closed_connection():
    # RFC 8446 §6.1 has one, asyncio's transport has not
    transport = Transport({"sslcontext": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}, half_close=False)
    pipe = pipe_over(transport)
    pipe.finish()
    assert transport.calls[-1] == "close"
    assert pipe.eof_received() is False


def test_a_connection_stays_open_when_the_peer_has_ended_its_side():
    pipe = pipe_over(transport := Transport())
    assert pipe.eof_received() is True
    pipe.resume()
    assert "resume" not in transport.calls


def test_one_that_is_lost_touches_its_transport_no_more():
    pipe = pipe_over(transport := Transport())
    receiver = pipe.receiver
    pipe.connection_lost(None)
    transport.calls.clear()
    pipe.write(b"late")
    pipe.pause(60.0)
    pipe.resume()
    pipe.finish()
    pipe.close()
    pipe.abort()
    assert transport.calls == []
    assert pipe.pending == 0
    assert receiver.events[-1] == "lost"


def paused_pipe(end):
    """Pause a pipe of a real connection, let the peer end it, and return what the pipe tells."""

    async def act():
        made = asyncio.get_running_loop().create_future()
        reactor = Reactor.of(asyncio.get_running_loop())
        server = await asyncio.get_running_loop().create_server(
            lambda: TransportPipe(reactor, lambda pipe: made.set_result(pipe) or Receiver(pipe)),
            "127.0.0.1",
        )
        async with server:
            peer = socket.create_connection(server.sockets[0].getsockname())
            pipe = await made
            pipe.pause()
            peer.sendall(b"never read")
            return await end(pipe, pipe.receiver, peer)

    return asyncio.run(asyncio.wait_for(act(), 30))


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def test_a_peer_that_is_lost_is_noticed_although_nothing_is_read():
    """[S7.11] After a violation nothing is read until its code was said."""

    async def act(_, receiver, peer):
        reset(peer)
        while receiver.events != ["lost"]:
            await asyncio.sleep(0.01)

    paused_pipe(act)


def test_a_peer_that_has_ended_its_side_is_not_lost_while_nothing_is_read():
    async def act(pipe, receiver, peer):
        peer.shutdown(socket.SHUT_WR)
        await asyncio.sleep(1.5)  # there is nothing to wait for: it looks once in that time
        assert receiver.events == []
        pipe.resume()
        while "ended" not in receiver.events:
            await asyncio.sleep(0.01)
        assert receiver.events == [b"never read", "ended"]
        peer.close()
        pipe.close()

    paused_pipe(act)


def test_a_transport_without_addresses_has_none_to_tell():
    pipe = pipe_over(Transport({"peername": "/run/a.sock"}))
    assert pipe.client is None
    assert pipe.server is None
