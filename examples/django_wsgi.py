"""Rooms in ordinary views of Django's, under gunicorn and without ASGI.

    gunicorn examples.django_wsgi:application

Log in at http://127.0.0.1:8000/login?name=ada, then connect to /rooms/lobby/ with the cookie. The
whole project is this one module, with signed cookies for its sessions and no database. It needs the
extra `django`.
"""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="of an example",  # noqa: S106 - an example has no secrets
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF=__name__,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    )
    django.setup()


from typing import TYPE_CHECKING, Any

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

from sock import TextSock, send_all
from sock.adapters.django import upgrade
from sock.adapters.wsgi import setup

if TYPE_CHECKING:
    from sock import Reason, Ref

rooms: dict[str, set[Ref[str]]] = {}


class Room(TextSock[str]):
    """One user in one room."""

    def __init__(self, room: str, name: str) -> None:
        self.room, self.name = room, name

    def init(self, ref: Ref[str]) -> str:
        self.ref = ref
        rooms.setdefault(self.room, set()).add(ref)
        return f"welcome, {self.name}"

    def handle_in(self, text: str) -> None:
        send_all(tuple(rooms[self.room]), f"{self.name}: {text}")

    def terminate(self, reason: Reason) -> None:
        members = rooms.get(self.room, set())
        members.discard(self.ref)
        if not members:
            rooms.pop(self.room, None)  # peers choose the names, so empty rooms must go


def enter(request: Any, room: str) -> Any:
    """Let a user into a room."""
    if "name" not in request.session:
        return HttpResponse(b"Log in first: /login?name=ada\n", status=401)
    return upgrade(request, Room(room, request.session["name"]))


def login(request: Any) -> HttpResponse:
    """Remember a name in the session."""
    request.session["name"] = request.GET.get("name", "somebody")
    return HttpResponse(b"welcome\n")


def tell(request: Any, room: str) -> HttpResponse:
    """Say something to a room, from the thread of an ordinary view."""
    refs = tuple(rooms.get(room, ()))
    send_all(refs, request.GET.get("text", "hello"))
    return HttpResponse(b"told %d\n" % len(refs))


urlpatterns = [path("login", login), path("rooms/<room>/", enter), path("tell/<room>/", tell)]
site: Any = get_wsgi_application()
application = setup(site)
