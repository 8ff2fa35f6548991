"""A Sock in front of another one. [S20.1] to [S20.11]"""

from __future__ import annotations

import asyncio

import pytest

from sock import (
    BinarySock,
    Failed,
    HandlerError,
    Normal,
    Options,
    Ping,
    Pong,
    Prepared,
    Remote,
    Request,
    Sock,
    Stop,
    Stream,
    Text,
    TextSock,
    UnsupportedData,
    Wrapper,
    around,
    testing,
)
from sock.spec.halt import messages_of
from sock.spec.message import Whole
from sock.spec.own_callback import own_callback
from sock.spec.wrapper import inner_class, pass_message_from_outside, pass_stop_from_outside


class Log(Wrapper):
    """Keeps what it sees, in the order in which it sees it."""

    def __init__(self, handler):
        super().__init__(handler)
        self.log = []

    def incoming(self, message):
        self.log.append(("in", message))
        return message

    def outgoing(self, message):
        self.log.append(("out", message))
        return message

    @property
    def sent(self):
        return [message for way, message in self.log if way == "out"]


def marks(mark):
    """Return a wrapper that adds a mark to every text, on both ways."""

    class Marks(Wrapper):
        def incoming(self, message):
            return message + mark

        def outgoing(self, message):
            return message + mark

    return Marks


class Echo(Sock):
    def handle_in(self, message):
        return message


class Notes(Sock):
    """Has every callback, and keeps what each one got."""

    def __init__(self, request):
        self.got = []

    def init(self, ref):
        self.got.append("init")
        return "welcome"

    def handle_in(self, message):
        self.got.append(message)

    def handle_control(self, frame):
        self.got.append(frame)
        return f"control {frame.payload.decode()}"

    def handle_info(self, info):
        self.got.append(info)
        return f"info {info}"

    def terminate(self, reason):
        self.got.append(reason)


def handler(result):
    """Return the class of a handler that gives this result, or what it returns when called."""

    class Gives(Sock):
        def handle_in(self, message):
            return result() if callable(result) else result

    return Gives


async def numbers():
    for number in range(3):
        await asyncio.sleep(0)
        yield str(number)


async def failing():
    if failing:
        raise ZeroDivisionError
    yield "never"


async def later(result):
    await asyncio.sleep(0)
    return result() if callable(result) else result


def raise_stop():
    raise Stop(4001, "mine", ["last"])


def raise_group():
    raise ExceptionGroup("", [Stop(4001, "mine", "last")])


class TestWhatItSees:
    @pytest.mark.parametrize("message", ["hi", "", b"hi", b""])
    def test_it_sees_a_whole_message_on_both_ways(self, message):
        with testing.open(around(Echo, Log)) as session:
            session.receive(message)
            assert session.pushed() == [message]
            assert session.handler.log == [("in", message), ("out", message)]

    @pytest.mark.parametrize(
        ("result", "sent"),
        [
            ("text", ["text"]),
            (b"bytes", [b"bytes"]),
            (None, []),
            (["a", b"b"], ["a", b"b"]),
            (("a", "b"), ["a", "b"]),
            ([], []),
            (lambda: later("a"), ["a"]),
            (lambda: later(["a", "b"]), ["a", "b"]),
            (lambda: later(lambda: later("a")), ["a"]),
            (lambda: later(numbers), ["0", "1", "2"]),
            (numbers, ["0", "1", "2"]),
            (lambda: Stream(numbers()), ["0", "1", "2"]),
        ],
    )
    def test_it_sees_messages_in_whatever_form_they_are_returned(self, result, sent):
        with testing.open(around(handler(result), Log)) as session:
            session.receive("x")
            assert session.pushed() == sent
            assert session.handler.sent == sent
            assert session.code is None

    def test_it_sees_messages_as_they_were_given(self):
        given = [bytearray(b"a"), memoryview(b"b"), Text(b"c"), Prepared("d"), Ping(b"e"), Pong()]
        with testing.open(around(handler(given), Log)) as session:
            session.receive("x")
            assert session.handler.sent == given
            assert session.sent() == [b"a", b"b", "c", "d", Ping(b"e"), Pong()]

    @pytest.mark.parametrize(
        "result",
        [
            Stop(4001, "mine", ["last"]),
            Stop(4001, "mine", "last"),
            raise_stop,
            raise_group,
            lambda: later(Stop(4001, "mine", "last")),
            lambda: later(raise_stop),
        ],
    )
    def test_it_sees_the_messages_of_a_stop(self, result):
        with testing.open(around(handler(result), Log)) as session:
            session.receive("x")
            assert session.pushed() == ["last"]
            assert session.handler.sent == ["last"]
            assert (session.code, session.detail) == (4001, "mine")
            assert session.reason == Normal()

    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize("raised", [False, True])
    def test_it_sees_the_messages_of_a_stop_in_a_generator_and_in_a_stream(self, stream, raised):
        async def generator():
            yield "first"
            if raised:
                raise_stop()
            yield Stop(4001, "mine", "last")

        made = (lambda: Stream(generator())) if stream else generator
        with testing.open(around(handler(made), Log)) as session:
            session.receive("x")
            assert session.pushed() == ["first", "last"]
            assert session.handler.sent == ["first", "last"]
            assert (session.code, session.reason) == (4001, Normal())

    def test_it_sees_what_every_callback_pushes_and_not_its_pings(self):
        with testing.open(around(Notes, Log), pongs=True) as session:
            session.receive(Ping(b"a"))
            session.info(7)
            assert session.sent() == ["welcome", Pong(b"a"), "control a", "info 7"]
            assert session.handler.log == [
                ("out", "welcome"),
                ("out", "control a"),
                ("out", "info 7"),
            ]
            session.advance(21)
            assert Ping() in session.sent()
            assert ("out", Ping()) not in session.handler.log

    def test_it_sees_infos_that_are_pushed(self):
        with testing.open(around(Echo, Log)) as session:
            session.info("news")
            assert session.pushed() == ["news"]
            assert session.handler.log == [("out", "news")]

    def test_it_sees_the_messages_of_ref_stop_and_of_a_spawned_task(self):
        with testing.open(around(around(Echo, marks("1")), marks("2"))) as session:
            session.ref.stop(4001, "kicked", messages=["last"])
            assert session.pushed() == ["last12"]
            assert (session.code, session.detail) == (4001, "kicked")

        class Spawns(Sock):
            def init(self, ref):
                ref.spawn(later(raise_stop))

        with testing.open(around(Spawns, marks("1"))) as session:
            assert session.pushed() == ["last1"]
            assert session.code == 4001

    def test_a_wrapper_that_sees_nothing_lets_a_ref_stop_pass(self):
        class Nothing(Wrapper):
            pass

        with testing.open(around(Echo, Nothing)) as session:
            session.ref.stop(4001, "kicked", messages=["last"])
            assert session.pushed() == ["last"]
            assert (session.code, session.detail) == (4001, "kicked")

    def test_a_stop_that_is_raised_while_ref_stop_is_seen_takes_its_place(self):
        class Ends(Wrapper):
            def outgoing(self, message):
                raise Stop(4002, "mine")

        with testing.open(around(Echo, Ends)) as session:
            session.ref.stop(4001, "kicked", messages=["last"])
            assert session.pushed() == []
            assert (session.code, session.detail) == (4002, "mine")
            assert session.error is None

    def test_an_exception_while_ref_stop_is_seen_is_one_of_the_connection(self):
        class Fails(Wrapper):
            def outgoing(self, message):
                raise LookupError(message)

        with testing.open(around(Echo, Fails)) as session:
            session.ref.stop(4001, messages=["last"])
            assert session.code == 1011
            assert isinstance(session.error, LookupError)
            assert session.reason == Failed(session.error)


class TestWhatItDecides:
    def test_it_may_change_messages(self):
        with testing.open(around(Echo, marks("!"))) as session:
            session.receive("hi")
            assert session.pushed() == ["hi!!"]

    def test_the_outermost_sees_first_what_comes_and_last_what_goes(self):
        with testing.open(around(around(Echo, marks("1")), marks("2"))) as session:
            session.receive("m")
            assert session.pushed() == ["m2112"]

    def test_it_may_swallow_what_comes(self):
        class Deaf(Log):
            def incoming(self, message):
                return None

        with testing.open(around(Echo, Deaf)) as session:
            session.receive("hi")
            assert session.sent() == []
            assert session.code is None

    @pytest.mark.parametrize(
        "result",
        [
            ["a", "no", "b"],
            lambda: later(["a", "no", "b"]),
            lambda: generate("a", "no", "b"),
            lambda: Stream(generate("a", "no", "b")),
            Stop(4001, messages=["a", "no", "b"]),
        ],
    )
    def test_it_may_swallow_what_goes(self, result):
        class Quiet(Wrapper):
            def outgoing(self, message):
                return None if message == "no" else message

        with testing.open(around(handler(result), Quiet)) as session:
            session.receive("x")
            assert session.pushed() == ["a", "b"]

    def test_it_may_end_the_connection_when_a_message_comes(self):
        class Ends(Log):
            def incoming(self, message):
                return Stop(4002, "enough", "bye")

        with testing.open(around(around(Echo, Ends), marks("!"))) as session:
            session.receive("hi")
            # The wrapper's own Stop passes those around it only.
            assert session.pushed() == ["bye!"]
            assert (session.code, session.detail) == (4002, "enough")
            assert session.handler.handler.log == []

    @pytest.mark.parametrize(
        "result",
        [
            "bad",
            ["a", "bad", "b"],
            lambda: later(["a", "bad", "b"]),
            lambda: generate("a", "bad", "b"),
            lambda: Stream(generate("a", "bad", "b")),
            Stop(4001, messages=["a", "bad", "b"]),
        ],
    )
    def test_it_may_end_the_connection_in_the_place_of_a_message(self, result):
        class Ends(Wrapper):
            def outgoing(self, message):
                return Stop(4002, "enough", "bye") if message == "bad" else message

        with testing.open(around(handler(result), Ends)) as session:
            session.receive("x")
            assert session.pushed() == (["bye"] if result == "bad" else ["a", "bye"])
            assert (session.code, session.detail) == (4002, "enough")

    def test_the_error_of_a_stop_stays_when_another_one_takes_its_place(self):
        class Ends(Wrapper):
            own = None

            def outgoing(self, message):
                return Stop(4002, "enough", error=self.own)

        class EndsWithItsOwn(Ends):
            own = KeyError("own")

        failing = Stop(error=LookupError("inner"), messages="last")
        with testing.open(around(handler(failing), Ends)) as session:
            session.receive("x")
            assert session.code == 4002
            assert session.reason == Failed(failing.error)
            assert session.error is failing.error
        with testing.open(around(handler(failing), EndsWithItsOwn)) as session:
            session.receive("x")
            assert session.error is EndsWithItsOwn.own

    def test_incoming_may_be_a_coroutine_and_order_is_kept(self):
        class Slow(Log):
            async def incoming(self, message):
                await asyncio.sleep(1)
                return super().incoming(message)

        with testing.open(around(Echo, Slow)) as session:
            session.receive("a", "b")
            assert session.pushed() == []
            session.advance(2)
            assert session.pushed() == ["a", "b"]
            assert session.handler.sent == ["a", "b"]

    @pytest.mark.parametrize("raised", [False, True])
    def test_incoming_that_is_a_coroutine_may_stop(self, raised):
        class Slow(Wrapper):
            async def incoming(self, message):
                if raised:
                    raise Stop(4002)
                return Stop(4002)

        with testing.open(around(Echo, Slow)) as session:
            session.receive("a")
            assert session.code == 4002
            assert session.reason == Normal()

    def test_a_stream_is_still_its_handlers_own(self):
        class Streams(Sock):
            def handle_in(self, message):
                if message == "cancel":
                    self.stream.cancel()
                    return None
                self.stream = Stream(numbers_forever())
                return self.stream

        with testing.open(around(around(Streams, marks("1")), marks("2"))) as session:
            session.receive("go")
            session.advance(2.5)
            assert session.pushed() == ["012", "112", "212"]
            inner = session.handler.handler.handler
            assert not inner.stream.done
            inner.stream.cancel()
            session.advance(5)
            assert session.pushed() == []
            assert inner.stream.done

    def test_what_a_swallowed_stream_leaves_is_time_for_others(self):
        async def forever():
            while True:
                yield "no"

        class Quiet(Wrapper):
            def outgoing(self, message):
                return None if message == "no" else message

        class Streams(Sock):
            def handle_in(self, message):
                if message == "stream":
                    self.stream = Stream(forever())
                    return self.stream
                self.stream.cancel()
                return "cancelled"

        async def act():
            async with asyncio.timeout(20):
                import sock

                async with sock.serve(around(Streams, Quiet), port=0) as server:
                    client = await testing.Client.connect(f"ws://127.0.0.1:{server.port}")
                    async with client:
                        await client.send("stream", "cancel")
                        assert await client.receive() == "cancelled"

        asyncio.run(act())


async def generate(*items):
    for item in items:
        yield item


async def numbers_forever():
    number = 0
    while True:
        yield str(number)
        number += 1
        await asyncio.sleep(1)


class TestWhatItTakesOver:
    @pytest.mark.parametrize("wrappers", [[Log], [Log, marks("!")], [marks("!"), Log]])
    def test_a_text_sock_closes_with_1003_behind_wrappers(self, wrappers):
        class Texts(TextSock):
            def handle_in(self, text):
                return text

        app = Texts
        for wrapper in wrappers:
            app = around(app, wrapper)
        with testing.open(app) as session:
            session.receive("hi")
            session.receive(b"hi")
            assert len(session.pushed()) == 1
            assert session.code == 1003
            assert isinstance(session.reason.error, UnsupportedData)

    def test_a_binary_sock_does_too(self):
        class Binaries(BinarySock):
            def handle_in(self, data):
                return data

        with testing.open(around(Binaries, Log)) as session:
            session.receive(b"hi", "hi")
            assert session.pushed() == [b"hi"]
            assert session.code == 1003
            assert session.handler.log == [("in", b"hi"), ("out", b"hi")]

    def test_a_sock_that_takes_no_messages_takes_none(self):
        with testing.open(around(Sock, Log)) as session:
            session.receive("hi")
            assert session.code == 1003
            assert session.handler.log == []

    def test_it_has_a_callback_exactly_where_the_other_has_it(self):
        names = ("init", "handle_in", "handle_control", "handle_info", "terminate")
        lone = Log(Echo(Request()))
        assert [name for name in names if own_callback(lone, name) is not None] == [
            "init",
            "handle_in",
            "handle_info",  # without it, the infos that are pushed would not be seen
        ]
        full = Log(Notes(Request()))
        assert None not in [own_callback(full, name) for name in names]

    def test_a_wrapper_that_sees_nothing_leaves_all_to_the_other(self):
        class Nothing(Wrapper):
            pass

        inner = Notes(Request())
        wrapper = Nothing(inner)
        for name in ("handle_in", "handle_control", "handle_info", "terminate"):
            assert getattr(wrapper, name) == getattr(inner, name)
        assert own_callback(Nothing(Sock(Request())), "handle_info") is None
        with testing.open(around(Echo, Nothing)) as session:
            session.receive("hi")
            session.info("news")
            assert session.pushed() == ["hi", "news"]

    def test_all_callbacks_of_the_other_are_called(self):
        with testing.open(around(Notes, Log)) as session:
            session.receive("hi", Pong(b"a"))
            session.info(7)
            session.close(1000, "bye")
            assert session.handler.handler.got == [
                "init",
                "hi",
                Pong(b"a"),
                7,
                Remote(1000, "bye"),
            ]

    def test_an_info_that_is_no_message_names_the_other_where_it_has_no_handle_info(self):
        with testing.open(around(Echo, Log)) as session:
            session.info(7)
            assert session.code == 1011
            assert "Echo has no handle_info" in str(session.error)

    def test_it_has_the_options_of_the_other(self):
        class Small(Echo):
            options = Options(max_message_size=3)

        with testing.open(around(around(Small, Log), Log)) as session:
            session.receive("hi!")
            session.receive("hello")
            assert session.pushed() == ["hi!"]
            assert session.code == 1009

    def test_its_class_has_none_of_its_own(self):
        with pytest.raises(TypeError, match="Wrong cannot have options: a Wrapper has those of"):

            class Wrong(Wrapper):
                options = Options(idle_timeout=3)

    def test_it_may_take_other_messages_than_the_other(self):
        class Decodes(Wrapper):
            accepts = (bytes,)

            def incoming(self, message):
                return message.decode()

            def outgoing(self, message):
                return message.encode()

        class Shout(TextSock):
            def handle_in(self, text):
                return text.upper()

        with testing.open(around(Shout, Decodes)) as session:
            session.receive(b"hi")
            assert session.pushed() == [b"HI"]
            session.receive("hi")
            assert session.code == 1003

    def test_it_may_override_callbacks_and_call_those_of_the_other(self):
        class Polite(Wrapper):
            def init(self, ref):
                return super().init(ref)

            def handle_in(self, message):
                return super().handle_in(message)

            def handle_control(self, frame):
                return super().handle_control(frame)

            def handle_info(self, info):
                return super().handle_info(info)

            def terminate(self, reason):
                self.over = reason
                return super().terminate(reason)

            def outgoing(self, message):
                return f"please: {message}"

        with testing.open(around(Notes, Polite)) as session:
            session.receive("hi", Pong(b"a"))
            session.info(7)
            assert session.pushed() == ["please: welcome", "please: control a", "please: info 7"]
            session.close(1000)
            assert session.handler.over == session.handler.handler.got[-1] == Remote(1000)

    def test_a_callback_that_it_overrides_is_its_own(self):
        class Counts(Wrapper):
            count = 0

            def handle_control(self, frame):
                self.count += 1

        with testing.open(around(Echo, Counts)) as session:
            session.receive(Ping())
            assert session.handler.count == 1

    def test_names_are_those_of_the_other(self):
        class Wrong(Sock):
            def handle_in(self, message):
                return {}

        with testing.open(around(around(Wrong, Log), Log)) as session:
            session.receive("x")
            assert "Wrong.handle_in returned a dict" in str(session.error)
        assert inner_class(Log(Log(Wrong(Request())))) is Wrong
        assert inner_class(Wrong(Request())) is Wrong

    @pytest.mark.parametrize("wrong", [["a", 7], [None], Stop(messages=["a", 7]), Stop(messages=7)])
    def test_what_breaks_the_contract_breaks_it_behind_a_wrapper(self, wrong):
        for result in (wrong, lambda: later(wrong)):
            with testing.open(around(handler(result), Log)) as session:
                session.receive("x")
                assert session.pushed() == []
                assert isinstance(session.error, HandlerError)
                assert session.handler.sent == []

    @pytest.mark.parametrize("item", [None, ["a"], 7])
    def test_an_item_that_is_none_breaks_it_too(self, item):
        with testing.open(around(handler(lambda: generate("a", item)), Log)) as session:
            session.receive("x")
            assert session.pushed() == ["a"]
            assert isinstance(session.error, HandlerError)


class TestMistakes:
    @pytest.mark.parametrize("wrong", [7, ["a"], bytearray(b"a"), Text(b"a"), Ping()])
    def test_incoming_returns_a_message_that_the_other_takes(self, wrong):
        class Wrong(Wrapper):
            def incoming(self, message):
                return wrong

        with testing.open(around(Echo, Wrong)) as session:
            session.receive("x")
            assert session.code == 1011
            assert isinstance(session.error, HandlerError)
            assert "Wrong.incoming returned" in str(session.error)
            assert "Echo takes str or bytes" in str(session.error)

    def test_a_binary_message_for_a_text_sock_is_none(self):
        class Wrong(Wrapper):
            def incoming(self, message):
                return message.encode()

        class Texts(TextSock):
            def handle_in(self, text):
                return text

        with testing.open(around(Texts, Wrong)) as session:
            session.receive("x")
            assert "Texts takes str." in str(session.error)

    def test_a_subclass_of_str_is_a_str(self):
        class Name(str):
            __slots__ = ()

        class Names(Wrapper):
            def incoming(self, message):
                return Name(message)

            def outgoing(self, message):
                return Name(message)

        with testing.open(around(Echo, Names)) as session:
            session.receive("x")
            assert session.pushed() == ["x"]

    @pytest.mark.parametrize(
        "result", ["a", ["a"], Stop(messages="a"), lambda: generate("a"), lambda: later("a")]
    )
    def test_outgoing_returns_a_message_none_or_a_stop(self, result):
        class Wrong(Wrapper):
            def outgoing(self, message):
                return 7

        with testing.open(around(handler(result), Wrong)) as session:
            session.receive("x")
            assert session.code == 1011
            assert isinstance(session.error, HandlerError)
            assert "Wrong.outgoing returned 'int'" in str(session.error)

    @pytest.mark.parametrize("result", ["a", ["a"]])
    def test_outgoing_is_not_async(self, result):
        class Wrong(Wrapper):
            async def outgoing(self, message):
                return message

        class Future(Wrapper):
            def outgoing(self, message):
                return asyncio.get_running_loop().create_future()

        for wrapper in (Wrong, Future):
            with testing.open(around(handler(result), wrapper)) as session:
                session.receive("x")
                assert "it may not be async" in str(session.error)

    def test_a_stop_of_outgoing_with_wrong_messages_breaks_the_contract(self):
        class Wrong(Wrapper):
            def outgoing(self, message):
                return Stop(4001, messages=7)

        with testing.open(around(handler(["a", "b"]), Wrong)) as session:
            session.receive("x")
            assert isinstance(session.error, HandlerError)

    @pytest.mark.parametrize("way", ["incoming", "outgoing"])
    def test_what_it_raises_ends_the_connection(self, way):
        error = LookupError()

        def fails(self, message):
            raise error

        wrapper = type("Fails", (Log,), {way: fails})
        with testing.open(around(Echo, wrapper)) as session:
            session.receive("x")
            assert session.code == 1011
            assert session.error is error

    @pytest.mark.parametrize("result", [lambda: later(lambda: 1 // 0), lambda: 1 // 0, failing])
    def test_an_exception_of_the_other_passes_as_it_is(self, result):
        with testing.open(around(handler(result), Log)) as session:
            session.receive("x")
            assert session.code == 1011
            assert isinstance(session.error, ZeroDivisionError)
            assert session.reason == Failed(session.error)

    @pytest.mark.parametrize(
        ("wrong", "hint"),
        [
            (Echo, r"the class Echo: did you mean Echo\(request\)\?"),
            (Request(), r"'Request'. For an application: around\(app, Log\)"),
        ],
    )
    def test_it_stands_in_front_of_a_sock(self, wrong, hint):
        with pytest.raises(TypeError, match=f"Log stands in front of a Sock, and not of {hint}"):
            Log(wrong)


class TestEnds:
    def test_an_iterator_is_closed_with_its_connection(self):
        closed = []

        class Streams(Sock):
            def handle_in(self, message):
                return Stream(self.items())

            async def items(self):
                try:
                    yield "one"
                    await asyncio.sleep(1000)
                finally:
                    closed.append(True)

        with testing.open(around(Streams, Log)) as session:
            session.receive("x")
            session.lose()
            assert closed == [True]

    def test_a_generator_that_is_not_run_is_closed(self):
        """[S4.6] [S7.6]"""
        begun = []

        class Late(Sock):
            async def handle_in(self, message):
                self.generator = numbers()
                begun.append(await anext(self.generator))
                await asyncio.sleep(1)
                return self.generator

        with testing.open(around(Late, Log)) as session:
            session.receive("x")
            inner = session.handler.handler
            session.lose()
            session.advance(2)
            assert begun == ["0"]

            async def rest():
                return [item async for item in inner.generator]

            assert asyncio.run(rest()) == []

    def test_an_iterator_that_is_no_generator_is_left_alone(self):
        class Items:
            def __init__(self):
                self.left = ["a", "b"]

            def __aiter__(self):
                return self

            async def __anext__(self):
                if not self.left:
                    raise StopAsyncIteration
                return self.left.pop(0)

        with testing.open(around(handler(Items), Log)) as session:
            session.receive("x")
            assert session.pushed() == ["a", "b"]

    def test_a_cancelled_handler_that_raises_a_stop_is_ignored(self):
        """[S6.9]"""

        class Stubborn(Sock):
            async def handle_in(self, message):
                try:
                    await asyncio.sleep(1000)
                finally:
                    raise Stop(4001, messages="late")

        with testing.open(around(Stubborn, Log)) as session:
            session.receive("x")
            session.ref.stop(4002)
            assert (session.code, session.pushed()) == (4002, [])
            assert session.error is None


def test_a_stop_from_outside_passes_as_it_is_where_nothing_is_wrapped():
    stop = Stop(messages="last")
    assert pass_stop_from_outside(Echo(Request()), stop) is stop


class Coded(Echo):
    """Writes its messages in capitals."""

    def coded(self, callback, name):
        def call(argument):
            stop = callback(argument)
            if name != "spawn" or not isinstance(stop.messages, str):
                raise HandlerError(f"{name}: no text")
            return Stop(stop.code, messages=stop.messages.upper())

        return call


@pytest.mark.parametrize("wrap", [lambda handler: handler, Wrapper])
def test_the_stop_of_a_spawned_task_is_coded_as_its_handler_says(wrap):
    """[S22.1]. A Stop of `Ref.stop` has messages already."""
    handler, stop = wrap(Coded(Request())), Stop(4001, messages="last")
    assert list(messages_of(pass_stop_from_outside(handler, stop))) == ["last"]
    assert list(messages_of(pass_stop_from_outside(handler, stop, spawned=True))) == ["LAST"]
    wrong = pass_stop_from_outside(handler, Stop(4001, messages=7), spawned=True)
    assert wrong.code == 1011
    assert str(wrong.error) == "spawn: no text"


def test_a_message_from_outside_passes_the_wrappers_from_the_inside_out():
    whole = Whole(Prepared("1"))
    log = Log(Log(Echo(Request())))
    assert pass_message_from_outside(log, whole.message) is whole.message
    assert log.sent == log.handler.sent == [Prepared("1")]
    assert pass_message_from_outside(Echo(Request()), whole.message) is whole.message
