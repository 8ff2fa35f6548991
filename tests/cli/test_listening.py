"""Where the command listens: what its options say, and what is said when it cannot."""

from __future__ import annotations

import errno

import pytest

from sock.cli.listening import for_our_server, for_uvicorn, listening
from sock.server.binding import CannotListen

pytestmark = pytest.mark.one_form


def test_without_options_it_is_port_8000_of_this_machine():
    assert for_our_server(None, None, None, ()) == {"host": "127.0.0.1", "port": 8000}
    assert for_our_server("::1", 0, None, ()) == {"host": "::1", "port": 0}


def test_a_unix_socket_is_one_of_the_addresses():
    assert for_our_server(None, None, "here", ()) == {"bind": ("unix:here",)}
    addresses = ("127.0.0.1:0", "unix:here")
    assert for_our_server(None, None, None, addresses) == {"bind": addresses}


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        ("[::1]:80", {"host": "::1", "port": 80, "uds": None}),
        ("unix:here", {"host": "127.0.0.1", "port": 8000, "uds": "here"}),
    ],
)
def test_uvicorn_gets_one_address(address, settings):
    assert for_uvicorn("a:app", {}, None, None, None, [address]) == settings


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [
        (["127.0.0.1:1", "127.0.0.1:2"], "listens on one address, and not on several"),
        (["systemd"], "cannot listen on systemd"),
        (["fd:3"], "cannot listen on fd:3"),
        (["unix:here,mode=600"], "cannot listen on unix:here,mode=600"),
    ],
)
def test_what_uvicorn_cannot_do_is_said_before_it_starts(capsys, addresses, problem):
    with pytest.raises(SystemExit) as ended:
        for_uvicorn("a:app", {"bind": "--bind"}, None, None, None, addresses)
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "sock: --bind: 'a:app' is an ASGI application, which uvicorn runs, and uvicorn"
        f" {problem}.\n"
    )


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        ("port 1 of a is in use", "port 1 of a is in use. --port 0 picks a free one."),
        ("a server is listening on here already", "a server is listening on here already."),
    ],
)
def test_an_address_in_use_is_one_line_and_exit_code_1(capsys, problem, line):
    with pytest.raises(SystemExit) as ended, listening():
        raise CannotListen(errno.EADDRINUSE, problem)
    assert (ended.value.code, capsys.readouterr().err) == (1, f"sock: {line}\n")


def test_an_error_of_the_application_is_not_taken_for_one_of_listening():
    with pytest.raises(OSError, match="in use"), listening():
        raise OSError(errno.EADDRINUSE, "a port of the application is in use")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--uds", "here", "--port", "0"), "--uds is given in place of --port."),
        (
            ("--uds", "x" * 120),
            f"--uds {'x' * 120}: the path of a Unix socket has at most 107 bytes.",
        ),
    ],
)
def test_a_unix_socket_is_one_address_with_a_path_that_is_possible(invoke, folder, arguments, line):
    result = invoke("run", "examples.chat:app", *arguments)
    assert (result.output, result.exit_code) == (f"sock: {line}\n", 2)
