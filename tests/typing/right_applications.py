"""Applications and their answers: neither checker may find anything."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import assert_type

from sock import (
    Answer,
    App,
    Application,
    Compression,
    Headers,
    MultiMapping,
    Options,
    Refuse,
    Request,
    Response,
    Sock,
    TextSock,
    Upgrade,
)


@dataclass
class Line:
    text: str


class Echo(Sock):
    def handle_in(self, message: str | bytes) -> str | bytes:
        return message


class Chat(TextSock[Line]):
    def __init__(self, request: Request, room: str = "lobby") -> None:
        if request.headers.get("authorization") is None:
            raise Refuse(401, "who?", {"WWW-Authenticate": "Basic"})
        self.room = room


def route(request: Request) -> Answer:
    match request.path.split("/"):
        case ["", "echo"]:
            return Echo(request)
        case ["", "rooms", room]:
            return Chat(request, room)
        case ["", "limits"]:
            options = Options(max_message_size=10, compression=Compression(window=15))
            return Upgrade(Chat(request), subprotocol="chat", headers={"A": "1"}, options=options)
        case _:
            return Response(404, "no such page", [("A", "1")])


async def later(request: Request) -> Answer:
    return route(request)


def only_chat(request: Request) -> Chat | Response:
    return Chat(request) if request.subprotocols else Response(400)


class Middleware:
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, request: Request) -> Answer:
        request.state["user"] = request.cookies.get("user", "nobody")
        answer = self.app(request)
        return answer if isinstance(answer, (Sock, Upgrade, Response)) else await answer


class Feed(Sock):
    options = Options(idle_timeout=300)


@asynccontextmanager
async def lifespan() -> AsyncGenerator[dict[str, int]]:
    yield {"pool": 7}


@asynccontextmanager
async def bare() -> AsyncGenerator[None]:
    yield


apps: list[App] = [
    Application(Feed, lifespan=lifespan, options=Options(max_mailbox=3)),
    Application(route, lifespan=bare),
    Application(Application(later)),
    Echo,
    Chat,
    partial(Chat, room="7"),
    route,
    later,
    only_chat,
    Middleware(Echo),
    lambda _: Response(204),
    lambda request: Echo(request) if request.subprotocols else Response(400),
]


def read(request: Request) -> None:
    assert_type(request.headers, Headers)
    assert_type(request.query, MultiMapping)
    assert_type(request.query["name"], str)
    assert_type(request.query.get("name"), str | None)
    assert_type(request.cookies.get("name", ""), str)
    assert_type(request.subprotocols, list[str])


def allowed(origin: str, request: Request) -> bool:
    return origin == f"https://{request.query['friend']}"


Options(origins=allowed)
Options(origins="https://*.example.com")
Options(origins=["file://", "null", allowed])
