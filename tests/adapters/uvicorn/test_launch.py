"""`sock run` with an ASGI application: uvicorn with our protocol, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import websockets

pytest.importorskip("uvicorn")
BOUND = 20

APP = """
import os
import sock

class Echo(sock.Sock):
    def init(self, ref):
        return f"{VERSION} {os.getpid()}"
    def handle_in(self, message):
        return message

VERSION = 1
app = sock.asgi(Echo)

def make():
    return app
"""


@pytest.fixture
def launch(tmp_path):
    """Start `sock run` on a free port, in a folder with an application."""
    (tmp_path / "served.py").write_text(APP)
    started = []

    def start(target, *arguments, module="sock", **environment):
        command = [sys.executable, "-m", module]
        if module == "sock":
            command += ["run", target, "--port", "0", *arguments]
        else:
            command += [target, "--port", "0", *arguments]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        said = ""
        for line in process.stdout:
            said += line
            if found := re.search(r"(https?)://127\.0\.0\.1:(\d+)", line):
                return SimpleNamespace(
                    process=process, port=int(found[2]), folder=tmp_path, output=said
                )
        raise AssertionError(said)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


async def connected(port, scheme="ws", **options):
    """Connect as soon as somebody is there."""
    while True:
        try:
            return await websockets.connect(f"{scheme}://127.0.0.1:{port}/", **options)
        except (OSError, websockets.InvalidMessage):
            await asyncio.sleep(0.05)


async def code_of(client):
    try:
        while True:
            await client.recv()
    except websockets.ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


@pytest.mark.parametrize("arguments", [["served:app"], ["served:make", "--factory"]])
def test_it_serves_and_stops_cleanly(launch, run_async, arguments):
    served = launch(*arguments)

    async def act():
        client = await connected(served.port)
        assert (await client.recv()).startswith("1 ")
        await client.send("hi")
        assert await client.recv() == "hi"
        served.process.send_signal(signal.SIGTERM)
        assert await code_of(client) == 1012

    run_async(act())
    assert served.process.wait(BOUND) == 0


def test_tls_is_spoken_through_the_same_options(launch, run_async, tls):
    served = launch("served:app", "--certificate", str(tls.path))

    async def act():
        client = await connected(served.port, "wss", ssl=tls.client)
        assert (await client.recv()).startswith("1 ")
        served.process.send_signal(signal.SIGTERM)
        assert await code_of(client) == 1012

    run_async(act())
    assert served.process.wait(BOUND) == 0


def test_a_reload_does_not_hang_on_an_open_sock(launch, run_async):
    served = launch("served:app", "--reload")

    async def act():
        client = await connected(served.port)
        assert (await client.recv()).startswith("1 ")
        ended = asyncio.ensure_future(code_of(client))
        file = served.folder / "served.py"
        file.write_text(APP.replace("VERSION = 1", "VERSION = 2"))
        for later in range(1, 60):  # uvicorn may not have looked at the file before
            stamp = file.stat().st_mtime + later
            os.utime(file, (stamp, stamp))
            if (await asyncio.wait({ended}, timeout=0.3))[0]:
                break
        assert await ended == 1012
        again = await connected(served.port)
        assert (await again.recv()).startswith("2 ")
        await again.close()
        served.process.send_signal(signal.SIGTERM)

    run_async(act())
    assert served.process.wait(BOUND) == 0


@pytest.mark.timeout(90)
def test_two_workers_with_a_thousand_socks_say_1012_to_all_in_time(launch, run_async):
    served = launch(
        "served:app",
        *("--workers", "2", "--ws", "sock.adapters.uvicorn:SockProtocol"),
        module="uvicorn",
    )

    async def act():
        clients, workers = [], set()
        while len(clients) < 1000 or len(workers) < 2:  # one may be slower to start
            more = await asyncio.gather(*(connected(served.port) for _ in range(50)))
            workers |= {(await client.recv()).split()[1] for client in more}
            clients += more
        loop = asyncio.get_running_loop()
        began = loop.time()
        served.process.send_signal(signal.SIGTERM)
        assert set(await asyncio.gather(*map(code_of, clients))) == {1012}
        assert loop.time() - began < 10

    run_async(act())
    served.process.wait(BOUND)


CANNOT = """
from contextlib import asynccontextmanager
import sock

@asynccontextmanager
async def lifespan():
    raise RuntimeError("no database")
    yield

app = sock.asgi(sock.Sock, lifespan=lifespan)
"""


def test_a_lifespan_that_raises_is_shown_and_ends_with_1(tmp_path):
    """[S19.4]"""
    (tmp_path / "cannot.py").write_text(CANNOT)
    done = subprocess.run(
        [sys.executable, "-m", "sock", "run", "cannot:app", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )
    assert done.returncode == 1
    assert done.stderr.count("RuntimeError: no database") == 1
    assert "startup failed" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["served:app"],
        ["served:make", "--factory"],
        ["served:app", "--workers", "2"],
        ["served:make", "--factory", "--workers", "2"],
        ["served:app", "--reload"],
    ],
    ids=" ".join,
)
def test_health_is_answered_in_front_of_the_application(launch, run_async, arguments):
    served = launch(*arguments, "--health", "/healthz")

    async def act():
        client = await connected(served.port)
        assert (await client.recv()).startswith("1 ")
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"\r\n\r\nok")
        writer.close()
        served.process.send_signal(signal.SIGTERM)
        assert await code_of(client) == 1012

    run_async(act())
    assert served.process.wait(BOUND) == 0


MISSING = """
import sys
sys.modules["{host}"] = None
try:
    import sock.adapters.{adapter}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("adapter", "host"),
    [
        ("uvicorn", "uvicorn"),
        ("uvicorn.launch", "uvicorn"),
        ("aiohttp", "aiohttp"),
        ("tornado", "tornado"),
        ("websockets", "websockets"),
        ("django", "django"),
    ],
)
def test_a_host_that_is_missing_names_the_extra_to_install(adapter, host):
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(adapter=adapter, host=host)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"'sockpy[{host}]'" in done.stdout


ALONE = """
import sys
import sock.adapters.{adapter}
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {{*{hosts!r}}}))
"""
HOSTS = ("aiohttp", "django", "fastapi", "quart", "starlette", "tornado", "uvicorn", "websockets")


@pytest.mark.parametrize(
    ("adapter", "imported"),
    [
        ("asgi", ""),
        ("aiohttp", "aiohttp"),
        ("tornado", "tornado"),
        ("websockets", "websockets"),
        ("uvicorn", "uvicorn websockets"),  # uvicorn's own, for what is no Sock
        ("django", "django"),
    ],
)
def test_an_adapter_imports_its_own_host_only(adapter, imported):
    done = subprocess.run(
        [sys.executable, "-c", ALONE.format(adapter=adapter, hosts=HOSTS)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert done.stdout.strip() == imported


def ran(folder, *arguments, **environment):
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sock", "run", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )


MADE = """
import os
import sock

print("imported", os.getpid(), flush=True)
class Echo(sock.Sock):
    def handle_in(self, message):
        return message

def make():
    print("made", os.getpid(), flush=True)
    return sock.asgi(Echo)

class Star:
    async def __call__(self, *args):
        await sock.asgi(Echo)(*args)

class Proxy:
    __slots__ = ("__call__",)
    def __init__(self, app):
        self.__call__ = app

star = Star()
proxy = Proxy(sock.asgi(Echo))
async def plain(*args):
    await star(*args)

class Ticks(sock.Sock):
    def init(self, ref):
        return sock.Stream(ticks())
    def terminate(self, reason):
        print(type(reason).__name__, flush=True)

async def ticks():
    import asyncio
    while True:
        yield "tick"
        await asyncio.sleep(0.02)

endless = sock.asgi(Ticks)

class Waits(sock.Sock):
    def init(self, ref):
        return "tick"
    async def handle_in(self, message):
        import asyncio
        await asyncio.sleep(1000)
    def terminate(self, reason):
        print(type(reason).__name__, flush=True)

waits = sock.asgi(Waits)

async def told(scope, receive, send):
    if scope["type"] == "http":
        await receive()
        said = f"{scope['client']} {scope['scheme']} {scope['root_path']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said})
"""


@pytest.fixture
def made(launch, tmp_path):
    (tmp_path / "served.py").write_text(MADE)
    return launch


def ended(served):
    """Return what the process has said since it has begun to serve."""
    said, _ = served.process.communicate(timeout=BOUND)
    return said


def test_a_factory_is_called_once(made, run_async):
    served = made("served:make", "--factory")

    async def act():
        await (await connected(served.port)).close()
        served.process.send_signal(signal.SIGTERM)

    run_async(act())
    assert (served.output + ended(served)).count("made") == 1


def test_a_factory_is_not_called_in_the_process_that_watches_the_files(made, run_async):
    served = made("served:make", "--factory", "--reload")

    async def act():
        await (await connected(served.port)).close()
        served.process.send_signal(signal.SIGTERM)

    run_async(act())
    assert f"made {served.process.pid}\n" not in served.output + ended(served)


@pytest.mark.parametrize("name", ["star", "proxy", "plain"])
def test_an_application_whose_signature_says_nothing_is_an_asgi_application(made, run_async, name):
    served = made(f"served:{name}")

    async def act():
        async with await connected(served.port) as client:
            await client.send("hi")
            assert await client.recv() == "hi"
        served.process.send_signal(signal.SIGTERM)

    run_async(act())
    assert "factory" not in served.output + ended(served)


def test_a_port_in_use_is_one_line_for_an_asgi_application_too(tmp_path):
    (tmp_path / "served.py").write_text(APP)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for more in ([], ["--reload"], ["--workers", "2"]):
            done = ran(tmp_path, "served:app", "--port", port, *more)
            assert (
                done.stderr
                == f"sock: port {port} of 127.0.0.1 is in use. --port 0 picks a free one.\n"
            )
            assert done.returncode == 1
    done = ran(tmp_path, "served:app", "--host", "no-such-host.invalid")
    assert done.stderr.startswith("sock: no host named 'no-such-host.invalid': ")
    assert done.returncode == 1


def test_an_application_that_does_not_start_is_exit_code_1(tmp_path):
    (tmp_path / "served.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n"
    )
    done = ran(tmp_path, "served:app", "--port", "0")
    assert "no database" in done.stderr
    assert done.returncode == 1


def test_a_uvicorn_that_is_too_old_is_one_line_and_exit_code_1(tmp_path):
    (tmp_path / "served.py").write_text(APP)
    (tmp_path / "sitecustomize.py").write_text("import uvicorn; uvicorn.__version__ = '0.30.1'\n")
    done = ran(tmp_path, "served:app", PYTHONPATH=str(tmp_path))
    assert done.stderr == (
        "sock: 'served:app' is an ASGI application, and uvicorn 0.30.1 is too old:"
        " pip install --upgrade 'sockpy[uvicorn]'\n"
    )
    assert done.returncode == 1


@pytest.mark.parametrize("target", ["served:app", "served:Echo"])
def test_a_key_without_a_certificate_is_one_line_and_exit_code_2(tmp_path, tls, target):
    (tmp_path / "served.py").write_text(APP)
    done = ran(tmp_path, target, "--port", "0", "--key", str(tls.path))
    assert done.stderr == "sock: --key belongs to a certificate: say --certificate too.\n"
    assert done.returncode == 2


def test_a_certificate_that_is_none_is_one_line_and_exit_code_1(tmp_path, tls):
    (tmp_path / "served.py").write_text(APP)
    for arguments in (
        ["--certificate", "served.py"],
        ["--certificate", str(tls.path), "--key", "served.py"],
    ):
        done = ran(tmp_path, "served:app", "--port", "0", *arguments)
        assert re.fullmatch(r"sock: '.*' has no (certificate|key) in PEM\.\n", done.stderr)
        assert done.stderr.count("\n") == 1
        assert done.returncode == 1


@pytest.mark.parametrize("more", [(), ("--workers", "2")])
def test_the_access_log_has_the_beginning_and_the_end_of_a_sock(launch, run_async, more):
    served = launch("served:app", "--access-log", *more)

    async def act():
        async with await connected(served.port) as client:
            await client.recv()
        served.process.send_signal(signal.SIGTERM)

    run_async(act())
    said = ended(served)
    peer = r"info +[0-9a-f]{16} 127\.0\.0\.1:\d+ GET /"
    assert re.search(rf"{peer} 101\n", said)
    assert re.search(
        rf"{peer} closed 1000 by the peer, 1000, lived \d+\.\d{{3}} s, received ", said
    )


def test_without_the_access_log_a_sock_leaves_no_line(launch, run_async):
    served = launch("served:app")

    async def act():
        async with await connected(served.port) as client:
            await client.recv()
        served.process.send_signal(signal.SIGTERM)

    run_async(act())
    assert "GET /" not in ended(served)


def test_the_log_level_is_that_of_socks_log_too(tmp_path, launch, run_async):
    served = launch("served:app", "--log-level", "debug")

    async def act():
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(f"ws://127.0.0.1:{served.port}/", origin="http://evil.example")
        served.process.send_signal(signal.SIGTERM)

    run_async(act())
    assert "refused with 403" in ended(served)


def test_a_reload_is_not_held_up_by_an_endless_stream(made, run_async):
    served = made("served:endless", "--reload")

    async def act():
        client = await connected(served.port)
        assert await client.recv() == "tick"
        loop = asyncio.get_running_loop()
        began = loop.time()
        served.process.send_signal(signal.SIGTERM)
        assert await code_of(client) == 1012
        assert loop.time() - began < 5

    run_async(act())
    ended(served)


@pytest.mark.parametrize("name", ["endless", "waits"])
def test_a_second_signal_cuts_what_is_left_as_a_shutdown(made, run_async, name):
    served = made(f"served:{name}")

    async def act():
        client = await connected(served.port)
        assert await client.recv() == "tick"
        if name == "waits":
            await client.send("now")
            await (await client.ping())
        served.process.send_signal(signal.SIGINT)
        for line in served.process.stdout:
            if "Waiting for connections" in line:
                break
        served.process.send_signal(signal.SIGINT)
        assert await code_of(client) in {None, 1012}

    run_async(act())
    said = ended(served)
    assert "\nShutdown\n" in said
    assert served.process.returncode == 0


def test_a_proxy_is_told_of_by_the_options_that_are_uvicorns(made, run_async):
    served = made(
        "served:told", "--root-path", "/chat", "--forwarded-allow-ips", "127.0.0.1,10.0.0.1"
    )
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"
        )
        said = client.makefile("rb").read()
    assert b"('203.0.113.9', 0) https /chat" in said


def test_a_unix_socket_is_listened_on_for_a_proxy(tmp_path, run_async):
    (tmp_path / "served.py").write_text(APP)
    path = tmp_path / "sock"
    process = subprocess.Popen(
        [sys.executable, "-m", "sock", "run", "served:app", "--uds", str(path)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert any("running on unix socket" in line for line in process.stderr)

        async def act():
            async with websockets.unix_connect(str(path)) as client:
                assert (await client.recv()).startswith("1 ")
                await client.send("hi")
                assert await client.recv() == "hi"

        run_async(act())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=BOUND)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
