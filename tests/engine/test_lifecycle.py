"""The table at the head of the life cycle, row by row: the name of a test is the words of its row.

What is beside the table is in `test_lifecycle_results.py` (what callbacks return),
`test_ending.py` (close codes, reasons), `test_lifecycle_terminate.py`,
`test_lifecycle_turns.py` (re-entrancy, back-pressure) and `test_lifecycle_order.py` (any order of
events).
"""

import ast
import re
from pathlib import Path

import pytest

from sock import (
    CloseCode,
    Failed,
    MailboxFull,
    Normal,
    Ping,
    Pong,
    ProtocolError,
    Remote,
    Shutdown,
    Stop,
    Stream,
    TimedOut,
)
from sock.engine import Phase, lifecycle
from tests.state_table import rows_of, rows_without_a_test

ENDS = {
    "closed": lambda life: life.peer_closed(1000, "", 1000),
    "lost": lambda life: life.lost(),
    "timed_out": lambda life: life.timed_out(),
    "too_slow": lambda life: life.too_slow(),
    "violated": lambda life: life.violated(ProtocolError("bad frame")),
    "shutdown": lambda life: life.shutdown(30),
}
GONE = ("closed", "timed_out", "too_slow")
ends = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


def test_each_row_of_the_table_has_its_test():
    assert rows_without_a_test(lifecycle, globals()) == []


def test_the_states_of_the_table_are_the_phases():
    states = {row[0].removesuffix(" busy") for row in rows_of(lifecycle)} - {"both"}
    states |= {row[3].removesuffix(" busy") for row in rows_of(lifecycle)}
    assert states == {phase.name for phase in Phase}


def test_each_of_the_twelve_rules_has_a_test_that_says_its_number():
    trees = [ast.parse(path.read_text()) for path in Path(__file__).parent.glob("test_*.py")]
    tests = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    words = " ".join(ast.get_docstring(test) or "" for test in tests)
    said = re.findall(r"\b[Rr]ules? (\d+(?:(?:, | and )\d+)*)", words)
    assert {int(n) for numbers in said for n in re.findall(r"\d+", numbers)} == set(range(1, 13))


# --- MADE ---


def test_made_the_101_is_on_its_way_call_init(new_connection):
    """Rule 1."""
    c = new_connection(init=lambda ref: "hello")
    c.open()
    assert c.told == [("init", c.host.ref)]
    assert c.saw == ["hello"]
    assert not c.life.closed


@ends
def test_made_any_end_nothing_init_was_never_entered(new_connection, end):
    """Rule 8."""
    c = new_connection()
    end(c.life)
    c.open()
    assert c.told == []
    assert c.saw == []
    assert c.host.ended
    assert c.life.cause is None


# --- LIVE ---


def test_live_message_control_or_info_call_its_callback(connect):
    c = connect(handle_control=None)
    assert c.receive("text", b"binary", Ping(b"?"), Pong(b"!"))
    c.post("info")
    assert c.told[1:] == [
        ("handle_in", "text"),
        ("handle_in", b"binary"),
        ("handle_control", Ping(b"?")),
        ("handle_control", Pong(b"!")),
        ("handle_info", "info"),
    ]


def test_live_the_host_is_overdue_let_the_rest_wait_for_the_host_s_next_turn(connect):
    """Rule 11: a mailbox of slow ones does not hold up everybody else."""
    c = connect(handle_info=lambda info: info)
    c.host.late = True
    for info in ("a", "b", "c"):
        c.life.post(info)
    assert c.saw == []
    for seen in (["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c"]):
        c.host.turn()
        assert c.saw == seen
    assert not c.host.woken


def test_live_busy_message_or_control_keep_it_read_ahead_full_stop_reading(connect, gate):
    """Rule 11."""

    async def handle_in(message):
        await gate
        return message

    c = connect(handle_in=handle_in, handle_control=lambda frame: frame, max_read_ahead=150)
    assert c.receive("first")
    assert c.receive("second")
    assert c.host.reading
    assert not c.receive(Ping(b"x" * 40))
    assert not c.host.reading
    gate.open()
    assert c.saw == ["first", "second", Ping(b"x" * 40)]
    assert c.host.reading


def test_live_busy_info_keep_it_a_full_mailbox_means_peer_gone(connect, closed, gate):
    """Rule 11."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in, max_mailbox=2)
    c.receive("busy")
    c.post(1, 2)
    assert c.calls == ["init", "handle_in"]
    c.post(3)
    assert c.saw == [closed(1013, "too many messages wait for this connection")]
    gate.open()
    assert c.handled == ["busy", 1, 2]
    assert isinstance(c.reasons[0].error, MailboxFull)


def test_live_busy_the_callback_settles_push_its_result_take_the_next_entry(connect, gate):
    """Rule 3."""

    async def handle_in(message):
        await gate
        return message

    c = connect(handle_in=handle_in, handle_info=lambda info: info)
    c.receive("a")
    c.post("b")
    c.receive("c")
    assert c.saw == []
    gate.open()
    assert c.saw == ["a", "b", "c"]


def test_live_the_send_buffer_is_full_stop_reading_take_nothing_from_the_mailbox(connect):
    """Rule 11."""
    c = connect(handle_in=lambda message: message, max_send_buffer=10)
    c.host.taking = False
    assert c.receive("0123456789")
    assert not c.receive("one more")
    assert not c.host.reading
    c.post("waits")
    assert c.handled == ["0123456789", "one more"]
    c.host.take_all()
    assert c.handled == ["0123456789", "one more", "waits"]
    assert c.host.reading


def test_live_a_stream_is_returned_run_it_beside_the_mailbox(connect, gate):
    """Rule 4."""

    async def numbers():
        yield "1"
        await gate
        yield "2"

    c = connect(handle_in=lambda message: Stream(numbers()) if message == "go" else message)
    c.receive("go", "between")
    gate.open()
    assert c.saw == ["1", "between", "2"]


def test_live_the_peer_is_too_fast_stop_reading_until_the_host_lets_go(connect):
    """[S17.3]"""
    c = connect(handle_in=lambda message: message, handle_info=lambda info: info)
    c.life.hold_back()
    assert not c.host.reading
    c.receive("the one that was too many")
    c.post("an info")
    c.host.turn()
    assert c.saw == ["the one that was too many", "an info"]
    assert not c.host.reading
    c.life.let_go()
    assert c.host.reading


@pytest.mark.parametrize("name", [*GONE, "lost"])
def test_live_peer_gone_send_the_code_cancel_generators_streams(connect, closed, gate, name):
    """Rule 7."""
    left = []

    async def forever(what):
        try:
            yield what
            await gate
        finally:
            left.append(what)

    c = connect(init=lambda ref: Stream(forever("s")), handle_in=lambda message: forever("g"))
    c.receive("go")
    ENDS[name](c.life)
    codes = {"closed": 1000, "timed_out": 3008, "too_slow": 1013}
    said = [one.code for one in c.saw[2:]]
    assert c.saw[:2] == ["s", "g"]
    assert said == ([codes[name]] if name in codes else [])
    assert not c.host.reading
    assert c.reasons == []
    c.host.turn()
    assert sorted(left) == ["g", "s"]
    assert c.calls[-1] == "terminate"


def test_live_violation_stop_reading_cancel_streams(connect, closed, gate):
    """Limits, "Strictness": a valid message that came before a bad frame is answered first."""
    left = []

    async def endless():
        try:
            await gate
            yield "never"
        finally:
            left.append("stream")

    async def answer(message):
        yield f"{message} 1"
        await gate
        yield f"{message} 2"

    c = connect(
        init=lambda ref: Stream(endless()),
        handle_in=answer,
        handle_info=lambda info: Stream(endless()),
    )
    c.receive("a", "b")
    c.post("one more stream")
    c.life.violated(ProtocolError("bad frame (RFC 6455 §5.2)"))
    assert not c.host.reading
    assert not c.receive("after it")
    c.host.turn()
    assert left == ["stream"]
    gate.open()
    c.host.settle_down()
    assert c.saw == ["a 1", "a 2", "b 1", "b 2", closed(1002, "bad frame (RFC 6455 §5.2)")]


def test_live_shutdown_read_on_answer_pings_drop_messages(connect, closed, gate):
    """[S7.8] [S7.16]"""

    async def handle_in(message):
        await gate
        return message

    c = connect(handle_in=handle_in)
    c.receive("before")
    c.life.shutdown(30)
    assert c.host.reading
    assert c.life.closed
    assert c.receive("after", Ping(b"after"))
    assert c.host.bound == 30
    gate.open()
    assert c.saw == ["before", closed(1012, "the server restarts")]
    assert c.handled == ["before"]
    assert c.reasons == [Shutdown()]


# --- FINISHING ---


@pytest.mark.parametrize(("name", "seen"), [("shutdown", ["a", "b"]), ("closed", [])])
def test_finishing_the_callback_settles_push_its_result_unless_gone_take_the_next(
    connect, gate, name, seen
):
    """Rule 7."""

    async def handle_in(message):
        await gate
        return [message]

    c = connect(handle_in=handle_in)
    c.receive("a", "b")
    ENDS[name](c.life)
    gate.open()
    assert c.handled == ["a", "b"]
    assert [one for one in c.saw if isinstance(one, str)] == seen
    assert c.life.outbox.dropped == 2 - len(seen)


@ends
def test_finishing_nothing_is_left_send_the_code_if_that_was_not_done(connect, end):
    c = connect()
    end(c.life)
    assert len(c.saw) == (0 if end is ENDS["lost"] else 1)
    assert c.calls == ["init", "terminate"]
    assert c.host.ended


@ends
def test_finishing_the_bound_has_passed_send_the_code_if_that_was_not_done(connect, gate, end):
    """Rule 7."""
    left = []

    async def handle_in(message):
        try:
            await gate
        except BaseException:
            left.append(message)
            raise

    c = connect(handle_in=handle_in, close_timeout=7)
    c.receive("hangs", "waits")
    end(c.life)
    assert c.host.bound == (30 if end is ENDS["shutdown"] else 7)
    c.alarm()
    assert c.calls == ["init", "handle_in"]
    c.host.turn()
    assert left == ["hangs"]
    assert len(c.saw) == (0 if end is ENDS["lost"] else 1)
    assert c.calls == ["init", "handle_in", "terminate"]


@pytest.mark.parametrize("first", ["shutdown", "violated"])
@pytest.mark.parametrize("then", [*GONE, "lost"])
def test_finishing_peer_gone_send_the_code_unless_lost_drop_messages(connect, gate, first, then):
    async def handle_in(message):
        await gate
        return message

    c = connect(handle_in=handle_in)
    c.receive("a", "b")
    ENDS[first](c.life)
    assert c.saw == []
    ENDS[then](c.life)
    code = {"shutdown": 1012, "violated": 1002}[first]
    assert [one.code for one in c.saw] == ([] if then == "lost" else [code])
    gate.open()
    assert len(c.saw) < 2
    assert c.life.outbox.dropped == 2
    kind = {"shutdown": Shutdown, "violated": Failed}[first]
    assert isinstance(c.reasons[0], kind)


# --- ENDING and TERMINATING ---


@pytest.mark.parametrize("finishing", [False, True])
@pytest.mark.parametrize("raising", [False, True], ids=["given", "raised"])
def test_both_stop_given_or_raised_push_its_messages_send_its_code(
    connect, closed, gate, finishing, raising
):
    """Rules 6 and 7."""

    async def handle_in(message):
        await gate
        stop = Stop(CloseCode.GOING_AWAY, "bye", messages=["last", b"words"])
        if raising:
            raise stop
        return stop

    c = connect(handle_in=handle_in)
    c.receive("a", "is not handled")
    if finishing:
        c.life.shutdown(30)
    gate.open()
    assert c.handled == ["a"]
    assert c.saw == ["last", b"words", closed(1001, "bye")]
    assert c.reasons == [Normal()]
    assert c.failures == []


@pytest.mark.parametrize("finishing", [False, True])
def test_both_an_exception_send_1011(connect, closed, gate, finishing):
    """Rules 6 and 7."""
    error = OSError("disk full")

    async def handle_in(message):
        await gate
        raise error

    c = connect(handle_in=handle_in)
    c.receive("a", "is not handled")
    if finishing:
        c.life.shutdown(30)
    gate.open()
    assert c.handled == ["a"]
    assert c.saw == [closed(1011)]
    assert c.reasons == [Failed(error)]
    assert c.failures == [("Handler.handle_in", error)]


@pytest.mark.parametrize("finishing", [False, True])
def test_both_ref_stop_as_for_stop_ahead_of_all_that_waits(connect, closed, gate, finishing):
    """Rules 7 and 10."""
    left = []

    async def handle_in(message):
        try:
            await gate
        except BaseException:
            left.append(message)
            raise

    c = connect(handle_in=handle_in, handle_info=str)
    c.receive("under way", "waits")
    c.post("waits too")
    if finishing:
        c.life.shutdown(30)
    c.life.stop(Stop(4001, "out", messages=["last", "words"]))
    assert c.life.closed
    assert c.saw == []
    c.life.stop(Stop(4002, "comes too late"))
    c.post("comes too late")
    c.host.settle_down()
    assert left == ["under way"]
    assert c.handled == ["under way"]
    assert c.saw == ["last", "words", closed(4001, "out")]
    assert c.reasons == [Normal()]
    assert c.failures == []


def test_ending_entered_forget_the_mailbox_cancel_every_job(connect, closed, gate):
    """Rules 4, 7 and 8."""
    left = []

    async def waits(what):
        try:
            await gate
        except BaseException:
            left.append(what)
            raise

    async def stream(what):
        try:
            yield await waits(what)
        finally:
            left.append(f"finally of {what}")

    async def stops():
        await stopping
        yield Stop()

    stopping = type(gate)()
    streams = iter([Stream(stream("stream")), Stream(stops())])
    c = connect(handle_info=lambda info: next(streams), handle_in=waits)
    c.host.spawn(waits("task"))
    c.post(1)
    c.post(2)
    c.receive("callback", "forgotten")
    stopping.open()
    assert c.saw == [closed(1000)]
    assert c.reasons == []
    c.host.turn()
    assert sorted(left) == ["callback", "finally of stream", "stream", "task"]
    assert c.reasons == [Normal()]


@pytest.mark.parametrize("bound", [False, True])
def test_ending_no_job_is_left_or_bound_call_terminate(connect, gate, bound):
    """Rule 8."""
    lingering = type(gate)()

    async def init(ref):
        try:
            await gate
        finally:
            await lingering

    c = connect(init=init, close_timeout=3)
    c.life.lost()
    c.alarm()
    c.host.turn()
    assert c.reasons == []
    assert c.host.bound == 3
    if bound:
        c.alarm()
        assert c.abandoned == ["Handler.init"]
    else:
        lingering.open()
        assert c.abandoned == []
    assert c.reasons == [Remote(1006)]
    assert c.host.ended
    lingering.open()
    assert c.reasons == [Remote(1006)]


@pytest.mark.parametrize("bound", [False, True])
def test_terminating_terminate_ended_or_bound(connect, gate, bound):
    """Rule 8."""
    left = []

    async def terminate(reason):
        try:
            await gate
        except BaseException:
            left.append(reason)
            raise

    c = connect(terminate=terminate, close_timeout=3)
    c.life.timed_out()
    assert not c.host.ended
    assert c.host.bound == 3
    if bound:
        c.alarm()
        assert c.abandoned == ["Handler.terminate"]
    else:
        gate.open()
    assert c.host.ended
    c.host.turn()
    assert left == [TimedOut()] * bound
    assert c.reasons == [TimedOut()]
