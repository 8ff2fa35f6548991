"""The page "Behind nginx or HAProxy": its configurations, in the real programs, before our server.

Of a configuration that stands on the page, only ports, paths of files and the target of the log are
changed; a test that needs another timeout or balance says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from tests.broker import free_port
from tests.certificate import tls as tls
from tests.needed import needed

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/behind-a-proxy.md"
BOUND = 30  # seconds for a process to end
SITE = "https://example.com"

APP = """
import json, os
from sock import Response, Sock

class Echo(Sock):
    def init(self, ref):
        request = ref.request
        client = request.client and request.client[0]
        own = {"process": os.getpid(), "client": client, "scheme": request.scheme}
        own["tls"] = request.tls and request.tls.version
        told = own | {"root": request.root_path, **request.headers}
        return json.dumps(told)

    def handle_in(self, message):
        return message

def app(request):
    return Response(404) if request.path == "/healthz" else Echo(request)
"""


def block(language: str, begins: str) -> str:
    """Return the first block of the page that has a line with this beginning."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    line = re.compile(rf"^ *{re.escape(begins)}", re.MULTILINE)
    return next(one for one in found if line.search(one))


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, f"the page has no {old!r} any more"
        text = text.replace(old, new)
    return text


def wait_for(process, pattern: str) -> None:
    told = ""
    for line in process.stdout:
        told += line
        if re.search(pattern, line):
            return
    raise AssertionError(f"it has ended:\n{told}")


class Site:
    """Two ports for servers, and a proxy in front of them."""

    def __init__(self, kind: str, folder: Path, tls) -> None:
        self.kind, self._folder, self._tls = kind, folder, tls
        self.ports = [free_port(), free_port()]
        self.processes: list[subprocess.Popen] = []
        (folder / "app.py").write_text(APP)

    def serve(self, number: int = 0, *options: str, health: bool = True) -> subprocess.Popen:
        """Start one of the two servers."""
        options += ("--health", "/healthz") if health else ()
        command = [sys.executable, "-m", "sock", "run", "app:app", *options]
        if "--bind" not in options:
            command += ["--port", str(self.ports[number])]
        return self._start(command, "listening on", cwd=self._folder)

    def proxy(self, *changes: tuple[str, str], until: str | None = None, passes_tls: bool = False):
        """Start the proxy on a port of its own, which is open before it runs.

        Args:
            changes: of the page's configuration.
            until: what it says when it is ready.
            passes_tls: whether it leaves TLS to Sock.
        """
        self._passes_tls = passes_tls
        with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
            self.port = listener.getsockname()[1]
            command, environment = getattr(self, self.kind)(listener.fileno(), changes)
            return self._start(command, until, env=environment, pass_fds=[listener.fileno()])

    def _start(self, command, until: str | None, **how) -> subprocess.Popen:
        """Start a process, and read what it says until a line has this in it, if that is given."""
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how
        )
        self.processes.append(process)
        if until is not None:
            wait_for(process, until)
        return process

    def _with_ports(self, text: str) -> str:
        """Return a configuration with the ports of these servers, where it has ports at all."""
        first, second = self.ports
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{first}")
        return text.replace("127.0.0.1:8001", f"127.0.0.1:{second}")

    def nginx(self, descriptor: int, changes):
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{kind}_temp_path {self._folder};" for kind in kinds)
        changes = (
            ("error_log /var/log/nginx/error.log;", "error_log stderr notice;"),
            ("pid /run/nginx.pid;", f"pid {self._folder}/nginx.pid;"),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            *changes,
        )
        if self._passes_tls:
            text = changed(block("nginx", "stream {"), *changes)
        else:
            text = changed(
                block("nginx", "http {"),
                ("access_log /var/log/nginx/access.log;", f"access_log off; {folders}"),
                ("/etc/ssl/example.com.pem", str(self._tls.path)),
                *changes,
            )
        text = self._with_ports(text)
        path = self._folder / "nginx.conf"
        path.write_text(text)
        # Workers of a master that is root change to another user, who may not read this folder.
        globally = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        command = ["nginx", "-e", "stderr", "-p", self._folder, "-c", path, "-g", globally]
        # nginx takes over a listening socket that this variable names, as in its own upgrade.
        return command, {**os.environ, "NGINX": f"{descriptor};"}

    def haproxy(self, descriptor: int, changes):
        text = block("text", "global")
        if self._passes_tls:
            text = text[: text.index("frontend web")] + block("text", "option tcplog")
            assert text.count("frontend web") == 1
        else:
            text = changed(text, ("/etc/ssl/example.com.pem", str(self._tls.path)))
        text = changed(
            text,
            ("log /dev/log local0", "log stdout format raw local0"),
            ("bind :443", f"bind fd@{descriptor}"),
            *changes,
        )
        text = self._with_ports(text)
        path = self._folder / "haproxy.cfg"
        path.write_text(text)
        return ["haproxy", "-db", "-f", path], dict(os.environ)

    def connect(self, path: str = "/rooms/lobby", *, origin: str | None = SITE, **options):
        """Connect as a page of the site would."""
        where = {"host": "127.0.0.1", "port": self.port, "ssl": self._tls.client, "proxy": None}
        return websockets.connect(f"wss://example.com{path}", origin=origin, **where, **options)

    async def refusal(self, **options):
        """Connect, and return the response that refuses it."""
        connections = []

        def create(*arguments, **named):
            connections.append(ClientConnection(*arguments, **named))
            return connections[0]

        with pytest.raises(websockets.InvalidStatus) as refused:
            await self.connect(create_connection=create, **options)
        # The client aborts its transport, and one over TLS counts as open until it is closed.
        connections[0].transport.close()
        # Its socket is closed a turn later, and not at all if the event loop ends before.
        await asyncio.wait_for(connections[0].wait_closed(), BOUND)
        return refused.value.response

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(BOUND)
            finally:
                process.kill()
                process.stdout.close()


@pytest.fixture
def make(tmp_path, tls, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/local/sbin", prepend=os.pathsep)
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Site:
            needed(kind)
            site = Site(kind, tmp_path, tls)
            stack.callback(site.end)
            return site

        yield make


@pytest.fixture(params=["nginx", "haproxy"])
def site(request, make) -> Site:
    return make(request.param)


@pytest.fixture
def haproxy(make) -> Site:
    return make("haproxy")


@pytest.fixture
def nginx(make) -> Site:
    return make("nginx")


def test_messages_of_the_sites_own_page_pass(site, run_async):
    site.serve()
    site.proxy()

    async def act():
        async with site.connect(max_size=None) as client:
            assert json.loads(await client.recv())["host"] == "example.com"
            for message in ("hello", b"\0\xff", "x" * 1_000_000):
                await client.send(message)
                assert await client.recv() == message

    run_async(act())


def test_the_page_of_another_site_is_refused(site, run_async):
    site.serve()
    site.proxy()

    async def act():
        refusal = await site.refusal(origin="https://evil.example")
        assert refusal.status_code == 403

    run_async(act())


def test_without_the_browsers_host_everybody_is_refused_and_told_why(nginx, run_async):
    nginx.serve()
    nginx.proxy(
        ("proxy_set_header Host $host;", ""), ("proxy_set_header X-Forwarded-Host $host;", "")
    )

    async def act():
        refusal = await nginx.refusal()
        assert refusal.status_code == 403
        assert b"proxy_set_header Host $host" in refusal.body

    run_async(act())


@pytest.mark.parametrize("line", ["Upgrade $http_upgrade", "Connection $connection_upgrade"])
def test_without_the_fields_of_the_upgrade_there_is_none(nginx, line, run_async):
    nginx.serve()
    nginx.proxy((f"proxy_set_header {line};", ""))

    async def act():
        assert (await nginx.refusal()).status_code in {400, 426}

    run_async(act())


BROWSER = "127.0.0.5"  # another address of this machine than the proxy's
FORGED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=203.0.113.7;host=evil.example",
}


def test_the_browsers_address_is_what_the_proxy_says_whatever_the_browser_says(site, run_async):
    site.serve()
    site.proxy()

    async def act():
        for fields in ({}, FORGED):
            async with site.connect(additional_headers=fields, local_addr=(BROWSER, 0)) as client:
                told = json.loads(await client.recv())
                assert (told["client"], told["scheme"]) == (BROWSER, "https")
                assert told["x-forwarded-host"] == "example.com"
                assert "forwarded" not in told or not told["forwarded"]

    run_async(act())


def test_a_proxy_that_is_not_trusted_is_itself_the_client(site, run_async):
    site.serve(0, "--forwarded-allow-ips", "10.0.0.0/8")
    site.proxy()

    async def act():
        async with site.connect(local_addr=(BROWSER, 0)) as client:
            told = json.loads(await client.recv())
            assert (told["client"], told["scheme"]) == ("127.0.0.1", "http")

    run_async(act())


def test_a_proxy_may_connect_over_a_unix_socket(site, run_async, tmp_path):
    path = tmp_path / "chat.sock"
    site.serve(0, "--bind", f"unix:{path},mode=660", "--root-path", "/chat")
    line = f"unix:{path}" if site.kind == "nginx" else str(path)
    end = ";" if site.kind == "nginx" else "\n"
    site.proxy((f"127.0.0.1:8000{end}", f"{line}{end}"), (f"127.0.0.1:8001{end}", f"{line}{end}"))

    async def act():
        async with site.connect(local_addr=(BROWSER, 0)) as client:
            told = json.loads(await client.recv())
            assert (told["client"], told["scheme"], told["root"]) == (BROWSER, "https", "/chat")

    run_async(act())


def test_haproxy_names_the_browser_in_version_1_of_the_proxy_protocol(haproxy, run_async):
    haproxy.serve(0, "--proxy-protocol")
    frontend = re.search(
        r"^frontend web\n.*?(?=^backend)", block("text", "global"), re.DOTALL | re.MULTILINE
    )
    fields = [line for line in frontend[0].splitlines(keepends=True) if "X-Forwarded-" in line]
    proxy = haproxy.proxy(
        *((line, "") for line in fields),
        ("server one 127.0.0.1:8000", "server one 127.0.0.1:8000 check send-proxy"),
        ("inter 2s", "inter 300ms"),
        until="Server sock/two is DOWN",  # the other one is not started
    )
    assert proxy.poll() is None

    async def act():
        async with haproxy.connect(local_addr=(BROWSER, 0)) as client:
            assert json.loads(await client.recv())["client"] == BROWSER

    run_async(act())


def test_tls_that_the_proxy_passes_on_ends_in_sock_which_knows_the_browser(site, run_async, tls):
    server = site.serve(0, "--certificate", str(tls.path), "--proxy-protocol", "--access-log")
    if site.kind == "nginx":
        site.proxy(passes_tls=True)  # it takes the second server's port for closed, and the first
    else:
        until = "Server sock/two is DOWN"
        site.proxy(("inter 2s", "inter 300ms"), until=until, passes_tls=True)

    async def act():
        async with site.connect(local_addr=(BROWSER, 0), max_size=None) as client:
            told = json.loads(await client.recv())
            assert (told["client"], told["scheme"]) == (BROWSER, "https")
            assert told["tls"] == "TLSv1.3"
            assert told["process"] == server.pid
            await client.send("x" * 1_000_000)
            assert await client.recv() == "x" * 1_000_000
            server.send_signal(signal.SIGTERM)
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())
    assert server.wait(BOUND) == 0
    said = server.stdout.read()
    assert "TLS:" not in said  # neither a check nor a client was refused
    assert "PROXY" not in said
    if site.kind == "haproxy":
        assert "GET /healthz 200" in said


def test_the_proxy_may_speak_tls_with_the_browser_and_with_sock(site, run_async, tls):
    site.serve(0, "--certificate", str(tls.path))
    authority = ("/etc/ssl/authority.pem", str(tls.path))
    if site.kind == "nginx":
        lines = changed(block("nginx", "proxy_pass https:"), authority)
        site.proxy(("            proxy_pass http://sock;\n", lines))
    else:
        line = changed(block("text", "server one 127.0.0.1:8000 ssl"), authority)
        until = "Server sock/two is DOWN"
        change = ("    server one 127.0.0.1:8000\n", line)
        site.proxy(change, ("inter 2s", "inter 300ms"), until=until)

    async def act():
        async with site.connect(local_addr=(BROWSER, 0)) as client:
            told = json.loads(await client.recv())
            assert (told["client"], told["scheme"]) == (BROWSER, "https")
            assert told["tls"].startswith("TLSv1.")
            await client.send("hello")
            assert await client.recv() == "hello"

    run_async(act())


def test_compression_is_agreed_on_through_the_proxy(site, run_async):
    site.serve(0, "--compression", "on")
    site.proxy()

    async def act():
        async with site.connect() as client:
            agreed = client.response.headers["Sec-WebSocket-Extensions"]
            assert agreed.startswith("permessage-deflate")
            await client.recv()
            await client.send("hello " * 10_000)
            assert await client.recv() == "hello " * 10_000

    run_async(act())


def test_pings_keep_an_idle_connection_beyond_the_proxys_timeout(site, tls, run_async):
    aiohttp = pytest.importorskip("aiohttp")
    site.serve(0, "--ping-interval", "0.2")
    site.proxy(("1h", "1s"))

    async def act():
        url = f"wss://127.0.0.1:{site.port}/rooms/lobby"
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, ssl=tls.client, autoping=False) as client,
        ):
            await client.receive_str()
            sock = client.get_extra_info("socket")
            for _ in range(15):  # three seconds, three times the proxy's patience
                ping = await client.receive()
                assert ping.type is aiohttp.WSMsgType.PING
                await client.pong(ping.data)
            await client.send_str("still here")
            while (came := await client.receive()).type is aiohttp.WSMsgType.PING:
                await client.pong(came.data)
            assert came.data == "still here"
        while sock.fileno() >= 0:  # aiohttp does not wait until TLS has ended
            await asyncio.sleep(0)

    run_async(act())


def test_without_pings_the_proxy_cuts_an_idle_connection(site, run_async):
    site.serve(0, "--ping-interval", "50")
    site.proxy(("1h", "1s"))

    async def act():
        async with site.connect() as client:
            await client.recv()
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await client.recv()
            assert closed.value.rcvd is None

    run_async(act())


def test_health_is_answered_through_the_proxy(site, tls, run_async):
    aiohttp = pytest.importorskip("aiohttp")
    site.serve()
    site.proxy()

    async def act():
        url = f"https://127.0.0.1:{site.port}/healthz"
        async with aiohttp.ClientSession() as http, http.get(url, ssl=tls.client) as answer:
            assert (answer.status, await answer.text()) == (200, "ok")

    run_async(act())


def test_haproxy_takes_a_server_out_and_in_as_its_health_says(haproxy, run_async):
    proxy = haproxy.proxy(("inter 2s", "inter 500ms"), until="Server sock/one is DOWN")
    haproxy.serve()
    wait_for(proxy, "Server sock/one is UP, reason: Layer7 check passed, code: 200")

    async def act():
        async with haproxy.connect() as client:
            await client.recv()

    run_async(act())


def test_haproxy_does_not_use_a_server_that_answers_no_health(haproxy):
    haproxy.serve(health=False)
    until = "Server sock/one is DOWN, reason: Layer7 wrong status, code: 404"
    haproxy.proxy(("inter 2s", "inter 500ms"), until=until)


def test_a_process_that_drains_sends_its_clients_to_the_other(site, run_async):
    servers = {}
    for number in (0, 1):
        server = site.serve(number)
        servers[server.pid] = server
    site.proxy()

    async def act():
        async with site.connect() as client:
            first = json.loads(await client.recv())["process"]
            servers[first].send_signal(signal.SIGTERM)
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012
        async with site.connect() as client:
            assert json.loads(await client.recv())["process"] != first

    run_async(act())


def test_members_of_a_room_meet_in_one_process_where_the_path_chooses_it(site, run_async):
    for number in (0, 1):
        site.serve(number)
    if site.kind == "nginx":
        page = block("nginx", "http {")
        upstream = re.search(r"    upstream sock \{.*?\n    \}\n", page, re.DOTALL)
        site.proxy((upstream[0], block("nginx", "    hash $uri")))
    else:
        # A server that is slow to answer a check would send its rooms to the other one.
        site.proxy(
            ("    balance leastconn\n", block("text", "balance uri")), ("inter 2s", "inter 1m")
        )

    async def process(path):
        async with site.connect(path) as client:
            return json.loads(await client.recv())["process"]

    async def act():
        met = [
            {await process(f"/rooms/{room}?name={name}") for name in ("ada", "bob")}
            for room in range(6)
        ]
        assert all(len(processes) == 1 for processes in met)

    run_async(act())
