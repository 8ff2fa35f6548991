"""How a connection ends: what the peer is told, what `terminate` gets, and when. Rules 6 to 9.

The table of close codes is that of `docs/reference/specification.md`.
"""

import pytest

from sock import (
    CloseCode,
    Failed,
    HandlerError,
    InvalidData,
    MailboxFull,
    MessageTooBig,
    Normal,
    PeerTooSlow,
    ProtocolError,
    Remote,
    Shutdown,
    Stop,
    Stream,
    TextSock,
    TimedOut,
    UnsupportedData,
)

OOPS = OSError("disk full")


def raises(error):
    def callback(argument):
        raise error

    return callback


async def rejected(argument):
    raise OOPS


def mailbox_full(c):
    for info in range(1025):
        c.life.post(info)


def returned(result):
    return {"handle_in": lambda message: result}, lambda c: c.receive("message")


# cause: (callbacks, what happens), the code and detail that the peer sees, what terminate gets
CODES = {
    "Stop()": (*returned(Stop()), (1000, ""), Normal()),
    "Stop(code, detail)": (*returned(Stop(4001, "why")), (4001, "why"), Normal()),
    "Stop(error=e)": (*returned(Stop(error=OOPS)), (1011, ""), Failed(OOPS)),
    "Stop(code, error=e)": (*returned(Stop(1008, error=OOPS)), (1008, ""), Failed(OOPS)),
    "an exception in init": (
        {"init": raises(OOPS)},
        lambda c: None,
        (1011, ""),
        Failed(OOPS),
    ),
    "an exception in handle_in": (
        {"handle_in": raises(OOPS)},
        lambda c: c.receive("m"),
        (1011, ""),
        Failed(OOPS),
    ),
    "an exception on the fast path": (
        {"handle_in": raises(OOPS)},
        lambda c: c.receive_fast("m"),
        (1011, ""),
        Failed(OOPS),
    ),
    "an exception in a coroutine": (
        {"handle_info": rejected},
        lambda c: c.post("i"),
        (1011, ""),
        Failed(OOPS),
    ),
    "an exception in a spawned task": (
        {},
        lambda c: (c.host.spawn(rejected(None)), c.host.turn()),
        (1011, ""),
        Failed(OOPS),
    ),
    "no result": (*returned(7), (1011, ""), Failed(HandlerError)),
    "server stops": (
        {},
        lambda c: c.life.shutdown(30),
        (1012, "the server restarts"),
        Shutdown(),
    ),
    "mailbox full": (
        {},
        mailbox_full,
        (1013, "too many messages wait for this connection"),
        Failed(MailboxFull),
    ),
    "peer too slow": ({}, lambda c: c.life.too_slow(), (1013, "too slow"), Failed(PeerTooSlow)),
    "idle": (
        {},
        lambda c: c.life.timed_out(),
        (3008, "nothing was received in time"),
        TimedOut(),
    ),
    "peer breaks the protocol": (
        {},
        lambda c: c.life.violated(ProtocolError("reserved bit (RFC 6455 §5.2)")),
        (1002, "reserved bit (RFC 6455 §5.2)"),
        Failed(ProtocolError),
    ),
    "wrong kind of message": (
        {},
        lambda c: c.life.violated(UnsupportedData("no binary")),
        (1003, "no binary"),
        Failed(UnsupportedData),
    ),
    "bad UTF-8": (
        {},
        lambda c: c.life.violated(InvalidData("no UTF-8 (RFC 6455 §8.1)")),
        (1007, "no UTF-8 (RFC 6455 §8.1)"),
        Failed(InvalidData),
    ),
    "too big": (
        {},
        lambda c: c.life.violated(MessageTooBig("over 1 MiB (RFC 6455 §10.4)")),
        (1009, "over 1 MiB (RFC 6455 §10.4)"),
        Failed(MessageTooBig),
    ),
    "peer closes": (
        {},
        lambda c: c.life.peer_closed(1001, "tab closed", 1001),
        (1001, ""),
        Remote(1001, "tab closed"),
    ),
    "peer closes without a code": (
        {},
        lambda c: c.life.peer_closed(1005, "", None),
        (None, ""),
        Remote(1005),
    ),
    "peer closes with a code that may not travel": (
        {},
        lambda c: c.life.peer_closed(1006, "", 1002),
        (1002, ""),
        Remote(1006),
    ),
    "TCP lost": ({}, lambda c: c.life.lost(), None, Remote(1006)),
}


@pytest.mark.parametrize(("callbacks", "happens", "said", "reason"), CODES.values(), ids=CODES)
def test_each_cause_has_its_code_and_its_reason(connect, closed, callbacks, happens, said, reason):
    c = connect(**callbacks)
    happens(c)
    c.host.settle_down()
    assert c.saw == ([] if said is None else [closed(*said)])
    (got,) = c.reasons
    if isinstance(reason, Failed) and isinstance(reason.error, type):
        assert type(got) is Failed
        assert type(got.error) is reason.error
    else:
        assert got == reason
    assert c.life.cause.reason is got
    assert c.life.cause.code == (1006 if said is None else said[0])
    assert c.host.ended


@pytest.mark.parametrize("message", [b"binary", "text"])
def test_a_wrong_kind_of_message_has_its_code(connect, message):
    c = connect(TextSock)
    c.receive(message)
    assert [one.code for one in c.saw] == ([1003] if message == b"binary" else [])


def test_the_detail_of_a_violation_is_cut_to_what_a_close_frame_carries(connect):
    """RFC 6455 §5.5."""
    c = connect()
    c.life.violated(ProtocolError("é" * 200))
    assert c.saw[0].detail == "é" * 61


def test_an_exception_is_logged_once_and_its_words_stay_here(connect, closed):
    """Rule 6."""
    error = ValueError("the password is 'sesame'")
    c = connect(handle_in=raises(error))
    c.receive("m")
    assert c.failures == [("Handler.handle_in", error)]
    assert c.saw == [closed(1011)]


def test_the_error_of_a_stop_is_logged_once(connect):
    """Rule 6."""
    c = connect(handle_in=lambda message: Stop(error=OOPS))
    c.receive("m")
    assert c.failures == [("Handler.handle_in", OOPS)]


def test_another_connection_notices_nothing(connect, closed):
    """Rule 6."""
    fails = connect(handle_in=raises(OOPS))
    lives = connect(handle_in=lambda message: message)
    fails.receive("m")
    lives.receive("m")
    assert lives.saw == ["m"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
@pytest.mark.parametrize("place", ["init", "handle_in", "handle_info", "terminate"])
def test_what_stops_the_program_is_passed_on_and_ends_the_connection(
    new_connection, closed, place, error
):
    """Rules 6 and 8."""
    c = new_connection(**{place: raises(error)})
    happens = {
        "init": c.open,
        "handle_in": lambda: c.receive("m"),
        "handle_info": lambda: c.post("i"),
        "terminate": c.life.lost,
    }
    if place != "init":
        c.open()
    with pytest.raises(type(error)):
        happens[place]()
    c.host.settle_down()
    assert c.failures == [(f"Handler.{place}", error)]
    assert c.calls.count("terminate") == 1
    assert c.host.ended
    if place != "terminate":
        assert c.saw == [closed(1011)]
        assert c.reasons == [Failed(error)]


@pytest.mark.parametrize("place", ["init", "handle_in", "handle_info"])
def test_an_error_that_is_no_exception_ends_only_its_connection(new_connection, closed, place):
    """Rule 6: such as the cancellation that `future.result()` raises."""
    error = GeneratorExit("cancelled")
    c = new_connection(**{place: raises(error)})
    c.open()
    if place != "init":
        c.receive("m")
        c.post("i")
    assert c.saw == [closed(1011)]
    assert c.reasons == [Failed(error)]


# --- an end in the middle of something ---


def test_init_that_waits_holds_up_all_else_and_the_end_waits_for_it(connect, closed, gate):
    """Rules 1, 3 and 7."""

    async def init(ref):
        await gate
        return "welcome"

    c = connect(init=init, handle_in=lambda message: message)
    c.receive("early")
    c.life.shutdown(30)
    assert c.calls == ["init"]
    gate.open()
    assert c.saw == ["welcome", "early", closed(1012, "the server restarts")]
    assert c.calls == ["init", "handle_in", "terminate"]


def test_init_may_stop(connect, closed):
    c = connect(init=lambda ref: Stop(1008, "not you", messages="sorry"))
    assert c.saw == ["sorry", closed(1008, "not you")]
    assert c.calls == ["init", "terminate"]


def test_a_stop_in_the_middle_of_the_mailbox_forgets_the_rest(connect, closed, gate):
    """Rule 7."""

    async def init(ref):
        await gate

    c = connect(init=init, handle_in=lambda m: Stop(4000) if m == "stop" else m)
    c.receive("a", "stop", "b")
    c.post("info")
    gate.open()
    assert c.saw == ["a", closed(4000)]
    assert c.calls == ["init", "handle_in", "handle_in", "terminate"]


def test_a_stop_of_a_stream_ends_the_callback_that_is_under_way(connect, closed, gate):
    """Rules 4 and 7."""
    other = type(gate)()

    async def stops():
        await gate
        yield Stop(4000)
        yield "never"

    async def handle_in(message):
        try:
            await other
        finally:
            c.host.ref.send("too late")
        return "never"

    c = connect(init=lambda ref: Stream(stops()), handle_in=handle_in)
    c.receive("m", "waits")
    gate.open()
    assert c.saw == [closed(4000)]
    assert c.reasons == []
    c.host.settle_down()
    assert c.reasons == [Normal()]
    assert c.calls == ["init", "handle_in", "terminate"]


def test_a_stop_of_a_stream_within_the_callback_that_gives_it(connect, closed):
    """A stream that ends at once, in a host that begins it at once."""

    async def stops():
        yield "last"
        yield Stop(4000)

    for receive in ("receive", "receive_fast"):
        c = connect(handle_in=lambda message: Stream(stops()))
        getattr(c, receive)("m")
        assert c.saw == ["last", closed(4000)]
        assert c.host.ended


def test_the_last_words_of_a_handler_whose_peer_has_gone_are_dropped_and_counted(
    connect, closed, gate
):
    """Rule 7: and the first cause of an end is the one that counts."""

    async def handle_in(message):
        await gate
        return Stop(4000, messages=["a", "b"], error=OOPS)

    c = connect(handle_in=handle_in)
    c.receive("m", "forgotten")
    c.life.peer_closed(1001, "", 1001)
    gate.open()
    assert c.saw == [closed(1001)]
    assert c.life.outbox.dropped == 2
    assert c.failures == [("Handler.handle_in", OOPS)]
    assert c.reasons == [Remote(1001)]
    assert c.handled == ["m"]


def test_generators_that_waited_in_the_mailbox_do_not_begin_when_the_peer_has_gone(connect, gate):
    """Rule 7: only the peer wanted them."""
    begun = []

    async def answer(message):
        begun.append(message)
        await gate
        yield message

    async def promised(message):
        return answer(message)

    for handle_in in (answer, promised, lambda message: Stream(answer(message))):
        for eager in (False, True):
            begun.clear()
            c = connect(init=wait_for(first := type(gate)()), handle_in=handle_in, eager=eager)
            c.host.settle_down()
            c.receive("a", "b")
            c.life.peer_closed(1001, "", 1001)
            first.open()
            c.host.settle_down()
            assert begun == []
            assert c.handled == ["a", "b"]
            assert c.reasons == [Remote(1001)]


def wait_for(gate):
    async def callback(argument):
        await gate

    return callback


@pytest.mark.parametrize("eager", [False, True])
def test_what_a_cancelled_callback_still_returns_is_of_no_use(connect, gate, eager):
    """Rules 7 and 9."""

    async def handle_in(message):
        try:
            await gate
        except BaseException:
            return Stop(4000, messages="never")

    c = connect(handle_in=handle_in, eager=eager)
    c.receive("m")
    c.host.settle_down()
    c.life.shutdown(1)
    c.alarm()
    c.host.settle_down()
    assert [one.code for one in c.saw] == [1012]
    assert c.reasons == [Shutdown()]


def test_a_cancelled_generator_that_yields_once_more_is_counted(connect, gate):
    """Rule 7."""

    async def stubborn():
        try:
            await gate
        except BaseException:
            yield "never"

    c = connect(handle_in=lambda message: stubborn())
    c.receive("m")
    c.life.lost()
    c.host.settle_down()
    assert c.saw == []
    assert c.life.outbox.dropped == 1
    assert c.reasons == [Remote(1006)]


def test_an_exception_while_the_peer_is_gone_is_logged_and_changes_no_reason(connect, gate):
    """Rules 6 and 7."""

    async def handle_in(message):
        await gate
        raise OOPS

    c = connect(handle_in=handle_in)
    c.receive("m", "forgotten")
    c.life.lost()
    gate.open()
    assert c.failures == [("Handler.handle_in", OOPS)]
    assert c.reasons == [Remote(1006)]
    assert c.handled == ["m"]


def test_a_spawned_task_does_not_hold_up_the_end_and_is_cancelled_before_terminate(connect, gate):
    story = []

    async def task():
        try:
            await gate
        finally:
            story.append("task")

    c = connect(terminate=lambda reason: story.append("terminate"))
    job = c.host.spawn(task())
    c.host.turn()
    assert not c.life.closed
    c.life.peer_closed(CloseCode.NORMAL, "", CloseCode.NORMAL)
    assert job.cancelled
    c.host.turn()
    assert story == ["task", "terminate"]


def test_the_result_of_a_spawned_task_is_ignored_and_the_end_does_not_wait_for_it(connect):
    async def task():
        return "ignored"

    c = connect()
    job = c.host.spawn(task())
    c.host.turn()
    assert c.saw == []
    assert not c.life.closed
    c.life.peer_closed(CloseCode.NORMAL, "", CloseCode.NORMAL)
    assert not job.cancelled
    assert c.host.ended


def test_after_the_end_nothing_has_any_effect(connect, closed):
    """Rules 8, 9 and 10."""
    c = connect()
    c.life.shutdown(30)
    seen = list(c.saw)
    assert not c.receive("m")
    c.post("i")
    c.life.open()
    c.life.step()
    c.life.note_pending(10**9)
    c.life.note_pending(0)
    c.life.alarmed()
    c.life.lost()
    c.life.shutdown(30)
    c.life.timed_out()
    c.life.too_slow()
    c.life.violated(ProtocolError("late"))
    c.life.peer_closed(1000, "", 1000)
    assert c.saw == seen
    assert c.calls == ["init", "terminate"]


def test_an_alarm_that_comes_late_changes_nothing(connect):
    c = connect()
    c.life.alarmed()
    assert c.calls == ["init"]
    assert not c.life.closed
