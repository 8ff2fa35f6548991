"""What the kernel may answer to the core's system calls: a library stands before them."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("failing_kernel.c")

SCRIPT = """
import asyncio, ctypes, os, socket
from sock import Options, Ping, Request, Sock
from sock.live import Link
from sock.loop import Reactor, adopt
from sock.wire.parser import Parser
from sock.wire.writer import Writer

kernel = ctypes.CDLL(None)

def fail(name, error, times=1):
    kernel.fail(ctypes.c_char_p(names[name]), error, times)

names = {name: name.encode() for name in ("send", "sendmsg", "recv", "accept4")}

class Echo(Sock):
    def __init__(self):
        self.reasons = []
    def handle_in(self, message):
        return message
    def terminate(self, reason):
        self.reasons.append(reason)

async def scenario(act):
    ours, theirs = socket.socketpair()
    for one in (ours, theirs):
        one.setblocking(False)
    over = asyncio.Event()
    handler, made = Echo(), []
    def connect(pipe):
        link = Link(reactor, pipe, Request(), handler, Options(), on_over=lambda _: over.set())
        made.append(link)
        return link
    loop = asyncio.get_running_loop()
    reactor = Reactor.of(loop)
    adopt(reactor, ours, connect)
    made[0].begin(b"")
    # The peer reads and writes with other system calls: a socket's fail for the core alone.
    def say(*messages):
        out = bytearray()
        for message in messages:
            Writer(mask=lambda: b"mask").push(out, message)
        assert os.write(theirs.fileno(), out) == len(out)
    heard, readable = [], asyncio.Event()
    parser = Parser(max_message_size=None, max_fragments=None, masked=False)
    take = lambda event: heard.append(event) or True
    loop.add_reader(theirs.fileno(), readable.set)
    async def hear():
        while not heard:
            await readable.wait()
            readable.clear()
            parser.feed(os.read(theirs.fileno(), 1 << 20), take)
        return heard.pop(0)
    await asyncio.wait_for(act(made[0], say, hear, over), 10)
    loop.remove_reader(theirs.fileno())
    theirs.close()
    await asyncio.wait_for(over.wait(), 10)
    (reason,) = handler.reasons
    print(reason.code)
"""


@pytest.fixture(scope="session")
def preload(tmp_path_factory):
    if shutil.which("gcc") is None:
        assert not os.environ.get("SOCK_REQUIRE"), "no gcc on the PATH"
        pytest.skip("no gcc on the PATH (apt-get install gcc libc6-dev)")
    library = tmp_path_factory.mktemp("kernel") / "failing_kernel.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)

    def run(act):
        # A sanitizer's runtime, if there is one, comes first.
        preload = f"{os.environ.get('LD_PRELOAD', '')} {library}"
        done = subprocess.run(
            [sys.executable, "-c", f"{SCRIPT}\n{act}\nasyncio.run(scenario(act))"],
            env={**os.environ, "LD_PRELOAD": preload, "SOCK_EXTENSION": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.parametrize("error", [errno.ENOBUFS, errno.ENOMEM])
@pytest.mark.parametrize(("call", "size"), [("send", 5), ("sendmsg", 20_000)])
def test_a_kernel_without_memory_is_asked_again_later(preload, call, size, error):
    told = preload(f"""
async def act(link, say, hear, over):
    fail({call!r}, {error}, 1)
    say("x" * {size}, "next")
    assert await hear() == "x" * {size}
    assert await hear() == "next"
""")
    assert told == "1006"


@pytest.mark.parametrize(("call", "size"), [("send", 5), ("sendmsg", 20_000)])
def test_a_kernel_that_can_take_nothing_now_is_asked_when_it_can(preload, call, size):
    told = preload(f"""
async def act(link, say, hear, over):
    fail({call!r}, {errno.EAGAIN}, 1)
    say("x" * {size}, "next")
    assert await hear() == "x" * {size}
    assert await hear() == "next"
""")
    assert told == "1006"


@pytest.mark.parametrize("call", ["send", "recv"])
def test_a_connection_that_the_kernel_has_lost_is_over(preload, call):
    told = preload(f"""
async def act(link, say, hear, over):
    fail({call!r}, {errno.ECONNRESET}, 1)
    say("x")
    await over.wait()
""")
    assert told == "1006"


def test_a_read_that_was_interrupted_is_done_again(preload):
    told = preload(f"""
async def act(link, say, hear, over):
    fail("recv", {errno.EINTR}, 3)
    say("x")
    assert await hear() == "x"
""")
    assert told == "1006"
