"""What one address may have of a server."""

from __future__ import annotations

import asyncio

import pytest
import websockets

import sock
from sock import HandshakeError, Options, Response, Sock
from sock.server import address_limits
from sock.server.address_limits import AddressLimits, network_of, share


def made(workers=1, **options):
    return AddressLimits(Options(**options), workers)


def refused(limited, address, now=0.0, holder=None):
    """Return the Retry-After of a handshake that is refused, None for one that is not."""
    try:
        limited.admit(object() if holder is None else holder, address, now)
    except HandshakeError as error:
        return dict(error.headers)["Retry-After"] if error.status == 429 else error
    return None


ONE, OTHER = ("192.0.2.1", 5), ("192.0.2.2", 5)


@pytest.mark.one_form
def test_one_address_has_so_many_connections_and_another_has_its_own():
    limited = made(max_connections_per_ip=2)
    first = object()
    assert refused(limited, ONE, holder=first) is None
    assert refused(limited, ONE) is None
    assert refused(limited, ONE) == "5"
    assert refused(limited, OTHER) is None
    limited.release(first)
    assert refused(limited, ONE) is None
    assert refused(limited, ONE) == "5"


@pytest.mark.one_form
def test_a_connection_that_belongs_to_a_link_counts_until_the_link_is_over():
    limited = made(max_connections_per_ip=1)
    limited.admit("exchange", ONE, 0.0)
    limited.move("exchange", "link")
    limited.release("exchange")
    assert refused(limited, ONE) == "5"
    limited.release("link")
    limited.release("link")
    assert refused(limited, ONE) is None


@pytest.mark.one_form
def test_nothing_is_kept_of_addresses_without_a_connection():
    limited = made(max_connections_per_ip=1)
    for number in range(100):
        limited.admit(number, (f"10.0.0.{number}", 1), 0.0)
        limited.release(number)
    assert not limited._connections
    assert not limited._networks


@pytest.mark.one_form
def test_handshakes_have_a_rate_and_those_of_ten_seconds_may_come_at_once():
    limited = made(handshake_rate_per_ip=0.5)
    assert [refused(limited, ONE) for _ in range(6)] == [None] * 5 + ["2"]
    assert refused(limited, OTHER) is None
    assert refused(limited, ONE, now=1.0) == "1"
    assert refused(limited, ONE, now=2.0) is None


@pytest.mark.one_form
def test_of_too_many_addresses_the_one_that_was_silent_for_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(address_limits, "_MAX_BUCKETS", 3)
    limited = made(handshake_rate_per_ip=0.1)
    first, second, third, fourth = ((f"192.0.2.{number}", 1) for number in range(4))
    for address in (first, second, third, first):
        refused(limited, address)
    assert refused(limited, first) is not None
    assert refused(limited, fourth) is None  # takes the place of the second
    assert len(limited._buckets) == 3
    assert refused(limited, first) is not None
    assert refused(limited, second) is None


@pytest.mark.one_form
def test_each_worker_has_its_share():
    limited = made(workers=4, max_connections_per_ip=8, handshake_rate_per_ip=4)
    assert [refused(limited, ONE) for _ in range(3)] == [None, None, "5"]
    limited.limit(Options(max_connections_per_ip=8, handshake_rate_per_ip=4), 2)
    assert [refused(limited, ONE) for _ in range(3)] == [None, None, "5"]
    assert share(1, 16) == 1
    assert made(workers=100, handshake_rate_per_ip=0.1)._rate == pytest.approx(0.001)


@pytest.mark.one_form
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unknown:port", "unknown:port", True),
        ("_hidden", "_secret", False),
    ],
)
def test_an_address_of_ipv6_counts_with_its_64_bits_of_network(one, other, same):
    assert (network_of(one) == network_of(other)) is same


@pytest.mark.one_form
def test_who_has_no_address_is_not_counted():
    limited = made(max_connections_per_ip=1, handshake_rate_per_ip=0.1)
    assert [refused(limited, None) for _ in range(5)] == [None] * 5


class Quiet(Sock):
    pass


@pytest.mark.usefixtures("reactor_kind")
def test_a_server_refuses_the_connection_that_is_one_too_many_from_its_peer(run_async):
    async def act():
        async with sock.serve(Quiet, options=Options(max_connections_per_ip=2)) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            first, _second = await websockets.connect(url), await websockets.connect(url)
            with pytest.raises(websockets.InvalidStatus) as error:
                await websockets.connect(url)
            response = error.value.response
            assert (response.status_code, response.headers["Retry-After"]) == (429, "5")
            await first.close()
            while server.connections > 1:
                await asyncio.sleep(0)
            await websockets.connect(url)

    run_async(act())


@pytest.mark.usefixtures("reactor_kind")
def test_a_server_refuses_handshakes_that_come_too_fast_and_no_other_request(run_async, connect):
    plain = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"

    def app(request):
        return Quiet(request) if "upgrade" in request.headers else Response(200, "page")

    async def act():
        async with sock.serve(app, options=Options(handshake_rate_per_ip=0.01)) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            await websockets.connect(url)
            with pytest.raises(websockets.InvalidStatus) as error:
                await websockets.connect(url)
            assert error.value.response.status_code == 429
            assert 1 <= int(error.value.response.headers["Retry-After"]) <= 100
            async with await connect(server) as client:
                client.send(plain)
                assert (await client.answer()).body == b"page"

    run_async(act())


@pytest.mark.usefixtures("reactor_kind")
@pytest.mark.parametrize("how", ["refuses", "raises", "leaves"])
def test_a_handshake_that_comes_to_nothing_counts_no_longer(run_async, connect, how):
    upgrade = (
        b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    asked, gone = asyncio.Event(), asyncio.Event()

    async def app(request):
        if how == "refuses":
            raise sock.Refuse(401)
        if how == "raises":
            raise LookupError
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    async def act():
        options = Options(max_connections_per_ip=1)
        async with sock.serve(app, options=options) as server, await connect(server) as client:
            client.send(upgrade)
            if how == "leaves":
                await asked.wait()
                client.hang_up()
                await gone.wait()
            else:
                assert (await client.answer()).status in {401, 500}
            async with await connect(server) as again:
                asked.clear()
                again.send(upgrade)
                if how == "leaves":
                    await asked.wait()
                else:
                    assert (await again.answer()).status in {401, 500}

    run_async(act())


@pytest.mark.usefixtures("reactor_kind")
def test_a_worker_keeps_its_share_of_all_limits(run_async):
    async def act():
        options = Options(max_connections=8, max_connections_per_ip=4)
        async with sock.serve(Quiet, options=options) as server:
            server.share_limits(4)
            assert server.max_connections == 2
            url = f"ws://127.0.0.1:{server.port}/"
            await websockets.connect(url)
            with pytest.raises(websockets.InvalidStatus) as error:
                await websockets.connect(url)
            assert error.value.response.status_code == 429
            server.share_limits(2)
            await websockets.connect(url)

    run_async(act())
