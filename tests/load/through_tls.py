"""Certificates that are renewed under load, and a real browser."""

import asyncio
import base64
import contextlib
import hashlib
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tests.authority import Authority

from .crowd import Crowd
from .report import judge, judge_answers
from .served import loaded

PAGE = """
import pathlib

import sock

HTML = '''<!doctype html><title>page</title><script>
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
function connect() {
  const socket = new WebSocket(scheme + "//" + location.host + "/ws");
  socket.onmessage = event => { document.title = event.data; };
  socket.onclose = () => setTimeout(connect, 100);
}
connect();
</script>'''


class Hello(sock.Sock):
    def init(self, ref):
        return "version 1"


def app(request):
    if request.path == "/ws":
        return Hello(request)
    return sock.Response(200, HTML, headers={"Content-Type": "text/html"})
"""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@contextlib.contextmanager
def authority():
    """Give an authority whose files go with it."""
    folder = Path(tempfile.mkdtemp(prefix="sock-load-"))
    try:
        yield Authority(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def renewal(report, size):
    """SIGHUP renews the certificate of one process, and of two workers, under load."""
    size = min(size, 500)
    for workers in ((), ("--workers", "2")):
        report.say(
            f"sock run {' '.join(workers)} --certificate … --client-ca …, {size} connections"
        )
        with authority() as made:
            certificate, key = made.issue("server", "localhost", "127.0.0.1")
            client = made.client(made.issue("client"))
            options = ("--certificate", str(certificate), "--key", str(key))
            clients = ("--client-ca", str(made.path))
            with loaded(*workers, *options, *clients, count=2 if workers else 0) as served:
                async with Crowd(served.port, size, tls=client) as crowd:
                    first = await asyncio.to_thread(_serial, served.port, client)
                    seen = {first}
                    for number in range(1, 6):
                        made.issue("server", "localhost", "127.0.0.1")
                        served.signal(signal.SIGHUP)
                        word = "all workers are new" if workers else "read again: 1 certificate"
                        await served.until(lambda n=number, w=word: served.count(w) >= n)
                        seen.add(await asyncio.to_thread(_serial, served.port, client))
                        await crowd.all_open()
                        await asyncio.sleep(0.5)
                    report.claim(f"five renewals, {len(seen)} certificates seen", len(seen) == 6)
                    stayed = len(crowd.open) == size and (bool(workers) or not crowd.ended)
                    shown = {one.answers_to.split()[2] for one in crowd.clients}
                    report.claim(
                        f"each handler saw the client's certificate: {shown}", shown == {"client"}
                    )
                    report.claim("the connections have stayed, or come back after 1012", stayed)
                    crowd.coming_back = False
                    code, took = await served.ended()
                    report.claim(f"SIGTERM: exit code {code} after {took:.1f} s", code == 0)
                    await served.until(lambda: all(one is None for one in crowd.places), 10)
                report.claim(f"codes {crowd.codes()}", set(crowd.codes()) == {1012})
                judge_answers(report, crowd, judge(report, crowd, served.folder))


def _serial(port, context):
    """Return the number of the certificate that a new connection gets."""
    import socket

    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as one,
    ):
        return one.getpeercert()["serialNumber"]


def browser(report, _size):
    """Edits under an open page, twenty times and a syntax error; then the page over TLS."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    with sync_playwright() as playwright, authority() as made:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        with loaded("--reload", count=1) as served:
            _first_edit(served)
            page = chromium.new_page()
            page.goto(f"http://127.0.0.1:{served.port}/")
            _title(page, 1)
            took = []
            for number in range(2, 22):
                if number == 11:
                    served.app.write_text("class Broken(:\n")
                    began = time.monotonic()
                    while "SyntaxError" not in served.said:
                        assert time.monotonic() - began < 20
                        time.sleep(0.05)
                    page.wait_for_timeout(500)
                    report.claim(
                        f"a syntax error is shown after {time.monotonic() - began:.1f} s, and the "
                        f"old code goes on: {page.title()!r}",
                        page.title() == "version 10",
                    )
                began = time.monotonic()
                _edit(served, number)
                _title(page, number)
                took.append(time.monotonic() - began)
            report.claim(
                "twenty edits, seconds until the page has heard the new code: "
                + " ".join(f"{one:.1f}" for one in took),
                max(took) < 2,
            )
        certificate, key = made.issue("server", "localhost", "127.0.0.1")
        # As for a page in production, the browser trusts this one key, and checks all else.
        spki = _key_of(certificate)
        chromium.close()
        trusting = playwright.chromium.launch(
            executable_path=path, args=[*FLAGS, f"--ignore-certificate-errors-spki-list={spki}"]
        )
        tls = ("--certificate", str(certificate), "--key", str(key))
        with loaded("--reload", *tls, count=1) as served:
            _first_edit(served)
            page = trusting.new_page()
            page.goto(f"https://localhost:{served.port}/")
            _title(page, 1)
            _edit(served, 2)
            _title(page, 2)
            report.claim(
                "the same page over TLS, and an edit under it", page.title() == "version 2"
            )
        trusting.close()


def _edit(served, version):
    served.app.write_text(PAGE.replace("version 1", f"version {version}"))


def _first_edit(served):
    """Put the page in the place of the application under load."""
    _edit(served, 1)
    served.wait_for("reload: all workers are new")


def _title(page, version):
    page.wait_for_function(f"document.title === 'version {version}'", timeout=20_000)


def _key_of(certificate):
    """Return the SHA-256 of the key of a certificate, as Chromium wants it."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()
