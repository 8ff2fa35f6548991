"""Applications whose handlers are wrapped. [S20.12]"""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial

import pytest

from sock import (
    Application,
    HandlerError,
    Options,
    Refuse,
    Response,
    Routes,
    Sock,
    Upgrade,
    Wrapper,
    around,
    testing,
)
from sock.spec.application import handler_class, lifespan_of, options_of


class Echo(Sock):
    options = Options(max_mailbox=3)

    def __init__(self, request, mark=""):
        self.mark = mark

    def handle_in(self, message):
        return message + self.mark


class Marks(Wrapper):
    def __init__(self, handler, mark="!"):
        super().__init__(handler)
        self.mark = mark

    def outgoing(self, message):
        return message + self.mark


def answers(request):
    return Upgrade(Echo(request), subprotocol="chat", headers={"A": "1"})


async def answers_later(request):
    return answers(request)


@pytest.mark.parametrize(
    "app",
    [
        Echo,
        partial(Echo, mark=""),
        lambda request: Echo(request, mark=""),
        answers,
        answers_later,
        Application(Echo),
        Routes({"/": Echo}),
        Application(Routes({"/": answers_later})),
    ],
)
def test_every_kind_of_application_is_wrapped(app):
    with testing.open(around(app, Marks), subprotocols=["chat"]) as session:
        session.receive("hi")
        assert session.pushed() == ["hi!"]


def test_the_rest_of_an_upgrade_stays():
    with testing.open(around(answers, Marks), subprotocols=["chat"]) as session:
        assert session.head["sec-websocket-protocol"] == "chat"
        assert session.head["a"] == "1"


def test_a_wrapper_may_be_made_by_a_function():
    with testing.open(around(Echo, partial(Marks, mark="?"))) as session:
        session.receive("hi")
        assert session.pushed() == ["hi?"]


@pytest.mark.parametrize("awaited", [False, True])
def test_responses_and_refusals_pass(awaited):
    def respond(request):
        if request.path == "/refused":
            raise Refuse(401)
        return Response(204)

    async def respond_later(request):
        return respond(request)

    app = around(respond_later if awaited else respond, Marks)
    for target, status in (("/", 204), ("/refused", 401)):
        with testing.open(app, target) as session:
            assert session.response.status == status


def test_what_is_no_answer_is_found_by_the_host():
    with (
        pytest.raises(HandlerError, match="answered with a 'int'"),
        testing.open(around(lambda request: 7, Marks)),
    ):
        pass


def test_a_wrapper_that_makes_no_sock_is_found():
    with (
        pytest.raises(TypeError, match="an Upgrade takes a Sock, not 7"),
        testing.open(around(Echo, lambda handler: 7)),
    ):
        pass


def test_lifespan_and_options_are_those_of_the_application():
    @asynccontextmanager
    async def lifespan():
        yield {}

    app = around(Application(answers, lifespan=lifespan, options=Options(max_fragments=5)), Marks)
    assert lifespan_of(app) is lifespan
    assert options_of(app) == Options(max_fragments=5)
    assert options_of(around(Echo, Marks)) is None  # they are the handler's


def test_the_checks_of_a_class_hold():
    assert handler_class(around(around(Echo, Marks), Marks)) is Echo
    app = around(Echo, Marks)
    with testing.open(app, testing.request(upgrade=False)) as session:
        assert session.response.status == 426
    with testing.open(app, headers={"Origin": "https://other.example"}) as session:
        assert session.response.status == 403


@pytest.mark.parametrize(
    ("app", "wrapper", "told"),
    [
        (Marks, Echo, r"Marks is a wrapper, and no application: around\(app, Marks\)"),
        (7, Marks, "an application is called with a request, and 7 cannot be"),
        (Echo, Echo, "Echo stands in front of no other Sock: derive it from sock.Wrapper"),
        (Echo, 7, "for each connection: give the class, and not 7"),
        (Echo, Marks(Echo(None)), "give the class, and not <"),
    ],
)
def test_mistakes_are_refused_when_it_is_made(app, wrapper, told):
    with pytest.raises(TypeError, match=told):
        around(app, wrapper)


def test_its_repr_has_both():
    assert repr(around(Echo, Marks)) == f"around({Echo!r}, {Marks!r})"
