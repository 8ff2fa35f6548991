"""What a hostile crowd can make a server hold, measured in a process of its own.

The bound for one connection, by its options:

    max_head_size                 while it asks
    2 × max_body_size             of an ordinary request, twice when its body is complete
    max_send_buffer               for a peer that does not read; one result of a callback more
    64 KiB                        received, and not looked at while nothing may be read
    max_read_ahead + one message  for a handler that lags; 64 bytes are counted beside each message
    2 × max_message_size          of a message in the making, twice when it is complete
    32 KiB                        the connection itself, its parser and its task; generous
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import sys
import termios
import zlib

import pytest

from sock.testing import frame

pytestmark = pytest.mark.usefixtures("reactor_kind")

KIB = 1024
TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9
RECEIVED = 64 * KIB
RESULT = 32 * 1024 * KIB
ITSELF = 32 * KIB


def head(path: str, *fields: str) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: example.com",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *fields,
    ]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


async def crowd(port: int, count: int, said: bytes) -> list[socket.socket]:
    """Connect many peers with small buffers of the kernel's, who have all said something."""
    loop = asyncio.get_running_loop()
    peers = []
    for _ in range(count):
        peer = socket.socket()
        peer.setblocking(False)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * KIB)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * KIB)
        await loop.sock_connect(peer, ("127.0.0.1", port))
        await loop.sock_sendall(peer, said)
        peers.append(peer)
    return peers


async def flood(server, peers, said: bytes, bound: int = 1 << 22) -> list[int]:
    """Send as much as is taken, `bound` bytes each at most, until nobody takes any more."""
    sent = [0] * len(peers)
    still = 0
    while still < 3:
        before = sum(sent)
        for at, peer in enumerate(peers):
            with contextlib.suppress(BlockingIOError, ConnectionError):
                while sent[at] < bound:
                    sent[at] += peer.send(said[sent[at] % len(said) :])
        # The answer is an event of the server's: it has had its turn with what has come.
        await server.ask()
        still = still + 1 if sum(sent) == before else 0
    return sent


async def all_read(server, peers) -> dict:
    """Return the figures of a server that has read all that its peers have sent."""
    while any(_count(peer.fileno(), termios.TIOCOUTQ) for peer in peers):
        await asyncio.sleep(0)
    while (figures := await server.ask())["unread"]:
        pass
    return figures


def _count(descriptor: int, of: int) -> int:
    return int.from_bytes(fcntl.ioctl(descriptor, of, bytes(4)), sys.byteorder)


def end(peers) -> None:
    for peer in peers:
        peer.close()


async def gone(server) -> dict:
    while (figures := await server.ask())["connections"] or figures["pending"] > 1:
        pass
    return figures


def grown(before: dict, after: dict) -> int:
    return after["memory"] - before["memory"]


def test_200_peers_that_flood_pings_and_never_read_hold_their_send_buffer_at_most(
    run_async, measured
):
    options = {"max_send_buffer": 32 * KIB, "max_read_ahead": 4 * KIB}
    server = measured(**options)

    async def act():
        before = await server.ask()
        peers = await crowd(server.port, 200, head("/echo"))
        sent = await flood(server, peers, frame(PING, b"x" * 125) * 100)
        assert max(sent) < 1 << 20  # each was held back in the end
        after = await server.ask()
        assert after["connections"] == 200
        assert grown(before, after) < 200 * (sum(options.values()) + RECEIVED + ITSELF)
        end(peers)
        await gone(server)

    run_async(act())


def test_200_peers_that_never_read_what_is_poured_hold_their_send_buffer_at_most(
    run_async, measured
):
    options = {"max_send_buffer": 64 * KIB}
    server = measured(**options)

    async def act():
        before = await server.ask()
        peers = await crowd(server.port, 200, head("/pours"))
        while (after := await server.ask())["connections"] < 200:
            pass
        # One result more, and the handler's own.
        one = 64 * KIB + 2 * 16 * KIB + ITSELF
        assert grown(before, after) < 200 * one
        end(peers)
        await gone(server)

    run_async(act())


@pytest.mark.parametrize("chunked", [False, True])
def test_50_half_bodies_hold_their_bytes(run_async, measured, chunked):
    limit = 256 * KIB
    server = measured(max_body_size=limit)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {limit}"
    begun = f"POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode()
    body = b"10\r\n" + b"x" * 16 + b"\r\n" if chunked else b"x" * 16

    async def act():
        before = await server.ask()
        peers = await crowd(server.port, 50, begun)
        for peer in peers:
            await asyncio.get_running_loop().sock_sendall(peer, body * (limit // 16 - 1))
        held = await all_read(server, peers)
        assert held["pending"] == 51  # and who asks
        bound = 50 * (1.3 * limit + RECEIVED + ITSELF)
        deadline = asyncio.get_running_loop().time() + 10
        # What the server has read, it may still have to parse, a piece in each turn.
        while grown(before, held) >= bound and asyncio.get_running_loop().time() < deadline:
            held = await server.ask()
        assert grown(before, held) < bound
        end(peers)
        await gone(server)

    run_async(act())


@pytest.mark.parametrize("path", ["/returns", "/yields"])
def test_a_large_result_is_held_once_for_a_peer_that_does_not_read(run_async, measured, path):
    """R in the formula; while it is written, the application's own beside it."""
    server = measured()

    async def act():
        before = await server.ask()
        (peer,) = await crowd(server.port, 1, head(path) + frame(TEXT))
        while (after := await server.ask())["memory"] < before["memory"] + RESULT // 2:
            pass
        assert grown(before, after) < 1.3 * RESULT
        assert after["peak"] - before["peak"] < 2.3 * RESULT
        end([peer])

    run_async(act())


def test_50_peers_with_large_messages_to_a_handler_that_lags_hold_what_is_read_ahead(
    run_async, measured
):
    size = 256 * KIB
    options = {"max_message_size": size, "max_read_ahead": 16 * KIB}
    server = measured(**options)

    async def act():
        before = await server.ask()
        peers = await crowd(server.port, 50, head("/lags"))
        await flood(server, peers, frame(BINARY, b"x" * size))
        after = await server.ask()
        # The one that it handles, the one that is ahead, the one in the making.
        one = 4 * size + 16 * KIB + RECEIVED + ITSELF
        assert grown(before, after) < 50 * one
        end(peers)

    run_async(act())


@pytest.mark.parametrize(
    "said",
    [frame(TEXT), frame(TEXT, b"x"), frame(PING), frame(TEXT, fin=False) + frame(CONTINUATION)],
    ids=["empty messages", "tiny messages", "pings", "empty fragments"],
)
def test_a_flood_of_tiny_frames_to_a_handler_that_lags_is_held_back(run_async, measured, said):
    server = measured(max_read_ahead=16 * KIB, max_send_buffer=16 * KIB)

    async def act():
        before = await server.ask()
        peers = await crowd(server.port, 10, head("/lags"))
        await flood(server, peers, said * 1000, 1 << 19)
        after = await server.ask()
        # An entry of the mailbox weighs more than the 64 bytes it is counted for, up to 4 ×.
        one = 4 * 16 * KIB + 16 * KIB + RECEIVED + ITSELF
        assert grown(before, after) < 10 * one + (1 << 20)
        end(peers)

    run_async(act())


@pytest.mark.parametrize("payload", [b"x", b""], ids=["tiny", "empty"])
def test_a_flood_of_fragments_without_a_limit_on_them_holds_the_message_alone(
    run_async, measured, payload
):
    """Others hold 100 bytes for each fragment, and did not bound empty ones."""
    server = measured(max_fragments=None)

    async def act():
        before = await server.ask()
        (peer,) = await crowd(server.port, 1, head("/sink") + frame(TEXT, b"x", fin=False))
        many = frame(CONTINUATION, payload, fin=False) * 1000
        for _ in range(100):
            await asyncio.get_running_loop().sock_sendall(peer, many)
        after = await server.ask()
        assert after["connections"] == 1
        assert grown(before, after) < 2 * 100_000 + RECEIVED + 1024 * KIB
        end([peer])

    run_async(act())


def test_500_half_open_heads_hold_their_bytes_and_are_all_cut(run_async, measured):
    limit = 16 * KIB
    server = measured(handshake_timeout=1.5, max_head_size=limit)

    async def act():
        before = await server.ask()
        half = head("/echo", f"X: {'x' * (limit - 400)}")[:-2]
        peers = await crowd(server.port, 500, half[:3000])
        loop = asyncio.get_running_loop()
        for peer in peers:
            await loop.sock_sendall(peer, half[3000:])
        held = await server.ask()
        assert held["pending"] == 501  # and who asks
        assert grown(before, held) < 500 * (2 * limit + ITSELF)
        for peer in peers:
            answer = b""
            while piece := await loop.sock_recv(peer, 4096):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 408 ")
        end(peers)
        after = await gone(server)
        assert after["descriptors"] <= before["descriptors"] + 1

    run_async(act())


@pytest.mark.parametrize("kind", ["one message", "many messages"])
def test_a_bomb_is_not_inflated_past_the_limit(run_async, measured, kind):
    """A gigabyte in one message of a megabyte; and a hundred of them, each within the limit."""
    server = measured(compression=True)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)

    async def act():
        before = await server.ask()
        extension = "Sec-WebSocket-Extensions: permessage-deflate"
        (peer,) = await crowd(server.port, 1, head("/sink", extension))
        loop = asyncio.get_running_loop()
        while b"\r\n\r\n" not in (answer := await loop.sock_recv(peer, 4096)):
            pass
        assert b"permessage-deflate" in answer
        if kind == "one message":
            bomb = frame(BINARY, megabyte * 1000, rsv=4)
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(peer, bomb)
            close = await loop.sock_recv(peer, 4096)
            assert int.from_bytes(close[2:4], "big") == 1009
        else:
            for _ in range(100):
                await loop.sock_sendall(peer, frame(BINARY, megabyte[:-4], rsv=4))
            await loop.sock_sendall(peer, frame(TEXT, b"how many?"))
            assert (await loop.sock_recv(peer, 4096))[2:] == b"101"
        after = await server.ask()
        # The message, once more when it is complete, the window, zlib.
        assert after["peak"] - before["peak"] < 8 << 20
        end([peer])

    run_async(act())


# Work is linear: four times as much costs about four times the CPU time; quadratic, it were 16.

FLOODS = {
    "pings": (b"", frame(PING), b""),
    "pongs": (b"", frame(10, b"x" * 100), b""),
    "empty messages": (b"", frame(BINARY), b""),
    "tiny messages": (b"", frame(TEXT, b"x"), b""),
    "tiny fragments": (frame(TEXT, fin=False), frame(CONTINUATION, b"x", fin=False), b""),
    "empty fragments": (frame(TEXT, fin=False), frame(CONTINUATION, fin=False), b""),
    "pings in a message": (frame(TEXT, b"x" * 500_000, fin=False), frame(PING), b""),
    "final blocks": (b"", frame(TEXT, b"\x03\x00\x00", rsv=4), b""),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_the_work_of_a_flood_is_linear(run_async, measured, kind):
    server = measured(share=True, max_fragments=None, compression=True)
    first, said, last = FLOODS[kind]

    async def act():
        loop = asyncio.get_running_loop()

        async def cost(count: int) -> float:
            extension = "Sec-WebSocket-Extensions: permessage-deflate"
            (peer,) = await crowd(server.port, 1, head("/sink", extension))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * KIB)
            before = await server.ask()

            async def drop():
                # Pongs are read, so that nothing is held back; the end is our own ping's pong.
                seen = b""
                while b"the end" not in seen:
                    seen = seen[-10:] + await loop.sock_recv(peer, 65536)

            reading = asyncio.ensure_future(drop())
            data = first + said * count + last + frame(PING, b"the end")
            await loop.sock_sendall(peer, data)
            await reading
            after = await server.ask()
            end([peer])
            return after["cpu"] - before["cpu"]

        await cost(1000)
        count = 3000
        one, four = await cost(count), await cost(4 * count)
        assert four < 9 * max(one, 0.01)

    run_async(act())
