"""Every kind of result, from every kind of callback: neither checker may find anything."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from typing import assert_never, assert_type

from sock import (
    BinarySock,
    CloseCode,
    Failed,
    Message,
    Normal,
    Ping,
    Pong,
    Prepared,
    Reason,
    Ref,
    Remote,
    Result,
    Returned,
    Shutdown,
    Sock,
    Stop,
    Stream,
    Text,
    TextSock,
    TimedOut,
)


async def words() -> AsyncIterator[str]:
    yield "hello"


class Nothing(Sock):
    def handle_in(self, message: str | bytes) -> None: ...


class Binary(BinarySock):
    def handle_in(self, data: bytes) -> bytearray | memoryview | bytes:
        return memoryview(data) if data else bytearray(data)


class Encoded(TextSock):
    def handle_in(self, text: str) -> Text | Prepared:
        return Text(b"{}") if text else Prepared("x")


class Several(Sock):
    def init(self, ref: object) -> list[str]:
        return ["one", "two"]

    def handle_in(self, message: str | bytes) -> tuple[str, Ping]:
        return "one", Ping()

    def handle_control(self, frame: Ping | Pong) -> Sequence[Message]:
        return [b"one", Text(b"two"), frame]


class Ends(TextSock):
    def init(self, ref: object) -> Stop:
        return Stop()

    def handle_in(self, text: str) -> str | Stop | None:
        if text == "end":
            return Stop(4000, "bye", ["last", b"words"])
        if text == "fail":
            return Stop(error=ValueError(text))
        return Stop(CloseCode.GOING_AWAY, messages="x") if text else None


def parse(text: str) -> str:
    if not text:
        raise Stop(CloseCode.INVALID_DATA, "empty")
    return text


class Relays(TextSock):
    def __init__(self, other: Ref[str]) -> None:
        self.other = other

    def handle_in(self, text: str) -> str:
        try:
            return parse(text)
        except Stop as stop:
            assert_type(stop.code, int)
            assert_type(stop.detail, str)
            raise

    def terminate(self, reason: Reason) -> None:
        if isinstance(reason, Remote):
            stop = assert_type(reason.stop(), Stop)
            self.other.stop(stop.code, stop.detail, messages=stop.messages)


class Streams(TextSock):
    def init(self, ref: object) -> Stream:
        return Stream(words())

    async def handle_in(self, text: str) -> Stream | str:
        return Stream(words()) if text else "nothing"


class Waits(TextSock):
    async def init(self, ref: object) -> list[Message]:
        return ["hello", Ping()]

    async def handle_in(self, text: str) -> str | Stop | None:
        return text or None

    async def terminate(self, reason: Reason) -> None: ...


class Promises(TextSock):
    def __init__(self, promise: Awaitable[str]) -> None:
        self.promise = promise

    def handle_in(self, text: str) -> Awaitable[str] | str:
        return self.promise if text else "at once"


class Yields(TextSock):
    async def init(self, ref: object) -> AsyncGenerator[str | Ping | Stop, None]:
        yield "hello"
        yield Ping()
        yield Stop()

    async def handle_in(self, text: str) -> AsyncIterator[str]:
        yield text

    def handle_control(self, frame: Ping | Pong) -> AsyncIterator[str]:
        return words()


class Anything(Sock):
    def handle_in(self, message: str | bytes) -> Returned:
        return message

    async def handle_control(self, frame: Ping | Pong) -> Result:
        return None


class WiderThanNeeded(TextSock):
    def handle_in(self, message: str | bytes | None, again: int = 0) -> None: ...


class Ended(Sock):
    def terminate(self, reason: Reason) -> None:
        match reason:
            case Normal() | Shutdown() | TimedOut():
                pass
            case Remote(1000 | 1001, detail):
                assert_type(detail, str)
            case Remote(code):
                assert_type(code, int)
            case Failed(error):
                assert_type(error, BaseException)
            case _:
                assert_never(reason)


def describe(result: Result) -> int:
    match result:
        case Stop(code, detail):
            assert_type(code, int)
            assert_type(detail, str)
            return code
        case Ping(payload) | Pong(payload):
            return len(payload)
        case _:
            return 0
