"""The peer of a session sends and receives values where the handler is a `JsonSock`."""

import msgspec
import pytest

from sock import InvalidMessage, JsonSock, Ping, Pong, Sock, Text, Wrapper, testing

pytestmark = pytest.mark.one_form


class Say(msgspec.Struct, tag="say"):
    text: str


class Move(msgspec.Struct, tag="move"):
    x: int


class Line(msgspec.Struct):
    text: str


class Chat(JsonSock[Line, Say | Move, Line]):
    def handle_in(self, message):
        match message:
            case Say("wrong"):
                return Text(b'{"text":7}')
            case Say(text):
                return Line(text)
            case Move(x):
                return [Line("moved"), Line(str(x))]


def test_values_go_as_json_beside_messages_and_control_frames():
    with testing.open(Chat) as session:
        session.receive(
            Say("é"), Ping(b"?"), '{"type":"move","x":1}', Text(b'{"type":"move","x":2}')
        )
        assert session.sent() == [
            '{"text":"é"}',
            Pong(b"?"),
            *('{"text":"moved"}', '{"text":"1"}'),
            *('{"text":"moved"}', '{"text":"2"}'),
        ]


def test_what_was_pushed_is_told_once_as_a_value_or_as_a_message():
    with testing.open(Chat) as session:
        session.receive(Say("1"))
        assert session.pushed_values() == [Line("1")]
        assert session.pushed_values() == session.pushed() == []
        session.receive(Say("2"))
        assert session.pushed() == ['{"text":"2"}']
        assert session.pushed_values() == []


def test_a_text_of_the_handler_that_is_not_of_the_type_fails_the_test():
    with testing.open(Chat) as session:
        session.receive(Say("wrong"))
        with pytest.raises(InvalidMessage, match=r"\$\.text: expected `str`, got `int`"):
            session.pushed_values()


def test_a_value_that_the_handler_does_not_take_is_refused_before_anything_is_sent():
    with testing.open(Chat) as session:
        with pytest.raises(TypeError, match=r"'Line' is not Say \| Move"):
            session.receive(Say("1"), Line("2"))
        assert session.pushed() == []


def test_a_list_is_a_value_where_that_is_the_type():
    class Sums(JsonSock[None, list[int], int]):
        def handle_in(self, message):
            return sum(message)

    with testing.open(Sums) as session:
        session.receive([1, 2], [3])
        assert session.pushed_values() == [3, 3]


def test_values_reach_a_handler_behind_a_wrapper():
    with testing.open(lambda request: Wrapper(Chat(request))) as session:
        session.receive(Say("1"))
        assert session.pushed_values() == [Line("1")]


def test_a_handler_of_messages_has_no_values_and_the_error_says_so():
    with testing.open(Sock) as session:
        with pytest.raises(TypeError, match=r"Sock is no JsonSock.*: 'Say' is no message"):
            session.receive(Say("1"))
        with pytest.raises(TypeError, match=r"Sock is no JsonSock.*: pushed\(\) has the messages"):
            session.pushed_values() or session.pushed()


def test_a_session_that_is_not_open_takes_no_values():
    with pytest.raises(RuntimeError, match="not open"):
        testing.open(Chat).receive(Say("1"))
