"""One request and its answer: every way to ask, and everything an application may answer."""

from __future__ import annotations

import asyncio
import contextlib
import functools

import pytest

import sock
from sock import HandlerError, Options, Refuse, Request, Response, Sock, Stop, Upgrade

pytestmark = pytest.mark.usefixtures("reactor_kind", "loop_kind")

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UPGRADE = (
    "GET /chat HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n"
).encode()
GET = b"GET %s HTTP/1.1\r\nHost: example.com\r\n\r\n"
PLAIN = GET % b"/"
LAST = b"GET /last HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"


class Echo(Sock):
    def handle_in(self, message):
        return message


def hello(request: Request):
    if request.path == "/chat":
        return Echo(request)
    return Response(200, f"hello {request.path}")


class Counted(Sock):
    made = 0

    def __init__(self, request):
        type(self).made += 1


@pytest.fixture
def counted():
    class Counts(Counted):
        made = 0

    return Counts


def status_of(data: bytes) -> int:
    assert data.startswith(b"HTTP/1.1 "), data
    return int(data[9:12])


def named(events, name):
    return [fields for event, fields in events if event == name]


# Upgrades.


def test_a_valid_handshake_is_answered_with_101_rfc_6455_4_2_2(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            client.send(UPGRADE)
            got = await client.answer()
            assert got.status == 101
            assert got.headers["upgrade"] == "websocket"
            assert got.headers["connection"].lower() == "upgrade"
            assert got.headers["sec-websocket-accept"] == ACCEPT
            client.push("hello")
            assert await client.next() == "hello"
            assert server.connections == 1

    run_async(act())


def test_a_connection_upgrades_behind_ordinary_requests(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            client.send(PLAIN + PLAIN + UPGRADE)
            assert [(await client.answer()).status for _ in range(3)] == [200, 200, 101]

    run_async(act())


@pytest.mark.parametrize("later", [False, True])
def test_frames_that_come_with_the_handshake_are_not_lost(run_async, later, connect):
    async def slow(request):
        await asyncio.sleep(0)
        return Echo(request)

    async def act():
        async with (
            sock.serve(slow if later else Echo) as server,
            await connect(server) as client,
        ):
            client.send(UPGRADE + client.frames("one", "two"))
            assert (await client.answer()).status == 101
            assert [await client.next(), await client.next()] == ["one", "two"]

    run_async(act())


def test_many_frames_that_come_while_an_application_answers_are_not_lost(run_async, connect):
    async def act():
        asked, go = asyncio.Event(), asyncio.Event()

        async def app(request):
            asked.set()
            await go.wait()
            return Echo(request)

        async with sock.serve(app) as server, await connect(server) as client:
            client.send(UPGRADE)
            await asked.wait()
            messages = [f"{number:>1000}" for number in range(2000)]
            client.push(*messages)
            go.set()
            assert (await client.answer()).status == 101
            for message in messages:
                assert await client.next() == message

    run_async(act())


def handshake(**changes):
    fields = {
        "Host": "example.com",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    line = changes.pop("line", "GET / HTTP/1.1")
    more = changes.pop("more", "")
    for name, value in changes.items():
        field = name.replace("_", "-")
        field = next((known for known in fields if known.lower() == field.lower()), field)
        fields[field] = value
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{line}\r\n{lines}{more}\r\n".encode()


@pytest.mark.parametrize(
    ("data", "status", "section"),
    [
        (handshake(line="POST / HTTP/1.1"), 400, b"RFC 6455"),
        (handshake(line="GET / HTTP/1.0"), 400, b"RFC 6455"),
        (handshake(host=None), 400, b"RFC 9112 \xc2\xa73.2"),
        (handshake(more="Host: example.com\r\n"), 400, b"RFC 9112 \xc2\xa73.2"),
        (handshake(connection=None), 426, b"RFC 6455"),
        (handshake(connection="keep-alive"), 426, b"RFC 6455"),
        (handshake(upgrade=None), 426, b"RFC 6455"),
        (handshake(upgrade="h2c"), 426, b"RFC 6455"),
        (handshake(sec_websocket_key=None), 400, b"RFC 6455"),
        (handshake(sec_websocket_key="short"), 400, b"RFC 6455"),
        (handshake(more=f"Sec-WebSocket-Key: {KEY}\r\n"), 400, b"RFC 6455"),
        (handshake(sec_websocket_version=None), 400, b"RFC 6455"),
        (handshake(sec_websocket_version="8"), 426, b"RFC 6455 \xc2\xa74.4"),
        (handshake(more="Content-Length: 5\r\n") + b"hello", 400, b"RFC 9110"),
        (handshake(more="Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", 400, b"RFC 9110"),
        (handshake(origin="https://evil.com"), 403, b"RFC 6455 \xc2\xa710.2"),
    ],
)
def test_a_bad_handshake_is_refused_before_a_handler_is_made(
    exchange, events, counted, data, status, section
):
    got = exchange(counted, data)
    assert status_of(got) == status
    assert section in got
    assert b"Connection: close" in got
    assert got.count(b"Date: ") == 1
    assert counted.made == 0
    assert not named(events, "handshake.failed")
    refused = named(events, "handshake.refused") or named(events, "request.refused")
    assert [fields["status"] for fields in refused] == [status]


def test_a_wrong_version_is_told_the_right_one_rfc_6455_4_4(exchange):
    got = exchange(Echo, handshake(sec_websocket_version="8"))
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in got


def test_the_body_of_a_handshake_is_neither_frames_nor_a_request(exchange):
    got = exchange(hello, handshake(more=f"Content-Length: {len(PLAIN)}\r\n") + PLAIN)
    assert got.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_follows_an_upgrade_that_is_refused_is_no_request(exchange, asynchronous):
    def refuse(request):
        return Response(401)

    async def refuse_later(request):
        return Response(401)

    got = exchange(refuse_later if asynchronous else refuse, UPGRADE + PLAIN)
    assert got.count(b"HTTP/1.1") == 1


def test_an_upgrade_to_something_else_is_ignored_rfc_9110_7_8(exchange):
    other = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    assert status_of(exchange(hello, other)) == 200


def test_another_sites_page_is_let_in_where_the_origin_is_listed(run_async, connect):
    async def act():
        options = Options(origins="https://friend.com")
        async with sock.serve(Echo, options=options) as server, await connect(server) as client:
            client.send(handshake(origin="https://friend.com"))
            assert (await client.answer()).status == 101

    run_async(act())


def test_the_origins_of_an_upgrade_are_laid_over_the_servers(run_async, connect):
    def app(request):
        origins = request.query.get("origins")
        return Upgrade(Echo(request), options=Options(origins=origins) if origins else None)

    async def act():
        async with sock.serve(app) as server:
            for query, status in (("", 403), ("?origins=*", 101), ("?origins=https://b.com", 403)):
                async with await connect(server) as client:
                    client.send(handshake(line=f"GET /{query} HTTP/1.1", origin="https://a.com"))
                    assert (await client.answer()).status == status

    run_async(act())


@pytest.mark.parametrize("app", [Echo, lambda request: Echo(request)])  # noqa: PLW0108 - no class
def test_a_function_lets_origins_in_and_its_fault_is_a_500_that_is_told_once(
    run_async, connect, events, app
):
    """[S14.7] [S1.4]"""

    def check(origin, request):
        if origin == "https://c.com":
            raise LookupError("not for the peer")
        return origin == f"https://{request.query['friend']}"

    async def act():
        async with sock.serve(app, options=Options(origins=["null", check])) as server:
            for origin, status in (
                ("https://a.com", 101),
                ("null", 101),
                ("https://b.com", 403),
                ("https://c.com", 500),
            ):
                async with await connect(server) as client:
                    client.send(handshake(line="GET /?friend=a.com HTTP/1.1", origin=origin))
                    got = await client.answer()
                    assert got.status == status
                    assert b"not for the peer" not in got.body

    run_async(act())
    (failed,) = named(events, "handshake.failed")
    assert isinstance(failed["error"], HandlerError)
    assert isinstance(failed["error"].__cause__, LookupError)


@pytest.mark.parametrize(
    ("host", "more", "proxied"),
    [
        ("example.com", "", False),
        ("example.com", "Via: 1.1 proxy\r\n", True),
        ("example.com", "X-Forwarded-Server: app.com\r\n", True),
        ("127.0.0.1:8000", "", True),
        ("backend", "", True),
    ],
)
def test_a_refused_origin_is_told_what_to_do_in_the_body_and_in_the_log(
    exchange, events, host, more, proxied
):
    """[S14.2]"""
    got = exchange(Echo, handshake(host=host, origin="https://app.com", more=more))
    assert status_of(got) == 403
    (refused,) = named(events, "handshake.refused")
    assert f"\r\n\r\n{refused['detail']}\n".encode() in got
    assert "option origins=" in refused["detail"]
    assert ("proxy_set_header Host $host" in refused["detail"]) is proxied


def test_text_is_read_and_sent_as_utf_8_and_read_as_latin_1_where_it_is_none(run_async, connect):
    """[S13.10]"""

    def app(request):
        read = [request.headers["x-name"], *request.cookies.values()]
        return Upgrade(Echo(request), headers={"X-Read": ", ".join(read)})

    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            client.send(UPGRADE[:-2] + "X-Name: é 日本\r\nCookie: a=日本; ".encode())
            client.send(b"b=J\xfcrgen\r\n\r\n")
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert "\r\nX-Read: é 日本, 日本, Jürgen\r\n".encode() in head

    run_async(act())


def test_headers_and_subprotocol_are_on_the_101(run_async, connect):
    def app(request):
        return Upgrade(
            Echo(request), subprotocol="b", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        )

    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            client.send(handshake(more="Sec-WebSocket-Protocol: a, b\r\n"))
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101")
            assert b"\r\nSec-WebSocket-Protocol: b\r\n" in head
            assert head.count(b"Set-Cookie: ") == 2

    run_async(act())


def test_what_init_pushes_comes_with_the_101(run_async, connect):
    class Greets(Sock):
        def init(self, ref):
            return "welcome"

    async def act():
        async with sock.serve(Greets) as server, await connect(server) as client:
            client.send(UPGRADE)
            assert (await client.answer()).status == 101
            assert await client.next() == "welcome"

    run_async(act())


@pytest.mark.parametrize(
    "wrap", [lambda kind: kind, lambda kind: functools.partial(functools.partial(kind))]
)
def test_a_sock_class_answers_an_ordinary_request_with_426_and_is_not_made(exchange, counted, wrap):
    got = exchange(wrap(counted), PLAIN)
    assert status_of(got) == 426
    assert b"\r\nUpgrade: websocket\r\n" in got
    assert counted.made == 0


def test_a_sock_in_answer_to_an_ordinary_request_is_a_426(exchange):
    assert status_of(exchange(lambda request: Upgrade(Echo(request)), PLAIN)) == 426


# What an application answers.


@pytest.mark.parametrize("data", [LAST, UPGRADE])
@pytest.mark.parametrize("kind", ["function", "coroutine", "class"])
def test_an_application_may_refuse(exchange, events, data, kind):
    refusal = Refuse(401, "who are you?", {"WWW-Authenticate": "Basic"})

    def function(request):
        raise refusal

    async def coroutine(request):
        raise refusal

    class Refuses(Sock):
        def __init__(self, request):
            raise refusal

    def function_that_makes(request):
        return Refuses(request)

    app = {"function": function, "coroutine": coroutine, "class": function_that_makes}[kind]
    got = exchange(app, data)
    assert status_of(got) == 401
    assert b"\r\nWWW-Authenticate: Basic\r\n" in got
    assert got.endswith(b"who are you?")
    assert [fields["status"] for fields in named(events, "handshake.refused")] == [401]
    assert not named(events, "handshake.failed")


@pytest.mark.parametrize("data", [PLAIN, UPGRADE])
@pytest.mark.parametrize("kind", ["function", "coroutine", "class"])
def test_an_application_that_raises_is_a_500_without_details(exchange, events, data, kind):
    error = RuntimeError("the password is swordfish")

    def function(request):
        raise error

    async def coroutine(request):
        raise error

    class Raises(Sock):
        def __init__(self, request):
            raise error

    def function_that_makes(request):
        return Raises(request)

    app = {"function": function, "coroutine": coroutine, "class": function_that_makes}[kind]
    got = exchange(app, data)
    assert status_of(got) == 500
    assert b"swordfish" not in got
    assert [fields["error"] for fields in named(events, "handshake.failed")] == [error]


@pytest.mark.parametrize("data", [PLAIN, UPGRADE])
def test_a_stop_raised_in_the_handshake_is_a_500_and_what_is_told_names_refuse(
    exchange, events, data
):
    """[S6.9]"""

    def app(request):
        raise Stop(4001, "not for the peer")

    got = exchange(app, data)
    assert status_of(got) == 500
    assert b"not for the peer" not in got
    [failed] = named(events, "handshake.failed")
    assert "raise Refuse there" in str(failed["error"])


@pytest.mark.parametrize("data", [PLAIN, UPGRADE])
@pytest.mark.parametrize("answer", [None, "hello", 404, Echo, (200, "x"), b""])
def test_an_answer_that_is_none_is_a_500(exchange, events, data, answer):
    assert status_of(exchange(lambda request: answer, data)) == 500
    [failed] = named(events, "handshake.failed")
    assert isinstance(failed["error"], HandlerError)


def test_an_application_that_cancels_itself_is_a_500(exchange):
    async def app(request):
        raise asyncio.CancelledError

    assert status_of(exchange(app, PLAIN)) == 500


@pytest.mark.parametrize(
    "app",
    [
        lambda request: Response(200, headers={"X": "\ud800"}),
        lambda request: (_ for _ in ()).throw(Refuse(401, headers={"X": "\ud800"})),
        lambda request: Response(200, object()),
        lambda request: Upgrade(Echo(request), headers={"X": "\ud800"}),
        lambda request: Upgrade(Echo(request), subprotocol="not-offered"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_a_500(exchange, events, app):
    assert status_of(exchange(app, UPGRADE)) == 500
    assert len(named(events, "handshake.failed")) == 1


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_an_application_is_cancelled_when_the_peer_has_gone(run_async, how, connect):
    async def act():
        asked, cancelled = asyncio.Event(), asyncio.Event()

        async def app(request):
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        async with sock.serve(app) as server, await connect(server) as client:
            client.send(UPGRADE)
            await asked.wait()
            client.finish() if how == "fin" else client.hang_up()
            await cancelled.wait()
            await server.wait_empty()

    run_async(act())


def test_a_handler_made_for_a_peer_that_has_gone_is_never_begun(run_async, connect):
    begun = []

    class Begins(Sock):
        def init(self, ref):
            begun.append(self)

    async def act():
        asked, go, answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def app(request):
            asked.set()
            while not go.is_set():
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    continue
            answered.set()
            return Begins(request)

        async with sock.serve(app) as server, await connect(server) as client:
            client.send(UPGRADE)
            await asked.wait()
            client.hang_up()
            await server.wait_empty()
            go.set()
            await answered.wait()
            assert begun == []

    run_async(act())


# Too many.


def test_more_than_max_connections_are_answered_with_503(run_async, connect):
    async def act():
        options = Options(max_connections=1)
        async with sock.serve(hello, options=options) as server, await connect(server) as first:
            first.send(UPGRADE)
            assert (await first.answer()).status == 101
            for data in (UPGRADE, PLAIN):
                async with await connect(server) as other:
                    other.send(data)
                    got = await other.answer()
                    assert got.status == 503
                    assert int(got.headers["retry-after"]) > 0
                    assert got.headers["connection"] == "close"
                    assert await other.rest() == b""
            first.push("still here")
            assert await first.next() == "still here"

    run_async(act())


def test_another_connection_is_welcome_when_one_has_gone(run_async, connect):
    async def act():
        async with sock.serve(hello, options=Options(max_connections=1)) as server:
            for _ in range(2):
                async with await connect(server) as client:
                    client.send(PLAIN)
                    assert (await client.answer()).status == 200
                await server.wait_empty()

    run_async(act())


# The health, which the server answers itself.

HEALTH = GET % b"/healthz"


@pytest.mark.parametrize("app", [hello, Echo])
def test_the_health_is_answered_before_the_application_is_asked(run_async, connect, app):
    async def act():
        async with (
            sock.serve(app, health="/healthz") as server,
            await connect(server) as client,
        ):
            for data, to_head in ((HEALTH, False), (HEALTH.replace(b"GET", b"HEAD"), True)):
                client.send(data)
                got = await client.answer(to_head=to_head)
                assert (got.status, got.headers["content-length"]) == (200, "2")
                assert got.headers["cache-control"] == "no-store"
                assert got.body == (b"" if to_head else b"ok")
            client.send(HEALTH.replace(b"healthz", b"health%7A?deep"))
            assert (await client.answer()).body == b"ok"

    run_async(act())


@pytest.mark.parametrize(
    "data", [HEALTH.replace(b"GET", b"DELETE"), UPGRADE.replace(b"/chat", b"/healthz")]
)
def test_what_else_is_said_to_that_path_is_the_applications(run_async, connect, data):
    async def act():
        async with (
            sock.serve(hello, health="/healthz") as server,
            await connect(server) as client,
        ):
            client.send(data)
            assert (await client.answer()).body == b"hello /healthz"

    run_async(act())


def test_the_health_is_answered_on_a_connection_too_many(run_async, connect):
    async def act():
        options = Options(max_connections=1)
        async with (
            sock.serve(hello, options=options, health="/healthz") as server,
            await connect(server) as first,
        ):
            first.send(UPGRADE)
            assert (await first.answer()).status == 101
            for data, status in ((HEALTH, 200), (PLAIN, 503)):
                async with await connect(server) as other:
                    other.send(data)
                    assert (await other.answer()).status == status

    run_async(act())


def test_a_path_of_health_begins_with_a_slash(run_async):
    async def act():
        async with sock.serve(hello, health="healthz"):
            pass

    with pytest.raises(ValueError, match="health is a path, which begins with '/'"):
        run_async(act())


# What the lifespan yields.


def test_every_request_has_the_items_of_the_lifespan_to_itself(run_async, connect):
    """[S19.6]"""
    shared = {"pool": ["a pool"], "user": "nobody"}

    @contextlib.asynccontextmanager
    async def lifespan():
        yield shared

    def app(request):
        assert request.state["pool"] is shared["pool"]
        before = request.state["user"]
        request.state["user"] = "ada"
        return Response(200, before)

    async def act():
        async with (
            sock.serve(app, lifespan=lifespan) as server,
            await connect(server) as client,
        ):
            for _ in range(2):
                client.send(PLAIN)
                assert (await client.answer()).body == b"nobody"

    run_async(act())


def test_a_lifespan_that_raises_lets_nothing_start(run_async, events):
    """[S19.4]"""

    @contextlib.asynccontextmanager
    async def lifespan():
        raise RuntimeError("no database")
        yield

    async def act():
        async with sock.serve(hello, lifespan=lifespan):
            pass

    with pytest.raises(RuntimeError, match="no database"):
        run_async(act())
    assert events == []
