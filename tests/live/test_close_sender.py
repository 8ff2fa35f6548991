"""How a Close is said by a server that is not ours."""

from __future__ import annotations

import asyncio

import pytest

from sock.live.close_sender import CloseSender
from sock.live.server_wire import Closing


class Server:
    """A connection that can be closed; `how` says what comes of that."""

    def __init__(self, how=None):
        self.how = how
        self.said = []

    async def close(self, code, detail):
        self.said.append((code, detail))
        if isinstance(self.how, Exception):
            raise self.how
        if self.how is not None:
            await self.how.wait()


def over():
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def test_a_close_is_said_once(run_async):
    async def act():
        server = Server()
        farewell = CloseSender(server, asyncio.get_running_loop())
        farewell.begin(Closing(1013, "too slow"))
        farewell.begin(Closing(1000, ""))
        await farewell.wait(over(), 1)
        assert server.said == [(1013, "too slow")]

    run_async(act())


@pytest.mark.parametrize(
    ("error", "heeded", "raised"),
    [
        (Exception("no such code"), True, True),
        (Exception("no such code"), False, False),
        (ConnectionResetError(), True, False),
    ],
)
def test_a_refusal_is_raised_where_it_is_heeded_and_the_loss_of_the_peer_is_not(
    run_async, error, heeded, raised
):
    async def act():
        farewell = CloseSender(Server(error), asyncio.get_running_loop())
        farewell.begin(Closing(1012, ""), heeded=heeded)
        if raised:  # at once, whatever is under way
            with pytest.raises(Exception, match="no such code"):
                await farewell.wait(asyncio.get_running_loop().create_future(), 1)
        else:
            await farewell.wait(over(), 1)

    run_async(act())


def test_what_the_server_waits_for_is_given_up(run_async):
    async def act():
        farewell = CloseSender(Server(asyncio.Event()), asyncio.get_running_loop())
        farewell.begin(Closing(1012, ""), within=0.01)
        await farewell.wait(over(), None)

    run_async(act())
