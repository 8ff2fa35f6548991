"""RFC 6454: what an origin is, and which of them are listed. [S14.7]"""

import functools
import re

import pytest

from sock import HandlerError, Options, Request
from sock.spec.origin import is_listed, parse_host, parse_origin

REQUEST = Request("GET", "/rooms/7")


def lists(origin, *listed):
    return is_listed(origin, REQUEST, Options(origins=listed).origins)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://example.com",
        "HTTPS://Example.COM",
        "http://localhost:8000",
        "http://[::1]:8000",
        "https://xn--bcher-kva.example",
        "https://*.example.com",
        "https://*.example.com:8443",
        "chrome-extension://abcdefghijklmnopabcdefhijklmnop",
        "moz-extension://f1b2d3e4-0000-4000-8000-000000000000",
        "capacitor://localhost",
        "app://-",
        "app://.",
        "file://",
        "content://",
    ],
)
def test_an_origin_is_listed_as_a_browser_writes_it(origin):
    assert Options(origins=origin).origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "example.com",
        "example.com:8000",
        "//example.com",
        "https://",
        "HTTP://",
        "wss://",
        "file:",
        "file://:80",
        "https://example.com?x",
        "https://user@example.com",
        "https://*",
        "https://*example.com",
        "https://*.*.example.com",
        "https://www.*.com",
        "https://*.[::1]",
        "*.example.com",
        "*://example.com",
        "Null",
        "https://example.com:",
        "https://example.com:port",
        "https://bücher.example",
        "https://example.com ",
        "https://example.com\n",
        "https://a.example,https://b.example",
    ],
)
def test_what_no_browser_sends_as_its_origin_is_refused(origin):
    with pytest.raises(ValueError, match=r"is not an origin such as .* \(RFC 6454 §6\.2\)"):
        Options(origins=["https://example.com", origin])


@pytest.mark.parametrize(
    ("origin", "better"),
    [
        ("https://example.com/", "https://example.com"),
        ("https://*.example.com:8000/path?x", "https://*.example.com:8000"),
        ("file:///", "file://"),
    ],
)
def test_of_an_origin_with_a_slash_behind_it_the_error_says_what_to_write(origin, better):
    line = f"{origin!r} is not an origin, because of the slash behind it. Write {better!r} "
    with pytest.raises(ValueError, match=re.escape(line)):
        Options(origins=origin)
    assert Options(origins=better).origins == (better,)


@pytest.mark.parametrize("origins", [None, [None], [b"https://a.example"], 7])
def test_origins_are_text_or_functions(origins):
    with pytest.raises(
        TypeError, match=r"an origin is a str or a f|origins are a str|not iterable"
    ):
        Options(origins=origins)


@pytest.mark.parametrize(
    ("authority", "parsed"),
    [
        ("Example.COM", "example.com"),
        ("example.com:", "example.com"),
        ("example.com:8000", "example.com"),
        ("[0:0:0::1]:80", "[::1]"),
        ("[1:2]", None),
        ("user@example.com", None),
        ("", None),
    ],
)
def test_a_host_is_compared_without_case_and_in_one_form(authority, parsed):
    assert parse_host(authority) == parsed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com", "HTTPS://Example.COM:443"),
        ("http://example.com:80", "http://example.com"),
        ("http://[0:0::1]:3000", "http://[::1]:3000"),
        ("FILE://", "file://"),
    ],
)
def test_default_ports_and_case_make_no_other_origin(one, other):
    """RFC 6454 §4, §5."""
    assert parse_origin(one) == parse_origin(other) is not None
    assert lists(one, other)
    assert lists(other, one)


@pytest.mark.parametrize(
    "origin", ["null", "", "https://", "http://", "https://[1:2]", "a b", "https://a/", "file:///a"]
)
def test_what_is_no_origin_is_none(origin):
    assert parse_origin(origin) is None


@pytest.mark.parametrize(
    ("listed", "origin", "let_in"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:444", False),
        ("https://a.example", "https://b.a.example", False),
        ("file://", "file://", True),
        ("file://", "content://", False),
        ("file://", "null", False),
        ("null", "null", True),
        ("null", "https://a.example", False),
        ("moz-extension://f1b2", "moz-extension://F1B2", True),
        ("moz-extension://f1b2", "chrome-extension://f1b2", False),
        ("app://-", "app://-", True),
        ("app://.", "app://.", True),
        ("*", "https://a.example", True),
        ("*", "null", True),
        ("*", "nonsense", True),
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://b.a.EXAMPLE.com:443", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://.example.com", False),
        ("https://*.example.com", "https://badexample.com", False),
        ("https://*.example.com", "https://a.example.com.evil.com", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com", "https://a.example.com:8443", False),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        ("https://*.example.com:8443", "https://a.example.com", False),
        ("app://*.local", "app://a.local", True),
        ("https://*.example.com", "null", False),
        ("https://*.example.com", "nonsense", False),
    ],
)
def test_an_origin_that_is_listed_is_let_in_and_no_other(listed, origin, let_in):
    """[S14.7]"""
    assert lists(origin, listed) is let_in
    assert lists(origin, "https://other.example", listed) is let_in


def test_no_origin_is_let_in_where_none_is_listed():
    assert not lists("https://a.example")


def test_a_function_is_given_the_origin_as_it_came_and_the_request():
    """[S14.7]"""
    asked = []

    def check(origin, request):
        asked.append((origin, request))
        return origin.startswith("https://PREVIEW-")

    assert lists("https://PREVIEW-7.example", check)
    assert not lists("about:blank", check)
    assert asked == [("https://PREVIEW-7.example", REQUEST), ("about:blank", REQUEST)]


def test_a_function_is_asked_when_nothing_else_lists_the_origin():
    def check(origin, request):
        raise LookupError

    assert lists("https://a.example", check, "https://a.example")
    assert lists("https://b.example", lambda origin, request: False, lambda origin, request: True)
    assert not lists("https://b.example", lambda origin, request: False)


def test_what_a_function_raises_is_the_applications_mistake():
    """[S14.7]"""

    def check(origin, request):
        raise LookupError("no such tenant")

    with pytest.raises(HandlerError, match=r"'.*check' of origins raised LookupError") as caught:
        lists("https://a.example", check)
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("answer", [None, 1, "yes", "", [1]])
def test_a_function_answers_true_or_false(answer):
    with pytest.raises(HandlerError, match=rf"returned {type(answer).__name__}, not True or"):
        lists("https://a.example", lambda origin, request: answer)


async def later(origin, request):
    return False


class Later:
    async def __call__(self, origin, request):
        return False


@pytest.mark.parametrize("check", [later, functools.partial(later), Later()])
def test_an_asynchronous_function_is_refused(check):
    with pytest.raises(TypeError, match=r"of origins is asynchronous; .* Refuse\(403\)"):
        Options(origins=check)


def test_a_coroutine_lets_nobody_in():
    """It is true, as all objects are."""

    def check(origin, request):
        return later(origin, request)

    with pytest.raises(HandlerError, match="returned coroutine"):
        lists("https://a.example", check)
