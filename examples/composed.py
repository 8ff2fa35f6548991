"""Rooms by the path, behind four middlewares: metrics, a log, a limit and a token.

    sock run examples.composed:app --health /healthz

Connect to ws://127.0.0.1:8000/rooms/NAME, send "tok-4fd1c7", and then anything; the numbers are on
http://127.0.0.1:8000/metrics. docs/howto/compose.md explains each part.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sock import CloseCode, Response, Routes, Stop, TextSock, Wrapper, around

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock import App, Message, Ping, Pong, Reason, Ref, Request, Returned, Sock

TOKENS: Final = {"tok-4fd1c7": "ada"}  # yours are in a database, or signed
PATIENCE: Final = 5.0  # seconds for the token

counts: Counter[str] = Counter()
messages: Final = logging.getLogger("messages")


class Room(TextSock):
    """Tells what a user says, and in which room."""

    def __init__(self, request: Request) -> None:
        self.room = request.path_params["room"]

    def init(self, ref: Ref[Any]) -> str:
        self.user = ref.request.state["user"]
        return f"welcome to {self.room}, {self.user}"

    def handle_in(self, text: str) -> str:
        return f"{self.user}: {text}"


class Count(Wrapper):
    """Counts connections, messages and the reasons of ends."""

    def init(self, ref: Ref[Any]) -> Returned:
        counts["connections_open"] += 1
        return super().init(ref)

    def incoming(self, message: str | bytes) -> str | bytes:
        counts["messages_received_total"] += 1
        return message

    def outgoing(self, message: Message) -> Message:
        counts["messages_sent_total"] += 1
        return message

    def terminate(self, reason: Reason) -> None | Awaitable[None]:
        counts["connections_open"] -= 1
        counts[f"ends_total_{type(reason).__name__.lower()}"] += 1
        return super().terminate(reason)


class Log(Wrapper):
    """Logs the type and the size of each message, and never what is in it."""

    def incoming(self, message: str | bytes) -> str | bytes:
        messages.info("< %s of %d", type(message).__name__, len(message))
        return message

    def outgoing(self, message: Message) -> Message:
        messages.info("> %s", type(message).__name__)
        return message


class Limit(Wrapper):
    """Ends a connection whose peer sends more than so many messages a second, in the long run."""

    def __init__(self, handler: Sock[Any, Any, Any], *, per_second: float, burst: int) -> None:
        super().__init__(handler)
        self.per_second, self.burst = per_second, burst
        self.left, self.seen = float(burst), time.monotonic()

    def incoming(self, message: str | bytes) -> str | bytes | Stop:
        now = time.monotonic()
        self.left = min(self.burst, self.left + (now - self.seen) * self.per_second)
        self.seen = now
        if self.left < 1:
            return Stop(CloseCode.POLICY_VIOLATION, "too many messages")
        self.left -= 1
        return message


class TokenFirst(Wrapper):
    """Asks for a token in the first message, before the handler behind it begins."""

    user: str | None = None

    def init(self, ref: Ref[Any]) -> None:
        self.ref = ref
        self.deadline = ref.spawn(self.expire())

    async def expire(self) -> None:
        await asyncio.sleep(PATIENCE)
        raise Stop(CloseCode.UNAUTHORIZED, "no token in time")

    def handle_in(self, message: str | bytes) -> Returned:
        if self.user is not None:
            return super().handle_in(message)
        user = TOKENS.get(message) if isinstance(message, str) else None
        if user is None:
            return Stop(CloseCode.UNAUTHORIZED, "no such token")
        self.deadline.cancel()
        self.user = self.ref.request.state["user"] = user
        return super().init(self.ref)

    def handle_control(self, frame: Ping | Pong) -> Returned:
        return None if self.user is None else super().handle_control(frame)

    def terminate(self, reason: Reason) -> None | Awaitable[None]:
        return None if self.user is None else super().terminate(reason)


def metrics(_: Request) -> Response:
    """Answer with the numbers, in the form that Prometheus reads."""
    lines = [f"sock_{name} {value}\n" for name, value in sorted(counts.items())]
    return Response(200, "".join(lines), {"Content-Type": "text/plain; version=0.0.4"})


def guarded(app: App) -> App:
    """Put all four around an application: the one that counts sees everything."""
    limit = partial(Limit, per_second=10, burst=20)
    return around(around(around(around(app, TokenFirst), limit), Log), Count)


app = Routes({"/rooms/{room}": guarded(Room), "/metrics": metrics})
