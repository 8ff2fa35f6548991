"""How another server sends the Close frame of a bridge."""

from __future__ import annotations

import asyncio
import gc

import pytest

from sock.live.close_sender import CloseSender, ignore_outcome
from sock.live.server_wire import QueuedClose


class Server:
    """A connection that can be closed; `how` says what comes of that."""

    def __init__(self, how=None):
        self.how = how
        self.closed = []
        self.given_up = False

    async def close(self, code, detail):
        self.closed.append((code, detail))
        if isinstance(self.how, Exception):
            raise self.how
        if self.how is not None:
            try:
                await self.how.wait()
            except asyncio.CancelledError:
                self.given_up = True
                raise


def over():
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def test_a_close_is_sent_once(run_async):
    async def act():
        server = Server()
        sender = CloseSender(server, asyncio.get_running_loop())
        sender.begin(QueuedClose(1013, "too slow"))
        sender.begin(QueuedClose(1000, ""))
        await sender.wait(over(), 1)
        assert server.closed == [(1013, "too slow")]

    run_async(act())


@pytest.mark.parametrize(
    ("error", "reported", "raised"),
    [
        (Exception("no such code"), True, True),
        (Exception("no such code"), False, False),
        (ConnectionResetError(), True, False),
    ],
)
def test_a_refusal_is_raised_if_it_is_to_be_reported_and_the_loss_of_the_peer_is_not(
    run_async, error, reported, raised
):
    async def act():
        server = Server(error)
        sender = CloseSender(server, asyncio.get_running_loop())
        sender.begin(QueuedClose(1012, ""), report_refusal=reported)
        if raised:  # at once, whatever is under way
            with pytest.raises(Exception, match="no such code"):
                await sender.wait(asyncio.get_running_loop().create_future(), 1)
        else:
            await sender.wait(over(), 1)
        assert server.closed == [(1012, "")]

    run_async(act())


def test_a_server_that_waits_in_its_close_is_given_up(run_async):
    async def act():
        server = Server(asyncio.Event())
        sender = CloseSender(server, asyncio.get_running_loop())
        sender.begin(QueuedClose(1012, ""), timeout=0.01)
        await sender.wait(over(), 30)
        assert server.given_up

    run_async(act())


def test_the_outcome_of_a_task_that_failed_or_was_cancelled_is_ignored(run_async):
    async def act():
        async def fails():
            raise LookupError

        reported = []
        asyncio.get_running_loop().set_exception_handler(lambda _, said: reported.append(said))
        failed, cancelled = asyncio.ensure_future(fails()), asyncio.ensure_future(asyncio.sleep(9))
        cancelled.cancel()
        await asyncio.wait({failed, cancelled})
        for task in (failed, cancelled):
            ignore_outcome(task)
        del task, failed, cancelled  # asyncio reports an exception that nobody has taken
        gc.collect()
        assert reported == []

    run_async(act())
