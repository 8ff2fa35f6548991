"""What the clients of other people are tried with: rooms, and the profile of Supabase."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import Any

from sock import Answer, Request, Response, Routes, mount
from sock.channels import Channel, ConnectInfo, Endpoint, JoinError, Mount, Params, Socket, on
from sock.channels.supabase import SERIALIZERS, Realtime, Rest
from sock.pubsub import Presence, PubSub

pubsub: PubSub[str | bytes] = PubSub()


class Room(Channel):
    """Echoes, shouts and crashes."""

    def join(self, topic: str, params: dict[str, Any]) -> Any:
        if topic == "room:closed":
            raise JoinError(reason="unauthorized")
        return {"token": self.assigns.token, "transport": self.assigns.transport, **params}

    @on("echo")
    def echo(self, payload: dict[str, Any]) -> Any:
        return payload

    @on("size")
    def size(self, payload: bytes) -> Any:
        return {"size": len(payload)}

    @on("shout")
    async def shout(self, payload: dict[str, Any]) -> Any:
        await self.broadcast("shout", payload)
        return {}

    @on("crash")
    def crash(self, payload: dict[str, Any]) -> None:
        raise RuntimeError("as asked")


class UserSocket(Socket):
    channels = {"room:*": Room}

    def connect(self, params: Params, info: ConnectInfo) -> None:
        self.assigns.token = info.auth_token
        self.assigns.transport = info.transport


class Live(Realtime):
    """Rooms for the clients of Supabase."""

    presence = Presence(pubsub)

    def authorize(self, name: str, *, private: bool) -> None:
        if name == "closed" and self.access_token != "let me in":
            raise JoinError(reason="Unauthorized")


class SupabaseSocket(Socket):
    channels = {"realtime:*": Live}


def allow(request: Request, name: str) -> bool:
    return request.headers.get("apikey") == "public" and name != "closed"


endpoint = Endpoint(
    {
        "/socket": UserSocket,
        "/realtime/v1": Mount(socket=SupabaseSocket, serializers=SERIALIZERS),
    },
    pubsub=pubsub,
    auth_token=True,
    poll_timeout=1.0,
)
rest = mount("/realtime/v1/api/broadcast", Rest(endpoint, allow))
app = Routes(
    {
        "/realtime/v1/api/broadcast": rest,
        "/realtime/v1/api/broadcast/{path:path}": rest,
        "/{path:path}": endpoint,
    }
)


def with_pid(request: Request) -> Answer | Awaitable[Answer]:
    """Say which process has answered an ordinary request."""
    answer = endpoint(request)
    if not isinstance(answer, Awaitable):
        return answer
    return _with_pid(answer)


async def _with_pid(awaited: Awaitable[Answer]) -> Answer:
    answer = await awaited
    if not isinstance(answer, Response):
        return answer
    return Response(answer.status, answer.body, [*answer.headers, ("X-Pid", str(os.getpid()))])


with_pid.lifespan = endpoint.lifespan  # type: ignore[attr-defined]
