"""Tables and quantities for a terminal."""

import pytest

from sock.cli.tables import seconds_in_words, size_in_words, table

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86400 * 3, "3 d"),
    ],
)
def test_a_time_has_two_units_at_most(seconds, words):
    assert seconds_in_words(seconds) == words


def test_a_size_has_the_unit_that_fits():
    assert [size_in_words(one) for one in (0, 1023, 1024, 2**20, 5 * 2**30)] == [
        *("0 B", "1023 B", "1.0 KiB", "1.0 MiB", "5.0 GiB"),
    ]


def test_a_table_without_rows_has_its_heads():
    assert table(("id", "path"), []) == "id  path"
