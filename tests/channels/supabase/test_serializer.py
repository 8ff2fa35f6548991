"""The binary frames of Supabase's clients. `test_realtime.py` has what the clients make of them."""

from __future__ import annotations

import json

import pytest

from sock import InvalidMessage
from sock.channels.serializer import encode_broadcast
from sock.channels.supabase import SERIALIZERS, binary_payload
from sock.channels.supabase.serializer import SupabaseV2

pytestmark = pytest.mark.one_form

V2 = SupabaseV2()
HEAD = bytes((3, 1, 2, 15, 4, 0))
FIELDS = b"112realtime:room 1move"


def test_a_broadcast_with_json_is_read():
    message = V2.decode(HEAD + b"\x01" + FIELDS + b'{"x":1}')
    assert message[:4] == ("1", "12", "realtime:room 1", "broadcast")
    assert json.loads(message.payload) == {
        "type": "broadcast",
        "event": "move",
        "payload": {"x": 1},
    }
    assert not message.binary


def test_a_broadcast_with_bytes_is_read():
    message = V2.decode(HEAD + b"\x00" + FIELDS + b"\xff\x00")
    assert message.payload == binary_payload("move", b"\xff\x00")
    assert message.binary


def test_references_may_be_missing_and_there_may_be_metadata():
    message = V2.decode(bytes((3, 0, 0, 1, 1, 2, 1)) + b"te{}" + b"7")
    assert message[:3] == (None, None, "t")
    assert json.loads(message.payload)["payload"] == 7


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b"\x03", b"\x03\x00\x00\x00\x00\x00", HEAD + b"\x01" + FIELDS[:-1]),
        *(b"\x00\x00\x00\x00\x00", b"\x02\x01\x01te", b"\x04\x00\x00\x00\x00"),
        HEAD + b"\x02" + FIELDS,
    ],
)
def test_other_binary_frames_are_refused(frame):
    with pytest.raises(InvalidMessage):
        V2.decode(frame)


def test_a_broadcast_with_bytes_is_written():
    frame = encode_broadcast("realtime:r", "broadcast", binary_payload("é", b"\xff"))
    assert V2.broadcast(frame) == b"\x04\x0a\x02\x00\x00realtime:r\xc3\xa9\xff"
    assert V2.message("1", None, "realtime:r", "broadcast", binary_payload("é", b"\xff")) == (
        b"\x04\x0a\x02\x00\x00realtime:r\xc3\xa9\xff"
    )


def test_a_client_gets_no_other_binary_frame():
    assert V2.broadcast(encode_broadcast("realtime:r", "other", b"\x01")) is None
    with pytest.raises(TypeError, match="in a broadcast only"):
        V2.message("1", None, "realtime:r", "other", b"\x01")
    with pytest.raises(TypeError, match="no binary replies"):
        V2.reply("1", "2", "realtime:r", "ok", b"\x01")
    with pytest.raises(ValueError, match="made by binary_payload"):
        V2.message("1", None, "realtime:r", "broadcast", b"\x05abc")


def test_text_is_that_of_phoenix():
    frame = encode_broadcast("realtime:r", "broadcast", {"event": "e"})
    assert V2.broadcast(frame) == frame
    assert V2.reply("1", "2", "t", "ok", {}) == (
        '["1","2","t","phx_reply",{"status":"ok","response":{}}]'
    )
    assert [one.accepts((number, 0, 0)) for number, one in enumerate(SERIALIZERS, 1)] == [True] * 2


def test_a_long_event_is_refused():
    with pytest.raises(ValueError, match="256 bytes"):
        binary_payload("x" * 256, b"")
