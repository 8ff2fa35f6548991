"""What a stop says that cannot begin, because the event loop is blocked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading

import pytest

from sock.server import blocked

pytestmark = pytest.mark.one_form

PROGRAM = """
import os, signal, time
import sock

class Blocks(sock.Sock):
    pass

def app(request):
    os.kill(os.getpid(), signal.SIGTERM)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        time.sleep(0.05)
    return sock.Response(200, "done")

sock.run(app, port=0)
"""


def test_a_stop_that_a_callback_blocks_names_it_and_begins_later(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        listening = process.stderr.readline()
        port = re.search(r"http://127\.0\.0\.1:(\d+)", listening)[1]
        ask = (
            "import urllib.request as r; "
            f"print(r.urlopen('http://127.0.0.1:{port}/', timeout=60).read())"
        )
        asked = subprocess.run(
            [sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True
        )
        assert "done" in asked.stdout
        said = process.stderr.read()
        assert process.wait(30) == 0
    assert re.search(r"app \(.*program\.py:\d+\) blocks the event loop", said), said
    assert "stopped" in said


def test_a_stop_that_begins_says_nothing(monkeypatch, events):
    monkeypatch.setattr(blocked, "PATIENCE", 0.0)
    asked = threading.Event()

    def begun():
        asked.set()
        return True

    blocked.report_if_blocked(begun, threading.get_ident())
    assert asked.wait(30)
    assert events == []
