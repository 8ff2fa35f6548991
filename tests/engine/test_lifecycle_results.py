"""What callbacks may return, and what becomes of what they may not. Rules 2, 3, 4 and 6."""

import re
from array import array
from collections import UserString, deque
from collections.abc import Sequence

import pytest

from sock import (
    BinarySock,
    CloseCode,
    Failed,
    HandlerError,
    Normal,
    Ping,
    Pong,
    Prepared,
    Shutdown,
    Sock,
    Stop,
    Stream,
    Text,
    TextSock,
    UnsupportedData,
)

PLACES = ("init", "handle_in", "handle_control", "handle_info")


def named(value):
    """Name a case by what it is, not by where: workers side by side must find the same ones."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


async def items(*values):
    for value in values:
        yield value


async def promise(value):
    return value


def run(connect, place, result, **more):
    """Let one callback return a result."""
    c = connect(**{place: lambda argument: result}, **more)
    {
        "init": lambda: None,
        "handle_in": lambda: c.receive("message"),
        "handle_control": lambda: c.receive(Ping()),
        "handle_info": lambda: c.post("info"),
    }[place]()
    c.host.settle_down()
    return c


def failure(c, closed):
    """Return the error that ended a connection, which must be seen as rule 6 says."""
    assert c.saw[-1] == closed(1011)
    ((_, error),) = c.failures
    assert c.reasons == [Failed(error)]
    assert c.host.ended
    return error


# --- what may be returned ---


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("result", "seen"),
    [
        (None, []),
        ("text", ["text"]),
        ("", [""]),
        (b"", [b""]),
        (b"binary", [b"binary"]),
        (bytearray(b"binary"), [bytearray(b"binary")]),
        (memoryview(b"binary"), [memoryview(b"binary")]),
        (Text(b"{}"), [Text(b"{}")]),
        (Ping(b"?"), [Ping(b"?")]),
        (Pong(b"!"), [Pong(b"!")]),
        (Prepared("all"), [Prepared("all")]),
        ([], []),
        (["a", b"b", Ping()], ["a", b"b", Ping()]),
        (("a", "b"), ["a", "b"]),
    ],
    ids=named,
)
def test_what_is_returned_is_pushed(connect, place, result, seen):
    """Rule 2."""
    assert run(connect, place, result).saw == seen
    assert run(connect, place, promise(result)).saw == seen
    assert run(connect, place, promise(result), eager=False).saw == seen


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("eager", [False, True])
def test_what_an_iterator_yields_is_pushed(connect, place, eager):
    """Rules 2 and 3."""
    assert run(connect, place, items("a", b"b", Ping()), eager=eager).saw == ["a", b"b", Ping()]
    assert run(connect, place, Stream(items("a", b"b")), eager=eager).saw == ["a", b"b"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("wrap", [lambda stop: stop, promise, items, lambda s: Stream(items(s))])
@pytest.mark.parametrize("eager", [False, True])
def test_stop_pushes_its_messages_and_closes(connect, closed, place, wrap, eager):
    """Rules 2 and 9."""
    stop = Stop(CloseCode.GOING_AWAY, "bye", messages=["last", b"words"])
    c = run(connect, place, wrap(stop), eager=eager)
    assert c.saw == ["last", b"words", closed(1001, "bye")]
    assert c.reasons == [Normal()]
    assert c.host.ended


@pytest.mark.parametrize("messages", ["one", b"one", Text(b"one"), ("one",), deque(["one"])])
def test_the_messages_of_a_stop_are_one_or_a_sequence(connect, closed, messages):
    c = run(connect, "handle_in", Stop(messages=messages))
    assert len(c.saw) == 2
    assert c.saw[1] == closed(1000)


def test_an_awaitable_may_come_to_whatever_a_callback_may_return(connect):
    assert run(connect, "handle_in", promise(items("a", "b"))).saw == ["a", "b"]
    assert run(connect, "handle_in", promise(promise("a"))).saw == ["a"]
    assert run(connect, "handle_in", promise(Stream(items("a")))).saw == ["a"]


def test_an_iterator_needs_not_be_a_generator(connect):
    class Countdown:
        left = 2

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return str(self.left)

    assert run(connect, "handle_in", Countdown()).saw == ["1", "0"]
    assert run(connect, "handle_in", Stream(Countdown())).saw == ["1", "0"]


# --- what may not ---


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("wrap", [lambda value: value, promise], ids=["plain", "awaited"])
@pytest.mark.parametrize("value", [7, 0.5, True, object(), set("a"), Sock, iter("ab"), KeyError()])
def test_what_is_no_result_ends_the_connection(connect, closed, place, wrap, value):
    """Rule 6."""
    error = failure(run(connect, place, wrap(value)), closed)
    assert isinstance(error, HandlerError)
    assert f"Handler.{place} returned '{type(value).__name__}', which is not a result" in str(error)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("wrap", [lambda value: value, promise], ids=["plain", "awaited"])
def test_a_result_that_cannot_be_looked_at_ends_the_connection(connect, closed, place, wrap):
    """Rule 6: a proxy without what it stands for (werkzeug's, Django's) says so to any question."""

    class Proxy:
        @property
        def __class__(self):
            raise LookupError("outside of its context")

    error = failure(run(connect, place, wrap(Proxy())), closed)
    assert isinstance(error, LookupError)


def test_a_dict_is_named_with_what_would_send_it(connect, closed):
    error = failure(run(connect, "handle_in", {"a": 1}), closed)
    assert str(error) == (
        "Handler.handle_in returned a dict (was a JsonSock meant?), which is not a result"
    )


def test_a_plain_generator_is_named_with_its_usual_cause(connect, closed):
    error = failure(run(connect, "handle_in", (n for n in "ab")), closed)
    assert str(error) == (
        "Handler.handle_in returned a generator (was `async def` meant?), which is not a result"
    )


class Raises(Sequence):
    """A sequence that cannot be read."""

    def __getitem__(self, index):
        raise OSError("gone")

    def __len__(self):
        return 1


@pytest.mark.parametrize(
    "messages",
    [["a", 7], ["a", None], ("a", ["b"]), range(3), array("b", b"ab"), UserString("ab"), [Stop()]],
    ids=named,
)
@pytest.mark.parametrize("wrap", [lambda m: m, promise, lambda m: Stop(messages=m)])
def test_of_a_sequence_with_a_wrong_item_nothing_is_pushed(connect, closed, messages, wrap):
    """Rule 6."""
    c = run(connect, "handle_in", wrap(messages))
    assert isinstance(failure(c, closed), HandlerError)
    assert c.saw == [closed(1011)]


@pytest.mark.parametrize("wrap", [lambda m: m, promise, lambda m: Stop(messages=m)])
def test_a_sequence_that_raises_ends_the_connection(connect, closed, wrap):
    """Rule 6."""
    assert isinstance(failure(run(connect, "handle_in", wrap(Raises())), closed), OSError)


@pytest.mark.parametrize(
    "messages", [7, None, {"a": 1}, {"a"}, iter("a"), (n for n in "a"), items("a")], ids=named
)
def test_a_stop_whose_messages_are_no_sequence_ends_the_connection(connect, closed, messages):
    """Rule 6."""
    error = failure(run(connect, "handle_in", Stop(4000, messages=messages)), closed)
    assert isinstance(error, HandlerError)
    assert str(error).startswith("Handler.handle_in has a Stop with ")


def test_a_stop_with_wrong_messages_does_not_swallow_its_error(connect, closed):
    """Rule 6."""
    why = OSError("disk full")
    c = run(connect, "handle_in", Stop(messages=[7], error=why))
    assert c.saw == [closed(1011)]
    assert why in [error for _, error in c.failures]
    assert isinstance(c.reasons[0].error, HandlerError)


def test_what_cannot_be_encoded_ends_the_connection(connect, closed):
    """RFC 3629 §3: no lone surrogates. Rule 6."""
    released = memoryview(b"gone")
    released.release()
    for message, kind in (("\ud800", UnicodeEncodeError), (released, ValueError)):
        for result in (message, [message], promise(message), Stop(messages=message)):
            assert isinstance(failure(run(connect, "handle_in", result), closed), kind)
        for result in (items("a", message, "b"), Stream(items("a", message, "b"))):
            c = run(connect, "handle_in", result)
            assert isinstance(failure(c, closed), kind)
            assert c.saw == ["a", closed(1011)]


@pytest.mark.parametrize("item", [7, None, ["a"], items("a"), Stream(items("a"))], ids=named)
@pytest.mark.parametrize("wrap", [lambda i: i, Stream])
def test_what_is_yielded_and_is_no_message_ends_the_connection(connect, closed, item, wrap):
    """Rule 6."""
    c = run(connect, "handle_in", wrap(items("a", item, "b")))
    error = failure(c, closed)
    assert isinstance(error, HandlerError)
    assert f"Handler.handle_in yielded '{type(item).__name__}'" in str(error)
    assert c.saw == ["a", closed(1011)]


class Iterable:
    """Has no `__anext__`, so it is no iterator."""

    def __aiter__(self):
        raise OSError("not to be asked")


@pytest.mark.parametrize("wrap", [lambda value: value, promise], ids=["plain", "awaited"])
@pytest.mark.parametrize("fast", [False, True])
def test_what_is_no_iterator_ends_the_connection(connect, closed, wrap, fast):
    """Rule 6."""
    c = connect(handle_in=lambda message: wrap(Iterable()))
    (c.receive_fast if fast else c.receive)("message")
    assert isinstance(failure(c, closed), HandlerError)


def test_a_stream_is_given_once(connect, closed):
    """Rule 4."""
    stream = Stream(items("a"))
    c = connect(handle_in=lambda message: stream)
    c.receive("first", "second")
    assert c.saw == ["a", closed(1011)]
    assert str(failure(c, closed)) == "Handler.handle_in returned a Stream that was returned before"


# --- streams ---


def test_a_stream_says_when_it_is_done(connect, gate):
    async def numbers():
        yield "1"
        await gate

    stream = Stream(numbers())
    c = connect(init=lambda ref: stream)
    assert c.saw == ["1"]
    assert not stream.done
    gate.open()
    assert stream.done
    stream.cancel()
    assert not c.life.closed


def test_a_callback_may_cancel_a_stream(connect, gate):
    """Rule 4."""
    left = []

    async def endless():
        try:
            while True:
                yield "tick"
                await gate
        finally:
            left.append("finally")

    stream = Stream(endless())

    def handle_in(message):
        stream.cancel()
        stream.cancel()
        return "stopped"

    c = connect(init=lambda ref: stream, handle_in=handle_in)
    c.receive("stop")
    assert stream.done
    c.host.turn()
    assert left == ["finally"]
    assert c.saw == ["tick", "stopped"]
    assert not c.life.closed
    assert c.life.outbox.dropped == 0


@pytest.mark.parametrize("eager", [False, True])
def test_a_stream_may_cancel_itself_and_pushes_nothing_more(connect, eager):
    left = []

    async def once():
        try:
            yield "a"
            stream.cancel()
            yield "b"
        finally:
            left.append("finally")

    stream = Stream(once())
    c = connect(init=lambda ref: stream, eager=eager)
    c.host.settle_down()
    assert c.saw == ["a"]
    assert left == ["finally"]
    assert not c.life.closed
    # Nobody had gone, so nothing was lost on anybody.
    assert c.life.outbox.dropped == 0


def test_a_stream_that_was_cancelled_before_it_was_given_does_not_run(connect):
    stream = Stream(items("a"))
    stream.cancel()
    c = connect(init=lambda ref: stream)
    assert c.saw == []
    assert not c.life.closed
    assert stream.done


def test_an_exception_in_a_stream_ends_the_connection(connect, closed, gate):
    """Rules 4 and 6."""

    async def fails():
        yield "a"
        await gate

    c = connect(init=lambda ref: Stream(fails()))
    gate.fail(OSError("gone"))
    assert isinstance(failure(c, closed), OSError)


def test_a_drain_lets_a_stream_finish(connect, closed, gate):
    """Rule 7."""

    async def numbers():
        yield "1"
        await gate
        yield "2"

    c = connect(init=lambda ref: Stream(numbers()))
    c.life.shutdown(30)
    gate.open()
    assert c.saw == ["1", "2", closed(1012, "the server restarts")]
    assert c.reasons == [Shutdown()]


# --- what a handler takes ---


@pytest.mark.parametrize(
    ("base", "good", "bad", "kind"),
    [(TextSock, "text", b"binary", "binary"), (BinarySock, b"binary", "text", "text")],
)
def test_what_a_handler_does_not_take_closes_with_1003(
    connect, closed, gate, base, good, bad, kind
):
    """Limits, close codes; RFC 6455 §7.4.1. What came before it is answered first."""

    async def handle_in(message):
        await gate
        return message

    c = connect(base, handle_in=handle_in)
    assert c.receive(good)
    assert not c.receive(bad)
    gate.open()
    assert c.saw == [good, closed(1003, f"this address takes no {kind} messages (RFC 6455 §7.4.1)")]
    assert isinstance(c.reasons[0].error, UnsupportedData)
    assert c.failures == []


@pytest.mark.parametrize("wrap", [None, lambda callback, place: callback])
@pytest.mark.parametrize("message", ["text", b"binary"])
def test_a_handler_that_only_pushes_closes_with_1003_and_has_not_crashed(connect, message, wrap):
    """Contract, "What a class leaves out"."""
    c = connect(leaves_out=("handle_in", "handle_info"), wrap=wrap)
    c.post("pushed")
    assert not c.receive(message)
    assert c.saw[0] == "pushed"
    assert c.saw[1].code == 1003
    assert isinstance(c.reasons[0].error, UnsupportedData)
    assert c.failures == []


def test_a_control_frame_is_told_only_to_a_handler_that_wants_it(connect, gate):
    """Rule 5: it is for the host to answer, also while a callback is running."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in)
    c.receive("busy")
    for _ in range(10_000):
        assert c.receive(Ping(b"x" * 125))
    gate.open()
    assert c.calls == ["init", "handle_in"]


def test_debug_mode_watches_each_callback_by_its_name(connect):
    places = []

    def wrap(callback, place):
        def wrapped(argument):
            places.append(place)
            return callback(argument)

        return wrapped

    c = connect(wrap=wrap)
    c.receive_fast("fast")
    c.receive("slow")
    c.post("info")
    assert places == [
        "Handler.init",
        "Handler.handle_in",
        "Handler.handle_in",
        "Handler.handle_info",
    ]


@pytest.mark.parametrize("give", ["return", "raise"])
def test_a_stop_for_a_mistake_of_the_peer_is_no_failure_of_the_handler(connect, give):
    """[S7.12]. Every other error of a Stop is reported."""
    error = UnsupportedData("a text is expected")

    def handle_in(message):
        stop = Stop(1003, "text, please", error=error)
        if give == "raise":
            raise stop
        return stop

    c = connect(handle_in=handle_in)
    c.receive("x")
    assert c.saw[-1].code == 1003
    assert c.reasons == [Failed(error)]
    assert c.failures == []
