"""The real command with workers, in a folder with an application."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import websockets

APP = """
import os, sys, time
import sock

VERSION = 1

class Echo(sock.Sock):
    def init(self, ref):
        return f"{VERSION} {os.getpid()}"
    def handle_in(self, message):
        if message == "block":
            time.sleep(1000)
        return message
    def terminate(self, reason):
        with open(f"ends", "a") as file:
            file.write("end\\n")

app = Echo
asgi = sock.asgi(Echo)
"""
BOUND = 60


class Served:
    """A server with workers; all that it says is in a file."""

    def __init__(self, folder, *arguments, count=2, **environment):
        self.folder = folder
        self.clients = []
        self.log = folder / "log"
        self.control = folder / "control"
        # Without workers there is no supervisor to control.
        control = ("--control", str(self.control)) if count else ()
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "sock", "run", *arguments),
                    *("--port", "0", *control),
                ],
                cwd=folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env=os.environ | {"SOCK_LOG_LEVEL": "debug"} | environment,
            )
        self.port = int(self.wait_for(r"listening on https?://127\.0\.0\.1:(\d+)")[1])
        self.wait_until(lambda: self.said.count(" is ready after ") >= count)

    @property
    def said(self):
        return self.log.read_text()

    def wait_until(self, holds):
        deadline = time.monotonic() + BOUND
        while not holds():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def wait_for(self, pattern):
        self.wait_until(lambda: re.search(pattern, self.said))
        return re.search(pattern, self.said)

    async def connect(self):
        client = await websockets.connect(f"ws://127.0.0.1:{self.port}/")
        self.clients.append(client)
        return client

    async def close_clients(self):
        """Close what a test has opened: nothing of it may be left when its event loop closes."""
        for client in self.clients:
            await client.close()
            await client.wait_closed()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.process.wait(BOUND)

    def ctl(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "sock", "ctl", "--control", str(self.control), *arguments],
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def workers(tmp_path):
    """Start the command; whatever is left of it is killed with the test."""
    (tmp_path / "served.py").write_text(APP)
    started = []

    def start(*arguments, **settings):
        started.append(Served(tmp_path, *arguments, **settings))
        return started[-1]

    yield start
    for served in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(served.process.pid, signal.SIGKILL)
        served.process.wait()
