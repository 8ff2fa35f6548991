"""`sock run` with an ASGI application: uvicorn with our protocol, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
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


def test_an_option_of_uvicorns_is_refused_for_an_application_of_our_own_server(tmp_path):
    (tmp_path / "served.py").write_text(APP)
    for option in (["--workers", "2"], ["--reload"]):
        done = subprocess.run(
            [sys.executable, "-m", "sock", "run", "served:Echo", *option],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "is of ASGI applications" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "sock", "run", "served:app", "--log-format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "has no --log-format json" in done.stderr


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
        ("launch", "uvicorn"),
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
