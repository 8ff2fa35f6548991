"""A socket taken over from a server that lets go of it."""

from __future__ import annotations

import asyncio
import copy
import socket

import pytest

from sock import HandlerError, HandshakeError, Options, Remote, Sock, Upgrade, testing
from sock.hosting.members import Members
from sock.hosting.takeover import Takeover, duplicate_socket, take_from_transport
from sock.loop import Reactor
from sock.testing.peer import Peer


class Echo(Sock):
    reasons = []

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


class Theirs(asyncio.Protocol):
    """Another server's protocol, which shall hear nothing more."""

    def __init__(self):
        self.heard = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.heard.append(data)

    def connection_lost(self, exc):
        self.heard.append("lost")


async def connected():
    """Return another server's protocol, and a peer's socket."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    for one in (ours, theirs):
        one.setblocking(False)
    _, protocol = await loop.connect_accepted_socket(Theirs, theirs)
    return protocol, ours


@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_the_connection_goes_on_and_its_server_hears_nothing_more(
    run_async, reactor_kind, loop_kind
):
    async def act():
        loop = asyncio.get_running_loop()
        protocol, client = await connected()
        peer = Peer(testing.request())
        takeover = Takeover(Reactor.of(loop), testing.request(), taking(protocol))
        takeover.begin(Upgrade(Echo(testing.request())), Options())
        assert takeover.handed_over
        heard = []
        await loop.sock_sendall(client, peer.encoded("hi"))
        while len(heard) < 2:
            heard += peer.feed(await loop.sock_recv(client, 4096))
        assert heard == ["early", "hi"]
        client.close()
        await takeover.wait()
        assert Echo.reasons[-1] == Remote(1006)
        assert protocol.heard == []

    def taking(protocol):
        def take(connect):
            protocol.transport.pause_reading()
            take_from_transport(Reactor.of(asyncio.get_running_loop()), protocol.transport, connect)
            return Peer(testing.request()).encoded("early")

        return take

    run_async(act())


@pytest.mark.parametrize("left", [0, 1])
def test_without_descriptors_it_goes_on_over_the_servers_transport(
    run_async, few_descriptors, left
):
    async def act():
        loop = asyncio.get_running_loop()
        protocol, client = await connected()
        peer = Peer(testing.request())
        reactor = Reactor.of(loop)

        def take(connect):
            few_descriptors(left)
            protocol.transport.pause_reading()
            take_from_transport(reactor, protocol.transport, connect)
            return b""

        takeover = Takeover(reactor, testing.request(), take)
        takeover.begin(Upgrade(Echo(testing.request())), Options())
        await loop.sock_sendall(client, peer.encoded("hi"))
        heard = []
        while not heard:
            heard += peer.feed(await loop.sock_recv(client, 4096))
        assert heard == ["hi"]
        client.close()
        await takeover.wait()
        assert Echo.reasons[-1] == Remote(1006)
        assert protocol.heard == []

    run_async(act())


def test_a_peer_that_has_gone_is_told_so(run_async):
    async def act():
        protocol, client = await connected()
        protocol.transport.abort()
        reactor = Reactor.of(asyncio.get_running_loop())
        with pytest.raises(ConnectionResetError):
            take_from_transport(reactor, protocol.transport, lambda _: None)
        client.close()
        takeover = Takeover(reactor, testing.request(), lambda _: b"")
        takeover.lost()
        await takeover.wait()

    run_async(act())


def test_a_handshake_is_judged_before_the_socket_is_taken(run_async):
    def take(connect):
        raise AssertionError

    async def act():
        reactor = Reactor.of(asyncio.get_running_loop())
        bad = testing.request(headers={"Sec-WebSocket-Version": "8"})
        with pytest.raises(HandshakeError):
            Takeover(reactor, bad, take).check_handshake()
        foreign = testing.request(headers={"Origin": "https://evil.example"})
        with pytest.raises(HandshakeError):
            Takeover(reactor, foreign, take).begin(Upgrade(Echo(foreign)), Options())

    run_async(act())


def test_a_bad_handshake_is_told_so_also_while_the_server_is_stopping(run_async):
    """As on our own server: 503 asks the peer to come back, which would not help it."""

    async def act():
        loop = asyncio.get_running_loop()
        Members.of(loop).draining = True
        found = {}
        for version in ("8", "13"):
            asked = testing.request(headers={"Sec-WebSocket-Version": version})
            with pytest.raises(HandshakeError) as refused:
                Takeover(Reactor.of(loop), asked, lambda _: b"").check_handshake()
            found[version] = refused.value.status
        assert found == {"8": 426, "13": 503}

    run_async(act())


def test_a_takeover_that_cannot_be_begun_has_a_response(run_async, events):
    async def act():
        reactor = Reactor.of(asyncio.get_running_loop())
        foreign = testing.request(headers={"Origin": "https://evil.example"})
        takeover = Takeover(reactor, foreign, lambda connect: b"")
        refused = takeover.begin_or_respond(Upgrade(Echo(foreign)), Options())
        assert refused.status == 403
        chosen = Upgrade(Echo(foreign), subprotocol="chat", options=Options(origins="*"))
        failed = takeover.begin_or_respond(chosen, Options())
        assert failed.status == 500
        assert not takeover.handed_over
        accepted = Upgrade(Echo(foreign), options=Options(origins="*"))
        assert takeover.begin_or_respond(accepted, Options()) is None
        assert takeover.handed_over

    run_async(act())
    assert [name for name, _ in events] == ["handshake.refused", "handshake.failed"]


def test_what_is_no_socket_cannot_be_taken_over():
    with pytest.raises(HandlerError, match="cannot be taken over"):
        duplicate_socket(-1)


def test_what_was_answered_in_another_way_is_not_taken_over_any_more(run_async):
    async def act():
        loop = asyncio.get_running_loop()
        takeover = Takeover(Reactor.of(loop), testing.request(), lambda connect: b"")
        waiting = asyncio.ensure_future(takeover.wait())
        await asyncio.sleep(0)
        takeover.answered_by_server("a middleware was first")
        for way in (
            takeover.check_unanswered,
            lambda: takeover.begin(Upgrade(Echo(None)), Options()),
        ):
            with pytest.raises(RuntimeError, match="a middleware was first"):
                way()
        with pytest.raises(RuntimeError, match="a middleware was first"):
            await waiting

    run_async(act())


def test_the_origin_is_compared_with_the_host_that_the_application_was_shown(run_async):
    """[S14.2]"""

    async def act():
        loop = asyncio.get_running_loop()
        request = testing.request(headers={"Origin": "https://public.example"})
        carried = []
        takeover = Takeover(Reactor.of(loop), request, lambda connect: carried.append(1) or b"")
        with pytest.raises(HandshakeError):
            takeover.begin(Upgrade(Echo(None)), Options())
        fields = {"Origin": "https://public.example", "Host": "public.example"}
        takeover.seen_request = testing.request(headers=fields)
        takeover.begin(Upgrade(Echo(None)), Options())
        assert carried == [1]

    run_async(act())


def test_a_copy_of_it_is_the_same(run_async):
    async def act():
        loop = asyncio.get_running_loop()
        takeover = Takeover(Reactor.of(loop), testing.request(), lambda connect: b"")
        copied = copy.deepcopy({"extensions": {"sock": takeover}})
        assert copied["extensions"]["sock"] is takeover

    run_async(act())
