"""What a user is told when it cannot go on."""

from __future__ import annotations

import pytest

from sock.cli.failure import fail, show_user_traceback


def test_it_is_one_line_on_stderr_and_an_exit_code(capsys):
    with pytest.raises(SystemExit) as ended:
        fail("no such thing", 2)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "sock: no such thing\n")


def test_a_traceback_begins_with_the_users_first_line(capsys):
    def raises():
        raise RuntimeError("mine")

    try:
        raises()
    except RuntimeError as error:
        show_user_traceback(error)
    _, err = capsys.readouterr()
    assert err.startswith("Traceback")
    assert "in raises" in err
    assert err.endswith("RuntimeError: mine\n")
