"""Topics over the real command with two workers."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest
from websockets.sync.client import connect

from tests.server.supervisor.conftest import Served

APP = """
import os
import sock
from sock.pubsub import Gap, PubSub

rooms = PubSub()

class Chat(sock.TextSock):
    async def init(self, ref):
        await (rooms.attach if ref.request.path == "/attached" else rooms.subscribe)("room", ref)
        return str(os.getpid())

    async def handle_in(self, text):
        await rooms.broadcast("room", text)

class Lagging(sock.TextSock[str | Gap]):
    async def init(self, ref):
        await rooms.subscribe("room", ref, gaps=True)
        return str(os.getpid())

    def handle_info(self, info):
        return "gap" if isinstance(info, Gap) else str(len(info))

    async def handle_in(self, text):
        for _ in range(int(text)):
            await rooms.broadcast("room", "x" * 100_000)

def app(request):
    return Lagging(request) if request.path == "/lagging" else Chat(request)
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


@pytest.mark.one_form
@pytest.mark.timeout(120)
def test_a_worker_that_is_stopped_holds_nobody_up_and_is_told_of_the_gap(tmp_path):
    (tmp_path / "chat.py").write_text(APP)
    served = Served(tmp_path, "chat:app", "--workers", "2", "--worker-timeout", "60")
    try:
        with contextlib.ExitStack() as closing:
            clients = {}
            while len(clients) < 2:
                url = f"ws://127.0.0.1:{served.port}/lagging"
                client = closing.enter_context(connect(url, close_timeout=1))
                clients[int(client.recv(30))] = client
            (stopped, behind), (_, ahead) = clients.items()
            os.kill(stopped, signal.SIGSTOP)
            ahead.send("200")  # 20 MB, of which 8 MiB are kept for the one that is stopped
            assert [ahead.recv(30) for _ in range(200)] == ["100000"] * 200
            os.kill(stopped, signal.SIGCONT)
            heard = 0
            while behind.recv(30) != "gap":
                heard += 1
            assert 0 < heard < 200
            ahead.send("1")
            assert behind.recv(30) == "100000"
    finally:
        served.process.terminate()
        served.process.wait(30)
