"""Routes to WebSockets in Django's own form, and the request that their views get."""

# Django ships no types.
# pyright: reportMissingTypeStubs=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.handlers.asgi import ASGIRequest
from django.urls import path as django_path
from django.urls import re_path as django_re_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sock.spec import Request


def path(
    route: str,
    view: Callable[..., object],
    kwargs: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Any:
    """Return Django's `path` for a view of WebSockets, or for a Sock class.

    Django's own `path` works as well, but with django-stubs it only takes views of HTTP.

    Args:
        route: such as "rooms/<slug:room>/".
        view: is called with a `SocketRequest`, or with a `Request` where it is a Sock class, and
            with the values that are in the path.
        kwargs: are given to the view as well.
        name: for `reverse`.
    """
    make: Any = django_path
    return make(route, view, kwargs, name)


def re_path(
    route: str,
    view: Callable[..., object],
    kwargs: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Any:
    """Return Django's `re_path` for a view of WebSockets, or for a Sock class.

    Args:
        route: a regular expression.
        view: as for `path`.
        kwargs: are given to the view as well.
        name: for `reverse`.
    """
    make: Any = django_re_path
    return make(route, view, kwargs, name)


class SocketRequest(ASGIRequest):  # type: ignore[misc]  # Any, without django-stubs
    """Django's request, in the form that a view of WebSockets gets."""

    sock: Request
    """Sock's own request."""
