"""The orderly end of whoever has connections."""

from __future__ import annotations

import asyncio

from sock.hosting.drain import drain


class StillHttp:
    def __init__(self, server):
        self.server = server

    def shutdown(self):
        self.server.http_connections.discard(self)

    def abort(self):
        raise AssertionError


class Stubborn:
    def __init__(self, server):
        self.server = server
        self.bounds = []

    def shutdown(self, timeout):
        self.bounds.append(timeout)

    def abort(self):
        self.server.live_connections.discard(self)
        self.server.look()


class Server:
    def __init__(self):
        self.http_connections = {StillHttp(self)}
        self.live_connections = {Stubborn(self)}
        self.empty = asyncio.Event()

    def look(self):
        if not self.http_connections and not self.live_connections:
            self.empty.set()

    async def wait_empty(self):
        await self.empty.wait()


def test_time_is_kept_for_the_last_words_and_those_left_are_cut(run_async):
    async def act():
        server = Server()
        [stubborn] = server.live_connections
        assert await drain(server, 0.04) == 1
        [bound] = stubborn.bounds
        assert 0 < bound <= 0.03
        assert not server.http_connections
        assert not server.live_connections

    run_async(act())


def test_without_a_bound_it_waits(run_async):
    async def act():
        server = Server()
        [stubborn] = server.live_connections
        draining = asyncio.ensure_future(drain(server, None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert stubborn.bounds == [None]
        stubborn.abort()
        assert await draining == 0

    run_async(act())
