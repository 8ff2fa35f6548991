"""Wrong uses of typed messages: each marked line, and no other, must be found by both checkers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sock import JsonSock, Ref, Stream, TextSock, testing


@dataclass
class Say:
    text: str


@dataclass
class Line:
    author: str
    text: str


async def says() -> AsyncIterator[Say]:
    yield Say("a")


class WrongIn(JsonSock[None, Say, Line]):
    def handle_in(self, message: str) -> None:  # error: it gets a Say
        ...


class WrongOut(JsonSock[None, Say, Line]):
    def handle_in(self, message: Say) -> Say:  # error: it sends lines
        return message


class PromisesSay(JsonSock[None, Say, Line]):
    async def handle_in(self, message: Say) -> Say:  # error: it sends lines
        return message


class YieldsSay(JsonSock[None, Say, Line]):
    async def handle_in(self, message: Say) -> AsyncIterator[Say]:  # error: it sends lines
        yield message


class StreamsSay(JsonSock[None, Say, Line]):
    def handle_in(self, message: Say) -> Stream[Say]:  # error: it sends lines
        return Stream(says())


class WrongInfo(JsonSock[Line, Say, Line]):
    def init(self, ref: Ref[Say]) -> None:  # error: its infos are lines
        ...

    def handle_invalid(self, error: str) -> None:  # error: it gets the error
        ...


class Right(JsonSock[None, Say, Line]): ...


class Plain(TextSock): ...


Right.encode({"author": "a", "text": "b"})  # error: a dict is no Line, unless one is made of it


with testing.open(Right) as session:
    session.receive(Say("a"))
    session.receive(Line("a", "b"))  # error: it takes Says

with testing.open(Plain) as plain:
    plain.receive(Say("a"))  # error: it takes messages
    plain.pushed_values()  # error: it has no values
