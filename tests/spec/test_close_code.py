import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock import CloseCode
from sock.spec.close_code import MAX_DETAIL, may_travel, shortened_detail

# https://www.iana.org/assignments/websocket, Close Code Number Registry; 1004 has no name.
REGISTERED = [*range(1000, 1004), *range(1005, 1016), 3000, 3003, 3008]


def test_the_names_are_those_of_the_registry():
    assert [code.value for code in CloseCode] == REGISTERED


def test_a_code_is_an_int():
    assert CloseCode.NORMAL == 1000
    assert isinstance(CloseCode.TIMEOUT, int)
    assert f"{CloseCode.TIMEOUT}" == "3008"


@pytest.mark.parametrize(("low", "high"), [(1000, 1003), (1007, 1014), (3000, 4999)], ids=str)
def test_a_range_that_may_travel_ends_where_the_rfc_says(low, high):
    # RFC 6455 §7.4.2
    assert may_travel(low)
    assert may_travel(high)
    assert not may_travel(low - 1)
    assert not may_travel(high + 1)


@pytest.mark.parametrize(
    "code", [CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE]
)
def test_a_code_that_describes_an_absent_close_frame_may_not_travel(code):
    # RFC 6455 §7.4.1: "MUST NOT be set as a status code in a Close control frame by an endpoint."
    assert not may_travel(code)


def test_the_code_and_the_longest_detail_fill_a_control_frame():
    assert 2 + MAX_DETAIL == 125  # RFC 6455 §5.5


def test_a_text_that_fits_is_left_as_it_is():
    """RFC 6455 §5.5."""
    assert shortened_detail("") == ""
    assert shortened_detail("x" * 123) == "x" * 123


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_text_is_cut_to_123_bytes_between_two_characters(text):
    """RFC 6455 §5.5, §8.1."""
    cut = shortened_detail(text)
    assert text.startswith(cut)
    assert len(cut.encode()) <= 123
    left = text[len(cut) :]
    assert not left or len((cut + left[0]).encode()) > 123
