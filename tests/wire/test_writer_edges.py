"""RFC 6455 §5, seen from the sender: a client's prepared messages, and what errors say."""

import pytest

from sock import Prepared
from sock.wire.writer import Writer


def test_a_client_masks_a_prepared_message_with_a_new_key_each_time(peer):
    """RFC 6455 §5.3: "The masking key needs to be unpredictable"."""
    keys = iter([b"abcd", b"efgh"])
    writer = Writer(mask=lambda: next(keys))
    prepared = Prepared("score")
    out = bytearray()
    writer.push(out, prepared)
    writer.push(out, prepared)
    assert bytes(out) == peer.frame(0x81, b"score", b"abcd") + peer.frame(0x81, b"score", b"efgh")
    out = bytearray()
    Writer().push(out, prepared)
    assert bytes(out) == peer.frame(0x81, b"score", None)


@pytest.mark.parametrize("message", [7, None, ["a"], {}])
def test_the_error_about_what_is_no_message_names_its_type(message):
    with pytest.raises(TypeError, match=f"'{type(message).__name__}' is no message"):
        Writer().push(bytearray(), message)


@pytest.mark.parametrize("code", [999, 1005])
def test_the_error_about_a_code_that_may_not_travel_names_it(code):
    with pytest.raises(ValueError, match=f"{code} .*RFC 6455 §7"):
        Writer().close(bytearray(), code)
