"""examples/publish.py"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import websockets

from examples import publish
from sock import testing

ROOT = Path(__file__).parents[2]
KEY = {"Authorization": "Bearer sesame"}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """The servers that a test starts have it too."""
    monkeypatch.setenv("PUBLISH_KEY", "sesame")


def post(room, text, headers=KEY):
    """Return what a POST to a room is answered."""
    asked = testing.request(f"/rooms/{room}", method="POST", body=text, headers=headers)
    with testing.open(publish.app, asked) as session:
        return session.response.status, session.response.body


def test_what_is_posted_to_a_room_is_read_there_and_nowhere_else():
    with (
        testing.open(publish.app, "/rooms/hall") as ada,
        testing.open(publish.app, "/rooms/hall") as bob,
        testing.open(publish.app, "/rooms/yard") as eve,
    ):
        assert post("hall", "doors open – ä".encode()) == (202, "2\n")
        assert ada.pushed() == bob.pushed() == ["doors open – ä"]
        assert eve.pushed() == []
        assert post("nobody", b"hello?") == (202, "0\n")


def test_a_room_that_everybody_has_left_is_forgotten():
    board = publish.Board("sesame")
    with testing.open(publish.app, testing.request("/rooms/hall", state={"board": board})):
        assert set(board.rooms) == {"hall"}
    assert board.rooms == {}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "ä"}])
def test_without_the_key_nobody_publishes(headers):
    with testing.open(publish.app, "/rooms/hall") as ada:
        assert post("hall", b"spam", headers)[0] == 401
        assert ada.pushed() == []


def test_what_is_no_text_is_refused_and_nobody_is_cut():
    with testing.open(publish.app, "/rooms/hall") as ada:
        assert post("hall", b"\xff")[0] == 400
        assert not ada.closed


def test_elsewhere_is_nothing():
    for target in ("/", "/rooms/", "/rooms/hall/door"):
        with testing.open(publish.app, target) as session:
            assert session.response.status == 404


async def ask(port, head, body=b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    writer.write(f"{head} HTTP/1.1\r\nHost: a\r\n{length}".encode())
    writer.write(b"Authorization: Bearer sesame\r\nConnection: close\r\n\r\n" + body)
    answered = await reader.read()
    writer.close()
    return answered


def test_a_real_client_reads_what_a_real_post_has_said(serve):
    server = serve("examples.publish:app", 0, "--health", "/healthz")

    async def scenario():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/rooms/hall") as client:
            answered = await ask(server.port, "POST /rooms/hall", b"doors open")
            assert answered.endswith(b"\r\n\r\n1\n")
            assert await client.recv() == "doors open"
            too_large = await ask(server.port, "POST /rooms/hall", b"x" * 4097)
            assert too_large.startswith(b"HTTP/1.1 413 ")
        assert (await ask(server.port, "GET /healthz")).endswith(b"\r\n\r\nok")

    asyncio.run(scenario())
    assert server.stop() == 0


def test_without_a_key_the_server_does_not_start(monkeypatch):
    monkeypatch.delenv("PUBLISH_KEY")
    command = [sys.executable, "-m", "sock", "run", "examples.publish:app", "--port", "0"]
    ended = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=15
    )
    assert ended.returncode == 1
    assert "LookupError: the variable PUBLISH_KEY" in ended.stderr
    assert ended.stderr.endswith("has raised: nothing was started.\n")
