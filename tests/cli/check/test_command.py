"""The help and the options; `test_run.py` has what they do."""

import pytest

pytestmark = pytest.mark.one_form


def test_the_help_teaches(invoke):
    shown = invoke("check", "--help").output
    assert "sock check ws://127.0.0.1:8000/" in shown
    assert "A MUST that falls makes the exit code 1." in shown
    for heading in (
        "Which cases:",
        "A server at a URL:",
        "An application MODULE:APP:",
        "The report:",
    ):
        assert heading in shown


def test_an_option_that_does_not_exist_is_told_with_a_similar_one(invoke):
    result = invoke("check", "--sektion", "close")
    assert result.exit_code == 2
    assert result.stderr == "sock: there is no option --sektion. Did you mean --section?\n"


def test_the_options_are_no_variables(invoke, monkeypatch):
    monkeypatch.setenv("SOCK_HOST", "0.0.0.0")
    assert invoke("check", "--list", "--only", "4.26").exit_code == 0
