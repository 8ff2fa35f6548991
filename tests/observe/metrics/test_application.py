"""The page of metrics on a path of a site: with our own server, and mounted in frameworks."""

from __future__ import annotations

import asyncio
import signal
import urllib.request

import pytest
import websockets

import sock
from sock import Request
from sock.observe.metrics import METRICS, Figures, application

parser = pytest.importorskip("prometheus_client.parser")

pytestmark = pytest.mark.one_form


def test_the_answer_is_a_page_in_the_form_that_was_asked_for(samples):
    app = application(Figures())
    answer = app(Request("GET", "/metrics"))
    assert answer.status == 200
    assert dict(answer.headers)["Content-Type"].startswith("text/plain; version=")
    families = parser.text_string_to_metric_families(answer.body.decode())
    assert [one.name for one in families] == list(METRICS)
    accept = (b"Accept", b"application/openmetrics-text; version=1.0.0")
    answer = app(Request("GET", "/metrics", [accept]))
    assert dict(answer.headers)["Content-Type"].startswith("application/openmetrics-text")


def test_it_is_read_and_not_written():
    answer = application(Figures())(Request("POST", "/metrics"))
    assert (answer.status, dict(answer.headers)["Allow"]) == (405, "GET, HEAD")


class Echo(sock.Sock):
    def handle_in(self, message):
        return message


async def page_of(port, path):
    def get():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.read().decode()

    return await asyncio.to_thread(get)


def test_a_route_of_our_own_server_shows_what_its_clients_counted(run_async):
    async def act():
        app = sock.Routes({"/echo": Echo, "/metrics": application()})
        async with sock.serve(app, port=0) as server:
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/echo") as client:
                await client.send("hello")
                assert await client.recv() == "hello"
                page = await page_of(server.port, "/metrics")
        assert 'sock_connections_live{worker="1"} 1.0' in page
        assert "sock_received_bytes_total 5.0" in page

    run_async(act())


MOUNTED = {
    "fastapi": """
from fastapi import FastAPI
import sock
from sock.observe import metrics

class Echo(sock.Sock):
    def handle_in(self, message):
        return message

app = FastAPI()

app.mount("/echo", sock.asgi(Echo))
app.mount("/metrics", sock.asgi(metrics.application()))
""",
    "django": """
import django
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x")
django.setup()
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path as http_path
import sock
from sock.adapters.django import path, with_sockets
from sock.observe import metrics

class Echo(sock.Sock):
    def handle_in(self, message):
        return message

figures = metrics.Figures()
figures.begin()

def page(request):
    page = figures.render(request.headers.get("Accept", ""))
    return HttpResponse(page.body, content_type=page.content_type)

urlpatterns = [http_path("metrics/", page)]
app = with_sockets(get_asgi_application(), [path("echo/", Echo)])
""",
}


@pytest.mark.parametrize("framework", MOUNTED)
def test_a_framework_under_uvicorn_shows_what_its_clients_counted(program, run_async, framework):
    pytest.importorskip("uvicorn")
    pytest.importorskip(framework)
    command = ["-m", "uvicorn", "served:app", "--port", "0", "--ws"]
    served = program(MOUNTED[framework], command=[*command, "sock.adapters.uvicorn:SockProtocol"])

    async def act():
        async with websockets.connect(f"ws://127.0.0.1:{served.port}/echo/") as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            page = await page_of(served.port, "/metrics/")
        assert 'sock_connections_live{worker="1"} 1.0' in page
        assert "sock_sent_bytes_total 5.0" in page
        assert page.count("sock_loop_lag_seconds_bucket") > 5

    run_async(act())
    assert "Error" not in "\n".join(served.stop(-signal.SIGTERM))
