"""The ORM's threads, and their connections to the database."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest
import websockets

from sock import Sock
from tests.live_bridge import until

django = pytest.importorskip("django")
pytest.importorskip("channels")


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # SQLite's, at the very end


@pytest.fixture
def opened(monkeypatch):
    """Have connections to the database looked at often; give those that are opened."""
    from django.db.backends.signals import connection_created

    from sock.adapters.django import threads

    monkeypatch.setattr(threads, "_LOOK_AFTER", 0.01)
    seen = []

    def note(connection, **_):
        seen.append(connection)

    connection_created.connect(note)
    yield seen
    connection_created.disconnect(note)


async def all_closed(connections):
    await until(lambda: all(one.connection is None for one in connections))


def test_an_open_socket_holds_no_connection_to_the_database(
    run_async, uvicorn_serving, application, opened
):
    async def act():
        async with uvicorn_serving(application) as host:
            url = f"ws://127.0.0.1:{host.port}/rooms/red/"
            async with websockets.connect(url) as client:
                for _ in range(2):
                    await client.send("who?")
                    assert (await client.recv()).endswith("one of 1")
                    assert opened
                    await all_closed(opened)

    run_async(act())


class Temporary(Sock):
    """Makes a temporary table, which is gone with its connection, and reads it when it may."""

    go = None

    async def handle_in(self, message):
        from asgiref.sync import sync_to_async
        from django.db import connection

        def execute(statement):
            with connection.cursor() as cursor:
                return cursor.execute(statement).fetchall()

        await sync_to_async(execute)("CREATE TEMPORARY TABLE kept AS SELECT 42 AS number")
        yield "made"
        await self.go.wait()
        yield str(await sync_to_async(execute)("SELECT number FROM kept"))


def test_no_connection_is_closed_under_a_callback_that_is_under_way(run_async, serve, opened):
    async def view(request):
        return Temporary(request.sock)

    async def act():
        Temporary.go = asyncio.Event()
        async with serve(view) as url, websockets.connect(url) as client:
            await client.send("begin")
            assert await client.recv() == "made"
            for _ in range(3):  # others come and go, and are looked after
                async with websockets.connect(url):
                    await asyncio.sleep(0.02)  # the time of two looks: nothing tells of a look
            Temporary.go.set()
            assert await client.recv() == "[(42,)]"
            await all_closed(opened)

    run_async(act())


def test_a_connection_that_has_broken_is_closed_under_a_task_that_never_ends(
    run_async, serve, opened, monkeypatch
):
    from django.db.backends.sqlite3.base import DatabaseWrapper

    monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda _: False)  # SQLite's always are

    class Breaks(Sock):
        async def handle_in(self, message):
            from asgiref.sync import sync_to_async
            from django.db import DatabaseError, connection

            def break_it():
                try:
                    connection.cursor().execute("SELECT nothing")
                except DatabaseError:
                    return "broken"

            yield await sync_to_async(break_it)()
            await asyncio.Event().wait()

    async def view(request):
        return Breaks(request.sock)

    async def act():
        async with serve(view) as url, websockets.connect(url) as client:
            await client.send("begin")
            assert await client.recv() == "broken"
            await all_closed(opened)

    run_async(act())


def test_sockets_use_the_orm_side_by_side(run_async, serve):
    from asgiref.sync import sync_to_async

    both = threading.Barrier(2)

    class Meets(Sock):
        async def handle_in(self, message):
            await sync_to_async(both.wait)(10)
            return message

    async def view(request):
        return Meets(request.sock)

    async def act():
        async with (
            serve(view) as url,
            websockets.connect(url) as one,
            websockets.connect(url) as other,
        ):
            await one.send("hello")
            await other.send("hello")
            assert [await one.recv(), await other.recv()] == ["hello", "hello"]

    run_async(act())


def test_one_callback_has_one_thread_and_all_have_a_few(run_async, serve):
    from asgiref.sync import sync_to_async

    class Which(Sock):
        async def handle_in(self, message):
            first = await sync_to_async(threading.get_ident)()
            yield str(first)
            assert first == await sync_to_async(threading.get_ident)()
            await asyncio.Event().wait()

    async def view(request):
        return Which(request.sock)

    async def act():
        async with serve(view) as url, contextlib.AsyncExitStack() as stack:
            used = set()
            for _ in range(20):
                client = await stack.enter_async_context(websockets.connect(url))
                await client.send("which?")
                used.add(await client.recv())
            assert len(used) == 8

    run_async(act())


def test_in_djangos_own_tests_the_orm_stays_in_their_thread(application, opened):
    from asgiref.sync import async_to_sync
    from channels.testing import WebsocketCommunicator
    from django.db import connections

    async def act():
        client = WebsocketCommunicator(
            application, "/rooms/red/", headers=[(b"host", b"127.0.0.1")]
        )
        await client.connect()
        await client.send_to("who?")
        await client.receive_from()
        await client.disconnect()

    async_to_sync(act)()
    mine = connections["default"]
    assert opened == [mine]
    assert mine.connection is not None, "whose it is closes it"
    mine.close()
