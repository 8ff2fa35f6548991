"""References are compared strictly."""

import pytest

from sock.channels.message import same_ref

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("5", "5", True),
        (0, 0, True),
        (None, None, True),
        ([1], [1], True),
        ("5", 5, False),
        (1, True, False),
        (0, False, False),
        (1, 1.0, False),
        ("5", "6", False),
        (None, 0, False),
    ],
)
def test_two_references_are_the_same_if_type_and_value_are(one, other, same):
    assert same_ref(one, other) is same
