import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

from sock import Ping, Pong, Prepared, Text
from sock.spec.message import MESSAGE_TYPES, Message

CONTROLS = [Ping, Pong]
again = pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],  # noqa: S301 - our own
    ids=["copy", "deepcopy", "pickle"],
)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_frame_carries_nothing_unless_it_is_told(control):
    assert control() == control(b"")
    assert control().payload == b""


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_frame_carries_125_bytes(control):
    assert control(bytes(125)).payload == bytes(125)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_frame_of_126_bytes_is_refused(control):
    with pytest.raises(ValueError, match=r"at most 125 bytes, not 126 \(RFC 6455 §5\.5\)"):
        control(bytes(126))


@pytest.mark.parametrize("kind", [Ping, Pong, Text])
@pytest.mark.parametrize("payload", ["text", bytearray(b"x"), memoryview(b"x"), None, 7])
def test_what_is_made_of_bytes_takes_nothing_else(kind, payload):
    with pytest.raises(TypeError, match="is made of bytes, not"):
        kind(payload)


def test_a_ping_is_no_pong():
    assert Ping(b"x") != Pong(b"x")


@pytest.mark.parametrize("message", [Ping(b"x"), Pong(b"x"), Text(b"x"), Prepared("x")], ids=repr)
def test_a_message_matches_by_its_content(message):
    match message:
        case Ping(content) | Pong(content) | Text(content) | Prepared(content):
            assert content in {b"x", "x"}


@pytest.mark.parametrize("message", [Ping(b"x"), Pong(b"x"), Text(b"x")], ids=repr)
def test_a_message_is_not_changed(message):
    with pytest.raises(FrozenInstanceError):
        setattr(message, type(message).__match_args__[0], b"y")


@again
@pytest.mark.parametrize("message", [Ping(b"x"), Pong(b"x"), Text(b"x"), Prepared("x")], ids=repr)
def test_a_message_can_be_copied_and_pickled(message, again):
    assert again(message) == message


def test_messages_can_be_put_into_sets():
    assert len({Ping(b"x"), Ping(b"x"), Pong(b"x"), Text(b"x"), Prepared("x"), Prepared("x")}) == 4


@pytest.mark.parametrize(("message", "size"), [("ü", 2), (b"four", 4), ("", 0)])
def test_a_prepared_message_says_how_many_bytes_it_has_each_time_it_is_asked(message, size):
    prepared = Prepared(message)
    assert [prepared.payload_bytes for _ in range(2)] == [size, size]


def test_a_prepared_message_is_encoded_once_for_each_variant():
    calls = []

    def encode():
        calls.append("encode")
        return b"frame"

    prepared = Prepared("x")
    assert prepared.encoded("plain", encode) == b"frame"
    assert prepared.encoded("plain", encode) is prepared.encoded("plain", encode)
    assert calls == ["encode"]
    prepared.encoded(("deflate", 12), encode)
    assert calls == ["encode", "encode"]


@again
def test_the_copy_of_a_prepared_message_has_encodings_of_its_own(again):
    prepared = Prepared("x")
    prepared.encoded("plain", lambda: b"old")
    assert again(prepared).encoded("plain", lambda: b"new") == b"new"


@pytest.mark.parametrize("message", [bytearray(b"x"), memoryview(b"x"), Text(b"x"), None, 7])
def test_only_what_stays_the_same_can_be_prepared(message):
    with pytest.raises(TypeError, match="made of str or bytes"):
        Prepared(message)


def test_a_prepared_message_stays_the_one_that_was_encoded():
    with pytest.raises(AttributeError):
        Prepared("x").message = "y"


def test_text_and_binary_of_the_same_letters_are_prepared_apart():
    assert Prepared("x") != Prepared(b"x")
    assert Prepared("x") != "x"


def test_a_prepared_message_shows_itself():
    assert repr(Prepared(b"x")) == "Prepared(b'x')"


def test_message_for_the_type_checkers_is_message_for_isinstance():
    assert len(Message.__args__) == len(MESSAGE_TYPES)
    assert set(Message.__args__) == set(MESSAGE_TYPES)
