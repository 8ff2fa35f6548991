"""The process ends, also where a thread or a task would keep it."""

from __future__ import annotations

import re
import signal
import time

import pytest
from websockets import ConnectionClosed
from websockets.sync.client import connect

LEFT = """
import asyncio, atexit, sys, threading, time
import sock

async def loops():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

class App(sock.Sock):
    options = sock.Options(close_timeout=0.5)
    kept = []

    async def handle_in(self, message):
        loop = asyncio.get_running_loop()
        if message == "executor":
            loop.run_in_executor(None, time.sleep, 30)
        if message == "thread":
            threading.Thread(target=time.sleep, args=(30,), name="own").start()
        if message == "task":
            self.kept.append(loop.create_task(loops()))
        if message == "callback":
            print("begun", flush=True)
            await loops()
        return message

atexit.register(lambda: print("at exit"))
asgi = sock.asgi(App, options=sock.Options(drain_timeout=1))
"""

_BOUND = 12.0
"""Seconds; what is left would take 30, or for ever."""


@pytest.fixture
def left(folder, command):
    """Have the command take messages, then a SIGTERM; return how it has ended."""
    (folder / "left.py").write_text(LEFT)

    def left(target, *messages):
        process = command("run", target, "--port", "0")
        port = next(
            found[1]
            for line in process.stderr
            if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line))
        )
        with connect(f"ws://127.0.0.1:{port}/") as client:
            for message in messages:
                client.send(message)
                client.recv()
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            with pytest.raises(ConnectionClosed):
                client.recv()
        out, err = process.communicate(timeout=_BOUND + 5)
        assert time.monotonic() - began < _BOUND
        return process.returncode, out, err

    return left


@pytest.mark.parametrize("target", ["left:App", "left:asgi"])
@pytest.mark.parametrize(
    ("messages", "named"),
    [
        (["executor"], ["the thread "]),
        (["thread"], ["the thread own"]),
        (["task"], ["the task ", "(loops)"]),
        (["executor", "thread", "task"], ["the task ", "(loops)", "the thread own"]),
    ],
    ids=["executor", "thread", "task", "all"],
)
def test_the_process_ends_with_0_and_names_what_was_left(left, target, messages, named):
    if target == "left:asgi":
        pytest.importorskip("uvicorn")
    code, out, err = left(target, *messages)
    assert code == 0
    assert out == "at exit\n"
    [line] = [line for line in err.splitlines() if "not waited for any longer" in line]
    assert [name for name in named if name not in line] == []
    assert "Traceback" not in err


@pytest.mark.parametrize("target", ["left:App", "left:asgi"])
def test_where_nothing_is_left_nothing_is_said(left, target):
    if target == "left:asgi":
        pytest.importorskip("uvicorn")
    code, out, err = left(target, "nothing")
    assert (code, out) == (0, "at exit\n")
    assert "not waited for" not in err


@pytest.mark.parametrize("target", ["left:App", "left:asgi"])
def test_a_callback_that_swallows_its_cancellation_does_not_keep_the_process(
    folder, command, target
):
    if target == "left:asgi":
        pytest.importorskip("uvicorn")
    (folder / "left.py").write_text(LEFT)
    process = command("run", target, "--port", "0", "--drain-timeout", "1")
    port = next(
        found[1]
        for line in process.stderr
        if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line))
    )
    with connect(f"ws://127.0.0.1:{port}/") as client:
        client.send("callback")
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=_BOUND)
    assert (process.returncode, out) == (0, "at exit\n")
    assert "App.handle_in did not end when it was cancelled" in err
    assert "(App.handle_in)" in err


THREAD = """
import threading, time
threading.Thread(target=time.sleep, args=(30,)).start()
"""


def test_a_thread_does_not_keep_a_process_that_cannot_start(folder, command):
    (folder / "begun.py").write_text(THREAD)
    process = command("run", "begun:app")
    _, err = process.communicate(timeout=_BOUND)
    assert err == "sock: 'begun' has no 'app'. It has no applications.\n"
    assert process.returncode == 2
