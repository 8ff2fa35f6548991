"""The token among the subprotocols."""

import base64

import pytest

from sock import Refuse
from sock.channels.auth_token import PREFIX, chosen_subprotocol, split_token

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize("token", ["secret", "SFMyNTY.a-b_c.d", "ÿ~~>?", ""])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="])
def test_a_token_is_decoded_from_both_alphabets_with_and_without_padding(token, encode, padding):
    encoded = encode(token.encode()).decode().rstrip("=") + padding
    assert split_token(["phoenix", PREFIX + encoded]) == (token, ["phoenix"])


@pytest.mark.parametrize("encoded", ["a", "_*", "Zm9v!", "/w"])
def test_a_token_that_cannot_be_decoded_is_refused(encoded):
    with pytest.raises(Refuse) as refused:
        split_token(["phoenix", PREFIX + encoded])
    assert refused.value.response.status == 403


def test_two_tokens_are_none_and_neither_is_offered_further():
    assert split_token([PREFIX + "YQ", "phoenix", PREFIX + "Yg"]) == (None, ["phoenix"])


def test_the_first_subprotocol_that_is_allowed_is_chosen():
    assert chosen_subprotocol(["x", "v2", "phoenix"], ["v2"]) == "v2"
    assert chosen_subprotocol([], ["v2"]) is None


def test_subprotocols_of_which_none_is_allowed_are_refused():
    with pytest.raises(Refuse):
        chosen_subprotocol(["x"], ["v2"])
