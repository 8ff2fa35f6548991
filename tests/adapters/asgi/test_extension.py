"""What the extensions of a scope tell of the server."""

from __future__ import annotations

import pytest

from sock.adapters import asgi
from sock.adapters.asgi import event
from sock.adapters.asgi.extension import RESPONSE_EXTENSION, host_of, takeover_of


def test_a_server_that_keeps_its_socket_offers_no_takeover():
    assert takeover_of({}) is None
    assert takeover_of({"extensions": None}) is None
    assert takeover_of({"extensions": {"sock": {}}}) is None  # another extension of this name


@pytest.mark.parametrize(
    ("scope", "responses"),
    [
        ({"type": "http"}, True),
        ({"type": "websocket"}, False),
        ({"type": "websocket", "extensions": None}, False),
        ({"type": "websocket", "extensions": {RESPONSE_EXTENSION: {}}}, True),
    ],
)
def test_the_host_declares_its_refusals_where_the_server_cannot_send_them(scope, responses):
    """[S0.3] [S0.8]"""
    host = host_of(scope)
    assert host.name == "asgi"
    assert ("S1.2" not in host.declared) is responses
    assert host.declared == asgi.HOST.declared | (
        set() if responses else set(asgi.REFUSAL.statements)
    )


def test_every_request_of_a_server_has_the_same_host():
    """[S0.8]"""
    scope = {"type": "http", "path": "/", "headers": []}
    first, second = (event.request_of(dict(scope), mounted=True) for _ in range(2))
    assert first.host is second.host is asgi.HOST


def test_a_request_over_http_2_looks_like_one_of_http_1_1():
    """[S21.4]"""
    scope = {
        "type": "websocket",
        "http_version": "2",
        "scheme": "wss",
        "path": "/rooms/7",
        "headers": [(b"host", b"example.com"), (b"sec-websocket-version", b"13")],
        "subprotocols": ["chat"],
    }
    request = event.request_of(scope, mounted=True)
    assert (request.method, request.target, request.scheme) == ("GET", "/rooms/7", "https")
    assert request.http_version == "2"
    assert request.headers["host"] == "example.com"
    assert request.subprotocols == ["chat"]
