"""Plays scenarios on a real link over a socket pair, and tells all that happened.

Run as a process, once with `SOCK_EXTENSION=0` and once with 1, so that the two can be compared:
pickled scenarios come on stdin, each with its length before it, and transcripts go to stdout.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import struct
import sys
from typing import Any, BinaryIO

from sock import Options, Ping, Pong, Prepared, Request, Sock, Stop, Stream, native, send_all
from sock.live import Link
from sock.loop import Reactor, adopt
from sock.wire.deflate import Agreement

TURNS = 12  # of the loop, in which anything settles that one step has begun
LENGTH = struct.Struct("!Q")


class Scripted(Sock[Any, str | bytes]):
    """Answers callback number n with the script's item number n; notes everything it is told."""

    def __init__(self, script: list[Any], told: list[Any]) -> None:
        self.script = script
        self.told = told
        self.count = 0

    def init(self, ref: Any) -> Any:
        self.ref = ref
        return self.answer("init", None)

    def handle_in(self, message: str | bytes) -> Any:
        return self.answer("in", message)

    def handle_control(self, frame: Ping | Pong) -> Any:
        return self.answer("control", frame)

    def handle_info(self, info: Any) -> Any:
        return self.answer("info", info)

    def terminate(self, reason: Any) -> None:
        error = getattr(reason, "error", None)
        self.told.append(("terminate", repr(reason), str(error)))

    def answer(self, callback: str, given: Any) -> Any:
        self.told.append((callback, given))
        script = self.script
        kind, *rest = script[self.count % len(script)] if script else ("echo",)
        self.count += 1
        match kind:
            case "echo":
                return given if isinstance(given, (str, bytes)) else None
            case "none":
                return None
            case "list":
                return [given if isinstance(given, (str, bytes)) else "x", Pong(b"p"), *rest]
            case "give":
                return rest[0]
            case "prepared":
                return Prepared(rest[0])
            case "surrogate":
                return "\ud800"
            case "stop":
                return Stop(*rest)
            case "raise_stop":
                raise Stop(*rest)
            case "stop_self":
                self.ref.stop(*rest)
                return "stopped"
            case "rebind":
                self.handle_in = self.handle_info = lambda given: "rebound"
                return "bound"
            case "raise":
                raise RuntimeError("as the script says")
            case "coroutine":
                return self.later(rest[0])
            case "generator":
                return self.items(rest[0])
            case "stream":
                return Stream(self.items(rest[0]))
            case "self":
                self.ref.send(rest[0])
                return "sent"
            case "close":
                self.link.abort()
                return "aborted"
        raise AssertionError(kind)

    async def later(self, count: int) -> str:
        for _ in range(count):
            await asyncio.sleep(0)
        return f"after {count}"

    async def items(self, count: int):
        for number in range(count):
            yield f"item {number}"
            await asyncio.sleep(0)


class Player:
    """Plays one scenario after the other on one loop."""

    def play(self, scenario: dict[str, Any]) -> list[Any]:
        return asyncio.get_event_loop().run_until_complete(self._play(scenario))

    async def _play(self, scenario: dict[str, Any]) -> list[Any]:
        told: list[Any] = []
        reactor = Reactor.of(asyncio.get_running_loop())
        # A turn lasts too long always or never: how long it takes is no part of the comparison.
        reactor.max_turn_nanoseconds = -(10**9) if scenario["late"] else 1 << 62
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        handler = Scripted(scenario["script"], told)
        options = Options(**scenario["options"])
        agreement = (
            Agreement(**scenario["agreement"]) if scenario["agreement"] is not None else None
        )
        links: list[Link] = []
        over: list[Link] = []

        def connect(pipe):
            link = Link(
                reactor,
                pipe,
                Request(),
                handler,
                options,
                agreement=agreement,
                on_over=over.append,
            )
            handler.link = link
            links.append(link)
            return link

        adopt(reactor, ours, connect)
        while not links:
            await asyncio.sleep(0)
        links[0].begin(b"head", scenario["early"])
        told.append(("out", await self._settled(theirs)))
        for kind, *rest in scenario["steps"]:
            try:
                match kind:
                    case "bytes":
                        theirs.send(rest[0])
                    case "info":
                        handler.ref.send(rest[0])
                    case "send_all":
                        send_all([handler.ref], rest[0])
                    case "stop":
                        handler.ref.stop(*rest)
                        told.append(("closed", handler.ref.closed))
                    case "pending":
                        told.append(("pending", handler.ref.pending))
                    case "fin":
                        theirs.shutdown(socket.SHUT_WR)
                    case "drain":
                        links[0].shutdown(5.0)
            except OSError:
                told.append(("gone",))
            told.append((kind, await self._settled(theirs)))
        theirs.close()
        for _ in range(1000):
            if over:
                break
            await asyncio.sleep(0)
        else:
            links[0].abort()
            told.append(("not over",))
        told.append(("traffic", links[0].traffic()))
        return told

    async def _settled(self, theirs: socket.socket) -> bytes:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        data = b""
        try:
            while got := theirs.recv(1 << 20):
                data += got
        except BlockingIOError:
            return data
        except ConnectionError:
            return data + b" reset"
        return data + b" fin"


def read(stream: BinaryIO) -> Any:
    (size,) = LENGTH.unpack(stream.read(LENGTH.size))
    return pickle.loads(stream.read(size))  # noqa: S301 - as above


def write(stream: BinaryIO, value: Any) -> None:
    data = pickle.dumps(value)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def main() -> None:
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asyncio.set_event_loop(asyncio.new_event_loop())
    player = Player()
    write(stdout, native.ACTIVE)
    while True:
        scenario = read(sys.stdin.buffer)
        if scenario is None:
            return
        write(stdout, player.play(scenario))


if __name__ == "__main__":
    main()
