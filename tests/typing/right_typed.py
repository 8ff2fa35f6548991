"""Typed messages: neither checker may find anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, assert_type

from sock import (
    Answer,
    InvalidMessage,
    JsonSock,
    Prepared,
    Ref,
    Request,
    Routes,
    Stop,
    Stream,
    Text,
    Wrapper,
    around,
    run,
    testing,
)


@dataclass
class Say:
    text: str


@dataclass
class Line:
    author: str
    text: str


@dataclass
class Gone:
    author: str


async def lines() -> AsyncIterator[Line]:
    yield Line("a", "b")


class Chat(JsonSock[Line, Say, Line | Gone]):
    def init(self, ref: Ref[Line]) -> list[Line]:
        self.ref = ref
        return []

    def handle_in(self, message: Say) -> Line | None:
        return Line("ada", message.text) if message.text else None

    def handle_info(self, info: Line) -> Line:
        return info

    def handle_invalid(self, error: InvalidMessage) -> Gone:
        return Gone(str(error))


class Waits(JsonSock[None, Say, Line]):
    async def handle_in(self, message: Say) -> Line | Stop | Text:
        return Line("a", message.text)


class Yields(JsonSock[None, Say, Line]):
    async def handle_in(self, message: Say) -> AsyncIterator[Line | Stop]:
        yield Line("a", message.text)
        yield Stop(messages=self.encode(Line("a", "b")))


class Streams(JsonSock[None, Say, Line]):
    def handle_in(self, message: Say) -> Stream[Line]:
        return Stream(lines())


class Several(JsonSock[None, list[int], dict[str, int]]):
    def handle_in(self, message: list[int]) -> tuple[dict[str, int], Prepared]:
        return {"a": sum(message)}, Prepared("{}")


class Anything(JsonSock):
    def handle_in(self, message: Any) -> Any:
        return message


def app(request: Request) -> Answer:
    return Chat(request) if request.path == "/" else Wrapper(Waits(request))


def serve() -> None:
    assert_type(Chat.encode(Gone("a")), Text)
    with testing.open(Chat) as session:
        assert_type(session.handler, Chat)
        session.receive(Say("hi"), "{}", Text(b"{}"))
        assert_type(session.pushed_values(), list[Line | Gone])
    run(around(Routes({"/": Chat, "/waits": Waits}), Wrapper))
    run(app)
