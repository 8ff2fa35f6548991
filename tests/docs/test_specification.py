"""Statements of the specification, held against our own host: those that are subtle or easily lost.

Each test cites the numbers it proves. The rest is proven where it belongs: in `tests/rules`, in
`tests/engine`, and by `sock.testing.contract`.
"""

from __future__ import annotations

import asyncio

import pytest

from sock import (
    Failed,
    HandlerError,
    MailboxFull,
    Normal,
    Options,
    PeerTooSlow,
    Ping,
    Pong,
    Remote,
    Shutdown,
    Sock,
    Stop,
    Stream,
    TextSock,
    TimedOut,
    UnsupportedData,
    testing,
)
from sock.testing import frame

pytestmark = pytest.mark.one_form

VIOLATION = frame(0x3)  # an unknown opcode


class Logs(Sock):
    def __init__(self, request):
        self.log = []

    def terminate(self, reason):
        self.log.append(reason)


class Slow(Logs):
    async def handle_in(self, message):
        await asyncio.sleep(5)
        self.log.append(message)
        return f"{message} is done"

    def handle_info(self, info):
        self.log.append(info)


class Counts(Logs):
    async def handle_in(self, message):
        try:
            for number in range(3):
                yield str(number)
                await asyncio.sleep(1)
        finally:
            self.log.append("finally")


class Streams(Counts):
    def handle_in(self, message):
        return Stream(Counts.handle_in(self, message))


class StopsLate(Logs):
    async def handle_in(self, message):
        await asyncio.sleep(1)
        return Stop(4001, "mine")


class TestResults:
    @pytest.mark.parametrize(
        "result", [3, True, {}, set(), ["a", 3], [None], Stop(messages=["a", 3])], ids=repr
    )
    def test_what_is_no_result_sends_nothing_and_ends(self, result):
        """[S2.7] [S2.10] [S6.1] [S6.3] [S7.12]"""

        class Wrong(Logs):
            def handle_in(self, message):
                return result

        with testing.open(Wrong) as session:
            session.receive("x")
            assert session.pushed() == []
            assert (session.code, session.detail) == (1011, "")
            assert isinstance(session.error, HandlerError)
            assert session.handler.log == [Failed(session.error)]

    @pytest.mark.parametrize("stops", [False, True])
    def test_of_several_messages_none_is_sent_if_one_cannot_be_encoded(self, stops):
        """[S2.2] [S2.7] [S7.12]"""
        released = memoryview(b"released")
        released.release()

        class Wrong(Logs):
            def handle_in(self, message):
                messages = ["one", released if message == "view" else "\ud800"]
                return Stop(4001, messages=messages) if stops else messages

        for message, kind in (("view", ValueError), ("text", UnicodeEncodeError)):
            with testing.open(Wrong) as session:
                session.receive(message)
                assert session.pushed() == []
                assert session.code == 1011
                assert type(session.error) is kind

    @pytest.mark.parametrize("item", [None, ["a"], 3])
    def test_an_item_is_a_message_or_a_stop(self, item):
        """[S3.6] [S3.7]"""

        class Wrong(Logs):
            async def handle_in(self, message):
                yield "good"
                yield item

        with testing.open(Wrong) as session:
            session.receive("x")
            assert session.pushed() == ["good"]
            assert isinstance(session.error, HandlerError)

    def test_a_buffer_is_sent_with_the_content_it_had_and_an_empty_message_is_one(self):
        """[S2.1] [S2.3]"""

        class Buffers(Logs):
            def handle_in(self, message):
                buffer = bytearray(b"abc")
                asyncio.get_running_loop().call_soon(buffer.clear)
                return [buffer, memoryview(b"xyz"), b"", ""]

        with testing.open(Buffers) as session:
            session.receive("x")
            assert session.pushed() == [b"abc", b"xyz", b"", ""]

    def test_what_init_pushes_leaves_with_the_101_and_a_turn_is_one_write(self):
        """[S1.9] [S2.11]"""

        class Twice(Logs):
            def init(self, ref):
                return ["a", "b"]

            def handle_in(self, message):
                return [message, message]

        with testing.open(Twice) as session:
            assert session.writes == 1
            session.receive("x", "y")
            assert session.writes == 2


class TestStreams:
    def test_a_stream_is_given_once(self):
        """[S4.6]"""

        class Again(Counts):
            stream = None

            def handle_in(self, message):
                self.stream = self.stream or Stream(Counts.handle_in(self, message))
                return self.stream

        with testing.open(Again) as session:
            session.receive("x", "y")
            assert isinstance(session.error, HandlerError)

    def test_a_stream_that_was_cancelled_before_is_not_run(self):
        """[S4.4] [S4.5] [S4.6]"""

        class Never(Counts):
            def handle_in(self, message):
                stream = Stream(Counts.handle_in(self, message))
                stream.cancel()
                assert stream.done
                return stream

        with testing.open(Never) as session:
            session.receive("x")
            session.advance(5)
            assert session.pushed() == []
            assert session.code is None

    def test_a_stream_that_cancels_itself_pushes_nothing_more(self):
        """[S4.4]"""

        class Itself(Logs):
            def handle_in(self, message):
                self.stream = Stream(self.numbers())
                return self.stream

            async def numbers(self):
                try:
                    yield "1"
                    self.stream.cancel()
                    yield "2"
                finally:
                    self.log.append("finally")

        with testing.open(Itself) as session:
            session.receive("x")
            assert session.pushed() == ["1"]
            assert session.handler.log == ["finally"]
            assert session.code is None


class TestWhatIsNotTaken:
    def test_a_handler_without_handle_in_takes_no_message(self):
        """[S7.7] [S13.6]"""

        class Pushes(Logs):
            def handle_info(self, info):
                return self.later(info)

            async def later(self, info):
                await asyncio.sleep(1)
                return info

        with testing.open(Pushes) as session:
            session.info("before")
            session.receive("x")
            assert session.code is None
            session.advance(1)
            assert session.pushed() == ["before"]
            assert session.code == 1003
            assert isinstance(session.reason.error, UnsupportedData)

    def test_the_wrong_kind_of_message_is_a_violation_when_it_is_complete(self):
        """[S13.7]"""

        class Text(TextSock):
            pass

        Text.handle_in = lambda self, message: message
        with testing.open(Text) as session:
            session.receive_bytes(frame(0x2, b"a", fin=False))
            session.receive(Ping(b"?"))
            assert session.code is None
            session.receive_bytes(frame(0x0, b"b"))
            assert session.code == 1003


class TestControl:
    def test_pongs_to_the_host_s_own_pings_are_told_too(self):
        """[S5.2] [S5.3] [S12.3]"""

        class Notes(Logs):
            def handle_control(self, frame):
                self.log.append(frame)

        with testing.open(Notes, pongs=True) as session:
            session.advance(20)
            assert session.handler.log == [Pong()]
            session.receive(Ping(b"?"))
            assert session.sent() == [Ping(), Pong(b"?")]

    def test_every_byte_counts_for_the_idle_clock_and_nothing_sent_does(self):
        """[S12.1] [S12.2]"""

        class Chatty(Logs):
            def init(self, ref):
                ref.spawn(self.chat(ref))

            async def chat(self, ref):
                while True:
                    await asyncio.sleep(1)
                    ref.send("tick")

        with testing.open(Chatty) as session:
            for byte in (b"\x81", b"\xfd", b"k", b"e"):  # of a frame that never ends
                session.advance(40)
                session.receive_bytes(byte)
            assert session.code is None
            session.advance(60)
            assert (session.code, session.reason) == (3008, TimedOut())


class TestEnds:
    def test_a_close_is_answered_at_once_and_what_came_before_is_handled(self, events):
        """[S7.5] [S7.6] [S7.9] [S7.10]"""
        with testing.open(Slow) as session:
            session.receive("a", "b", "c")
            session.close(1000)
            assert session.code == 1000
            assert session.ref.closed
            session.advance(9)
            assert session.handler.log == ["a"]
            session.advance(1)
            assert session.handler.log[-1] == Remote(1000)
        ends = [fields for event, fields in events if event == "connection.closed"]
        assert ends[0]["dropped"] >= 1

    def test_after_a_violation_what_came_before_is_answered_first(self):
        """[S7.7] [S15.2]"""
        with testing.open(Slow) as session:
            session.receive_bytes(frame(0x1, b"a") + VIOLATION)
            assert session.sent() == []
            session.advance(5)
            assert session.pushed() == ["a is done"]
            assert session.code == 1002

    def test_after_a_violation_a_generator_may_finish(self):
        """[S7.7]"""
        with testing.open(Counts) as session:
            session.receive_bytes(frame(0x1, b"a") + VIOLATION)
            session.advance(3)
            assert session.pushed() == ["0", "1", "2"]
            assert session.code == 1002

    def test_after_a_violation_a_stream_is_cancelled_at_once(self):
        """[S7.7]"""
        with testing.open(Streams) as session:
            session.receive("a")
            session.receive_bytes(VIOLATION)
            assert session.pushed() == ["0"]
            assert session.code == 1002
            assert session.handler.log[0] == "finally"

    @pytest.mark.parametrize("handler", [Counts, Streams])
    def test_generators_and_streams_end_with_the_peer(self, handler):
        """[S4.8] [S7.6] [S8.2]"""
        with testing.open(handler) as session:
            session.receive("x")
            session.close(1001)
            assert session.handler.log == ["finally", Remote(1001)]

    @pytest.mark.parametrize("handler", [Counts, Streams])
    def test_a_drain_waits_for_generators_and_streams(self, handler):
        """[S7.8]"""
        with testing.open(handler) as session:
            session.receive("x")
            session.shutdown()
            assert session.code is None
            session.advance(3)
            assert session.pushed() == ["0", "1", "2"]
            assert session.code == 1012
            assert session.handler.log == ["finally", Shutdown()]

    @pytest.mark.parametrize("handler", [Counts, Streams])
    def test_a_drain_waits_no_longer_than_its_bound(self, handler):
        """[S7.8] [S7.9]"""
        with testing.open(handler) as session:
            session.receive("x")
            session.shutdown(timeout=1.5)
            session.advance(1.7)
            assert session.pushed() == ["0", "1"]
            assert session.code == 1012
            assert session.handler.log == ["finally", Shutdown()]

    @pytest.mark.parametrize(
        "end", [lambda s: s.receive_bytes(VIOLATION), lambda s: s.shutdown()], ids=["bad", "drain"]
    )
    def test_a_stop_before_the_code_was_said_wins(self, end):
        """[S7.3]"""
        with testing.open(StopsLate) as session:
            session.receive("x")
            end(session)
            session.advance(1)
            assert (session.code, session.detail) == (4001, "mine")
            assert session.reason == Normal()

    def test_a_stop_after_the_code_was_said_changes_nothing(self):
        """[S7.2] [S7.3]"""
        with testing.open(StopsLate) as session:
            session.receive("x")
            session.close(1001)
            session.advance(1)
            assert session.code == 1001
            assert session.reason == Remote(1001)

    def test_a_peer_that_goes_during_a_drain_does_not_change_the_reason(self):
        """[S7.2] [S7.11]"""
        with testing.open(StopsLate) as session:
            session.receive("x")
            session.shutdown()
            session.lose()
            session.advance(1)
            assert session.reason == Shutdown()

    def test_a_code_that_may_not_travel_is_answered_with_1002_and_told_as_it_came(self):
        """[S16.1]"""
        with testing.open(Logs) as session:
            session.close(1006)
            assert session.code == 1002
            assert session.reason == Remote(1006)

    def test_a_close_without_a_code_gets_one_without(self):
        """[S16.1]"""
        with testing.open(Logs) as session:
            session.close(None)
            assert session.code == 1005
            assert session.reason == Remote(1005)

    def test_a_cancellation_that_nobody_asked_for_is_a_failure(self):
        """[S6.7]"""

        class Cancels(Logs):
            async def handle_in(self, message):
                raise asyncio.CancelledError

        with testing.open(Cancels) as session:
            session.receive("x")
            assert session.code == 1011
            assert isinstance(session.error, asyncio.CancelledError)


class TestDrain:
    def test_pings_are_answered_in_a_drain_and_messages_are_dropped(self):
        """[S5.1] [S5.3] [S7.8] [S7.16]"""

        class Notes(Slow):
            def handle_control(self, frame):
                self.log.append(frame)

        with testing.open(Notes) as session:
            session.receive("a")
            session.shutdown()
            session.receive(Ping(b"there?"), "b")
            session.receive_bytes(frame(0x9, b"?"))
            assert session.sent() == [Pong(b"there?"), Pong(b"?")]
            session.advance(5)
            assert session.pushed() == ["a is done"]
            assert session.code == 1012
            assert session.handler.log == ["a", Shutdown()]

    def test_a_full_read_ahead_does_not_keep_a_drain_from_reading(self):
        """[S7.8] [S7.16]"""
        with testing.open(Slow, options=Options(max_read_ahead=1)) as session:
            session.receive("a", "b", "not taken any more")
            session.receive(Ping(b"there?"))
            assert session.sent() == []
            session.shutdown()
            assert session.sent() == [Pong(b"there?")]
            assert session.unread == 0
            session.advance(10)
            assert session.pushed() == ["a is done", "b is done"]
            assert session.code == 1012

    def test_the_peer_s_close_is_answered_at_once_with_the_code_of_the_drain(self):
        """[S7.5] [S7.8] [S7.10] [S7.11]"""
        with testing.open(Slow) as session:
            session.receive("a")
            session.shutdown()
            session.close(1001)
            assert session.code == 1012
            session.advance(5)
            assert session.pushed() == []
            assert session.handler.log == ["a", Shutdown()]

    @pytest.mark.parametrize("handler", [Counts, Streams])
    def test_generators_and_streams_end_when_the_peer_goes_in_a_drain(self, handler):
        """[S7.11]"""
        with testing.open(handler) as session:
            session.receive("x")
            session.shutdown()
            session.close(1001)
            assert session.code == 1012
            assert session.handler.log == ["finally", Shutdown()]

    def test_a_peer_that_is_silent_in_a_drain_is_pinged_and_then_told_1012(self):
        """[S7.11] [S7.16] [S12.3]"""

        class Endless(Logs):
            async def handle_in(self, message):
                while True:
                    await asyncio.sleep(1)
                    yield "still there?"

        with testing.open(Endless) as session:
            session.receive("x")
            session.shutdown(timeout=300)
            session.advance(59)
            assert Ping() in session.sent()
            assert session.code is None
            session.advance(2)
            assert session.code == 1012
            assert session.handler.log == [Shutdown()]

    def test_a_violation_in_a_drain_changes_nothing_but_that_nothing_more_is_parsed(self):
        """[S7.2] [S7.16]"""
        with testing.open(Slow) as session:
            session.receive("a")
            session.shutdown()
            session.receive_bytes(VIOLATION + frame(0x9, b"not read"))
            session.advance(5)
            assert session.sent() == ["a is done", testing.Close(1012, session.detail)]
            assert session.handler.log == ["a", Shutdown()]

    def test_a_drain_does_not_read_while_the_send_buffer_is_full(self):
        """[S5.4] [S11.1]"""

        class Heavy(Logs):
            async def handle_in(self, message):
                yield b"x" * 3_000_000
                await asyncio.sleep(5)
                yield "done"

        with testing.open(Heavy, options=Options(send_timeout=None)) as session:
            session.block()
            session.receive("x")
            session.shutdown(timeout=100)
            session.receive(Ping(b"there?"))
            assert session.unread
            session.unblock()
            assert session.unread == 0
            session.advance(5)
            assert session.sent()[1:-1] == [Pong(b"there?"), "done"]


class TestTerminate:
    def test_it_is_called_when_init_raises(self):
        """[S8.1]"""

        class Fails(Logs):
            def init(self, ref):
                raise KeyError

        with testing.open(Fails) as session:
            assert session.code == 1011
            assert session.handler.log == [Failed(session.error)]

    def test_it_does_not_delay_the_close_and_is_bounded(self):
        """[S8.5] [S8.7]"""

        class Lingers(Logs):
            async def terminate(self, reason):
                try:
                    await asyncio.sleep(1000)
                finally:
                    self.log.append("cancelled")

        with testing.open(Lingers) as session:
            session.close(1000)
            assert session.code == 1000
            session.advance(9)
            assert session.handler.log == []
            session.advance(2)
            assert session.handler.log == ["cancelled"]
            assert session.closed

    def test_what_ignores_its_cancellation_is_abandoned_and_named(self, events):
        """[S8.3]"""

        class Stubborn(Logs):
            async def handle_in(self, message):
                while not self.log:
                    try:
                        await asyncio.sleep(1000)
                    except asyncio.CancelledError:
                        await asyncio.sleep(30)

        with testing.open(Stubborn) as session:
            session.receive("x")
            session.lose()
            session.advance(21)
            assert session.handler.log == [Remote(1006)]
        assert "callback.abandoned" in [event for event, _ in events]


class TestRefs:
    def test_tasks_end_before_terminate_and_done_callbacks_come_after_it_in_order(self):
        """[S7.13] [S10.4] [S10.7] [S10.8]"""
        order = []

        class Ends(Sock):
            def init(self, ref):
                assert not ref.closed
                ref.add_done_callback(lambda: order.append("first"))
                ref.add_done_callback(lambda: order.append("second"))
                ref.spawn(self.work())

            async def work(self):
                try:
                    await asyncio.sleep(1000)
                finally:
                    order.append("task")

            async def terminate(self, reason):
                await asyncio.sleep(1)
                order.append("terminate")

        with testing.open(Ends) as session:
            ref = session.ref
            session.close()
            session.advance(2)
            assert order == ["task", "terminate", "first", "second"]
            ref.send("to nobody")  # [S10.3]

            async def late():
                ref.add_done_callback(lambda: order.append("late"))
                assert order[-1] == "second"

            session.run(late())
            assert order[-1] == "late"

    def test_a_spawned_task_that_raises_ends_the_connection(self):
        """[S6.1] [S10.7]"""

        class Spawns(Logs):
            def init(self, ref):
                ref.spawn(self.work())

            async def work(self):
                await asyncio.sleep(1)
                raise KeyError

        with testing.open(Spawns) as session:
            session.advance(1)
            assert session.code == 1011
            assert isinstance(session.error, KeyError)

    def test_a_stop_from_outside_is_refused_in_its_caller_if_a_message_cannot_be_encoded(self):
        """[S10.11]"""
        with testing.open(Slow) as session:
            with pytest.raises(UnicodeEncodeError):
                session.ref.stop(messages=["one", "\ud800"])
            assert not session.ref.closed

    def test_a_stop_from_outside_sends_its_messages_although_the_send_buffer_is_full(self):
        """[S10.16]"""

        class Heavy(Logs):
            def handle_in(self, message):
                return b"x" * 3_000_000

        with testing.open(Heavy) as session:
            session.block()
            session.receive("x")
            buffer = bytearray(b"bye")
            session.ref.stop(4001, messages=buffer)
            assert session.ref.closed
            buffer.clear()
            session.unblock()
            assert session.pushed()[1:] == [b"bye"]
            assert session.code == 4001

    @pytest.mark.parametrize(
        ("ends", "code"),
        [(lambda: Stop(4002, messages="mine"), 4002), (lambda: 1 / 0, 1011)],
        ids=["stop", "raise"],
    )
    def test_the_callback_that_calls_stop_may_end_the_connection_in_its_own_way(self, ends, code):
        """[S7.17]"""

        class Both(Logs):
            def init(self, ref):
                self.ref = ref

            def handle_in(self, message):
                self.ref.stop(4001)
                return ends()

        with testing.open(Both) as session:
            session.receive("x")
            assert session.code == code
            assert session.reason == (Normal() if code == 4002 else Failed(session.error))

    def test_an_info_is_the_very_object_that_was_sent(self):
        """[S10.15]"""
        infos = [None, object(), ["a list"], "text"]
        with testing.open(Slow) as session:
            for info in infos:
                session.info(info)
            assert all(a is b for a, b in zip(session.handler.log, infos, strict=True))

    async def overflow(self, ref):
        assert not ref.closed
        ref.send(3)
        assert ref.closed

    def test_infos_beyond_the_mailbox_close_and_those_that_wait_are_handled(self):
        """[S11.5]"""
        with testing.open(Slow, options=Options(max_mailbox=2)) as session:
            session.receive("a")
            session.info(1)
            session.info(2)
            assert session.code is None
            session.run(self.overflow(session.ref))
            assert session.code == 1013
            session.advance(5)
            *handled, reason = session.handler.log
            assert handled == ["a", 1, 2]
            assert isinstance(reason.error, MailboxFull)

    def test_a_peer_that_takes_nothing_holds_the_mailbox_and_then_is_cut(self):
        """[S11.1] [S11.2]"""

        class Heavy(Logs):
            def handle_in(self, message):
                return b"x" * 3_000_000

            def handle_info(self, info):
                self.log.append(info)

        with testing.open(Heavy) as session:
            session.block()
            session.receive("a")
            session.receive("b")
            session.info(1)
            session.advance(29)
            assert session.handler.log == []
            assert session.unread
            session.advance(2)
            assert session.handler.log[0] == 1
            assert isinstance(session.handler.log[-1].error, PeerTooSlow)
