"""A Stop that is raised, wherever an exception may be; and one from outside. Rules 6 and 7."""

import gc
import weakref

import pytest

from sock import Failed, Normal, ProtocolError, Remote, Shutdown, Stop, Stream
from sock.spec.halt import stop_in

MINE = {"code": 4001, "detail": "mine", "messages": ["last"]}


def raises(argument=None):
    raise Stop(**MINE)


async def raises_later(argument=None):
    raise Stop(**MINE)


async def raises_among_items(argument=None):
    yield "first"
    raise Stop(**MINE)


def stream(argument):
    return Stream(raises_among_items())


WAYS = {
    "in the callback": (raises, []),
    "in its coroutine": (raises_later, []),
    "in its generator": (raises_among_items, ["first"]),
    "in its stream": (stream, ["first"]),
}
TRIGGERS = {
    "init": lambda c: None,
    "handle_in": lambda c: c.receive("m"),
    "handle_info": lambda c: c.post("i"),
}


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("place", TRIGGERS)
@pytest.mark.parametrize(("callback", "first"), WAYS.values(), ids=WAYS)
def test_a_stop_may_be_raised_below_each_callback(connect, closed, place, callback, first, eager):
    c = connect(eager=eager, **{place: callback})
    TRIGGERS[place](c)
    c.host.settle_down()
    assert c.saw == [*first, "last", closed(4001, "mine")]
    assert c.reasons == [Normal()]
    assert c.failures == []


def test_a_stop_may_be_raised_on_the_fast_path(connect, closed):
    c = connect(handle_in=raises)
    c.receive_fast("m")
    assert c.saw == ["last", closed(4001, "mine")]
    assert c.failures == []


def test_a_stop_may_be_raised_in_a_spawned_task(connect, closed):
    c = connect()
    c.host.spawn(raises_later())
    c.host.settle_down()
    assert c.saw == ["last", closed(4001, "mine")]
    assert c.reasons == [Normal()]
    assert c.failures == []


def test_a_raised_stop_with_an_error_is_told_and_is_a_failure(connect, closed):
    error = LookupError()

    def handle_in(message):
        raise Stop(4002, error=error)

    c = connect(handle_in=handle_in)
    c.receive("m")
    assert c.saw == [closed(4002)]
    assert c.reasons == [Failed(error)]
    assert c.failures == [("Handler.handle_in", error)]


def test_a_raised_stop_with_wrong_messages_breaks_the_contract(connect, closed):
    def handle_in(message):
        raise Stop(messages=[7])

    c = connect(handle_in=handle_in)
    c.receive("m")
    assert c.saw == [closed(1011)]
    assert len(c.failures) == 1


@pytest.mark.parametrize("waits", [False, True])
def test_a_stop_raised_in_terminate_is_ignored_in_silence(connect, closed, waits):
    c = connect(terminate=raises_later if waits else raises, handle_in=lambda m: Stop(4000))
    c.receive("m")
    c.host.settle_down()
    assert c.saw == [closed(4000)]
    assert c.failures == []
    assert c.host.ended


def test_what_a_cancelled_callback_raises_as_a_stop_is_of_no_use(connect, closed, gate):
    async def handle_in(message):
        try:
            await gate
        finally:
            raises()

    c = connect(handle_in=handle_in)
    c.receive("m")
    c.life.peer_closed(1001, "", 1001)
    c.alarm()
    c.host.settle_down()
    assert c.saw == [closed(1001)]
    assert c.reasons == [Remote(1001)]
    assert c.failures == []


def test_a_stream_that_its_handler_cancels_does_not_stop_the_connection(connect, gate):
    """Rule 4: nothing more of it is pushed."""

    async def items():
        try:
            yield await gate
        finally:
            raises()

    made = Stream(items())
    c = connect(init=lambda ref: made, handle_in=lambda m: made.cancel() or m)
    c.receive("m")
    c.host.settle_down()
    assert c.saw == ["m"]
    assert not c.life.closed


def test_a_raised_stop_changes_nothing_once_the_peer_is_gone(connect, closed, gate):
    """Rule 7: nothing more is handled all the same."""

    async def handle_in(message):
        await gate
        raises()

    c = connect(handle_in=handle_in)
    c.receive("m", "waits")
    c.life.peer_closed(1001, "", 1001)
    gate.open()
    assert c.saw == [closed(1001)]
    assert c.reasons == [Remote(1001)]
    assert c.handled == ["m"]
    assert c.life.outbox.dropped == 1


@pytest.mark.parametrize(
    "error",
    [
        ExceptionGroup("of a task group", [Stop(**MINE), Stop(4002)]),
        ExceptionGroup("outer", [ExceptionGroup("inner", [Stop(**MINE)]), Stop(4002)]),
        BaseExceptionGroup("of base", [Stop(**MINE)]),
    ],
    ids=["flat", "nested", "base"],
)
def test_a_group_of_stops_counts_as_its_first(connect, closed, error):
    def handle_in(message):
        raise error

    c = connect(handle_in=handle_in)
    c.receive("m")
    assert c.saw == ["last", closed(4001, "mine")]
    assert c.failures == []


@pytest.mark.parametrize(
    "error",
    [
        ExceptionGroup("", [Stop(4001), LookupError()]),
        ExceptionGroup("", [Stop(4001), ExceptionGroup("", [LookupError()])]),
    ],
)
def test_a_group_with_anything_else_in_it_is_an_exception(connect, closed, error):
    def handle_in(message):
        raise error

    c = connect(handle_in=handle_in)
    c.receive("m")
    assert c.saw == [closed(1011)]
    assert c.reasons == [Failed(error)]


def test_a_stop_that_was_raised_keeps_nothing_alive(connect):
    """One Stop for all, made once: it must not hold the frames of those that have raised it."""
    stop = Stop(1008)

    class Kept:
        pass

    seen = []

    def handle_in(message):
        kept = Kept()
        seen.append(weakref.ref(kept))
        try:
            raise KeyError(kept)
        except KeyError as error:
            raise stop from error

    c = connect(handle_in=handle_in)
    gc.disable()
    try:
        c.receive_fast("m")
        assert seen[0]() is None
    finally:
        gc.enable()
    assert (stop.__traceback__, stop.__context__, stop.__cause__) == (None, None, None)


def test_the_stops_of_a_group_keep_nothing_either():
    stop = Stop()
    try:
        raise stop
    except Stop:
        assert stop_in(ExceptionGroup("", [Stop(), stop])) == stop
    assert stop.__traceback__ is None


# --- Ref.stop ---


def test_ref_stop_of_an_idle_connection_calls_nothing_before_the_next_turn(connect, closed):
    """Rule 10."""
    c = connect()
    c.life.stop(Stop(4001))
    assert c.life.closed
    assert c.saw == []
    c.host.turn()
    assert c.saw == [closed(4001)]
    assert c.calls == ["init", "terminate"]


def test_a_message_that_comes_before_that_turn_finds_the_end(connect, closed):
    c = connect()
    c.life.stop(Stop(4001))
    assert not c.receive("too late")
    assert c.handled == []
    assert c.saw == [closed(4001)]


@pytest.mark.parametrize("receive", ["receive", "receive_fast"])
def test_a_callback_may_stop_its_own_connection_and_what_it_returns_comes_first(
    connect, closed, receive
):
    def handle_in(message):
        c.host.ref.send("forgotten")
        c.life.stop(Stop(4001))
        return message

    c = connect(handle_in=handle_in, handle_info=str)
    getattr(c, receive)("m")
    assert c.saw == ["m", closed(4001)]
    c.host.settle_down()
    assert c.handled == ["m"]


def test_a_callback_from_the_mailbox_may_stop_its_own_connection(connect, closed):
    c = connect(handle_info=lambda info: c.life.stop(Stop(4001)))
    c.post("stops", "forgotten")
    assert c.handled == ["stops"]
    assert c.saw == [closed(4001)]


def test_ref_stop_cancels_generators_and_streams(connect, closed, gate):
    left = []

    async def forever(what):
        try:
            yield what
            await gate
        finally:
            left.append(what)

    c = connect(init=lambda ref: Stream(forever("s")), handle_in=lambda message: forever("g"))
    c.receive("go")
    c.life.stop(Stop(4001))
    c.host.settle_down()
    assert sorted(left) == ["g", "s"]
    assert c.saw == ["s", "g", closed(4001)]
    assert c.calls[-1] == "terminate"


def test_ref_stop_reaches_a_peer_that_lags(connect, closed):
    c = connect(handle_in=lambda message: message, max_send_buffer=5)
    c.host.taking = False
    c.receive("too much")
    c.post("waits")
    c.life.stop(Stop(4001))
    c.host.settle_down()
    assert c.saw == ["too much", closed(4001)]
    assert c.handled == ["too much"]


def test_ref_stop_ends_a_drain_by_its_own_code(connect, closed, gate):
    """Rule 7: the code was not said, and the peer is there."""

    async def endless():
        yield await gate

    c = connect(init=lambda ref: Stream(endless()))
    c.life.shutdown(30)
    c.life.stop(Stop(4001))
    c.host.settle_down()
    assert c.saw == [closed(4001)]
    assert c.reasons == [Normal()]


def test_ref_stop_is_silent_when_the_peer_is_gone(connect, closed, gate):
    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in)
    c.receive("m", "waits")
    c.life.peer_closed(1001, "", 1001)
    c.life.stop(Stop(4001))
    gate.open()
    assert c.handled == ["m", "waits"]
    assert c.saw == [closed(1001)]
    assert c.reasons == [Remote(1001)]


def test_what_waits_is_handled_when_the_peer_goes_before_the_turn_of_a_stop(connect):
    c = connect(handle_info=str)
    c.life.post("waits")
    c.life.stop(Stop(4001))
    c.life.lost()
    assert c.handled == ["waits"]
    assert c.reasons == [Remote(1006)]


def test_ref_stop_wins_over_a_violation_that_comes_before_its_turn(connect, closed):
    c = connect()
    c.life.stop(Stop(4001))
    c.life.violated(ProtocolError("bad frame"))
    assert c.saw == [closed(4001)]


def test_ref_stop_before_and_after_the_life_of_a_connection_is_silent(new_connection):
    c = new_connection()
    c.life.stop(Stop(4001))
    assert not c.life.closed
    c.open()
    c.life.shutdown(0)
    c.life.stop(Stop(4001))
    assert c.reasons == [Shutdown()]


def test_a_message_of_ref_stop_that_cannot_be_encoded_ends_the_connection_with_1011(
    connect, closed
):
    c = connect()
    c.life.stop(Stop(4001, messages=["\ud800"]))
    c.host.settle_down()
    assert c.saw == [closed(1011)]
    assert [place for place, _ in c.failures] == ["Handler.Ref.stop"]


# --- infos that other threads have sent too many of ---


def test_a_flood_from_other_threads_ends_the_connection_like_a_full_mailbox(connect, closed):
    """Rule 11: what waits is handled."""
    c = connect(handle_info=str)
    c.life.post("waits")
    c.life.overflowed()
    assert c.life.closed
    c.life.overflowed()
    c.host.settle_down()
    assert c.saw == [closed(1013, "too many messages wait for this connection")]
    assert c.handled == ["waits"]
