"""What a link and an engine connection have in common at their end."""

from __future__ import annotations

import asyncio

import pytest

from sock import Failed, Options, Request, Sock
from sock.live import EngineConnection
from sock.loop import Reactor


class Wire:
    """A wire that can be broken for one write, and notes how it ends."""

    pending = bytes_taken = 0

    def __init__(self):
        self.events = []
        self.breaks = None

    def send(self, message):
        pass

    def flush(self):
        breaks, self.breaks = self.breaks, None
        if breaks is not None:
            raise breaks

    def close(self, code, detail):
        self.events.append(code)

    def pause(self):
        pass

    def resume(self):
        pass

    def end(self):
        self.events.append("end")

    def cut(self):
        self.events.append("cut")


class Ends(Sock):
    reasons = ()

    def handle_info(self, info):
        return "an answer"

    def terminate(self, reason):
        self.reasons = (*self.reasons, reason)


@pytest.fixture
def living(run_async):
    """Run a test with a connection that lives, its wire, its handler and who was told the end."""

    def run(test):
        async def act():
            request = Request("GET", "/")
            wire, handler, over = Wire(), Ends(request), []
            reactor = Reactor.of(asyncio.get_running_loop())
            connection = EngineConnection(
                reactor, wire, request, handler, Options(), on_over=over.append
            )
            connection.begin()
            await test(connection, wire, handler, over)

        run_async(act())

    return run


def test_a_turn_that_fails_ends_the_connection_with_its_error(living):
    @living
    async def _(connection, wire, handler, over):
        wire.breaks = MemoryError
        connection.lifecycle.post("an info")
        with pytest.raises(MemoryError):
            connection.go_on()
        while not handler.reasons:
            await asyncio.sleep(0)
        [reason] = handler.reasons
        assert isinstance(reason, Failed)
        assert isinstance(reason.error, MemoryError)
        assert wire.events == [1011]
        connection.lost()
        assert over == [connection]


def test_an_error_that_cannot_even_be_reported_cuts_tcp(living):
    @living
    async def _(connection, wire, handler, over):
        def refuses(code, detail):
            raise MemoryError

        wire.close = refuses
        with pytest.raises(MemoryError):
            connection.end_broken(MemoryError())
        assert wire.events == ["cut"]


def test_an_interrupt_of_the_program_ends_no_connection(living):
    @living
    async def _(connection, wire, handler, over):
        connection.end_broken(KeyboardInterrupt())
        assert (wire.events, handler.reasons) == ([], ())


def test_it_is_told_as_over_once_when_tcp_and_the_life_cycle_have_ended(living):
    @living
    async def _(connection, wire, handler, over):
        connection.lost()
        connection.release()
        assert over == [connection]
        assert len(handler.reasons) == 1
