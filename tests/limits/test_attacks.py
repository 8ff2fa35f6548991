"""Attacks on the order of things: peers that vanish in every phase, handlers that misbehave.

After each, the server has no connection left, another peer is served, and nothing was told to the
loop's exception handler.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

import sock
from sock import Failed, Options, Remote, Sock, Stop
from sock.live.state import State
from sock.loop import Reactor, adopt
from sock.testing import Close, End, frame

pytestmark = pytest.mark.usefixtures("reactor_kind")

TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9


class Echo(Sock):
    def handle_in(self, message):
        return message


@pytest.fixture
def quiet(caplog):
    """Look that nothing reached the loop's exception handler."""
    yield
    told = [
        record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"
    ]
    assert told == []


async def still_serves(dial, server) -> None:
    async with await dial(server) as peer:
        await peer.send("still there?")
        assert await peer.receive() == "still there?"


# A peer that vanishes.

PHASES = {
    "before a byte": (b"", b""),
    "in the head": (b"GET / HTTP/1.1\r\nHost:", b""),
    "in a body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", b""),
    "while the application answers": (b"waits", b""),
    "behind the head": (b"upgrade", b""),
    "in the head of a frame": (b"upgrade", b"\x81\xfe\x00"),
    "in a frame": (b"upgrade", b"\x81\xfe\x01\x00maskhalf"),
    "in a message": (b"upgrade", frame(TEXT, b"half", fin=False)),
    "in a callback": (b"upgrade", frame(TEXT, b"wait")),
    # Our Close then meets a closed socket, and our FIN behind it a reset one: ENOTCONN.
    "in a callback, a violation behind it": (b"upgrade", frame(TEXT, b"wait") + frame(3)),
    "while nothing is read": (b"upgrade", frame(TEXT, b"wait") + frame(TEXT, b"x" * 3000) * 40),
    "while much is pushed": (b"upgrade", frame(TEXT, b"pour")),
    "behind our Close": (b"upgrade", frame(TEXT, b"stop")),
    "behind a violation": (b"upgrade", frame(3)),
    "behind its Close": (b"upgrade", frame(CLOSE)),
}


@pytest.mark.parametrize("how", ["FIN", "RST"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_peer_may_vanish_in_every_phase(
    run_async, dial, noting, named, upgrade, quiet, phase, how
):
    asked, said = PHASES[phase]

    async def act():
        go = asyncio.Event()

        class Varied(noting):
            async def handle_in(self, message):
                if message == "wait":
                    await go.wait()
                elif message == "pour":
                    yield b"x" * 9_000_000
                elif message == "stop":
                    yield Stop()

        async def app(request):
            if request.path == "/waits":
                await go.wait()
            return Varied(request) if request.path == "/" else Echo(request)

        options = Options(close_timeout=0.3, max_read_ahead=8192, handshake_timeout=0.5)
        async with sock.serve(app, options=options) as server:
            peer = socket.create_connection(("127.0.0.1", server.port))
            head = {b"upgrade": upgrade, b"waits": upgrade.replace(b"GET /", b"GET /waits")}
            peer.sendall(head.get(asked, asked))
            if asked == b"upgrade":
                while not server.connections:
                    await asyncio.sleep(0)
                assert peer.recv(4096).startswith(b"HTTP/1.1 101 ")  # unread, close() would reset
                peer.sendall(said)
            # Another peer's round trip: the server has had its turn with what was said.
            other = await dial(server, "/echo")
            for _ in range(3):
                await other.send("turn")
                assert await other.receive() == "turn"
            if how == "RST":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
            else:
                peer.shutdown(socket.SHUT_WR)
            for _ in range(3):
                await other.send("turn")
                assert await other.receive() == "turn"
            go.set()
            peer.close()
            while server.connections > 1 or server.http_connections:
                await asyncio.sleep(0.01)
            await other.send("turn")
            assert await other.receive() == "turn"
            await other.__aexit__(None, None, None)
        if asked == b"upgrade":
            assert sum(isinstance(note, sock.Reason) for note in noting.notes) == 1
        else:
            assert noting.notes == []
        assert not named("callback.failed")
        assert not named("handshake.failed")

    run_async(act())


# A handler that misbehaves in the middle of a batch.


@pytest.mark.parametrize(
    ("does", "code"),
    [("raise", 1011), ("stop", 4000), ("collect", 1000), ("no result", 1011), ("surrogate", 1011)],
)
def test_a_handler_may_end_in_the_middle_of_a_batch(run_async, dial, hear, noting, does, code):
    class Varied(noting):
        def handle_in(self, message):
            self.notes.append(message)
            match message:
                case "raise":
                    raise ValueError
                case "stop":
                    return Stop(4000)
                case "collect":
                    gc.collect()
                case "no result":
                    return {"not": "a result"}
                case "surrogate":
                    return "\ud800"
            return message

    async def act():
        async with sock.serve(Varied) as server, await dial(server) as other:
            async with await dial(server) as peer:
                batch = ["a", "b", does, *"cdefgh"]
                data = b"".join(frame(TEXT, word.encode()) for word in batch)
                await peer.send_bytes(data + frame(CLOSE, b"\x03\xe8"))
                *heard, close, end = await hear(peer)
            assert (close.code, end) == (code, End.FIN)
            if does == "collect":
                assert heard == batch
            else:
                assert heard == ["a", "b"]
                assert noting.notes[2:6] == ["a", "b", does, noting.notes[-1]]
            await other.send("still there?")
            assert await other.receive() == "still there?"

    run_async(act())


class Odd(BaseException):
    """What no `except Exception` catches."""


@pytest.mark.parametrize("how", ["plain", "coroutine", "later", "generator"])
@pytest.mark.parametrize("place", ["init", "handle_in", "handle_info", "terminate"])
def test_an_error_that_is_no_exception_ends_its_connection_only(
    run_async, dial, hear, noting, named, place, how
):
    if place == "terminate" and how == "generator":
        pytest.skip("the result of terminate is not run")
    varied = misbehaving(noting, place, how, Odd)

    async def act():
        async with sock.serve(lambda r: (Echo if r.path == "/echo" else varied)(r)) as server:
            async with await dial(server) as peer:
                await peer.send("go")
                with contextlib.suppress(OSError):
                    await (peer.send_close() if place == "terminate" else peer.send("more"))
                *_, close, end = await hear(peer)
            assert (close.code, end) == (1000 if place == "terminate" else 1011, End.FIN)
            while server.connections:
                await asyncio.sleep(0)
            async with await dial(server, "/echo") as other:
                await other.send("hi")
                assert await other.receive() == "hi"
        assert len(named("callback.failed")) == 1

    run_async(act())


@pytest.mark.parametrize("how", ["plain", "coroutine", "later", "generator"])
@pytest.mark.parametrize("place", ["init", "handle_in", "handle_info"])
def test_what_exits_the_program_ends_its_connection_first(run_async, dial, noting, place, how):
    """From 3.12 a coroutine's first step is eager, and passes SystemExit on before it is a task."""
    varied = misbehaving(noting, place, how, SystemExit)

    async def act():
        async with sock.serve(varied, options=Options(drain_timeout=20)) as server:
            peer = socket.create_connection(("127.0.0.1", server.port))
            try:
                peer.sendall(
                    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    b"Sec-WebSocket-Version: 13\r\n\r\n" + frame(TEXT, b"go")
                )
                await asyncio.Event().wait()
            finally:
                peer.shutdown(socket.SHUT_WR)  # so that the drain waits for nobody
                peers.append(peer)

    peers = []
    with pytest.raises(SystemExit):
        run_async(act())
    heard = b""
    while piece := peers[0].recv(4096):
        heard += piece
    peers[0].close()
    assert heard.endswith(b"\x88\x02\x03\xf3")  # 1011
    assert type(noting.notes[-1]) is Failed
    assert type(noting.notes[-1].error) is SystemExit


def misbehaving(noting, place, how, error):
    """Make a handler that raises in one of its callbacks, in one of four ways."""

    def plain(_):
        raise error

    async def coroutine(_):
        raise error

    async def later(_):
        await asyncio.sleep(0)
        raise error

    async def generator(_):
        if _ is noting:
            yield "never"
        raise error

    does = {"plain": plain, "coroutine": coroutine, "later": later, "generator": generator}[how]

    class Misbehaves(noting):
        def init(self, ref):
            self.ref = ref
            return does(ref) if place == "init" else None

        def handle_in(self, message):
            if place == "handle_info":
                self.ref.send("go")
                return None
            return does(message) if place == "handle_in" else None

        def handle_info(self, info):
            return does(info)

        def terminate(self, reason):
            self.notes.append(reason)
            return does(reason) if place == "terminate" else None

    return Misbehaves


@pytest.mark.parametrize(
    ("how", "error"),
    [("plain", Odd), ("coroutine", Odd), ("plain", asyncio.CancelledError)],
)
def test_an_application_that_raises_what_is_no_exception_is_a_500(
    run_async, dial, named, how, error
):
    def plain(request):
        raise error

    async def coroutine(request):
        raise error

    async def act():
        app = {"plain": plain, "coroutine": coroutine}[how]
        async with sock.serve(app, options=Options(drain_timeout=0.2)) as server:
            async with await dial(server, patience=1) as peer:
                assert peer.head.status == 500
                assert len(named("handshake.failed")) == 1

    run_async(act())


def test_a_handler_that_swallows_its_cancellation_is_abandoned(run_async, dial, named, noting):
    async def act():
        begun, go = asyncio.Event(), asyncio.Event()

        class Stubborn(noting):
            async def handle_in(self, message):
                begun.set()
                while not go.is_set():
                    with contextlib.suppress(asyncio.CancelledError):
                        await go.wait()
                return "late"

        options = Options(close_timeout=0.2)
        async with sock.serve(Stubborn, options=options) as server:
            async with await dial(server) as peer:
                await peer.send("go")
                await begun.wait()
                peer.reset()
                await server.wait_empty()
            assert noting.notes[1:] == [Remote(1006, "")]
            assert len(named("callback.abandoned")) == 1
            go.set()
            await asyncio.sleep(0)
        assert noting.notes[1:] == [Remote(1006, "")]

    run_async(act())


def test_a_generator_that_ignores_aclose_is_told_and_ends(run_async, dial, named, noting):
    class Ignores(noting):
        async def handle_in(self, message):
            while True:
                try:
                    yield "x"
                except GeneratorExit:
                    yield "still here"

    async def act():
        async with sock.serve(Ignores, options=Options(close_timeout=0.2)) as server:
            async with await dial(server) as peer:
                await peer.send("go")
                assert await peer.receive() == "x"
                peer.reset()
                await server.wait_empty()
        assert noting.notes[1:] == [Remote(1006, "")]
        assert "ignored GeneratorExit" in str(named("callback.failed")[0]["error"])

    run_async(act())


def test_terminate_that_raises_is_told_and_the_peer_hears_nothing_of_it(talk, named):
    class Raises(Sock):
        def terminate(self, reason):
            raise ValueError

    close, end = talk(Raises, frame(CLOSE, b"\x03\xe8"))
    assert (close, end) == (Close(1000, ""), End.FIN)
    assert [fields["place"].endswith(".terminate") for fields in named("callback.failed")] == [True]


# Threads, descriptors, drains.


def test_threads_may_send_while_connections_end(run_async, dial, noting, named, quiet):
    async def act():
        refs, over = [], threading.Event()

        class Told(noting):
            def init(self, ref):
                refs.append(ref)
                self.over = False

            def handle_info(self, info):
                assert not self.over

            def terminate(self, reason):
                self.over = True

        def send():
            while not over.wait(0.0005):
                for ref in list(refs):
                    ref.send("info")

        async with sock.serve(Told) as server:
            threads = [threading.Thread(target=send) for _ in range(2)]
            for thread in threads:
                thread.start()
            try:
                for _ in range(4):
                    peers = await asyncio.gather(*(dial(server, patience=20) for _ in range(15)))
                    for number, peer in enumerate(peers):
                        if number % 3 == 0:
                            peer.reset()
                        elif number % 3 == 1:
                            await peer.send_close()
                            await peer.__aexit__(None, None, None)
                        else:
                            await peer.__aexit__(None, None, None)
                    await server.wait_empty()
            finally:
                over.set()
                for thread in threads:
                    thread.join()
            assert all(ref.closed for ref in refs)
        assert not named("callback.failed")

    run_async(act())


def test_an_event_of_a_descriptor_that_was_reused_in_the_same_turn_is_not_the_new_ones(
    run_async, dial, reactor_kind
):
    """One handler's turn ends another connection and adopts a socket, which gets its number.

    The kernel's event for the old one, a reset while nothing was read, is in the same batch.
    """
    if reactor_kind != "epoll":
        pytest.skip("asyncio's own business")

    async def act():
        ours, theirs = socket.socketpair()
        got = []

        class Receives:
            def __init__(self, pipe):
                self.pipe = pipe

            def received(self, data):
                got.append(data)

            def ended(self):
                got.append("ended")
                self.pipe.close()

            def drained(self):
                pass

            def lost(self):
                got.append("lost")

        class Takes(Sock):
            async def _wait(self):
                await asyncio.Event().wait()

            def handle_in(self, message):
                if message == "wait":
                    return self._wait()
                (victim,) = [
                    one for one in server.live_connections if one.request.path == "/victim"
                ]
                number = victim.pipe.fileno()
                victim.abort()
                os.dup2(ours.fileno(), number)
                new = socket.socket(fileno=number)
                new.setblocking(False)
                adopt(Reactor.of(asyncio.get_running_loop()), new, Receives)
                return "done"

        options = Options(max_read_ahead=100, close_timeout=0.2)
        async with sock.serve(Takes, options=options) as server:
            async with await dial(server) as first, await dial(server, "/victim") as victim:
                await victim.send("wait", "x" * 5000)
                await first.send_bytes(frame(PING))
                await first.receive()
                (link,) = [one for one in server.live_connections if one.request.path == "/victim"]
                assert link.state is State.HELD
                # In this order, and in one turn of the loop.
                first._sock.send(frame(TEXT, b"now"))
                victim.reset()
                assert await first.receive() == "done"
                theirs.send(b"hello")
                while not got:
                    await asyncio.sleep(0)
                assert got == [b"hello"]
                theirs.close()
                while "lost" not in got:
                    await asyncio.sleep(0)
        ours.close()

    run_async(act())


def test_a_thousand_connections_come_and_go_in_waves_while_the_server_drains(
    run_async, dial, noting, quiet
):
    async def act():
        ends = []

        async def one(server):
            try:
                async with await dial(server, patience=20) as peer:
                    if peer.head.status != 101:
                        ends.append(peer.head.status)
                        return
                    while not isinstance(said := await peer.receive(), (Close, End)):
                        pass
                    ends.append(said.code if isinstance(said, Close) else said)
                    with contextlib.suppress(OSError):
                        await peer.send_close()
            except OSError:
                ends.append("refused")

        class Pushes(noting):
            async def init(self, ref):
                yield "hello"

        async with sock.serve(Pushes) as server:
            live = [asyncio.ensure_future(one(server)) for _ in range(200)]
            while server.connections < 200:
                await asyncio.sleep(0.001)
            draining = asyncio.ensure_future(server.drain(10))
            waves = []
            for _ in range(16):
                waves += [asyncio.ensure_future(one(server)) for _ in range(50)]
                await asyncio.sleep(0)
            await asyncio.gather(*live, *waves)
            await draining
            assert server.connections == 0
            assert not server.http_connections
        assert len(ends) == 1000
        assert ends.count(1012) >= 200
        assert set(ends) <= {1012, 503, "refused", End.FIN, End.RESET}

    run_async(act())


def test_sigterm_during_handshakes_ends_the_process_in_time(run_async, measured, upgrade):
    server = measured()

    async def act():
        peers = []
        for number in range(100):
            peer = socket.create_connection(("127.0.0.1", server.port))
            peer.sendall([b"", upgrade[:30], upgrade.replace(b"GET /", b"GET /echo")][number % 3])
            peers.append(peer)
        await server.ask()
        server.process.terminate()
        assert await asyncio.to_thread(server.process.wait, 10) == 0
        for peer in peers:
            with contextlib.suppress(ConnectionError):
                said = b""
                while piece := peer.recv(4096):
                    said += piece
                if b" 101 " in said:
                    assert said.endswith(b"the server restarts")
            peer.close()

    run_async(act())


# Nothing is left behind.


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux'")
def test_two_thousand_connections_leave_nothing_behind(run_async, upgrade, quiet, monkeypatch):
    # pytest keeps every line, with its traceback and all that this holds.
    monkeypatch.setattr(logging.getLogger("sock"), "disabled", True)

    class Varied(Sock):
        def init(self, ref):
            ref.send_after(60, "later")
            ref.add_done_callback(lambda: None)

        async def handle_in(self, message):
            match message:
                case "stop":
                    return Stop()
                case "wait":
                    await asyncio.Event().wait()
                case "raise":
                    raise ValueError
            return message

    words = frame(TEXT, b"x" * 2000)
    ends = {
        "Close": frame(CLOSE, b"\x03\xe8"),
        "RST": b"",
        "FIN": b"",
        "violation": frame(3),
        "stop": frame(TEXT, b"stop"),
        "raise": frame(TEXT, b"raise"),
        "half a message": frame(TEXT, b"half", fin=False),
    }
    squeezed = upgrade[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

    async def one(server, number):
        loop = asyncio.get_running_loop()
        # Whoever waits costs a close_timeout, so only a few do.
        how = "wait" if number % 200 == 5 else list(ends)[number % len(ends)]
        with socket.socket() as peer:
            peer.setblocking(False)
            await loop.sock_connect(peer, ("127.0.0.1", server.port))
            said = (squeezed if number % 2 else upgrade) + words
            await loop.sock_sendall(peer, said + ends.get(how, frame(TEXT, b"wait")))
            assert await loop.sock_recv(peer, 65536)
            if how == "RST":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif how == "FIN":
                peer.shutdown(socket.SHUT_WR)
                while await loop.sock_recv(peer, 65536):
                    pass

    async def act():
        options = Options(compression=True, close_timeout=0.2)
        async with sock.serve(Varied, options=options) as server:

            async def wave(count):
                for start in range(0, count, 50):
                    await asyncio.gather(*(one(server, n) for n in range(start, start + 50)))
                    await server.wait_empty()
                await asyncio.sleep(0)
                gc.collect()
                gc.collect()

            await wave(100)
            objects, files, tasks = len(gc.get_objects()), descriptors(), len(asyncio.all_tasks())
            await wave(2000)
            assert len(asyncio.all_tasks()) == tasks
            assert descriptors() <= files
            # Two per connection would be 4,000.
            assert len(gc.get_objects()) < objects + 200

    run_async(act())


# Limits that others set.


def test_an_idle_timeout_of_weeks_is_fine_where_a_handler_lags(talk):
    """Linux takes no TCP_KEEPIDLE over 32,767 s: asking for more broke the connection."""

    class Lags(Sock):
        async def handle_in(self, message):
            await asyncio.sleep(0)
            return message

    words = ["x" * 90] * 9
    said = b"".join(frame(TEXT, word.encode()) for word in words)
    for seconds in (200_000, 1e9):
        *heard, close, _ = talk(
            Lags, said + frame(3), idle_timeout=seconds, ping_interval=None, max_read_ahead=100
        )
        assert heard == words
        assert close.code == 1002


def test_a_deadline_that_raises_costs_the_others_nothing(run_async, caplog):
    async def act():
        reactor = Reactor.of(asyncio.get_running_loop())
        passed, last = [], asyncio.Event()

        def fails():
            raise SomethingElse

        for number in range(3):
            reactor.after(0.1, fails)
            reactor.after(0.1, lambda number=number: passed.append(number))
        reactor.after(0.3, last.set)
        await last.wait()
        assert sorted(passed) == [0, 1, 2]

    run_async(act())
    assert sum(record.name == "asyncio" for record in caplog.records) == 3


class SomethingElse(Exception):
    pass


def test_the_order_of_ends_is_the_peers_when_it_was_first(run_async, dial, hear, noting):
    """A Close and a bad frame in one read: what is behind a Close is not looked at (§5.5.1)."""

    async def act():
        async with sock.serve(noting) as server:
            async with await dial(server) as peer:
                await peer.send_bytes(frame(CLOSE, b"\x03\xe9") + frame(3) + frame(TEXT, b"no"))
                close, end = await hear(peer, polite=False)
                assert (close.code, end in End) == (1001, True)
            await server.wait_empty()
        assert noting.notes == ["init", Remote(1001, "")]

    run_async(act())
