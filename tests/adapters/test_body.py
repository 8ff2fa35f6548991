"""The limit on the body of an ordinary request."""

from __future__ import annotations

import pytest

from sock import HandshakeError, testing
from sock.adapters import body


@pytest.mark.parametrize("length", ["1001", "0001001", "9" * 21, "9" * 5000])
def test_a_body_that_announces_more_than_the_limit_is_refused_rfc_9110_15_5_14(length):
    request = testing.request(headers={"Content-Length": length})
    with pytest.raises(HandshakeError, match="more than 1000 bytes") as refused:
        body.check_announced_length(request, 1000)
    assert refused.value.status == 413


@pytest.mark.parametrize("length", ["1000", "0" * 30 + "7", "", "-1", "nonsense", "²"])
def test_any_other_length_is_left_to_the_server(length):
    request = testing.request(headers={"Content-Length": length})
    body.check_announced_length(request, 1000)
