"""The parameters of a connection, as Phoenix reads them."""

import pytest

from sock.channels.params import MAX_DEPTH, decode_params, version_of

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("", {}),
        ("id=u1&nested%5Ba%5D=1&vsn=2.0.0", {"id": "u1", "nested": {"a": "1"}, "vsn": "2.0.0"}),
        ("?vsn=2.0.0&".lstrip("?"), {"vsn": "2.0.0"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[b][c]=1&a[b][d]=2&a[e]=", {"a": {"b": {"c": "1", "d": "2"}, "e": ""}}),
        ("a[][b]=1&a[][b]=2", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("a=1&a=2", {"a": "2"}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=2&a[]=1", {"a": ["1"]}),
        ("a[b=1&]=2&[c]=3", {"a[b": "1", "]": "2", "[c]": "3"}),
    ],
)
def test_a_query_with_brackets_becomes_nested_values(query, params):
    assert decode_params(query) == params


def test_a_name_that_is_nested_too_deeply_is_an_ordinary_name():
    name = "a" + "[b]" * (MAX_DEPTH + 1)
    assert decode_params(f"{name}=1") == {name: "1"}


@pytest.mark.parametrize(
    ("params", "version"),
    [
        ({}, (1, 0, 0)),
        ({"vsn": "1.0.0"}, (1, 0, 0)),
        ({"vsn": "2.0.13"}, (2, 0, 13)),
        ({"vsn": "2.0.0+build.7"}, (2, 0, 0)),
        ({"vsn": "2.0"}, None),
        ({"vsn": "2"}, None),
        ({"vsn": ""}, None),
        ({"vsn": "2.0.0-rc.1"}, None),
        ({"vsn": "02.0.0"}, None),
        ({"vsn": "v2.0.0"}, None),
        ({"vsn": " 2.0.0"}, None),
        ({"vsn": "٢.0.0"}, None),
        ({"vsn": "2.0." + "9" * 100}, None),
        ({"vsn": ["2.0.0"]}, None),
        ({"vsn": {"a": "2.0.0"}}, None),
    ],
)
def test_a_version_is_a_full_one_or_none(params, version):
    assert version_of(params) == version
