import copy
import pickle
import re
from http.cookies import SimpleCookie

import pytest

from sock import Headers, MultiMapping, Request
from sock.spec.tls import TLSInfo

again = pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],  # noqa: S301 - our own
    ids=["copy", "deepcopy", "pickle"],
)


def cookies(*fields):
    return Request(raw_headers=[(b"cookie", field.encode("latin-1")) for field in fields]).cookies


class TestMultiMapping:
    def test_the_first_value_is_the_one_that_is_got(self):
        mapping = MultiMapping([("c", "red"), ("d", ""), ("c", "blue")])
        assert mapping["c"] == "red"
        assert mapping.get("c") == "red"
        assert mapping.get("missing", "none") == "none"

    def test_all_values_can_be_had_in_order(self):
        mapping = MultiMapping([("c", "red"), ("d", ""), ("c", "blue")])
        assert mapping.get_all("c") == ["red", "blue"]
        assert mapping.get_all("missing") == []
        assert mapping.pairs() == [("c", "red"), ("c", "blue"), ("d", "")]

    def test_what_is_given_out_is_not_its_own(self):
        mapping = MultiMapping([("c", "red")])
        mapping.get_all("c").append("blue")
        assert mapping.get_all("c") == ["red"]

    def test_a_name_is_counted_once(self):
        mapping = MultiMapping([("c", "red"), ("c", "blue")])
        assert len(mapping) == 1
        assert list(mapping) == ["c"]

    def test_a_missing_name_is_a_key_error(self):
        with pytest.raises(KeyError, match="name"):
            MultiMapping()["name"]

    def test_what_is_no_name_is_not_in_it(self):
        assert "c" in MultiMapping([("c", "")])
        assert "C" not in MultiMapping([("c", "")])
        assert 7 not in MultiMapping([("c", "")])
        assert None not in Headers([("c", "")])

    def test_every_value_counts_when_two_are_compared(self):
        one = MultiMapping([("c", "red"), ("c", "blue")])
        assert one == MultiMapping([("c", "red"), ("c", "blue")])
        assert one != MultiMapping([("c", "red")])
        assert one != MultiMapping([("c", "blue"), ("c", "red")])

    def test_it_equals_a_plain_mapping_when_no_name_has_several_values(self):
        assert MultiMapping([("a", "1"), ("b", "2")]) == {"b": "2", "a": "1"}
        assert MultiMapping([("a", "1"), ("a", "2")]) != {"a": "1"}
        assert MultiMapping([("a", "1")]) != {"a": "1", "b": "2"}
        assert MultiMapping([("a", "1")]) != {1: "1"}
        assert MultiMapping() == {}
        assert MultiMapping([("a", "1")]) != [("a", "1")]

    def test_it_has_no_hash_as_a_dict_has_none(self):
        with pytest.raises(TypeError, match="unhashable"):
            hash(MultiMapping())

    def test_it_matches_as_a_mapping(self):
        match MultiMapping([("name", "ada"), ("room", "7")]):
            case {"name": name}:
                assert name == "ada"

    def test_it_shows_every_value(self):
        assert (
            repr(MultiMapping([("c", "1"), ("c", "2")])) == "MultiMapping([('c', '1'), ('c', '2')])"
        )

    @again
    def test_it_can_be_copied_and_pickled(self, again):
        headers = Headers([("Accept", "a"), ("accept", "b")])
        assert again(headers) == headers
        assert again(headers).get_all("ACCEPT") == ["a", "b"]


class TestHeaders:
    def test_names_are_found_in_any_case(self):
        headers = Headers([("Accept", "text/html")])
        assert headers["ACCEPT"] == headers["accept"] == "text/html"
        assert "aCCept" in headers
        assert list(headers) == ["accept"]

    def test_they_are_compared_in_any_case(self):
        assert Headers([("Accept", "a")]) == Headers([("ACCEPT", "a")])
        assert Headers([("Accept", "a")]) == {"ACCEPT": "a"}
        assert Headers([("Accept", "a")]) != {"ACCEPT": "A"}

    def test_a_list_is_read_over_all_its_fields(self):
        # RFC 9110 §5.6.1.2: "A recipient MUST parse and ignore a reasonable number of empty list
        # elements".
        headers = Headers(
            [("Connection", "keep-alive ,,\tUpgrade"), ("connection", ""), ("connection", "x")]
        )
        assert headers.get_list("connection") == ["keep-alive", "Upgrade", "x"]
        assert headers.get_list("upgrade") == []

    def test_they_show_themselves(self):
        assert repr(Headers([("A", "1")])) == "Headers([('a', '1')])"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", {}),
        ("/rooms/7", "/rooms/7", {}),
        ("/rooms/7?", "/rooms/7", {}),
        ("/?name=ada&room=7", "/", {"name": "ada", "room": "7"}),
        ("/rooms/7%20b/%C3%A4", "/rooms/7 b/ä", {}),
        ("/a%2Fb", "/a/b", {}),
        ("/a+b?c+d=e+f", "/a+b", {"c d": "e f"}),
        ("/a?b?c=d", "/a", {"b?c": "d"}),
        ("/a?b=c://d", "/a", {"b": "c://d"}),
        ("/%zz?%zz=%z", "/%zz", {"%zz": "%z"}),
        ("/%ff?%ff=%ff", "/\ufffd", {"\ufffd": "\ufffd"}),
        ("/?flag&empty=", "/", {"flag": "", "empty": ""}),
        ("/?&&=&a=1;b=2", "/", {"": "", "a": "1;b=2"}),
        ("//host/path?x=1", "//host/path", {"x": "1"}),
        ("/http://host/path", "/http://host/path", {}),
        ("http://host/path?x=1", "/path", {"x": "1"}),
        ("https://user@host:8443/a%20b", "/a b", {}),
        ("http://host", "/", {}),
        ("http://host?x=1", "/", {"x": "1"}),
        ("http://host/", "/", {}),
        ("*", "*", {}),
        ("host:443", "host:443", {}),
        ("://host/path", "://host/path", {}),
        ("", "", {}),
    ],
)
def test_the_target_is_a_path_and_a_query(target, path, query):
    # RFC 9112 §3.2: origin-form, absolute-form, asterisk-form, authority-form
    request = Request("GET", target)
    assert request.path == path
    assert request.query == query


def test_a_name_in_the_query_may_have_several_values():
    assert Request("GET", "/?c=red&c=blue").query.get_all("c") == ["red", "blue"]


def test_what_is_read_is_read_once():
    request = Request("GET", "/?a=1", [(b"Cookie", b"a=1")])
    assert request.query is request.query
    assert request.headers is request.headers
    assert request.cookies is request.cookies


def test_a_request_is_a_get_of_the_root_unless_it_is_told():
    request = Request()
    assert (request.method, request.target, request.path) == ("GET", "/", "/")
    assert (request.http_version, request.scheme) == ("1.1", "http")
    assert (request.client, request.server) == (None, None)
    assert (request.headers, request.cookies, request.subprotocols) == ({}, {}, [])
    assert (request.path_params, request.state) == ({}, {})


def test_a_host_says_who_asks_and_how():
    request = Request(
        "GET",
        "/rooms/7",
        http_version="2",
        scheme="https",
        client=("10.0.0.1", 5000),
        server=("10.0.0.2", 443),
        path_params={"room": 7},
    )
    assert (request.http_version, request.scheme) == ("2", "https")
    assert (request.client, request.server) == (("10.0.0.1", 5000), ("10.0.0.2", 443))
    assert request.path_params == {"room": 7}


TEXTS = [
    (b"plain", "plain"),
    ("é 日本 🎉".encode(), "é 日本 🎉"),
    (b"J\xfcrgen", "Jürgen"),
    (b"\xe9\xa0", "é\xa0"),  # half a character of UTF-8
    (b"\xed\xa0\x80", "í\xa0\x80"),  # a surrogate is none
]


@pytest.mark.parametrize(("raw", "text"), TEXTS)
def test_header_fields_are_utf_8_where_they_can_be_and_else_latin_1(raw, text):
    """[S13.10] RFC 9110 §5.5."""
    request = Request(raw_headers=[(b"X-Name", raw), (b"x-name", b"\xff")])
    assert request.headers.get_all("x-name") == [text, "ÿ"]


@pytest.mark.parametrize(("raw", "text"), TEXTS)
def test_a_cookie_is_utf_8_where_it_can_be_and_else_latin_1_whatever_the_others_are(raw, text):
    """[S13.10]"""
    field = b"a=" + raw + b'; b="' + raw + b'"; ' + raw.replace(b" ", b"_") + b"=c; d=\xff"
    name = text.replace(" ", "_")
    assert Request(raw_headers=[(b"Cookie", field)]).cookies == {
        "a": text,
        "b": text,
        name: "c",
        "d": "ÿ",
    }


def test_a_blank_that_is_none_of_http_stays_in_a_cookie():
    assert Request(raw_headers=[(b"cookie", b"\ta=\xa0x\xa0 ;")]).cookies == {"a": "\xa0x\xa0"}


def test_the_subprotocols_offered_are_in_the_order_of_liking():
    request = Request(
        raw_headers=[(b"Sec-WebSocket-Protocol", b"b, a"), (b"sec-websocket-protocol", b"c")]
    )
    assert request.subprotocols == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("field", "read"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2;", {"a": "1", "b": "2"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=", {"a": ""}),
        ("a = 1", {"a": "1"}),
        ('a="1 2"', {"a": "1 2"}),
        ('a=""', {"a": ""}),
        ('a="', {"a": '"'}),
        ('a="1', {"a": '"1'}),
        ('a=1"', {"a": '1"'}),
        (r'a="1\073 \"2\" \\ \054"', {"a": r'1; "2" \ ,'}),
        (r"a=1\0732", {"a": r"1\0732"}),
        (r'a="\303\251 \342\202\254 \351"', {"a": "é € é"}),  # Werkzeug's, and http.cookies'
        ("none; =1; ; a=1", {"a": "1"}),
        ("$Version=1; [x]=2; a=1", {"$Version": "1", "[x]": "2", "a": "1"}),
        ("", {}),
    ],
)
def test_cookies_are_read_and_what_is_none_spoils_no_other(field, read):
    assert cookies(field) == read


@pytest.mark.parametrize(
    "value", ["plain", "two words", 'a"b', "a;b,c", "back\\slash", "é", "\x01"]
)
def test_what_python_writes_into_a_cookie_is_read_back(value):
    assert cookies(SimpleCookie({"a": value}).output(header="").partition(";")[0])["a"] == value


def test_a_cookie_that_is_there_twice_is_the_first_one():
    # RFC 6265 §5.4: "Cookies with longer paths are listed before cookies with shorter paths."
    assert cookies("a=1; a=2", "a=3")["a"] == "1"
    assert cookies("a=1; a=2", "a=3").get_all("a") == ["1", "2", "3"]


def test_what_middleware_leaves_in_the_state_stays_there():
    request = Request()
    request.state["user"] = "ada"
    assert request.state == {"user": "ada"}
    assert Request().state == {}


@again
def test_a_request_can_be_copied_and_pickled(again):
    request = Request("GET", "/rooms/7?name=ada", [(b"Cookie", b"a=1")], path_params={"room": 7})
    request.state["user"] = "ada"
    copied = again(request)
    assert (copied.path, copied.query, copied.cookies) == ("/rooms/7", {"name": "ada"}, {"a": "1"})
    assert (copied.path_params, copied.state) == ({"room": 7}, {"user": "ada"})


def test_a_request_shows_what_is_asked():
    assert repr(Request("GET", "/rooms/7?name=ada")) == "Request('GET', '/rooms/7?name=***')"


class Peer:
    """Knows the addresses, and counts how often it was asked."""

    asked = 0
    tls = None

    @property
    def client(self):
        self.asked += 1
        return "10.0.0.1", 5000

    @property
    def server(self):
        return "10.0.0.2", 443


def of_head(peer=None):
    return Request.of_head(
        "GET", "/a?b=c", b"Host: a\r\nX: \t1 \r\nx:2\r\n", http_version="1.1", peer=peer
    )


def test_the_lines_of_a_head_are_read_when_asked():
    request = of_head()
    assert (request.method, request.path, request.query["b"]) == ("GET", "/a", "c")
    assert request.raw_headers == [(b"Host", b"a"), (b"X", b"1"), (b"x", b"2")]
    assert request.headers.get_all("x") == ["1", "2"]
    assert (request.client, request.server) == (None, None)


def test_a_peer_is_asked_for_its_addresses_once_and_when_asked():
    peer = Peer()
    request = of_head(peer)
    assert peer.asked == 0
    assert request.server == ("10.0.0.2", 443)
    assert request.client == request.client == ("10.0.0.1", 5000)
    assert peer.asked == 1


def test_a_peer_that_speaks_tls_makes_the_request_https():
    peer = Peer()
    peer.tls = TLSInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    request = of_head(peer)
    assert (request.tls, request.scheme) == (peer.tls, "https")
    assert (of_head(Peer()).tls, of_head(Peer()).scheme) == (None, "http")


def test_what_is_set_stays_whatever_the_peer_says():
    request = of_head(Peer())
    request.client = ("192.0.2.1", 1)
    assert (request.client, request.server) == (("192.0.2.1", 1), ("10.0.0.2", 443))
    request = of_head(Peer())
    request.server = None
    assert (request.client, request.server) == (("10.0.0.1", 5000), None)


def test_header_fields_that_are_set_are_read_anew():
    request = of_head()
    assert request.cookies == {}
    request.notable = {"host": ["a"]}
    request.raw_headers = [(b"Cookie", b"a=1")]
    assert request.cookies == {"a": "1"}
    assert request.headers == {"cookie": "a=1"}
    assert request.notable is None


def test_the_root_path_is_what_is_not_in_the_path():
    assert Request().root_path == ""
    request = Request("GET", "/api/rooms/7?x=1", root_path="/api")
    request.path = "/rooms/7"
    assert (request.root_path, request.path, request.target) == (
        "/api",
        "/rooms/7",
        "/api/rooms/7?x=1",
    )
    assert request.query["x"] == "1"


def test_an_id_is_made_when_it_is_read_and_stays():
    first, second = Request(), Request()
    assert re.fullmatch("[0-9a-f]{16}", first.id)
    assert first.id == first.id != second.id


def test_middleware_may_set_the_id():
    request = Request()
    request.id = "of-the-proxy"
    assert request.id == "of-the-proxy"
