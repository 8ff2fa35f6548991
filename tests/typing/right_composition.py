"""Wrappers, routes and mounts: neither checker may find anything."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any, assert_type

from sock import (
    Answer,
    App,
    Application,
    CloseCode,
    Message,
    Options,
    Ping,
    Reason,
    Ref,
    Request,
    Response,
    Returned,
    Routes,
    Sock,
    Stop,
    TextSock,
    Upgrade,
    Wrapper,
    around,
    mount,
    testing,
)


class Echo(Sock):
    def handle_in(self, message: str | bytes) -> str | bytes:
        return message


class Chat(TextSock[int]):
    options = Options(idle_timeout=300)


class Log(Wrapper):
    def incoming(self, message: str | bytes) -> str | bytes:
        return message

    def outgoing(self, message: Message) -> Message:
        return message


class Bare(Wrapper):
    def incoming(self, message: Any) -> Any:
        return message

    def outgoing(self, message: Any) -> Any:
        return message


class Decides(Wrapper):
    accepts = (bytes,)

    def __init__(self, handler: Sock[Any, Any, Any], limit: int = 3) -> None:
        super().__init__(handler)
        self.limit = limit

    async def incoming(self, message: bytes) -> str | Stop | None:
        if len(message) > self.limit:
            return Stop(CloseCode.POLICY_VIOLATION)
        return message.decode() if message else None

    def outgoing(self, message: Message) -> Message | Stop | None:
        return None if isinstance(message, Ping) else message

    def init(self, ref: Ref[Any]) -> Returned:
        return super().init(ref)

    def handle_in(self, message: bytes) -> Returned:
        return super().handle_in(message)

    def handle_info(self, info: object) -> Returned:
        return super().handle_info(info)

    def terminate(self, reason: Reason) -> None | Awaitable[None]:
        return super().terminate(reason)


def page(request: Request) -> Response:
    return Response(200, str(request.path_params["room"]))


async def later(request: Request) -> Answer:
    return Upgrade(Echo(request)).replace(subprotocol="chat", headers={"A": "1"}, options=None)


apps: list[App] = [
    around(Echo, Log),
    around(around(Chat, Bare), partial(Decides, limit=7)),
    around(later, lambda handler: Log(Bare(handler))),
    Application(around(page, Log), options=Options(max_mailbox=3)),
    Routes({"/rooms/{room}": Chat, "/{path:path}": page, "/later": later}),
    Routes({"/": around(Chat, Log), "/v1{rest:path}": mount("/v1", Routes({"/": Echo}))}),
    mount("/chat", partial(Echo)),
]


def read(request: Request) -> None:
    assert_type(request.root_path, str)
    assert_type(request.path, str)
    assert_type(Upgrade(Echo(request)).replace(handler=Chat(request)), Upgrade)
    assert_type(Log(Echo(request)).handler, Sock[Any, Any, Any])
    assert_type(Echo.accepts, tuple[type[str] | type[bytes], ...])
    with testing.open(around(Echo, Log)) as session:
        session.receive("hi")


class Kept(Sock):
    def __init__(self, request: Request) -> None:
        self.answer = Upgrade(Log(Echo(request)))
