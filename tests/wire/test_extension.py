"""RFC 6455 §9.1: Sec-WebSocket-Extensions."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock import HandshakeError
from sock.wire.extension import Extension, parse


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("foo", [Extension("foo")]),
        ("foo, bar", [Extension("foo"), Extension("bar")]),
        ("foo; a; b=1", [Extension("foo", (("a", None), ("b", "1")))]),
        (" \tfoo ;\ta = 1 ,bar ", [Extension("foo", (("a", "1"),)), Extension("bar")]),
        ('foo; a="1"; b="x\\y"', [Extension("foo", (("a", "1"), ("b", "xy")))]),
        ('foo; a="1" , bar', [Extension("foo", (("a", "1"),)), Extension("bar")]),
        ("foo; a=1; a=2", [Extension("foo", (("a", "1"), ("a", "2")))]),
        (", foo,, bar ,", [Extension("foo"), Extension("bar")]),  # RFC 9110 §5.6.1.2
    ],
)
def test_a_field_is_read(field, expected):
    assert parse([field]) == expected


def test_the_fields_of_the_name_are_one_list():
    """RFC 6455 §9.1: it "MAY be split or combined across multiple lines"."""
    assert parse(["a", "b; c"]) == [Extension("a"), Extension("b", (("c", None),))]


def test_no_field_is_no_extension():
    assert parse([]) == []


@pytest.mark.parametrize(
    "field",
    [
        "",
        " , ",
        "foo bar",
        "foo;",
        "foo; ;",
        "foo; =1",
        "foo; a=",
        "foo; a=,bar",
        'foo; a="',
        'foo; a="1',
        'foo; a="1"2',
        'foo; a=""',  # RFC 6455 §9.1: after unescaping the value MUST be a token
        'foo; a="1 2"',
        'foo; a="1,2"',
        "foo; a=1=2",
        "f(oo)",
        "föö",
        "foo\n",
    ],
)
def test_a_malformed_field_is_refused(field):
    """RFC 6455 §9.1: the receiver MUST fail what does not conform to the ABNF."""
    with pytest.raises(HandshakeError, match=r"§9\.1") as caught:
        parse([field])
    assert caught.value.status == 400


tokens = st.text("abc1-_", min_size=1, max_size=5)
extensions = st.builds(
    Extension,
    tokens,
    st.lists(st.tuples(tokens, st.none() | tokens), max_size=3).map(tuple),
)


@given(st.lists(extensions, min_size=1, max_size=4))
def test_what_is_written_is_read_back(written):
    assert parse([", ".join(map(str, written))]) == written


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(field):
    with contextlib.suppress(HandshakeError):
        parse([field])
