"""A process of its own: what it says when it starts, and how signals end it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys

import pytest
import websockets

import sock

PROGRAM = """
import asyncio, sys, time
import sock

class App(sock.Sock):
    async def handle_in(self, message):
        if message == "block":
            self.blocked = True
            print("blocking", flush=True)
            time.sleep(60)
        if message == "wait":
            print("waiting", flush=True)
            await asyncio.sleep(60)
        return message

    def terminate(self, reason):
        print("terminated", type(reason).__name__, flush=True)

sock.run(App, port=0, {arguments})
print("returned", flush=True)
"""


@pytest.fixture
def program(tmp_path):
    """Start a program that runs a server; end it with the test."""
    started = []

    def program(arguments=""):
        path = tmp_path / "program.py"
        path.write_text(PROGRAM.format(arguments=arguments))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield program
    for process in started:
        process.kill()
        process.communicate()


def listening(process) -> str:
    """Wait for the line that says so; return host and port."""
    for line in process.stderr:
        if found := re.search(r"http://(\S+:\d+)", line):
            return found[1]
    raise AssertionError("it ended without listening")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "auto"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("reactor_kind")
def test_a_signal_drains_and_run_returns(program, run_async, number, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    process = program(f"loop={loop!r}")
    address = listening(process)

    async def act():
        async with websockets.connect(f"ws://{address}/") as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            process.send_signal(number)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())
    out, err = process.communicate(timeout=10)
    assert out.split() == ["terminated", "Shutdown", "returned"]
    assert process.returncode == 0
    assert [line.split()[2] for line in err.splitlines()] == ["stopping,", "stopped"]


def test_connections_are_accepted_when_the_line_appears(program):
    host, port = listening(program()).split(":")
    socket.create_connection((host, int(port))).close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(program, run_async, number):
    process = program()
    address = listening(process)

    async def act():
        async with websockets.connect(f"ws://{address}/") as client:
            await client.send("wait")
            assert process.stdout.readline() == "waiting\n"
            process.send_signal(number)
            assert "stopping" in process.stderr.readline()
            process.send_signal(number)
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()

    run_async(act())
    assert process.wait(10) == -number


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_second_signal_ends_it_even_while_a_callback_blocks_the_loop(program, run_async, loop):
    process = program(f"loop={loop!r}")
    address = listening(process)

    async def act():
        async with websockets.connect(f"ws://{address}/") as client:
            await client.send("block")
            assert process.stdout.readline() == "blocking\n"
            while process.poll() is None:
                process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.01)

    run_async(act())
    assert process.returncode == -signal.SIGTERM


def test_the_bound_of_the_drain_cuts_what_does_not_end(program, run_async):
    process = program("options=sock.Options(drain_timeout=0.5)")
    address = listening(process)

    async def act():
        async with websockets.connect(f"ws://{address}/") as client:
            await client.send("wait")
            assert process.stdout.readline() == "waiting\n"
            process.send_signal(signal.SIGTERM)
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()

    run_async(act())
    out, _ = process.communicate(timeout=10)
    assert out.split() == ["terminated", "Shutdown", "returned"]
    assert process.returncode == 0


@pytest.mark.parametrize(
    "arguments", [{"log_level": "loud"}, {"log_format": "xml"}, {"loop": "trio"}]
)
def test_a_word_that_is_not_known_is_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        sock.run(sock.Sock, port=0, **arguments)


def test_uvloop_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(ImportError, match=r"sockpy\[uvloop\]"):
        sock.run(sock.Sock, port=0, loop="uvloop")


def test_a_port_that_is_taken_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        sock.run(sock.Sock, port=taken.getsockname()[1])


# What is left when the server has stopped.

LEFT = """
import asyncio, threading, time
import sock

async def loops():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def generated():
    try:
        yield 1
        yield 2
    finally:
        print("generator closed", flush=True)

class App(sock.Sock):
    kept = []

    async def handle_in(self, message):
        loop = asyncio.get_running_loop()
        if message == "executor":
            loop.run_in_executor(None, time.sleep, 20)
        if message == "thread":
            threading.Thread(target=time.sleep, args=(20,), name="own").start()
        if message == "task":
            self.kept.append(loop.create_task(loops()))
        if message == "fails":
            self.kept.append(loop.create_task(self.fails()))
        if message == "generator":
            self.kept.append(generated())
            await anext(self.kept[-1])
        return message

    async def fails(self):
        try:
            await asyncio.sleep(60)
        finally:
            raise RuntimeError("in its last moment")

sock.run(App, port=0, {arguments})
print("returned", flush=True)
"""


@pytest.fixture
def stopped(tmp_path, run_async):
    """Have a program take messages and then a SIGTERM; return how it went, up to `run`'s return."""
    started = []

    def stopped(*messages, loop="asyncio"):
        path = tmp_path / "left.py"
        path.write_text(LEFT.replace("{arguments}", f"loop={loop!r}"))
        process = subprocess.Popen(
            [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        address = listening(process)

        async def act():
            async with websockets.connect(f"ws://{address}/") as client:
                for message in messages:
                    await client.send(message)
                    await client.recv()
                process.send_signal(signal.SIGTERM)
                with pytest.raises(websockets.ConnectionClosed):
                    await client.recv()

        run_async(act())
        said = []
        for line in process.stdout:
            said.append(line.strip())
            if line == "returned\n":
                break
        return process, said

    yield stopped
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.timeout(15)
def test_run_returns_and_names_what_does_not_end(stopped, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    process, said = stopped("executor", "thread", "task", loop=loop)
    assert said == ["returned"]
    lines = [process.stderr.readline() for _ in range(3)]
    assert [line.split()[2] for line in lines] == ["stopping,", "stopped", "not"]
    assert "(loops)" in lines[2]
    assert "the thread own" in lines[2]
    assert lines[2].count("the thread ") == 2
    assert lines[2].count("the task ") == 1


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_ends_by_being_cancelled_is_no_news_but_for_what_it_raises(stopped, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    process, said = stopped("generator", "fails", loop=loop)
    assert said == ["generator closed", "returned"]
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "not waited for" not in err
    assert err.count("RuntimeError: in its last moment") == 1


def test_a_loop_that_runs_already_is_told_apart(run_async):
    async def act():
        sock.run(sock.Sock, port=0)

    with pytest.raises(RuntimeError, match="an event loop runs here already"):
        run_async(act())


# The lifespan.

LIFESPAN = """
import asyncio, sys
from contextlib import asynccontextmanager
import sock

class App(sock.Sock):
    def __init__(self, request):
        self.pool = request.state["pool"]
    def handle_in(self, message):
        return self.pool
    def terminate(self, reason):
        print("terminated", flush=True)

@asynccontextmanager
async def lifespan():
    print("enters", flush=True)
    task = asyncio.current_task()
    {enters}
    try:
        yield {"pool": "a pool"}
    finally:
        print("leaves" if asyncio.current_task() is task else "elsewhere", flush=True)

sock.run(sock.Application(App, lifespan=lifespan), port=0)
print("returned", flush=True)
"""


@pytest.fixture
def living(tmp_path):
    """Start a program with a lifespan; end it with the test."""
    started = []

    def living(enters="pass"):
        path = tmp_path / "living.py"
        path.write_text(LIFESPAN.replace("{enters}", enters))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield living
    for process in started:
        process.kill()
        process.communicate()


def test_the_lifespan_is_entered_before_and_left_behind_the_drain(living, run_async):
    """[S19.4] [S19.5] [S19.6]"""
    process = living()
    address = listening(process)

    async def act():
        async with websockets.connect(f"ws://{address}/") as client:
            await client.send("?")
            assert await client.recv() == "a pool"
            process.send_signal(signal.SIGTERM)
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()

    run_async(act())
    out, err = process.communicate(timeout=10)
    assert out.split() == ["enters", "terminated", "leaves", "returned"]
    assert process.returncode == 0
    assert "Traceback" not in err


def test_a_lifespan_that_raises_lets_nothing_start(living):
    """[S19.4]"""
    out, err = living("raise RuntimeError('no database')").communicate(timeout=10)
    assert out == "enters\n"
    assert err.splitlines()[-1] == "RuntimeError: no database"
    assert "listening" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_lifespan_is_being_entered_cancels_that(living, number):
    process = living("await asyncio.sleep(60)")
    assert process.stdout.readline() == "enters\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (out, err) == ("returned\n", "")
    assert process.returncode == 0
