"""The orderly end of whoever has connections."""

from __future__ import annotations

import asyncio

from sock.hosting.drain import drain


class Asking:
    def __init__(self, server):
        self.server = server

    def shutdown(self):
        self.server.pending.discard(self)

    def abort(self):
        raise AssertionError


class Stubborn:
    def __init__(self, server):
        self.server = server
        self.bounds = []

    def shutdown(self, timeout):
        self.bounds.append(timeout)

    def abort(self):
        self.server.links.discard(self)
        self.server.look()


class Server:
    def __init__(self):
        self.pending = {Asking(self)}
        self.links = {Stubborn(self)}
        self.empty = asyncio.Event()

    def look(self):
        if not self.pending and not self.links:
            self.empty.set()

    async def wait_empty(self):
        await self.empty.wait()


def test_time_is_kept_for_the_last_words_and_those_left_are_cut(run_async):
    async def act():
        server = Server()
        [stubborn] = server.links
        assert await drain(server, 0.04) == 1
        [bound] = stubborn.bounds
        assert 0 < bound <= 0.03
        assert not server.pending
        assert not server.links

    run_async(act())


def test_without_a_bound_it_waits(run_async):
    async def act():
        server = Server()
        [stubborn] = server.links
        draining = asyncio.ensure_future(drain(server, None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert stubborn.bounds == [None]
        stubborn.abort()
        assert await draining == 0

    run_async(act())
