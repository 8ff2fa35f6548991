"""The values of the options about workers; tests/cli/test_supervise.py has what is told."""

import pytest
from click.testing import CliRunner

from sock import cli

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--workers", "0"], "--workers: it is a whole number, 1 or more, not '0'."),
        (["--workers", "many"], "--workers: it is a whole number, 1 or more, not 'many'."),
        (["--worker-timeout", "-1"], "--worker-timeout: it is 0 or more, and finite, not -1."),
        (["--max-worker-age", "inf"], "--max-worker-age: it is 0 or more, and finite, not inf."),
    ],
)
def test_a_wrong_value_is_one_line(arguments, line):
    result = CliRunner().invoke(cli.main, ["run", "chat:app", *arguments])
    assert (result.output, result.exit_code) == (f"sock: {line}\n", 2)
