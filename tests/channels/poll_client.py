"""A client of long poll, and handlers for its sessions: requests without a network."""

from __future__ import annotations

import asyncio
import json

from sock import Options, Refuse, Sock, Stop, testing

OPTIONS = Options()


class Echo(Sock[str]):
    """Sends back what it gets, and notes its end."""

    ended: list[object] = []
    refs: list[object] = []

    def __init__(self):
        pass

    def init(self, ref):
        self.refs.append(ref)

    def handle_in(self, message):
        match message:
            case '["stop"]':
                return Stop(1011)
            case '["twice"]':
                return ["1", "2"]
            case '["slow"]':
                return asyncio.sleep(30)
            case bytes():
                return f"{len(message)} bytes"
            case _:
                return message

    def handle_info(self, info):
        return info

    def terminate(self, reason):
        self.ended.append(reason)


class Client:
    """Asks as phoenix.js does.

    Args:
        poll: is asked.
        handler: of a session that begins.
        options: of the session.
    """

    def __init__(self, poll, handler=Echo, options=OPTIONS):
        self.poll = poll
        self.handler = handler
        self.options = options
        self.token = None

    async def ask(self, method, body=b"", headers=(), *, by=None):
        """Return the response to a request."""
        target = "/longpoll?vsn=2.0.0" + (f"&token={self.token}" if self.token else "")
        request = testing.request(target, method=method, body=body, headers=dict(headers))
        return await (by or self.poll).answer(request, self.options, self.connect)

    async def connect(self):
        if self.handler is None:
            raise Refuse(401)
        return self.handler()

    async def get(self, **more):
        """Return what a GET is told; keep the token."""
        response = await self.ask("GET", **more)
        assert response.status == 200
        told = json.loads(response.body)
        self.token = told.get("token", self.token)
        return told["status"], told.get("messages")

    async def post(self, *lines, kind="application/x-ndjson", **more):
        """Return the status that a POST is told; the one of HTTP in brackets if it is not 200."""
        body = b"\n".join(one if isinstance(one, bytes) else one.encode() for one in lines)
        response = await self.ask("POST", body, {"Content-Type": kind}, **more)
        return [response.status] if response.status != 200 else json.loads(response.body)["status"]
