"""What belongs to an application as a whole."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager

import pytest

from sock import (
    Application,
    Options,
    Response,
    Routes,
    Sock,
    TextSock,
    Wrapper,
    around,
    mount,
    testing,
)
from sock.spec.application import handler_class, laid_over, lifespan_of, options_of


class Echo(Sock):
    def handle_in(self, message):
        return message


class Feed(Sock):
    options = Options(idle_timeout=300)


def page(request):
    return Response(200, request.path)


@asynccontextmanager
async def lifespan():
    yield {}


def test_it_is_called_as_the_application_in_it():
    answer = Application(page)(testing.request("/here"))
    assert answer == Response(200, "/here")
    assert repr(Application(Echo)).startswith("Application(<class ")


def test_it_carries_a_lifespan_and_options():
    application = Application(page, lifespan=lifespan, options=Options(max_mailbox=3))
    assert lifespan_of(application) is lifespan
    assert options_of(application) == Options(max_mailbox=3)


def test_what_it_is_not_given_is_the_applications_own():
    own = Application(page, lifespan=lifespan, options=Options(max_mailbox=3, max_fragments=5))
    outer = Application(own, options=Options(max_mailbox=4))
    assert outer.lifespan is lifespan
    assert outer.options == Options(max_mailbox=4, max_fragments=5)
    assert Application(own).options == own.options
    assert Application(page).options is None


def test_a_function_may_have_both_as_attributes():
    def app(request):
        return Echo(request)

    assert (lifespan_of(app), options_of(app)) == (None, None)
    app.lifespan, app.options = lifespan, Options(max_mailbox=3)
    assert (lifespan_of(app), options_of(app)) == (lifespan, Options(max_mailbox=3))


def test_a_partial_is_looked_through_unless_it_has_its_own():
    def app(request, rooms):
        return Echo(request)

    app.lifespan, app.options = lifespan, Options(max_mailbox=3)
    made = functools.partial(functools.partial(app), rooms={})
    assert (lifespan_of(made), options_of(made)) == (lifespan, Options(max_mailbox=3))
    made.options = Options(max_mailbox=4)
    assert options_of(made) == Options(max_mailbox=4)
    assert options_of(functools.partial(Feed)) is None


def test_the_options_of_a_sock_class_are_the_handlers_and_its_lifespan_is_the_applications():
    class Room(Feed):
        lifespan = staticmethod(lifespan)

    assert options_of(Room) is None
    assert lifespan_of(Room) is lifespan
    assert lifespan_of(Feed) is None


@pytest.mark.parametrize(
    "app",
    [Feed, functools.partial(Feed), Application(Feed), functools.partial(Application(Feed))],
    ids=["class", "partial", "Application", "both"],
)
def test_the_sock_class_that_an_application_is_can_be_seen(app):
    assert handler_class(app) is Feed


@pytest.mark.parametrize("app", [page, Application(page), Feed(testing.request()), int])
def test_an_application_that_may_answer_otherwise_is_no_sock_class(app):
    assert handler_class(app) is None


def test_a_lifespan_that_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="does not: it has been called already"):
        Application(page, lifespan=lifespan())
    with pytest.raises(TypeError, match="a lifespan is called without arguments"):
        lifespan_of(_with(lifespan=7))


def test_options_that_are_none_are_refused():
    with pytest.raises(TypeError, match="options are an Options, not 'dict'"):
        Application(page, options={})
    with pytest.raises(TypeError, match="options are an Options, not 'dict'"):
        options_of(_with(options={"max_mailbox": 3}))


def test_an_application_that_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="an application is called with a request, and 7 cannot be"):
        Application(7)


def test_options_are_laid_over_those_that_there_are():
    assert laid_over(Options(max_mailbox=3), None) == Options(max_mailbox=3)
    both = laid_over(Options(max_mailbox=3), Options(max_mailbox=4, max_fragments=5))
    assert both == Options(max_mailbox=3, max_fragments=5)


def _with(**attributes):
    def app(request):
        return Echo(request)

    for name, value in attributes.items():
        setattr(app, name, value)
    return app


# The class attribute.


def test_a_class_without_options_has_none_and_a_derived_class_inherits_them():
    class Deeper(Feed):
        pass

    assert (Sock.options, TextSock.options) == (None, None)
    assert Deeper.options == Options(idle_timeout=300)


def test_a_class_with_options_of_a_server_is_refused_where_it_is_made():
    with pytest.raises(
        ValueError, match=r"max_head_size: of the server, not of one .* as Wrong\.options are;"
    ):

        class Wrong(Sock):
            options = Options(max_head_size=1000)


def test_a_class_whose_options_are_none_is_refused_where_it_is_made():
    with pytest.raises(TypeError, match=r"Wrong\.options are an Options, not 'dict'"):

        class Wrong(Sock):
            options = {"max_mailbox": 3}


def test_an_application_that_is_made_of_others_names_them():
    def answer(request):
        raise AssertionError(request)

    class Quiet(Wrapper):
        pass

    mounted = mount("/chat", answer)
    for app, parts in (
        (Application(answer), [("", answer)]),
        (around(answer, Quiet), [("", answer)]),
        (mounted, [("/chat", answer)]),
        (
            Routes({"/{room:int}": answer, "/m{rest:path}": mounted}),
            [("/{room:int}", answer), ("/m{rest:path}", mounted)],
        ),
    ):
        assert list(app.parts()) == parts
