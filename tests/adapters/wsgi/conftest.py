"""WSGI servers: werkzeug in this process, gunicorn in one of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sock.adapters.wsgi.background import Background

ROOT = Path(__file__).parents[3]
BOUND = 20.0


@contextlib.contextmanager
def _werkzeug(app, **how):
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_):
            pass

    server = make_server("127.0.0.1", 0, app, request_handler=Quiet, **({"threaded": True} | how))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join(BOUND)
        server.server_close()


@pytest.fixture
def background():
    """Begin each test without an event loop of the process, and end the one that it has begun."""
    yield Background
    Background.end_of_process()
    Background.forget()


@pytest.fixture
def werkzeug(background):
    """Serve a WSGI application on werkzeug; the value of the context is its port."""
    pytest.importorskip("werkzeug")
    return _werkzeug


class Gunicorn:
    """gunicorn in a process of its own, with its output."""

    def __init__(self, log, *arguments, app="tests.adapters.wsgi.application:app", **variables):
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0"),
                    *("--no-control-socket", *arguments, app),
                ],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"} | variables,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.port = int(self.wait_for(r"Listening at: https?://127.0.0.1:(\d+)"))
        self.wait_for(r"Booting worker with pid: (\d+)")

    @property
    def output(self):
        return self._log.read_text()

    def wait_for(self, pattern):
        """Wait until the output has a match, and return its group."""
        deadline = time.monotonic() + BOUND
        while (found := re.search(pattern, self.output)) is None:
            assert time.monotonic() < deadline, self.output
            assert self.process.poll() is None, self.output
            time.sleep(0.02)
        return found[1]

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.signal()
        try:
            return self.process.wait(BOUND)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


@pytest.fixture
def gunicorn(tmp_path):
    """Start gunicorn with these arguments; it is stopped at the end of the test."""
    pytest.importorskip("gunicorn")
    pytest.importorskip("flask")
    started = []

    def start(*arguments, **how):
        started.append(Gunicorn(tmp_path / f"gunicorn-{len(started)}.log", *arguments, **how))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def connect():
    """Connect to an address, and close the connection at the end of the test."""
    from websockets.sync import client

    with contextlib.ExitStack() as ends:
        yield lambda *given, **how: ends.enter_context(
            client.connect(*given, open_timeout=BOUND, close_timeout=1, **how)
        )
