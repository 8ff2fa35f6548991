"""The command itself: what it tells the server, exit codes, and a server that runs."""

from __future__ import annotations

import errno
import json
import re
import signal
import socket

import pytest
import websockets

import sock
from sock.server.binding import CannotListen

# What cannot be listened on.


def test_a_port_in_use_is_one_line_and_exit_code_1(invoke):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("run", "examples.chat:app", "--port", str(port))
    assert (
        result.output == f"sock: port {port} of 127.0.0.1 is in use. --port 0 picks a free one.\n"
    )
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("203.0.113.1", "203.0.113.1 is not an address of this machine."),
        ("no-such-host.invalid", "no host named 'no-such-host.invalid': "),
    ],
)
def test_a_host_that_cannot_be_bound_is_one_line_and_exit_code_1(invoke, host, line):
    result = invoke("run", "examples.chat:app", "--host", host)
    assert result.output.startswith(f"sock: {line}")
    assert result.output.count("\n") == 1
    assert result.exit_code == 1


def test_a_port_that_is_not_allowed_is_one_line_and_exit_code_1(invoke, monkeypatch):
    def deny(app, **arguments):
        raise CannotListen(errno.EACCES, "port 80 of 127.0.0.1 may not be used. Try 1024")

    monkeypatch.setattr("sock.server.run", deny)
    result = invoke("run", "examples.chat:app", "--port", "80")
    assert result.output == "sock: port 80 of 127.0.0.1 may not be used. Try 1024.\n"
    assert result.exit_code == 1


def test_another_error_of_the_system_is_not_hidden(invoke, monkeypatch):
    def fail(app, **arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("sock.server.run", fail)
    assert isinstance(invoke("run", "examples.chat:app").exception, OSError)


def test_uvloop_that_is_missing_is_one_line_with_its_extra(invoke, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = invoke("run", "examples.chat:app", "--loop", "uvloop")
    assert (
        result.output
        == "sock: uvloop is not installed: pip install 'sockpy[uvloop]', or --loop asyncio\n"
    )
    assert result.exit_code == 1


# What is said to the server.


def test_the_defaults(invoke, served):
    assert invoke("run", "examples.chat:app").exit_code == 0
    [(app, told)] = served
    assert app.__name__ == "app"
    assert told == {
        "host": "127.0.0.1",
        "port": 8000,
        "options": sock.Options(),
        "health": None,
        "tls": None,
        "loop": "auto",
        "log_level": "info",
        "log_format": "text",
        "access_log": False,
        "log_query": False,
        "debug": False,
        "proxy_protocol": False,
        "root_path": "",
    }


OPTIONS = {
    "host": ("--host", "0.0.0.0", "0.0.0.0"),
    "port": ("--port", "0", 0),
    "options": ("--drain-timeout", "2.5", sock.Options(drain_timeout=2.5)),
    "health": ("--health", "/healthz", "/healthz"),
    "loop": ("--loop", "asyncio", "asyncio"),
    "log_level": ("--log-level", "debug", "debug"),
    "log_format": ("--log-format", "json", "json"),
    "access_log": ("--access-log", None, True),
    "log_query": ("--log-query", None, True),
    "debug": ("--debug", None, True),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_is_told_to_the_server(invoke, served, name):
    option, value, wanted = OPTIONS[name]
    invoke("run", "examples.chat:app", option, *([] if value is None else [value]))
    [(_, told)] = served
    assert told[name] == wanted


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_is_a_variable_too(invoke, served, name):
    option, value, wanted = OPTIONS[name]
    variable = "SOCK_" + option[2:].replace("-", "_").upper()
    invoke("run", "examples.chat:app", env={variable: value or "1"})
    [(_, told)] = served
    assert told[name] == wanted


# The real thing.


def first_line(process) -> str:
    line = process.stderr.readline()
    assert "http://" in line, line
    return line


def port_of(line) -> int:
    return int(re.search(r"http://127\.0\.0\.1:(\d+)", line)[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_with_0(command, run_async, number):
    process = command("run", "examples.chat:app", "--port", "0")
    port = port_of(first_line(process))

    async def act():
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws") as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            process.send_signal(number)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
    assert "Aborted" not in err


@pytest.mark.parametrize("level", ["debug", "critical"])
def test_the_line_appears_whatever_the_log_level(command, level):
    first_line(command("run", "examples.chat:app", "--port", "0", "--log-level", level))


def test_variables_reach_the_process_and_json_is_json(command):
    process = command(
        "run", "examples.chat:app", SOCK_PORT="0", SOCK_LOG_FORMAT="json", SOCK_ACCESS_LOG="1"
    )
    told = json.loads(first_line(process))
    assert told["event"] == "server.started"
    [url] = told["urls"]
    assert url.startswith("http://127.0.0.1:")
    with socket.create_connection(("127.0.0.1", port_of(told["message"]))) as client:
        client.sendall(b"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").read().endswith(b"the page")
    answered = json.loads(process.stderr.readline())
    assert (answered["event"], answered["target"], answered["status"]) == (
        "request.answered",
        "/page",
        200,
    )


def test_a_port_in_use_ends_the_process_with_1(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = command("run", "examples.chat:app", "--port", str(taken.getsockname()[1]))
        out, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1


# Whose application it is.


def test_a_path_of_health_that_is_none_is_one_line(invoke, served):
    result = invoke("run", "examples.chat:app", "--health", "healthz")
    assert result.output == (
        "sock: --health healthz: a path begins with '/'. Did you mean '/healthz'?\n"
    )
    assert (result.exit_code, served) == (2, [])


def test_health_is_answered_whatever_the_application_is(command):
    process = command("run", "examples.chat:Chat", "--port", "0", "--health", "/healthz")
    port = port_of(first_line(process))
    for path, line in (("/healthz", b"HTTP/1.1 200 "), ("/other", b"HTTP/1.1 426 ")):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path.encode()
            )
            answer = client.makefile("rb").read()
        assert answer.startswith(line)
        assert answer.endswith(b"\r\n\r\nok") is (path == "/healthz")


ASGI = """
import sock
app = sock.asgi(sock.Sock)
STRICT = sock.Options(max_mailbox=5)
"""


@pytest.mark.parametrize(
    ("arguments", "variables", "name", "remedy"),
    [
        (
            ["--origin", "https://a.example"],
            {},
            "--origin",
            ", such as upgrade(…, Options(origins=…))",
        ),
        (
            ["--idle-timeout", "100"],
            {},
            "--idle-timeout",
            ", such as upgrade(…, Options(idle_timeout=…))",
        ),
        (["--max-connections", "100"], {}, "--max-connections", ""),
        (
            [],
            {"SOCK_MAX_MAILBOX": "100"},
            "SOCK_MAX_MAILBOX",
            ", such as upgrade(…, Options(max_mailbox=…))",
        ),
        (
            ["--options", "asgi:STRICT"],
            {},
            "max_mailbox, in --options,",
            ", such as upgrade(…, Options(max_mailbox=…))",
        ),
    ],
)
def test_a_limit_is_refused_by_name_for_an_asgi_application(
    folder, invoke, arguments, variables, name, remedy
):
    (folder / "asgi.py").write_text(ASGI)
    result = invoke("run", "asgi:app", *arguments, env=variables)
    assert result.output == (
        f"sock: {name} is for applications that Sock's own server runs; 'asgi:app' is run by"
        " uvicorn, and its Socks take their Options from sock.asgi, from upgrade and from their"
        f" class{remedy}.\n"
    )
    assert result.exit_code == 2
