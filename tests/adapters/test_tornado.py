"""Tornado: its stream is detached in a request handler."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket

import pytest
import websockets

from sock import Options, Refuse, Remote, Response, Sock, Upgrade
from sock.testing import contract

pytest.importorskip("tornado")
from tornado import iostream
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from sock.adapters import tornado as adapter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


class Echo(Sock):
    def handle_in(self, message):
        return message


@contextlib.asynccontextmanager
async def serving(*routes, xheaders=False, make=Application):
    server = HTTPServer(make(list(routes)), xheaders=xheaders)
    server.listen(0, "127.0.0.1")
    [sock] = server._sockets.values()

    async def stop():
        server.stop()
        await adapter.drain()

    try:
        yield stop, sock.getsockname()[1]
    finally:
        await stop()
        await server.close_all_connections()


def test_all_of_the_contract_holds(run_async, prove, reactor_kind):
    async def act():
        async with serving((r"/.*", adapter.hosting(contract.app))) as (stop, port):
            assert await prove(port, drain=stop) == []

    run_async(act())


def test_a_request_handler_upgrades_where_tornado_has_done_its_part(run_async, reactor_kind):
    class Room(RequestHandler):
        async def get(self, room):
            if not self.get_argument("name", ""):
                raise HTTPError(401)
            await adapter.upgrade(
                self,
                Echo(None),
                Options(max_message_size=10),
                subprotocol="b",
                headers={"X-Room": room},
            )

    async def act():
        async with serving((r"/rooms/(.+)", Room)) as (_, port):
            url = f"ws://127.0.0.1:{port}/rooms/red"
            async with websockets.connect(f"{url}?name=ada", subprotocols=["a", "b"]) as client:
                assert client.response.headers["X-Room"] == "red"
                assert client.subprotocol == "b"
                await client.send("hi")
                assert await client.recv() == "hi"
            for query, origin, status in (
                ("", None, 401),
                ("?name=eve", "https://evil.example", 403),
            ):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url + query, origin=origin)
                assert refused.value.response.status_code == status

    run_async(act())


def test_what_is_no_upgrade_is_answered_in_the_ordinary_way(run_async):
    def app(request):
        match request.path:
            case "/text":
                return Response(200, "hello", {"X-Kind": "text"})
            case "/refused":
                raise Refuse(402, "pay")
            case "/raises":
                raise LookupError
            case "/bad":
                return Upgrade(Echo(request), subprotocol="never-offered")
            case _:
                return Echo(request)

    async def act():
        routes = (r"/only", adapter.hosting(Echo)), (r"/.*", adapter.hosting(app))
        async with serving(*routes) as (_, port):
            client = AsyncHTTPClient(force_instance=True)
            found = {}
            for path in ("/text", "/refused", "/raises", "/echo", "/only"):
                answer = await client.fetch(f"http://127.0.0.1:{port}{path}", raise_error=False)
                found[path] = answer.code, answer.body
            client.close()
            assert found["/text"] == (200, b"hello")
            assert found["/refused"] == (402, b"pay")
            assert found["/raises"][0] == 500
            assert found["/echo"][0] == found["/only"][0] == 426
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{port}/bad")
            assert refused.value.response.status_code == 500

    run_async(act())


def test_an_object_of_another_framework_is_one_clear_error(run_async):
    async def act():
        with pytest.raises(TypeError, match=r"takes the RequestHandler .* not a builtins\.dict"):
            await adapter.upgrade({}, Echo(None))

    run_async(act())


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def asking(path="/", *, method="GET", **changed):
    """Return a handshake's bytes, some of its fields changed or left out."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    fields.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def answering(request):
    match request.path:
        case "/refused":
            raise Refuse(401, "who are you?")
        case "/missing":
            return Response(404)
        case "/raises":
            raise LookupError
        case _:
            return Echo(request)


class Door(RequestHandler):
    async def get(self, what):
        match what:
            case "itself":
                raise HTTPError(401)
            case "redirects":
                self.redirect("/elsewhere")
            case "chooses":
                await adapter.upgrade(self, Echo(None), subprotocol="never-offered")
            case _:
                await adapter.upgrade(self, Echo(None))


class Open(adapter.RefuseMixin, RequestHandler):
    async def get(self, what):
        if what == "late":
            self.write("the beginning")
            await self.flush()
        if what != "in":
            raise Refuse(402, "pay", {"X-Price": "7"})
        await adapter.upgrade(self, Echo(None))


class Seen(RequestHandler):
    paths = []

    def get(self, path):
        self.paths.append(path)
        self.finish("seen")


ROUTES = (
    (r"/door/(.+)", Door),
    (r"/open/(.+)", Open),
    (r"/seen/(.+)", Seen),
    (r"/hosted/.*", adapter.hosting(lambda request: answering(Tail(request)))),
)


class Tail:
    """A request without the first part of its path."""

    def __init__(self, request):
        self.path = request.path.removeprefix("/hosted")


REFUSED = [
    (asking("/hosted/", Sec_WebSocket_Key="short"), 400),
    (asking("/hosted/refused"), 401),
    (asking("/hosted/", Origin="https://evil.example"), 403),
    (asking("/hosted/missing"), 404),
    (asking("/hosted/", method="POST"), 400),
    (asking("/hosted/", Sec_WebSocket_Version="8"), 426),
    (asking("/hosted/", Connection="keep-alive"), 426),
    (asking("/hosted/", Upgrade="h2c, WebSocket", Sec_WebSocket_Version=None), 400),
    (asking("/hosted/raises"), 500),
    (asking("/door/in", Origin="https://evil.example"), 403),
    (asking("/door/in", Sec_WebSocket_Version="8"), 426),
    (asking("/door/chooses"), 500),
    (asking("/open/in", Origin="https://evil.example"), 403),
    (asking("/open/refuses"), 402),
]
BY_ITSELF = [
    (asking("/door/redirects"), 302),
    (asking("/door/itself"), 401),
    (asking("/nowhere"), 404),
    (asking("/seen/it"), 200),
    (asking("/seen/it", method="POST"), 405),
]
FOLLOWING = [
    b"GET /seen/behind HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    asking("/open/in"),
]


async def everything(port, *pieces):
    """Send some pieces, each as a packet of its own; return what comes until the end of TCP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0)
    with contextlib.suppress(ConnectionError):
        said = await reader.read()
    writer.close()
    return said


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("following", FOLLOWING, ids=["a request", "a handshake"])
@pytest.mark.parametrize(
    ("asked", "status", "make"),
    [
        *((asked, status, Application) for asked, status in REFUSED),
        *((*one, lambda routes: adapter.setup(Application(routes))) for one in REFUSED[:2]),
        *((*one, lambda routes: adapter.setup(Application(routes))) for one in BY_ITSELF),
    ],
)
def test_what_follows_a_refused_upgrade_is_never_a_request(
    run_async, asked, status, make, following, whole
):
    """[S14.4]"""

    async def act():
        Seen.paths.clear()
        async with serving(*ROUTES, make=make) as (_, port):
            pieces = (asked + following,) if whole else (asked, following)
            said = await everything(port, *pieces)
            assert said.startswith(b"HTTP/1.1 %d " % status)
            assert said.count(b"HTTP/1.1 ") == 1
            assert b"\r\nConnection: close\r\n" in said
            assert "behind" not in Seen.paths

    run_async(act())


@pytest.mark.parametrize("make", [Application, lambda routes: adapter.setup(Application(routes))])
def test_an_ordinary_request_may_be_followed_by_another(run_async, make):
    async def act():
        Seen.paths.clear()
        async with serving(*ROUTES, make=make) as (_, port):
            plain = "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
            paths = ("/hosted/missing", "/open/refuses", "/nowhere", "/seen/one", "/hosted/")
            asked = [plain % (path, "") for path in paths]
            asked.append(plain % ("/seen/two", "Connection: close\r\n"))
            said = await everything(port, "".join(asked).encode())
            statuses = [int(line[:3]) for line in said.split(b"HTTP/1.1 ")[1:]]
            assert statuses == [404, 402, 404, 200, 426, 200]
            assert Seen.paths == ["one", "two"]

    run_async(act())


def test_an_upgrade_and_tornados_own_websockets_live_behind_setup(run_async):
    from tornado.websocket import WebSocketHandler

    class Theirs(WebSocketHandler):
        def on_message(self, message):
            self.write_message(message)

    def make(routes):
        return adapter.setup(Application(routes))

    async def act():
        async with serving((r"/theirs", Theirs), *ROUTES, make=make) as (_, port):
            for path in ("/theirs", "/open/in", "/door/in", "/hosted/in"):
                async with websockets.connect(f"ws://127.0.0.1:{port}{path}") as client:
                    await client.send("hi")
                    assert await client.recv() == "hi"

    run_async(act())


def test_a_request_handler_may_raise_refuse(run_async, caplog, events):
    """[S1.12]"""

    class Guarded(Sock):
        def __init__(self, request):
            raise Refuse(403, "members only")

    class Made(adapter.RefuseMixin, RequestHandler):
        async def get(self):
            await adapter.upgrade(self, Guarded(None))

    class Prepared(adapter.RefuseMixin, RequestHandler):
        async def prepare(self):
            raise Refuse(401, json.dumps({"who": "you"}), {"Content-Type": "application/json"})

    async def act():
        routes = (r"/made", Made), (r"/prepared", Prepared), *ROUTES
        async with serving(*routes) as (_, port):
            url = f"127.0.0.1:{port}"
            found = {}
            for path in ("/made", "/prepared", "/open/out"):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"ws://{url}{path}")
                response = refused.value.response
                found[path] = response.status_code, response.body
            assert found == {
                "/made": (403, b"members only"),
                "/prepared": (401, b'{"who": "you"}'),
                "/open/out": (402, b"pay"),
            }
            assert response.headers["X-Price"] == "7"
            client = AsyncHTTPClient(force_instance=True)
            answer = await client.fetch(f"http://{url}/open/out", raise_error=False)
            client.close()
            assert (answer.code, answer.body) == (402, b"pay")

    run_async(act())
    told = [(name, fields["status"]) for name, fields in events]
    assert told == [("handshake.refused", status) for status in (403, 401, 402, 402)]
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]


def test_a_refusal_behind_the_beginning_of_an_answer_is_an_error(run_async, caplog):
    async def act():
        async with serving(*ROUTES) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(asking("/open/late"))
            said = await reader.readuntil(b"\r\n0\r\n\r\n")
            writer.close()
            assert said.startswith(b"HTTP/1.1 200 ")

    run_async(act())
    assert [one.exc_info[0] for one in caplog.records if one.exc_info] == [Refuse]


LEAVING = {
    "RST": lambda sock: sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"),
    "FIN": lambda sock: None,
}


@pytest.mark.parametrize("early", [b"", b"\x81\x82\0\0\0\0hi"], ids=["", "early"])
@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize("over_stream", [False, True])
def test_a_peer_that_leaves_unnoticed_is_no_error(
    run_async, caplog, events, reactor_kind, monkeypatch, leave, early, over_stream
):
    """[S1.8] It goes while the route runs, so Tornado has not seen it yet."""
    ended = []
    if over_stream:  # as over TLS
        monkeypatch.setattr(iostream, "SSLIOStream", iostream.IOStream)

    class Notes(Echo):
        def terminate(self, reason):
            ended.append(reason)

    async def act():
        done = asyncio.Event()

        class Room(RequestHandler):
            async def get(self):
                leave(peer)
                peer.close()
                try:
                    await adapter.upgrade(self, Notes(None))
                finally:
                    done.set()

        async with serving((r"/", Room)) as (_, port):
            loop = asyncio.get_running_loop()
            with socket.socket() as peer:
                peer.setblocking(False)
                await loop.sock_connect(peer, ("127.0.0.1", port))
                await loop.sock_sendall(peer, HANDSHAKE + early)
                await done.wait()

    run_async(act())
    assert ended in ([], [Remote(1006)])
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]
    assert "handshake.failed" not in [name for name, _ in events]


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_without_descriptors_it_goes_over_tornados_stream(
    run_async, caplog, few_descriptors, left, whole
):
    async def act():
        class Room(RequestHandler):
            async def get(self):
                few_descriptors(left)
                await adapter.upgrade(self, Echo(None))

        async def app(request):
            few_descriptors(left)
            return Echo(request)

        route = adapter.hosting(app) if whole else Room
        async with serving((r"/", route)) as (stop, port):
            client = await websockets.connect(f"ws://127.0.0.1:{port}/")
            for message in ("hi", "x" * 100_000):
                await client.send(message)
                assert await client.recv() == message
            await stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]


def test_all_headers_of_one_name_are_in_the_answer(run_async):
    def app(request):
        cookies = [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("Server", "ours")]
        return Response(200, "hello", cookies)

    async def act():
        async with serving((r"/", adapter.hosting(app))) as (_, port):
            client = AsyncHTTPClient(force_instance=True)
            answer = await client.fetch(f"http://127.0.0.1:{port}/")
            client.close()
            assert answer.headers.get_list("Set-Cookie") == ["a=1", "b=2"]
            assert answer.headers.get_list("Server") == ["ours"]

    run_async(act())


class Where(Sock):
    def init(self, ref):
        return repr((ref.request.client, ref.request.server))


@pytest.mark.parametrize("xheaders", [True, False])
def test_the_client_is_the_one_that_a_proxy_which_tornado_trusts_tells_of(run_async, xheaders):
    class Room(RequestHandler):
        async def get(self):
            await adapter.upgrade(self, Where(None))

    async def act():
        async with serving((r"/", Room), xheaders=xheaders) as (_, port):
            url, told = f"ws://127.0.0.1:{port}/", {"X-Forwarded-For": "203.0.113.9"}
            async with websockets.connect(url, additional_headers=told) as client:
                own = client.local_address[:2]
                assert await client.recv() == repr(
                    (("203.0.113.9", 0) if xheaders else own, ("127.0.0.1", port))
                )

    run_async(act())


def test_an_upgrade_after_an_answer_has_begun_says_so(run_async, caplog):
    class Late(RequestHandler):
        async def get(self):
            self.write("the beginning")
            await self.flush()
            await adapter.upgrade(self, Echo(None))

    async def act():
        async with serving((r"/", Late)) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            said = await reader.readuntil(
                b"\r\n0\r\n\r\n"
            )  # Tornado ends that answer in its own way
            writer.close()
            assert said.startswith(b"HTTP/1.1 200 ")
            assert b"101" not in said

    run_async(act())
    assert "an answer to this request has begun" in caplog.text


@pytest.mark.parametrize("whole", [False, True])
def test_a_peer_that_leaves_while_the_route_thinks_is_no_error(run_async, caplog, whole):
    async def act():
        thinks, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def think():
            thinks.set()
            await left.wait()

        class Room(RequestHandler):
            async def get(self):
                await think()
                await adapter.upgrade(self, Echo(None))

            def on_connection_close(self):
                left.set()

        async def app(request):
            await think()
            return Echo(request)

        class Whole(adapter.hosting(app)):
            on_connection_close = Room.on_connection_close

        class Noted(Whole if whole else Room):
            async def get(self):
                try:
                    await super().get()
                finally:
                    done.set()

        async with serving((r"/", Noted)) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            await thinks.wait()
            writer.transport.abort()
            await done.wait()

    run_async(act())
    assert "the peer has gone" not in caplog.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
