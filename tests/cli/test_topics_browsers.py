"""`sock publish` reaches pages in a real browser, whichever worker has their connections."""

from __future__ import annotations

import subprocess
import sys
import tempfile

import pytest

from tests.examples.conftest import browser as browser
from tests.server.supervisor.conftest import Served

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

APP = """
import os
import sock
from sock.pubsub import PubSub

rooms = PubSub()

PAGE = '''<!doctype html><p id="worker"></p><p id="news"></p><script>
const socket = new WebSocket(location.href.replace("http", "ws") + "news")
socket.onmessage = ({data}) => {
  const first = document.getElementById("worker")
  const shown = first.textContent ? document.getElementById("news") : first
  shown.textContent = data
}
</script>'''

class Page(sock.TextSock):
    async def init(self, ref):
        await rooms.attach("news", ref)
        return str(os.getpid())

def app(request):
    if request.path == "/news":
        return Page(request)
    return sock.Response(200, PAGE, {"Content-Type": "text/html"})
"""


def test_what_is_published_is_shown_in_the_pages_of_both_workers(tmp_path, browser):
    (tmp_path / "news.py").write_text(APP)
    with tempfile.TemporaryDirectory() as folder:  # one of pytest may be too long for a socket
        url = f"host:{folder}"
        served = Served(tmp_path, "news:app", "--workers", "2", SOCK_PUBSUB=url)
        try:
            pages = {}
            while len(pages) < 2:
                page = browser.new_page()
                page.goto(f"http://127.0.0.1:{served.port}/")
                page.wait_for_selector("#worker:not(:empty)")
                pages[page.inner_text("#worker")] = page
            command = [sys.executable, "-m", "sock", "publish", url, "news", "It rains."]
            subprocess.run(command, check=True, timeout=60)
            for page in pages.values():
                page.wait_for_selector("#news:text-is('It rains.')")
        finally:
            served.stop()
