"""RFC 6455 §4.2: the opening handshake, seen from the server."""

import pytest

from sock import Compression, HandlerError, HandshakeError, Options, Request, Sock, Upgrade
from sock.wire.deflate import Agreement
from sock.wire.handshake import (
    accept,
    asks_to_upgrade,
    check,
    check_origin,
    notable,
    split_target,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GOOD = {
    "Host": "example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def new_request(*more, method="GET", version="1.1", **changes):
    """A good request, with fields replaced (`sec_websocket_key=…`), left out (None) and added."""
    fields = {name.lower(): value for name, value in GOOD.items()}
    fields.update({name.replace("_", "-"): value for name, value in changes.items()})
    pairs = [(name, value) for name, value in fields.items() if value is not None]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in (*pairs, *more)]
    return Request(method, "/", raw, http_version=version)


def refused(request):
    with pytest.raises(HandshakeError) as caught:
        check(request)
    return caught.value


# --- the request ----------------------------------------------------------------------------


def test_the_example_of_the_rfc_is_valid():
    """RFC 6455 §1.3."""
    assert check(new_request(origin="http://example.com", sec_websocket_protocol="a, b")) == KEY


def test_a_handshake_is_decided_by_some_fields_and_the_others_are_left_alone():
    pairs = [(b"HOST", b" a\t"), (b"Cookie", b"b"), (b"upgrade", b"c"), (b"Upgrade", b"d")]
    assert notable(pairs) == {"host": ["a"], "upgrade": ["c", "d"]}


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "CONNECT", "get"])
def test_the_method_is_get(method):
    """RFC 6455 §4.2.1, 1."""
    assert refused(new_request(method=method)).status == 400


@pytest.mark.parametrize("version", ["1.0", "0.9", "2", "2.0", "3", "1", "1.10", ""])
def test_the_version_of_http_is_at_least_1_1_and_before_2(version):
    """RFC 6455 §4.2.1, 1."""
    assert refused(new_request(version=version)).status == 400


def test_a_later_http_1_is_fine():
    """RFC 6455 §4.2.1, 1: "an HTTP/1.1 or higher GET request"."""
    assert check(new_request(version="1.2")) == KEY


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "a b",
        "a/b",
        "a@b",
        "user:pw@a",
        "a:b",
        "a:80:90",
        "[::1",
        "[::g]",
        "[1:2]",
        "[::1]x",
        "%zz",
        "ö",
        "http://a",
    ],
)
def test_a_host_that_is_not_valid_is_refused(host):
    """RFC 9112 §3.2, RFC 6455 §4.2.1, 2."""
    error = refused(new_request(host=host))
    assert error.status == 400
    assert "RFC 9112 §3.2" in str(error)


def absolute(target, **changes):
    """A good request with a target in absolute form."""
    request = new_request(**changes)
    request.target = target
    return request


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://there", ("there", "/")),
        ("HTTPS://there:80/a/b?c=http://d", ("there:80", "/a/b?c=http://d")),
        ("ws://[::1]?a", ("[::1]", "/?a")),
        ("http:///a", ("", "/a")),
        ("/http://there", (None, "/http://there")),
        ("http://there/#a", (None, "http://there/#a")),
        ("ftp://there/", (None, "ftp://there/")),
        ("*", (None, "*")),
    ],
)
def test_a_target_in_absolute_form_has_an_authority(target, expected):
    """RFC 9112 §3.2."""
    assert split_target(target) == expected


def test_the_host_of_a_target_in_absolute_form_counts():
    """[S14.9] RFC 9112 §3.2.2."""
    request = absolute("http://there:81/", origin="http://there")
    assert check(request) == KEY
    check_origin(request, ())
    foreign = absolute("http://there/", origin="http://example.com")
    with pytest.raises(HandshakeError) as caught:
        check_origin(foreign, ())
    assert caught.value.status == 403


@pytest.mark.parametrize("authority", ["", "ada@there", "there:port", "[::g]"])
def test_a_target_without_a_valid_host_is_refused(authority):
    """[S14.9] RFC 9110 §4.2.1, §4.2.4."""
    assert refused(absolute(f"http://{authority}/")).status == 400


def test_a_target_in_absolute_form_does_not_stand_for_the_host_field():
    """RFC 9112 §3.2: a server answers 400 to a request that lacks it."""
    assert refused(absolute("http://there/", host=None)).status == 400


def test_two_hosts_are_refused():
    """RFC 9112 §3.2."""
    assert refused(new_request(("Host", "example.com"))).status == 400


@pytest.mark.parametrize(
    "host",
    [
        "a",
        "a:",
        "a:80",
        "A.B-c_d~!$&'()*+,;=",
        "127.0.0.1:1",
        "[::1]:80",
        "[::ffff:1.2.3.4]",
        "%C3%A4",
    ],
)
def test_a_host_of_any_valid_form_passes(host):
    """RFC 3986 §3.2.2."""
    assert check(new_request(host=host)) == KEY


@pytest.mark.parametrize("upgrade", [None, "", "h2c", "websockets", "websocket/13", "web socket"])
def test_what_is_no_upgrade_to_websocket_is_answered_with_426(upgrade):
    """RFC 6455 §4.2.1, 3; RFC 9110 §15.5.22: a 426 MUST have an Upgrade."""
    request = new_request(upgrade=upgrade)
    assert not asks_to_upgrade(request)
    error = refused(request)
    assert error.status == 426
    assert ("Upgrade", "websocket") in error.headers
    assert ("Connection", "Upgrade") in error.headers


@pytest.mark.parametrize(
    "connection", [None, "", "close", "keep-alive", "upgraded", "\x85upgrade", "upgrade\xa0"]
)
def test_an_upgrade_that_connection_does_not_name_is_answered_with_426(connection):
    """RFC 6455 §4.2.1, 4; RFC 9110 §7.8."""
    request = new_request(connection=connection)
    assert asks_to_upgrade(request)
    assert refused(request).status == 426


def test_upgrade_and_connection_are_lists_without_case():
    """RFC 6455 §4.2.1, 3 and 4; RFC 9110 §5.6.1: over several fields too."""
    request = new_request(
        ("Upgrade", "WebSocket"),
        ("connection", "close , UPGRADE"),
        upgrade="h2c, foo/1",
        connection="keep-alive,",
    )
    assert asks_to_upgrade(request)
    assert check(request) == KEY


@pytest.mark.parametrize("version", ["12", "8", "0", "14", "13.0", "013", "13, 8", "", "x"])
def test_another_version_is_told_which_one_there_is(version):
    """RFC 6455 §4.2.2, §4.4."""
    error = refused(new_request(sec_websocket_version=version))
    assert error.status == 426
    assert ("Sec-WebSocket-Version", "13") in error.headers


def test_a_missing_or_repeated_version_is_malformed():
    """RFC 6455 §4.2.1, 6; §11.3.5: "MUST NOT appear more than once in an HTTP request"."""
    assert refused(new_request(sec_websocket_version=None)).status == 400
    assert refused(new_request(("Sec-WebSocket-Version", "13"))).status == 400


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZ!==",
        "dGhlIHNhbXBsZSBub25j ZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==\n",
        "dGhlIHNhbXBsZQ==",  # 10 bytes
        "dGhlIHNhbXBsZSBub25jZSB0aGF0IGlzIHRvbyBsb25n",
        "dGhlIHNhbXBsZSBub25jZ-==",
    ],
)
def test_a_key_that_is_not_16_bytes_in_base64_is_refused(key):
    """RFC 6455 §4.2.1, 5."""
    assert refused(new_request(sec_websocket_key=key)).status == 400


def test_two_keys_are_refused():
    """RFC 6455 §11.3.1: "MUST NOT appear more than once in an HTTP request"."""
    assert refused(new_request(("Sec-WebSocket-Key", KEY))).status == 400


@pytest.mark.parametrize(
    "field",
    [
        ("Content-Length", "5"),
        ("Content-Length", "00"),
        ("Content-Length", "-1"),
        ("Content-Length", "x"),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "identity"),
    ],
)
def test_a_body_is_refused_and_never_taken_for_frames(field):
    """RFC 9110 §9.3.1, RFC 9112 §11.2: smuggling."""
    assert refused(new_request(field)).status == 400


def test_an_empty_body_passes():
    assert check(new_request(("Content-Length", "0"))) == KEY


@pytest.mark.parametrize("field", ["", " , ", "a b", "a, a", "a/b", "a,b;c"])
def test_malformed_subprotocols_are_refused(field):
    """[S14.12] RFC 6455 §4.1, 10; §11.3.4: one at least, tokens, and none twice."""
    assert refused(new_request(("Sec-WebSocket-Protocol", field))).status == 400


@pytest.mark.parametrize("name", ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"])
def test_several_fields_are_one_list_in_which_empty_elements_do_not_count(name):
    """[S14.12]"""
    assert check(new_request((name, ",a,, b,"), (name, ""), (name, "c"))) == KEY
    assert refused(new_request((name, ""), (name, ","))).status == 400


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", "short"), 426),
        (("Sec-WebSocket-Key", "short"), ("Sec-WebSocket-Version", "12"), 426),
        (("Upgrade", "h2c"), ("Host", ""), 400),
        (("Connection", "close"), ("Sec-WebSocket-Protocol", "a, a"), 426),
    ],
)
def test_of_several_faults_the_first_of_the_table_decides(first, second, status):
    """[S14.11]"""
    named = {first[0].lower(), second[0].lower()}
    made = new_request()
    pairs = [(name, value) for name, value in made.raw_headers if name.decode() not in named]
    made.raw_headers = [
        *pairs,
        *[(name.encode(), value.encode()) for name, value in (first, second)],
    ]
    assert refused(made).status == status


def test_malformed_extensions_are_refused_whether_or_not_compression_is_on():
    """RFC 6455 §9.1."""
    assert refused(new_request(("Sec-WebSocket-Extensions", "a; =b"))).status == 400


# --- origins --------------------------------------------------------------------------------


def let_in(origin, *origins, host="example.com"):
    try:
        check_origin(new_request(host=host, origin=origin), origins)
    except HandshakeError as error:
        return error.status != 403
    return True


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "example.com"),
        ("https://example.com", "example.com"),
        ("http://example.com:3000", "example.com:8000"),
        ("http://EXAMPLE.com", "Example.COM"),
        ("http://[::1]:3000", "[::1]"),
        ("http://[0:0:0:0:0:0:0:1]", "[::1]:80"),
    ],
)
def test_the_pages_of_the_host_itself_are_let_in(origin, host):
    """RFC 6455 §10.2: ports may differ, and no Origin passes."""
    assert let_in(origin, host=host)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.com",
        "https://example.com.evil.com",
        "https://evilexample.com",
        "https://sub.example.com",
        "https://example.com@evil.com",
        "https://evil.com/example.com",
        "https://example.com/",
        "https://example.com https://evil.com",
        "https://[::1",
        "https://[::g]",
        "https://[1:2]",
        "example.com",
        "null",
        "*",
        "",
    ],
)
def test_pages_of_another_site_are_not(origin):
    """RFC 6455 §10.2, RFC 6454 §7."""
    assert not let_in(origin)


def test_a_listed_origin_is_let_in_by_scheme_host_and_port():
    """RFC 6454 §4; the kinds of origins are in tests/spec/test_origin.py."""
    assert let_in("https://app.com", "https://other.com", "https://app.com")
    assert let_in("https://a.app.com", "https://*.app.com")
    assert let_in("file://", "file://")
    assert let_in("https://app.com", lambda origin, request: origin == "https://app.com")
    assert not let_in("http://app.com", "https://app.com")
    assert not let_in("https://app.com", "app.com")
    assert not let_in("nonsense", "nonsense")


def test_a_function_among_the_origins_that_raises_is_the_applications_mistake():
    def check(origin, request):
        raise LookupError

    with pytest.raises(HandlerError, match="of origins raised LookupError"):
        let_in("https://app.com", check)


def test_a_star_lets_everyone_in_and_null_must_be_listed():
    assert let_in("https://evil.com", "*")
    assert let_in("null", "*")
    assert let_in("null", "null")
    assert not let_in("https://evil.com", "null")


def told(origin, *more, host="example.com"):
    """What the peer and the log are told of an origin that is not let in."""
    with pytest.raises(HandshakeError) as caught:
        check_origin(new_request(*more, host=host, origin=origin), ())
    assert caught.value.status == 403
    return caught.value.detail


def test_a_refused_origin_is_told_which_option_lets_it_in():
    """[S14.2]"""
    assert told("https://app.com") == (
        "the origin 'https://app.com' is not let in: it is neither that of the Host nor listed in"
        " the option origins= (RFC 6455 §10.2)"
    )


@pytest.mark.parametrize(
    "field",
    [
        ("Forwarded", "for=192.0.2.1"),
        ("Via", "1.1 proxy"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("X-Real-IP", "192.0.2.1"),
    ],
)
def test_a_refusal_behind_a_proxy_names_the_header_to_pass_on(field):
    """[S14.2]"""
    assert "proxy_set_header Host $host (RFC 6455 §10.2)" in told("https://app.com", field)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000",
        "[::1]:8000",
        "10.1.2.3",
        "localhost:8000",
        "backend",
        "a.local",
        "a.b.internal.",
    ],
)
def test_a_host_that_only_a_proxy_can_have_said_names_the_header_to_pass_on(host):
    """[S14.2]"""
    assert "proxy_set_header Host $host" in told("https://app.com", host=host)
    # A developer's two servers on one machine, and a page without an origin, tell of no proxy.
    for origin in ("http://127.0.0.2:3000", "http://dev", "null", "file://"):
        assert "proxy" not in told(origin, host=host)


def test_a_public_host_tells_of_no_proxy():
    assert "proxy" not in told("https://app.com", host="192.0.79.1")


@pytest.mark.parametrize(
    "field",
    [
        {"origin": "https://" + "a" * 5000},
        {"host": "a" * 5000 + "/"},
        {"sec_websocket_version": "1" * 5000},
        {"method": "X" * 5000},
        {"version": "1" * 5000},
    ],
    ids=lambda field: next(iter(field)),
)
def test_what_a_peer_says_is_quoted_and_cut(field):
    with pytest.raises(HandshakeError) as caught:
        check(request := new_request(**field))
        check_origin(request, ())
    assert len(caught.value.detail) < 400
    assert "…'" in caught.value.detail


def test_two_origins_are_malformed():
    """RFC 6454 §7.3: "MUST NOT include more than one Origin header field"."""
    request = new_request(("Origin", "http://example.com"), ("Origin", "http://example.com"))
    with pytest.raises(HandshakeError) as caught:
        check_origin(request, ("*",))
    assert caught.value.status == 400


# --- the answer -----------------------------------------------------------------------------


class Quiet(Sock):
    """A handler for the upgrade."""


def accepted(request=None, options=None, **upgrade):
    request = request or new_request()
    handler = Quiet(request)
    return accept(request, KEY, Upgrade(handler, **upgrade), options or Options())


def test_the_101_of_the_rfc():
    """RFC 6455 §1.3, §4.2.2."""
    acceptance = accepted()
    assert acceptance.head == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )
    assert acceptance.agreement is None


def test_headers_and_subprotocol_of_the_application_are_on_the_101():
    """No header may be lost on the 101."""
    head = accepted(
        new_request(("Sec-WebSocket-Protocol", "a, b")),
        subprotocol="b",
        headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
    ).head
    assert b"\r\nSec-WebSocket-Protocol: b\r\n" in head
    assert head.endswith(b"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n")


def test_a_subprotocol_that_was_not_offered_is_the_handlers_mistake():
    """RFC 6455 §4.2.2, 5."""
    for offered in ([], [("Sec-WebSocket-Protocol", "a, B")]):
        with pytest.raises(HandlerError, match=r"§4\.2\.2"):
            accepted(new_request(*offered), subprotocol="b")


@pytest.mark.parametrize(
    "name",
    [
        "Upgrade",
        "connection",
        "Sec-WebSocket-Accept",
        "sec-websocket-protocol",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Transfer-Encoding",
    ],
)
def test_what_the_host_says_the_application_cannot(name):
    """RFC 6455 §4.2.2; RFC 9110 §8.6: no Content-Length in a 1xx."""
    with pytest.raises(HandlerError, match=name):
        accepted(headers={name: "x"})


def test_a_header_of_the_application_is_sent_as_utf_8():
    """[S13.10] RFC 9110 §5.5."""
    head = accepted(headers={"X-Name": "Łukasz é"}).head
    assert head.endswith("\r\nX-Name: Łukasz é\r\n\r\n".encode())


def test_compression_is_agreed_on_when_it_is_offered_and_on():
    """RFC 7692 §5.1."""
    offered = new_request(
        ("Sec-WebSocket-Extensions", "other"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
    )
    on = Options(compression=Compression(window=11))
    acceptance = accepted(offered, on)
    assert acceptance.agreement == Agreement(False, False, 11, 11)
    field = f"Sec-WebSocket-Extensions: {acceptance.agreement.header()}\r\n"
    assert field.encode() in acceptance.head
    for request, options in ((offered, Options()), (new_request(), on)):
        assert accepted(request, options).agreement is None
        assert b"Extensions" not in accepted(request, options).head
