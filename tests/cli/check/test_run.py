import json
import os
import signal
import time
from xml.etree import ElementTree as ET

import pytest

import sock
from sock.cli.check.hosts import started
from sock.cli.check.watch import sample

pytestmark = pytest.mark.one_form


@pytest.fixture
def url(folder):
    """A server in a process of its own."""
    with started("sock", "alone:Chat", folder) as (port, process):
        yield f"ws://127.0.0.1:{port}/", process.pid


def test_the_list_has_numbers_sentences_and_paragraphs(invoke):
    result = invoke("check", "--list", "--section", "close", "--only", "S7.5")
    assert result.exit_code == 0
    assert "8.2    MUST   A Close with 1000 is answered.  RFC 6455 §5.5.1, §7.4\n" in result.output
    assert "S7.5" in result.output


def test_a_server_that_holds_ends_with_0(invoke, url):
    result = invoke("check", url[0], "--section", "opening", "--pid", str(url[1]))
    assert result.exit_code == 0, result.output
    assert "28 cases: 28 held, 0 fell" in result.output
    assert "descriptors" in result.output


def test_a_text_only_server_has_its_cases_left_out(invoke, url):
    result = invoke("check", url[0], "--only", "4.9", "--only", "4.2")
    assert result.exit_code == 0
    assert "1 case: no binary message comes back" in result.output


def test_a_must_that_falls_ends_with_1(invoke, folder):
    # A Sock never breaks the protocol by itself, so an application that is never there must do.
    (folder / "alone.py").write_text(
        "import sock\nclass Chat(sock.Sock):\n    def handle_in(self, message):\n"
        "        return message if message == 'echo' else 'other'\n"
    )
    with started("sock", "alone:Chat", folder) as (port, _):
        result = invoke("check", f"ws://127.0.0.1:{port}/", "--only", "4.2")
    assert result.exit_code == 1
    assert "✗ 4.2 A text of 1 byte comes back." in result.output
    assert "seen      the text 'other'" in result.output


MAKES = """
import contextlib
import sock

class Echo(sock.Sock):
    def handle_in(self, message):
        return message

def make():
    return Echo

@contextlib.asynccontextmanager
async def entered():
    yield Echo
"""


@pytest.mark.parametrize(
    ("factory", "host"), [("make", "sock"), ("entered", "sock"), ("make", "uvicorn")]
)
def test_an_application_that_a_factory_makes_is_tried(invoke, folder, factory, host):
    pytest.importorskip(host)
    (folder / "alone.py").write_text(MAKES)
    chosen = ("--only", "4.2", "--only", "handle_in/text")
    result = invoke("check", f"alone:{factory}", "--factory", "--host", host, *chosen)
    assert "2 cases: 2 held" in result.stdout, result.output
    assert result.exit_code == 0


def test_the_results_go_to_files(invoke, url, folder):
    result = invoke("check", url[0], "--only", "4.2", "--json", "a.json", "--junit", "a.xml")
    assert result.exit_code == 0
    assert json.loads((folder / "a.json").read_text())["counts"]["held"] == 1
    assert ET.parse(folder / "a.xml").getroot().tag == "testsuites"  # noqa: S314 - our own


def test_json_on_the_standard_output_is_alone_there(invoke, url):
    result = invoke("check", url[0], "--only", "4.2", "--json", "-")
    assert json.loads(result.stdout)["cases"][0]["verdict"] == "held"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "say what to try"),
        (["http://127.0.0.1:1/"], "not of the form ws://HOST:PORT/PATH"),
        (["ws://192.0.2.1:1/"], "--i-own-this-host"),
        (["ws://127.0.0.1:1/", "--section", "clos"], "Did you mean close?"),
        (["ws://127.0.0.1:1/", "--section", "statements"], "sock check MODULE:APP"),
        (["ws://127.0.0.1:1/", "--pid", "4194305"], "no such process"),
        (["ws://127.0.0.1:1/", "--header", "cookie"], "'NAME: VALUE'"),
        (["alone:Chta"], "Did you mean 'alone:Chat'?"),
        (["alone:Chat", "--path", "ws"], "a path begins with '/'"),
        (["alone:Chat", "--host", "apache"], "--host"),
        (["alone:make_app"], "With --factory it is called"),
        (["alone:app", "--factory"], "it cannot be called without arguments"),
    ],
)
def test_what_is_wrong_in_the_command_ends_with_2(invoke, arguments, text):
    result = invoke("check", *arguments)
    assert result.exit_code == 2
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["ws://127.0.0.1:1/"], "answers no opening handshake"),
        (["alone:app", "--path", "/nowhere", "--only", "4.2"], "Does --path name where"),
        (["examples.raises:app"], "no database"),
        (["alone:make_error", "--factory", "--only", "4.26"], "no database"),
        (["alone:make_nothing", "--factory", "--only", "4.26"], "makes no application"),
    ],
)
def test_what_cannot_be_tried_ends_with_1(invoke, arguments, text):
    result = invoke("check", *arguments)
    assert result.exit_code == 1
    assert text in result.stderr


def test_a_server_over_tls_is_tried(invoke, run_async, tls):
    import asyncio
    import threading

    class Echo(sock.Sock):
        def handle_in(self, message):
            return message

    ports, over = [], threading.Event()

    async def serve():
        websockets = pytest.importorskip("websockets.asyncio.server")

        async def echo(connection):
            async for message in connection:
                await connection.send(message)

        async with websockets.serve(echo, "127.0.0.1", 0, ssl=tls.server) as server:
            ports.append(server.sockets[0].getsockname()[1])
            while not over.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        while not ports:
            time.sleep(0.01)
        url = f"wss://127.0.0.1:{ports[0]}/"
        trusted = invoke("check", url, "--only", "4.2", "--ca", str(tls.path))
        assert trusted.exit_code == 0, trusted.output + trusted.stderr
        assert invoke("check", url, "--only", "4.2", "--insecure").exit_code == 0
        assert "certificate" in invoke("check", url, "--only", "4.2").stderr
    finally:
        over.set()
        thread.join()


def test_ctrl_c_tells_what_was_found(command, url):
    idle = sample(url[1]).descriptors
    process = command("check", url[0])
    deadline = time.monotonic() + 30
    while (seen := sample(url[1]).descriptors) < idle + 2 and time.monotonic() < deadline:
        idle = min(idle, seen)  # connections of the test before may have been open still
        time.sleep(0.05)  # until the cases have their connections
    os.kill(process.pid, signal.SIGINT)
    shown, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped by Ctrl-C" in shown
    assert "0 fell" in shown
    assert "Traceback" not in errors
