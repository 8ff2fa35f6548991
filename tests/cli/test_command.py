"""The command line: its options, its help, its version."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

import sock
from sock.cli.command import main, run

WRONG = {
    "--port x": "--port: it is a whole number, 0 to 65535, not 'x'.",
    "--port 65536": "--port: it is a whole number, 0 to 65535, not '65536'.",
    "--port": "option '--port' requires an argument.",
    "--workers 0": "--workers: it is a whole number, 1 or more, not '0'.",
    "--loop trio": "--loop: 'trio' is not one of 'auto', 'asyncio', 'uvloop'.",
    "--drain-timeout 0": "--drain-timeout 0: drain_timeout is more than 0 and finite, not 0.0.",
    "--max-body 1": "there is no option --max-body. Did you mean --max-body-size?",
    "--prot 1": "there is no option --prot. Did you mean --port?",
    "--zzz": "there is no option --zzz. sock run --help lists all options.",
    "--log-format xml": "--log-format: 'xml' is not one of 'text', 'json'.",
    "--app-dir nowhere": "--app-dir: directory 'nowhere' does not exist.",
    "--health=": "--health '': a path begins with '/'. Did you mean '/'?",
    "--key examples/chat.py": "--key belongs to a certificate: say --certificate too.",
    "--bind 8000": "--bind: '8000': an address is HOST:PORT, [IPv6]:PORT, unix:PATH,"
    " unix:PATH,mode=660, fd:NUMBER or systemd.",
    "--bind ::1:80": "--bind: '::1:80': an IPv6 address stands in brackets, as in [::1]:8000.",
    "--bind :80 --port 80": "--bind is given in place of --port; it may be given several times.",
    "--root-path chat": "--root-path: a path begins with '/'. Did you mean '/chat'?",
    "--forwarded-allow-ips 10.0.0.1/8": "--forwarded-allow-ips: '10.0.0.1/8' is an address within a"
    " network: the network is 10.0.0.0/8.",
    "--forwarded-allow-ips proxy": "--forwarded-allow-ips: 'proxy' is no address, such as 10.0.0.1,"
    " no network, such as 10.0.0.0/8, and neither unix nor *.",
    "more": "got unexpected extra argument (more).",
}
OF_VARIABLES = {
    "SOCK_PORT=x": "SOCK_PORT: it is a whole number, 0 to 65535, not 'x'.",
    "SOCK_BIND=fd:x": "SOCK_BIND: 'fd:x': fd: is followed by the number of a descriptor, as in"
    " fd:3.",
    "SOCK_LOOP=trio": "SOCK_LOOP: 'trio' is not one of 'auto', 'asyncio', 'uvloop'.",
    "SOCK_MAX_MAILBOX=x": "SOCK_MAX_MAILBOX=x: it is a whole number, such as 1000, or none.",
    "SOCK_HEALTH=x": "SOCK_HEALTH=x: a path begins with '/'. Did you mean '/x'?",
    "SOCK_KEY=examples/chat.py": "SOCK_KEY belongs to a certificate: say --certificate too.",
    "SOCK_WORKERS=0": "SOCK_WORKERS: it is a whole number, 1 or more, not '0'.",
    "SOCK_OPTIONS=examples.chat:LIMIT": "SOCK_OPTIONS=examples.chat:LIMIT: it is of type int, and"
    " not sock.Options.",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_a_wrong_option_is_one_line_and_exit_code_2(invoke, served, arguments):
    result = invoke("run", "examples.chat:app", *arguments.split())
    assert result.output == f"sock: {WRONG[arguments]}\n"
    assert result.exit_code == 2
    assert served == []


@pytest.mark.parametrize("given", OF_VARIABLES)
def test_a_wrong_variable_is_named_as_it_was_given(invoke, served, given):
    name, _, value = given.partition("=")
    result = invoke("run", "examples.chat:app", env={name: value})
    assert result.output == f"sock: {OF_VARIABLES[given]}\n"
    assert result.exit_code == 2
    assert served == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rnu", "chat:app"], "there is no command 'rnu'. Did you mean sock run?"),
        (["chat:app"], "there is no command 'chat:app'. Did you mean sock run chat:app?"),
        (["zzz"], "there is no command 'zzz'. sock --help lists all commands."),
        (["--vresion"], "there is no option --vresion. Did you mean --version?"),
        (["--port", "80", "run"], "there is no option --port. sock --help lists all options."),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(invoke, arguments, line):
    result = invoke(*arguments)
    assert (result.output, result.exit_code) == (f"sock: {line}\n", 2)


def test_without_anything_it_shows_its_help(invoke):
    assert "sock run chat:app " in invoke().output


def test_without_an_application_it_says_how_to_name_one(invoke):
    result = invoke("run")
    assert result.output.startswith("sock: say what to run: sock run MODULE:APP.")
    assert result.exit_code == 2


def test_help_teaches_with_examples_and_says_how_a_variable_is_named(invoke):
    shown = re.sub(r"\s+", " ", invoke("run", "--help").output)
    assert "sock run chat:app " in shown
    assert "sock run chat:make_app --factory" in shown
    assert "--max-head-size is SOCK_MAX_HEAD_SIZE" in shown


def test_every_option_is_in_the_help_and_has_its_variable():
    lines = CliRunner().invoke(main, ["run", "--help"]).output.splitlines()
    for parameter in run.params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            [name] = parameter.opts
            assert parameter.envvar == "SOCK_" + name[2:].replace("-", "_").upper()
            assert [line for line in lines if line.startswith(f"  {name} ")], name


def test_help_is_in_sections_and_fits_a_screen_of_100_columns(invoke):
    shown = invoke("run", "--help", env={"COLUMNS": "100"}).output
    headings = re.findall(r"^([A-Z].*):$", shown, re.MULTILINE)
    assert [heading.split(" (")[0] for heading in headings] == [
        "The application",
        "Where it listens",
        "TLS",
        "Behind a proxy",
        "Workers",
        "The log",
        "Metrics",
        "Limits",
        "Help",
    ]
    assert max(map(len, shown.splitlines())) <= 100


def version():
    return f"sock {sock.__version__}, {sock.native.describe()}\n"


def test_the_version_is_the_distributions_and_says_whether_it_is_compiled(invoke):
    assert invoke("--version").output == version()


def test_python_dash_m_sock_is_sock(command):
    out, _ = command("--version").communicate(timeout=10)
    assert out == version()
