"""Whose turn it is: re-entrancy, fairness, back-pressure. Rules 3, 10 and 11."""

import pytest

from sock import MailboxFull, Ping, Shutdown, Stop, Stream

# --- a callback that comes back to its own connection ---


def test_a_callback_that_sends_to_itself_is_not_called_within_itself(connect):
    """Rules 3 and 10."""

    def handle_in(message):
        c.host.ref.send(1)
        c.host.ref.send(2)
        return message

    c = connect(handle_in=handle_in, handle_info=str)
    c.receive("m")
    c.host.settle_down()
    assert c.saw == ["m", "1", "2"]


def test_init_may_send_to_itself(connect):
    """Rules 1 and 10."""
    c = connect(init=lambda ref: ref.send("i"), handle_info=lambda info: info)
    c.host.settle_down()
    assert c.saw == ["i"]


def test_a_connection_that_always_sends_to_itself_lets_others_have_their_turn(connect):
    """Rule 6: it would hold up the event loop for ever."""
    limit = 10_000

    def handle_info(info):
        if len(c.told) < limit:
            c.host.ref.send(info + 1)

    c = connect(handle_info=handle_info)
    c.post(0)
    assert len(c.handled) < 3
    for _ in range(5):
        c.host.turn()
    assert 4 < len(c.handled) < 10
    assert c.handled == list(range(len(c.handled)))


def test_what_a_callback_sends_to_itself_comes_after_what_waited_before(connect, gate):
    """Rule 10."""

    async def init(ref):
        await gate

    def handle_info(info):
        if info < 10:
            c.host.ref.send(info + 10)

    c = connect(init=init, handle_info=handle_info)
    c.post(1, 2, 3)
    gate.open()
    c.host.settle_down()
    assert c.handled == [1, 2, 3, 11, 12, 13]


def test_post_calls_nothing_before_the_next_turn(connect):
    """Rule 10."""
    c = connect()
    c.life.post("i")
    assert c.handled == []
    c.host.turn()
    assert c.handled == ["i"]


def test_a_message_that_comes_before_the_turn_of_an_info_comes_after_it(connect):
    """Rule 3: messages and infos share the mailbox, in the order of arrival."""
    c = connect()
    c.life.post("first")
    c.receive("second")
    assert c.handled == ["first", "second"]
    c.host.turn()
    assert c.handled == ["first", "second"]


@pytest.mark.parametrize("receive", ["receive", "receive_fast"])
def test_a_drain_that_begins_within_a_callback_waits_for_it(connect, closed, receive):
    """Rule 7."""

    def handle_in(message):
        c.life.shutdown(30)
        return message

    c = connect(handle_in=handle_in)
    getattr(c, receive)("last")
    assert c.saw == ["last", closed(1012, "the server restarts")]
    assert c.reasons == [Shutdown()]


def test_a_drain_that_begins_within_init_waits_for_it(new_connection, closed):
    """Rules 1 and 7."""

    def init(ref):
        c.life.shutdown(30)
        return "hello"

    c = new_connection(init=init)
    c.open()
    assert c.saw == ["hello", closed(1012, "the server restarts")]


def test_a_connection_that_is_lost_within_a_callback(connect):
    """Rule 7."""

    def handle_in(message):
        c.life.lost()
        return message

    c = connect(handle_in=handle_in)
    c.receive("m")
    assert c.saw == []
    assert c.life.outbox.dropped == 1
    assert c.calls == ["init", "handle_in", "terminate"]


@pytest.mark.parametrize("receive", ["receive", "receive_fast"])
def test_a_callback_that_fills_its_own_mailbox(connect, receive):
    """Rule 11."""

    def handle_in(message):
        for info in range(4):
            c.host.ref.send(info)
        return message

    c = connect(handle_in=handle_in, max_mailbox=3)
    getattr(c, receive)("m")
    c.host.settle_down()
    assert [one.code for one in c.saw] == [1013]
    assert c.life.outbox.dropped == 1
    assert c.handled == ["m", 0, 1, 2]
    assert isinstance(c.reasons[0].error, MailboxFull)


def test_a_callback_that_fills_its_mailbox_and_then_drains(connect):
    """What was sent before the drain is handled in it."""

    def handle_in(message):
        c.host.ref.send("i")
        c.life.shutdown(30)

    c = connect(handle_in=handle_in)
    c.receive("m")
    c.host.settle_down()
    assert c.handled == ["m", "i"]
    assert c.host.ended


def test_infos_after_the_end_has_begun_are_silent(connect, gate):
    """Rule 10."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in, max_mailbox=1)
    c.receive("m")
    c.life.shutdown(30)
    assert c.host.ref.closed
    c.post(1, 2, 3)
    gate.open()
    assert c.handled == ["m"]
    assert c.reasons == [Shutdown()]


# --- jobs that end at once ---


@pytest.mark.parametrize("eager", [False, True])
def test_many_messages_whose_callbacks_end_at_once_are_handled_in_order(connect, gate, eager):
    """Rule 3: without a call for each on the stack."""

    async def init(ref):
        await gate

    async def handle_in(message):
        return message

    c = connect(init=init, handle_in=handle_in, max_read_ahead=10**6, eager=eager)
    c.host.turn()
    messages = [str(n) for n in range(3000)]
    c.receive(*messages)
    gate.open()
    c.host.settle_down()
    assert c.saw == messages
    assert c.life.ready


def test_a_coroutine_on_the_fast_path_is_awaited(connect, gate):
    """Rule 3."""

    async def handle_in(message):
        await gate
        return message

    c = connect(handle_in=handle_in)
    c.receive_fast("a")
    assert not c.life.ready
    c.receive("b")
    gate.open()
    assert c.saw == ["a", "b"]
    assert c.life.ready


# --- the fast path of a host ---


def test_on_the_fast_path_a_plain_result_is_pushed_by_the_host(connect):
    c = connect(handle_in=lambda message: message or None)
    for message in ("text", "", b"binary"):
        c.receive_fast(message)
    assert c.saw == ["text", b"binary"]
    assert c.life.ready


def test_it_is_closed_while_an_info_waits(connect):
    """Rule 3: the info has come first."""
    c = connect()
    c.life.post("i")
    assert not c.life.ready
    c.host.turn()
    assert c.life.ready


def test_it_is_closed_while_what_a_callback_sent_to_itself_waits(connect):
    """Rule 3."""
    c = connect(handle_in=lambda message: c.host.ref.send("i"))
    c.receive("m")
    assert c.handled == ["m"]
    assert not c.life.ready
    c.host.turn()
    assert c.life.ready


def test_it_is_closed_while_the_peer_cannot_keep_up(connect):
    """Rule 11."""
    c = connect(max_send_buffer=5)
    c.life.note_pending(6)
    assert not c.life.ready
    assert not c.host.reading
    c.host.turn()
    c.life.step()
    assert not c.life.ready
    c.life.note_pending(0)
    assert c.life.ready


def test_it_is_closed_from_the_beginning_of_an_end(connect, gate):
    """Rule 7."""

    async def endless():
        yield await gate

    c = connect(init=lambda ref: Stream(endless()))
    assert c.life.ready
    c.life.shutdown(30)
    assert not c.life.ready
    gate.open("last")
    assert c.saw[0] == "last"


def test_a_mailbox_that_overflows_stops_the_reading_at_once(connect):
    """Rules 7 and 11."""
    c = connect(max_mailbox=1)
    c.life.post(1)
    c.life.post(2)
    assert not c.host.reading
    assert not c.receive("too late")


# --- back-pressure ---


def test_read_ahead_counts_bytes_not_characters(connect, gate):
    """Rule 11: an emoji is four bytes."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in, max_read_ahead=1000)
    c.receive("busy")
    assert c.receive("x" * 300)
    assert not c.receive("\N{SNOWMAN WITHOUT SNOW}\N{GRINNING FACE}" * 150)


def test_at_least_one_message_is_read_ahead_whatever_its_size(connect, gate):
    """Rule 11."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in, max_read_ahead=1)
    assert c.receive("busy")
    assert not c.receive(b"x" * 100_000)
    gate.open()
    assert len(c.handled) == 2
    assert c.host.reading


def test_a_flood_of_empty_messages_is_bounded(connect, gate):
    """Rule 11."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in, max_read_ahead=64 * 1024)
    c.receive("busy")
    taken = 1
    while c.receive(""):
        taken += 1
    assert taken == 1024
    gate.open()
    assert len(c.handled) == 1025


def test_a_generator_waits_while_the_peer_cannot_keep_up(connect):
    """Rules 3 and 11."""

    async def numbers(message):
        for number in range(3):
            yield f"number {number}"

    c = connect(handle_in=numbers, max_send_buffer=10)
    c.host.taking = False
    c.receive("go")
    assert c.saw == ["number 0", "number 1"]
    c.host.take_all()
    assert c.saw == ["number 0", "number 1", "number 2"]


def test_a_drain_waits_for_a_peer_that_lags_and_then_says_close_all_the_same(connect, closed):
    """Rules 7 and 11."""
    c = connect(handle_in=lambda message: message, max_send_buffer=5)
    c.host.taking = False
    c.receive("too much")
    c.post("waits")
    c.life.shutdown(30)
    assert c.saw == ["too much"]
    c.alarm()
    assert c.saw == ["too much", closed(1012, "the server restarts")]
    assert c.handled == ["too much"]


def test_a_drain_goes_on_when_the_peer_has_taken_all(connect, closed):
    """Rules 7 and 11."""
    c = connect(handle_in=lambda m: m, handle_info=lambda info: info, max_send_buffer=5)
    c.host.taking = False
    c.receive("too much")
    c.post("waits")
    c.life.shutdown(30)
    c.host.take_all()
    assert c.saw == ["too much", "waits", closed(1012, "the server restarts")]
    assert not c.host.reading


def test_a_peer_that_has_gone_keeps_nothing_waiting(connect):
    """Rule 7."""
    c = connect(handle_in=lambda message: message, max_send_buffer=5)
    c.host.taking = False
    c.receive("too much")
    c.post("waits")
    c.life.too_slow()
    assert c.handled == ["too much", "waits"]
    assert [one.code for one in c.saw[1:]] == [1013]
    assert c.host.ended


def test_a_stream_that_waits_for_the_peer_ends_with_it(connect):
    """Rules 4 and 7."""
    left = []

    async def endless():
        try:
            while True:
                yield "more and more"
        finally:
            left.append("finally")

    c = connect(init=lambda ref: None, handle_in=lambda m: Stream(endless()), max_send_buffer=20)
    c.host.taking = False
    c.receive("go")
    assert c.saw == ["more and more"] * 2
    c.life.lost()
    c.host.settle_down()
    assert left == ["finally"]
    assert c.host.ended


def test_a_stop_is_said_to_a_peer_that_lags(connect, closed):
    """Rule 9."""
    c = connect(handle_in=lambda m: Stop(4000, messages=["a" * 20, "b"]), max_send_buffer=5)
    c.host.taking = False
    c.receive("m")
    assert c.saw == ["a" * 20, "b", closed(4000)]


def test_control_frames_keep_their_place_among_messages(connect, gate):
    """Rules 3 and 5."""

    async def handle_in(message):
        await gate

    c = connect(handle_in=handle_in, handle_control=None)
    c.receive("a", Ping(b"1"), "b", Ping(b"2"))
    gate.open()
    assert [value for _, value in c.told[1:]] == ["a", Ping(b"1"), "b", Ping(b"2")]
