"""The command line: its options, its help, its version."""

from __future__ import annotations

import re

import pytest

import sock


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


def test_python_dash_m_sock_is_sock(command):
    out, _ = command("--version").communicate(timeout=10)
    assert out == version()


def test_help_says_what_is_for_asgi_applications_only(invoke):
    shown = re.sub(r"\s+", " ", invoke("run", "--help").output)
    for option in ("workers", "reload", "certificate", "root-path", "forwarded-allow-ips", "uds"):
        described = shown.split(f" --{option} ")[1].split("[env var")[0]
        assert "ASGI applications only." in described
    assert "The key of --certificate, which it needs" in shown
