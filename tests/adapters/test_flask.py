"""Flask's routes, on werkzeug."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request

import pytest

flask = pytest.importorskip("flask")

from flask import Flask, abort, current_app, g, request, session
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sock import Options, Refuse, Sock
from sock.adapters import flask as adapter
from sock.pubsub import PubSub
from tests.adapters.wsgi.conftest import background as background
from tests.adapters.wsgi.conftest import connect as connect
from tests.adapters.wsgi.conftest import werkzeug as werkzeug

BOUND = 15.0


class Echo(Sock):
    def handle_in(self, message):
        return message


@pytest.fixture
def app():
    made = adapter.setup(Flask("of_a_test"))
    made.secret_key = "of a test"
    return made


@pytest.fixture
def get():
    def ask(port, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=BOUND) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.status, error.read().decode()

    return ask


@pytest.fixture
def status_of(connect):
    def ask(url, **how):
        with pytest.raises(InvalidStatus) as refused:
            connect(url, **how)
        return refused.value.response.status_code, refused.value.response.body.decode()

    return ask


def test_callbacks_see_what_the_route_has_seen(app, werkzeug, connect):
    class Looks(Sock):
        def handle_in(self, message):
            seen = (current_app.name, g.user, session["user"], request.args["a"])
            return " ".join(
                (*seen, request.view_args["room"], self.ref.request.path_params["room"])
            )

        def init(self, ref):
            self.ref = ref

    @app.route("/rooms/<room>", websocket=True)
    def room(room):
        g.user = session["user"] = request.args["user"]
        return adapter.upgrade(Looks(None), Options(max_message_size=100), headers={"X-Own": room})

    @app.after_request
    def mark(response):
        response.headers["X-After"] = "request"
        return response

    with werkzeug(app) as port:
        url = f"ws://127.0.0.1:{port}/rooms/red?a=b&user="
        clients = {user: connect(url + user) for user in ("ada", "bob")}
        for user, client in clients.items():
            client.send("who?")
            assert client.recv(timeout=BOUND) == f"of_a_test {user} {user} b red red"
            headers = client.response.headers
            assert headers["Set-Cookie"].startswith("session=")
            assert (headers["X-After"], headers["X-Own"]) == ("request", "red")
            assert "Content-Type" not in headers


def test_a_route_and_a_constructor_refuse_in_their_own_words(app, werkzeug, status_of, connect):
    class Choosy(Echo):
        def __init__(self, name):
            if name == "full":
                raise Refuse(409, "no room\n", {"X-Full": "yes"})

    @app.route("/rooms/<name>", websocket=True)
    def room(name):
        if name == "secret":
            abort(401)
        return adapter.upgrade(Choosy(name))

    with werkzeug(app) as port:
        url = f"ws://127.0.0.1:{port}/rooms/"
        assert status_of(url + "full") == (409, "no room\n")
        assert status_of(url + "secret")[0] == 401
        assert status_of(url + "red", origin="https://evil.example")[0] == 403
        connect(url + "red", origin=f"http://127.0.0.1:{port}")


def test_a_route_without_websocket_true_is_told_so(app, werkzeug, status_of):
    app.add_url_rule("/plain", view_func=lambda: adapter.upgrade(Echo(None)), endpoint="plain")
    with werkzeug(app) as port:
        status, told = status_of(f"ws://127.0.0.1:{port}/plain")
        assert (status, "without websocket=True" in told) == (400, True)


def test_an_ordinary_get_is_told_that_the_address_speaks_websocket(app, werkzeug, get):
    @app.route("/room", websocket=True)
    def room():
        return adapter.upgrade(Echo(None))

    @app.route("/both")
    def both():
        return adapter.upgrade(Echo(None))

    with werkzeug(app) as port:
        assert (
            get(port, "/room")
            == (
                426,
                "this address speaks WebSocket only (RFC 6455 §4.2.1)\n",
            )
            or get(port, "/room")[0] == 426
        )
        assert get(port, "/both")[0] == 426


def test_a_server_that_hides_its_socket_is_one_clear_error(app, background, caplog):
    @app.route("/room", websocket=True)
    def room():
        return adapter.upgrade(Echo(None))

    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    client = app.test_client()
    answer = client.get("/room", headers=handshake, environ_overrides={"SERVER_SOFTWARE": "x"})
    assert answer.status_code == 500
    assert "x does not give its socket away" in caplog.text


def test_an_exception_in_a_callback_is_one_error_also_under_the_debugger(
    app, werkzeug, connect, events
):
    from werkzeug.debug import DebuggedApplication

    class Raises(Sock):
        def handle_in(self, message):
            raise LookupError(message)

    @app.route("/room", websocket=True)
    def room():
        return adapter.upgrade(Raises(None))

    with werkzeug(DebuggedApplication(app, evalex=True)) as port:
        client = connect(f"ws://127.0.0.1:{port}/room")
        client.send("a message")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=BOUND)
        assert closed.value.rcvd.code == 1011
    failed = [fields for event, fields in events if event == "callback.failed"]
    assert [repr(one["error"]) for one in failed] == ["LookupError('a message')"]


def test_a_handler_that_blocks_the_loop_is_named_in_debug_mode(app, werkzeug, connect, events):
    class Blocks(Sock):
        def handle_in(self, message):
            time.sleep(0.15)
            return "done"

    @app.route("/room", websocket=True)
    def room():
        return adapter.upgrade(Blocks(None))

    app.debug = True
    with werkzeug(app) as port:
        client = connect(f"ws://127.0.0.1:{port}/room")
        client.send("a message")
        assert client.recv(timeout=BOUND) == "done"
    [slow] = [fields for event, fields in events if event == "callback.slow"]
    assert "Blocks.handle_in" in slow["place"]


def test_routes_publish_to_topics_from_their_threads(app, werkzeug, connect, get):
    rooms = PubSub("memory:")

    class Room(Sock):
        async def init(self, ref):
            await rooms.attach("red", ref)
            return "attached"

    @app.route("/room", websocket=True)
    def room():
        return adapter.upgrade(Room(None))

    @app.get("/tell/<text>")
    def tell(text):
        adapter.call(rooms.broadcast("red", text))
        rooms.broadcast_soon("red", text.upper()).result(BOUND)
        return str(len(rooms.subscribers("red")))

    with werkzeug(app) as port:
        client = connect(f"ws://127.0.0.1:{port}/room")
        assert client.recv(timeout=BOUND) == "attached"
        assert get(port, "/tell/hello") == (200, "1")
        assert [client.recv(timeout=BOUND) for _ in range(2)] == ["hello", "HELLO"]


def test_a_route_publishes_where_there_has_been_no_connection_yet(background, tmp_path):
    rooms = PubSub(f"host:{tmp_path}")
    messages = [rooms.broadcast_soon("red", str(number)) for number in range(3)]
    assert [one.result(BOUND) for one in messages] == [None] * 3
    assert background.of_process().loop.is_running()


def test_a_whole_application_is_a_view(app, werkzeug, connect, get):
    view = adapter.handler(Echo)
    app.add_url_rule("/echo", "socket", view, websocket=True)
    app.add_url_rule("/echo", "plain", view)
    with werkzeug(app) as port:
        client = connect(f"ws://127.0.0.1:{port}/echo")
        client.send("hello")
        assert client.recv(timeout=BOUND) == "hello"
        assert get(port, "/echo")[0] == 426


def test_no_thread_is_left_to_a_connection(app, werkzeug, connect):
    @app.route("/room", websocket=True)
    def room():
        return adapter.upgrade(Echo(None))

    with werkzeug(app) as port:
        client = connect(f"ws://127.0.0.1:{port}/room")
        client.send("a")
        client.recv(timeout=BOUND)
        before = {one for one in threading.enumerate() if "process_request" in one.name}
        clients = [connect(f"ws://127.0.0.1:{port}/room") for _ in range(10)]
        for one in clients:
            one.send("b")
            assert one.recv(timeout=BOUND) == "b"
        for one in {one for one in threading.enumerate() if "process_request" in one.name}:
            one.join(BOUND)
        assert not before & set(threading.enumerate())
