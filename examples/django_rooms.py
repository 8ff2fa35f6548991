"""Rooms beside a Django site, in one file: users, sessions, ALLOWED_HOSTS and the ORM.

    sock run examples.django_rooms:application

Log in at http://127.0.0.1:8000/login?name=ada, then connect to /rooms/lobby/ with the cookie. The
whole project is this one module, with its database in memory. A real project has its settings in
a module of their own, and needs only the last lines of this one.
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
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": "file:rooms?mode=memory&cache=shared",
                "CONN_MAX_AGE": None,  # a database in memory ends with its last connection
            }
        },
    )
    django.setup()


from typing import TYPE_CHECKING, Any

from django.contrib.auth import alogin
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import path

from sock import Refuse, TextSock
from sock.adapters import django as sockets

if TYPE_CHECKING:
    from sock import Reason, Ref

rooms: dict[str, set[Ref[str]]] = {}


class Room(TextSock[str]):
    """One user in one room."""

    def __init__(self, room: str, user: Any) -> None:
        self.room, self.user = room, user

    async def init(self, ref: Ref[str]) -> str:
        self.ref = ref
        rooms.setdefault(self.room, set()).add(ref)
        return f"welcome, {self.user}, one of {await User.objects.acount()}"

    def handle_in(self, text: str) -> None:
        for ref in rooms[self.room]:
            ref.send(f"{self.user}: {text}")

    def terminate(self, reason: Reason) -> None:
        members = rooms.get(self.room, set())  # empty if init raised before it added the ref
        members.discard(self.ref)
        if not members:
            rooms.pop(self.room, None)  # peers choose the names, so empty rooms must go


async def enter(request: Any, room: str) -> Room:
    """Let a user into a room. The session and the user have been loaded already."""
    if not request.user.is_authenticated:
        raise Refuse(401, "Log in first: /login?name=ada")
    return Room(room, request.user)


async def login(request: Any) -> HttpResponse:
    """Log in a user by name alone. An example has no passwords."""
    user, _ = await User.objects.aget_or_create(username=request.GET.get("name", "somebody"))
    await alogin(request, user)
    return HttpResponse(f"hello {user}".encode())


call_command("migrate", verbosity=0)
urlpatterns = [path("login", login)]
application = sockets.with_sockets(
    get_asgi_application(), [sockets.path("rooms/<slug:room>/", enter)]
)
