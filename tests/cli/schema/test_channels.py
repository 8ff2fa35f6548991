"""What is said on channels, by the table of the module: for AsyncAPI and for phoenix.js."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.one_form

ROOMS = '''
from __future__ import annotations

import msgspec

from sock import Stop
from sock.channels import Channel, Endpoint, Socket, intercept, on
from sock.pubsub import PubSub

class NewMessage(msgspec.Struct):
    body: str

class Posted(msgspec.Struct):
    id: int

class Since(msgspec.Struct):
    last: int = 0

class Room(Channel):
    """A room."""

    async def join(self, topic: str, params: Since) -> Posted | None: ...

    @on("new_msg")
    async def new_msg(self, message: NewMessage) -> Posted | Stop | None: ...

    @on("blob")
    def blob(self, data: bytes) -> bytes: ...

    @on("both")
    def both(self, data: bytes | list[int]): ...

    @intercept("new_msg")
    def out(self, message: NewMessage) -> None: ...

class Lobby(Channel): ...

class UserSocket(Socket):
    channels = {"room:*": Room, "lobby": Lobby}

endpoint = Endpoint({"/socket": UserSocket}, pubsub=PubSub("memory:"))
'''

CLIENT = """
import { Socket } from "phoenix";
import type { RoomChannel } from "./messages.js";

const room = new Socket("/socket").channel("room:1", { last: 1 }) as unknown as RoomChannel;
room.join().receive("ok", ({ id }) => id.toFixed()).receive("error", ({ reason }) => reason);
room.push("new_msg", { body: "x" }).receive("ok", (reply) => reply.id.toFixed());
room.push("blob", new ArrayBuffer(3)).receive("ok", (reply) => reply.byteLength);
room.push("both", [1]);
room.on("new_msg", (message) => message.body.length);
room.on("presence_state", (state) => state);
room.leave();
"""
WRONG = """
import type { RoomChannel } from "./messages.js";
export const wrong = (room: RoomChannel) => room.push("new_msg", { text: "x" });
"""


@pytest.fixture
def rooms(folder):
    (folder / "chat.py").write_text(ROOMS)


def test_topics_events_and_replies_are_described(rooms, document, asyncapi_says):
    told = document("chat:endpoint")
    assert {key: one["address"] for key, one in told["channels"].items()} == {
        "Room": "room:{rest}",
        "Lobby": "lobby",
    }
    room = told["channels"]["Room"]
    assert (room["x-phoenix-socket"], room["description"]) == ("/socket", "A room.")
    assert set(room["messages"]) == {
        *("phx_join", "phx_join_reply", "new_msg", "new_msg_reply", "blob", "blob_reply", "both")
    }
    assert room["messages"]["blob"] == {
        "name": "blob",
        "payload": {"type": "string", "format": "binary"},
        "contentType": "application/octet-stream",
    }
    assert told["operations"]["receiveRoom_new_msg"]["reply"]["messages"] == [
        {"$ref": "#/channels/Room/messages/new_msg_reply"}
    ]
    assert told["operations"]["sendRoom"]["messages"] == [
        {"$ref": "#/channels/Room/messages/new_msg"}
    ]
    assert asyncapi_says(json.dumps(told))["wrong"] == []


def test_the_types_are_those_of_phoenix_js(rooms, printed, tsc_says):
    assert tsc_says(messages=printed("chat:endpoint", "--typescript"), client=CLIENT) == ""


def test_a_wrong_payload_is_seen(rooms, printed, tsc_says):
    said = tsc_says(messages=printed("chat:endpoint", "--typescript"), client=WRONG)
    assert "client.ts(3," in said
    assert "No overload matches this call" in said
