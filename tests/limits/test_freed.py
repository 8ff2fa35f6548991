"""A connection that has ended is freed at once: nothing of it waits for the garbage collector."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import weakref

import pytest

import sock
from sock import JsonSock, Ping, Remote, Request, Stop, Stream, TextSock, Wrapper, around
from sock.live.bridge import Bridge
from sock.loop import Reactor

pytestmark = pytest.mark.usefixtures("reactor_kind")


class Oops(Exception):
    pass


async def ticks(handler):
    while True:
        yield "tick"
        await asyncio.Event().wait()


async def failing(handler):
    yield "tick"
    raise Oops


class Quiet(TextSock):
    def handle_in(self, text):
        pass


class Kept(Quiet):
    def init(self, ref):
        self.ref = ref


class Streams(Kept):
    def init(self, ref):
        super().init(ref)
        return Stream(ticks(self))


class Cancels(Quiet):
    def init(self, ref):
        self.stream = Stream(ticks(self))
        return self.stream

    def handle_in(self, text):
        self.stream.cancel()


class Generates(Quiet):
    def handle_in(self, text):
        return ticks(self)


class Waits(Quiet):
    async def handle_in(self, text):
        await asyncio.Event().wait()


class Spawns(Kept):
    async def waits(self):
        await asyncio.Event().wait()

    def init(self, ref):
        super().init(ref)
        self.task = ref.spawn(self.waits())


class Later(Kept):
    def init(self, ref):
        super().init(ref)
        self.timer = ref.send_after(1000, self)


class Raises(Quiet):
    def handle_in(self, text):
        raise Oops


class RaisesInInit(Quiet):
    def init(self, ref):
        raise Oops


class RaisesLater(Quiet):
    async def handle_in(self, text):
        await asyncio.sleep(0)
        raise Oops


class RaisesAtOnce(Quiet):
    async def handle_in(self, text):
        raise Oops


class RaisesInStream(Quiet):
    def init(self, ref):
        return Stream(failing(self))


class RaisesInGenerator(Quiet):
    def handle_in(self, text):
        return failing(self)


class RaisesInSpawned(Quiet):
    async def fails(self):
        await asyncio.sleep(0)
        raise Oops

    def init(self, ref):
        ref.spawn(self.fails())


class RaisesInTerminate(Quiet):
    def terminate(self, reason):
        raise Oops


class TerminatesLater(Quiet):
    async def terminate(self, reason):
        await asyncio.sleep(0)


class StopsForAnError(Quiet):
    def handle_in(self, text):
        try:
            raise Oops
        except Oops as error:
            return Stop(error=error)


class ReturnsNonsense(Quiet):
    def handle_in(self, text):
        return 7


class Violated(Quiet):
    """Takes no binary messages, and gets one."""


class TakesNoSuchValue(JsonSock[None, int, int]):
    def handle_in(self, message):
        pass


class StopsWithValue(JsonSock[None, int, int]):
    text = "1"

    def handle_in(self, message):
        raise Stop(messages=message)


class StopsForAnErrorOverValues(JsonSock[None, int, int]):
    text = "1"

    def handle_in(self, message):
        return stop_for_an_error()


class StopsLaterWithValue(JsonSock[None, int, int]):
    text = "1"

    async def handle_in(self, message):
        await asyncio.sleep(0)
        raise Stop(messages=message)


class YieldsNoSuchValue(JsonSock[None, int, int]):
    text = "1"

    async def handle_in(self, message):
        yield message
        yield "text"


KINDS = [
    TakesNoSuchValue,
    StopsWithValue,
    StopsForAnErrorOverValues,
    StopsLaterWithValue,
    YieldsNoSuchValue,
    Quiet,
    Kept,
    Streams,
    Cancels,
    Generates,
    Waits,
    Spawns,
    Later,
    Raises,
    RaisesInInit,
    RaisesLater,
    RaisesAtOnce,
    RaisesInStream,
    RaisesInGenerator,
    RaisesInSpawned,
    RaisesInTerminate,
    TerminatesLater,
    StopsForAnError,
    ReturnsNonsense,
    Violated,
]


@contextlib.contextmanager
def uncollected():
    """Keep the garbage collector from running, and the log from keeping what was raised."""
    logging.disable()  # a record has the traceback, and pytest keeps the records
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)


def counted(kind, alive):
    """Return an application of this kind whose handlers can be counted."""

    def app(request):
        handler = kind(request)
        alive.add(handler)
        return handler

    return app


async def until(empty):
    """Give what has ended some turns of the loop to be let go of."""
    for _ in range(200):
        if not empty:
            return
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_is_freed_without_the_garbage_collector(run_async, dial, kind):
    alive = weakref.WeakSet()

    async def act():
        options = sock.Options(close_timeout=0.2)
        async with sock.serve(counted(kind, alive), options=options) as server:
            for _ in range(3):
                async with await dial(server) as client:
                    with contextlib.suppress(OSError):
                        text = getattr(kind, "text", "text")
                        await client.send(b"binary" if kind is Violated else text)
                        await client.send(Ping())
                        await client.receive()
            while server.connections:
                await asyncio.sleep(0)
            await until(alive)
            return len(alive)

    with uncollected():
        assert run_async(act()) == 0


class Sees(Wrapper):
    """Sees every message, and counts as one more handler."""

    alive: weakref.WeakSet = weakref.WeakSet()

    def __init__(self, handler):
        super().__init__(handler)
        self.alive.add(self)

    def incoming(self, message):
        return message

    def outgoing(self, message):
        return message


def stop_for_an_error():
    try:
        raise Oops
    except Oops as error:
        return Stop(error=error, messages="bye")


class StopsForAnErrorLater(Quiet):
    async def handle_in(self, text):
        return stop_for_an_error()


class StopsForAnErrorInStream(Quiet):
    def handle_in(self, text):
        return Stream(self.stops())

    async def stops(self):
        yield stop_for_an_error()


class StopsByRaising(Quiet):
    def handle_in(self, text):
        raise Stop(messages="bye")


class StopsByRaisingLater(Quiet):
    async def handle_in(self, text):
        await asyncio.sleep(0)
        raise Stop(messages="bye")


class Rejects(Sees):
    """Ends the connection for an error, when a message comes or goes."""

    way = "in"

    def incoming(self, message):
        return stop_for_an_error() if self.way == "in" else message

    def outgoing(self, message):
        return stop_for_an_error() if self.way == "out" else message


class RejectsWhatGoes(Rejects):
    way = "out"


class Says(Quiet):
    def handle_in(self, text):
        return text


class SaysMuch(Quiet):
    def handle_in(self, text):
        return [text]


class SaysLater(Quiet):
    async def handle_in(self, text):
        yield text


class SaysLast(Quiet):
    def handle_in(self, text):
        return Stop(messages=text)


@pytest.mark.parametrize("wrapper", [Rejects, RejectsWhatGoes])
@pytest.mark.parametrize("kind", [Says, SaysMuch, SaysLater, SaysLast])
def test_a_wrapper_that_ends_its_connection_for_an_error_is_freed(run_async, dial, kind, wrapper):
    alive = weakref.WeakSet()

    async def act():
        app = around(around(counted(kind, alive), wrapper), Sees)
        async with sock.serve(app, options=sock.Options(close_timeout=0.2)) as server:
            async with await dial(server) as client:
                await client.send("text")
                await client.receive()
            while server.connections:
                await asyncio.sleep(0)
            await until(alive)
            return len(alive), len(Sees.alive)

    with uncollected():
        assert run_async(act()) == (0, 0)


BEHIND_WRAPPERS = [
    *KINDS,
    StopsByRaising,
    StopsByRaisingLater,
    StopsForAnErrorLater,
    StopsForAnErrorInStream,
]


@pytest.mark.parametrize("kind", BEHIND_WRAPPERS)
def test_a_handler_behind_a_wrapper_is_freed_and_the_wrapper_too(run_async, dial, kind):
    alive = weakref.WeakSet()

    async def act():
        options = sock.Options(close_timeout=0.2)
        app = around(around(counted(kind, alive), Sees), Sees)
        async with sock.serve(app, options=options) as server:
            for _ in range(3):
                async with await dial(server) as client:
                    with contextlib.suppress(OSError):
                        text = getattr(kind, "text", "text")
                        await client.send(b"binary" if kind is Violated else text)
                        await client.send(Ping())
                        await client.receive()
            while server.connections:
                await asyncio.sleep(0)
            await until(alive)
            return len(alive), len(Sees.alive)

    with uncollected():
        assert run_async(act()) == (0, 0)


class ServerWire:
    """Another server's connection: one message, and then the peer's end."""

    passes_control_frames = False

    def __init__(self):
        self.told = [Remote(1001), "text"]

    async def receive(self):
        await asyncio.sleep(0)
        return self.told.pop()

    async def send(self, message):
        await asyncio.sleep(0)

    async def close(self, code, detail):
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Violated])
def test_a_handler_on_another_server_is_freed_too(run_async, kind):
    alive = weakref.WeakSet()

    async def act():
        reactor = Reactor.of(asyncio.get_running_loop())
        options = sock.Options(close_timeout=0.2)
        for _ in range(3):
            request = Request("GET", "/")
            bridge = Bridge(reactor, ServerWire(), request, counted(kind, alive)(request), options)
            with contextlib.suppress(Oops):
                await bridge.run()
            del bridge
        await until(alive)
        return len(alive)

    with uncollected():
        assert run_async(act()) == 0
