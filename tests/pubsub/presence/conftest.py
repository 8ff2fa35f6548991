"""What tests of presence share: processes that see each other over a backend, and can be cut off.

Each of them is a PubSub and a Presence in the event loop of the test, with a backend of its own, so
that to the others it is what another process is.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from sock import Shutdown, telemetry
from sock.pubsub import Presence, PubSub, State
from sock.pubsub import pubsub as module
from sock.pubsub.backends import choice

BOUND = 30.0
LEASE = 1.0


@pytest.fixture
def wait_until():
    """Wait until something is so."""

    async def wait(true):
        async with asyncio.timeout(BOUND):
            while not true():
                await asyncio.sleep(0.005)

    return wait


class Ref:
    """The address of a connection of a test."""

    def __init__(self):
        self.infos = []
        self.request = SimpleNamespace()

    def send(self, info):
        self.infos.append(info)

    def add_done_callback(self, callback):
        self.end = callback

    def shut_down(self):
        """End as the server does when it stops."""
        telemetry.emit("connection.closed", request=self.request, reason=Shutdown())
        self.end()


def replayed(infos):
    """Return what a client would show that has got these, and each key that it has lost."""
    present, lost = {}, set()
    for info in infos:
        if isinstance(info, State):
            present = {key: {meta.ref for meta in metas} for key, metas in info.present.items()}
            continue
        for key, metas in info.joins.items():
            present.setdefault(key, set()).update(meta.ref for meta in metas)
        for key, metas in info.leaves.items():
            present.setdefault(key, set()).difference_update(meta.ref for meta in metas)
        gone = {key for key, refs in present.items() if not refs}
        lost |= gone
        for key in gone:
            del present[key]
    return present, lost


class Link:
    """A real backend that can be cut: then nothing comes through, in either direction."""

    def __init__(self, backend):
        self._backend = backend
        self.is_cut = False

    async def run(self, receiver):
        self._receiver = receiver
        await self._backend.run(self)

    async def subscribe(self, topic):
        await self._backend.subscribe(topic)

    def unsubscribe(self, topic):
        self._backend.unsubscribe(topic)

    def publish(self, topic, data):
        return None if self.is_cut else self._backend.publish(topic, data)

    def received(self, topic, data):
        if not self.is_cut:
            self._receiver.received(topic, data)

    def __getattr__(self, name) -> Any:
        return getattr(self._receiver, name)  # what else a receiver is


class Process:
    """A process as others see it."""

    def __init__(self, url, kind=None, **settings):
        self.rooms: PubSub[str | bytes] = PubSub(url)
        self.link = Link.__new__(Link)
        self.presence = Presence(self.rooms, kind, **{"lease": LEASE} | settings)

    def __getattr__(self, name) -> Any:
        return getattr(self.presence, name)

    def keys(self, topic="room"):
        return sorted(self.presence.list(topic))

    def metas(self, topic="room"):
        return [meta for metas in self.presence.list(topic).values() for meta in metas]


@pytest.fixture
def folder():
    made = tempfile.mkdtemp()  # a path of pytest's own may be too long for a socket
    yield made
    shutil.rmtree(made)


@pytest.fixture
def processes(folder, monkeypatch):
    """Make so many processes on `host:`, or on another backend."""
    links = []

    def linked(url):
        make = choice.backend_of(url)

        def made():
            links.append(Link(make()))
            return links[-1]

        return None if make is None else made

    monkeypatch.setattr(module, "backend_of", linked)

    @contextlib.asynccontextmanager
    async def made(number=1, url=f"host:{folder}", **settings) -> AsyncIterator[list[Process]]:
        async with contextlib.AsyncExitStack() as stack:
            ones = []
            for _ in range(number):
                ones.append(Process(url, **settings))
                await stack.enter_async_context(ones[-1].rooms)
                ones[-1].link = links[-1] if links else None
                await stack.enter_async_context(ones[-1].presence)
            yield ones

    return made


@pytest.fixture
def in_loop():
    """Run the body of a test."""

    def run(body):
        asyncio.run(asyncio.wait_for(body(), 50))

    return run
