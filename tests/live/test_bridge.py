"""A connection whose wire is another server's: the life cycle over "send, receive, close"."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from sock import (
    Failed,
    InvalidData,
    MessageTooBig,
    Normal,
    Options,
    PeerTooSlow,
    Ping,
    Pong,
    Prepared,
    Remote,
    Request,
    Shutdown,
    Sock,
    Stop,
    Stream,
    Text,
    TimedOut,
    send_all,
)
from sock.live.bridge import Bridge
from sock.loop import Reactor
from sock.loop.slow_callback import SLOW
from sock.testing import Clock
from tests.live_bridge import Living, Notes, Server, until


def test_a_message_is_handled_and_its_answer_sent(run_async):
    async def act():
        living = Living(Notes())
        living.server.tell("one", b"two", Remote(1000, "bye"))
        await living.task
        assert living.server.sent == ["one", b"two"]
        assert living.handler.reasons == [Remote(1000, "bye")]

    run_async(act())


def test_a_callback_that_blocks_the_loop_is_told(run_async, slow_turns):
    class Blocks(Notes):
        def handle_in(self, message):
            time.sleep(1.2 * SLOW)
            return message

    async def act():
        living = Living(Blocks())
        living.server.tell("one", Remote(1000, "bye"))
        await living.task

    run_async(act())
    assert max(slow_turns, default=0) >= 1.2 * SLOW


def test_what_is_pushed_from_outside_is_sent_in_order(run_async):
    async def act():
        living = Living(Notes())
        living.server.tell("go")
        await until(lambda: living.server.sent)
        for number in range(5):
            living.handler.ref.send(str(number))
        await asyncio.to_thread(living.handler.ref.send, "from a thread")
        await until(lambda: len(living.server.sent) == 7)
        assert living.server.sent == ["go", "0", "1", "2", "3", "4", "from a thread"]
        living.server.tell(Remote(1005))
        await living.task
        assert living.handler.ref.closed

    run_async(act())


def test_terminate_comes_when_the_close_has_been_said(run_async):
    class Stops(Notes):
        def handle_in(self, message):
            return Stop(4001, "enough", messages="last")

        def terminate(self, reason):
            self.said = list(living.server.closed)
            super().terminate(reason)

    async def act():
        nonlocal living
        living = Living(Stops())
        living.server.tell("stop")
        await living.task
        assert living.server.sent == ["last"]
        assert living.handler.said == [(4001, "enough")]
        assert living.handler.reasons == [Normal()]

    living = None
    run_async(act())


def test_terminate_waits_for_a_close_that_is_said_when_the_peer_keeps_up_again(run_async):
    """[S8.7] The server takes what was queued; only then is the info handled that ends it."""

    class StopsWhenTold(Notes):
        def handle_info(self, info):
            return Stop(4001)

        def terminate(self, reason):
            self.said = list(living.server.closed)
            super().terminate(reason)

    async def act():
        nonlocal living
        living = Living(StopsWhenTold(), max_send_buffer=100)
        living.server.slow = asyncio.Event()
        living.server.tell("x" * 200)
        await until(lambda: living.bridge.lifecycle.outbox.full)
        living.handler.ref.send("stop")
        living.server.slow.set()
        await living.task
        assert living.handler.said == [(4001, "")]

    living = None
    run_async(act())


def test_terminate_does_not_wait_for_ever_for_a_close_that_is_not_taken(run_async):
    class Stops(Notes):
        def handle_in(self, message):
            return Stop()

    async def act():
        living = Living(Stops(), close_timeout=0.05)
        living.server.slow = asyncio.Event()
        living.server.tell("stop")
        await living.task
        assert living.handler.reasons == [Normal()]

    run_async(act())


@pytest.mark.parametrize("why", ["raises", "ends"])
def test_a_peer_that_is_lost_is_1006(run_async, why):
    async def act():
        living = Living(Notes())
        if why == "raises":
            living.server.peer_gone = True
            living.server.tell("one")
        else:
            living.server.tell(Remote(1006))
        await living.task
        assert living.handler.reasons == [Remote(1006)]

    run_async(act())


def test_a_server_that_stops_is_a_shutdown(run_async):
    async def act():
        living = Living(Notes())
        living.server.tell(Shutdown())
        await living.task
        assert living.handler.reasons == [Shutdown()]
        assert living.server.closed == []  # it has said so itself

    run_async(act())


def test_what_cancels_it_has_it_say_1012(run_async):
    async def act():
        living = Living(Notes())
        living.server.tell("one")
        await until(lambda: living.server.sent)
        living.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await living.task
        assert [code for code, _ in living.server.closed] == [1012]
        assert living.handler.reasons == [Shutdown()]

    run_async(act())


def test_a_drain_lets_a_callback_finish(run_async):
    class Works(Notes):
        async def handle_in(self, message):
            await released.wait()
            return "done"

    async def act():
        living = Living(Works())
        living.server.tell("work")
        await until(lambda: living.bridge.lifecycle.busy)
        living.bridge.shutdown(5)
        released.set()
        await living.task
        assert living.server.sent == ["done"]
        assert [code for code, _ in living.server.closed] == [1012]

    released = asyncio.Event()
    run_async(act())


def test_in_a_drain_messages_are_dropped_and_the_peers_close_is_answered_at_once(run_async):
    """[S7.8] [S7.11] [S7.16]"""

    class Works(Notes):
        async def handle_in(self, message):
            self.infos.append(message)
            await released.wait()
            return "nobody hears it"

    async def act():
        living = Living(Works(), controls=True)
        living.server.tell("work")
        await until(lambda: living.bridge.lifecycle.busy)
        living.bridge.shutdown(5)
        living.server.tell("too late", Ping(b"?"), Remote(1001, "bye"))
        await until(lambda: living.server.closed)
        assert [code for code, _ in living.server.closed] == [1012]
        assert living.handler.reasons == []
        released.set()
        await living.task
        assert living.handler.infos == ["work"]
        assert living.server.sent == []
        assert living.handler.reasons == [Shutdown()]

    released = asyncio.Event()
    run_async(act())


def test_a_callback_under_way_finishes_after_the_peers_close(run_async):
    class Works(Notes):
        async def handle_in(self, message):
            await released.wait()
            self.finished = True

    async def act():
        living = Living(Works())
        living.server.tell("work", Remote(1000))
        await until(lambda: living.bridge.lifecycle.closed)
        released.set()
        await living.task
        assert living.handler.finished
        assert living.handler.reasons == [Remote(1000)]

    released = asyncio.Event()
    run_async(act())


def test_a_handler_that_lags_is_not_read_for(run_async):
    class Works(Notes):
        async def handle_in(self, message):
            await released.wait()

    async def act():
        living = Living(Works(), max_read_ahead=1000)
        living.server.tell(*["x" * 600] * 4)
        await until(lambda: not living.bridge.lifecycle.reading)
        await asyncio.sleep(0)
        assert living.server._told.qsize() == 1
        released.set()
        await until(lambda: not living.server._told.qsize())
        living.server.tell(Remote(1000))
        await living.task

    released = asyncio.Event()
    run_async(act())


def test_a_generator_waits_for_a_peer_that_does_not_take(run_async):
    class Pushes(Notes):
        async def handle_in(self, message):
            for _ in range(10):
                self.infos.append("one")
                yield "x" * 600

    async def act():
        living = Living(Pushes(), max_send_buffer=1000)
        living.server.slow = asyncio.Event()
        living.server.tell("go")
        await until(lambda: living.bridge.lifecycle.outbox.full)
        assert len(living.handler.infos) == 2
        living.server.slow.set()
        await until(lambda: len(living.server.sent) == 10)
        living.server.tell(Remote(1000))
        await living.task

    run_async(act())


@pytest.mark.parametrize("message", ["x" * 300, "€" * 100, Prepared("€" * 100), Text(b"x" * 300)])
def test_the_send_buffer_is_counted_in_bytes_whatever_is_pushed(run_async, message):
    """[S11.1]"""

    class Pushes(Notes):
        async def handle_in(self, text):
            for _ in range(10):
                self.infos.append("one")
                yield message

    async def act():
        living = Living(Pushes(), max_send_buffer=1000)
        living.server.slow = asyncio.Event()
        living.server.tell("go")
        await until(lambda: living.bridge.lifecycle.outbox.full)
        assert len(living.handler.infos) == 4
        living.server.slow.set()
        await until(lambda: len(living.server.sent) == 10)
        living.server.tell(Remote(1000))
        await living.task

    run_async(act())


def test_a_peer_that_takes_nothing_is_too_slow(run_async):
    async def act():
        living = Living(Notes(), send_timeout=0.1)
        living.server.slow = asyncio.Event()
        living.server.tell("one")
        await living.task
        [reason] = living.handler.reasons
        assert isinstance(reason, Failed)
        assert isinstance(reason.error, PeerTooSlow)

    run_async(act())


@pytest.mark.parametrize("message", [b"x" * 101, "x" * 101, "é" * 51])
def test_a_message_over_the_limit_is_1009(run_async, message):
    async def act():
        living = Living(Notes(), max_message_size=100)
        living.server.tell("é" * 50, message)
        await living.task
        assert living.server.sent == ["é" * 50]
        assert [code for code, _ in living.server.closed] == [1009]
        assert isinstance(living.handler.reasons[0].error, MessageTooBig)

    run_async(act())


def test_a_surrogate_is_the_handlers_mistake(run_async):
    async def act():
        living = Living(Notes())
        living.server.tell("one")
        await until(lambda: living.server.sent)
        living.handler.ref.send("\ud800")
        await living.task
        assert [code for code, _ in living.server.closed] == [1011]
        assert isinstance(living.handler.reasons[0].error, UnicodeEncodeError)

    run_async(act())


def test_a_buffer_is_sent_as_it_was_when_it_was_pushed(run_async):
    class Reuses(Notes):
        def handle_in(self, message):
            return buffer

    async def act():
        living = Living(Reuses())
        living.server.slow = asyncio.Event()
        living.server.tell("go")
        await until(lambda: living.bridge.lifecycle.reading and living.server._told.empty())
        await asyncio.sleep(0)
        buffer[:] = b"later"
        living.server.slow.set()
        await until(lambda: living.server.sent)
        assert living.server.sent == [b"first"]
        living.server.tell(Remote(1000))
        await living.task

    buffer = bytearray(b"first")
    run_async(act())


def test_a_server_without_pings_is_pushed_none(run_async):
    class Pings(Notes):
        def handle_in(self, message):
            return [Ping(b"1"), message, Pong(b"2"), Prepared("p")]

    async def act():
        for controls, expected in (
            (False, ["one", Prepared("p")]),
            (True, [Ping(b"1"), "one", Pong(b"2"), Prepared("p")]),
        ):
            living = Living(Pings(), controls=controls)
            living.server.tell("one", Remote(1000))
            await living.task
            assert living.server.sent == expected

    run_async(act())


def test_a_silent_peer_is_pinged_and_times_out_where_pings_can_be_sent(run_async):
    async def act():
        living = Living(Notes(), controls=True, ping_interval=0.1, idle_timeout=0.3)
        await living.task
        assert living.server.sent[0] == Ping()
        assert living.server.closed[0][0] == 3008
        assert living.handler.reasons == [TimedOut()]

    run_async(act())


def test_a_peer_that_is_heard_of_does_not_time_out(run_async):
    async def act():
        living = Living(Notes(), controls=True, ping_interval=None, idle_timeout=0.3)
        deadline = asyncio.get_running_loop().time() + 0.7
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0)
            living.bridge.heard()
        assert not living.task.done()
        living.server.tell(Remote(1000))
        await living.task

    run_async(act())


def test_a_stream_ends_with_the_connection_and_timers_are_forgotten(run_async):
    class Streams(Notes):
        def init(self, ref):
            super().init(ref)
            ref.send_after(60, "never")
            ref.add_done_callback(lambda: self.infos.append("done"))
            ref.spawn(self.wait("task"))
            return Stream(self.items())

        async def wait(self, what):
            try:
                await asyncio.Event().wait()
            finally:
                self.infos.append(what)

        async def items(self):
            yield "one"
            await self.wait("stream")

    async def act():
        living = Living(Streams())
        await until(lambda: living.server.sent == ["one"])
        living.server.tell(Remote(1001))
        await living.task
        await asyncio.sleep(0)
        assert sorted(living.handler.infos) == ["done", "stream", "task"]

    run_async(act())


def test_a_server_that_does_not_say_a_code_is_given_the_exception(run_async):
    class Picky(Server):
        async def close(self, code, detail):
            raise Exception("invalid close code")  # as autobahn does, of a plain Exception

    async def act():
        living = Living(Notes())
        living.server.__class__ = Picky
        living.server.tell("one")
        await until(lambda: living.server.sent)
        living.bridge.shutdown(0)
        with pytest.raises(Exception, match="invalid close code"):
            await living.task
        assert living.handler.reasons == [Shutdown()]

    run_async(act())


def test_too_many_infos_close_with_1013_whatever_thread_they_come_from(run_async):
    async def act():
        living = Living(Notes(), max_mailbox=4)
        living.server.tell("one")
        await until(lambda: living.server.sent)

        def flood():
            for number in range(50):
                living.handler.ref.send(number)

        await asyncio.to_thread(flood)
        await living.task
        assert living.handler.reasons[0].error is not None
        assert living.server.closed[0][0] in {1011, 1013}

    run_async(act())


def test_what_aborts_it_lets_go_at_once(run_async):
    async def act():
        living = Living(Notes())
        living.server.slow = asyncio.Event()
        living.server.tell("one")
        await until(lambda: not living.server._told.qsize())
        await asyncio.sleep(0)
        living.bridge.abort()
        await living.task
        assert living.handler.reasons == [Remote(1006)]

    run_async(act())


def test_a_peer_that_is_too_slow_is_told_so_where_the_server_still_has_it(run_async):
    async def act():
        living = Living(Notes(), send_timeout=0.1)
        living.server.slow = asyncio.Event()
        living.server.tell("one")
        await until(lambda: living.handler.reasons)
        living.server.slow.set()
        await living.task
        assert [code for code, _ in living.server.closed] == [1013]

    run_async(act())


@pytest.mark.parametrize("message", [bytearray(b"one"), memoryview(b"one")])
def test_a_message_may_be_in_any_buffer(run_async, message):
    class Names(Notes):
        def handle_in(self, message):
            return type(message).__name__

    async def act():
        living = Living(Names())
        living.server.tell(message, Remote(1000))
        await living.task
        assert living.server.sent == ["bytes"]

    run_async(act())


def test_what_is_no_message_is_told_with_its_traceback_and_fails(run_async, events):
    async def act():
        living = Living(Notes())
        living.server.tell(None)
        await living.task
        assert [code for code, _ in living.server.closed] == [1011]
        [reason] = living.handler.reasons
        assert isinstance(reason.error, TypeError)

    run_async(act())
    assert "callback.failed" in [name for name, _ in events]


def test_a_violation_that_the_server_has_answered_is_a_failure(run_async):
    class Judges(Server):
        async def receive(self):
            raise InvalidData("not in UTF-8")

    async def act():
        living = Living(Notes())
        living.server.__class__ = Judges
        await living.task
        [reason] = living.handler.reasons
        assert isinstance(reason.error, InvalidData)

    run_async(act())


def test_who_pushes_what_the_server_cannot_send_is_told(run_async):
    class Pings(Notes):
        def handle_in(self, message):
            return [Ping(b"1"), message]

    async def act():
        unsendable = []
        server = Server()
        reactor = Reactor.of(asyncio.get_running_loop())
        server.tell("one", Remote(1000))
        await Bridge(
            reactor, server, Request(), Pings(), Options(), on_unsendable=unsendable.append
        ).run()
        assert unsendable == [Ping(b"1")]

    run_async(act())


# --- Ref.stop, Ref.pending, send_all ---


class Sleeps(Notes):
    """Sleeps in each callback until it is cancelled."""

    begun = False
    left = False

    async def handle_in(self, message):
        self.begun = True
        try:
            await asyncio.Event().wait()
        finally:
            self.left = True


class Generates(Sleeps):
    async def handle_in(self, message):
        self.begun = True
        try:
            while True:
                yield "item"
                await asyncio.sleep(0)
        finally:
            self.left = True


@pytest.mark.parametrize("thread", [False, True], ids=["the loop", "another thread"])
@pytest.mark.parametrize("kind", [Sleeps, Generates])
def test_stop_ends_what_is_under_way(run_async, kind, thread):
    """[S10.11]"""

    async def act():
        living = Living(kind())
        living.server.tell("go", "waits")
        await until(lambda: living.handler.begun)
        ref = living.handler.ref
        if thread:
            await asyncio.to_thread(ref.stop, 4001, "out", messages="last")
        else:
            ref.stop(4001, "out", messages="last")
            assert not living.handler.left
        assert ref.closed
        ref.send("forgotten")
        await living.task
        assert living.server.closed == [(4001, "out")]
        assert living.server.sent[-1] == "last"
        assert living.handler.left
        assert living.handler.reasons == [Normal()]

    run_async(act())


def test_stop_lets_go_of_a_peer_that_does_not_read_after_close_timeout(run_async):
    """[S7.15]"""

    async def act():
        living = Living(Notes(), close_timeout=0.2, send_timeout=60)
        living.server.slow = asyncio.Event()
        living.server.tell("never taken")
        await until(lambda: living.bridge.pending)
        ref = living.handler.ref
        assert ref.pending == len("never taken")
        ref.stop(4001)
        assert ref.pending == 0
        await living.task
        assert living.handler.reasons == [Normal()]

    run_async(act())


def test_pending_counts_what_the_server_has_not_taken(run_async):
    """[S10.12]"""

    async def act():
        living = Living(Notes())
        await until(lambda: hasattr(living.handler, "ref"))
        ref = living.handler.ref
        assert ref.pending == 0
        living.server.slow = asyncio.Event()
        living.bridge.push("12345")
        living.bridge.push(b"67")
        assert ref.pending == 7
        living.server.slow.set()
        await until(lambda: not ref.pending)
        assert living.server.sent == ["12345", b"67"]
        ref.stop()
        await living.task

    run_async(act())


def test_send_all_reaches_bridges_too(run_async):
    """[S10.13]"""

    class Pushes(Sock):
        def init(self, ref):
            self.ref = ref

    async def act():
        pushes, notes = Living(Pushes(Request())), Living(Notes())
        both = (pushes, notes)
        await until(lambda: all(hasattr(one.handler, "ref") for one in both))
        refs = {one.handler.ref for one in both}
        send_all(refs, "é")
        await asyncio.to_thread(send_all, refs, "later")
        await until(lambda: all(len(one.server.sent) == 2 for one in both))
        assert notes.server.sent == ["é", "later"]
        assert [getattr(one, "message", one) for one in pushes.server.sent] == ["é", "later"]
        send_all(refs, "\ud800")
        await asyncio.gather(*(one.task for one in both))
        assert [one.server.closed for one in both] == [[(1011, "")]] * 2

    run_async(act())


@pytest.mark.parametrize("error", [Stop(4001, "mine"), GeneratorExit()], ids=["Stop", "odd"])
@pytest.mark.parametrize("waits", [False, True])
def test_what_a_callback_raises_ends_the_connection(run_async, error, waits):
    """[S6.1] [S6.9]"""

    class Raises(Notes):
        def handle_in(self, message):
            if waits:
                return self.later()
            raise error

        async def later(self):
            await asyncio.sleep(0)
            raise error

    async def act():
        living = Living(Raises())
        living.server.tell("go")
        await living.task
        stops = isinstance(error, Stop)
        assert living.server.closed == [(4001, "mine") if stops else (1011, "")]
        assert living.handler.reasons == [Normal() if stops else Failed(error)]

    run_async(act())


def test_the_end_is_told_with_the_seconds_since_the_beginning(events):
    async def begin():
        return Living(Notes())

    with contextlib.closing(Clock()) as clock:
        made = clock.create_task(begin())
        clock.advance(7.5)
        living = made.result()
        living.server.tell(Remote(1000))
        clock.run_until_idle()
        assert living.task.done()
    [closed] = [fields for event, fields in events if event == "connection.closed"]
    assert closed["seconds"] == 7.5


def test_messages_are_counted_each_way_and_told_with_the_end(run_async, events):
    async def act():
        living = Living(Notes(), controls=True)
        living.server.tell("grüße", b"xy", bytearray(3), Ping(b"not counted"))
        await until(lambda: len(living.server.sent) == 3)
        assert living.bridge.traffic() == (3, 12, 3, 12)
        living.bridge.ref.send(Ping(b"not counted"))
        living.bridge.ref.send("more")
        await until(lambda: len(living.server.sent) == 5)
        living.server.tell(Remote(1000))
        await living.task

    run_async(act())
    [closed] = [fields for event, fields in events if event == "connection.closed"]
    names = ("received_messages", "received_bytes", "sent_messages", "sent_bytes")
    told = [closed[name] for name in names]
    assert told == [3, 12, 4, 16]
