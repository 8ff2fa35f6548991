"""TCP ends for the peer also while a forked child holds the sockets. RFC 6455 §7.1.1."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator

import pytest

import sock
from sock import Options, Response, Sock
from sock.loop import fork

pytestmark = [
    pytest.mark.usefixtures("reactor_kind", "loop_kind"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Echo(Sock):
    def handle_in(self, message):
        return message


def app(request):
    if request.path == "/chat":
        return Echo(request)
    return Response(200, "hello", headers={"Connection": "close"})


@pytest.fixture
def forked() -> Iterator[Callable[[], None]]:
    """Fork children that hold all that is open, until the test is over."""
    children: list[tuple[int, int]] = []

    def forked() -> None:
        waits, held = os.pipe()
        child = os.fork()
        if not child:
            os.close(held)
            os.read(waits, 1)
            os._exit(0)
        os.close(waits)
        children.append((child, held))

    yield forked
    for child, held in children:
        os.close(held)
        os.waitpid(child, 0)
    fork.happened = False  # the children are gone


async def open_socket(client) -> None:
    client.send(HANDSHAKE)
    assert (await client.answer()).status == 101


async def end_of(client) -> None:
    """Read to the end of TCP, which comes by the server or never."""
    async with asyncio.timeout(5):
        assert await client.over()
    with contextlib.suppress(OSError):
        client.finish()  # the children have the client's socket too


@pytest.mark.parametrize("before", [True, False], ids=["before the fork", "after it"])
def test_a_close_handshake_ends_tcp(run_async, connect, forked, before):
    async def act():
        async with sock.serve(app) as server:
            if not before:
                forked()
            async with await connect(server) as client:
                await open_socket(client)
                if before:
                    forked()
                client.say_close()
                assert (await client.next()).code == 1000
                await end_of(client)

    run_async(act())


@pytest.mark.parametrize("before", [True, False], ids=["before the fork", "after it"])
def test_a_last_answer_ends_tcp(run_async, connect, forked, before):
    async def act():
        async with sock.serve(app) as server:
            if not before:
                forked()
            async with await connect(server) as client:
                client.send(b"GET / HTTP/1.1\r\n")
                await asyncio.sleep(0)
                if before:
                    forked()
                client.send(b"Host: a\r\n\r\n")
                assert (await client.answer()).status == 200
                await end_of(client)

    run_async(act())


def test_a_connection_that_is_cut_ends_for_its_peer(run_async, connect, forked):
    async def act():
        options = Options(idle_timeout=0.2, close_timeout=0.2)
        async with sock.serve(app, options=options) as server, await connect(server) as client:
            await open_socket(client)
            forked()
            await end_of(client)

    run_async(act())


def test_a_drain_ends_all_and_lets_nobody_in(run_async, connect, forked):
    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            await open_socket(client)
            forked()
            port = server.port
            await server.drain(0.2)
            await end_of(client)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)

    run_async(act())


def test_a_child_begins_anew_and_ends_nothing_of_its_parents(run_async, connect, forked):
    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            await open_socket(client)
            forked()  # so that this process shuts down what it closes
            child = os.fork()
            if not child:
                status = 1
                with contextlib.suppress(BaseException):
                    status = int(fork.happened)
                os._exit(status)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            assert os.waitstatus_to_exitcode(status) == 0
            client.push("still here?")
            assert await client.next() == "still here?"
            client.say_close()
            await end_of(client)

    run_async(act())
