"""The examples of frameworks, each on its real server, by a real client; one in a real browser."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import websockets

aiohttp = pytest.importorskip("aiohttp")
ROOT = Path(__file__).parents[2]
BOUND = 15

# Another server's process: which reactor it has, is told by the environment of `serve`.
pytestmark = [pytest.mark.one_form, pytest.mark.timeout(60)]


async def code_of(client):
    with pytest.raises(websockets.ConnectionClosed) as closed:
        while True:
            await client.recv()
    return closed.value.rcvd.code


def test_fastapi_chats_and_publishes_from_an_http_route(serve, run_async):
    pytest.importorskip("fastapi")
    server = serve("examples.fastapi_chat:app", 0, "--workers", "2")

    async def act():
        url = f"ws://127.0.0.1:{server.port}/rooms/red"
        async with aiohttp.ClientSession(server.url) as http:
            client = await websockets.connect(f"{url}?name=ada")
            assert '"names":["ada"]' in await client.recv()
            async with http.post("/rooms/red", data="text=hello") as answer:
                assert answer.status == 401
            headers = {"X-Token": "of-the-house"}
            async with http.post("/rooms/red", data="text=hello", headers=headers) as answer:
                assert await answer.json() == {"told": 1}
            assert '"the house","text":"hello"' in await client.recv()
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(url)
            assert refused.value.response.status_code == 403
        assert await asyncio.to_thread(server.stop) == 0
        assert await code_of(client) == 1012

    run_async(act())


def test_fastapi_works_in_a_browser(serve, browser):
    pytest.importorskip("fastapi")
    server = serve("examples.fastapi_chat:app")
    pages = []
    for name in ("ada", "bob"):
        page = browser.new_context().new_page()
        page.goto(server.url)
        page.fill("#name", name)
        page.click("text=Enter")
        page.wait_for_selector("#people li")
        pages.append(page)
    ada, bob = pages
    ada.fill("#text", "hello from ada")
    ada.press("#text", "Enter")
    bob.wait_for_selector("text=hello from ada")
    assert bob.inner_text("#count") == "2 here"
    ada.close()
    bob.wait_for_selector("text=ada left")
    bob.close()


def test_starlette_tells_the_time(serve, run_async):
    pytest.importorskip("starlette")
    server = serve("examples.starlette_clock:app")

    async def act():
        client = await websockets.connect(f"ws://127.0.0.1:{server.port}/clock")
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", await client.recv())
        await client.send("0.01")
        for _ in range(3):
            await client.recv()
        assert await asyncio.to_thread(server.stop) == 0
        assert await code_of(client) == 1012

    run_async(act())


def test_litestar_shouts(serve, run_async):
    pytest.importorskip("litestar")
    server = serve("examples.litestar_echo:app")

    async def act():
        client = await websockets.connect(f"ws://127.0.0.1:{server.port}/shout/!")
        await client.send("hello")
        assert await client.recv() == "HELLO!"
        assert await asyncio.to_thread(server.stop) == 0
        assert await code_of(client) == 1012

    run_async(act())


def test_django_has_rooms_for_its_users(serve, run_async):
    pytest.importorskip("django")
    server = serve("examples.django_rooms:application")

    async def act():
        url = f"ws://127.0.0.1:{server.port}/rooms/lobby/"
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url)
        assert refused.value.response.status_code == 401
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(server.url, cookie_jar=jar) as http:
            async with http.get("/login?name=ada") as answer:
                assert await answer.text() == "hello ada"
            [cookie] = [one for one in jar if one.key == "sessionid"]
        headers = {"Cookie": f"sessionid={cookie.value}"}
        client = await websockets.connect(url, additional_headers=headers)
        assert await client.recv() == "welcome, ada, one of 1"
        await client.send("hello")
        assert await client.recv() == "ada: hello"
        assert await asyncio.to_thread(server.stop) == 0
        assert await code_of(client) == 1012

    run_async(act())


EMPTIED = """
from examples import django_rooms
from sock import testing

with testing.open(lambda _: django_rooms.Room("lobby", "ada")) as session:
    session.receive("hello")
    assert session.pushed() == ["welcome, ada, one of 0", "ada: hello"]
    assert list(django_rooms.rooms) == ["lobby"]
assert django_rooms.rooms == {}
"""


def test_the_last_one_out_takes_the_room_along():
    # The peer chooses the names of rooms: those that stay fill the memory.
    pytest.importorskip("django")
    # In a process of its own, as Django is set up once.
    subprocess.run([sys.executable, "-c", EMPTIED], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", ["aiohttp", "tornado"])
def test_one_with_a_server_of_its_own_echoes(name, run_async, reactor_kind):
    pytest.importorskip(name)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", f"examples.{name}_echo", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)

    async def act():
        url = f"ws://127.0.0.1:{port}/rooms/lobby"
        while True:
            try:
                client = await websockets.connect(url)
                break
            except OSError:
                assert process.poll() is None
                await asyncio.sleep(0.05)
        await client.send("hello")
        assert await client.recv() == "lobby: hello"
        process.send_signal(signal.SIGTERM)
        assert await code_of(client) == 1012

    try:
        run_async(act())
        process.wait(BOUND)
    finally:
        process.kill()
        process.wait()
