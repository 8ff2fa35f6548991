"""Views of WebSockets: what they may be, and what becomes of their answers."""

from __future__ import annotations

import pytest
import websockets

from sock import Refuse, Response, Sock

django = pytest.importorskip("django")
pytest.importorskip("channels")
from django.conf import settings

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # SQLite's, at the very end


from tests.adapters.django.project import Who, refused


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
