"""The examples of WSGI frameworks, on gunicorn; one in a real browser."""

from __future__ import annotations

import tempfile
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.adapters.wsgi.conftest import connect as connect
from tests.adapters.wsgi.conftest import gunicorn as gunicorn

# Another server's process: which core it has makes no difference to what is shown.
pytestmark = [pytest.mark.one_form, pytest.mark.timeout(90)]
BOUND = 15.0


class Window:
    """A window with the chat, which knows the worker that its socket leads to."""

    def __init__(self, browser, url, name):
        self.page = browser.new_context().new_page()
        self.workers = []
        protocol = self.page.context.new_cdp_session(self.page)
        protocol.on("Network.webSocketHandshakeResponseReceived", self.note)
        protocol.send("Network.enable")
        self.page.goto(url)
        self.page.fill("#name", name)
        self.page.click("text=Enter")
        self.page.wait_for_selector(f"text={name}: is here")

    def note(self, event):
        self.workers.append(event["response"]["headers"]["X-Worker"])

    def leave(self, worker, name):
        """Load the page again until its socket leads to another worker."""
        for _ in range(60):
            if self.workers[-1] != worker:
                return
            self.page.reload()
            self.page.wait_for_selector(f"text={name}: is here")
        raise AssertionError(f"only one worker answers: {self.workers}")


@pytest.fixture
def folder():
    """A folder for temporary files whose path is short enough for sockets in it."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def test_two_windows_chat_over_two_workers_of_gunicorn_that_find_each_other(
    gunicorn, browser, folder
):
    server = gunicorn(
        *("--workers", "2", "--preload"),
        app="tests.examples.flask_chat_workers:app",
        TMPDIR=str(folder),
        SOCK_PUBSUB="",
    )
    url = f"http://127.0.0.1:{server.port}"
    windows = {name: Window(browser, url, name) for name in ("ada", "bob")}
    windows["bob"].leave(windows["ada"].workers[-1], "bob")
    assert windows["ada"].workers[-1] != windows["bob"].workers[-1]
    for name, other in (("ada", "bob"), ("bob", "ada")):
        page = windows[name].page
        page.fill("#text", f"hello from {name}")
        page.press("#text", "Enter")
        for window in windows.values():
            window.page.wait_for_selector(f"text={name}: hello from {name}")
        answer = page.request.post(f"{url}/rooms/lobby", form={"text": f"hi {other}"})
        assert answer.json() == {"said": f"hi {other}"}
        windows[other].page.wait_for_selector(f"text={name}: hi {other}")
    for window in windows.values():
        window.page.close()
    assert server.stop() == 0
    assert list(folder.glob("sock-*")) == []


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
