"""Who is named, what is still refused, and what two events do to each other: the edges."""

import sys

import pytest

from sock import HandlerError, MailboxFull, Options, Remote, Shutdown, Sock, Stop, Stream
from sock.engine import Lifecycle
from sock.engine.mailbox import ENTRY_OVERHEAD

OOPS = OSError("disk full")


def raises(error):
    def callback(argument):
        raise error

    return callback


class Echo(Sock):
    def handle_in(self, message):
        return message


async def items(*values):
    for value in values:
        yield value


# --- the beginning --------------------------------------------------------------------------


def test_no_message_may_go_to_its_callback_before_init(new_connection):
    """Rule 1."""
    c = new_connection()
    assert not c.life.ready
    assert not c.life.busy
    c.open()
    assert c.life.ready


def test_no_message_may_go_to_its_callback_while_another_is_with_its_own(connect):
    """Rule 3."""
    ready = []
    c = connect(handle_in=lambda message: ready.append(c.life.ready))
    c.receive("m")
    assert ready == [False]
    assert c.life.ready


def test_a_handler_without_an_init_of_its_own_is_opened_like_any(connect):
    c = connect(leaves_out=("init", "handle_control"), handle_in=lambda message: message)
    assert c.life.ready
    assert c.failures == []


def test_the_callbacks_of_a_life_that_is_given_no_wrapper_are_the_handlers_own(new_connection):
    handler = Echo(None)
    life = Lifecycle(handler, Options(), new_connection().host)
    assert life.on_text == handler.handle_in


def test_the_outbox_has_the_timeout_of_the_options(connect):
    """Rule 11."""
    assert connect(send_timeout=7).life.outbox.due(now=5, pending=10, taken=0) == 12


# --- who is named ---------------------------------------------------------------------------


@pytest.mark.parametrize("receive", ["receive", "receive_fast"])
def test_what_a_callback_raises_is_logged_with_its_name(connect, receive):
    """Rule 6."""
    c = connect(handle_in=raises(OOPS))
    getattr(c, receive)("m")
    assert c.failures == [("Handler.handle_in", OOPS)]


@pytest.mark.parametrize("receive", ["receive", "receive_fast"])
@pytest.mark.parametrize("result", [7, ["a", 7], Stop(messages=7)], ids=repr)
def test_what_is_wrong_with_a_result_is_logged_with_the_name_of_the_callback(
    connect, receive, result
):
    """Rule 6."""
    c = connect(handle_in=lambda message: result)
    getattr(c, receive)("m")
    ((place, error),) = c.failures
    assert place == "Handler.handle_in"
    assert isinstance(error, HandlerError)
    assert str(error).startswith("Handler.handle_in ")
    assert "'int'" in str(error)


class Proxy:
    """Stands for nothing, and says so to any question."""

    @property
    def __class__(self):
        raise LookupError("outside of its context")


def test_what_cannot_be_pushed_or_looked_at_is_logged_with_the_name_of_the_callback(connect):
    """Rule 6."""
    for result in ("\ud800", ["\ud800"], Stop(messages="\ud800"), Proxy()):
        c = connect(handle_in=lambda message, result=result: result)
        c.receive("m")
        assert [place for place, _ in c.failures] == ["Handler.handle_in"]


@pytest.mark.parametrize("wrap", [lambda iterator: iterator, Stream])
@pytest.mark.parametrize("item", [Stop(error=OOPS), "\ud800", 7], ids=repr)
def test_what_is_wrong_with_an_item_is_logged_with_the_name_of_the_callback(connect, wrap, item):
    """Rule 6."""
    c = connect(handle_in=lambda message: wrap(items("a", item)))
    c.receive("m")
    assert [place for place, _ in c.failures] == ["Handler.handle_in"]


def test_the_error_of_a_full_mailbox_names_the_option_and_its_value(connect):
    """Rule 11."""
    c = connect(max_mailbox=2)
    c.post(*range(2))
    for info in range(3):
        c.life.post(info)
    c.host.settle_down()
    assert "max_mailbox=2" in str(c.reasons[0].error)


def test_the_error_of_a_slow_peer_names_the_option_and_its_value(connect):
    """Rule 11."""
    c = connect(send_timeout=7)
    c.life.too_slow()
    assert "send_timeout=7" in str(c.reasons[0].error)


# --- a mailbox that overflows ---------------------------------------------------------------


def test_a_host_that_has_no_room_for_an_info_ends_an_idle_connection_in_the_next_turn(connect):
    """Rule 11: infos of other threads are counted before they come here."""
    c = connect()
    c.life.overflowed()
    assert c.calls == ["init"]
    assert not c.host.reading
    assert not c.life.ready
    c.host.settle_down()
    assert [one.code for one in c.saw] == [1013]
    assert isinstance(c.reasons[0].error, MailboxFull)


def test_an_overflow_after_the_end_has_begun_changes_nothing(connect, closed, gate):
    """Rule 7: the first cause is the one that counts."""

    async def handle_in(message):
        await gate
        return "answer"

    c = connect(handle_in=handle_in)
    c.receive("m")
    c.life.shutdown(30)
    c.life.overflowed()
    assert c.saw == []
    gate.open()
    assert c.saw == ["answer", closed(1012, "the server restarts")]
    c.life.overflowed()
    assert c.calls == ["init", "handle_in", "terminate"]


def test_infos_after_a_stop_of_the_ref_do_not_fill_the_mailbox(connect, closed):
    """Rule 10."""
    c = connect(max_mailbox=1)
    c.life.stop(Stop(4001))
    for info in range(3):
        c.life.post(info)
    c.host.settle_down()
    assert c.saw == [closed(4001)]


# --- jobs -----------------------------------------------------------------------------------


class Later:
    """An awaitable that notes that it was begun."""

    def __init__(self, begun):
        self.begun = begun

    def __await__(self):
        self.begun.append(self)
        yield


@pytest.mark.parametrize("error", [None, OOPS])
def test_nothing_that_a_cancelled_callback_returns_is_begun_or_logged(connect, gate, error):
    """Rule 7."""
    begun = []

    async def handle_in(message):
        try:
            await gate
        except BaseException:
            return Later(begun) if error is None else Stop(messages="never", error=error)

    c = connect(handle_in=handle_in)
    c.receive("m")
    c.life.shutdown(1)
    c.alarm()
    c.host.settle_down()
    assert begun == []
    assert c.failures == []
    assert c.life.outbox.dropped == 0
    assert c.host.ended


def test_a_cancelled_stream_that_raises_a_stop_does_not_end_the_callback_under_way(connect, gate):
    """Rule 3."""

    async def endless():
        try:
            yield "tick"
            await type(gate)()
        except BaseException as cancelled:
            raise Stop(4000) from cancelled

    stream = Stream(endless())

    async def handle_in(message):
        stream.cancel()
        await gate
        return message

    c = connect(init=lambda ref: stream, handle_in=handle_in)
    c.receive("a")
    c.host.settle_down()
    assert stream.done
    c.receive("b")
    assert c.handled == ["a"]
    gate.open()
    assert c.saw == ["tick", "a", "b"]


@pytest.mark.parametrize("abandoned", [False, True])
def test_a_task_that_is_spawned_when_the_end_has_come_is_cancelled_at_once(
    connect, gate, abandoned
):
    lingering = type(gate)()

    async def init(ref):
        try:
            await gate
        except BaseException:
            await lingering

    async def task():
        await type(gate)()

    c = connect(init=init)
    c.life.lost()
    c.alarm()
    c.host.turn()
    if abandoned:
        c.alarm()
        assert c.host.ended
    assert c.host.spawn(task()).cancelled
    c.host.settle_down()
    lingering.open()
    assert c.host.ended


def test_work_that_ends_while_terminate_is_under_way_does_not_end_it(connect, gate):
    """Rule 8."""
    lingering = type(gate)()

    async def init(ref):
        try:
            await gate
        except BaseException:
            await lingering

    async def terminate(reason):
        await last

    last = type(gate)()
    c = connect(init=init, terminate=terminate)
    c.life.lost()
    c.alarm()
    c.host.turn()
    c.alarm()
    lingering.open()
    assert c.calls == ["init", "terminate"]
    assert not c.host.ended
    last.open()
    assert c.host.ended


def test_dropped_messages_are_added_up_whoever_has_pushed_them(connect, gate):
    """Rule 7."""

    async def stubborn():
        try:
            await type(gate)()
        except BaseException:
            yield "from a stream"

    async def handle_in(message):
        await gate
        return ["from", "a callback"]

    c = connect(init=lambda ref: Stream(stubborn()), handle_in=handle_in)
    c.receive("m")
    c.life.lost()
    gate.open()
    c.host.settle_down()
    assert c.life.outbox.dropped == 3


# --- two ends together ----------------------------------------------------------------------


def test_a_stop_of_the_ref_is_nothing_to_a_peer_that_closes_before_it_is_carried_out(
    connect, closed, gate
):
    """Rule 7: the callback under way may finish, and the first cause stays."""
    left = []

    async def handle_in(message):
        try:
            await gate
        except BaseException:
            left.append("cancelled")
            raise

    c = connect(handle_in=handle_in)
    c.receive("m")
    c.life.stop(Stop(4001, messages=["never"], error=OOPS))
    c.life.peer_closed(1001, "", 1001)
    c.host.settle_down()
    assert c.saw == [closed(1001)]
    assert c.life.outbox.dropped == 0
    assert c.failures == []
    gate.open()
    assert left == []
    assert c.reasons == [Remote(1001)]


@pytest.mark.parametrize("lost", [False, True])
def test_a_stream_that_is_given_in_a_drain_runs_as_long_as_the_peer_is_there(
    connect, closed, gate, lost
):
    """Rules 4 and 7."""
    begun = []

    async def numbers():
        begun.append("stream")
        yield "1"

    async def handle_in(message):
        await gate
        return Stream(numbers())

    c = connect(handle_in=handle_in)
    c.receive("m")
    c.life.shutdown(30)
    if lost:
        c.life.lost()
    gate.open()
    c.host.settle_down()
    assert begun == ([] if lost else ["stream"])
    assert c.saw == ([] if lost else ["1", closed(1012, "the server restarts")])
    assert c.reasons == [Shutdown()]


def test_a_drain_whose_bound_passes_while_the_peer_lags_ends_with_terminate(connect):
    """Rules 7, 8 and 11: the mailbox waits, and no job is there whose end would be told."""
    c = connect(handle_in=lambda message: message, max_send_buffer=5)
    c.host.taking = False
    c.receive("too much")
    c.post("waits")
    c.life.shutdown(30)
    c.alarm()
    assert c.reasons == [Shutdown()]
    assert c.host.ended


@pytest.mark.parametrize("receive", ["receive", "receive_fast"])
def test_a_task_that_fails_within_a_callback_ends_the_connection_after_that_callback(
    connect, closed, receive
):
    """Rules 3 and 8."""
    story = []

    async def task():
        raise OOPS

    def handle_in(message):
        c.host.spawn(task()).handle.go_on()
        story.append("handle_in")
        return "answer"

    c = connect(handle_in=handle_in, terminate=lambda reason: story.append("terminate"))
    getattr(c, receive)("m")
    assert story == ["handle_in", "terminate"]
    assert c.saw == [closed(1011)]
    assert c.life.outbox.dropped == 1


def test_no_message_goes_to_its_callback_once_a_stream_has_given_a_stop(connect, closed, gate):
    """Rules 7 and 9: not even while the stream takes its time to end."""

    lingering = type(gate)()

    async def stops():
        await gate
        try:
            yield Stop(4000)
        finally:
            await lingering

    c = connect(init=lambda ref: Stream(stops()))
    assert c.life.ready
    gate.open()
    assert c.saw == [closed(4000)]
    assert not c.host.ended
    assert not c.life.ready
    assert not c.receive("m")
    c.host.settle_down()
    assert c.calls == ["init", "terminate"]


def test_a_life_that_is_over_and_its_jobs_let_go_of_their_host(connect):
    """The two know each other: without this, only the garbage collector would free them."""
    c = connect()
    before = sys.getrefcount(c.host)
    c.life.lost()
    after = sys.getrefcount(c.host)
    assert c.host.ended
    assert after == before - 2


# --- the host's turns -----------------------------------------------------------------------


def test_a_host_that_is_overdue_is_not_woken_where_nothing_is_left(connect):
    c = connect()
    c.host.late = True
    c.receive("m")
    assert not c.host.woken
    assert c.life.ready


@pytest.mark.parametrize(("size", "reading"), [(99, True), (100, False), (101, False)])
def test_the_host_reads_as_long_as_less_waits_than_may_be_read_ahead(connect, gate, size, reading):
    """Rule 11."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in, max_read_ahead=ENTRY_OVERHEAD + 100)
    c.receive("under way")
    assert c.receive(b"x" * size) is reading
    assert c.host.reading is reading
