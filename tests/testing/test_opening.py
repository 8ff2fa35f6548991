import functools

import pytest

import sock
from sock import Compression, Options, Sock, testing


class Echo(Sock):
    def handle_in(self, message):
        return message


def test_a_target_becomes_a_request():
    with testing.open(
        Echo, "/a?b=c", headers={"X-D": "e"}, subprotocols=["f"], cookies={"g": "h"}
    ) as session:
        request = session.request
        assert (request.path, request.query["b"], request.headers["x-d"]) == ("/a", "c", "e")
        assert (request.subprotocols, request.cookies["g"]) == (["f"], "h")


def test_an_ordinary_request_is_answered():
    def app(request):
        return sock.Response(200, request.method.encode() + b" " + request.body)

    with testing.open(app, "/", method="POST", body=b"hello") as session:
        assert session.response == sock.Response(200, b"POST hello")


def test_a_whole_request_is_taken_as_it_is():
    request = testing.request("/", path_params={"room": 7})
    with testing.open(Echo, request) as session:
        assert session.request is request


@pytest.mark.parametrize(
    "more",
    [
        {"method": "POST"},
        {"body": b"hello"},
        {"headers": {"A": "b"}},
        {"subprotocols": ["a"]},
        {"cookies": {"a": "b"}},
    ],
)
def test_a_whole_request_takes_no_more(more):
    with pytest.raises(TypeError, match="whole request"):
        testing.open(Echo, testing.request(), **more)


def test_nothing_is_offered_to_compress_unless_asked():
    with testing.open(Echo, options=Options(compression=True)) as session:
        assert "sec-websocket-extensions" not in session.head


def test_how_to_compress_may_be_said():
    offered = Compression(window=9, takeover=False)
    options = Options(compression=True)
    with testing.open(Echo, compression=offered, options=options) as session:
        assert "server_max_window_bits=9" in session.head["Sec-WebSocket-Extensions"]
        assert "server_no_context_takeover" in session.head["Sec-WebSocket-Extensions"]


async def asgi_application(scope, receive, send):
    pass


class AsgiFramework:
    async def __call__(self, scope, receive, send):
        pass


@pytest.mark.parametrize("app", [asgi_application, AsgiFramework(), sock.asgi(Echo)])
def test_an_asgi_application_is_one_clear_error(app):
    with pytest.raises(
        TypeError, match=r"ASGI application, called with scope.* argument of sock\.asgi"
    ):
        testing.open(app)


def test_what_cannot_be_called_is_one_clear_error():
    with pytest.raises(TypeError, match="type 'Echo' cannot be called"):
        testing.open(Echo(testing.request()))


class Room(Sock):
    def __init__(self, request, rooms=None, name=""):
        self.rooms = rooms


def anything(*given, **named):
    return Echo(*given, **named)


@pytest.mark.parametrize("app", [Room, functools.partial(Room, rooms={}), anything])
def test_an_application_may_take_more_than_a_request(app):
    with testing.open(app) as session:
        assert not session.closed
