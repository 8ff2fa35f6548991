"""What a peer and a handler see of a link over real TCP."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest

from sock import (
    CloseCode,
    Failed,
    MailboxFull,
    Normal,
    Options,
    PeerTooSlow,
    Ping,
    Pong,
    Prepared,
    ProtocolError,
    Reason,
    Remote,
    Request,
    Shutdown,
    Sock,
    Stop,
    Stream,
    Text,
    TimedOut,
    testing,
)
from sock.live import Link
from sock.wire.frame import Close


class Recorder(Sock[Any, str | bytes]):
    """Keeps what it was told; subclasses answer."""

    def __init__(self, request: Request) -> None:
        self.told: list[Any] = []
        self.reasons: list[Reason] = []

    def init(self, ref):
        self.ref = ref

    def terminate(self, reason):
        self.reasons.append(reason)


class Echo(Recorder):
    def handle_in(self, message):
        return message


class Waits(Recorder):
    """Holds each message until the test lets go."""

    def __init__(self, request):
        super().__init__(request)
        self.go = asyncio.Event()
        self.begun = asyncio.Event()

    async def handle_in(self, message):
        self.told.append(message)
        self.begun.set()
        await self.go.wait()
        return message


# Messages


def test_what_init_pushes_leaves_with_the_head_in_one_write(run, pair, reactor):
    class Greets(Recorder):
        def init(self, ref):
            return ["hello", b"\x01"]

    async def scenario():
        writes = []

        class Spy:
            """Stands before the pipe, and counts its writes."""

            def __init__(self, pipe):
                self._pipe = pipe

            def __getattr__(self, name):
                return getattr(self._pipe, name)

            def write(self, data):
                writes.append(bytes(data))
                self._pipe.write(data)

        def connect(pipe):
            return Link(reactor(), Spy(pipe), Request(), Greets(Request()), Options())

        pipe, link, _ = await pair(connect)
        link.begin(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        pipe.receiver = link
        assert writes == [b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello\x82\x01\x01"]
        link.abort()

    run(scenario())


def test_every_kind_of_message_comes_back_as_it_was_pushed(run, open_link):
    class Everything(Recorder):
        def handle_in(self, message):
            return [
                "text",
                b"bytes",
                bytearray(b"bytearray"),
                memoryview(b"memoryview"),
                Text("tëxt".encode()),
                Ping(b"ping"),
                Pong(b"pong"),
                Prepared("prepared"),
                "",
                b"",
            ]

    async def scenario():
        connection = await open_link(Everything)
        connection.peer.send("go")
        assert [await connection.peer.next() for _ in range(10)] == [
            "text",
            b"bytes",
            b"bytearray",
            b"memoryview",
            "tëxt",
            Ping(b"ping"),
            Pong(b"pong"),
            "prepared",
            "",
            b"",
        ]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_frames_that_came_with_the_handshake_are_not_lost(run, open_link):
    async def scenario():
        early = b"\x81\x82mask" + bytes(a ^ b for a, b in zip(b"hi", b"ma", strict=True))
        connection = await open_link(Echo, early)
        assert await connection.peer.next() == "hi"
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_many_messages_in_one_read_are_answered_in_order(run, open_link):
    async def scenario():
        connection = await open_link(Echo)
        messages = [f"{n}" if n % 2 else f"{n}".encode() for n in range(1000)]
        connection.peer.send(*messages)
        assert [await connection.peer.next() for _ in messages] == messages
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_message_of_several_reads_comes_back_whole(run, open_link):
    async def scenario():
        connection = await open_link(Echo)
        message = "ä" * 300_000
        connection.peer.send(message)
        assert await connection.peer.next() == message
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_coroutine_holds_back_what_comes_after_it_and_order_is_kept(run, open_link):
    async def scenario():
        connection = await open_link(Waits)
        handler, peer = connection.handler, connection.peer
        peer.send("one", "two", "three")
        await handler.begun.wait()
        await peer.until_pong()  # all three have come, perhaps in several reads
        handler.ref.send("an info")
        assert handler.told == ["one"]
        handler.go.set()
        assert [await peer.next() for _ in range(4)] == ["one", "two", "three", "an info"]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_ping_is_answered_while_a_callback_is_waiting(run, open_link):
    # [S5.1], RFC 6455 §5.5.2
    async def scenario():
        connection = await open_link(Waits)
        connection.peer.send("begin")
        await connection.handler.begun.wait()
        connection.peer.send(Ping(b"there?"))
        assert await connection.peer.next() == Pong(b"there?")
        connection.handler.go.set()
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_handle_control_is_told_after_the_pong_has_been_queued(run, open_link):
    class Controls(Recorder):
        def handle_control(self, frame):
            return f"told of {frame}"

    async def scenario():
        connection = await open_link(Controls)
        connection.peer.send(Ping(b"1"), Pong(b"2"))
        assert [await connection.peer.next() for _ in range(3)] == [
            Pong(b"1"),
            "told of Ping(payload=b'1')",
            "told of Pong(payload=b'2')",
        ]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_generator_pushes_each_item_at_once(run, open_link):
    class Counts(Recorder):
        def __init__(self, request):
            super().__init__(request)
            self.next = asyncio.Event()

        async def handle_in(self, message):
            yield "first"
            await self.next.wait()
            yield "second"

    async def scenario():
        connection = await open_link(Counts)
        connection.peer.send("go")
        assert await connection.peer.next() == "first"
        connection.handler.next.set()
        assert await connection.peer.next() == "second"
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_generator_that_never_suspends_lets_the_others_have_their_turn(run, open_link):
    class Endless(Recorder):
        async def handle_in(self, message):
            while True:
                yield "more"

    async def scenario():
        endless = await open_link(Endless, max_send_buffer=None)
        endless.peer.send("go")
        assert await endless.peer.next() == "more"
        echo = await open_link(Echo)
        echo.peer.send("hi")
        assert await echo.peer.next() == "hi"
        for connection in (endless, echo):
            connection.link.abort()
            await connection.over()

    run(scenario())


def test_the_conversation_goes_on_beside_a_stream_which_can_be_cancelled(run, open_link):
    # rule 4
    class Streams(Recorder):
        async def tokens(self):
            try:
                yield "token"
                await asyncio.Event().wait()
            finally:
                self.told.append("closed")

        def handle_in(self, message):
            if message == "stop":
                self.answer.cancel()
                return "stopped"
            self.answer = Stream(self.tokens())
            return self.answer

    async def scenario():
        connection = await open_link(Streams)
        peer = connection.peer
        peer.send("go")
        assert await peer.next() == "token"
        peer.send("stop")
        assert await peer.next() == "stopped"
        await peer.until_pong()
        assert connection.handler.told == ["closed"]
        assert connection.handler.answer.done
        connection.link.abort()
        await connection.over()

    run(scenario())


# Ends


def test_stop_says_its_messages_and_its_code_and_the_server_closes_tcp_first(run, open_link):
    class Stops(Recorder):
        def handle_in(self, message):
            return Stop(4000, "bye", ["one", "two"])

    async def scenario():
        connection = await open_link(Stops)
        peer = connection.peer
        peer.send("go", "too late")
        assert [await peer.next() for _ in range(3)] == ["one", "two", Close(4000, "bye")]
        assert connection.handler.reasons == [Normal()]
        peer.close(4000)
        assert await peer.next() is None  # RFC 6455 §7.1.1
        await connection.over()
        assert connection.handler.reasons == [Normal()]

    run(scenario())


@pytest.mark.parametrize("returned", [Stop(4000, messages="last"), 3], ids=["Stop", "no result"])
def test_the_close_frame_has_left_when_terminate_is_called(run, open_link, returned):
    # rule 8; in one write with the messages before it
    class Dawdles(Recorder):
        def handle_in(self, message):
            return returned

        def terminate(self, reason):
            sock.setblocking(False)
            self.told.append(sock.recv(100))

    async def scenario():
        nonlocal sock
        connection = await open_link(Dawdles)
        transport = connection.peer.writer.transport
        transport.pause_reading()
        with transport.get_extra_info("socket").dup() as sock:
            connection.peer.send("go")
            while not connection.handler.told:
                await asyncio.sleep(0)
        connection.link.abort()
        await connection.over()
        expected = (
            b"\x81\x04last\x88\x02\x0f\xa0" if isinstance(returned, Stop) else b"\x88\x02\x03\xf3"
        )
        assert connection.handler.told == [expected]

    sock = None
    run(scenario())


def test_a_peer_that_never_answers_our_close_is_cut_at_close_timeout(run, open_link):
    class Stops(Recorder):
        def handle_in(self, message):
            return Stop()

    async def scenario():
        connection = await open_link(Stops, close_timeout=0.2)
        connection.peer.send("go")
        assert await connection.peer.next() == Close(1000, "")
        await connection.over()

    run(scenario())


@pytest.mark.parametrize(
    ("sent", "answer", "reason"),
    [
        ((1000, "done"), Close(1000, ""), Remote(1000, "done")),
        ((None, ""), Close(1005, ""), Remote(1005, "")),
        ((4321, ""), Close(4321, ""), Remote(4321, "")),
    ],
)
def test_the_peers_close_is_answered_with_its_code(run, open_link, sent, answer, reason):
    # RFC 6455 §5.5.1
    async def scenario():
        connection = await open_link(Echo)
        connection.peer.close(*sent)
        assert await connection.peer.next() == answer
        assert await connection.peer.next() is None
        await connection.over()
        assert connection.handler.reasons == [reason]

    run(scenario())


def test_a_coroutine_may_finish_after_the_peer_has_closed_and_what_it_returns_is_dropped(
    run, open_link, events
):
    # rule 7
    async def scenario():
        connection = await open_link(Waits)
        peer, handler = connection.peer, connection.handler
        peer.send("one", "two")
        await handler.begun.wait()
        peer.close()
        assert await peer.next() == Close(1000, "")
        handler.go.set()
        await connection.over()
        assert handler.told == ["one", "two"]
        assert handler.reasons == [Remote(1000)]
        closed = [fields for event, fields in events if event == "connection.closed"]
        assert [(one["code"], one["dropped"]) for one in closed] == [(1000, 2)]
        assert 0 <= closed[0]["seconds"] < 30

    run(scenario())


def test_a_coroutine_that_does_not_finish_is_cancelled_at_close_timeout(run, open_link):
    class Hangs(Recorder):
        async def handle_in(self, message):
            try:
                await asyncio.Event().wait()
            finally:
                self.told.append("cancelled")

    async def scenario():
        connection = await open_link(Hangs, close_timeout=0.2)
        connection.peer.send("go")
        await connection.peer.until_pong()
        connection.peer.close()
        await connection.over()
        assert connection.handler.told == ["cancelled"]
        assert connection.handler.reasons == [Remote(1000)]

    run(scenario())


def test_generators_and_streams_are_cancelled_at_once_when_the_peer_is_gone(run, open_link):
    class Tokens(Recorder):
        async def handle_in(self, message):
            try:
                yield "token"
                await asyncio.Event().wait()
            finally:
                self.told.append("closed")

    async def scenario():
        connection = await open_link(Tokens)
        connection.peer.send("go")
        assert await connection.peer.next() == "token"
        connection.peer.writer.close()
        await connection.over()
        assert connection.handler.told == ["closed"]
        assert connection.handler.reasons == [Remote(1006)]

    run(scenario())


def test_a_reset_is_the_loss_of_the_peer(run, open_link):
    async def scenario():
        connection = await open_link(Echo)
        connection.peer.send("hi")
        assert await connection.peer.next() == "hi"
        sock = connection.peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.peer.writer.transport.abort()
        await connection.over()
        assert connection.handler.reasons == [Remote(CloseCode.ABNORMAL_CLOSURE)]

    run(scenario())


def test_a_good_message_before_a_bad_frame_is_answered_before_the_connection_is_failed(
    run, open_link
):
    # Autobahn 3.2; RFC 6455 §7.1.7
    async def scenario():
        connection = await open_link(Echo)
        connection.peer.writer.write(connection.peer.encode("good") + b"\x83\x80mask")
        assert await connection.peer.next() == "good"
        close = await connection.peer.next()
        assert close.code == 1002
        assert "§5.2" in close.detail
        assert await connection.peer.next() is None
        connection.peer.writer.close()
        await connection.over()
        assert isinstance(connection.handler.reasons[0], Failed)
        assert isinstance(connection.handler.reasons[0].error, ProtocolError)

    run(scenario())


def test_a_good_message_before_a_bad_frame_is_answered_first_by_a_coroutine_too(run, open_link):
    async def scenario():
        connection = await open_link(Waits)
        connection.peer.writer.write(connection.peer.encode("good") + b"\x83\x80mask")
        await connection.handler.begun.wait()
        connection.handler.go.set()
        assert await connection.peer.next() == "good"
        assert (await connection.peer.next()).code == 1002
        connection.peer.writer.close()
        await connection.over()

    run(scenario())


def test_an_exception_ends_its_connection_with_1011_and_no_other(run, open_link, events):
    # rule 6
    class Raises(Recorder):
        def handle_in(self, message):
            raise ValueError("secret")

    async def scenario():
        other = await open_link(Echo)
        connection = await open_link(Raises)
        connection.peer.send("go")
        assert await connection.peer.next() == Close(1011, "")
        other.peer.send("still there")
        assert await other.peer.next() == "still there"
        failed = [fields for event, fields in events if event == "callback.failed"]
        assert [one["place"] for one in failed] == [f"{Raises.__qualname__}.handle_in"]
        for one in (connection, other):
            one.link.abort()
            await one.over()

    run(scenario())


def test_one_that_is_shut_down_before_it_has_begun_never_begins(run, reactor, pair, events):
    """A server that takes over answers soon; a drain may come in between."""

    class Begins(Recorder):
        def init(self, ref):
            raise AssertionError

    async def scenario():
        over = asyncio.Event()

        def connect(pipe):
            request = Request("GET", "/")
            options = Options(max_send_buffer=64)
            return Link(
                reactor(),
                pipe,
                request,
                Begins(request),
                options,
                on_over=lambda link: over.set(),
            )

        _, link, peer = await pair(connect)
        link.shutdown(30)
        link.begin(b"HTTP/1.1 101 Switching Protocols", peer.encode(*[Ping(b"there?" * 10)] * 20))
        assert await asyncio.wait_for(peer.reader.read(), 10) == b""
        await asyncio.wait_for(over.wait(), 10)
        assert events == []

    run(scenario())


def test_a_shutdown_says_1012_when_what_is_under_way_has_finished(run, open_link):
    async def scenario():
        connection = await open_link(Waits)
        connection.peer.send("one", "two")
        await connection.handler.begun.wait()
        await connection.peer.until_pong()  # both have come, perhaps in two reads
        connection.link.shutdown(30)
        connection.handler.go.set()
        events = [await connection.peer.next() for _ in range(3)]
        assert events[:2] == ["one", "two"]
        assert events[2].code == CloseCode.SERVICE_RESTART
        connection.peer.close(1012)
        await connection.over()
        assert connection.handler.reasons == [Shutdown()]

    run(scenario())


# Limits


def test_a_silent_peer_is_pinged_and_then_given_up_with_3008(run, open_link):
    # rule 12
    async def scenario():
        connection = await open_link(Echo, ping_interval=0.2, idle_timeout=0.5, close_timeout=0.2)
        assert await connection.peer.next() == Ping(b"")
        while (event := await connection.peer.next()) == Ping(b""):
            pass
        assert event == Close(CloseCode.TIMEOUT, "nothing was received in time")
        await connection.over()
        assert connection.handler.reasons == [TimedOut()]

    run(scenario())


def test_a_peer_that_answers_pings_stays(run, open_link):
    async def scenario():
        connection = await open_link(Echo, ping_interval=0.1, idle_timeout=0.5)
        for _ in range(4):
            assert await connection.peer.next() == Ping(b"")
            connection.peer.send(Pong())
        assert connection.handler.reasons == []
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_pushes_do_not_keep_a_dead_peer_alive(run, open_link):
    class Ticks(Recorder):
        def init(self, ref):
            super().init(ref)
            return Stream(self.ticks())

        async def ticks(self):
            while True:
                yield "tick"
                await asyncio.sleep(0.05)

    async def scenario():
        connection = await open_link(Ticks, ping_interval=None, idle_timeout=0.3, close_timeout=0.1)
        while (event := await connection.peer.next()) == "tick":
            pass
        assert event.code == CloseCode.TIMEOUT
        await connection.over()

    run(scenario())


def test_a_handler_that_lags_holds_the_peer_back_and_nothing_is_lost(run, open_link):
    # rule 11
    async def scenario():
        connection = await open_link(Waits, max_read_ahead=1000)
        peer, handler = connection.peer, connection.handler
        messages = [f"{n:0100}" for n in range(2000)]
        peer.send(*messages)
        await handler.begun.wait()
        assert len(handler.told) == 1
        handler.go.set()
        assert [await peer.next() for _ in messages] == messages
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_peer_that_takes_nothing_is_cut_at_send_timeout(run, open_link):
    class Floods(Recorder):
        async def handle_in(self, message):
            while True:
                yield b"x" * 65536

    async def scenario():
        connection = await open_link(Floods, send_timeout=0.3, max_send_buffer=100_000)
        connection.peer.writer.transport.pause_reading()
        connection.peer.send("go")
        await connection.over()
        assert isinstance(connection.handler.reasons[0].error, PeerTooSlow)

    run(scenario())


def test_one_info_more_than_the_mailbox_takes_closes_with_1013(run, open_link):
    async def scenario():
        connection = await open_link(Waits, max_mailbox=3, close_timeout=0.2)
        connection.peer.send("go")
        await connection.handler.begun.wait()
        for n in range(4):
            connection.handler.ref.send(f"{n}")
        close = await connection.peer.next()
        assert close.code == CloseCode.TRY_AGAIN_LATER
        await connection.over()
        assert isinstance(connection.handler.reasons[0].error, MailboxFull)

    run(scenario())


def test_a_flood_of_pings_to_a_peer_that_does_not_read_stays_within_the_send_buffer(run, open_link):
    async def scenario():
        connection = await open_link(Echo, max_send_buffer=10_000, send_timeout=0.5)
        peer = connection.peer
        peer.writer.transport.pause_reading()
        flood = peer.encode(*[Ping(b"x" * 125)] * 1000)
        for _ in range(200):
            peer.writer.write(flood)
        await connection.over()
        assert isinstance(connection.handler.reasons[0].error, PeerTooSlow)

    run(scenario())


def test_a_done_callback_is_called_after_terminate(run, open_link):
    async def scenario():
        connection = await open_link(Echo)
        order = []
        handler = connection.handler
        handler.ref.add_done_callback(lambda: order.append(list(handler.reasons)))
        connection.peer.close()
        await connection.over()
        handler.ref.add_done_callback(lambda: order.append("late"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == [[Remote(1000)], "late"]

    run(scenario())


def test_a_spawned_task_dies_before_terminate(run, open_link):
    class Spawns(Recorder):
        def init(self, ref):
            super().init(ref)
            ref.spawn(self.work())

        async def work(self):
            try:
                self.ref.send("begun")
                await asyncio.Event().wait()
            finally:
                self.told.append("work ended")

        def terminate(self, reason):
            self.told.append("terminate")

    async def scenario():
        connection = await open_link(Spawns)
        assert await connection.peer.next() == "begun"
        connection.peer.writer.close()
        await connection.over()
        assert connection.handler.told == ["work ended", "terminate"]

    run(scenario())


@pytest.mark.parametrize(
    "options",
    [
        {"max_message_size": 1 << 63},
        {"max_fragments": 1 << 70},
        {"max_send_buffer": 1 << 64},
        {"max_read_ahead": 1 << 64},
        {"max_mailbox": 1 << 64},
        {"idle_timeout": None, "ping_interval": 1e300},
        {"close_timeout": 1e300},
    ],
    ids=str,
)
def test_a_limit_that_nothing_can_reach_is_as_good_as_none(run, open_link, options):
    class Echo(Sock):
        def handle_in(self, message):
            return message

    async def scenario():
        connection = await open_link(Echo, **options)
        connection.peer.send("a", b"b" * 100_000)
        assert [await connection.peer.next() for _ in range(2)] == ["a", b"b" * 100_000]
        connection.peer.close()
        assert (await connection.peer.next()).code == 1000
        await connection.over()

    run(scenario())


def test_the_end_is_told_with_the_seconds_since_the_beginning(events):
    with testing.open(Recorder) as session:
        session.advance(7.5)
        session.close(1000)
    [closed] = [fields for event, fields in events if event == "connection.closed"]
    assert closed["seconds"] == 7.5


def test_messages_are_counted_each_way_and_told_with_the_end(run, open_link, events):
    async def scenario():
        connection = await open_link(Echo)
        connection.peer.send("grüße", b"xy", Ping(b"not counted"))
        assert [await connection.peer.next() for _ in range(3)][:2] == ["grüße", b"xy"]
        connection.handler.ref.send(Prepared("é"))
        connection.handler.ref.send(b"x" * 70_000)
        assert [await connection.peer.next() for _ in range(2)] == ["é", b"x" * 70_000]
        connection.peer.close()
        await connection.peer.next()
        await connection.over()

    run(scenario())
    [closed] = [fields for event, fields in events if event == "connection.closed"]
    names = ("received_messages", "received_bytes", "sent_messages", "sent_bytes")
    told = [closed[name] for name in names]
    assert told == [2, 9, 4, 9 + 2 + 70_000]
