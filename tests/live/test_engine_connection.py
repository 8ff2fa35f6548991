"""A connection of a host that parses and encodes the frames itself: the rows of its table."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from sock import (
    Failed,
    InvalidData,
    MailboxFull,
    Normal,
    Options,
    PeerTooSlow,
    Ping,
    Pong,
    Prepared,
    ProtocolError,
    Remote,
    Request,
    Shutdown,
    Sock,
    Stop,
    Text,
    TimedOut,
)
from sock.live import EngineConnection
from sock.loop import Reactor
from sock.loop.reactor import FOREVER
from sock.loop.slow_callback import SLOW
from tests.live_bridge import until


class Wire:
    """The frames of a host that a test plays: what was kept, what was written, and in how many."""

    def __init__(self):
        self.kept, self.writes, self.events = [], [], []
        self.pending_bytes = self.bytes_taken = 0
        self.reading = False

    @property
    def pending(self):
        return self.pending_bytes + sum(len(str(one)) for one in self.kept)

    def send(self, message):
        if isinstance(message, str):
            message.encode()
        self.kept.append(message)

    def close(self, code, detail):
        self.kept.append((code, detail))

    def flush(self):
        if self.kept:
            self.writes.append(self.kept)
            self.kept = []

    def pause(self):
        self.reading = False

    def resume(self):
        self.reading = True

    def end(self):
        self.events.append("end")

    def cut(self):
        self.events.append("cut")

    @property
    def sent(self):
        return [one for write in self.writes for one in write]


class Notes(Sock):
    """Sends back what it gets, and notes what it is told."""

    def __init__(self):
        self.told, self.reasons = [], []
        self.go = asyncio.Event()

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        self.told.append(message)
        if message == "wait":
            return self.wait()
        return [message, "and more"] if message == "two" else message

    async def wait(self):
        await self.go.wait()
        return "waited"

    def handle_control(self, frame):
        self.told.append(frame)

    def handle_info(self, info):
        return info

    def terminate(self, reason):
        self.reasons.append(reason)


class Living:
    def __init__(self, handler=None, *, unhurried=True, **options):
        self.wire, self.handler = Wire(), handler or Notes()
        self.over = []
        reactor = Reactor.of(asyncio.get_running_loop())
        if unhurried:  # a busy machine ends no turn before all was handled
            reactor.max_turn_nanoseconds = FOREVER
        self.connection = EngineConnection(
            reactor,
            self.wire,
            Request(),
            self.handler,
            Options(**options),
            on_over=self.over.append,
        )
        self.connection.begin()

    def receive(self, *received):
        self.connection.receive(received)

    async def end(self):
        """Lose TCP, and wait until all is over."""
        self.connection.lost()
        await until(lambda: self.over)
        assert self.over == [self.connection]
        return self.handler.reasons


@pytest.fixture
def play(run_async):
    """Run a scenario with a connection that is live."""

    def play(scenario, handler=None, **options):
        async def act():
            living = Living(handler() if handler else None, **options)
            await scenario(living)
            if not living.over:
                await living.end()
            assert len(living.handler.reasons) == 1

        run_async(act())

    return play


def test_a_callback_that_blocks_the_loop_is_told(run_async, slow_turns):
    class Blocks(Notes):
        def handle_in(self, message):
            time.sleep(1.2 * SLOW)
            return message

    async def act():
        living = Living(Blocks(), unhurried=False)
        living.receive("one")
        assert living.wire.sent == ["one"]
        await living.end()

    run_async(act())
    assert max(slow_turns, default=0) >= SLOW


def test_it_reads_once_it_is_live_and_answers_what_it_reads_in_one_write(play):
    async def scenario(living):
        assert living.wire.reading
        living.receive("one", "two", b"three")
        assert living.wire.writes == [["one", "two", "and more", b"three"]]
        assert await living.end() == [Remote(1006)]

    play(scenario)


@pytest.mark.parametrize(
    ("message", "plain"),
    [(Prepared("p"), "p"), (Text(b"t"), "t"), (bytearray(b"b"), b"b"), (memoryview(b"m"), b"m")],
)
def test_messages_of_all_kinds_are_given_to_the_wire_in_plain_form(play, message, plain):
    async def scenario(living):
        living.handler.ref.send(message)
        await until(lambda: living.wire.sent)
        assert living.wire.sent == [plain]
        assert type(living.wire.sent[0]) is type(plain)

    play(scenario)


def test_a_ping_is_answered_before_the_handler_is_told(play):
    async def scenario(living):
        living.receive("wait", Ping(b"there?"), Pong(b"late"))
        assert living.wire.sent == [Pong(b"there?")]
        living.handler.go.set()
        await until(lambda: living.handler.told[1:])
        assert living.handler.told == ["wait", Ping(b"there?"), Pong(b"late")]

    play(scenario)


def test_while_a_handler_lags_nothing_is_parsed_and_later_nothing_is_lost(play):
    async def scenario(living):
        asked = []

        def parse():
            for message in ["wait", "a" * 100, "b", "c"]:
                asked.append(message)
                yield message

        living.connection.receive(parse())
        await until(lambda: len(asked) == 2)  # on a slow machine, in the next turn
        assert asked == ["wait", "a" * 100]
        assert not living.wire.reading
        living.handler.go.set()
        await until(lambda: len(living.wire.sent) == 4)
        assert living.wire.sent == ["waited", "a" * 100, "b", "c"]
        assert living.wire.reading

    play(scenario, max_read_ahead=50)


def test_a_peer_that_takes_nothing_holds_everything_back_until_it_has_taken_it(play):
    async def scenario(living):
        living.wire.pending_bytes = 1000
        living.receive("x")
        assert not living.wire.reading
        living.handler.ref.send("an info")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert living.wire.sent == ["x"]
        living.wire.pending_bytes = 0
        living.connection.drained()
        await until(lambda: living.wire.reading)
        assert living.wire.sent == ["x", "an info"]

    play(scenario, max_send_buffer=500)


def test_a_peer_that_takes_nothing_for_too_long_is_cut(play):
    async def scenario(living):
        living.wire.pending_bytes = 1000
        living.receive("x")
        await until(lambda: living.wire.events)
        assert living.wire.events == ["cut"]
        (reason,) = await living.end()
        assert isinstance(reason.error, PeerTooSlow)

    play(scenario, send_timeout=0.05)


def test_the_peers_close_is_answered_at_once_and_then_tcp_ends(play):
    async def scenario(living):
        living.receive("one", Remote(4000, "bye"), "after")
        assert living.wire.sent == ["one", (4000, "")]
        assert living.wire.events == ["end"]
        assert await living.end() == [Remote(4000, "bye")]
        assert living.handler.told == ["one"]

    play(scenario)


@pytest.mark.parametrize(("code", "answer"), [(1005, None), (1006, 1002)])
def test_a_close_is_answered_with_its_code_if_that_may_travel(play, code, answer):
    async def scenario(living):
        living.receive(Remote(code))
        assert [sent for sent, _ in living.wire.sent] == [answer]

    play(scenario)


@pytest.mark.parametrize("error", [ProtocolError("x"), InvalidData("x")])
def test_a_violation_is_told_behind_the_answers_and_then_tcp_ends(play, error):
    async def scenario(living):
        living.receive("good", error)
        await until(lambda: living.wire.events)
        assert living.wire.sent[0] == "good"
        assert living.wire.sent[1][0] == error.code
        assert living.wire.events == ["end"]
        assert await living.end() == [Failed(error)]

    play(scenario)


def test_a_message_over_the_limit_is_a_violation_though_the_wire_let_it_through(play):
    async def scenario(living):
        living.receive("ü" * 6)
        await until(lambda: living.wire.events)
        assert [code for code, _ in living.wire.sent] == [1009]

    play(scenario, max_message_size=10)


def test_a_stop_is_said_and_tcp_ends_when_the_peer_has_said_close_too(play):
    class Stops(Notes):
        def handle_in(self, message):
            return Stop(4001, "enough", messages="last")

    async def scenario(living):
        living.receive("x")
        assert living.wire.writes == [["last", (4001, "enough")]]
        assert living.wire.events == []
        living.receive("ignored", Ping(b""), Remote(4001))
        assert living.wire.events == ["end"]
        assert living.wire.sent == ["last", (4001, "enough")]
        assert await living.end() == [Normal()]

    play(scenario, Stops)


def test_a_peer_that_never_answers_our_close_is_cut(play):
    async def scenario(living):
        living.handler.ref.stop(4002)
        await until(lambda: living.wire.events)
        assert living.wire.events == ["cut"]
        assert living.wire.sent == [(4002, "")]

    play(scenario, close_timeout=0.05)


def test_a_silent_peer_is_pinged_and_then_given_up(play):
    async def scenario(living):
        await until(lambda: len(living.wire.sent) > 1)
        assert living.wire.sent[0] == Ping()
        await until(lambda: living.wire.sent[-1][:1] == (3008,))
        assert await living.end() == [TimedOut()]

    play(scenario, idle_timeout=0.5, ping_interval=0.2)


def test_a_drain_lets_work_finish_and_says_1012(play):
    async def scenario(living):
        living.receive("wait")
        living.connection.shutdown(5)
        assert living.wire.sent == []
        living.handler.go.set()
        await until(lambda: len(living.wire.sent) == 2)
        assert (living.wire.sent[0], living.wire.sent[1][0]) == ("waited", 1012)
        assert await living.end() == [Shutdown()]

    play(scenario)


def test_a_drain_before_it_has_begun_ends_tcp_without_a_word(run_async):
    async def act():
        wire, handler = Wire(), Notes()
        connection = EngineConnection(
            Reactor.of(asyncio.get_running_loop()), wire, Request(), handler, Options()
        )
        connection.shutdown(1)
        connection.begin()
        assert (wire.sent, wire.events, handler.reasons) == ([], ["end"], [])
        connection.lost()

    run_async(act())


def test_infos_of_other_threads_are_bounded_before_the_loop_sees_them(play):
    async def scenario(living):
        closed = []

        def send():
            for number in range(10):
                living.handler.ref.send(str(number))
                closed.append(living.handler.ref.closed)

        thread = threading.Thread(target=send)
        thread.start()
        thread.join()  # the loop has seen none of them
        assert closed == [False] * 3 + [True] * 7
        await until(lambda: living.wire.sent)
        (reason,) = await living.end()
        assert isinstance(reason.error, MailboxFull)

    play(scenario, max_mailbox=3)


def test_a_callback_that_raises_ends_its_connection_with_1011(play):
    class Raises(Notes):
        def handle_in(self, message):
            raise LookupError

    async def scenario(living):
        living.receive("x")
        assert living.wire.sent == [(1011, "")]
        (reason,) = await living.end()
        assert isinstance(reason.error, LookupError)

    play(scenario, Raises)


def test_a_drain_cuts_what_is_left(play):
    async def scenario(living):
        living.connection.abort()
        assert living.wire.events == ["cut"]

    play(scenario)


def test_a_wire_that_fails_ends_its_connection(play):
    async def scenario(living):
        def parse():
            yield "good"
            raise LookupError

        with pytest.raises(LookupError):
            living.connection.receive(parse())
        assert living.wire.sent == ["good", (1011, "")]
        (reason,) = await living.end()
        assert isinstance(reason.error, LookupError)

    play(scenario)


def test_messages_are_counted_each_way(play):
    async def scenario(living):
        living.receive("grüße", b"xy", Ping(b"not counted"))
        living.connection.ref.send(Prepared("é"))
        living.connection.ref.send(Ping(b"not counted"))
        await until(lambda: len(living.wire.sent) == 5)
        assert living.connection.traffic() == (2, 9, 3, 11)
        await living.end()

    play(scenario)
