"""What waits for a broker: its order, its bounds, and what becomes of it."""

import asyncio

import pytest

from sock.pubsub import BackendDown
from sock.pubsub.backends.outbox import MAX_BYTES, MAX_WAITING, Outbox

pytestmark = pytest.mark.one_form


@pytest.fixture
def run():
    def run(body):
        async def scenario():
            body(Outbox())

        asyncio.run(scenario())

    return run


def test_messages_are_taken_and_acknowledged_in_the_order_of_the_calls(run):
    def body(outbox):
        told = [outbox.put("room", b"%d" % number) for number in range(3)]
        assert [one.data for one in outbox.take()] == [b"0", b"1", b"2"]
        outbox.put("room", b"3")
        outbox.acknowledge()
        outbox.acknowledge(OSError("refused"))
        assert told[0].result() is None
        assert "refused" in str(told[1].exception())
        assert not told[2].done()
        assert [one.data for one in outbox.take()] == [b"3"]

    run(body)


def test_what_was_sent_is_lost_with_the_connection_and_what_waits_is_not(run):
    def body(outbox):
        sent = outbox.put("room", b"sent")
        outbox.take()
        waits = outbox.put("room", b"waits")
        outbox.lose(OSError("gone"))
        assert isinstance(sent.exception(), BackendDown)
        assert not waits.done()
        assert [one.data for one in outbox.take()] == [b"waits"]

    run(body)


def test_more_waits_for_a_broker_that_is_there_than_for_one_that_is_away(run):
    def body(outbox):
        outbox.is_up = True
        told = [outbox.put("room", b"") for _ in range(MAX_WAITING + 5)]
        outbox.lose(OSError("gone"))
        assert [one.done() for one in told] == [False] * MAX_WAITING + [True] * 5
        with pytest.raises(BackendDown, match="gone"):
            outbox.put("room", b"")

    run(body)


def test_bytes_are_bounded_but_one_message_is_taken_however_large(run):
    def body(outbox):
        outbox.put("room", b"x" * (MAX_BYTES + 1))
        with pytest.raises(BackendDown):
            outbox.put("room", b"x")
        outbox.take()
        outbox.acknowledge()
        outbox.put("room", b"x")

    run(body)


def test_at_the_end_everybody_is_told(run):
    def body(outbox):
        told = outbox.put("room", b"x")
        gave_up = outbox.put("room", b"x")
        gave_up.cancel()
        outbox.end()
        assert isinstance(told.exception(), BackendDown)
        assert len(outbox) == 0

    run(body)
