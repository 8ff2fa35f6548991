"""A SIGTERM to Flask's own server: its connections hear 1012 first."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[3]
BOUND = 20.0


@pytest.fixture
def flask_run(tmp_path):
    """Start `flask run`; return its process and its port."""
    pytest.importorskip("flask")
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "flask", "--app", "tests.adapters.wsgi.application"),
                *("run", "--port", "0", "--no-reload", "--no-debugger"),
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + BOUND
    while (found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", log.read_text())) is None:
        assert time.monotonic() < deadline, log.read_text()
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    yield process, int(found[1])
    process.kill()
    process.wait()


def test_a_sigterm_to_flask_run_says_1012_and_ends_it_as_that_signal_does(flask_run, connect):
    process, port = flask_run
    client = connect(f"ws://127.0.0.1:{port}/rooms/red")
    assert client.recv(timeout=BOUND).startswith("red ")
    process.terminate()
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=BOUND)
    assert closed.value.rcvd.code == 1012
    assert process.wait(BOUND) == -signal.SIGTERM


def test_a_sigterm_without_connections_ends_it_at_once(flask_run):
    process, _ = flask_run
    process.terminate()
    assert process.wait(BOUND) == -signal.SIGTERM
