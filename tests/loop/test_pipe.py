"""What the kernel is told about a peer that may be dead."""

from __future__ import annotations

import socket

from sock.loop.pipe import expect_dead_peer


def test_the_kernel_probes_a_silent_peer_and_gives_it_up_in_time():
    # rule 12
    with socket.socket() as sock:
        expect_dead_peer(sock, 60.0)
        option = sock.getsockopt
        assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle = option(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        interval = option(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
        count = option(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
        assert idle + interval * count == 60
        assert option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


def test_without_a_bound_the_kernel_keeps_its_own():
    with socket.socket() as sock:
        expect_dead_peer(sock, None)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


def test_a_socket_that_is_not_tcp_is_left_alone():
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        expect_dead_peer(here, 60.0)
