"""What a handler does in the middle of a batch: to itself, to others, to the memory under it."""

import asyncio
import gc
import os
import socket
import weakref

import pytest

from sock import Failed, Prepared, Remote, Sock, Stop
from sock.loop import Reactor, adopt
from sock.wire.frame import Close

only_epoll = pytest.mark.parametrize("native", [True], ids=["epoll"], indirect=True)


class Acts(Sock):
    """Echoes, and does what the test says when it hears "now"."""

    act = None

    def __init__(self, request):
        self.heard = []
        self.reasons = []

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        self.heard.append(message)
        if message == "now":
            return self.act(self)
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


BATCH = ["a", "b" * 9000, "now", "c", b"d" * 9000, "e"]


def play(run, open_link, act, **options):
    """Send a batch in one piece; return what came back until the Close or the last echo."""

    class Plays(Acts):
        pass

    Plays.act = staticmethod(act)

    async def scenario():
        connection = await open_link(Plays, **options)
        Plays.link = connection.link
        connection.peer.send(*BATCH)
        events = []
        while (event := await connection.peer.next()) is not None:
            events.append(event)
            if isinstance(event, Close) or event == BATCH[-1]:
                break
        connection.peer.writer.close()
        await connection.over()
        return events, connection.handler

    return run(scenario())


def test_one_that_collects_garbage_goes_on(run, open_link):
    def act(handler):
        gc.collect()
        return "collected"

    events, _ = play(run, open_link, act)
    assert events == ["a", "b" * 9000, "collected", "c", b"d" * 9000, "e"]


def test_one_that_raises_is_told_what_came_before_and_hears_nothing_more(run, open_link):
    def act(handler):
        raise ValueError

    events, handler = play(run, open_link, act)
    assert events == ["a", "b" * 9000, Close(1011, "")]
    assert handler.heard == ["a", "b" * 9000, "now"]
    assert [type(reason) for reason in handler.reasons] == [Failed]


def test_one_that_stops_is_told_what_came_before_and_hears_nothing_more(run, open_link):
    events, handler = play(run, open_link, lambda handler: Stop(4000, messages="last"))
    assert events == ["a", "b" * 9000, "last", Close(4000, "")]
    assert handler.heard == ["a", "b" * 9000, "now"]


def test_one_that_cuts_its_own_connection_hears_nothing_more_of_it(run, open_link):
    def act(handler):
        handler.link.abort()
        return "to nobody"

    _, handler = play(run, open_link, act)
    assert handler.heard[:3] == ["a", "b" * 9000, "now"]
    assert handler.reasons == [Remote(1006)]


@pytest.mark.parametrize("info", ["info", Prepared("info"), b"x" * 20_000])
def test_one_that_sends_to_itself_hears_it_behind_the_callback(run, open_link, info):
    def act(handler):
        handler.ref.send(info)
        return "first"

    events, _ = play(run, open_link, act)
    expected = info.message if isinstance(info, Prepared) else info
    assert [event for event in events if event in {"first", expected}] == ["first", expected]
    assert [event for event in events if event in {"a", "c", "e"}] == ["a", "c", "e"]


def test_one_that_fills_its_send_buffer_goes_on_when_the_peer_has_taken_it(run, open_link):
    events, _ = play(run, open_link, lambda handler: "x" * 3_000_000, max_send_buffer=1000)
    assert events == ["a", "b" * 9000, "x" * 3_000_000, "c", b"d" * 9000, "e"]


def test_one_that_goes_on_in_a_coroutine_is_followed_by_the_rest(run, open_link):
    async def later():
        await asyncio.sleep(0)
        return "later"

    events, _ = play(run, open_link, lambda handler: later())
    assert events == ["a", "b" * 9000, "later", "c", b"d" * 9000, "e"]


def test_a_handler_and_all_around_it_are_freed_when_it_is_over(run, open_link):
    """Nobody waits for the garbage collector: what is over lets go."""

    async def scenario():
        connection = await open_link(Acts)
        connection.peer.send("a")
        assert await connection.peer.next() == "a"
        handler = weakref.ref(connection.handler)
        connection.peer.close()
        await connection.over()
        gc.collect()
        gc.disable()
        try:
            connection.link = connection.handler = None
            for _ in range(3):
                await asyncio.sleep(0)
            return handler()
        finally:
            gc.enable()

    assert run(scenario()) is None


@only_epoll
def test_a_connection_that_another_one_cuts_in_the_same_batch_hears_nothing(run, open_link):
    """Both are ready in one wake-up; whoever is first ends the other, whose event is stale then."""
    links = []

    class Cuts(Acts):
        def handle_in(self, message):
            self.heard.append(message)
            for link in links:
                if link.ref is not self.ref:
                    link.abort()
            gc.collect()
            return message

    async def scenario():
        connections = [await open_link(Cuts) for _ in range(2)]
        links.extend(connection.link for connection in connections)
        for connection in connections:
            peer = connection.peer.writer.get_extra_info("socket")
            os.write(peer.fileno(), connection.peer.encode("now"))
        for _ in range(10):
            await asyncio.sleep(0)
        heard = [connection.handler.heard for connection in connections]
        assert sorted(heard) == [[], ["now"]]
        for connection in connections:
            connection.link.abort()
            await connection.over()

    run(scenario())


@only_epoll
def test_a_descriptor_that_is_used_again_in_the_same_batch_is_not_the_old_one(run, open_link):
    """The first handler of a batch cuts another connection, and a new socket gets its number."""
    got, links = [], []

    class Reads:
        def __init__(self, pipe):
            self.pipe = pipe

        def received(self, data):
            got.append(data)

        def ended(self):
            self.pipe.close()

        def drained(self):
            pass

        def lost(self):
            got.append("lost")

    class Replaces(Acts):
        def handle_in(self, message):
            self.heard.append(message)
            if len(links) == 2:
                (other,) = [link for link in links if link.ref is not self.ref]
                links.clear()
                number = other.pipe.fileno()
                other.abort()
                os.dup2(ours.fileno(), number)
                adopt(Reactor.of(asyncio.get_running_loop()), socket.socket(fileno=number), Reads)
            return message

    async def scenario():
        connections = [await open_link(Replaces) for _ in range(2)]
        links.extend(connection.link for connection in connections)
        for connection in connections:
            peer = connection.peer.writer.get_extra_info("socket")
            os.write(peer.fileno(), connection.peer.encode("now"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert sorted(connection.handler.heard for connection in connections) == [[], ["now"]]
        assert got == []
        theirs.send(b"hello")
        while not got:
            await asyncio.sleep(0)
        assert got == [b"hello"]
        theirs.close()
        while got[-1] != "lost":
            await asyncio.sleep(0)
        for connection in connections:
            connection.link.abort()
            await connection.over()

    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        run(scenario())


class Reborn:
    """Sends something when it is let go of."""

    ref = None
    info = None

    def __del__(self):
        if self.ref is not None:
            self.ref.send(self.info)


def test_what_is_sent_while_a_prepared_one_dies_comes_as_itself(run, open_link):
    async def scenario():
        connection = await open_link(Acts)
        ref = connection.handler.ref
        one, two = Prepared("one"), Prepared("two")
        for prepared in (one, two):  # so that each has its encoding
            ref.send(prepared)
        dying = Prepared("dying")
        dying.encodings["dies with it"] = Reborn()
        for prepared in (dying, dying):
            ref.send(prepared)
        Reborn.ref, Reborn.info = ref, one
        try:
            del dying, prepared
            ref.send(two)
            ref.send("last")
            seen = []
            while not seen or seen[-1] != "last":
                seen.append(await connection.peer.next())
        finally:
            Reborn.ref = None
        assert seen[:4] == ["one", "two", "dying", "dying"]
        assert sorted(seen[4:-1]) == ["one", "two"]
        connection.link.abort()
        await connection.over()

    run(scenario())


@only_epoll
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop], ids=["asyncio"], indirect=False)
def test_a_handler_that_runs_the_loop_until_its_connection_is_over_does_no_harm(
    loop_factory, run, open_link
):
    """As nest_asyncio lets people do: nothing that is in use is freed."""

    def act(handler):
        handler.link.abort()
        loop = asyncio.get_running_loop()
        for _ in range(6):
            loop.call_soon(int)  # so that it does not sleep
            loop._run_once()
        for _ in range(20):  # the outer round takes as many as there were at its beginning
            loop.call_soon(int)
        gc.collect()
        return "x" * 100

    events, handler = play(run, open_link, act)
    assert handler.heard == ["a", "b" * 9000, "now"]
    assert events == handler.heard[: len(events)]  # what has left before the cut, and arrived
    assert handler.reasons == [Remote(1006)]
