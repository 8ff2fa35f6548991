"""`upgrade` in an ordinary view of Django's, on a WSGI server."""

from __future__ import annotations

import socket
import sys
import types
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus

from sock import Options, Sock
from tests.adapters.peers import HANDSHAKE
from tests.adapters.wsgi.conftest import background as background
from tests.adapters.wsgi.conftest import connect as connect
from tests.adapters.wsgi.conftest import werkzeug as werkzeug

django = pytest.importorskip("django")
BOUND = 15.0

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # SQLite's, at the very end


class Counts(Sock):
    def __init__(self, user, room):
        self.user, self.room = user, room

    def init(self, ref):
        self.ref = ref

    async def handle_in(self, message):
        from django.contrib.auth.models import User

        seen = self.ref.request.path_params["room"]
        return f"{self.user} in {seen}, one of {await User.objects.acount()}"


@pytest.fixture
def site(werkzeug, settings_of_site):
    """Serve the project with WSGI, a view of WebSockets among its ordinary views."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.urls import clear_url_caches, path
    from django.views.decorators.vary import vary_on_cookie

    from sock.adapters.django import upgrade

    @vary_on_cookie
    def room(request, room):
        if room == "secret":
            return HttpResponse(status=401)
        request.session["rooms"] = [*request.session.get("rooms", []), room]
        limits = Options(origins="https://listed.example")
        return upgrade(request, Counts(request.user, room), limits, headers={"X-Own": room})

    urls = types.ModuleType("sock_wsgi_urls")
    urls.urlpatterns = [
        path("rooms/<room>/", room),
        path("pages/", lambda _: HttpResponse("a page")),
    ]
    sys.modules["sock_wsgi_urls"] = urls
    settings_of_site.ROOT_URLCONF = "sock_wsgi_urls"
    clear_url_caches()
    with werkzeug(WSGIHandler()) as port:
        yield port
    clear_url_caches()


@pytest.fixture
def settings_of_site():
    from django.test import override_settings

    with override_settings():
        from django.conf import settings

        yield settings


def test_a_view_upgrades_behind_all_middleware_of_the_project(site, connect):
    url = f"ws://127.0.0.1:{site}/rooms/red/"
    client = connect(url)
    headers = client.response.headers
    assert headers["Set-Cookie"].startswith("sessionid=")
    assert (headers["X-Own"], headers["Vary"]) == ("red", "Cookie")
    assert "Content-Type" not in headers
    client.send("who?")
    told = client.recv(timeout=BOUND)
    assert told.startswith("AnonymousUser in red, one of ")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://trusted.example", 101),
        ("https://listed.example", 101),
        ("https://evil.example", 403),
    ],
)
def test_pages_connect_that_django_or_the_options_know(site, connect, origin, status):
    url = f"ws://127.0.0.1:{site}/rooms/red/"
    if status == 101:
        assert connect(url, origin=origin).response.status_code == 101
        return
    with pytest.raises(InvalidStatus) as refused:
        connect(url, origin=origin)
    assert refused.value.response.status_code == status


def test_a_view_refuses_in_its_own_words_and_an_ordinary_get_is_a_426(site, connect):
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{site}/rooms/secret/")
    assert refused.value.response.status_code == 401
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(f"http://127.0.0.1:{site}/rooms/red/", timeout=BOUND)
    with answer.value as told:
        assert told.status == 426
    with urllib.request.urlopen(f"http://127.0.0.1:{site}/pages/", timeout=BOUND) as page:
        assert page.read() == b"a page"


def test_a_refused_handshake_is_the_last_request_of_its_connection(site):
    """[S14.4]"""
    with socket.create_connection(("127.0.0.1", site)) as peer:
        peer.settimeout(BOUND)
        asked = HANDSHAKE.replace(b"GET / ", b"GET /rooms/red/ ").replace(b": 13", b": 8")
        peer.sendall(asked + b"GET /pages/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        received = b""
        while bits := peer.recv(4096):
            received += bits
    assert received.startswith(b"HTTP/1.1 426 ")
    assert received.count(b"HTTP/1.1 ") == 1


def test_one_view_serves_with_sockets_too_and_a_view_of_asgi_is_told(run_async, serve):
    from django.core.handlers.asgi import ASGIRequest

    from sock.adapters.django import SocketRequest, upgrade

    assert upgrade(SocketRequest.__new__(SocketRequest), Counts("ada", "red")).handler.room == "red"
    with pytest.raises(TypeError, match="the views of urlpatterns get no WebSockets"):
        upgrade(ASGIRequest.__new__(ASGIRequest), Counts("ada", "red"))
