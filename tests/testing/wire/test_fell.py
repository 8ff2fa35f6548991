import pytest

from sock.testing.wire.fell import Fell, told

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("value", "text"),
    [("é", "'é'"), (b"\xff", "b'\\xff'"), ("x" * 61, "'" + "x" * 60 + "…' (61 characters)")],
)
def test_what_a_report_quotes_is_cut(value, text):
    assert told(value) == text


def test_a_failure_says_what_was_expected_and_what_was_seen():
    assert str(Fell("this", "that")) == "expected this; seen that"
