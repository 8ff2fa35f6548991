"""Factories and lifespans: the user's code, whose failures are shown as his."""

from __future__ import annotations

import pytest


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


def test_a_factory_makes_the_application(invoke, served):
    assert invoke("run", "examples.chat:make_app", "--factory").exit_code == 0
    assert invoke("run", "examples.chat:make_app", env={"SOCK_FACTORY": "true"}).exit_code == 0
    assert [app.__name__ for app, _ in served] == ["app", "app"]
