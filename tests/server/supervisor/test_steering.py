"""The program in the kernel that names the sockets which get connections."""

import socket

import pytest

from sock.server.supervisor.steering import MAX_SLOTS, Group, spreads

pytestmark = [
    pytest.mark.one_form,
    pytest.mark.skipif(not spreads(), reason="only Linux spreads connections"),
]


def listening(port):
    sock = socket.socket()
    sock.settimeout(0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(200)
    return sock


def test_as_many_slots_as_a_program_may_have_are_steered():
    group = Group()
    first = listening(0)
    sockets = [first, *(listening(first.getsockname()[1]) for _ in range(3))]
    for sock in sockets:
        group.add(sock)
    assert group.steer_to(sockets[1:])
    assert not group.steer_to([])
    assert group.steer_to([first] * MAX_SLOTS)
    assert not group.steer_to([first] * (MAX_SLOTS + 1))
    group.steer_to([sockets[2]])
    with socket.create_connection(first.getsockname(), timeout=10):
        sockets[2].settimeout(10)
        sockets[2].accept()[0].close()
    for sock in sockets:
        group.close(sock)
