"""Channels inside FastAPI: its login signs a token, with which phoenix.js connects.

    sock run examples.fastapi_channels:app --workers 2

    curl http://127.0.0.1:8000/login --json '{"name": "ada", "password": "lovelace"}'

In the page: `new Socket("/socket", {authToken: token})`. A logout ends every connection of the
user, in all workers; an HTTP route broadcasts. It needs the extra `channels`.
"""

from __future__ import annotations

import hmac
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from fastapi import Body, Depends, FastAPI, Header, HTTPException
from msgspec import Struct

import sock
from sock import Refuse
from sock.channels import (
    Channel,
    ConnectInfo,
    Endpoint,
    Params,
    ReplyError,
    Socket,
    Token,
    TokenError,
    on,
)
from sock.pubsub import PubSub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

USERS = {"ada": "lovelace", "bob": "builder"}  # yours are in a database, as hashes
SALT = "user socket"
tokens = Token(os.environ.get("SECRET_KEY_BASE", "only for trying this example out"))


class Say(Struct, forbid_unknown_fields=True):
    """What a client says."""

    text: str


class Room(Channel):
    """One user in one room."""

    @on("say")
    async def say(self, message: Say) -> dict[str, Any]:
        if not message.text:
            raise ReplyError(reason="empty")
        await self.broadcast("said", {"name": self.assigns.user, "text": message.text})
        return {}


class UserSocket(Socket):
    """One connection of a user who has logged in."""

    channels: ClassVar = {"room:*": Room}

    def connect(self, params: Params, info: ConnectInfo) -> None:
        try:
            self.assigns.user = tokens.verify(SALT, info.auth_token, max_age=86_400)
        except TokenError:
            raise Refuse(401) from None

    def id(self) -> str:
        return f"users:{self.assigns.user}"


endpoint = Endpoint({"/socket": UserSocket}, pubsub=PubSub(), auth_token=True)


def user(authorization: Annotated[str, Header()] = "") -> str:
    """Return who asks, by the same token."""
    try:
        name: str = tokens.verify(SALT, authorization.removeprefix("Bearer "), max_age=86_400)
    except TokenError as error:
        raise HTTPException(401, str(error)) from None
    return name


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    """Connect with the other workers first: FastAPI enters no lifespan of what is mounted."""
    async with endpoint.lifespan():
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/login")
def login(name: Annotated[str, Body()], password: Annotated[str, Body()]) -> dict[str, str]:
    """Give a user the token for the socket."""
    if not hmac.compare_digest(USERS.get(name, "").encode(), password.encode()) or not password:
        raise HTTPException(401, "no such user")
    return {"token": tokens.sign(SALT, name)}


@app.post("/logout")
async def logout(name: Annotated[str, Depends(user)]) -> dict[str, str]:
    """End all connections of a user."""
    await endpoint.disconnect(f"users:{name}")
    return {}


@app.post("/rooms/{room}")
async def announce(
    room: str, text: Annotated[str, Body(embed=True)], name: Annotated[str, Depends(user)]
) -> dict[str, str]:
    """Say something without a socket."""
    await endpoint.broadcast(f"room:{room}", "said", {"name": name, "text": text})
    return {}


app.mount("/", sock.asgi(endpoint))
