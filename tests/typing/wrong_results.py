"""What is no result: each marked line, and no other, must be found by both checkers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from sock import (
    BinarySock,
    Ping,
    Pong,
    Prepared,
    Reason,
    Ref,
    Remote,
    Sock,
    Stop,
    Stream,
    Text,
    TextSock,
)


async def words() -> AsyncIterator[str]:
    yield "hello"


async def numbers() -> AsyncIterator[int]:
    yield 7


class Int(Sock):
    def handle_in(self, message: str | bytes) -> int:  # error: an int is no result
        return len(message)


class Dict(Sock):
    def handle_in(self, message: str | bytes) -> dict[str, str]:  # error: nor is a dict
        return {}


class Set(Sock):
    def handle_in(self, message: str | bytes) -> set[str]:  # error: a set has no order
        return set()


class Generator(Sock):
    def handle_in(self, message: str | bytes) -> Iterator[str]:  # error: a plain generator
        yield "hello"


class Ints(Sock):
    def handle_in(self, message: str | bytes) -> list[int]:  # error: a sequence of no messages
        return [1]


class Nested(Sock):
    def handle_in(self, message: str | bytes) -> list[list[str]]:  # error: one level only
        return [["x"]]


class StopAmongMessages(Sock):
    def handle_in(self, message: str | bytes) -> list[str | Stop]:  # error: no message
        return ["x", Stop()]


class PromisesInt(Sock):
    async def handle_in(self, message: str | bytes) -> int:  # error: a promise of no result
        return 7


class YieldsInt(Sock):
    async def handle_in(self, message: str | bytes) -> AsyncIterator[int]:  # error: of no messages
        yield 7


class YieldsStream(Sock):
    async def handle_in(self, message: str | bytes) -> AsyncIterator[Stream]:  # error: no result
        yield Stream(words())


class StreamsInts(Sock):
    def handle_in(self, message: str | bytes) -> Stream[int]:  # error: of no messages
        return Stream(numbers())


class Bool(Sock):
    def init(self, ref: object) -> bool:  # error: init pushes what it returns
        return True

    def handle_control(self, frame: Ping | Pong) -> float:  # error: and so do the others
        return 0.5

    def handle_info(self, info: object) -> Exception:  # error: and so do the others
        return ValueError()


class NoReason(Sock):
    def terminate(self) -> None:  # error: terminate gets the reason
        ...


class Code(Sock):
    def terminate(self, code: int, detail: str) -> None:  # error: it gets one reason, not its parts
        ...


class LastWords(Sock):
    def terminate(self, reason: Reason) -> str:  # error: nothing can be sent any more
        return "bye"


class WrongIn(TextSock):
    def handle_in(self, message: bytes) -> None:  # error: a TextSock takes text
        ...


class WrongBinary(BinarySock):
    def handle_in(self, message: str) -> None:  # error: a BinarySock takes bytes
        ...


class HalfIn(Sock):
    def handle_in(self, message: str) -> None:  # error: a Sock takes both
        ...


class OnlyPings(Sock):
    def handle_control(self, frame: Ping) -> None:  # error: pongs are told too
        ...


class NoMessage(Sock):
    def handle_in(self) -> None:  # error: handle_in gets the message
        ...


class WrongRef(Sock[str]):
    def init(self, ref: Ref[int]) -> None:  # error: its own infos are str
        ...


Stop("bye")  # error: the code comes first
Stop(1000, b"bye")  # error: a detail is text
Stop(messages=[1])  # error: messages are messages
Stop(error="broken")  # error: an error is an exception
Stop().code = 1001  # error: frozen
Stop().error = None  # error: frozen
Remote(1006).stop(1000)  # error: it knows the code
Stream(words)  # error: a function that was not called
Stream(iter("abc"))  # error: a plain iterator
Text("text")  # error: encoded already
Ping("text")  # error: a payload is bytes
Pong(7)  # error: a payload is bytes
Prepared(bytearray())  # error: it could change
