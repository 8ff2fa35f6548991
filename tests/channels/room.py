"""A room that does what it is told; and frames of the second version, as values."""

from typing import Any

from sock import Stop
from sock.channels import Channel, JoinError, on

JOIN = ["1", "1", "room:1", "phx_join", {}]
OK = {"status": "ok", "response": {}}


def reply(join_ref, ref, response, status="ok", topic="room:1"):
    return [join_ref, ref, topic, "phx_reply", {"status": status, "response": response}]


def refusal(join_ref, ref, reason):
    return reply(join_ref, ref, {"reason": reason}, "error")


class Room(Channel):
    """Does what it is told, and notes how it ends."""

    ended: list[Any]

    def __init_subclass__(cls, **arguments):
        super().__init_subclass__(**arguments)
        cls.ended = []

    def join(self, topic: str, params: dict[str, Any]):
        match params:
            case {"refuse": reason}:
                raise JoinError(reason=reason)
            case {"crash": _}:
                raise ValueError("join")
            case {"response": response}:
                return response
        return None

    @on("echo")
    def echo(self, payload: dict[str, Any]):
        return payload

    @on("boom")
    def boom(self, payload: dict[str, Any]):
        raise ValueError("boom")

    @on("stop")
    def leave_it(self, payload: dict[str, Any]):
        return Stop()

    @on("news")
    def news(self, payload: dict[str, Any]):
        self.push("news", payload)

    @on("shout")
    async def shout(self, payload: dict[str, Any]):
        await self.broadcast("shout", payload)
        return {"done": True}

    @on("tell")
    async def tell(self, payload: dict[str, Any]):
        await self.broadcast_from("shout", payload)

    def terminate(self, reason):
        self.ended.append(reason)
