"""What is in the log when uvicorn serves Socks natively, with a log of its own."""

from __future__ import annotations

import importlib
import logging

import pytest
import websockets

import sock
from sock import Options, Refuse
from sock.adapters.asgi import upgrade

pytest.importorskip("uvicorn")
HEADERS = {"Cookie": "session=4fd1", "Authorization": "Bearer 4fd1"}


class Echo(sock.Sock):
    def handle_in(self, message):
        return message


def refuses(request):
    raise Refuse(401, "who are you?")


def fails(request):
    raise RuntimeError("on purpose")


async def denies(scope, receive, send):
    """Be a plain ASGI application that refuses."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})


async def accepts(scope, receive, send):
    """Be a plain ASGI application that accepts."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass


def in_a_route(origin):
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute

    async def route(websocket):
        await upgrade(websocket, Echo(websocket), Options(origins=[origin]))

    return Starlette(routes=[WebSocketRoute("/chat", route)])


@pytest.fixture
def said(uvicorn_serving, run_async, caplog):
    """Make one handshake, and return what was logged for it, by level and logger."""

    def said(app, level=logging.INFO, **options):
        async def act():
            # Not logging.DEBUG for all: the client has a logger, too.
            names = ("uvicorn.error", "uvicorn.access", "sock")
            async with uvicorn_serving(app) as host:
                for name in names:
                    caplog.set_level(level, name)
                caplog.clear()
                try:
                    async with websockets.connect(
                        f"ws://127.0.0.1:{host.port}/chat?token=s3cret",
                        additional_headers=HEADERS,
                        subprotocols=["bearer.4fd1"],
                        **options,
                    ):
                        pass
                except websockets.InvalidStatus:
                    pass
                return [
                    (record.levelname, record.name, record.getMessage())
                    for record in caplog.records
                    if record.name.startswith(names)
                ]

        return run_async(act())

    return said


@pytest.mark.parametrize(
    ("app", "options", "text"),
    [
        (sock.asgi(refuses), {}, "refused with 401: by the application"),
        (sock.asgi(Echo), {"origin": "https://evil.example"}, "refused with 403: the origin"),
        (in_a_route("https://a.example"), {"origin": "https://evil.example"}, "refused with 403"),
    ],
    ids=["refuses", "origin", "route"],
)
def test_a_refusal_of_ours_is_one_line(said, app, options, text):
    [(level, logger, message)] = said(app, **options)
    assert (level, logger) == ("INFO", "sock")
    assert "GET /chat?token=*** " in message
    assert text in message


def test_an_application_that_fails_is_one_line(said):
    [(level, logger, message)] = said(sock.asgi(fails))
    assert (level, logger) == ("ERROR", "sock")
    assert message.endswith("GET /chat?token=***: the application raised RuntimeError")


def test_what_is_no_sock_has_uvicorns_line_without_the_values_of_its_query(said):
    (_, _, first), *_ = said(accepts)
    assert first.endswith(' - "WebSocket /chat?token=***" [accepted]')
    (_, _, first), *_ = said(denies)
    assert first.endswith(' - "WebSocket /chat?token=***" 403')


def test_a_sock_has_uvicorns_line_if_nobody_has_decided_about_ours(said, monkeypatch):
    [(level, logger, message)] = said(sock.asgi(Echo))
    assert (level, logger) == ("INFO", "uvicorn.error")
    assert message.endswith(' - "WebSocket /chat?token=***" [accepted]')
    access = logging.getLogger("sock.access")
    monkeypatch.setattr(access, "level", logging.WARNING)
    assert said(sock.asgi(Echo)) == []


@pytest.mark.parametrize("app", [sock.asgi(refuses), sock.asgi(Echo), accepts, denies])
def test_no_line_of_any_level_has_a_token_in_it(said, app):
    told = "\n".join(message for *_, message in said(app, level=logging.DEBUG))
    assert "s3cret" not in told
    assert "4fd1" not in told


def test_a_query_is_shown_where_that_is_asked_for(said, monkeypatch):
    monkeypatch.setenv("SOCK_LOG_QUERY", "1")
    [(*_, message)] = said(sock.asgi(Echo))
    assert "/chat?token=s3cret" in message
    [(*_, message)] = said(sock.asgi(refuses))
    assert "/chat?token=s3cret" in message


@pytest.mark.parametrize("kind", ["websockets-sansio", "wsproto"])
def test_each_of_uvicorns_own_implementations_says_no_token(said, monkeypatch, kind):
    from uvicorn.config import WS_PROTOCOLS
    from uvicorn.importer import import_from_string

    module, _, name = WS_PROTOCOLS[kind].partition(":")
    pytest.importorskip("wsproto" if kind == "wsproto" else "websockets")
    own = import_from_string(f"{module}:{name}")
    adapter = importlib.import_module("sock.adapters.uvicorn.builtin")
    monkeypatch.setattr(adapter, "AutoWebSocketsProtocol", own)
    told = [message for *_, message in said(denies, level=logging.DEBUG)]
    assert any("/chat?token=***" in message for message in told)
    assert "s3cret" not in "\n".join(told)
    assert "4fd1" not in "\n".join(told)
    assert len(said(sock.asgi(refuses))) == 1
