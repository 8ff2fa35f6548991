"""uvicorn where somebody else has bound; tests/server/supervisor/test_supervisor.py replaces it."""

import asyncio
import signal
import socket
import subprocess
import sys

import pytest
import websockets

pytest.importorskip("uvicorn")
pytestmark = pytest.mark.one_form

PROGRAM = """
import signal, socket, sys
import sock
from sock.adapters.uvicorn.protocol import SockProtocol
from sock.adapters.uvicorn.worker import Place, run_in_place

class Echo(sock.Sock):
    def handle_in(self, message):
        return message

def say(*words):
    print(*words, flush=True)

place = Place(
    [socket.socket(fileno=int(sys.argv[1]))],
    lambda connections, bound: say("serving", len(connections()), bound),
    lambda: say("draining"),
    lambda: say("ended"),
)
signal.signal(signal.SIGTERM, lambda *_: None)
settings = {"access_log": False, "factory": True, "ws": SockProtocol}
settings["timeout_graceful_shutdown"] = 9
run_in_place(lambda: sock.asgi(Echo), place, settings)
"""


def test_a_worker_says_when_it_serves_and_drains_and_answers_what_it_has_accepted(run_async):
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(listening.fileno())],
        pass_fds=[listening.fileno()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    async def act():
        early = socket.create_connection(("127.0.0.1", port))
        async with websockets.connect(f"ws://127.0.0.1:{port}/") as client:
            await client.send("hi")
            assert await client.recv() == "hi"
            process.send_signal(signal.SIGINT)  # of a terminal, and none of a worker's business
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.stdout.readline) == "draining\n"
            early.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await asyncio.to_thread(early.makefile("rb").readline)
            assert answer.startswith(b"HTTP/1.1 ")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012
        early.close()

    try:
        assert process.stdout.readline() == "serving 0 9\n"
        run_async(act())
        assert process.stdout.read() == "ended\n"
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
        listening.close()
