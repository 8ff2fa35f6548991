"""RFC 6455 §9.1: the refusal of a malformed Sec-WebSocket-Extensions."""

import pytest

from sock import HandshakeError
from sock.wire.extension import parse


@pytest.mark.parametrize("field", ["foo;", "foo bar", "foo; a=("])
def test_the_refusal_names_the_header_and_quotes_the_field(field):
    with pytest.raises(HandshakeError) as caught:
        parse(["good", field])
    assert "Sec-WebSocket-Extensions" in caught.value.detail
    assert repr(field) in caught.value.detail
