"""The document; that it holds is in `test_command.py`."""

from __future__ import annotations

import json

import pytest

from sock.cli.schema.asyncapi import asyncapi
from sock.cli.schema.conversation import Conversation, Message, describe_all

pytestmark = pytest.mark.one_form


def test_what_the_application_takes_and_what_it_sends_are_told_apart(document):
    told = document("alone:Numbers")
    assert told["channels"]["Numbers"]["messages"] == {
        "received_1": {
            "name": "received 1",
            "payload": {"type": "array", "items": {"type": "integer"}},
        },
        "received_2": {"name": "received 2", "payload": {"type": "string"}},
        "sent_1": {"name": "sent 1", "payload": {"type": "integer"}},
        "sent_2": {"name": "sent 2", "payload": {"$ref": "#/components/schemas/Box_Row_"}},
    }
    assert {
        key: (one["action"], [message["$ref"] for message in one["messages"]])
        for key, one in told["operations"].items()
    } == {
        "receiveNumbers": (
            "receive",
            [
                "#/channels/Numbers/messages/received_1",
                "#/channels/Numbers/messages/received_2",
            ],
        ),
        "sendNumbers": (
            "send",
            ["#/channels/Numbers/messages/sent_1", "#/channels/Numbers/messages/sent_2"],
        ),
    }


def test_a_message_of_both_directions_stands_there_once():
    both = [Message("Line", str, is_sent=False), Message("Line", str, is_sent=True)]
    one = Conversation("Echo", "/", {}, "", both)
    told = asyncapi([one], describe_all([one]), title="t", version="1")
    assert list(told["channels"]["Echo"]["messages"]) == ["Line"]
    assert len(told["operations"]) == 2


def test_handlers_of_one_name_have_keys_of_their_own():
    several = [
        Conversation("A b", f"/{number}", {}, "", [Message("x", int, is_sent=False)])
        for number in "12"
    ]
    told = asyncapi(several, describe_all(several), title="t", version="1")
    assert list(told["channels"]) == ["A_b", "A_b_2"]
    assert list(told["operations"]) == ["receiveA_b", "receiveA_b_2"]


def test_a_reply_belongs_to_its_operation(asyncapi_says):
    one = Conversation("Room", "room:*", {}, "", [Message("ask", str, is_sent=False, reply=int)])
    told = asyncapi([one], describe_all([one]), title="t", version="1")
    assert told["operations"]["receiveRoom_ask"]["reply"] == {
        "channel": {"$ref": "#/channels/Room"},
        "messages": [{"$ref": "#/channels/Room/messages/ask_reply"}],
    }
    assert asyncapi_says(json.dumps(told))["wrong"] == []
