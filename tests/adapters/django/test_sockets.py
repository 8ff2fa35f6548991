"""Django: WebSockets beside its HTTP application, behind its sessions and users."""

from __future__ import annotations

import asyncio

import pytest
import websockets

import sock
from sock import Response

django = pytest.importorskip("django")
pytest.importorskip("channels")
from django.conf import settings

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # SQLite's, at the very end


from tests.adapters.django.project import Who


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
def test_a_socket_has_its_user_and_the_orm(run_async, uvicorn_serving, application, cookie, ws):
    async def act():
        async with uvicorn_serving(application, ws=ws) as host:
            url = f"ws://127.0.0.1:{host.port}"
            async with websockets.connect(f"{url}/rooms/red/") as client:
                await client.send("who?")
                assert await client.recv() == "AnonymousUser in red, one of 1"
            headers = {"Cookie": f"sessionid={cookie}"}
            async with websockets.connect(f"{url}/members/", additional_headers=headers) as client:
                await client.send("who?")
                assert await client.recv() == "ada in members/, one of 1"
            for path, status in (("members", 401), ("nowhere", 404), ("plain", 200)):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"{url}/{path}/")
                assert refused.value.response.status_code == status

    run_async(act())


def test_all_else_is_djangos(run_async, uvicorn_serving, application):
    aiohttp = pytest.importorskip("aiohttp")

    async def act():
        async with (
            uvicorn_serving(application) as host,
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{host.port}/") as answer,
        ):
            assert await answer.text() == "the site"

    run_async(act())


def test_a_lifespan_is_entered_beside_djangos_application(run_async, uvicorn_serving):
    """[S19.4] [S19.6]"""
    from contextlib import asynccontextmanager

    from django.core.asgi import get_asgi_application
    from django.urls import path

    from sock.adapters.django import with_sockets

    journal = []

    @asynccontextmanager
    async def lifespan():
        journal.append("enters")
        yield {"pool": "a pool"}
        journal.append("leaves")

    async def view(request):
        return Response(200, request.sock.state["pool"])

    application = with_sockets(get_asgi_application(), [path("", view)], lifespan=lifespan)

    async def act():
        async with uvicorn_serving(application) as served:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{served.port}/")
            assert refused.value.response.body == b"a pool"
        assert journal == ["enters", "leaves"]

    run_async(act())


def test_pipes_test_client_works_against_it(run_async, application):
    from channels.testing import WebsocketCommunicator

    async def act():
        client = WebsocketCommunicator(
            application, "/rooms/red/", headers=[(b"host", b"127.0.0.1")]
        )
        connected, _ = await client.connect()
        assert connected
        await client.send_to("who?")
        assert (await client.receive_from()).startswith("AnonymousUser in red")
        await client.disconnect()

    run_async(act())


def test_static_files_are_served_beside_the_sockets(run_async, uvicorn_serving, tmp_path):
    """As `runserver` does, which serves no sockets."""
    import http.client

    from django.contrib.staticfiles.finders import get_finder
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
    from django.core.asgi import get_asgi_application
    from django.test import override_settings
    from django.urls import path

    from sock.adapters.django import with_sockets

    (tmp_path / "chat.css").write_text("body { color: teal }")
    apps = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]

    async def view(request):
        return Who("ada", "it")

    def fetched(port, path):
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request("GET", path)
        body = client.getresponse().read()
        client.close()
        return body

    async def act():
        site = ASGIStaticFilesHandler(get_asgi_application())
        application = with_sockets(site, [path("it/", view)])
        async with uvicorn_serving(application) as host:
            found = await asyncio.to_thread(fetched, host.port, "/static/chat.css")
            assert found == b"body { color: teal }"
            assert await asyncio.to_thread(fetched, host.port, "/") == b"the site"
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/it/") as client:
                await client.send("who?")
                assert "ada in it" in await client.recv()

    get_finder.cache_clear()
    with override_settings(
        DEBUG=True, INSTALLED_APPS=apps, STATIC_URL="/static/", STATICFILES_DIRS=[tmp_path]
    ):
        run_async(act())
    get_finder.cache_clear()


def test_a_stop_drains(run_async, uvicorn_serving, application):
    async def act():
        async with uvicorn_serving(application, ws="websockets-sansio") as host:
            client = await websockets.connect(f"ws://127.0.0.1:{host.port}/rooms/red/")
            await host.stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())


def test_it_is_imported_by_nothing_else():
    assert "django" not in sock.__dict__


def test_views_answer_with_handlers_behind_wrappers_and_see_the_values_of_the_route(
    run_async, uvicorn_serving
):
    """[S20.9] [S20.20]"""
    from sock.adapters.django import path, with_sockets
    from tests.adapters.test_hosted_application_composition import (
        Where,
        handler,
        try_wrappers,
        where,
    )

    async def refuses_http(scope, receive, send):
        raise AssertionError(scope)

    patterns = [
        path("one/<int:n>", lambda request, n: handler("one")),
        path("two/<int:n>", lambda request, n: handler("two")),
        path("where/<int:n>", lambda request, n: Where(request.sock)),
    ]

    async def act():
        async with uvicorn_serving(with_sockets(refuses_http, patterns)) as server:
            url = f"ws://127.0.0.1:{server.port}"
            await try_wrappers(url)
            assert await where(f"{url}/where/7") == "|/where/7|{'n': 7}"

    run_async(act())
