"""Lines of JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.server.supervisor.lines import BadLine, Lines, to_line

pytestmark = pytest.mark.one_form


@given(
    st.lists(st.dictionaries(st.text(), st.integers() | st.text(), max_size=3), max_size=5),
    st.data(),
)
def test_any_split_of_the_bytes_gives_the_same_objects(objects, data):
    whole = b"".join(map(to_line, objects))
    lines, found = Lines(), []
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        found += lines.feed(whole[:size])
        whole = whole[size:]
    assert found == objects


@pytest.mark.parametrize("line", [b"[]\n", b"7\n", b"{\n", b"\xff\n", b"\n", b"[" * 9000 + b"\n"])
def test_what_is_no_object_is_refused(line):
    with pytest.raises(BadLine):
        Lines().feed(line)


def test_a_line_that_is_too_long_is_refused_before_it_ends():
    lines = Lines(max_line=100)
    lines.feed(json.dumps({"a": 1}).encode() + b"\n")
    lines.feed(b"x" * 100)
    with pytest.raises(BadLine, match="at most 100 bytes"):
        lines.feed(b"x")
