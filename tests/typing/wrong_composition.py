"""Wrong uses of wrappers and routes: each marked line must be found by both checkers."""

from __future__ import annotations

from sock import (
    Message,
    Options,
    Request,
    Response,
    Routes,
    Sock,
    Upgrade,
    Wrapper,
    around,
    mount,
)


class Echo(Sock):
    def handle_in(self, message: str | bytes) -> str | bytes:
        return message


class Log(Wrapper): ...


class Numbers(Wrapper):
    def incoming(self, message: str | bytes) -> int:  # error: a message, None or a Stop
        return 7


class Lists(Wrapper):
    def outgoing(self, message: Message) -> list[str]:  # error: one message
        return ["a"]


class Later(Wrapper):
    async def outgoing(self, message: Message) -> Message:  # error: it may not be async
        return message


class Named(Wrapper):
    accepts = ("text",)  # error: the types str and bytes


def page(request: Request) -> Response:
    return Response()


def made(request: Request) -> None:
    Log(Echo)  # error: the class, not a handler made of it
    Log(request)  # error: a handler
    around(Echo(request), Log)  # error: an application
    around(Echo, Log(Echo(request)))  # error: the class of the wrapper
    Routes([("/", page)])  # error: a mapping
    Routes({"/": Response()})  # error: an application
    mount(page, "/chat")  # error: the prefix comes first
    Upgrade(Echo(request)).replace(status=200)  # error: there is no such field
    Upgrade(Echo(request)).replace(options={"idle_timeout": 3})  # error: an Options
    Upgrade(Echo(request)).replace(options=Options(idle_timeout=3))
