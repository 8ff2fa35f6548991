"""RFC 6455 §5.2: what an error about a frame says about that frame."""

import pytest

from sock import ProtocolError
from sock.wire.frame import MASKED, check_head, check_length


def the_refusal(check, *arguments):
    with pytest.raises(ProtocolError) as caught:
        check(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(("opcode", "named"), [(3, "0x3"), (0xF, "0xf")])
def test_an_unknown_opcode_is_named_in_hexadecimal(opcode, named):
    """RFC 6455 §5.2, §11.8."""
    assert f"opcode {named} " in the_refusal(check_head, 0x80 | opcode, 0x80, MASKED, False, False)


def test_an_error_about_masking_says_which_side_has_sent_the_frame():
    """RFC 6455 §5.1."""
    assert "client" in the_refusal(check_head, 0x81, 0x00, MASKED, False, False)
    assert "server" in the_refusal(check_head, 0x81, 0x80, 0, False, False)


def test_a_length_that_is_too_long_is_named_with_its_bytes():
    """RFC 6455 §5.2."""
    assert "125 takes 2 bytes" in the_refusal(check_length, 125, 2)
    assert "65535 takes 8 bytes" in the_refusal(check_length, 65535, 8)
