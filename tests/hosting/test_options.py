"""Which options count, for a host and for each of its connections. [S19.2]"""

from __future__ import annotations

import functools

import pytest

from sock import Application, HandlerError, Options, Sock, Upgrade, testing
from sock.hosting.options import options_of_connection, options_of_host

handler = Sock(testing.request())


class Limited(Sock):
    options = Options(max_mailbox=4, max_fragments=4)


def carries(request):
    return Limited(request)


carries.options = Options(max_mailbox=2, max_read_ahead=2, max_send_buffer=2)


def test_the_hosts_options_lie_over_those_that_an_application_carries():
    base = options_of_host(carries, Options(max_mailbox=3, max_read_ahead=3))
    assert base == Options(max_mailbox=3, max_read_ahead=3, max_send_buffer=2)
    assert options_of_host(carries, None) == carries.options
    assert options_of_host(lambda request: None, None) == Options()


def test_those_of_the_class_lie_over_the_hosts_and_those_of_an_upgrade_over_these():
    base = Options(max_mailbox=3, max_read_ahead=3)
    answer = Upgrade(Limited(testing.request()), options=Options(max_mailbox=5))
    assert options_of_connection(answer, base) == Options(
        max_mailbox=5, max_fragments=4, max_read_ahead=3
    )
    assert options_of_connection(Upgrade(handler), base) is base


@pytest.mark.parametrize(
    "app", [Limited, functools.partial(Limited), Application(Limited)], ids=str
)
def test_those_of_a_class_that_is_the_application_lie_over_the_hosts(app):
    base = options_of_host(app, Options(max_mailbox=3, max_read_ahead=3))
    assert base == Options(max_mailbox=4, max_fragments=4, max_read_ahead=3)


def test_what_are_no_options_is_refused():
    with pytest.raises(TypeError, match="options are an Options, not 'dict'"):
        options_of_host(Limited, {})


def test_options_of_a_class_that_no_connection_can_have_break_the_contract(monkeypatch):
    """[S19.3]"""
    monkeypatch.setattr(Limited, "options", Options(drain_timeout=3))
    with pytest.raises(HandlerError, match=r"drain_timeout: .* as Limited\.options are"):
        options_of_connection(Upgrade(Limited(testing.request())), Options())
    with pytest.raises(ValueError, match="drain_timeout"):
        options_of_host(Limited, None)
