"""What an application is: it can be called with a request, and it is no ASGI application."""

from __future__ import annotations

import inspect
from typing import Any

from sock.spec.application import check_app


def check_application(app: object) -> None:
    """Refuse an object that a host cannot call with a request.

    Raises:
        TypeError: it cannot be called, or it is an ASGI application or a class of wrappers.
    """
    if not callable(app):
        raise TypeError(
            "an application is called with a request, and an object of the type"
            f" {type(app).__qualname__!r} cannot be called"
        )
    check_app(app)
    if is_asgi_application(app):
        raise TypeError(
            f"this {type(app).__qualname__} is an ASGI application, called with scope, receive and"
            " send. Give the Sock application that is in it, such as a Sock class or the argument"
            " of sock.asgi(). The routes of a framework are tested with its own test client"
        )


def is_asgi_application(app: object) -> bool:
    """Tell whether an object takes a scope and two callables, and not a request alone.

    A class is none: its instances may be.
    """
    if isinstance(app, type):
        return False
    return accepts_arguments(app, 3) is True and not accepts_arguments(app, 1)


def accepts_arguments(function: Any, count: int) -> bool | None:
    """Tell whether a callable takes so many arguments; None when it has no signature to read."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
