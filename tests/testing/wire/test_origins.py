import pytest

from sock.testing.wire.origins import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_lets_the_right_pages_in(holds):
    assert holds(SECTION) == []


def test_a_server_that_looks_at_no_origin_gets_remarks(verdicts, naive):
    found = verdicts(SECTION, naive())
    assert found["3.1"] == found["3.2"] == "held"
    assert {found[f"3.{place}"] for place in range(3, 12)} == {"remark"}
