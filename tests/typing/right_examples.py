"""Applications as the specification has them: neither checker may find anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from sock import App, Ref, Request, Sock, Stream, TextSock

InfoT = TypeVar("InfoT")


@dataclass
class Line:
    author: str
    text: str


class PubSub(Generic[InfoT]):
    async def subscribe(self, topic: str, ref: Ref[InfoT]) -> None: ...
    async def broadcast(self, topic: str, info: InfoT) -> None: ...


class Model(Protocol):
    def tokens(self, prompt: str) -> AsyncIterator[str]: ...


class Echo(Sock):
    def handle_in(self, message: str | bytes) -> str | bytes:
        return message


class Chat(TextSock[Line]):
    def __init__(self, request: Request, rooms: PubSub[Line]) -> None:
        self.topic, self.name, self.rooms = request.path, request.query["name"], rooms

    async def init(self, ref: Ref[Line]) -> str:
        await self.rooms.subscribe(self.topic, ref)
        return f"welcome to {self.topic}"

    async def handle_in(self, text: str) -> None:
        await self.rooms.broadcast(self.topic, Line(self.name, text))

    def handle_info(self, line: Line) -> str:
        return f"{line.author}: {line.text}"


class Tokens(TextSock):
    def __init__(self, request: Request, model: Model) -> None:
        self.model = model

    async def handle_in(self, prompt: str) -> AsyncIterator[str]:
        async for token in self.model.tokens(prompt):
            yield token


class Interruptible(TextSock):
    def __init__(self, request: Request, model: Model) -> None:
        self.model = model
        self.answer: Stream | None = None

    def handle_in(self, prompt: str) -> Stream | None:
        if self.answer is not None:
            self.answer.cancel()
        if prompt == "stop":
            return None
        self.answer = Stream(self.model.tokens(prompt))
        return self.answer


def apps(rooms: PubSub[Line], model: Model) -> list[App]:
    return [Echo, partial(Chat, rooms=rooms), partial(Tokens, model=model)]
