"""Which callbacks a handler has of its own."""

import pytest

from sock import Request, Sock
from sock.spec.own_callback import own_callback

CALLBACKS = ["init", "handle_in", "handle_control", "handle_info", "terminate"]


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_handler_that_leaves_everything_out_has_none(name):
    assert own_callback(Sock(Request()), name) is None


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_may_stand_in_the_class_or_in_the_object(name):
    def callback(*_):
        return "own"

    in_class = type("InClass", (Sock,), {name: callback})(Request())
    assert own_callback(in_class, name)(in_class, None) == "own"
    in_object = Sock(Request())
    setattr(in_object, name, callback)
    assert own_callback(in_object, name) is callback


def test_a_host_gets_the_callbacks_of_a_handler_whose_messages_are_values_in_their_coded_form():
    class Values(Sock):
        def coded(self, callback, name):
            return lambda message: f"{name}: {callback(message)}"

        def handle_in(self, message):
            return message.upper()

    handler = Values(Request())
    assert own_callback(handler, "handle_in")("a") == "handle_in: A"
    assert own_callback(handler, "handle_info") is None
