"""Topics over the real command with two workers."""

from __future__ import annotations

import contextlib
import signal

import pytest
from websockets.sync.client import connect

from tests.server.supervisor.conftest import Served

APP = """
import os
import sock
from sock.pubsub import PubSub

rooms = PubSub()

class Chat(sock.TextSock):
    async def init(self, ref):
        await (rooms.attach if ref.request.path == "/attached" else rooms.subscribe)("room", ref)
        return str(os.getpid())

    async def handle_in(self, text):
        await rooms.broadcast("room", text)

app = Chat
"""


@pytest.mark.one_form
@pytest.mark.timeout(120)
def test_a_room_reaches_over_two_workers_and_over_a_reload(tmp_path):
    (tmp_path / "chat.py").write_text(APP)
    served = Served(tmp_path, "chat:app", "--workers", "2")
    try:
        with contextlib.ExitStack() as closing:

            def enter(path):
                url = f"ws://127.0.0.1:{served.port}{path}"
                client = closing.enter_context(connect(url, close_timeout=1))
                return client, client.recv(30)

            clients = [enter("/attached" if at % 2 else "/") for at in range(12)]
            assert len({worker for _, worker in clients}) == 2
            for number in range(30):
                clients[0][0].send(str(number))
            for client, _ in clients:
                assert [client.recv(30) for _ in range(30)] == [str(at) for at in range(30)]
            served.process.send_signal(signal.SIGHUP)
            served.wait_for("all workers are new")
            new = [enter("/") for _ in range(12)]
            assert len({worker for _, worker in new}) == 2
            new[0][0].send("after the reload")
            for client, _ in new:
                assert client.recv(30) == "after the reload"
    finally:
        served.process.terminate()
        served.process.wait(30)
