"""RFC 7692 §7.1: offers and answers that are almost right, and the refusal of an answer."""

import pytest

from sock import Compression, HandshakeError
from sock.wire.deflate import Agreement, negotiate
from sock.wire.extension import Extension, parse

NAME = "permessage-deflate"


@pytest.mark.parametrize("flag", ["server_no_context_takeover", "client_no_context_takeover"])
@pytest.mark.parametrize("value", ["8", "10", "15"])
def test_a_flag_with_the_value_of_a_window_is_declined(flag, value):
    """RFC 7692 §7.1.1: the flags have no value."""
    assert negotiate(parse([f"{NAME}; {flag}={value}"]), Compression()) is None


@pytest.mark.parametrize(
    ("parameter", "named"),
    [
        (("server_max_window_bits", "16"), "server_max_window_bits=16"),
        (("client_max_window_bits", "8"), "client_max_window_bits=8"),
    ],
)
def test_the_refusal_of_an_answer_is_a_502_that_names_the_answer(parameter, named):
    """RFC 9110 §15.6.3: the server upstream has given an answer that is not valid."""
    with pytest.raises(HandshakeError, match=named) as caught:
        Agreement.from_answer(Extension(NAME, (parameter,)))
    assert caught.value.status == 502


def test_an_agreement_without_arguments_is_that_of_a_bare_answer():
    """RFC 7692 §7.1."""
    assert Agreement() == Agreement.from_answer(Extension(NAME))
