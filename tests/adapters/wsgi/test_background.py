"""The event loop of a process: begun when it is needed, and ended behind a drain."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets import ConnectionClosed

from sock import HandshakeError, TextSock
from sock.adapters.wsgi import call, wsgi

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).parents[3]


def test_there_is_one_loop_and_it_runs_in_a_thread_of_its_own(background):
    async def where():
        return asyncio.get_running_loop(), threading.current_thread()

    first, second = call(where()), call(where())
    assert first == second
    assert first[1] is not threading.current_thread()
    assert background.of_process().loop is first[0]


def test_what_a_coroutine_raises_is_raised_in_the_thread_that_waits(background):
    async def fails():
        raise LookupError("of the coroutine")

    with pytest.raises(LookupError, match="of the coroutine"):
        call(fails())


def test_a_coroutine_runs_in_the_context_of_the_caller(background):
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("set")

    async def seen():
        return variable.get()

    assert call(seen()) == "set"


def test_the_loop_cannot_wait_for_itself(background):
    async def nothing():
        pass

    async def waits():
        call(nothing())

    with pytest.raises(RuntimeError, match="was called in it: await the coroutine"):
        call(waits())


def test_a_loop_that_cannot_begin_is_an_error_of_that_request_alone(background, monkeypatch):
    def no_descriptors():
        raise OSError("too many open files")

    async def nothing():
        return "begun"

    with monkeypatch.context() as broken:
        broken.setattr("sock.adapters.wsgi.background._loop_factory", lambda: no_descriptors)
        with pytest.raises(OSError, match="too many open files"):
            background.of_process()
    assert call(nothing()) == "begun"


def test_a_lifespan_is_entered_once_and_left_at_the_end_in_the_same_task(background):
    steps = []

    @asynccontextmanager
    async def lifespan():
        steps.append(asyncio.current_task())
        yield {"found": "it"}
        steps.append(asyncio.current_task())

    here = background.of_process()
    assert [here.call(lambda: here.enter(lifespan)) for _ in range(2)] == [{"found": "it"}] * 2
    here.end()
    assert len(steps) == 2
    assert steps[0] is steps[1]
    with pytest.raises(HandshakeError, match="stopping"):
        background.of_process()


def test_a_lifespan_that_fails_is_entered_again_the_next_time(background):
    answers = [LookupError("not yet"), None]

    @asynccontextmanager
    async def lifespan():
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        yield {}

    here = background.of_process()
    with pytest.raises(LookupError, match="not yet"):
        here.call(lambda: here.enter(lifespan))
    assert here.call(lambda: here.enter(lifespan)) == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_has_a_loop_of_its_own_and_a_drain_may_use_threads():
    program = """
import asyncio, os, sys
from contextlib import asynccontextmanager
from sock.adapters.wsgi.background import Background

@asynccontextmanager
async def lifespan():
    yield {}
    print("left", await asyncio.to_thread(os.getpid) == os.getpid(), flush=True)

async def nothing():
    pass

parent = Background.of_process()
parent.call(lambda: parent.enter(lifespan))
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
else:
    here = Background.of_process()
    assert here is not parent
    here.call(nothing)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "left True\n", "")


class Leaves(TextSock):
    """Answers, and raises what ends programs."""

    def handle_in(self, text):
        return self.later() if text == "later" else self.now(text)

    async def later(self):
        await asyncio.sleep(0)
        raise SystemExit(3)

    def now(self, text):
        if text == "now":
            raise KeyboardInterrupt
        return text


def test_a_callback_that_wants_to_end_the_program_ends_its_own_connection_only(werkzeug, connect):
    with werkzeug(wsgi(Leaves)) as port:
        stays = connect(f"ws://127.0.0.1:{port}/")
        for word in ("now", "later"):
            leaves = connect(f"ws://127.0.0.1:{port}/")
            leaves.send(word)
            with pytest.raises(ConnectionClosed) as ended:
                leaves.recv(timeout=20)
            assert ended.value.rcvd.code == 1011
            stays.send(word.upper())
            assert stays.recv(timeout=20) == word.upper()
