"""The log as it is shown, and programs of their own in which something is logged."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest

from sock import telemetry
from sock.observe import log, seldom

BOUND = 20


@pytest.fixture
def lines(capsys):
    """Emit events, and return the lines that are shown."""
    seldom.begin_again()  # other tests may have shown what comes once an hour

    def lines(*events, level="info", form="text", access=False, query=False):
        with log.on_stderr(level, form, access=access, query=query), log.subscribed():
            for event, fields in events:
                telemetry.emit(event, **fields)
        shown = capsys.readouterr()
        assert shown.out == ""
        return shown.err.splitlines()

    return lines


class Program:
    """A process that serves; it says its address on stderr."""

    def __init__(self, process):
        self.process = process
        self.said = ""
        self.port = 0

    def wait_for_address(self):
        """Read until it says where it listens."""
        while (found := re.search(r"https?://127\.0\.0\.1:(\d+)", self.said)) is None:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        self.port = int(found[1])

    def stop(self, code=0):
        """Stop it, and return all that it has said, in lines."""
        self.process.terminate()
        self.said += self.process.communicate(timeout=BOUND)[1]
        assert self.process.returncode == code, self.said
        return self.said.splitlines()


@pytest.fixture
def program(tmp_path):
    """Run a module `served.py` of this source: by `sock run served:app`, or otherwise."""
    started = []

    def start(source, *arguments, run="app", command=None):
        (tmp_path / "served.py").write_text(source)
        command = command or ["-m", "sock", "run", f"served:{run}", "--port", "0"]
        process = subprocess.Popen(
            [sys.executable, *command, *arguments],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # to be ended with all its processes
        )
        started.append(process)
        served = Program(process)
        served.wait_for_address()
        return served

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
