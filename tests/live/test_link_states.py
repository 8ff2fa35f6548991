"""The table at the head of `link.py`, row by row: the name of a test is the words of its row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sock import Ping, Pong, Remote, Request, Sock
from sock.engine import NEVER
from sock.live import link as table
from sock.live.state import State
from sock.wire.frame import Close
from tests.state_table import rows_of, rows_without_a_test


def test_each_row_of_the_table_has_its_test():
    assert rows_without_a_test(table, globals()) == []


def test_the_states_of_the_table_are_those_of_a_connection():
    states = {row[0].removeprefix("not ") for row in rows_of(table)}
    assert states | {row[3] for row in rows_of(table)} == {state.name for state in State}


class Echo(Sock[Any, str | bytes]):
    """Echoes, and notes the state in which each message is handled; waits for those in capitals."""

    def __init__(self, request: Request) -> None:
        self.link: Any = None
        self.states: list[State] = []
        self.controls: list[Ping | Pong] = []
        self.messages: list[str | bytes] = []
        self.reasons: list[Any] = []
        self.go_on = asyncio.Event()

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        self.messages.append(message)
        if self.link is not None:
            self.states.append(self.link.state)
        return self.later(message) if message == "WAIT" else message

    async def later(self, message):
        await self.go_on.wait()
        return message

    def handle_control(self, frame):
        self.controls.append(frame)

    def terminate(self, reason):
        self.reasons.append(reason)


@pytest.fixture
def opened(open_link):
    """Open a link whose handler notes its states; at most two bytes are read ahead."""

    async def opened(**options):
        connection = await open_link(Echo, max_read_ahead=2, **options)
        connection.handler.link = connection.link
        return connection

    return opened


@pytest.fixture
def no_patience(reactor):
    """Let each turn be over after one message."""

    def no_patience():
        reactor().max_turn_nanoseconds = -1_000_000_000  # the clock is a coarse one
        reactor().begin_turn()

    return no_patience


async def until(condition):
    """Give the loop its turns until something has come about; the test is bounded as a whole."""
    while not condition():
        await asyncio.sleep(0)


async def held(connection):
    """Send messages until the link reads no more; the last one stays unread."""
    connection.peer.send("WAIT", "a", "b", "c")
    await until(lambda: connection.link.state is State.HELD)


async def end(connection):
    connection.handler.go_on.set()
    connection.link.abort()
    await connection.over()


def test_open_a_message_comes_the_life_cycle_takes_it(run, opened):
    async def scenario():
        connection = await opened()
        connection.peer.send("one", "two")
        assert [await connection.peer.next() for _ in range(2)] == ["one", "two"]
        assert connection.handler.states == [State.OPEN, State.OPEN]
        await end(connection)

    run(scenario())


def test_open_a_ping_comes_queue_a_pong_tell_the_life_cycle(run, opened):
    async def scenario():
        connection = await opened()
        connection.peer.send(Ping(b"1"))
        assert await connection.peer.next() == Pong(b"1")
        assert connection.handler.controls == [Ping(b"1")]
        assert connection.link.state is State.OPEN
        await end(connection)

    run(scenario())


def test_open_the_life_cycle_holds_stop_reading_stop_the_peer_s_clock(run, opened):
    async def scenario():
        connection = await opened()
        assert connection.link.keepalive.due() < NEVER
        await held(connection)
        assert connection.link.keepalive.due() == NEVER
        assert connection.handler.messages == ["WAIT"]
        await end(connection)

    run(scenario())


def test_open_a_turn_lasts_too_long_stop_reading_stop_the_peer_s_clock(run, opened, no_patience):
    async def scenario():
        connection = await opened()
        no_patience()
        link = connection.link
        link.received(connection.peer.encode("one", "two"))
        assert link.state is State.BEHIND
        assert link.keepalive.due() == NEVER
        assert connection.handler.messages == ["one"]
        await end(connection)

    run(scenario())


def test_held_the_life_cycle_resumes_read_again(run, opened):
    async def scenario():
        connection = await opened()
        link, peer = connection.link, connection.peer
        link.received(peer.encode("WAIT"))
        link.received(peer.encode("aaa"))
        await until(lambda: link.state is State.HELD)
        connection.link.turn()  # the parser is asked, and has nothing left
        peer.send("later")
        connection.handler.go_on.set()
        assert [await peer.next() for _ in range(3)] == ["WAIT", "aaa", "later"]
        assert link.state is State.OPEN
        assert link.keepalive.due() < NEVER
        await end(connection)

    run(scenario())


def test_held_it_resumes_with_messages_unread_ask_for_a_turn(run, opened):
    async def scenario():
        connection = await opened()
        link, peer = connection.link, connection.peer
        link.received(peer.encode("WAIT", "aaa", "b", "c"))
        assert link.state is State.HELD
        connection.handler.go_on.set()
        await until(lambda: link.state is not State.HELD)
        assert [await peer.next() for _ in range(4)] == ["WAIT", "aaa", "b", "c"]
        assert connection.handler.states == [
            State.OPEN,
            State.HELD,
            State.BEHIND,
            State.BEHIND,
        ]
        await end(connection)

    run(scenario())


def test_behind_a_turn_reads_all_messages_read_again(run, opened, no_patience):
    async def scenario():
        connection = await opened()
        no_patience()
        link, peer = connection.link, connection.peer
        link.received(peer.encode("one", "two", "three"))
        peer.send("four")
        assert [await peer.next() for _ in range(4)] == ["one", "two", "three", "four"]
        await until(lambda: link.state is State.OPEN)
        assert connection.handler.states[:3] == [State.OPEN, State.BEHIND, State.BEHIND]
        assert link.keepalive.due() < NEVER
        await end(connection)

    run(scenario())


def test_behind_the_life_cycle_holds_leave_the_rest_unread(run, opened, no_patience):
    async def scenario():
        connection = await opened()
        no_patience()
        link, peer = connection.link, connection.peer
        link.received(peer.encode("one", "WAIT", "aaa", "b"))
        assert link.state is State.BEHIND
        await until(lambda: link.state is State.HELD)
        assert connection.handler.messages == ["one", "WAIT"]
        connection.handler.go_on.set()
        assert [await peer.next() for _ in range(4)] == ["one", "WAIT", "aaa", "b"]
        await until(lambda: link.state is State.OPEN)
        await end(connection)

    run(scenario())


@pytest.mark.parametrize("state", [State.OPEN, State.HELD, State.BEHIND])
def test_not_lost_the_life_cycle_closes_send_our_close_read_again(run, opened, no_patience, state):
    async def scenario():
        connection = await opened()
        link, peer = connection.link, connection.peer
        if state is State.HELD:
            await held(connection)
        elif state is State.BEHIND:
            no_patience()
            link.received(peer.encode("one", "two"))
        assert link.state is state
        connection.handler.ref.stop(4001)
        while (event := await peer.next()) != Close(4001, ""):
            assert event in {"one", "two"}
        assert link.state is State.CLOSE_SENT
        peer.close(4001)
        await connection.over()

    run(scenario())


def test_close_sent_the_peer_s_close_comes_close_tcp(run, opened):
    async def scenario():
        connection = await opened()
        connection.handler.ref.stop()
        assert await connection.peer.next() == Close(1000, "")
        connection.peer.close()
        assert await connection.peer.next() is None
        await connection.over()

    run(scenario())


def test_close_sent_the_peer_has_broken_the_protocol_send_fin_read_to_the_end(run, opened):
    async def scenario():
        connection = await opened()
        peer = connection.peer
        peer.writer.write(b"\xff\x80mask")
        assert (await peer.next()).code == 1002
        assert await peer.next() is None
        assert connection.link.state is State.CLOSE_SENT
        peer.send("it is read, and ignored")
        peer.writer.close()
        await connection.over()
        assert connection.handler.messages == []

    run(scenario())


def test_close_sent_anything_else_comes_ignore_it(run, opened):
    async def scenario():
        connection = await opened()
        connection.handler.ref.stop()
        assert await connection.peer.next() == Close(1000, "")
        connection.peer.send("late", Ping(b"late"))
        connection.peer.close()
        assert await connection.peer.next() is None
        assert connection.handler.messages == connection.handler.controls == []
        await connection.over()

    run(scenario())


def test_close_sent_close_timeout_passes_cut_tcp(run, opened):
    async def scenario():
        connection = await opened(close_timeout=0.1)
        connection.handler.ref.stop()
        assert await connection.peer.next() == Close(1000, "")
        assert connection.link.state is State.CLOSE_SENT
        await connection.over()
        assert connection.link.state is State.LOST

    run(scenario())


def test_not_lost_the_peer_ends_tcp_tell_the_life_cycle_close_tcp(run, opened):
    async def scenario():
        connection = await opened()
        connection.peer.writer.write_eof()
        assert await connection.peer.next() is None
        await connection.over()
        assert connection.handler.reasons == [Remote(1006)]
        assert connection.link.state is State.LOST

    run(scenario())


def test_not_lost_tcp_is_lost_tell_the_life_cycle(run, opened):
    async def scenario():
        connection = await opened()
        connection.link.pipe.abort()
        await connection.over()
        assert connection.handler.reasons == [Remote(1006)]
        assert connection.link.state is State.LOST

    run(scenario())


def test_lost_the_life_cycle_is_over_call_on_over_free_everything(run, opened):
    async def scenario():
        connection = await opened()
        handler = connection.handler
        connection.peer.send("WAIT")
        await until(lambda: handler.messages)
        connection.link.abort()
        await until(lambda: connection.link.state is State.LOST)
        assert handler.reasons == []
        assert not connection.is_over
        handler.go_on.set()
        await connection.over()
        assert handler.reasons == [Remote(1006)]
        assert connection.link.lifecycle.cause is None

    run(scenario())
