"""What clients see: phoenix.js in Node, on our server and on uvicorn, native and not."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

import sock
from sock import Refuse, Stop
from sock.channels import Channel, Endpoint, JoinError, Presence, ReplyError, Socket, on
from sock.pubsub import PubSub
from tests.needed import node_folder

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(90)]

BOUND = 60
SCRIPT = "tests/node/channels.cjs"


class Room(Channel):
    async def join(self, topic: str, params: dict[str, Any]):
        match params:
            case {"refuse": reason}:
                raise JoinError(reason=reason)
            case {"crash": _}:
                raise ValueError("join")
            case {"sleep": seconds}:
                await asyncio.sleep(seconds)
        return self.assigns.params if topic == "room:params" else {}

    async def after_join(self):
        if self.topic == "room:after":
            self.push("welcome", {"to": self.topic})
        if self.topic == "room:here":
            presence = self.assigns.presence
            await presence.push_state(self)
            await presence.track(self, self.assigns.params["name"], {"tab": 1})

    @on("move")
    async def move(self, payload: dict[str, Any]):
        await self.assigns.presence.update(self, self.assigns.params["name"], payload)
        return {}

    @on("echo")
    def echo(self, payload: dict[str, Any]):
        return payload

    @on("refuse")
    async def refuse(self, payload: dict[str, Any]):
        raise ReplyError(reason="empty")

    @on("odd")
    def odd(self, payload: dict[str, Any]):
        self.defer().reply("odd", {"n": 1})

    @on("later")
    def later(self, payload: dict[str, Any]):
        asyncio.get_running_loop().call_later(0.01, self.defer().ok, {"late": True})

    @on("typed")
    def typed(self, payload: dict[str, int]): ...

    @on("shout")
    async def shout(self, payload: dict[str, Any]):
        await self.broadcast("shout", payload)
        return {}

    @on("shout_to_others")
    async def shout_to_others(self, payload: dict[str, Any]):
        await self.broadcast_from("shout", payload)
        return {}

    @on("blob")
    async def blob(self, payload: bytes):
        self.push("blob", payload)
        await self.broadcast("blob_cast", payload)
        return payload

    @on("stop")
    def end(self, payload: dict[str, Any]):
        return Stop()

    @on("boom")
    def boom(self, payload: dict[str, Any]):
        raise ValueError("boom")

    @on("disconnect_me")
    async def disconnect_me(self, payload: dict[str, Any]):
        await self.assigns.endpoint.disconnect(f"users:{self.assigns.params['name']}")


async def with_names(topic, presences):
    await asyncio.sleep(0.001)
    return {key: {**entry, "name": key.title()} for key, entry in presences.items()}


class UserSocket(Socket):
    channels = {"room:*": Room}
    endpoint: Endpoint
    presence: Presence

    async def connect(self, params, info):
        if "refuse" in params:
            raise Refuse(int(params["refuse"]))
        self.assigns.endpoint = self.endpoint
        self.assigns.presence = self.presence
        self.assigns.params = {**params, "token": info.auth_token}

    def id(self):
        return f"users:{self.assigns.params['name']}"


def seen(version, closed_with):
    """Return what a client sees, with what differs between the versions of phoenix.js."""
    old = version == "phoenix-1.7.23"  # it knows no tokens
    error = {"path": "$[...]", "message": "expected `int`, got `str`"}
    return {
        "params arrive nested, and the token apart": [
            "ok",
            {
                "name": "ada",
                "nested": {"a": "1", "b": {"c": "é"}},
                "vsn": "2.0.0",
                "token": None if old else "s3cret.token",
            },
        ],
        "a join that is refused, that crashes, that has no route": [
            ["error", {"reason": "unauthorized"}],
            ["error", {"reason": "join crashed"}],
            ["error", {"reason": "unmatched topic"}],
        ],
        "a push is answered ok, error, with any status, later, and where it is not understood": [
            ["ok", {"a": [1, None, "é"]}],
            ["error", {"reason": "empty"}],
            ["odd", {"n": 1}],
            ["ok", {"late": True}],
            ["error", {"reason": "unmatched event"}],
            ["error", {"reason": "invalid payload", "errors": [error]}],
        ],
        "a broadcast reaches all, and one from others only them": [
            ["ada", {"n": 1}],
            ["bob", {"n": 1}],
            ["bob", {"n": 2}],
        ],
        "binary goes both ways": ["ok", *[[0, 1, 255]] * 3],
        "what is pushed after the join comes behind its reply": ["joined", {"to": "room:after"}],
        "leave closes the channel, and it can be joined again": ["closed", "ok", {"x": 1}],
        "a channel that stops is closed, and does not come back": "closed",
        "a channel that crashes is joined again by itself, and others do not notice": [
            ["channel_crash"],
            0,
            {"x": 2},
        ],
        "a slow join holds up neither another topic nor heartbeats": [
            ["quick", "ok", "slow"],
            [],
        ],
        "who is here comes as a state, then as diffs, also after a change": [
            *[[["ada", "Ada", [1]], ["bob", "Bob", [7]]]] * 2,
            [
                ["+", "ada", [1]],
                ["+", "bob", [1]],
                ["+", "bob", [7]],
                ["-", "bob", [1]],
                ["-", "bob", [7]],
            ],
        ],
        "heartbeats keep it, and all sockets of a user can be ended with 1001 and come back": [
            [],
            [1001, *closed_with],
        ],
        "a refused socket tries again, and hears of errors": False,
        "nothing else has closed": [],
    }


@contextlib.asynccontextmanager
async def _ours(endpoint):
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(sock.serve(endpoint))

        async def stop():
            await server.drain()

        yield server.port, stop


@contextlib.asynccontextmanager
async def _uvicorn(endpoint, **how):
    uvicorn = pytest.importorskip("uvicorn")
    config = uvicorn.Config(
        sock.asgi(endpoint), port=0, log_config=None, log_level="error", loop="none", **how
    )
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server.serve())
    try:
        while not server.started:
            assert not running.done(), running.exception()
            await asyncio.sleep(0.01)

        async def stop():
            server.should_exit = True
            await running

        yield server.servers[0].sockets[0].getsockname()[1], stop
    finally:
        server.should_exit = True
        await asyncio.wait({running}, timeout=BOUND)


def _native(endpoint):
    return _uvicorn(endpoint, ws="sock.adapters.uvicorn:SockProtocol")


def _plain(endpoint):
    return _uvicorn(endpoint, ws="websockets-sansio")


@pytest.mark.parametrize(
    ("host", "version"),
    [
        (_ours, "phoenix"),
        (_ours, "phoenix-1.8.9"),
        (_ours, "phoenix-1.7.23"),
        (_native, "phoenix"),
        (_plain, "phoenix"),
    ],
)
def test_phoenix_js_sees_what_it_should(host, version):
    asyncio.run(asyncio.wait_for(talk(host, version), BOUND))


async def talk(host, version):
    packages = node_folder()
    kind = type("Own", (UserSocket,), {})
    pubsub = PubSub("memory:")
    kind.endpoint = endpoint = Endpoint({"/socket": kind}, pubsub=pubsub, auth_token=True)
    kind.presence = Presence(pubsub, fetch=with_names)
    async with host(endpoint) as (port, stop):
        node = await asyncio.create_subprocess_exec(
            "node", SCRIPT, str(packages), version, f"ws://127.0.0.1:{port}/socket",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            told = json.loads(await node.stdout.readline())
            assert await node.stdout.readline() == b"leaving\n"
            await stop()
            code, state = json.loads(await node.stdout.readline())
        finally:
            if node.returncode is None:
                node.kill()
            await node.wait()
    codes = told[
        "heartbeats keep it, and all sockets of a user can be ended with 1001 and come back"
    ]
    assert told == seen(version, codes[1][1:] if isinstance(codes, list) else [])
    assert (code, state) == (1012, "errored")
