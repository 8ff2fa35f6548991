"""Conversion between ASGI and Sock."""

from __future__ import annotations

import pytest

from sock import Prepared, Remote, Response, Shutdown, Text, Upgrade, testing
from sock.adapters.asgi import event
from sock.engine import cause
from sock.spec import Sock

SCOPE = {
    "type": "websocket",
    "path": "/rooms/7 b",
    "raw_path": b"/rooms/7%20b",
    "query_string": b"name=ada",
    "headers": [[b"host", b"here"], (b"cookie", b"a=1")],
    "scheme": "wss",
    "http_version": "2",
    "client": ["10.0.0.1", 5000],
    "server": ("10.0.0.2", 443),
    "path_params": {"room": 7},
    "state": {"pool": "of the lifespan"},
}


def test_a_scope_is_a_request():
    request = event.request_of(SCOPE, mounted=False)
    assert (request.method, request.target) == ("GET", "/rooms/7%20b?name=ada")
    assert request.path == "/rooms/7 b"
    assert request.query["name"] == "ada"
    assert request.headers["host"] == "here"
    assert request.cookies["a"] == "1"
    assert (request.scheme, request.http_version) == ("https", "2")
    assert (request.client, request.server) == (("10.0.0.1", 5000), ("10.0.0.2", 443))
    assert request.path_params == {"room": 7}
    assert request.state["pool"] == "of the lifespan"
    assert request.state["asgi.scope"] is SCOPE


def test_what_a_server_leaves_out_is_made_up_or_none():
    request = event.request_of(
        {"type": "http", "method": "HEAD", "path": "/é b", "headers": []}, mounted=False
    )
    assert (request.method, request.target) == ("HEAD", "/%C3%A9%20b")
    assert (request.scheme, request.http_version) == ("http", "1.1")
    assert request.client is None
    assert request.server is None


@pytest.mark.parametrize(
    ("root", "path", "seen"),
    [
        ("", "/a/b", "/a/b"),
        ("/a", "/a/b", "/b"),
        ("/a", "/a", "/"),
        ("/a", "/ab", "/ab"),
        ("/a b", "/a b/c", "/c"),
    ],
)
def test_mounted_it_is_the_rest_of_the_path(root, path, seen):
    scope = {"type": "http", "root_path": root, "path": path, "headers": []}
    assert event.request_of(scope, mounted=True).path == seen


@pytest.mark.parametrize("mounted", [False, True])
@pytest.mark.parametrize(
    ("root", "path", "root_path", "rest"),
    [
        ("/chat", "/chat/rooms/7", "/chat", "/rooms/7"),
        ("/a b/", "/a b/c d", "/a b", "/c d"),
        ("/chat", "/chat", "/chat", "/"),
        ("/api", "/rooms/7", "/api", "/rooms/7"),  # a proxy has left it out
        ("", "/rooms/7", "", "/rooms/7"),
    ],
)
def test_the_root_path_is_not_in_the_path(mounted, root, path, root_path, rest):
    """[S20.20]"""
    scope = {"type": "websocket", "root_path": root, "path": path, "headers": []}
    request = event.request_of(scope, mounted=mounted)
    assert (request.root_path, request.path) == (root_path, rest)


def test_subprotocols_are_found_where_only_the_scope_has_them():
    scope = SCOPE | {"subprotocols": ["a", "b"]}
    assert event.request_of(scope, mounted=False).subprotocols == ["a", "b"]


def received(version, told, run_async):
    async def receive():
        return told

    async def send(_):
        raise AssertionError

    wire = event.AsgiWire({"asgi": {"spec_version": version}}, receive, send)
    return run_async(wire.receive())


@pytest.mark.parametrize(
    ("version", "told", "expected"),
    [
        ("2.0", {"code": 1001}, Remote(1001)),
        ("2.0", {}, Remote(1005)),
        ("2.0", {"code": 1005}, Remote(1005)),
        ("2.4", {"code": 1000, "reason": "bye"}, Remote(1000, "bye")),
        ("2.4", {"code": 1005, "reason": None}, Remote(1005)),
        ("2.4", {"code": 1005}, Remote(1006)),
        ("2.4", {"code": 1012}, Shutdown()),
        ("2.4", {"code": 1012, "reason": ""}, Remote(1012)),
    ],
)
def test_how_a_connection_has_ended(version, told, expected, run_async):
    assert received(version, {"type": "websocket.disconnect", **told}, run_async) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("text", {"text": "text"}),
        (b"bytes", {"bytes": b"bytes"}),
        (Text("é".encode()), {"text": "é"}),
        (Prepared("once"), {"text": "once"}),
    ],
)
def test_a_message_is_an_event(message, expected, run_async):
    sent = []

    async def send(one):
        sent.append(one)

    run_async(event.AsgiWire({}, None, send).send(message))
    assert sent == [{"type": "websocket.send", **expected}]


CLOSE = [(b"connection", b"close")]


@pytest.mark.parametrize(
    ("scope", "closing"),
    [
        ({"type": "websocket", "headers": []}, CLOSE),
        ({"type": "websocket", "headers": [], "http_version": "1.1"}, CLOSE),
        ({"type": "websocket", "headers": [], "http_version": "2"}, []),
        ({"type": "http", "headers": [(b"upgrade", b"h2c, WebSocket")]}, CLOSE),
        ({"type": "http", "headers": [(b"upgrade", b"h2c")]}, []),
        ({"type": "http", "headers": [(b"accept", b"websocket")]}, []),
        ({"type": "http", "headers": [(b"upgrade", b"websocket")], "http_version": "3"}, []),
    ],
)
def test_an_answer_to_who_asks_to_upgrade_is_the_last_of_its_connection(scope, closing):
    """[S14.4]"""
    assert event.closing_headers(scope) == closing


def test_answers_and_acceptances_are_events(run_async):
    sent = []

    async def send(one):
        sent.append(one)

    async def act():
        scope = {"type": "http", "headers": [(b"upgrade", b"h2c")]}
        await event.send_response(Response(200, b"\0", {"Content-Length": "9"}), scope, send)
        upgrade = Upgrade(Sock(testing.request()), subprotocol="a", headers={"X-A": "b"})
        await event.send_acceptance(upgrade, send)

    run_async(act())
    assert sent == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"application/octet-stream"),
                (b"content-length", b"1"),
            ],
        },
        {"type": "http.response.body", "body": b"\0", "more_body": False},
        {"type": "websocket.accept", "subprotocol": "a", "headers": [(b"x-a", b"b")]},
    ]


@pytest.mark.parametrize(
    ("why", "code", "reason"),
    [
        (None, 1006, ""),
        (cause.SHUTDOWN, 1012, cause.SHUTDOWN.detail),
        (cause.closed(4007, "later", 4007), 4007, "later"),
        (cause.closed(1005, "", None), 1005, ""),
    ],
)
def test_the_end_of_a_sock_is_an_event(why, code, reason):
    assert event.disconnect_event(why) == {
        "type": "websocket.disconnect",
        "code": code,
        "reason": reason,
    }


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_a_binary_message_is_bytes_whatever_the_server_has(buffer, run_async):
    told = {"type": "websocket.receive", "bytes": buffer(b"one")}
    message = received("2.4", told, run_async)
    assert (type(message), message) == (bytes, b"one")
