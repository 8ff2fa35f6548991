"""What is known of an entry, as a value and as JSON."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sock.pubsub.presence.data import Data

pytestmark = pytest.mark.one_form


@dataclass
class Device:
    name: str


@pytest.mark.parametrize(
    ("kind", "data", "raw"),
    [(None, {"a": ["é", 1]}, '{"a":["é",1]}'), (Device, Device("phone"), '{"name":"phone"}')],
)
def test_data_comes_back_as_it_was(kind, data, raw):
    coder = Data(kind)
    assert coder.encode(data) == raw.encode()
    assert coder.decode(raw.encode()) == data


@pytest.mark.parametrize("kind", [None, Device])
@pytest.mark.parametrize("raw", [b"", b"\xff", b"[" * 100_000, b"{"])
def test_what_is_no_data_is_a_value_error(kind, raw):
    with pytest.raises(ValueError, match=r".+"):
        Data(kind).decode(raw)
