"""Asking an application about a request: one set of rules, which every host follows."""

from __future__ import annotations

import asyncio

import pytest

from sock import (
    HandlerError,
    HandshakeError,
    Options,
    Refuse,
    Response,
    Sock,
    Stop,
    Upgrade,
    testing,
)
from sock.hosting import asking
from sock.wire import handshake

handler = Sock(testing.request())


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
    return run_async(asking.ask(app, made, check, upgrading=upgrading, options=Options()))


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
    with pytest.raises(HandlerError, match="answered with a 'int'"):
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


def test_a_bare_sock_means_an_upgrade_to_it(run_async):
    assert asking.check_answer(handler, upgrading=True) is handler
    answer = asked(run_async, lambda _: handler)
    assert isinstance(answer, Upgrade)
    assert answer.handler is handler


@pytest.mark.parametrize("answer", [Upgrade(handler), Response(404)])
def test_an_upgrade_and_a_response_are_what_they_are(answer):
    assert asking.check_answer(answer, upgrading=True) is answer


@pytest.mark.parametrize("answer", [None, "hello", 404, Sock])
def test_anything_else_breaks_the_contract(answer):
    with pytest.raises(HandlerError, match="a Sock, an Upgrade or a Response"):
        asking.check_answer(answer, upgrading=True)


def test_the_options_of_an_upgrade_are_laid_over_the_hosts():
    request = testing.request()
    base = Options(idle_timeout=5, max_mailbox=7)
    upgrade = Upgrade(handler, options=Options(max_mailbox=9))
    acceptance, options = asking.accept_upgrade(request, handshake.check(request), upgrade, base)
    assert acceptance.head.startswith(b"HTTP/1.1 101 ")
    assert (options.idle_timeout, options.max_mailbox) == (5, 9)


def test_another_sites_page_is_refused_unless_the_upgrade_lets_it_in():
    # RFC 6455 §10.2
    request = testing.request(headers={"Origin": "https://elsewhere.example"})
    key = handshake.check(request)
    with pytest.raises(HandshakeError) as refused:
        asking.accept_upgrade(request, key, Upgrade(handler), Options())
    assert refused.value.status == 403
    asking.accept_upgrade(request, key, Upgrade(handler, options=Options(origins="*")), Options())


def test_a_stop_raised_in_the_handshake_is_reported_with_what_is_meant(events):
    """[S6.9]"""
    stop = Stop(4001)
    asking.failed(testing.request(), stop)
    [(_, fields)] = events
    assert isinstance(fields["error"], HandlerError)
    assert "it is for a live connection: raise Refuse there" in str(fields["error"])
    assert fields["error"].__cause__ is stop


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "None$"),
        ("hello", "a 'str'$"),
        (Made, r"the class Made: did you mean Made\(request\)\?$"),
        (int, "the class int$"),
    ],
)
def test_the_error_names_the_type_of_what_is_no_answer_and_not_its_content(answer, words):
    with pytest.raises(HandlerError, match=f"answered with {words}"):
        asking.check_answer(answer, upgrading=True)


def test_a_sock_is_an_answer_though_it_could_be_awaited():
    class Awaitable(Sock):
        def __await__(self):
            raise AssertionError

    assert not asking.must_await(Awaitable(testing.request()))


def caught(run_async, app, **request):
    made = testing.request(**request)
    return run_async(
        asking.ask_catching_errors(app, made, valid, upgrading=True, options=Options())
    )


def test_a_refusal_and_a_failure_become_responses(run_async, events):
    def refuses(request):
        raise Refuse(401)

    def fails(request):
        raise LookupError

    assert caught(run_async, refuses).status == 401
    assert caught(run_async, fails).status == 500
    assert caught(run_async, Made, headers={"Origin": "https://evil.example"}).status == 403
    assert isinstance(caught(run_async, Made), Upgrade)
    assert [name for name, _ in events] == [
        "handshake.refused",
        "handshake.failed",
        "handshake.refused",
    ]


def test_a_host_that_drains_refuses_new_connections_with_503():
    asking.check_not_stopping(draining=False)
    with pytest.raises(HandshakeError) as refused:
        asking.check_not_stopping(draining=True)
    assert refused.value.status == 503


async def waits(request):
    await asyncio.get_running_loop().create_future()


def test_an_answer_that_is_closed_within_a_task_has_not_failed(run_async, events):
    """As a host does whose server cannot wait for an application."""

    async def act():
        made = testing.request()
        asked = asking.ask_catching_errors(waits, made, valid, upgrading=True, options=Options())
        asked.send(None)
        asked.close()
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            asked.send(None)

    run_async(act())
    assert events == []


def test_an_answer_that_is_closed_lets_the_application_clean_up_first(run_async):
    journal = []

    async def cleans_up(request):
        try:
            await waits(request)
        finally:
            journal.append("cleaned up")

    async def act():
        answer = asking.AwaitedAnswer(cleans_up(testing.request())).__await__()
        next(answer)
        answer.close()

    run_async(act())
    assert journal == ["cleaned up"]


def test_an_application_that_is_cancelled_may_answer_all_the_same(run_async):
    async def answers(request):
        try:
            await waits(request)
        except asyncio.CancelledError:
            return Response(204)

    async def act():
        made = testing.request()
        task = asyncio.ensure_future(
            asking.ask_catching_errors(answers, made, valid, upgrading=True, options=Options())
        )
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert run_async(act()).status == 204
