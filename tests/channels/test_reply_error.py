"""What is raised to refuse."""

import pytest

from sock.channels import JoinError, ReplyError

pytestmark = pytest.mark.one_form


def test_the_response_is_made_of_a_mapping_and_of_keywords():
    assert ReplyError({"reason": "full", "seats": 0}, seats=3).response == {
        "reason": "full",
        "seats": 3,
    }
    assert JoinError().response == {}


def test_its_text_says_what_the_client_is_told():
    assert str(JoinError(reason="unauthorized")) == "reason='unauthorized'"
