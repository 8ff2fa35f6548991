import ssl

import pytest

from sock.testing.wire import Target

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("ws://127.0.0.1:8000", "127.0.0.1:8000", "/"),
        ("ws://localhost/a/b?c=d", "localhost", "/a/b?c=d"),
        ("ws://[::1]:9/x", "[::1]:9", "/x"),
        ("wss://localhost/", "localhost", "/"),
        ("wss://localhost:444/", "localhost:444", "/"),
    ],
)
def test_a_url_is_read(url, authority, path):
    target = Target.of(url)
    assert (target.authority, target.path) == (authority, path)
    assert target.url.startswith(url.partition(":")[0] + "://" + authority)


@pytest.mark.parametrize("url", ["http://a/", "ws:///", "ws://a:b/", "ws://a/#b", "chat:app"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(ValueError, match=r"ws://HOST:PORT/PATH|no URL"):
        Target.of(url)


def test_the_origin_has_the_scheme_of_pages():
    assert Target.of("ws://localhost:1/").origin == "http://localhost:1"
    assert Target.of("wss://localhost/").origin == "https://localhost"


def test_insecure_takes_any_certificate():
    assert Target.of("wss://localhost/").tls.verify_mode is ssl.CERT_REQUIRED
    assert Target.of("wss://localhost/", insecure=True).tls.verify_mode is ssl.CERT_NONE


def test_loopback_is_told_from_other_hosts():
    assert Target.of("ws://127.0.0.1:1/").is_loopback()
    assert Target.of("ws://[::1]:1/").is_loopback()
    assert not Target.of("ws://192.0.2.1:1/").is_loopback()
