"""`sock ctl` where there is no server to ask; tests/server/supervisor/test_control.py has one."""

import socket

import pytest

pytestmark = pytest.mark.one_form


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    folder = tmp_path / "sock"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return folder


def test_where_no_server_runs_one_line_says_so(invoke, runtime):
    (runtime / "left.sock").write_text("")
    result = invoke("ctl", "status")
    assert result.output == (
        f"sock: this user runs no server with workers: there is no control socket in '{runtime}'."
        " --control PATH names the control socket of another server.\n"
    )
    assert result.exit_code == 1


def test_where_several_servers_run_one_is_to_be_named(invoke, runtime):
    paths = [str(runtime / name) for name in ("1.sock", "2.sock")]
    sockets = []
    for path in paths:
        sockets.append(sock := socket.socket(socket.AF_UNIX))
        sock.bind(path)
        sock.listen()
    result = invoke("ctl", "status")
    for sock in sockets:
        sock.close()
    assert result.output == (
        f"sock: several servers run here: name one of them with --control: {', '.join(paths)}\n"
    )
    assert result.exit_code == 2


def test_a_control_socket_that_is_not_there_is_one_line(invoke, tmp_path):
    result = invoke("ctl", "--control", str(tmp_path / "none"), "reload")
    assert result.output == (
        f"sock: there is no control socket '{tmp_path / 'none'}': a server makes it that was given"
        " --workers and the same --control.\n"
    )
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["workers"], "say NUMBER too: sock ctl workers NUMBER"),
        (["workers", "0"], "NUMBER: it is a whole number, 1 to 1000, not '0'."),
        (["stat"], "there is no command 'stat'. Did you mean sock ctl status?"),
        (["a:b"], "there is no command 'a:b'. sock ctl --help lists all commands."),
        (["--pid", "7"], "there is no option --pid. sock ctl --help lists all options."),
        (["drain", "--now"], "there is no option --now. sock ctl drain --help lists all options."),
        (
            ["status", "--control", "here"],
            "--control stands before the command: sock ctl --control PATH status",
        ),
    ],
)
def test_a_wrong_command_is_one_line(invoke, arguments, line):
    result = invoke("ctl", *arguments)
    assert (result.output, result.exit_code) == (f"sock: {line}\n", 2)
