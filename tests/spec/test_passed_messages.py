"""The short way through a wrapper does what its `handle_in` does."""

import pytest

from sock import BinarySock, HandlerError, Ping, Request, Sock, Stop, TextSock, Wrapper
from sock.spec.wrapper import short_way


class Both(Wrapper):
    """Changes each message both ways, so that it is seen whether it was called."""

    def incoming(self, message):
        return message + message[:1]

    def outgoing(self, message):
        return message if isinstance(message, Ping) else message[:1] + message


class In(Wrapper):
    incoming = Both.incoming


class Out(Wrapper):
    outgoing = Both.outgoing


class Echo(Sock):
    def handle_in(self, message):
        return message


class Odd(Wrapper):
    """Answers with whatever the message names, in place of a message."""

    RETURNED = {"none": None, "stop": Stop(4001), "number": 7, "bytes": b"bytes"}

    def incoming(self, message):
        return self.RETURNED[message]


class Text(TextSock):
    handle_in = Echo.handle_in


class Binary(BinarySock):
    handle_in = Echo.handle_in


class Raises(Sock):
    def handle_in(self, message):
        raise Stop(4001, messages=message) if message == "stop" else LookupError


class Lists(Sock):
    def handle_in(self, message):
        return None if message == "none" else [message, Ping(b"p")]


def outcome(call, message):
    try:
        return call(message)
    except BaseException as error:
        return type(error), getattr(error, "messages", None)


ALL = ["a", b"a", "stop", "none"]


@pytest.mark.parametrize("wrappers", [(Both,), (In,), (Out,), (Both, Out, In), (In, Both)])
@pytest.mark.parametrize("inner", [Echo, Raises, Lists])
@pytest.mark.parametrize("message", ALL, ids=repr)
def test_it_gives_what_handle_in_gives(wrappers, inner, message):
    handler = inner(Request())
    for wrapper in wrappers:
        handler = wrapper(handler)
    assert outcome(short_way(handler.handle_in), message) == outcome(handler.handle_in, message)


@pytest.mark.parametrize("message", Odd.RETURNED)
def test_what_is_no_message_for_the_handler_goes_the_long_way(message):
    handler = Odd(Text(Request()))
    assert outcome(short_way(handler.handle_in), message) == outcome(handler.handle_in, message)


@pytest.mark.parametrize(("inner", "message"), [(Text, b"a"), (Binary, "a")], ids=repr)
def test_a_message_that_the_handler_does_not_take_breaks_the_contract(inner, message):
    with pytest.raises(HandlerError, match="takes"):
        short_way(Both(inner(Request())).handle_in)(message)


def test_a_stop_that_outgoing_gives_takes_the_place_of_the_message():
    class Ends(Wrapper):
        def outgoing(self, message):
            return Stop(4002)

    assert short_way(Ends(Echo(Request())).handle_in)("a") == Stop(4002)


def test_what_is_no_wrappers_is_left_as_it_is():
    class Own(Both):
        def handle_in(self, message):
            return super().handle_in(message)

    for handler in (Echo(Request()), Own(Echo(Request()))):
        assert short_way(handler.handle_in) == handler.handle_in
