"""Refs and infos: neither checker may find anything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Never, TypeVar, assert_type

from sock import BinarySock, CloseCode, Ref, Request, Sock, TextSock, Timer, send_all

InfoT = TypeVar("InfoT")


@dataclass
class Line:
    text: str


@dataclass
class Shout(Line):
    volume: int = 11


class Default(Sock[Line]):
    def handle_in(self, message: str | bytes) -> str | bytes:
        return message

    def handle_info(self, info: Line) -> str:
        return info.text


class Both(Sock[Line, str]):
    def handle_in(self, message: str) -> str:
        return message


class Own(TextSock[InfoT]):
    """An application with a type parameter of its own."""

    def init(self, ref: Ref[InfoT]) -> None:
        self.ref = ref


class Closed(Own[Line]): ...


class Pushes(Sock[str]):
    """What is sent to it is pushed: the base's `handle_info` does it."""


class Everything(Sock[Any]):
    def handle_info(self, info: Any) -> str:
        return str(info)


class Tick(BinarySock[None]):
    def init(self, ref: Ref[None]) -> None:
        self.ref = ref
        self.timer: Timer = ref.send_after(1.5, None)

    def handle_info(self, _: None) -> bytes:
        self.timer.cancel()
        return b"tick"


async def work() -> int:
    return 7


class Works(Sock[int]):
    def init(self, ref: Ref[int]) -> None:
        task = ref.spawn(work())
        assert_type(task, asyncio.Task[int])
        task.add_done_callback(lambda done: ref.send(done.result()))
        ref.add_done_callback(self.over)

    def over(self) -> None: ...


def stop(line: Ref[Line], nobody: Ref[Never]) -> None:
    nobody.stop()
    nobody.stop(4001, "out")
    line.stop(CloseCode.POLICY_VIOLATION, detail="out", messages="bye")
    line.stop(messages=["a", b"b"])
    assert_type(line.pending, int)


def send_to_all(lines: set[Ref[Line]], shouts: list[Ref[Shout]], anybody: Ref[object]) -> None:
    send_all(lines, Line("to all"))
    send_all(lines, Shout("to all"))
    send_all(shouts, Shout("to all"))
    send_all((ref for ref in lines if not ref.closed), Line("to the open"))
    send_all([anybody], "anything")
    send_all({"ada": anybody}.values(), 7)


def send(line: Ref[Line], shout: Ref[Shout], anything: Ref[object]) -> None:
    line.send(Line("hello"))
    line.send(Shout("hello"))
    assert_type(line.closed, bool)
    assert_type(line.request, Request)
    narrow: Ref[Shout] = line  # contravariant: who takes any line takes a shout
    narrow = anything
    narrow.send(Shout("hello"))
    refs: set[Ref[Line]] = {line, anything}
    for ref in refs:
        ref.send(Line("to all"))
    nobody: Ref[Never] = shout
    assert nobody is shout
