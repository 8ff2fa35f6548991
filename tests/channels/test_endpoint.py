"""The handshake of a socket, and what an endpoint offers to the program."""

import base64
import threading

import pytest

from sock import Application, Options, Refuse, Response, Routes, mount, testing
from sock.channels import Channel, Endpoint, Mount, Socket, Token, on
from sock.pubsub import PubSub

pytestmark = pytest.mark.one_form


class Room(Channel): ...


class UserSocket(Socket):
    channels = {"room:*": Room}
    seen = []

    def connect(self, params, info):
        self.seen.append((params, info))
        if params.get("refuse"):
            raise Refuse(int(params["refuse"]), "no")


class Asynchronous(UserSocket):
    async def connect(self, params, info):
        super().connect(params, info)


@pytest.fixture(autouse=True)
def seen():
    UserSocket.seen.clear()
    return UserSocket.seen


def endpoint(sockets=None, **options):
    return Endpoint(sockets or {"/socket": UserSocket}, pubsub=PubSub("memory:"), **options)


def status(app, target, **how):
    with testing.open(app, target, **how) as session:
        return 101 if session.response is None else session.response.status


def bearer(token):
    return "base64url.bearer.phx." + base64.b64encode(token.encode()).decode().rstrip("=")


@pytest.mark.parametrize("kind", [UserSocket, Asynchronous])
def test_the_parameters_are_those_of_the_query_and_of_the_path(kind, seen):
    app = endpoint({"/ws/{user_id}": kind})
    assert status(app, "/ws/7/websocket?a%5Bb%5D=1&vsn=2.0.0&") == 101
    ((params, info),) = seen
    assert params == {"a": {"b": "1"}, "vsn": "2.0.0", "user_id": "7"}
    assert (info.transport, info.auth_token) == ("websocket", None)
    assert info.request.path == "/ws/7/websocket"


@pytest.mark.parametrize("kind", [UserSocket, Asynchronous])
def test_connect_may_refuse_with_any_status(kind):
    app = endpoint({"/socket": kind})
    assert status(app, "/socket/websocket?refuse=401") == 401
    assert status(app, "/socket/websocket?refuse=429") == 429


@pytest.mark.parametrize(
    "vsn", ["2.0", "2", "", "3.0.0", "2.1.0", "1.1.0", "0.9.0", "2.0.0-dev", "x", "2.0.0%20"]
)
def test_a_version_that_nobody_speaks_is_refused_before_connect(vsn, seen):
    assert status(endpoint(), f"/socket/websocket?vsn={vsn}") == 403
    assert status(endpoint(), f"/socket/websocket?vsn[]={vsn}") == 403
    assert seen == []


@pytest.mark.parametrize("query", ["", "?vsn=1.0.0", "?vsn=2.0.7", "?&&"])
def test_a_version_that_is_known_or_not_named_is_let_in(query):
    assert status(endpoint(), f"/socket/websocket{query}") == 101


@pytest.mark.parametrize("path", ["/", "/socket", "/socket/websocket/", "/websocket", "/other"])
def test_every_other_path_is_404(path):
    assert status(endpoint(), path) == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_plain_request_is_told_to_upgrade(method):
    request = testing.request("/socket/websocket", method=method, upgrade=False)
    assert status(endpoint(), request) == 426


def agreed(app, *subprotocols):
    with testing.open(app, "/socket/websocket", subprotocols=subprotocols) as session:
        if session.response is not None:
            return session.response.status
        return session.head.get("Sec-WebSocket-Protocol")


def test_the_token_is_taken_out_of_the_subprotocols_and_never_echoed(seen):
    app = endpoint(auth_token=True)
    assert agreed(app, "phoenix", bearer("secret")) == "phoenix"
    assert seen[-1][1].auth_token == "secret"
    assert agreed(app) is None
    assert agreed(app, "phoenix", bearer("a"), bearer("b")) == "phoenix"
    assert seen[-1][1].auth_token is None


def test_a_token_is_ignored_where_none_is_asked_for(seen):
    assert agreed(endpoint(), "phoenix", bearer("secret")) == "phoenix"
    assert seen[-1][1].auth_token is None


def test_a_token_that_cannot_be_decoded_and_an_unknown_subprotocol_are_refused(seen):
    app = endpoint(auth_token=True)
    assert agreed(app, "phoenix", "base64url.bearer.phx.%") == 403
    assert agreed(app, "other") == 403
    assert seen == []


def test_a_mount_has_settings_of_its_own(seen):
    app = endpoint(
        {
            "/socket": Mount(socket=UserSocket, subprotocols=["v9"], auth_token=True),
            "/other": Mount(socket=UserSocket, path="/ws"),
        }
    )
    assert agreed(app, "v9", bearer("x")) == "v9"
    assert seen[-1][1].auth_token == "x"
    assert status(app, "/other/ws") == 101


def test_origins_are_checked_before_connect_and_for_each_socket(seen):
    app = endpoint(
        {
            "/socket": Mount(socket=UserSocket, origins=["https://*.example.com"]),
            "/any": Mount(socket=UserSocket, origins="*"),
            "/own": Mount(socket=UserSocket, origins=()),
        }
    )

    def enter(path, origin):
        return status(app, f"{path}/websocket", headers={"Origin": origin})

    assert enter("/socket", "https://a.b.example.com") == 101
    assert enter("/socket", "https://evil.com") == 403
    assert enter("/socket", "null") == 403
    assert enter("/any", "https://evil.com") == 101
    assert enter("/own", "http://localhost") == 101
    assert enter("/own", "https://evil.com") == 403
    assert len(seen) == 3


def test_without_origins_the_host_decides():
    app = endpoint()
    how = {"headers": {"Origin": "https://friend.com"}}
    assert status(app, "/socket/websocket", **how) == 403
    assert (
        status(app, "/socket/websocket", options=Options(origins="https://friend.com"), **how)
        == 101
    )


def test_limits_are_those_of_the_endpoint_and_over_them_those_of_the_socket():
    class Small(UserSocket):
        options = Options(max_message_size=100)

    app = endpoint({"/small": Small, "/large": UserSocket}, options=Options(max_message_size=200))
    codes = {}
    for path in ("/small", "/large"):
        with testing.open(app, f"{path}/websocket?vsn=2.0.0") as session:
            session.receive(f'[null,"1","phoenix","heartbeat",{{"x":"{"x" * 100}"}}]')
            codes[path] = session.code
    assert codes == {"/small": 1009, "/large": None}


def test_it_may_stand_behind_routes_below_a_prefix_and_in_an_application():
    app = Application(
        Routes({"/health": lambda _: Response(200), "/{rest:path}": mount("/app", endpoint())})
    )
    assert status(app, "/health") == 200
    assert status(app, "/app/socket/websocket") == 101


def test_its_lifespan_begins_and_ends_the_pubsub():
    app = endpoint()
    with testing.open(app, "/socket/websocket?vsn=2.0.0") as session:
        session.receive('["1","1","room:1","phx_join",{}]')
        assert len(app.pubsub.subscribers("channel:room:1")) == 1
    assert app.pubsub.subscribers("channel:room:1") == ()


def test_a_type_that_is_there_for_type_checkers_only_is_told_at_the_start():
    class Early(Channel):
        @on("a")
        def say(self, payload: "Missing"): ...  # noqa: F821

    class EarlySocket(Socket):
        channels = {"room:*": Early}

    app = endpoint({"/socket": EarlySocket})
    with (
        pytest.raises(NameError, match=r"Early\.say: name 'Missing' is not defined\. .*run time"),
        testing.open(app, "/socket/websocket"),
    ):
        pytest.fail("it has started")


def test_a_pubsub_of_a_declared_type_is_refused():
    with pytest.raises(TypeError, match=r"of str and bytes, and not one of <class 'int'>"):
        Endpoint({"/socket": UserSocket}, pubsub=PubSub("memory:", int))


def test_a_broadcast_may_come_from_another_thread():
    app = endpoint()
    with testing.open(app, "/socket/websocket?vsn=2.0.0") as session:
        session.receive('["1","1","room:1","phx_join",{}]')
        session.pushed()
        thread = threading.Thread(target=app.broadcast_soon, args=("room:1", "news", {"n": 1}))
        thread.start()
        thread.join()
        assert session.pushed() == ['[null,null,"room:1","news",{"n":1}]']


@pytest.mark.parametrize(
    ("sockets", "error"),
    [
        ({"/socket": Room}, TypeError),
        ({"/socket": 7}, TypeError),
        ({"socket": UserSocket}, ValueError),
    ],
)
def test_what_cannot_be_served_is_refused_at_once(sockets, error):
    with pytest.raises(error):
        endpoint(sockets)


def test_options_of_a_server_are_refused():
    with pytest.raises(ValueError, match="drain_timeout"):
        endpoint(options=Options(drain_timeout=1))


def test_a_connect_that_raises_has_failed_and_lets_nobody_in():
    class Wrong(Socket):
        def connect(self, params, info):
            raise KeyError("secret")

    with pytest.raises(KeyError):
        status(endpoint({"/socket": Wrong}), "/socket/websocket")


@pytest.mark.parametrize("awaits", [False, True])
def test_a_token_that_is_not_good_is_refused(serve, awaits):
    tokens = Token("a secret of at least twenty bytes")

    class Verifies(Socket):
        def connect(self, params, info):
            if awaits:
                return self.connect_later(info)
            self.assigns.user = tokens.verify("user socket", info.auth_token)
            return None

        async def connect_later(self, info):
            self.assigns.user = tokens.verify("user socket", info.auth_token)

    endpoint = serve(Channel, Verifies, auth_token=True).endpoint
    with testing.open(endpoint, "/socket/websocket?vsn=2.0.0") as session:
        assert session.response.status == 403
    token = base64.b64encode(tokens.sign("user socket", 7).encode()).decode().rstrip("=")
    offered = ["phoenix", f"base64url.bearer.phx.{token}"]
    target = "/socket/websocket?vsn=2.0.0"
    with testing.open(endpoint, target, subprotocols=offered) as session:
        assert session.head["sec-websocket-protocol"] == "phoenix"
