"""Callbacks are looked up once, when the connection is made: [S3.12]."""

import types

import pytest

from sock import BinarySock, Normal, Ping, Prepared, Request, Sock, Stop, TextSock, Wrapper
from sock.engine.callbacks import Callbacks
from sock.engine.mailbox import Kind
from sock.spec.message import Whole


class Known(Sock):
    """Can be asked for in the midst of its life."""

    def __init__(self, request):
        Known.latest = self


def rebinds(name):
    """Bind another callback to a name of the handler."""
    setattr(Known.latest, name, lambda argument: "rebound")


@pytest.mark.parametrize("receive", ["receive", "receive_fast"])
def test_what_is_bound_to_handle_in_later_is_never_called(connect, gate, receive):
    """In one piece or alone: through the mailbox and on the fast path."""

    def handle_in(message):
        rebinds("handle_in")
        return message

    c = connect(Known, handle_in=handle_in)
    for message in ("1", "2", "3"):
        getattr(c, receive)(message)
    assert c.saw == ["1", "2", "3"]


def test_what_is_bound_to_handle_in_later_is_never_called_through_the_mailbox(connect, gate):
    async def handle_in(message):
        rebinds("handle_in")
        await gate
        return message

    c = connect(Known, handle_in=handle_in)
    c.receive("1", "2", "3")
    gate.open()
    assert c.saw == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["handle_info", "handle_control", "terminate"])
@pytest.mark.parametrize("own", [False, True])
def test_the_other_callbacks_are_never_rebound_either(connect, name, own):
    callbacks = ("handle_info", "handle_control", "terminate")
    given = {name: lambda argument: None} if own else {}
    leaves_out = tuple(one for one in callbacks if one not in given)
    c = connect(Known, leaves_out=leaves_out, **given)
    rebinds(name)
    c.receive(Ping())
    c.post("info")
    c.life.stop(Stop())
    c.host.settle_down()
    pushed = [one for one in c.saw if isinstance(one, str)]
    assert pushed == ([] if own and name == "handle_info" else ["info"])
    assert c.life.cause.reason == Normal()
    assert c.failures == []


def test_an_attribute_of_the_handler_itself_counts_like_one_of_its_class(connect):
    class Assigned(Sock):
        def __init__(self, request):
            self.handle_in = lambda message: f"in {message}"
            self.handle_info = lambda info: f"info {info}"
            self.handle_control = lambda frame: "control"

    c = connect(Assigned, leaves_out=("handle_in", "handle_info", "handle_control"))
    c.receive("a", Ping())
    c.post("b")
    assert c.saw == ["in a", "control", "info b"]
    assert not c.life.pushes_infos


def test_a_handler_keeps_no_object_for_a_callback_that_it_does_not_have():
    class Nothing(Sock):
        pass

    handler = Nothing(None)
    callbacks = Callbacks(handler, None)
    assert callbacks.on_text is None
    assert callbacks.on_binary is None
    assert callbacks.pushes_infos
    names = ("handle_in", "handle_info", "handle_control", "terminate", "init")
    assert [callbacks.own_callback(name) for name in names] == [None] * 5


def test_a_base_class_s_callback_that_is_not_sock_s_own_is_the_handler_s():
    class Base(Sock):
        def handle_info(self, info):
            return "base"

    class Derived(Base):
        pass

    callbacks = Callbacks(Derived(None), None)
    assert callbacks.callback_for(Kind.INFO, "info")("info") == "base"


def test_text_and_binary_have_the_callback_of_those_who_take_them():
    class Text(TextSock):
        def handle_in(self, message):
            return message

    class Binary(BinarySock):
        def handle_in(self, message):
            return message

    text, binary = Callbacks(Text(None), None), Callbacks(Binary(None), None)
    assert (text.on_text("a"), text.on_binary) == ("a", None)
    assert (binary.on_text, binary.on_binary(b"a")) == (None, b"a")
    assert text.callback_for(Kind.MESSAGE, "a") is text.on_text
    assert binary.callback_for(Kind.MESSAGE, b"a") is binary.on_binary


def test_in_debug_mode_a_callback_is_watched_by_its_name():
    class Handler(Sock):
        def handle_in(self, message):
            return message

    wrapped = []

    def wrap(callback, place):
        wrapped.append(place)
        return callback

    callbacks = Callbacks(Handler(None), wrap)
    assert [place.rpartition(".")[2] for place in wrapped] == ["handle_in"]
    assert not callbacks.pushes_infos
    assert isinstance(callbacks.on_text, types.MethodType)


def test_a_whole_message_is_pushed_and_no_callback_sees_it(connect):
    c = connect(handle_info=lambda info: "seen")
    c.post(Whole(Prepared("whole")))
    c.post("info")
    assert c.saw == [Prepared("whole"), "seen"]
    assert c.calls == ["init", "handle_info"]


def test_a_whole_message_waits_for_the_wrappers_of_a_handler():
    assert Callbacks(Known(None), None).pushes_whole
    assert not Callbacks(Wrapper(Known(Request())), None).pushes_whole


def test_the_messages_of_a_wrapper_take_its_short_way():
    class Loud(Wrapper):
        def incoming(self, message):
            return message.upper()

    class Echo(Sock):
        def handle_in(self, message):
            return message

    callbacks = Callbacks(Loud(Echo(Request())), None)
    assert not callbacks.pushes_whole
    assert callbacks.on_text("a") == "A"
    assert not isinstance(callbacks.on_text.__self__, Wrapper)
