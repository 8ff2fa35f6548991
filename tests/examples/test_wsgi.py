"""The examples of WSGI frameworks, on gunicorn; one in a real browser."""

from __future__ import annotations

import urllib.request
from http.cookiejar import CookieJar

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.adapters.wsgi.conftest import connect as connect
from tests.adapters.wsgi.conftest import gunicorn as gunicorn

# Another server's process: which core it has makes no difference to what is shown.
pytestmark = [pytest.mark.one_form, pytest.mark.timeout(90)]
BOUND = 15.0


def test_two_windows_chat_over_two_workers_of_gunicorn(gunicorn, browser, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    server = gunicorn("--workers", "2", app="examples.flask_chat:app", SOCK_PUBSUB=f"host:{folder}")
    url = f"http://127.0.0.1:{server.port}"
    pages = {}
    for name in ("ada", "bob"):
        page = pages[name] = browser.new_context().new_page()
        page.goto(url)
        page.fill("#name", name)
        page.click("text=Enter")
        page.wait_for_selector(f"text={name}: is here")
    for name, other in (("ada", "bob"), ("bob", "ada")):
        pages[name].fill("#text", f"hello from {name}")
        pages[name].press("#text", "Enter")
        for page in pages.values():
            page.wait_for_selector(f"text={name}: hello from {name}")
        answer = pages[name].request.post(f"{url}/rooms/lobby", form={"text": f"hi {other}"})
        assert answer.json() == {"said": f"hi {other}"}
        pages[other].wait_for_selector(f"text={name}: hi {other}")
    for page in pages.values():
        page.close()
    assert server.stop() == 0


def test_flask_lets_nobody_in_who_has_not_logged_in(gunicorn, connect):
    server = gunicorn(app="examples.flask_chat:app")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{server.port}/rooms/lobby")
    assert refused.value.response.status_code == 401


def test_django_has_rooms_in_ordinary_views(gunicorn, connect):
    pytest.importorskip("django")
    server = gunicorn("--threads", "2", app="examples.django_wsgi:application")
    url = f"127.0.0.1:{server.port}"
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{url}/rooms/lobby/")
    assert refused.value.response.status_code == 401
    jar = CookieJar()
    asking = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with asking.open(f"http://{url}/login?name=ada", timeout=BOUND) as answer:
        assert answer.read() == b"welcome\n"
    [cookie] = jar
    client = connect(
        f"ws://{url}/rooms/lobby/", additional_headers={"Cookie": f"{cookie.name}={cookie.value}"}
    )
    assert client.recv(timeout=BOUND) == "welcome, ada"
    client.send("hello")
    assert client.recv(timeout=BOUND) == "ada: hello"
    with asking.open(f"http://{url}/tell/lobby/?text=hey", timeout=BOUND) as answer:
        assert answer.read() == b"told 1\n"
    assert client.recv(timeout=BOUND) == "hey"
    server.signal()
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=BOUND)
    assert closed.value.rcvd.code == 1012
