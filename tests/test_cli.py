"""The command line: one line for what is wrong, exit codes, variables, and a server that runs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import websockets
from click.testing import CliRunner

import sock
from sock import cli

CHAT = """
import functools

import sock

class Chat(sock.TextSock):
    def handle_in(self, message):
        return message

class Room:
    pass

def app(request):
    if request.path == "/ws":
        return Chat(request)
    return sock.Response(200, "the page")

def make_app():
    return app

def make_nothing():
    return 7

def make_error():
    raise RuntimeError("no database")

def two(one, other):
    pass

def slug(text):
    return text

made = functools.partial(Chat)

LIMIT = 7
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with applications, in which the command runs."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "chat.py").write_text(CHAT)
    (tmp_path / "examples" / "needs.py").write_text("import no_such_thing_at_all\n")
    (tmp_path / "examples" / "wrong.py").write_text("def app(:\n")
    (tmp_path / "examples" / "raises.py").write_text("raise RuntimeError('no database')\n")
    (tmp_path / "examples" / "empty.py").write_text("")
    (tmp_path / "alone.py").write_text(CHAT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    ours = _take_modules()
    yield tmp_path
    _take_modules()
    sys.modules.update(ours)


def _take_modules():
    """Take the modules out whose names the folder has too."""
    names = [
        name for name in sys.modules if name.partition(".")[0] in {"examples", "alone", "chat"}
    ]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture
def invoke(folder):
    """Run the command in this process."""
    return lambda *arguments, **options: CliRunner().invoke(cli.main, [*arguments], **options)


@pytest.fixture
def served(monkeypatch):
    """Take what the server is told, in place of serving."""
    calls = []
    monkeypatch.setattr("sock.server.run", lambda app, **arguments: calls.append((app, arguments)))
    return calls


# What is not there.


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("examples.chta:app", "no module named 'examples.chta'. Did you mean 'examples.chat'?"),
        ("exmples.chat:app", "no module named 'exmples.chat'. Did you mean 'examples.chat'?"),
        ("alnoe:app", "no module named 'alnoe'. Did you mean 'alone'?"),
        ("qqqqqq:app", "no module named 'qqqqqq'."),
        ("alone.inner:app", "no module named 'alone.inner'."),
        ("examples.chat:chat", "'examples.chat' has no 'chat'. Did you mean 'examples.chat:Chat'?"),
        (
            "examples.chat:mkae_app",
            "'examples.chat' has no 'mkae_app'. Did you mean 'examples.chat:make_app'?",
        ),
        (
            "examples.chat:server",
            "'examples.chat' has no 'server'. It has these applications: app, made, Chat.",
        ),
        (
            "examples.chat:app.x",
            "'examples.chat' has no 'app.x'. It has these applications: app, made, Chat.",
        ),
        ("examples.empty:app", "'examples.empty' has no 'app'. It has no applications."),
        (
            "examples.chat",
            (
                "'examples.chat' does not say which application. "
                "It has these applications: app, made, Chat."
            ),
        ),
        ("examples/chat.py:app", "'examples/chat.py' is a file. Did you mean 'examples.chat:app'?"),
        ("examples..chat:app", "'examples..chat' is no name of a module. Say MODULE:APP."),
        (":app", "'' is no name of a module. Say MODULE:APP."),
        (
            "examples.chat:LIMIT",
            (
                "'examples.chat:LIMIT' is no application: "
                "it is of type int and cannot be called with a request."
            ),
        ),
        (
            "examples.chat:Room",
            "'examples.chat:Room' is no application: it is a class, but no Sock.",
        ),
        (
            "examples.chat:two",
            "'examples.chat:two' is no application: it does not take one request and nothing else.",
        ),
        (
            "examples.chat:make_app",
            (
                "'examples.chat:make_app' is no application: it takes no request. "
                "With --factory it is called to make the application."
            ),
        ),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_2(invoke, served, target, line):
    result = invoke("run", target)
    assert result.output == f"sock: {line}\n"
    assert result.exit_code == 2
    assert served == []


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("examples.chat:LIMIT", "'examples.chat:LIMIT' is no factory: it cannot be called."),
        (
            "examples.chat:app",
            "'examples.chat:app' is no factory: it cannot be called without arguments.",
        ),
        (
            "examples.chat:make_nothing",
            (
                "'examples.chat:make_nothing' is no application: "
                "it is of type int and cannot be called with a request."
            ),
        ),
    ],
)
def test_a_factory_that_is_none_is_one_line_and_exit_code_2(invoke, served, target, line):
    result = invoke("run", target, "--factory")
    assert result.output == f"sock: {line}\n"
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("target", "error", "line"),
    [
        (
            "examples.needs:app",
            "ModuleNotFoundError: No module named 'no_such_thing_at_all'",
            "'examples.needs' cannot be imported.",
        ),
        ("examples.wrong:app", "SyntaxError: ", "'examples.wrong' cannot be imported."),
        (
            "examples.raises:app",
            "RuntimeError: no database",
            "'examples.raises' cannot be imported.",
        ),
        (
            "examples.chat:make_error",
            "RuntimeError: no database",
            "'examples.chat:make_error' cannot make the application.",
        ),
    ],
)
def test_an_error_in_the_users_code_is_shown_with_its_traceback_alone(invoke, target, error, line):
    result = invoke("run", target, *(["--factory"] if "make" in target else []))
    lines = result.output.splitlines()
    assert lines[-1] == f"sock: {line}"
    assert lines[-2].startswith(error)
    assert "examples" in result.output
    assert "cli.py" not in result.output
    assert "importlib" not in result.output
    assert result.exit_code == 1


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
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sock.server.run", deny)
    result = invoke("run", "examples.chat:app", "--port", "80")
    assert (
        result.output
        == "sock: port 80 of 127.0.0.1 is not allowed to this user. Try one above 1023.\n"
    )
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
        "options": sock.Options(drain_timeout=30.0),
        "loop": "auto",
        "log_level": "info",
        "log_format": "text",
        "access_log": False,
        "log_query": False,
        "debug": False,
    }


OPTIONS = {
    "host": ("--host", "0.0.0.0", "0.0.0.0"),
    "port": ("--port", "0", 0),
    "options": ("--drain-timeout", "2.5", sock.Options(drain_timeout=2.5)),
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


def test_a_factory_makes_the_application(invoke, served):
    assert invoke("run", "examples.chat:make_app", "--factory").exit_code == 0
    assert invoke("run", "examples.chat:make_app", env={"SOCK_FACTORY": "true"}).exit_code == 0
    assert [app.__name__ for app, _ in served] == ["app", "app"]


def test_modules_are_looked_for_in_the_folder_that_is_named(invoke, served):
    assert invoke("run", "chat:Chat", "--app-dir", "examples").exit_code == 0
    [(app, _)] = served
    assert app.__name__ == "Chat"


def test_the_near_names_come_from_the_folder_that_is_named(invoke, served):
    result = invoke("run", "chta:Chat", env={"SOCK_APP_DIR": "examples"})
    assert result.output == "sock: no module named 'chta'. Did you mean 'chat'?\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "65536"],
        ["--loop", "trio"],
        ["--drain-timeout", "0"],
        ["--log-format", "xml"],
        ["--app-dir", "nowhere"],
        ["--prot", "1"],
    ],
)
def test_a_wrong_option_is_exit_code_2(invoke, served, arguments):
    assert invoke("run", "examples.chat:app", *arguments).exit_code == 2
    assert served == []


def test_help_teaches_with_examples_and_names_every_variable(invoke):
    shown = invoke("run", "--help").output
    assert "sock run chat:app " in shown
    assert "sock run chat:make_app --factory" in shown
    joined = re.sub(r"\s+", " ", shown)
    for option in (
        "host",
        "port",
        "factory",
        "app-dir",
        "drain-timeout",
        "loop",
        "log-level",
        "log-format",
        "access-log",
        "debug",
    ):
        assert f"--{option}" in shown
        assert f"SOCK_{option.replace('-', '_').upper()}" in joined


def version():
    return f"sock {sock.__version__}, {sock.native.describe()}\n"


def test_the_version_is_the_distributions_and_says_whether_it_is_compiled(invoke):
    assert invoke("--version").output == version()


# The real thing.


@pytest.fixture
def command(folder):
    """Start the command as a process; end it with the test."""
    started = []

    def command(*arguments, **variables):
        process = subprocess.Popen(
            [sys.executable, "-m", "sock", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )
        started.append(process)
        return process

    yield command
    for process in started:
        process.kill()
        process.communicate()


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
    assert told["url"].startswith("http://127.0.0.1:")
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


def test_python_dash_m_sock_is_sock(command):
    out, _ = command("--version").communicate(timeout=10)
    assert out == version()


# Whose application it is.


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--root-path", "/chat"),
        ("--forwarded-allow-ips", "*"),
        ("--uds", "here"),
        ("--reload-dir", "."),
    ],
)
def test_an_option_of_uvicorns_is_refused_by_name_for_an_application_of_ours(
    invoke, served, option, value
):
    result = invoke("run", "examples.chat:app", option, value)
    assert result.output == (
        f"sock: {option} is for ASGI applications only, which uvicorn runs;"
        " 'examples.chat:app' is none. sock.asgi(app) makes it one.\n"
    )
    assert result.exit_code == 2
    assert served == []


OURS = """
import functools
import sock

class Open(sock.Sock):
    def __init__(self, *args):
        pass

made = functools.partial(Open)

def more(request, database=None, cache=None):
    return Open(request)

def rest(request, *more):
    return Open(request)
"""


@pytest.mark.parametrize("name", ["Open", "made", "more", "rest"])
def test_an_application_of_ours_that_could_take_three_arguments_is_still_ours(
    folder, invoke, served, name
):
    (folder / "examples" / "ours.py").write_text(OURS)
    assert invoke("run", f"examples.ours:{name}").exit_code == 0
    assert len(served) == 1


def test_help_says_what_is_for_asgi_applications_only(invoke):
    shown = re.sub(r"\s+", " ", invoke("run", "--help").output)
    for option in ("workers", "reload", "certificate", "root-path", "forwarded-allow-ips", "uds"):
        described = shown.split(f" --{option} ")[1].split("[env var")[0]
        assert "ASGI applications only." in described
    assert "The key of --certificate, which it needs" in shown
