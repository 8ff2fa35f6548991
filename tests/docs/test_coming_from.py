"""The pages "coming from …" show one chat twice; both are started, and hold the same conversation.

The modules are those of the page: a block whose first line is a comment with a path is that file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import websockets

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).parents[2]
BOUND = 30  # seconds for a process to start or to end
MODULE = re.compile(
    r"^```python\n# (?P<path>\S+\.py)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)

SETTINGS = """
ALLOWED_HOSTS = ["127.0.0.1"]
SECRET_KEY = "of a test"
ROOT_URLCONF = "project.urls"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
"""

SERVE_WITH_WEBSOCKETS = """
import asyncio, chat
from websockets.asyncio.server import serve

async def main():
    async with serve(chat.chat, "127.0.0.1", 0) as server:
        print("%s:%d" % server.sockets[0].getsockname(), flush=True)
        await server.serve_forever()

asyncio.run(main())
"""

SOCK = ("-m", "sock", "run", "--port", "0")
UVICORN = ("-m", "uvicorn", "--port", "0")
GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket", "--threads", "8")
DAPHNE = ("-m", "daphne", "-b", "127.0.0.1", "-p", "0")


def modules(page: str, title: str) -> dict[str, str]:
    """Return the modules under one heading of a page, by their paths."""
    text = (ROOT / "docs/howto" / f"coming-from-{page}.md").read_text()
    section = text.split(f"\n## The chat in {title}\n")[1].split("\n## ")[0]
    return {found["path"]: found["code"] for found in MODULE.finditer(section)}


@pytest.fixture
def serve(tmp_path):
    """Write the modules of a page into a folder, and start a command there; return its port."""
    started = []

    def start(page: str, title: str, *command: str) -> int:
        files = modules(page, title)
        if "project/asgi.py" in files:
            files |= {"project/settings.py": SETTINGS, "project/urls.py": "urlpatterns = []\n"}
        for name, code in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(code)
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        output = ""
        for line in process.stdout:
            output += line
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                return int(found[1])
        raise AssertionError(f"it did not start:\n{output}")

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(BOUND)
        finally:
            process.kill()
            process.stdout.close()


async def read(client, count):
    return [await client.recv() for _ in range(count)]


async def converse(port: int, path: str, say, line) -> None:
    """Let ada, bob and eve meet in a room; bob closes his tab, and eve's network fails.

    Args:
        port: where the chat is served.
        path: of the room.
        say: makes the message of a member from a text.
        line: makes the message that everybody reads, from what happens, a name and a text.
    """

    def enter(name):
        # The page's Origin is that of the host, as a browser would say.
        origin = f"http://127.0.0.1:{port}"
        return websockets.connect(f"ws://127.0.0.1:{port}{path}?name={name}", origin=origin)

    async with enter("ada") as ada:
        # Each joins when the one before has: where each has a thread, the handshakes do not say who
        # is first.
        assert await read(ada, 1) == [line("joined", "ada")]
        async with enter("bob") as bob:
            assert await read(ada, 1) == await read(bob, 1) == [line("joined", "bob")]
            await ada.send(say("hello"))
            assert await read(ada, 1) == await read(bob, 1) == [line("said", "ada", "hello")]
        assert await read(ada, 1) == [line("left", "bob")]
        async with enter("eve") as eve:
            assert await read(eve, 1) == await read(ada, 1) == [line("joined", "eve")]
            eve.transport.abort()
            assert await read(ada, 1) == [line("left", "eve")]


def plain(kind, name, text=""):
    return {"joined": f"{name} is here", "said": f"{name}: {text}", "left": f"{name} has left"}[
        kind
    ]


def event(kind, name, text=None):
    return json.dumps([kind, {"name": name} if text is None else {"name": name, "text": text}])


SAME = (str, plain)  # a message is the text itself
THERE = [
    pytest.param("starlette", "Starlette", (*UVICORN, "chat:app"), id="starlette"),
    pytest.param("flask-sock", "flask-sock", (*GUNICORN, "chat:app"), id="flask-sock"),
    pytest.param("websockets", "websockets", ("-c", SERVE_WITH_WEBSOCKETS), id="websockets"),
    pytest.param(
        "django-channels", "Channels", (*DAPHNE, "project.asgi:application"), id="channels"
    ),
]
HERE = [
    pytest.param("starlette", "chat:app", *SAME, id="starlette"),
    pytest.param("websockets", "chat:Chat", *SAME, id="websockets"),
    pytest.param("django-channels", "project.asgi:application", *SAME, id="channels"),
    pytest.param(
        "socketio", "chat:Chat", lambda text: json.dumps(["say", text]), event, id="socketio"
    ),
]


def room(page: str) -> str:
    return "/rooms/lobby/" if page == "django-channels" else "/rooms/lobby"


@pytest.mark.parametrize(("page", "title", "command"), THERE)
def test_the_chat_of_the_other_library_does_what_the_page_says(
    page, title, command, serve, run_async
):
    for needed in {
        "starlette": ["starlette", "uvicorn"],
        "flask-sock": ["flask_sock", "gunicorn"],
        "django-channels": ["channels", "daphne"],
    }.get(page, []):
        pytest.importorskip(needed)
    port = serve(page, title, *command)
    run_async(converse(port, room(page), *SAME))


@pytest.mark.parametrize(("page", "app", "say", "line"), HERE)
def test_the_chat_in_sock_holds_the_same_conversation(page, app, say, line, serve, run_async):
    for needed in {
        "starlette": ["starlette", "uvicorn"],
        "django-channels": ["django", "uvicorn"],
    }.get(page, []):
        pytest.importorskip(needed)
    port = serve(page, "Sock", *SOCK, app)
    run_async(converse(port, room(page), say, line))


def test_the_chat_from_phoenix_is_the_same_for_its_clients(serve, run_async):
    port = serve("phoenix", "Sock", *SOCK, "chat:app")

    async def heard(client, count):
        return [json.loads(await client.recv())[3:] for _ in range(count)]

    async def enter(name):
        url = f"ws://127.0.0.1:{port}/socket/websocket?name={name}&vsn=2.0.0"
        client = await websockets.connect(url)
        await client.send('["1","1","room:lobby","phx_join",{}]')
        reply, joined = await heard(client, 2)
        assert reply == ["phx_reply", {"status": "ok", "response": {}}]
        assert joined == ["joined", {"name": name}]
        return client

    async def act():
        ada = await enter("ada")
        bob = await enter("bob")
        assert await heard(ada, 1) == [["joined", {"name": "bob"}]]
        await ada.send('["1","2","room:lobby","say",{"text":"hello"}]')
        said = ["said", {"name": "ada", "text": "hello"}]
        assert await heard(ada, 1) == await heard(bob, 1) == [said]
        bob.transport.abort()
        assert await heard(ada, 1) == [["left", {"name": "bob"}]]
        await ada.close()

    run_async(act())


def test_the_chat_in_socketio_does_what_the_page_says(serve, run_async):
    if "all" in os.environ.get("SOCK_REQUIRE", "").split(","):
        import socketio
    else:
        socketio = pytest.importorskip("socketio")
    port = serve("socketio", "Socket.IO", *UVICORN, "chat:app")

    async def enter(stack, name):
        client, came = socketio.AsyncClient(), asyncio.Queue()
        for kind in ("joined", "said", "left"):
            client.on(kind, lambda data, kind=kind: came.put_nowait(event(kind, **data)))
        auth = {"room": "lobby", "name": name}
        await client.connect(f"http://127.0.0.1:{port}", auth=auth, transports=["websocket"])
        stack.push_async_callback(client.shutdown)
        return client, came

    async def act():
        async with contextlib.AsyncExitStack() as stack:
            ada, to_ada = await enter(stack, "ada")
            assert await to_ada.get() == event("joined", "ada")
            bob, to_bob = await enter(stack, "bob")
            assert await to_ada.get() == await to_bob.get() == event("joined", "bob")
            await ada.emit("say", "hello")
            assert await to_ada.get() == await to_bob.get() == event("said", "ada", "hello")
            await bob.disconnect()
            assert await to_ada.get() == event("left", "bob")

    run_async(act())


def test_the_chat_in_flask_holds_the_same_conversation(serve, run_async):
    pytest.importorskip("gunicorn")
    port = serve("flask-sock", "Sock", *GUNICORN, "chat:app")
    run_async(converse(port, "/rooms/lobby", *SAME))
