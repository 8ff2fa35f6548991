"""RFC 6455 §5.2 and §5.5: what a frame may be, and what a Close frame says."""

import pytest

from sock import InvalidData, Ping, Pong, ProtocolError
from sock.wire.frame import (
    FIN,
    MASKED,
    RSV1,
    TEXT_HEADS,
    Close,
    Opcode,
    check_head,
    check_length,
    control,
    head,
    too_big,
    too_many,
)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (65535, "827effff"),
        (65536, "827f0000000000010000"),
    ],
)
def test_a_length_takes_the_fewest_bytes(size, expected):
    """RFC 6455 §5.2."""
    assert head(FIN | Opcode.BINARY, size).hex() == expected


def test_a_masked_head_says_so_beside_each_kind_of_length():
    """RFC 6455 §5.2."""
    assert [head(0x81, size, MASKED)[1] for size in (1, 126, 65536)] == [0x81, 0xFE, 0xFF]


def test_the_table_of_heads_agrees_with_the_function():
    assert list(TEXT_HEADS) == [head(FIN | Opcode.TEXT, size) for size in range(126)]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3008, 4999])
def test_a_close_is_answered_with_its_own_code(code):
    """RFC 6455 §5.5.1."""
    assert control(Opcode.CLOSE, code.to_bytes(2, "big")).answer == code


def test_a_close_without_a_code_is_answered_without_one():
    """RFC 6455 §7.1.5: its code is 1005."""
    assert control(Opcode.CLOSE, b"") == Close(1005, "")
    assert Close(1005, "").answer is None


@pytest.mark.parametrize(
    "code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
def test_a_code_that_may_not_travel_is_delivered_and_answered_with_1002(code):
    """RFC 6455 §7.4: 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close"."""
    closed = control(Opcode.CLOSE, code.to_bytes(2, "big") + b"why")
    assert closed == Close(code, "why", forbidden=True)
    assert closed.answer == 1002


def test_half_a_close_code_is_refused():
    """RFC 6455 §5.5.1: "the first two bytes of the body MUST be a 2-byte unsigned integer"."""
    with pytest.raises(ProtocolError, match=r"§5\.5\.1"):
        control(Opcode.CLOSE, b"\x03")


def test_a_detail_that_is_not_utf8_is_refused():
    """RFC 6455 §5.5.1, §8.1."""
    with pytest.raises(InvalidData, match=r"§8\.1"):
        control(Opcode.CLOSE, b"\x03\xe8\xff")


def test_pings_and_pongs_keep_their_payload():
    """RFC 6455 §5.5.2, §5.5.3."""
    assert control(Opcode.PING, b"a") == Ping(b"a")
    assert control(Opcode.PONG, b"b") == Pong(b"b")


@pytest.mark.parametrize(
    ("first", "second", "section"),
    [
        *[(0x80 | opcode, 0x80, "RFC 6455 §5.2") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (0xA1, 0x80, "RFC 6455 §5.2"),  # RSV2
        (0x91, 0x80, "RFC 6455 §5.2"),  # RSV3
        (0xC1, 0x80, "RFC 6455 §5.2"),  # RSV1 without an agreement
        (0x81, 0x00, "RFC 6455 §5.1"),  # not masked
        (0x89, 0xFE, "RFC 6455 §5.5"),  # a long ping
        (0x8A, 0xFF, "RFC 6455 §5.5"),  # a long pong
        (0x08, 0x80, "RFC 6455 §5.5"),  # a fragmented Close
        (0x80, 0x80, "RFC 6455 §5.4"),  # a continuation of nothing
    ],
)
def test_a_head_that_breaks_a_rule_is_refused_with_its_section(first, second, section):
    with pytest.raises(ProtocolError, match=section):
        check_head(first, second, MASKED, False, False)


@pytest.mark.parametrize("first", [0x81, 0x82, 0x01, 0x02])
def test_a_message_cannot_begin_inside_another(first):
    """RFC 6455 §5.4."""
    with pytest.raises(ProtocolError, match=r"§5\.4"):
        check_head(first, 0x80, MASKED, False, True)


@pytest.mark.parametrize("opcode", [0, 8, 9, 10])
def test_rsv1_belongs_to_the_first_frame_of_a_message_alone(opcode):
    """RFC 7692 §6.1."""
    with pytest.raises(ProtocolError, match=r"RFC 7692 §6\.1"):
        check_head(FIN | RSV1 | opcode, 0x80, MASKED, True, True)


def test_a_server_may_not_mask():
    """RFC 6455 §5.1."""
    with pytest.raises(ProtocolError, match=r"masked frame from a server .*§5\.1"):
        check_head(0x81, 0x80, 0, False, False)


@pytest.mark.parametrize("first", [0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8A, 0xC1, 0xC2])
def test_what_is_allowed_passes(first):
    check_head(first, 0x80, MASKED, True, False)


def test_a_continuation_passes_when_one_is_waited_for():
    check_head(0x00, 0xFD, MASKED, False, True)


@pytest.mark.parametrize(("size", "extra"), [(0, 2), (125, 2), (0, 8), (126, 8), (65535, 8)])
def test_a_length_in_more_bytes_than_it_needs_is_refused(size, extra):
    """RFC 6455 §5.2: "the minimal number of bytes MUST be used"."""
    with pytest.raises(ProtocolError, match=r"§5\.2"):
        check_length(size, extra)


def test_a_length_of_64_bits_is_refused():
    """RFC 6455 §5.2: "the most significant bit MUST be 0"."""
    with pytest.raises(ProtocolError, match=r"§5\.2"):
        check_length(1 << 63, 8)
    check_length((1 << 63) - 1, 8)
    check_length(126, 2)


def test_the_errors_of_a_limit_name_the_limit_and_the_section():
    assert str(too_big(7)) == "message of more than 7 bytes (RFC 6455 §10.4)"
    assert str(too_many(7)) == "message in more than 7 fragments (RFC 6455 §10.4)"
