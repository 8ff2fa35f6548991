"""Pages that may open a WebSocket, by Django's settings and by options."""

from __future__ import annotations

import pytest
import websockets

import sock
from sock import Sock

django = pytest.importorskip("django")
pytest.importorskip("channels")


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # SQLite's, at the very end


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("ours.example", None, None),
        ("ours.example", "https://ours.example", None),
        ("ours.example", "https://eu.shop.example", None),
        ("ours.example", "https://trusted.example", None),
        ("ours.example", "https://evil.example", 403),
        ("ours.example", "https://eu.partner.example", None),
        ("ours.example", "http://eu.partner.example", 403),
        ("ours.example", "https://evilpartner.example", 403),
        ("ours.example", "http://[::1", 403),
        ("ours.example", "https://ours.example/no/origin", 403),
        ("ours.example", "https://ours.example:", None),
        ("ours.example", "https://eu!.shop.example", None),
        ("ours.example", "https://listed.example", None),
        ("ours.example", "moz-extension://f1b2", None),
        ("ours.example", "https://asked.example", None),
        ("ours.example", "https://fault.example", 500),
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


class Embedded(Sock):
    """A class whose options let another site's pages in, beside those of ALLOWED_HOSTS."""

    options = sock.Options(origins="https://listed.example")

    def handle_in(self, message):
        return message


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("class", "https://listed.example", None),
        ("class", "https://eu.shop.example", None),
        ("class", "https://evil.example", 403),
        ("view", "https://eu.shop.example", None),
        ("view", "https://listed.example", 403),  # before the view is asked, for its session
        ("nowhere", "https://listed.example", 403),
        ("nowhere", "https://eu.shop.example", 404),
    ],
)
def test_the_options_of_a_class_count_in_place_of_a_view(
    run_async, uvicorn_serving, path, origin, status
):
    """[S19.2]"""
    from django.core.asgi import get_asgi_application
    from django.urls import path as route

    from sock.adapters.django import with_sockets

    async def view(request):
        return Embedded(request.sock)

    patterns = [route("class/", Embedded), route("view/", view)]
    application = with_sockets(get_asgi_application(), patterns)

    async def act():
        async with uvicorn_serving(application) as served:
            connecting = websockets.connect(
                f"ws://ours.example:{served.port}/{path}/", host="127.0.0.1", origin=origin
            )
            if status is None:
                async with connecting as client:
                    await client.send("hi")
                    assert await client.recv() == "hi"
            else:
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await connecting
                assert refused.value.response.status_code == status

    run_async(act())
