"""Factories and lifespans: the user's code, whose failures are shown as his."""

from __future__ import annotations

import re
import signal

import pytest
from websockets import ConnectionClosed
from websockets.sync.client import connect


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("examples.chat:LIMIT", "'examples.chat:LIMIT' is not a factory: it cannot be called."),
        (
            "examples.chat:app",
            "'examples.chat:app' is not a factory: it cannot be called without arguments.",
        ),
        (
            "examples.chat:make_nothing",
            (
                "'examples.chat:make_nothing' is not an application: "
                "it is of type int and cannot be called with a request."
            ),
        ),
    ],
)
def test_a_factory_that_is_none_is_one_line_and_exit_code_2(invoke, served, target, line):
    result = invoke("run", target, "--factory")
    assert result.output == f"sock: {line}\n"
    assert result.exit_code == 2


def test_a_factory_makes_the_application(invoke, served):
    assert invoke("run", "examples.chat:make_app", "--factory").exit_code == 0
    assert invoke("run", "examples.chat:make_app", env={"SOCK_FACTORY": "true"}).exit_code == 0
    assert [app.__name__ for app, _ in served] == ["app", "app"]


# Asynchronous factories, and lifespans.

MADE = """
import asyncio, sys
from contextlib import asynccontextmanager
import sock

class Echo(sock.Sock):
    def __init__(self, request):
        self.word = request.state.get("word", "none")
    def init(self, ref):
        return self.word
    def terminate(self, reason):
        print("terminated", flush=True)

async def coroutine():
    await asyncio.sleep(0)
    return Echo

@asynccontextmanager
async def entered():
    print("enters", flush=True)
    yield Echo
    print("leaves", flush=True)

async def both():
    return entered()

@asynccontextmanager
async def living():
    print("lives", flush=True)
    yield {"word": "a pool"}
    print("dies", flush=True)

@asynccontextmanager
async def everything():
    async with entered() as app:
        yield sock.Application(app, lifespan=living)

lively = sock.Application(Echo, lifespan=living)

# What is wrong with these.

async def fails():
    raise RuntimeError("no database")

@asynccontextmanager
async def fails_entering():
    raise ConnectionRefusedError(111, "no database")
    yield

@asynccontextmanager
async def fails_leaving():
    yield Echo
    raise RuntimeError("no goodbye")

async def seven():
    return 7

async def asgi():
    return sock.asgi(Echo)

async def undecorated():
    yield Echo

@asynccontextmanager
async def fails_late():
    yield None
    raise RuntimeError("no goodbye")

bad_lifespan = sock.Application(Echo, lifespan=fails_entering)
late_lifespan = sock.Application(Echo, lifespan=fails_late)
no_mapping = sock.Application(Echo, lifespan=entered)

def bad_options(request):
    return Echo(request)
bad_options.options = {"max_mailbox": 3}
"""


@pytest.fixture
def made(folder):
    (folder / "made.py").write_text(MADE)


def served_until_stopped(process):
    """Connect, take the first word, stop the server; return what was said on both sides."""
    port = re.search(r"http://127\.0\.0\.1:(\d+)", process.stderr.readline())[1]
    with connect(f"ws://127.0.0.1:{port}/") as client:
        word = client.recv()
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            client.recv()
    out, err = process.communicate(timeout=10)
    return word, out.split(), err


@pytest.mark.parametrize(
    ("target", "word", "out"),
    [
        ("made:coroutine", "none", ["terminated"]),
        ("made:entered", "none", ["enters", "terminated", "leaves"]),
        ("made:both", "none", ["enters", "terminated", "leaves"]),
        ("made:everything", "a pool", ["enters", "lives", "terminated", "dies", "leaves"]),
        ("made:lively", "a pool", ["lives", "terminated", "dies"]),
    ],
)
@pytest.mark.usefixtures("made")
def test_what_is_made_asynchronously_is_entered_before_and_left_after(command, target, word, out):
    factory = [] if target == "made:lively" else ["--factory"]
    process = command("run", target, "--port", "0", *factory)
    said = served_until_stopped(process)
    assert said[:2] == (word, out)
    assert process.returncode == 0
    assert "Traceback" not in said[2]


@pytest.mark.parametrize(
    ("target", "error", "line"),
    [
        ("made:fails", "RuntimeError: no database", "'made:fails' cannot make the application."),
        (
            "made:fails_entering",
            "ConnectionRefusedError: [Errno 111] no database",
            "'made:fails_entering' cannot make the application.",
        ),
        (
            "made:bad_lifespan",
            "ConnectionRefusedError: [Errno 111] no database",
            "the lifespan of 'made:bad_lifespan' has raised: nothing was started.",
        ),
        (
            "made:no_mapping",
            "TypeError: a lifespan yields None, or a mapping",
            "the lifespan of 'made:no_mapping' has raised: nothing was started.",
        ),
    ],
)
@pytest.mark.usefixtures("made")
def test_what_raises_at_the_start_is_shown_alone_and_ends_with_1(command, target, error, line):
    """[S19.4]"""
    factory = ["--factory"] if "fails" in target else []
    process = command("run", target, "--port", "0", *factory)
    _, err = process.communicate(timeout=10)
    lines = err.splitlines()
    assert lines[-1] == f"sock: {line}"
    assert lines[-2].startswith(error)
    assert err.count("Traceback") == (0 if "no_mapping" in target else 1)
    assert "/sock/" not in err
    assert "listening" not in err
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("made:fails_leaving", "'made:fails_leaving' has raised after the drain."),
        ("made:late_lifespan", "the lifespan of 'made:late_lifespan' has raised after the drain."),
    ],
)
@pytest.mark.usefixtures("made")
def test_what_raises_at_the_end_is_shown_and_ends_with_1(command, target, line):
    factory = ["--factory"] if "fails" in target else []
    process = command("run", target, "--port", "0", *factory)
    _, out, err = served_until_stopped(process)
    assert out == ["terminated"]
    assert err.splitlines()[-1] == f"sock: {line}"
    assert err.count("RuntimeError: no goodbye") == 1
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (
            "made:seven",
            (
                "'made:seven' is not an application: it is of type int and cannot be called with a"
                " request."
            ),
        ),
        (
            "made:asgi",
            (
                "'made:asgi' makes an ASGI application asynchronously, which uvicorn cannot call:"
                " make it in a plain function, and open what it needs in its lifespan."
            ),
        ),
        (
            "made:undecorated",
            (
                "'made:undecorated' is an async generator: it lacks the decorator"
                " contextlib.asynccontextmanager."
            ),
        ),
    ],
)
@pytest.mark.usefixtures("made")
def test_what_is_made_and_cannot_be_served_is_one_line(invoke, target, line):
    result = invoke("run", target, "--factory", "--port", "0")
    assert result.output == f"sock: {line}\n"
    assert result.exit_code == 2


@pytest.mark.usefixtures("made")
def test_options_of_an_application_that_are_none_are_one_line(invoke, served):
    result = invoke("run", "made:bad_options")
    assert result.output == (
        "sock: 'made:bad_options' cannot be served: options are an Options, not 'dict'.\n"
    )
    assert (result.exit_code, served) == (2, [])
