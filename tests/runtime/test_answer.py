"""What an application's answer comes to."""

from __future__ import annotations

import pytest

from sock import HandlerError, HandshakeError, Options, Response, Sock, Stop, Upgrade, testing
from sock.runtime.answer import accepted, explained, taken
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
