"""Asking an application about a request, in the same order for adapters and the test kit."""

from __future__ import annotations

import pytest

from sock import HandlerError, HandshakeError, Options, Refuse, Response, Sock, Upgrade, testing
from sock.hosting import asking


class Made(Sock):
    made = []

    def __init__(self, request):
        self.made.append(request)


async def later(request):
    return Made(request)


def valid():
    """Find no fault with the handshake."""


def faulty():
    raise HandshakeError(400, "bad")


def asked(run_async, app, *, check=valid, upgrading=True, **request):
    made = testing.request(**request)
    Made.made.clear()
    return run_async(asking.ask(app, made, check, upgrading=upgrading, base=Options()))


@pytest.mark.parametrize("app", [Made, later, lambda request: Upgrade(Made(request))])
def test_an_application_answers_with_an_upgrade(run_async, app):
    assert isinstance(asked(run_async, app), Upgrade)
    assert len(Made.made) == 1


def test_an_ordinary_request_has_an_ordinary_answer(run_async):
    answer = Response(204)
    assert asked(run_async, lambda _: answer, upgrading=False, upgrade=False) is answer


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"check": faulty}, 400),
        ({"upgrading": False}, 426),
        ({"headers": {"Origin": "https://evil.example"}}, 403),
    ],
)
def test_a_sock_class_makes_no_handler_for_what_is_refused(run_async, how, status):
    with pytest.raises(HandshakeError) as refused:
        asked(run_async, Made, **how)
    assert refused.value.status == status
    assert Made.made == []


def test_a_sock_for_an_ordinary_request_is_refused(run_async):
    """[S1.5]"""
    with pytest.raises(HandshakeError) as refused:
        asked(run_async, later, upgrading=False)
    assert refused.value.status == 426


def test_what_is_no_answer_breaks_the_contract(run_async):
    with pytest.raises(HandlerError, match="not 'int'"):
        asked(run_async, lambda _: 7)


def test_a_refusal_is_told_as_one_and_no_crash(events):
    request = testing.request()
    response = asking.refused(request, Refuse(401, "who are you?"))
    assert (response.status, response.body) == (401, "who are you?")
    refusal = HandshakeError(426, "no", [("Upgrade", "websocket")])
    response = asking.refused(request, refusal)
    assert (response.status, response.body) == (426, "no\n")
    assert response.headers == (("Upgrade", "websocket"),)
    assert [name for name, _ in events] == ["handshake.refused"] * 2


def test_what_an_application_raises_is_told_and_not_shown(events):
    error = LookupError("a secret")
    response = asking.failed(testing.request(), error)
    assert (response.status, response.body) == (500, "internal server error\n")
    [(name, fields)] = events
    assert (name, fields["error"]) == ("handshake.failed", error)
