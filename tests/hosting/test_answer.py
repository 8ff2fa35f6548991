"""What an application's answer comes to."""

from __future__ import annotations

import functools

import pytest

from sock import (
    Application,
    HandlerError,
    HandshakeError,
    Options,
    Response,
    Sock,
    Stop,
    Upgrade,
    testing,
)
from sock.hosting.answer import accepted, base_of, explained, limits, taken
from sock.wire import handshake

handler = Sock(testing.request())


def test_a_bare_sock_means_an_upgrade_to_it():
    answer = taken(handler)
    assert isinstance(answer, Upgrade)
    assert answer.handler is handler


@pytest.mark.parametrize("answer", [Upgrade(handler), Response(404)])
def test_an_upgrade_and_a_response_are_what_they_are(answer):
    assert taken(answer) is answer


@pytest.mark.parametrize("answer", [None, "hello", 404, Sock])
def test_anything_else_breaks_the_contract(answer):
    with pytest.raises(HandlerError, match="a Sock, an Upgrade or a Response"):
        taken(answer)


def test_the_options_of_an_upgrade_are_laid_over_the_hosts():
    request = testing.request()
    base = Options(idle_timeout=5, max_mailbox=7)
    upgrade = Upgrade(handler, options=Options(max_mailbox=9))
    acceptance, options = accepted(request, handshake.check(request), upgrade, base)
    assert acceptance.head.startswith(b"HTTP/1.1 101 ")
    assert (options.idle_timeout, options.max_mailbox) == (5, 9)


def test_another_sites_page_is_refused_unless_the_upgrade_lets_it_in():
    # RFC 6455 §10.2
    request = testing.request(headers={"Origin": "https://elsewhere.example"})
    key = handshake.check(request)
    with pytest.raises(HandshakeError) as refused:
        accepted(request, key, Upgrade(handler), Options())
    assert refused.value.status == 403
    accepted(request, key, Upgrade(handler, options=Options(origins="*")), Options())


def test_a_stop_raised_in_the_handshake_is_told_with_what_is_meant():
    """[S6.9]"""
    stop = Stop(4001)
    told = explained(stop)
    assert isinstance(told, HandlerError)
    assert "it is for a live connection: raise Refuse there" in str(told)
    assert told.__cause__ is stop
    error = LookupError()
    assert explained(error) is error


# The limits, in their order. [S19.2]


class Limited(Sock):
    options = Options(max_mailbox=4, max_fragments=4)


def carries(request):
    return Limited(request)


carries.options = Options(max_mailbox=2, max_read_ahead=2, max_send_buffer=2)


def test_the_hosts_options_lie_over_those_that_an_application_carries():
    base = base_of(carries, Options(max_mailbox=3, max_read_ahead=3))
    assert base == Options(max_mailbox=3, max_read_ahead=3, max_send_buffer=2)
    assert base_of(carries, None) == carries.options
    assert base_of(lambda request: None, None) == Options()


def test_those_of_the_class_lie_over_the_hosts_and_those_of_an_upgrade_over_these():
    base = Options(max_mailbox=3, max_read_ahead=3)
    answer = Upgrade(Limited(testing.request()), options=Options(max_mailbox=5))
    assert limits(answer, base) == Options(max_mailbox=5, max_fragments=4, max_read_ahead=3)
    assert limits(Upgrade(handler), base) is base


@pytest.mark.parametrize(
    "app", [Limited, functools.partial(Limited), Application(Limited)], ids=str
)
def test_those_of_a_class_that_is_the_application_lie_over_the_hosts(app):
    base = base_of(app, Options(max_mailbox=3, max_read_ahead=3))
    assert base == Options(max_mailbox=4, max_fragments=4, max_read_ahead=3)


def test_what_are_no_options_is_refused():
    with pytest.raises(TypeError, match="options are an Options, not 'dict'"):
        base_of(Limited, {})


def test_options_of_a_class_that_no_connection_can_have_break_the_contract(monkeypatch):
    """[S19.3]"""
    monkeypatch.setattr(Limited, "options", Options(drain_timeout=3))
    with pytest.raises(HandlerError, match=r"drain_timeout: .* as Limited\.options are"):
        limits(Upgrade(Limited(testing.request())), Options())
    with pytest.raises(ValueError, match="drain_timeout"):
        base_of(Limited, None)
