"""The examples, each as a server process of its own; and a browser."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BOUND = 15  # seconds for a process to start or to end


class Server:
    """An example that runs."""

    def __init__(self, app: str, port: int = 0, *args: str) -> None:
        command = [sys.executable, "-m", "sock", "run", app, "--port", str(port), *args]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.output = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                self.url = found[0]
                return
        raise AssertionError(f"{app} did not start:\n{self.output}")

    def stop(self) -> int:
        """End it as an operator would; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(BOUND)
        assert self.process.stdout is not None
        self.output += self.process.stdout.read()
        self.process.stdout.close()
        return code


@pytest.fixture
def serve(reactor_kind) -> Iterator[Callable[..., Server]]:
    """Start an example, on each reactor; ended when the test is."""
    started: list[Server] = []

    def start(*arguments: Any) -> Server:
        started.append(Server(*arguments))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def browser() -> Iterator[Any]:
    """A real Chromium, the system's; for one test, as Playwright runs a loop meanwhile."""
    path = shutil.which("chromium")
    required = os.environ.get("SOCK_REQUIRE", "")
    if path is None and not {"all", "browser"} & set(required.split(",")):
        pytest.skip("no chromium on the PATH (apt-get install chromium)")
    assert path is not None, "SOCK_REQUIRE demands a browser, and there is no chromium on the PATH"
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium
        with contextlib.suppress(Exception):
            chromium.close()
