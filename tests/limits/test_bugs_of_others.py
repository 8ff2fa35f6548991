"""What popular servers do wrong, each against a whole server.

Bugs of others that must not happen here: what was measured, what Bandit did, what advisories say.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib

import pytest

import sock
from sock import (
    Compression,
    Failed,
    Options,
    Ping,
    Pong,
    Refuse,
    Remote,
    Response,
    Sock,
    Stop,
    Upgrade,
    testing,
)
from sock.testing import Close, End, frame

pytestmark = pytest.mark.usefixtures("reactor_kind")

TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9


class Echo(Sock):
    def handle_in(self, message):
        return message


class Pours(Sock):
    async def init(self, ref):
        while True:
            yield b"x" * 16_384


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer[9:12])


def deflated(data: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """Return one message's bytes as RFC 7692 §7.2.1 sends them; Z_FINISH ends in a final block."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    out = squeeze.compress(data) + squeeze.flush(flush)
    return out[:-4] if flush == zlib.Z_SYNC_FLUSH else out + b"\x00"


# Seen by measuring.


@pytest.mark.parametrize("cut", [1, 20, -1])
def test_half_a_head_is_answered_and_cut_at_handshake_timeout(ask, upgrade, cut):
    got = ask(Echo, upgrade[:cut], handshake_timeout=0.2)
    assert status_of(got) == 408
    assert b"Connection: close" in got


def test_half_heads_that_trickle_are_cut_too(run_async, upgrade):
    async def act():
        async with sock.serve(Echo, options=Options(handshake_timeout=0.25)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            answer = asyncio.ensure_future(reader.read(12))
            for byte in upgrade[:-1]:
                writer.write(bytes((byte,)))
                if (await asyncio.wait([answer], timeout=0.01))[0]:
                    break
            assert await answer == b"HTTP/1.1 408"
            writer.transport.abort()

    run_async(act())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"GET / HTTP/1.1", b"nonsense"), 400),
        ((b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 12"), 426),
        ((b"Sec-WebSocket-Key", b"X"), 400),
        ((b"Host: example.com", b"Host: example.com\r\nX: " + b"x" * 20_000), 431),
        ((b"Host: example.com", b"Host: example.com\r\nOrigin: https://evil.com"), 403),
    ],
)
def test_a_refused_head_gets_an_answer_and_a_close(ask, named, lines, upgrade, change, status):
    got = ask(Echo, upgrade.replace(*change))
    assert status_of(got) == status
    assert b"Connection: close" in got
    assert got.count(b"HTTP/1.1 ") == 1
    refused = named("handshake.refused") + named("request.refused")
    assert [fields["status"] for fields in refused] == [status]
    assert not named("handshake.failed")
    assert not [text for _, level, text in lines() if level in {"warning", "error"}]


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: %d\r\n\r\n%s",
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
    ],
    ids=["counted", "chunked"],
)
@pytest.mark.parametrize("smuggled", ["frames", "a request"])
def test_the_body_of_a_request_is_never_taken_for_frames_rfc_9110_9_3_1(
    ask, noting, upgrade, body, smuggled
):
    inner = frame(TEXT, b"hi") if smuggled == "frames" else upgrade
    got = ask(noting, upgrade[:-2] + body % (len(inner), inner))
    assert status_of(got) == 400
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"RFC 9110 \xc2\xa79.3.1" in got
    assert noting.notes == []


def test_frames_behind_a_refused_upgrade_are_neither_frames_nor_a_request(ask, upgrade):
    def app(request):
        return Refuse(401).response

    got = ask(app, upgrade + frame(TEXT, b"hi") + upgrade)
    assert status_of(got) == 401
    assert got.count(b"HTTP/1.1 ") == 1


def test_an_unmasked_frame_is_not_echoed_rfc_6455_5_1(talk, noting):
    close, end = talk(noting, frame(TEXT, b"hi", masked=False))
    assert (close.code, end) == (1002, End.FIN)
    assert noting.notes[0] == "init"
    assert len(noting.notes) == 2


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_a_forbidden_close_code_is_not_sent_back_rfc_6455_7_4(talk, noting, code):
    close, end = talk(noting, frame(CLOSE, code.to_bytes(2, "big")))
    assert (close.code, end) == (1002, End.FIN)
    assert noting.notes[1:] == [Remote(code, "")]


@pytest.mark.parametrize("takeover", [True, False])
def test_every_compressed_message_after_a_final_block_arrives_rfc_7692_7_2_3_4(talk, takeover):
    squeeze = Compression(takeover=takeover)
    words = [b"one" * 40, b"", b"two" * 40, b"three"]
    said = b"".join(frame(TEXT, deflated(word, zlib.Z_FINISH), rsv=4) for word in words)
    *heard, _, _ = talk(
        Echo,
        said + frame(TEXT, deflated(b"four"), rsv=4) + frame(CLOSE),
        client={"compression": squeeze},
        compression=squeeze,
    )
    assert heard == ["one" * 40, "", "two" * 40, "three", "four"]


def test_tiny_fragments_end_at_max_fragments_rfc_6455_10_4(talk, noting):
    said = frame(TEXT, b"x", fin=False) + 5000 * frame(CONTINUATION, b"x", fin=False)
    close, end = talk(noting, said)
    assert (close.code, end) == (1009, End.FIN)


def test_pongs_for_a_peer_that_does_not_read_are_bounded_and_it_is_cut_at_send_timeout(
    run_async, dial, noting
):
    async def act():
        limit = 64 * 1024
        options = Options(max_send_buffer=limit, send_timeout=0.3)
        async with sock.serve(noting, options=options) as server:
            async with await dial(server, receive_buffer=4096, patience=20) as peer:
                (link,) = server.live_connections
                waiting = []

                async def flood():
                    with contextlib.suppress(ConnectionError):
                        while True:
                            await peer.send_bytes(frame(PING, b"x" * 125) * 100)

                flooding = asyncio.ensure_future(flood())
                while server.connections:
                    waiting.append(link.pipe.pending)
                    await asyncio.sleep(0.001)
                flooding.cancel()
                await asyncio.wait([flooding])
                assert 0 < max(waiting) <= limit + 127
        assert type(noting.notes[-1].error) is sock.PeerTooSlow

    run_async(act())


@pytest.mark.parametrize("compression", [False, True])
def test_empty_messages_arrive(talk, compression):
    said = [frame(TEXT), frame(BINARY), frame(TEXT, fin=False) + frame(CONTINUATION)]
    *heard, _, _ = talk(
        Echo,
        b"".join(said) + frame(CLOSE),
        client={"compression": Compression() if compression else None},
        compression=compression,
    )
    assert heard == ["", b"", ""]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (b"https://evil.com", 403),
        (b"https://example.com.evil.com", 403),
        (b"https://evilexample.com", 403),
        (b"https://example.com@evil.com", 403),
        (b"null", 403),
        (b"https://example.com, https://evil.com", 403),
        (b"https://example.com\r\nOrigin: https://evil.com", 400),
        (b"", 403),
        (b"https://example.com", 101),
        (b"http://EXAMPLE.com:8000", 101),
    ],
)
@pytest.mark.parametrize("kind", ["a class", "a function", "a coroutine"])
def test_another_sites_page_is_not_let_in_rfc_6455_10_2(ask, noting, upgrade, origin, status, kind):
    async def later(request):
        return noting(request)

    app = {
        "a class": noting,
        "a function": lambda request: Upgrade(noting(request)),
        "a coroutine": later,
    }[kind]
    got = ask(app, upgrade[:-2] + b"Origin: " + origin + b"\r\n\r\n" + frame(CLOSE))
    assert status_of(got) == status
    assert noting.notes == ([] if status != 101 else ["init", Remote(1005, "")])


# Bandit.


@pytest.mark.parametrize("later", [False, True], ids=["at once", "by a coroutine"])
@pytest.mark.parametrize("init_waits", [False, True], ids=["init at once", "init waits"])
def test_frames_that_came_with_the_handshake_arrive(ask, noting, upgrade, later, init_waits):
    class Waits(noting):
        async def init(self, ref):
            await asyncio.sleep(0)
            self.notes.append("init")

    made = Waits if init_waits else noting

    async def slow(request):
        await asyncio.sleep(0)
        return made(request)

    got = ask(slow if later else made, upgrade + frame(TEXT, b"early") + frame(CLOSE, b"\x03\xe8"))
    # Rule 7: a Close is answered at once; what is pushed to a peer that has gone is dropped.
    echo = b"" if init_waits else b"\x81\x05early"
    assert got.endswith(b"\r\n\r\n" + echo + b"\x88\x02\x03\xe8")
    assert noting.notes == ["init", "early", Remote(1000, "")]


@pytest.mark.parametrize("ends", ["Close", "FIN", "RST", "bad frame", "Stop", "raise", "drain"])
def test_no_callback_is_called_after_terminate(run_async, dial, noting, ends):
    """Infos, messages, timers and tasks go on arriving; none of them is told."""

    async def act():
        refs = []

        class Busy(noting):
            async def init(self, ref):
                self.notes.append("init")
                refs.append(ref)
                ref.send_after(0.01, "timer")
                ref.spawn(asyncio.sleep(0.01))

            async def handle_in(self, message):
                self.notes.append(message)
                await asyncio.sleep(0)
                if message == "raise":
                    raise ValueError
                return Stop() if message == "Stop" else None

            async def handle_control(self, control):
                self.notes.append(control)

            async def terminate(self, reason):
                self.notes.append(reason)
                refs[0].send("from terminate")
                await asyncio.sleep(0)
                self.notes.append("last")

        async with sock.serve(Busy) as server:
            async with await dial(server) as peer:
                over = asyncio.Event()
                while not refs:
                    await asyncio.sleep(0)
                refs[0].add_done_callback(over.set)
                await peer.send("a", Ping(b"b"), ends)
                for _ in range(5):
                    refs[0].send("info")
                with contextlib.suppress(OSError):
                    match ends:
                        case "Close":
                            await peer.send_close()
                        case "FIN":
                            peer.finish()
                        case "RST":
                            peer.reset()
                        case "bad frame":
                            await peer.send_bytes(frame(3))
                        case "drain":
                            draining = asyncio.ensure_future(server.drain())
                if ends != "RST":
                    while not isinstance(await peer.receive(), (Close, End)):
                        pass
                    with contextlib.suppress(OSError):
                        await peer.send("after the end", Ping(b"after"))
                await over.wait()
                refs[0].send("after the end")
                count = len(noting.notes)
            await server.wait_empty()
            if ends == "drain":
                await draining
        assert len(noting.notes) == count
        assert noting.notes[-1] == "last"
        assert "last" not in noting.notes[:-1]

    run_async(act())


@pytest.mark.parametrize("how", ["plain", "coroutine", "generator"])
def test_a_crash_in_init_is_reported_and_says_close_1011(talk, named, lines, how):
    class Plain(Sock):
        def init(self, ref):
            raise ValueError("secret")

    class Later(Sock):
        async def init(self, ref):
            await asyncio.sleep(0)
            raise ValueError("secret")

    class Pushes(Sock):
        async def init(self, ref):
            if ref.closed:
                yield "never"
            raise ValueError("secret")

    close, end = talk({"plain": Plain, "coroutine": Later, "generator": Pushes}[how])
    assert (close, end) == (Close(1011, ""), End.FIN)
    (failed,) = named("callback.failed")
    assert failed["place"].endswith(".init")
    (told,) = [text for _, level, text in lines() if level == "error"]
    assert "init raised ValueError" in told


def test_a_crash_of_the_constructor_is_reported_and_answered(ask, named, lines, upgrade):
    class Crashes(Sock):
        def __init__(self, request):
            raise ValueError("secret")

    got = ask(Crashes, upgrade)
    assert status_of(got) == 500
    assert b"secret" not in got
    assert len(named("handshake.failed")) == 1
    assert [level for _, level, _ in lines() if level == "error"] == ["error"]


@pytest.mark.parametrize("ends", ["the peer", "the handler"])
def test_terminate_that_hangs_does_not_delay_the_close(run_async, dial, hear, ends):
    async def act():
        entered, go = asyncio.Event(), asyncio.Event()

        class Hangs(Sock):
            def handle_in(self, message):
                return Stop()

            async def terminate(self, reason):
                entered.set()
                await go.wait()

        async with sock.serve(Hangs) as server, await dial(server) as peer:
            await (peer.send_close() if ends == "the peer" else peer.send("stop"))
            close, end = await hear(peer)
            assert (close.code, end) == (1000, End.FIN)
            await entered.wait()
            assert server.connections == 1  # it hangs indeed
            go.set()
            await server.wait_empty()

    run_async(act())


def test_terminate_that_hangs_for_ever_is_cut_at_close_timeout_and_told(talk, named):
    class Hangs(Sock):
        async def terminate(self, reason):
            await asyncio.Event().wait()

    close, _ = talk(Hangs, frame(CLOSE, b"\x03\xe8"), close_timeout=0.2)
    assert close.code == 1000
    assert len(named("callback.abandoned")) == 1


# Advisories.


def test_headers_of_the_application_survive_on_the_101(run_async, dial):
    async def act():
        def app(request):
            return sock.Upgrade(
                Echo(request),
                subprotocol="chat",
                headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Mine", "yes")],
            )

        async with sock.serve(app) as server:
            offered = {"Sec-WebSocket-Protocol": "talk, chat"}
            async with await dial(server, headers=offered) as peer:
                assert peer.head.status == 101
                assert peer.head.headers.get_all("set-cookie") == ["a=1", "b=2"]
                assert peer.head.headers["x-mine"] == "yes"
                assert peer.head.headers["sec-websocket-protocol"] == "chat"

    run_async(act())


def test_a_handshake_that_is_rejected_is_not_logged_as_a_crash(ask, named, lines, upgrade):
    class Refuses(Sock):
        def __init__(self, request):
            raise Refuse(401, "who are you?")

    got = ask(Refuses, upgrade)
    assert status_of(got) == 401
    assert got.endswith(b"who are you?")
    assert [fields["status"] for fields in named("handshake.refused")] == [401]
    assert not named("handshake.failed")
    about = [(level, text) for _, level, text in lines() if "refused" in text]
    assert [level for level, _ in about] == ["info"]
    assert not [level for _, level, _ in lines() if level in {"warning", "error"}]


@pytest.mark.parametrize("compression", [False, True], ids=["plain", "deflated"])
def test_text_sent_right_before_the_server_closes_is_not_lost(talk, compression):
    """Half a megabyte, more than the kernel takes at once, and the peer goes on sending."""
    words = [f"{number:08}" * 8192 for number in range(8)]

    class LastWords(Sock):
        def handle_in(self, message):
            return Stop(1000, messages=words)

    *heard, close, end = talk(
        LastWords,
        frame(TEXT, b"go") + 500 * frame(BINARY, b"unread"),
        client={"compression": Compression() if compression else None, "receive_buffer": 4096},
        compression=compression,
    )
    assert heard == words
    assert (close.code, end) == (1000, End.FIN)


def test_text_sent_right_before_the_handler_raises_is_not_lost(talk):
    class Yields(Sock):
        async def handle_in(self, message):
            for number in range(100):
                yield f"{number}" * 1000
            raise ValueError

    *heard, close, end = talk(Yields, frame(TEXT, b"go"), client={"receive_buffer": 4096})
    assert len(heard) == 100
    assert (close.code, end) == (1011, End.FIN)


def test_a_drain_reaches_connections_without_traffic(run_async, dial, hear, noting):
    async def act():
        async with sock.serve(noting) as server:
            peers = [await dial(server) for _ in range(20)]
            idle = await asyncio.open_connection("127.0.0.1", server.port)
            while not server.http_connections:
                await asyncio.sleep(0)
            draining = asyncio.ensure_future(server.drain())
            heard = [await hear(peer) for peer in peers]
            assert [(close.code, end) for close, end in heard] == [(1012, End.FIN)] * 20
            assert await idle[0].read() == b""
            await draining
            for peer in peers:
                await peer.__aexit__(None, None, None)
            idle[1].close()

    run_async(act())


def test_the_deflate_context_is_alive_until_the_close_was_written(talk):
    """Compressed pushes of a callback that outlives the peer's Close, and of the last words."""

    class Talks(Sock):
        async def handle_in(self, message):
            for number in range(20):
                yield f"{number}" * 2000
            yield Stop(4000, "done", messages=["over" * 1000])

    *heard, close, end = talk(
        Talks,
        frame(TEXT, b"go"),
        client={"compression": Compression()},
        compression=True,
    )
    assert heard == [*(f"{number}" * 2000 for number in range(20)), "over" * 1000]
    assert (close, end) == (Close(4000, "done"), End.FIN)


def test_a_violation_of_a_compressed_stream_says_its_code_with_messages_under_way(talk):
    class Talks(Sock):
        async def handle_in(self, message):
            await asyncio.sleep(0)
            return message * 2000

    *heard, close, end = talk(
        Talks,
        frame(TEXT, deflated(b"go"), rsv=4) + frame(TEXT, b"\x06", rsv=4),
        client={"compression": Compression()},
        compression=True,
    )
    assert heard == ["go" * 2000]
    assert (close.code, end) == (1007, End.FIN)


def test_the_idle_clock_is_not_refreshed_by_sends(run_async, dial, noting):
    async def act():
        class Chatters(noting):
            async def init(self, ref):
                while True:
                    await asyncio.sleep(0.02)
                    yield "tick"

        options = Options(idle_timeout=0.3, ping_interval=None)
        async with sock.serve(Chatters, options=options) as server:
            async with await dial(server) as peer:
                ticks = 0
                while not isinstance(said := await peer.receive(), Close):
                    ticks += 1
                assert said.code == 3008
                assert 1 <= ticks <= 40
                await peer.send_close()
                await server.wait_empty()

    run_async(act())


def test_a_busy_mailbox_does_not_keep_a_dead_peer_alive(run_async, dial, noting):
    async def act():
        refs = []

        class Fed(noting):
            def init(self, ref):
                refs.append(ref)

            def handle_info(self, info):
                return "news"

        options = Options(idle_timeout=0.3, ping_interval=None, close_timeout=0.2)
        async with sock.serve(Fed, options=options) as server, await dial(server):
            while server.connections or not refs:
                for ref in refs:
                    ref.send("info")
                await asyncio.sleep(0.01)
        assert noting.notes == [sock.TimedOut()]

    run_async(act())


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
def test_inflating_stops_at_the_limit_before_anything_is_delivered_rfc_7692_8(talk, noting, size):
    *heard, close, end = talk(
        noting,
        frame(BINARY, deflated(bytes(size)), rsv=4) + frame(CLOSE),
        client={"compression": Compression()},
        compression=True,
    )
    if size > 1 << 20:
        assert heard == []
        assert close.code == 1009
        assert type(noting.notes[-1]) is Failed
    else:
        assert heard == [bytes(size)]
        assert close.code == 1005
    assert end is End.FIN


def test_a_crowd_too_large_is_answered_with_503(run_async, dial):
    async def act():
        async with sock.serve(Echo, options=Options(max_connections=2)) as server:
            first, second = await dial(server), await dial(server)
            async with await dial(server) as third:
                assert third.head.status == 503
                assert third.head.headers["connection"] == "close"
            await first.__aexit__(None, None, None)
            while server.connections > 1 or server.http_connections:
                await asyncio.sleep(0)
            async with await dial(server) as fourth:
                assert fourth.head.status == 101
            await second.__aexit__(None, None, None)

    run_async(act())


def test_an_answer_may_not_be_split_by_a_header_rfc_9110_5_5(ask):
    for value in ("a\r\nSet-Cookie: evil=1", "a\nb", "a\0b"):
        with pytest.raises(ValueError, match=r"RFC 9110"):
            Response(200, headers={"X": value})
        with pytest.raises(ValueError, match=r"RFC 9110"):
            sock.Upgrade(Echo(testing.request()), headers={"X": value})


def test_pings_are_answered_in_order_with_their_payload_rfc_6455_5_5_3(talk):
    *heard, _, _ = talk(Echo, b"".join(frame(PING, b"%d" % n) for n in range(9)) + frame(CLOSE))
    assert heard == [Pong(b"%d" % n) for n in range(9)]
