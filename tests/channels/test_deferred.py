"""A reply that is given later."""

import pytest

from sock import Prepared
from sock.channels import V2, Deferred
from sock.channels.deferred import send_frame
from sock.channels.message import Message

pytestmark = pytest.mark.one_form


class Ref:
    def __init__(self):
        self.sent = []

    def send(self, info):
        self.sent.append(info)


def deferred(ref, message_ref="2"):
    return Deferred(ref, V2(), "1", Message("1", message_ref, "room:1", "later", b"{}"))


def test_it_answers_with_the_references_of_its_event():
    ref = Ref()
    deferred(ref).ok({"n": 1})
    deferred(ref).error()
    deferred(ref).reply("odd", b"\x01")
    assert ref.sent == [
        Prepared('["1","2","room:1","phx_reply",{"status":"ok","response":{"n":1}}]'),
        Prepared('["1","2","room:1","phx_reply",{"status":"error","response":{}}]'),
        Prepared(b"\x01\x01\x01\x06\x0312room:1odd\x01"),
    ]


def test_an_event_that_wants_no_answer_gets_none():
    ref = Ref()
    deferred(ref, None).ok()
    assert ref.sent == []


def test_a_response_that_cannot_be_sent_is_refused_where_it_is_given():
    with pytest.raises(TypeError):
        deferred(Ref()).ok({"x": object()})


def test_a_frame_is_sent_as_one_message():
    ref = Ref()
    send_frame(ref, "frame")
    assert ref.sent == [Prepared("frame")]
