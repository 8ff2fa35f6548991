import inspect
import pickle
import re
import sys
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

import pytest

from sock import (
    BinarySock,
    Failed,
    HandlerError,
    Normal,
    Ping,
    Pong,
    Prepared,
    Request,
    Sock,
    Stop,
    Text,
    TextSock,
    UnsupportedData,
)

CALLBACKS = ["init", "handle_in", "handle_control", "handle_info", "terminate"]


def named(value):
    """Name a case by what it is, not by where: workers side by side must find the same ones."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@dataclass(frozen=True)
class Line:
    text: str


class Silent(Sock):
    """Leaves everything out."""


@pytest.fixture
def silent():
    return Silent(Request())


def test_without_init_the_beginning_is_silent(silent):
    assert silent.init(None) is None


def test_without_handle_in_a_message_closes_with_1003(silent):
    match silent.handle_in("hello"):
        case Stop(1003, "", (), UnsupportedData() as error):
            assert str(error) == "Silent takes no messages (RFC 6455 §7.4.1)"
        case other:
            pytest.fail(f"{other!r}")


@pytest.mark.parametrize("frame", [Ping(b"x"), Pong(b"x")], ids=named)
def test_without_handle_control_nobody_is_told_of_pings_and_pongs(silent, frame):
    assert silent.handle_control(frame) is None


@pytest.mark.parametrize(
    "info",
    [
        "",
        "hello",
        b"",
        b"x",
        bytearray(b"x"),
        memoryview(b"x"),
        Text(b"x"),
        Ping(),
        Pong(),
        Prepared("x"),
    ],
    ids=named,
)
def test_without_handle_info_an_info_that_is_a_message_is_pushed(silent, info):
    assert silent.handle_info(info) is info


@pytest.mark.parametrize("info", [None, 7, Line("hello"), ["hello"], Stop()], ids=named)
def test_without_handle_info_any_other_info_is_a_handler_error(silent, info):
    with pytest.raises(
        HandlerError, match=f"^Silent has no handle_info, and '{type(info).__name__}'"
    ):
        silent.handle_info(info)


@pytest.mark.parametrize("reason", [Normal(), Failed(ValueError())], ids=named)
def test_without_terminate_the_end_is_silent(silent, reason):
    assert silent.terminate(reason) is None


@pytest.mark.parametrize("base", [Sock, TextSock, BinarySock])
@pytest.mark.parametrize("name", ["__init__", *CALLBACKS])
def test_an_application_may_name_the_arguments_as_it_likes(base, name):
    parameters = list(inspect.signature(getattr(base, name)).parameters.values())
    assert [one.kind for one in parameters] == [inspect.Parameter.POSITIONAL_ONLY] * 2


@pytest.mark.parametrize("base", [Sock, TextSock, BinarySock])
def test_type_parameters_may_be_left_out(base):
    class Left(base):
        pass

    class One(base[Line]):
        pass

    assert issubclass(Left, base)
    assert issubclass(One, base)
    assert get_args(base[Line])[0] is Line
    assert isinstance(One(Request()), Sock)


def test_both_type_parameters_may_be_given():
    class Both(Sock[Line, bytes]):
        pass

    assert get_args(Both.__orig_bases__[0]) == (Line, bytes)


def test_an_application_may_have_type_parameters_of_its_own():
    kind = TypeVar("kind")

    class Own(TextSock[kind], Generic[kind]):
        pass

    class Closed(Own[Line]):
        pass

    assert isinstance(Closed(Request()), TextSock)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 695 is of Python 3.12")
def test_an_application_may_have_type_parameters_of_its_own_in_brackets():
    namespace = {"TextSock": TextSock, "Line": Line}
    exec("class Own[T](TextSock[T]): pass\nclass Closed(Own[Line]): pass", namespace)  # noqa: S102
    assert isinstance(namespace["Closed"](Request()), TextSock)


def test_an_application_is_tested_by_calling_it():
    class Echo(Sock):
        def handle_in(self, message):
            return message

    assert Echo(Request()).handle_in("hi") == "hi"
    assert Echo().handle_in("hi") == "hi"


def test_an_application_needs_no_constructor_to_be_made():
    assert Silent(Request()).__dict__ == {}
    assert type(pickle.loads(pickle.dumps(Silent(Request())))) is Silent  # noqa: S301 - our own


def test_what_a_class_accepts_is_declared():
    """[S20.10]"""
    assert Sock.accepts == (str, bytes)
    assert TextSock.accepts == (str,)
    assert BinarySock.accepts == (bytes,)


@pytest.mark.parametrize("wrong", [str, [str], (str, int), (str, []), "text"])
def test_what_it_accepts_is_a_tuple_of_types(wrong):
    with pytest.raises(TypeError, match=r"Wrong\.accepts is a tuple of the types str and bytes"):
        type("Wrong", (Sock,), {"accepts": wrong})
