"""What is believed of the fields that proxies send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.hosting.forwarded import DEFAULT, Hop, Trusted, believed

pytestmark = pytest.mark.one_form

PROXY = ("127.0.0.1", 40000)
NOTHING = Hop(None, None, None)


def told(trusted=DEFAULT, peer=PROXY, **fields):
    """Return what is believed; `x_forwarded_for="…"` is a field, a list is several."""
    named = {
        name.replace("_", "-"): [value] if isinstance(value, str) else value
        for name, value in fields.items()
    }
    return believed(Trusted(trusted), peer, named)


def client(**fields):
    found = told(**fields).client
    return found and found[0]


def test_the_usual_fields_name_client_scheme_and_host():
    assert told(
        x_forwarded_for="203.0.113.7", x_forwarded_proto="https", x_forwarded_host="example.com"
    ) == Hop(("203.0.113.7", 0), "https", "example.com")


def test_the_standard_field_names_them_too():
    said = 'for="[2001:DB8::1]:4711";proto=https;host="example.com:8443";by=10.0.0.1'
    assert told(forwarded=said) == Hop(("2001:db8::1", 4711), "https", "example.com:8443")


def test_from_anybody_else_nothing_is_believed():
    stranger = ("198.51.100.1", 50000)
    fields = {"x_forwarded_for": "203.0.113.7", "x_forwarded_proto": "https"}
    assert told(peer=stranger, **fields) == NOTHING
    assert told(peer=stranger, forwarded="for=203.0.113.7") == NOTHING
    assert told(trusted="10.0.0.0/8", **fields) == NOTHING


@pytest.mark.parametrize("name", ["x_forwarded_for", "forwarded"])
@pytest.mark.parametrize(
    ("chain", "found"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["6.6.6.6", "203.0.113.7"], "203.0.113.7"),  # the left one may be forged
        (["203.0.113.7", "10.0.0.1", "10.0.0.2"], "203.0.113.7"),
        (["6.6.6.6", "203.0.113.7", "10.0.0.1"], "203.0.113.7"),
        (["10.0.0.1", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        (["10.0.0.3", "10.0.0.2"], "10.0.0.3"),  # all are trusted: the client is one of them
        (["203.0.113.7", "unknown"], None),
        (["203.0.113.7", "unknown", "10.0.0.2"], "10.0.0.2"),
        (["203.0.113.7", "_hidden", "10.0.0.2"], "10.0.0.2"),
        (["203.0.113.7", "", "10.0.0.2"], "10.0.0.2"),
        (["example.com"], None),
        (["1.2.3"], None),
        (["1.2.3.4:70000"], None),
        (["6.6.6.6"] * 5000 + ["203.0.113.7"], "203.0.113.7"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_trusted(name, chain, found):
    entries = [f"for={one}" if name == "forwarded" and one else one for one in chain]
    entries = [f'for="{one[4:]}"' if ":" in one and "=" in one else one for one in entries]
    if name == "forwarded":
        entries = [one or "for=" for one in entries]
    for value in (",".join(entries), " , ".join(entries), entries):  # in one field, or in several
        assert client(trusted="127.0.0.1,10.0.0.0/8", **{name: value}) == found


def test_no_more_than_32_proxies_are_read():
    chain = ["203.0.113.7"] + ["10.0.0.1"] * 32
    assert client(trusted="*", x_forwarded_for=", ".join(chain)) == "10.0.0.1"
    assert client(trusted="*", x_forwarded_for=", ".join(chain[:32])) == "203.0.113.7"


def test_scheme_and_host_are_those_of_the_proxy_that_names_the_client():
    said = "for=6.6.6.6;proto=http;host=evil.example, for=203.0.113.7;proto=https;host=example.com"
    assert told(
        trusted="127.0.0.1,10.0.0.0/8", forwarded=said + ", for=10.0.0.1;proto=http"
    ) == Hop(("203.0.113.7", 0), "https", "example.com")
    assert told(x_forwarded_for="6.6.6.6, 203.0.113.7", x_forwarded_proto="http, https") == Hop(
        ("203.0.113.7", 0), "https", None
    )
    assert told(
        trusted="127.0.0.1,10.0.0.0/8",
        x_forwarded_for="203.0.113.7, 10.0.0.1",
        x_forwarded_proto="https",
    ) == Hop(("203.0.113.7", 0), "https", None)


@pytest.mark.parametrize("scheme", ["gopher", "", "https://", "http,"])
@pytest.mark.parametrize("host", ["", "user@example.com", "exa mple.com", "[::1", "a/b"])
def test_a_scheme_or_a_host_that_is_none_is_left_out(scheme, host):
    hop = told(x_forwarded_for="203.0.113.7", x_forwarded_proto=scheme, x_forwarded_host=host)
    assert hop == Hop(("203.0.113.7", 0), None, None)


def test_the_schemes_of_websockets_are_those_of_http():
    assert told(x_forwarded_proto="wss").scheme == "https"
    assert told(x_forwarded_proto="WS").scheme == "http"


def test_of_both_kinds_neither_is_believed_if_they_name_different_clients():
    assert told(x_forwarded_for="203.0.113.7", forwarded="for=6.6.6.6") == NOTHING
    assert told(x_forwarded_for="203.0.113.7", forwarded="by=10.0.0.1") == NOTHING
    assert told(x_forwarded_proto="https", forwarded="for=6.6.6.6") == NOTHING
    both = told(x_forwarded_for="203.0.113.7", forwarded="for=203.0.113.7", x_forwarded_proto="wss")
    assert both == Hop(("203.0.113.7", 0), "https", None)


@pytest.mark.parametrize(
    "forged",
    [
        'for="',
        "for=6.6.6.6;",
        "for=6.6.6.6; ",
        'for=6.6.6.6;x="',
        'for="6.6.6.6',
        "for=6.6.6.6;;",
        ",",
        "for==",
        "=",
        "for",
        'for="\\',
        'x="\\"',
    ],
)
def test_what_a_client_sends_cannot_change_what_the_proxy_appends(forged):
    found = client(forwarded=f"{forged}, for=203.0.113.7;proto=https")
    assert found in {"203.0.113.7", None}
    assert client(forwarded=[forged, "for=203.0.113.7;proto=https"]) == "203.0.113.7"


def test_a_pair_that_comes_twice_is_malformed():
    assert told(forwarded="for=203.0.113.7;for=6.6.6.6") == NOTHING


@given(st.text(st.characters(max_codepoint=0xFF), max_size=60))
def test_whatever_comes_nobody_but_the_named_client_is_believed(text):
    assert client(forwarded=f"{text}, for=203.0.113.7") in {"203.0.113.7", None}
    assert client(x_forwarded_for=f"{text}, 203.0.113.7") == "203.0.113.7"


class TestTrusted:
    def test_addresses_networks_unix_sockets_and_everybody(self):
        assert Trusted("10.0.0.1").trusts("10.0.0.1")
        assert not Trusted("10.0.0.1").trusts("10.0.0.2")
        assert Trusted("10.0.0.0/8 2001:db8::/32").trusts("2001:db8::7")
        assert Trusted("unix").trusts(None)
        assert not Trusted("127.0.0.1").trusts(None)
        assert Trusted("*").trusts(None)
        assert Trusted("*").trusts("203.0.113.7")

    def test_an_address_may_be_written_in_several_ways(self):
        assert Trusted("::1").trusts("0:0::1")
        assert Trusted("10.0.0.1").trusts("::ffff:10.0.0.1")

    def test_by_default_it_is_this_machine(self):
        trusted = Trusted(DEFAULT)
        assert [trusted.trusts(one) for one in ("127.0.0.1", "::1", None)] == [True] * 3
        assert not trusted.trusts("10.0.0.1")

    def test_an_empty_text_trusts_nobody(self):
        assert not Trusted("")
        assert not Trusted(" , ")
        assert Trusted(DEFAULT)

    @pytest.mark.parametrize("entry", ["proxy", "10.0.0", "10.0.0.0/33", "127.0.0.1,x", "**"])
    def test_what_is_no_address_is_refused(self, entry):
        with pytest.raises(ValueError, match="is no address"):
            Trusted(entry)

    def test_a_network_with_bits_of_a_host_is_refused_and_the_network_named(self):
        with pytest.raises(ValueError, match=r"the network is 10\.0\.0\.0/8"):
            Trusted("10.0.0.1/8")
