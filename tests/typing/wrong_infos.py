"""Wrong infos: each marked line, and no other, must be found by both checkers."""

from __future__ import annotations

from dataclasses import dataclass

from sock import Ref, Request, Sock, TextSock, send_all


@dataclass
class Line:
    text: str


@dataclass
class Shout(Line):
    volume: int = 11


class NoInfos(Sock):
    def init(self, ref: Ref[Line]) -> None:  # error: a Sock without Info has a Ref[Never]
        ...


class WrongInfo(TextSock[Line]):
    def handle_info(self, info: str) -> str:  # error: its infos are lines
        return info


class NarrowInfo(TextSock[Line]):
    def handle_info(self, info: Shout) -> str:  # error: any line may come
        return info.text


class NarrowRef(TextSock[Line]):
    def init(self, ref: Ref[object]) -> None:  # error: what it gets takes lines only
        ...


class Four(Sock[Line, str, str, int]):  # error: of a Sock the first two parameters are named
    ...


class Two(TextSock[Line, str]):  # error: one, the other is str
    ...


class Keeps(Sock):
    def __init__(self, request: Request) -> None:
        self.count = 0

    def init(self, ref) -> None:  # error: nothing is known of ref
        ...


def send(line: Ref[Line], shout: Ref[Shout], closed: Ref[Line]) -> None:
    line.send("hello")  # error: a Ref[Line] takes lines
    line.send()  # error: there is no info
    line.send_after(1, "hello")  # error: a Ref[Line] takes lines
    line.send_after("1", Line("x"))  # error: seconds are a number
    line.spawn(work)  # error: a coroutine, not its function
    line.add_done_callback(lambda ref: None)  # error: the callback gets nothing
    closed.closed = True  # error: read-only
    wide: Ref[Line] = shout  # error: who takes shouts takes not any line
    wide.send(Line("x"))


def stop(line: Ref[Line], lines: set[Ref[Line]]) -> None:
    line.stop("out")  # error: the code comes first
    line.stop(4001, b"out")  # error: a detail is text
    line.stop(4001, "out", "bye")  # error: messages are named
    line.stop(messages=[1])  # error: messages are messages
    line.pending = 0  # error: read-only
    send_all(lines, "hello")  # error: they take lines
    send_all(Line("hello"), lines)  # error: the refs come first


async def work() -> None: ...


class Lonely(Sock):
    """A Sock without Info: nobody can send to it."""


def lonely(sock: Lonely, ref: Ref[Line]) -> None:
    sock.init(ref)
    sock.handle_info("hello")  # error: its infos are Never
