"""A project of Django's, with sockets beside it."""

from __future__ import annotations

import contextlib

import pytest

from sock import Options, Refuse, Response
from tests.adapters.django.project import Who


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory):
    """Set up a project of one module, with a database that has one user in it."""
    django = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            DEBUG=False,
            SECRET_KEY="of a test",
            ALLOWED_HOSTS=["127.0.0.1", "ours.example", ".shop.example"],
            CSRF_TRUSTED_ORIGINS=["https://trusted.example", "https://*.partner.example"],
            ROOT_URLCONF="sock_django_urls",
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
                    "NAME": tmp_path_factory.mktemp("django") / "db.sqlite3",
                    "TEST": {"NAME": None},
                }
            },
        )
        django.setup()
        import sys
        import types

        from django.contrib.auth.middleware import AuthenticationMiddleware
        from django.http import HttpResponse
        from django.urls import path

        class OurAuthentication(AuthenticationMiddleware):
            pass

        urls = types.ModuleType("sock_django_urls")
        urls.OurAuthentication = OurAuthentication
        urls.urlpatterns = [path("", lambda _: HttpResponse("the site"))]
        sys.modules["sock_django_urls"] = urls
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from django.contrib.auth.models import User

        User.objects.create_user("ada", password="of a test")
        from django.db import connections

        connections.close_all()


@pytest.fixture
def cookie():
    """Log ada in, as Django's own view would; return the cookie of her session."""
    from django.contrib.auth.models import User
    from django.db import connections
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="ada"))
    connections.close_all()
    return client.cookies["sessionid"].value


@pytest.fixture
def application():
    from django.core.asgi import get_asgi_application
    from django.urls import path

    from sock.adapters import django as adapter

    async def room(request, room):
        return Who(request.user, room)

    async def members(request):
        user = await request.auser()
        if not user.is_authenticated:
            raise Refuse(401, "log in")
        request.session["seen"] = True
        return Who(user, request.resolver_match.route)

    def plain(request):
        assert isinstance(request, adapter.SocketRequest)
        return Response(200, f"hello {request.sock.path}")

    def asked(origin, request):
        if origin == "https://fault.example":
            raise LookupError
        return origin == "https://asked.example"

    return adapter.with_sockets(
        get_asgi_application(),
        [
            adapter.path("rooms/<slug:room>/", room),
            path("members/", members),
            adapter.re_path(r"^plain/$", plain, name="plain"),
        ],
        options=Options(origins=["https://listed.example", "moz-extension://f1b2", asked]),
    )


@pytest.fixture
def serve(uvicorn_serving):
    """Serve one view; give the address and the path of it."""
    from django.core.asgi import get_asgi_application
    from django.urls import path

    from sock.adapters.django import with_sockets

    @contextlib.asynccontextmanager
    async def serving(view, **options):
        application = with_sockets(get_asgi_application(), [path("it/", view)])
        async with uvicorn_serving(application, **options) as host:
            yield f"ws://127.0.0.1:{host.port}/it/"

    return serving
