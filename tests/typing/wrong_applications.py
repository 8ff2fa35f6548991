"""What is no application or no answer: each marked line must be found by both checkers."""

from __future__ import annotations

from functools import partial

from sock import (
    Answer,
    App,
    Application,
    Compression,
    Options,
    Refuse,
    Request,
    Response,
    Sock,
    TextSock,
    Upgrade,
)


class Echo(Sock): ...


class Chat(TextSock[str]):
    def __init__(self, request: Request, room: str) -> None: ...


def text(request: Request) -> str:
    return "hello"


def nothing() -> Answer:
    return Response()


def maybe(request: Request) -> Response | None:
    return None


def two(request: Request, room: str) -> Answer:
    return Response()


class Limited(Sock):
    options = 7  # error: an Options


def yields_a_class(request: Request) -> Answer:
    return Echo  # error: the class, not a handler made of it


def refuses(request: Request) -> Answer:
    return Refuse(403)  # error: raised, not returned


async def later(origin: str, request: Request) -> bool:
    return origin == "https://a.example"


def named(origin: str) -> bool:
    return origin == "https://a.example"


a: App = text  # error: an application that returns a str
b: App = nothing  # error: an application gets the request
c: App = maybe  # error: None is no answer
d: App = two  # error: nobody gives it a room
e: App = Chat  # error: nobody gives it a room
f: App = partial(Chat, room=7)  # error: a room is a str
g: App = Echo(Request())  # error: a handler is no application
h: App = "examples.chat:app"  # error: that is for the command line

Application(text)  # error: an application that returns a str
Application(Echo, lifespan=7)  # error: it is called
Application(Echo, options=7)  # error: an Options
Application(Echo, Options())  # error: both are named

Upgrade(Echo)  # error: the class, not a handler made of it
Upgrade(Echo(Request()), "chat")  # error: the subprotocol is named
Upgrade(Echo(Request()), headers=[("A", 1)])  # error: a value is text
Upgrade(handler=Echo(Request()))  # error: the handler is not named
Response("not found")  # error: the status comes first
Response(200, {"ok": True})  # error: a body is text or bytes
Response().status = 404  # error: frozen
Refuse("no")  # error: the status comes first
Options(60)  # error: every limit is named
Options(idle_timeout="60")  # error: in seconds
Options(max_size=10)  # error: there is no such limit
Options(compression=15)  # error: a bool or a Compression
Options(close_timeout=None)  # error: an end has a bound
Options(origins=7)  # error: a text or a function, or several
Options(origins=later)  # error: a function that waits would let everybody in
Options(origins=[named])  # error: a function is given the request too
Compression(15)  # error: what of it is named
Request().headers["a"] = "b"  # error: read-only
