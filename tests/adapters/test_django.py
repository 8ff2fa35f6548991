"""Django: WebSockets beside its HTTP application, behind its sessions and users."""

from __future__ import annotations

import asyncio

import pytest
import websockets

import sock
from sock import Refuse, Response, Sock

django = pytest.importorskip("django")
pytest.importorskip("channels")

from django.conf import settings

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # SQLite's, at the very end

PATTERNS = []


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory):
    """Set up a project of one module, with a database that has one user in it."""
    if not settings.configured:
        settings.configure(
            DEBUG=False,
            SECRET_KEY="of a test",
            ALLOWED_HOSTS=["127.0.0.1", "ours.example", ".shop.example"],
            CSRF_TRUSTED_ORIGINS=["https://trusted.example"],
            ROOT_URLCONF="sock_django_urls",
            INSTALLED_APPS=[
                "django.contrib.contenttypes",
                "django.contrib.auth",
                "django.contrib.sessions",
            ],
            MIDDLEWARE=[
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
            ],
            DATABASES={
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": tmp_path_factory.mktemp("django") / "db.sqlite3",
                    "TEST": {"NAME": None},
                }
            },
        )
        django.setup()
        import sys
        import types

        from django.http import HttpResponse
        from django.urls import path

        urls = types.ModuleType("sock_django_urls")
        urls.urlpatterns = [path("", lambda _: HttpResponse("the site"))]
        sys.modules["sock_django_urls"] = urls
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from django.contrib.auth.models import User

        User.objects.create_user("ada", password="of a test")
        from django.db import connections

        connections.close_all()


@pytest.fixture
def cookie():
    """Log ada in, as Django's own view would; return the cookie of her session."""
    from django.contrib.auth.models import User
    from django.db import connections
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="ada"))
    connections.close_all()
    return client.cookies["sessionid"].value


class Who(Sock):
    def __init__(self, user, room):
        self.user, self.room = user, room

    async def handle_in(self, message):
        from django.contrib.auth.models import User

        return f"{self.user} in {self.room}, one of {await User.objects.acount()}"


@pytest.fixture
def application():
    from django.core.asgi import get_asgi_application
    from django.urls import path

    from sock.adapters.django import with_sockets

    async def room(request, room):
        return Who(request.user, room)

    async def members(request):
        user = await request.auser()
        if not user.is_authenticated:
            raise Refuse(401, "log in")
        request.session["seen"] = True
        return Who(user, request.resolver_match.route)

    def plain(request):
        return Response(200, f"hello {request.sock.path}")

    return with_sockets(
        get_asgi_application(),
        [
            path("rooms/<slug:room>/", room),
            path("members/", members),
            path("plain/", plain),
        ],
    )


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


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("ours.example", None, None),
        ("ours.example", "https://ours.example", None),
        ("ours.example", "https://eu.shop.example", None),
        ("ours.example", "https://trusted.example", None),
        ("ours.example", "https://evil.example", 403),
        ("ours.example", "null", 403),
        ("evil.example", "https://evil.example", 400),
    ],
)
def test_pages_of_allowed_hosts_are_let_in(
    run_async, uvicorn_serving, application, host, origin, status
):
    async def act():
        async with uvicorn_serving(application) as served:
            connecting = websockets.connect(
                f"ws://{host}:{served.port}/rooms/red/",
                host="127.0.0.1",
                origin=origin,
            )
            if status is None:
                async with connecting:
                    return
            with pytest.raises(websockets.InvalidStatus) as refused:
                await connecting
            assert refused.value.response.status_code == status

    run_async(act())


def test_channels_test_client_works_against_it(run_async, application):
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


def test_an_open_socket_holds_no_connection_to_the_database(
    run_async, uvicorn_serving, application, monkeypatch
):
    from asgiref.sync import sync_to_async
    from django.db import connection

    from sock.adapters import django as adapter

    monkeypatch.setattr(adapter, "_LINGER", 0.01)

    async def is_open():
        return await sync_to_async(lambda: connection.connection is not None)()

    async def act():
        async with uvicorn_serving(application) as host:
            url = f"ws://127.0.0.1:{host.port}/rooms/red/"
            async with websockets.connect(url) as client:
                await client.send("who?")
                await client.recv()
                while await is_open():
                    await asyncio.sleep(0.01)
                await client.send("who?")
                assert (await client.recv()).endswith("one of 1")

    run_async(act())


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
