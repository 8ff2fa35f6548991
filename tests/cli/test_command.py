"""The command line: its options, its help, its version."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

import sock
from sock.cli.command import main, run


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "65536"],
        ["--loop", "trio"],
        ["--drain-timeout", "0"],
        ["--max-body", "1"],
        ["--log-format", "xml"],
        ["--app-dir", "nowhere"],
        ["--prot", "1"],
    ],
)
def test_a_wrong_option_is_exit_code_2(invoke, served, arguments):
    assert invoke("run", "examples.chat:app", *arguments).exit_code == 2
    assert served == []


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
        "The log",
        "Limits",
        "For ASGI applications only, which uvicorn runs",
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


def test_help_says_what_is_for_asgi_applications_only(invoke):
    shown = invoke("run", "--help").output.split("For ASGI applications only")[1]
    for option in ("workers", "reload", "certificate", "root-path", "forwarded-allow-ips", "uds"):
        assert f"  --{option}" in shown
    assert "The key of --certificate, which it needs" in re.sub(r"\s+", " ", shown)
