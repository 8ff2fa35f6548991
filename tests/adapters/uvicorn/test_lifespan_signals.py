"""Signals while uvicorn waits for a lifespan, under `sock run`."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("uvloop")
pytest.importorskip("starlette")

BOUND = 20  # seconds for a process to start or to end


SLOW = """
import asyncio
import contextlib
import sock

entering, leaving = {entering}, {leaving}

@contextlib.asynccontextmanager
async def lifespan(*_):
    print("entering", flush=True)
    try:
        await asyncio.sleep(entering)
        yield
        print("leaving", flush=True)
        await asyncio.sleep(leaving)
    finally:
        print("closed", flush=True)

app = sock.asgi(sock.Sock, lifespan=lifespan)

def make():
    from starlette.applications import Starlette
    return Starlette(lifespan=lifespan)
"""


@pytest.fixture
def slow(tmp_path):
    """Start an application whose lifespan takes its time; return it when it has said a word."""
    started = []

    def start(word, entering, leaving, *arguments):
        (tmp_path / "slow.py").write_text(SLOW.format(entering=entering, leaving=leaving))
        process = subprocess.Popen(
            [sys.executable, "-m", "sock", "run", "--port", "0", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        assert any(word in line for line in process.stdout)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("arguments", [["slow:app"], ["slow:make", "--factory"]], ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_signal_ends_what_is_still_being_entered(slow, arguments, number, loop):
    process = slow("entering", 1000, 0, *arguments, "--loop", loop)
    process.send_signal(number)
    said = process.communicate(timeout=BOUND)[0]
    assert process.returncode == 0
    assert said == "closed\n"  # nothing was started, and no failure is told of


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_what_is_still_being_left(slow, number):
    process = slow("Uvicorn running", 0, 1000, "slow:app")
    process.send_signal(number)
    assert "leaving\n" in process.stdout
    process.send_signal(number)
    process.communicate(timeout=BOUND)
    assert process.returncode == -number


def test_a_lifespan_that_is_left_in_time_is_told_of_once(slow):
    process = slow("Uvicorn running", 0, 0, "slow:app")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=BOUND)[0]
    assert process.returncode == 0
    assert said.count("closed\n") == 1
    assert "unsupported" not in said
