"""The listening sockets of the slots, in a real kernel."""

import socket

import pytest

from sock.server.supervisor.addresses import Addresses
from sock.server.supervisor.steering import spreads

pytestmark = [
    pytest.mark.one_form,
    pytest.mark.skipif(not spreads(), reason="only Linux spreads connections"),
]


@pytest.fixture
def addresses():
    first = socket.create_server(("127.0.0.1", 0))
    first.settimeout(0)
    made = Addresses([first], [])
    yield made
    made.close()


def connected(addresses, slots, count=60):
    """Connect, and return how many connections each slot has got."""
    address = addresses.of(0)[0].getsockname()
    clients = [socket.create_connection(address, timeout=10) for _ in range(count)]
    got = [sum(1 for _ in accepted(addresses.of(slot)[0])) for slot in slots]
    for client in clients:
        client.close()
    return got


def accepted(sock):
    while True:
        try:
            with sock.accept()[0]:
                yield
        except BlockingIOError:
            return


def test_connections_are_spread_over_all_slots(addresses):
    addresses.of(1)
    got = connected(addresses, (0, 1), 200)
    assert sum(got) == 200
    assert min(got) > 50


def test_only_the_slots_that_serve_get_connections(addresses):
    for slot in (1, 2):
        addresses.of(slot)
    addresses.let_get({1})
    assert connected(addresses, (0, 1, 2)) == [0, 60, 0]
    addresses.let_get({0, 2})
    got = connected(addresses, (0, 1, 2))
    assert got[1] == 0
    assert min(got[0], got[2]) > 0


def test_those_who_wait_for_a_slot_that_cannot_start_are_sent_away(addresses):
    addresses.of(1)
    address = addresses.of(0)[0].getsockname()
    addresses.let_get({1})
    waiting = [socket.create_connection(address, timeout=10) for _ in range(3)]
    addresses.let_get({0})
    other = socket.create_connection(address, timeout=10)
    addresses.drop_waiting(1)
    for client in waiting:
        assert client.recv(1) == b""
        client.close()
    assert sum(1 for _ in accepted(addresses.of(0)[0])) == 1
    other.close()


def test_a_slot_that_is_closed_takes_no_connection_with_it(addresses):
    for slot in (1, 2, 3):
        addresses.of(slot)
    addresses.let_get({0, 1, 3})
    addresses.close_slot(2)
    addresses.let_get({3})  # its socket stands where that of slot 2 stood
    assert connected(addresses, (0, 1, 3)) == [0, 0, 60]
    addresses.of(2)
    addresses.let_get({2})
    assert connected(addresses, (0, 1, 2, 3)) == [0, 0, 60, 0]


def test_a_port_that_a_server_with_workers_has_is_in_use_for_the_next_one(addresses):
    addresses.of(1)
    with pytest.raises(OSError, match="in use"):
        socket.create_server(addresses.of(0)[0].getsockname())


def test_sockets_that_were_handed_over_are_those_of_every_slot():
    with socket.create_server(("127.0.0.1", 0)) as handed_over:
        addresses = Addresses([], [handed_over])
        assert addresses.of(0) == addresses.of(1) == [handed_over]
        assert not addresses.steered
        addresses.let_get({1})
        addresses.close_slot(1)
        assert handed_over.fileno() >= 0
