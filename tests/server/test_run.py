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
