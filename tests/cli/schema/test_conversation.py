"""What is said at one address, and its schemas."""

import pytest

from sock.cli.schema.conversation import Conversation, Message, describe_all

pytestmark = pytest.mark.one_form


def test_each_message_gets_its_schema_and_that_of_its_reply():
    asked = Message("ask", str, is_sent=False, reply=int)
    told = Message("tell", bool, is_sent=True)
    conversation = Conversation("Room", "room:1", {}, "", [asked, told])
    assert describe_all([conversation]) == {}
    assert (asked.schema, asked.reply_schema) == ({"type": "string"}, {"type": "integer"})
    assert told.schema == {"type": "boolean"}
    assert conversation.going(sent=True) == [told]
    assert conversation.going(sent=False) == [asked]
