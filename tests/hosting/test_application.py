"""What an application is."""

from __future__ import annotations

import functools

import pytest

from sock import Application, Routes, Sock, Wrapper, around, mount
from sock.hosting.application import accepts_arguments, check_application, is_asgi_application


async def asgi(scope, receive, send):
    """Serve nothing."""


class AsgiObject:
    async def __call__(self, scope, receive, send):
        """Serve nothing."""


def function(request):
    return Sock(request)


def with_defaults(request, one=1, two=2):
    return Sock(request)


@pytest.mark.parametrize(
    "app", [Sock, function, with_defaults, functools.partial(Sock), Application(Sock)]
)
def test_what_takes_a_request_alone_is_an_application(app):
    check_application(app)
    assert not is_asgi_application(app)


@pytest.mark.parametrize("app", [asgi, AsgiObject()])
def test_an_asgi_application_is_refused_with_what_to_give_in_its_place(app):
    assert is_asgi_application(app)
    with pytest.raises(TypeError, match=r"ASGI application, called with scope.* Give the Sock app"):
        check_application(app)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="of the type 'int' cannot be called"):
        check_application(7)


@pytest.mark.parametrize(
    ("called", "count", "wanted"), [(function, 1, True), (function, 3, False), (dict, 1, None)]
)
def test_how_many_arguments_a_callable_takes_is_read_from_its_signature(called, count, wanted):
    assert accepts_arguments(called, count) is wanted


def test_a_class_of_wrappers_is_refused_with_what_to_do():
    class Log(Wrapper):
        pass

    with pytest.raises(TypeError, match=r"Log is a wrapper, and no application: around\(app, Log"):
        check_application(Log)
    check_application(around(Sock, Log))
    check_application(Routes({"/": mount("/a", Sock)}))
