"""A connection whose application has not answered yet holds up nobody."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from websockets.exceptions import InvalidStatus

from sock import Refuse, Sock
from sock.adapters.wsgi import wsgi
from tests.adapters.peers import HANDSHAKE

BOUND = 15.0


class Echo(Sock):
    def handle_in(self, message):
        return message


def test_an_application_that_waits_holds_up_no_other_request(werkzeug, connect, reactor_kind):
    asked, released = threading.Event(), threading.Event()

    async def app(request):
        if request.path == "/waits":
            asked.set()
            await asyncio.to_thread(released.wait, BOUND)
        if request.path == "/refused":
            await asyncio.sleep(0.01)
            raise Refuse(409, "no room\n")
        return Echo(None)

    # This server answers one request after the other, like gunicorn's sync worker.
    with werkzeug(wsgi(app), threaded=False) as port:
        waiting = []
        thread = threading.Thread(
            target=lambda: waiting.append(connect(f"ws://127.0.0.1:{port}/waits"))
        )
        thread.start()
        assert asked.wait(BOUND)
        client = connect(f"ws://127.0.0.1:{port}/")
        client.send("meanwhile")
        assert client.recv(timeout=BOUND) == "meanwhile"
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}/refused")
        assert refused.value.response.status_code == 409
        assert refused.value.response.body == b"no room\n"
        released.set()
        thread.join(BOUND)
        waiting[0].send("at last")
        assert waiting[0].recv(timeout=BOUND) == "at last"


def test_a_peer_that_leaves_while_the_application_waits_cancels_it(werkzeug, reactor_kind):
    """[S1.8]"""
    asked, cancelled = threading.Event(), threading.Event()

    async def app(_):
        asked.set()
        try:
            await asyncio.sleep(BOUND)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with werkzeug(wsgi(app)) as port:
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(HANDSHAKE)
            assert asked.wait(BOUND)
        assert cancelled.wait(BOUND)


@pytest.mark.parametrize("turns", range(6))
def test_an_answer_may_come_in_any_turn_of_the_loop(werkzeug, connect, reactor_kind, turns):
    async def app(request):
        for _ in range(turns):
            await asyncio.sleep(0)
        if request.path == "/refused":
            raise Refuse(409)
        return Echo(None)

    with werkzeug(wsgi(app)) as port:
        client = connect(f"ws://127.0.0.1:{port}/")
        client.send("hello")
        assert client.recv(timeout=BOUND) == "hello"
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}/refused")
        assert refused.value.response.status_code == 409


def test_what_comes_while_the_application_waits_is_read_when_it_has_accepted(
    werkzeug, reactor_kind
):
    """[S1.10]"""
    asked, released = threading.Event(), threading.Event()

    async def app(_):
        asked.set()
        await asyncio.to_thread(released.wait, BOUND)
        return Echo(None)

    with werkzeug(wsgi(app)) as port, socket.create_connection(("127.0.0.1", port)) as peer:
        peer.settimeout(BOUND)
        peer.sendall(HANDSHAKE + b"\x81\x82\0\0\0\0hi")
        assert asked.wait(BOUND)
        size = 100_000  # more than is kept before reading pauses
        large = b"\x81\xff" + size.to_bytes(8, "big") + bytes(4) + b"a" * size
        sending = threading.Thread(target=peer.sendall, args=(large,))
        sending.start()
        released.set()
        received = b""
        while not received.endswith(b"a" * size):
            bits = peer.recv(65536)
            assert bits, received[:200]
            received += bits
        sending.join(BOUND)
        assert b"\x81\x02hi\x81\x7f" in received
