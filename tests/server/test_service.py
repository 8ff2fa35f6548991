"""An application that is served, and its connections."""

from __future__ import annotations

import asyncio

import pytest

from sock import Options, Sock
from sock.server.service import Service


class Connection:
    def shutdown(self):
        """Take it as done."""

    def abort(self):
        """Take it as done."""


def service(app=Sock, **options):
    return Service(app, options=Options(**options), health=None, debug=None)


def test_a_service_is_full_with_as_many_connections_as_there_may_be(run_async):
    async def act():
        served, connection, link = service(max_connections=2), Connection(), Connection()
        served.http_begun(connection)
        assert not served.is_full()
        served.link_made(link)
        assert served.is_full()
        assert served.connections == 1
        served.http_over(connection)
        assert not served.is_full()

    run_async(act())


def test_without_max_connections_a_service_is_never_full(run_async):
    async def act():
        served = service(max_connections=None)
        for _ in range(3):
            served.http_begun(Connection())
        assert not served.is_full()

    run_async(act())


def test_it_is_empty_when_the_last_connection_of_either_kind_is_over(run_async):
    async def act():
        served, connection, link = service(), Connection(), Connection()
        served.http_begun(connection)
        served.link_made(link)
        waiting = asyncio.ensure_future(served.wait_empty())
        await asyncio.sleep(0)
        served.link_over(link)
        await asyncio.sleep(0)
        assert not waiting.done()
        served.http_over(connection)
        await waiting

    run_async(act())


async def asgi(scope, receive, send):
    """Serve nothing."""


@pytest.mark.parametrize("app", [asgi, 7])
def test_what_is_no_application_is_refused_at_the_start(run_async, app):
    async def act():
        with pytest.raises(TypeError, match=r"ASGI application|cannot be called"):
            service(app)

    run_async(act())
