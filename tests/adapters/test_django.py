"""Django: WebSockets beside its HTTP application, behind its sessions and users."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest
import websockets

import sock
from sock import Options, Refuse, Response, Sock

django = pytest.importorskip("django")
pytest.importorskip("channels")

from django.conf import settings

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # SQLite's, at the very end

PATTERNS = []


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory):
    """Set up a project of one module, with a database that has one user in it."""
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


class Who(Sock):
    def __init__(self, user, room):
        self.user, self.room = user, room

    async def handle_in(self, message):
        from django.contrib.auth.models import User

        return f"{self.user} in {self.room}, one of {await User.objects.acount()}"


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


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
def test_a_socket_has_its_user_and_the_orm(run_async, uvicorn_serving, application, cookie, ws):
    async def act():
        async with uvicorn_serving(application, ws=ws) as host:
            url = f"ws://127.0.0.1:{host.port}"
            async with websockets.connect(f"{url}/rooms/red/") as client:
                await client.send("who?")
                assert await client.recv() == "AnonymousUser in red, one of 1"
            headers = {"Cookie": f"sessionid={cookie}"}
            async with websockets.connect(f"{url}/members/", additional_headers=headers) as client:
                await client.send("who?")
                assert await client.recv() == "ada in members/, one of 1"
            for path, status in (("members", 401), ("nowhere", 404), ("plain", 200)):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"{url}/{path}/")
                assert refused.value.response.status_code == status

    run_async(act())


def test_all_else_is_djangos(run_async, uvicorn_serving, application):
    aiohttp = pytest.importorskip("aiohttp")

    async def act():
        async with (
            uvicorn_serving(application) as host,
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{host.port}/") as answer,
        ):
            assert await answer.text() == "the site"

    run_async(act())


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("ours.example", None, None),
        ("ours.example", "https://ours.example", None),
        ("ours.example", "https://eu.shop.example", None),
        ("ours.example", "https://trusted.example", None),
        ("ours.example", "https://evil.example", 403),
        ("ours.example", "https://eu.partner.example", None),
        ("ours.example", "http://eu.partner.example", 403),
        ("ours.example", "https://evilpartner.example", 403),
        ("ours.example", "http://[::1", 403),
        ("ours.example", "https://ours.example/no/origin", 403),
        ("ours.example", "https://ours.example:", None),
        ("ours.example", "https://eu!.shop.example", None),
        ("ours.example", "https://listed.example", None),
        ("ours.example", "moz-extension://f1b2", None),
        ("ours.example", "https://asked.example", None),
        ("ours.example", "https://fault.example", 500),
        ("ours.example", "null", 403),
        ("evil.example", "https://evil.example", 400),
    ],
)
def test_pages_of_allowed_hosts_are_let_in(
    run_async, uvicorn_serving, application, host, origin, status
):
    async def act():
        async with uvicorn_serving(application) as served:
            connecting = websockets.connect(
                f"ws://{host}:{served.port}/rooms/red/",
                host="127.0.0.1",
                origin=origin,
            )
            if status is None:
                async with connecting:
                    return
            with pytest.raises(websockets.InvalidStatus) as refused:
                await connecting
            assert refused.value.response.status_code == status

    run_async(act())


class Embedded(Sock):
    """A class whose options let another site's pages in, beside those of ALLOWED_HOSTS."""

    options = sock.Options(origins="https://listed.example")

    def handle_in(self, message):
        return message


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("class", "https://listed.example", None),
        ("class", "https://eu.shop.example", None),
        ("class", "https://evil.example", 403),
        ("view", "https://eu.shop.example", None),
        ("view", "https://listed.example", 403),  # before the view is asked, for its session
        ("nowhere", "https://listed.example", 403),
        ("nowhere", "https://eu.shop.example", 404),
    ],
)
def test_the_options_of_a_class_count_in_place_of_a_view(
    run_async, uvicorn_serving, path, origin, status
):
    """[S19.2]"""
    from django.core.asgi import get_asgi_application
    from django.urls import path as route

    from sock.adapters.django import with_sockets

    async def view(request):
        return Embedded(request.sock)

    patterns = [route("class/", Embedded), route("view/", view)]
    application = with_sockets(get_asgi_application(), patterns)

    async def act():
        async with uvicorn_serving(application) as served:
            connecting = websockets.connect(
                f"ws://ours.example:{served.port}/{path}/", host="127.0.0.1", origin=origin
            )
            if status is None:
                async with connecting as client:
                    await client.send("hi")
                    assert await client.recv() == "hi"
            else:
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await connecting
                assert refused.value.response.status_code == status

    run_async(act())


def test_a_lifespan_is_entered_beside_djangos_application(run_async, uvicorn_serving):
    """[S19.4] [S19.6]"""
    from contextlib import asynccontextmanager

    from django.core.asgi import get_asgi_application
    from django.urls import path

    from sock.adapters.django import with_sockets

    journal = []

    @asynccontextmanager
    async def lifespan():
        journal.append("enters")
        yield {"pool": "a pool"}
        journal.append("leaves")

    async def view(request):
        return Response(200, request.sock.state["pool"])

    application = with_sockets(get_asgi_application(), [path("", view)], lifespan=lifespan)

    async def act():
        async with uvicorn_serving(application) as served:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{served.port}/")
            assert refused.value.response.body == b"a pool"
        assert journal == ["enters", "leaves"]

    run_async(act())


def test_pipes_test_client_works_against_it(run_async, application):
    from channels.testing import WebsocketCommunicator

    async def act():
        client = WebsocketCommunicator(
            application, "/rooms/red/", headers=[(b"host", b"127.0.0.1")]
        )
        connected, _ = await client.connect()
        assert connected
        await client.send_to("who?")
        assert (await client.receive_from()).startswith("AnonymousUser in red")
        await client.disconnect()

    run_async(act())


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


class Stays(websockets.connect):
    """A client that is not sent elsewhere."""

    def process_redirect(self, exc):
        return exc


async def refused(url, **how):
    """Connect in vain; return the answer."""
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await Stays(url, **how)
    return refusal.value.response


def a_user_who_is_not_there(request):
    from django.contrib.auth.models import User
    from django.shortcuts import get_object_or_404

    return Who(get_object_or_404(User, username="nobody"), "nowhere")


async def not_found(request):
    from django.http import Http404

    raise Http404("no such room")


async def not_permitted(request):
    from django.core.exceptions import PermissionDenied

    raise PermissionDenied


async def suspicious(request):
    from django.core.exceptions import SuspiciousOperation

    raise SuspiciousOperation


@pytest.mark.parametrize(
    ("view", "status"),
    [
        (a_user_who_is_not_there, 404),
        (not_found, 404),
        (not_permitted, 403),
        (suspicious, 400),
    ],
)
def test_what_a_view_raises_in_djangos_words_is_a_refusal_and_no_crash(
    run_async, serve, view, status, caplog
):
    async def act():
        async with serve(view) as url:
            assert (await refused(url)).status_code == status

    run_async(act())
    assert "Traceback" not in caplog.text


def test_a_response_of_djangos_is_the_answer(run_async, serve):
    from django.contrib.auth.decorators import login_required
    from django.http import HttpResponse

    @login_required
    async def private(request):
        raise AssertionError("nobody is logged in")

    async def teapot(request):
        response = HttpResponse("tea", status=418, headers={"X-Pot": "brown"})
        response.set_cookie("milk", "no")
        return response

    async def act():
        async with serve(private) as url:
            answer = await refused(url)
            assert answer.status_code == 302
            assert answer.headers["Location"].endswith("/accounts/login/?next=/it/")
        async with serve(teapot) as url:
            answer = await refused(url)
            assert (answer.status_code, answer.body) == (418, b"tea")
            assert answer.headers["X-Pot"] == "brown"
            assert answer.headers["Set-Cookie"].startswith("milk=no")

    run_async(act())


def test_a_response_that_is_a_template_is_rendered(run_async, serve):
    from django.template import engines
    from django.template.response import SimpleTemplateResponse
    from django.test import override_settings

    backend = {"BACKEND": "django.template.backends.django.DjangoTemplates"}

    async def full(request):
        return SimpleTemplateResponse(engines["django"].from_string("full"), status=409)

    async def act():
        async with serve(full) as url:
            answer = await refused(url)
            assert (answer.status_code, answer.body) == (409, b"full")

    with override_settings(TEMPLATES=[backend]):
        run_async(act())


def test_views_may_be_classes_callables_and_whatever_decorators_make_of_them(run_async, serve):
    from django.views import View

    class Based(View):
        async def get(self, request):
            return Who(request.user, "a class")

    class Called:
        async def __call__(self, request):
            return Who(request.user, "a callable")

    def decorated(request):
        async def view():
            return Who(request.user, "a decorator")

        return view()

    async def act():
        for made, where in (
            (Based.as_view(), "a class"),
            (Called(), "a callable"),
            (decorated, "a decorator"),
        ):
            async with serve(made) as url, websockets.connect(url) as client:
                await client.send("who?")
                assert where in await client.recv()

    run_async(act())


def test_static_files_are_served_beside_the_sockets(run_async, uvicorn_serving, tmp_path):
    """As `runserver` does, which serves no sockets."""
    import http.client

    from django.contrib.staticfiles.finders import get_finder
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
    from django.core.asgi import get_asgi_application
    from django.test import override_settings
    from django.urls import path

    from sock.adapters.django import with_sockets

    (tmp_path / "chat.css").write_text("body { color: teal }")
    apps = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]

    async def view(request):
        return Who("ada", "it")

    def fetched(port, path):
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request("GET", path)
        body = client.getresponse().read()
        client.close()
        return body

    async def act():
        site = ASGIStaticFilesHandler(get_asgi_application())
        application = with_sockets(site, [path("it/", view)])
        async with uvicorn_serving(application) as host:
            found = await asyncio.to_thread(fetched, host.port, "/static/chat.css")
            assert found == b"body { color: teal }"
            assert await asyncio.to_thread(fetched, host.port, "/") == b"the site"
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/it/") as client:
                await client.send("who?")
                assert "ada in it" in await client.recv()

    get_finder.cache_clear()
    with override_settings(
        DEBUG=True, INSTALLED_APPS=apps, STATIC_URL="/static/", STATICFILES_DIRS=[tmp_path]
    ):
        run_async(act())
    get_finder.cache_clear()


class Guarded(Who):
    def __init__(self, *_):
        raise Refuse(402, "pay")


async def makes_it(request):
    return Guarded(request.user, "nowhere")


def makes_it_in_a_thread(request):
    return Guarded(request.user, "nowhere")


def decorated(request):
    from django.views.decorators.http import require_GET

    return require_GET(makes_it)(request)


def a_class_that_refuses_in_its_dispatch():
    from django.views import View

    class Refuses(View):
        def dispatch(self, request):
            raise Refuse(402, "pay")

    return Refuses.as_view()


@pytest.mark.parametrize(
    "view",
    [
        Guarded,
        makes_it,
        makes_it_in_a_thread,
        decorated,
        pytest.param(a_class_that_refuses_in_its_dispatch, id="a class"),
    ],
)
def test_whatever_a_view_calls_may_raise_refuse(run_async, serve, events, caplog, view):
    """[S1.12]"""

    async def act():
        made = view() if view is a_class_that_refuses_in_its_dispatch else view
        async with serve(made) as url:
            answer = await refused(url)
            assert (answer.status_code, answer.body) == (402, b"pay")

    run_async(act())
    told = [fields["status"] for name, fields in events if name == "handshake.refused"]
    assert told == [402]
    assert not [one for one in caplog.records if one.exc_info]


def test_a_sock_class_stands_beside_django_without_a_view(run_async, serve):
    class Path(Sock):
        def __init__(self, request):
            self.request = request

        def handle_in(self, message):
            return f"{self.request.path} {self.request.query['a']}"

    async def act():
        async with serve(Path) as url, websockets.connect(f"{url}?a=b") as client:
            await client.send("where?")
            assert await client.recv() == "/it/ b"

    run_async(act())


def test_the_user_is_loaded_by_a_subclass_of_djangos_middleware(run_async, serve, cookie):
    from django.test import override_settings

    async def view(request):
        return Who(request.user, "it")

    async def act():
        headers = {"Cookie": f"sessionid={cookie}"}
        async with serve(view) as url:
            async with websockets.connect(url, additional_headers=headers) as client:
                await client.send("who?")
                assert (await client.recv()).startswith("ada in it")

    ours = [*settings.MIDDLEWARE[:-1], "sock_django_urls.OurAuthentication"]
    with override_settings(MIDDLEWARE=ours):
        run_async(act())


def test_what_a_view_leaves_in_the_session_is_kept(run_async, serve):
    async def view(request):
        seen = request.session.get("seen", 0)
        request.session["seen"] = seen + 1
        return Response(409, str(seen)) if seen == 2 else Who(request.user, f"it, seen {seen}")

    async def act():
        async with serve(view) as url:
            async with websockets.connect(url) as client:
                cookie = client.response.headers["Set-Cookie"].partition(";")[0]
            async with websockets.connect(url, additional_headers={"Cookie": cookie}) as client:
                await client.send("who?")
                assert "seen 1" in await client.recv()
            answer = await refused(url, additional_headers={"Cookie": cookie})
            assert answer.body == b"2"
            assert answer.headers["Set-Cookie"].startswith(cookie)

    run_async(act())


@pytest.fixture
def opened(monkeypatch):
    """Have connections to the database looked at often; give those that are opened."""
    from django.db.backends.signals import connection_created

    from sock.adapters import django as adapter

    monkeypatch.setattr(adapter, "_LINGER", 0.01)
    seen = []

    def note(connection, **_):
        seen.append(connection)

    connection_created.connect(note)
    yield seen
    connection_created.disconnect(note)


async def all_closed(connections):
    while any(one.connection is not None for one in connections):
        await asyncio.sleep(0.01)


def test_an_open_socket_holds_no_connection_to_the_database(
    run_async, uvicorn_serving, application, opened
):
    async def act():
        async with uvicorn_serving(application) as host:
            url = f"ws://127.0.0.1:{host.port}/rooms/red/"
            async with websockets.connect(url) as client:
                for _ in range(2):
                    await client.send("who?")
                    assert (await client.recv()).endswith("one of 1")
                    assert opened
                    await all_closed(opened)

    run_async(act())


class Temporary(Sock):
    """Makes a temporary table, which is gone with its connection, and reads it when it may."""

    go = None

    async def handle_in(self, message):
        from asgiref.sync import sync_to_async
        from django.db import connection

        def execute(statement):
            with connection.cursor() as cursor:
                return cursor.execute(statement).fetchall()

        await sync_to_async(execute)("CREATE TEMPORARY TABLE kept AS SELECT 42 AS number")
        yield "made"
        await self.go.wait()
        yield str(await sync_to_async(execute)("SELECT number FROM kept"))


def test_no_connection_is_closed_under_a_callback_that_is_under_way(run_async, serve, opened):
    async def view(request):
        return Temporary(request.sock)

    async def act():
        Temporary.go = asyncio.Event()
        async with serve(view) as url, websockets.connect(url) as client:
            await client.send("begin")
            assert await client.recv() == "made"
            for _ in range(3):  # others come and go, and are looked after
                async with websockets.connect(url):
                    await asyncio.sleep(0.02)
            Temporary.go.set()
            assert await client.recv() == "[(42,)]"
            await all_closed(opened)

    run_async(act())


def test_a_connection_that_has_broken_is_closed_under_a_task_that_never_ends(
    run_async, serve, opened, monkeypatch
):
    from django.db.backends.sqlite3.base import DatabaseWrapper

    monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda _: False)  # SQLite's always are

    class Breaks(Sock):
        async def handle_in(self, message):
            from asgiref.sync import sync_to_async
            from django.db import DatabaseError, connection

            def break_it():
                try:
                    connection.cursor().execute("SELECT nothing")
                except DatabaseError:
                    return "broken"

            yield await sync_to_async(break_it)()
            await asyncio.Event().wait()

    async def view(request):
        return Breaks(request.sock)

    async def act():
        async with serve(view) as url, websockets.connect(url) as client:
            await client.send("begin")
            assert await client.recv() == "broken"
            await all_closed(opened)

    run_async(act())


def test_sockets_use_the_orm_side_by_side(run_async, serve):
    from asgiref.sync import sync_to_async

    both = threading.Barrier(2)

    class Meets(Sock):
        async def handle_in(self, message):
            await sync_to_async(both.wait)(10)
            return message

    async def view(request):
        return Meets(request.sock)

    async def act():
        async with (
            serve(view) as url,
            websockets.connect(url) as one,
            websockets.connect(url) as other,
        ):
            await one.send("hello")
            await other.send("hello")
            assert [await one.recv(), await other.recv()] == ["hello", "hello"]

    run_async(act())


def test_one_callback_has_one_thread_and_all_have_a_few(run_async, serve):
    from asgiref.sync import sync_to_async

    class Which(Sock):
        async def handle_in(self, message):
            first = await sync_to_async(threading.get_ident)()
            yield str(first)
            assert first == await sync_to_async(threading.get_ident)()
            await asyncio.Event().wait()

    async def view(request):
        return Which(request.sock)

    async def act():
        async with serve(view) as url, contextlib.AsyncExitStack() as stack:
            used = set()
            for _ in range(20):
                client = await stack.enter_async_context(websockets.connect(url))
                await client.send("which?")
                used.add(await client.recv())
            assert len(used) == 8

    run_async(act())


def test_in_djangos_own_tests_the_orm_stays_in_their_thread(application, opened):
    from asgiref.sync import async_to_sync
    from channels.testing import WebsocketCommunicator
    from django.db import connections

    async def act():
        client = WebsocketCommunicator(
            application, "/rooms/red/", headers=[(b"host", b"127.0.0.1")]
        )
        await client.connect()
        await client.send_to("who?")
        await client.receive_from()
        await client.disconnect()

    async_to_sync(act)()
    mine = connections["default"]
    assert opened == [mine]
    assert mine.connection is not None, "whose it is closes it"
    mine.close()


def test_a_stop_drains(run_async, uvicorn_serving, application):
    async def act():
        async with uvicorn_serving(application, ws="websockets-sansio") as host:
            client = await websockets.connect(f"ws://127.0.0.1:{host.port}/rooms/red/")
            await host.stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())


def test_it_is_imported_by_nothing_else():
    assert "django" not in sock.__dict__


class Speaks(Sock):
    def handle_in(self, message):
        from django.utils.translation import get_language

        return get_language()

    async def handle_info(self, info):
        return self.handle_in(info)


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_language_that_a_view_activates_is_that_of_its_connection_only(
    run_async, uvicorn_serving, ws, kind
):
    from django.core.asgi import get_asgi_application
    from django.urls import path
    from django.utils import translation

    from sock.adapters.django import with_sockets

    def speaks(request, language):
        translation.activate(language)
        return Speaks(request.sock)

    async def speaks_later(request, language):
        return speaks(request, language)

    view = speaks if kind == "plain" else speaks_later
    app = with_sockets(get_asgi_application(), [path("<str:language>/", view)])

    async def act():
        async with uvicorn_serving(app, ws=ws) as host:
            url = f"ws://127.0.0.1:{host.port}"
            async with websockets.connect(f"{url}/de/") as german:
                async with websockets.connect(f"{url}/fr/") as french:
                    for client, language in ((german, "de"), (french, "fr")) * 2:
                        await client.send("hello")
                        assert await client.recv() == language

    run_async(act())
