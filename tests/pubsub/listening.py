"""What tests of topics share: an address that notes what it is sent, and a message on its way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sock.pubsub import PubSub
from sock.pubsub.backends.choice import backend_of


class Ref:
    """The address of a connection of a test."""

    def __init__(self):
        self.heard = []

    def send(self, info):
        self.heard.append(getattr(info, "message", info))  # what is attached gets it prepared

    def add_done_callback(self, callback):
        self.end = callback

    @property
    def texts(self):
        """Return the messages without the gaps."""
        return [one for one in self.heard if isinstance(one, str)]


async def until(true):
    """Wait until something is so."""
    while not true():
        await asyncio.sleep(0.005)


def in_loop(body, bound=100):
    """Run a coroutine, and not for ever."""
    asyncio.run(asyncio.wait_for(body, bound))


async def carries(url):
    """Have a message go from one PubSub to another one."""
    async with PubSub(url, require=True) as one, PubSub(url, require=True) as two:
        ref = Ref()
        await one.subscribe("room", ref)
        await two.broadcast("room", "hello")
        await until(lambda: ref.heard)
        assert ref.heard == ["hello"]


def files():
    """Return how many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def ends_beside_a_stopped(server, url):
    """See that a PubSub ends and leaves no socket, though its server does not answer."""
    before = files()
    async with PubSub(url, require=True):
        server.pause()
    await until(lambda: files() <= before)


def refuses_address(url, why):
    """See that an address is refused with one line that shows no password."""
    with pytest.raises(ValueError, match=why) as raised:
        backend_of(url)
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)
