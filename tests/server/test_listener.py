"""Accepting, whatever happens."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

import sock
from sock import Response
from sock.server.address import TcpAddress
from sock.server.binding import bind_all
from sock.server.listener import Listener

pytestmark = pytest.mark.usefixtures("loop_kind")


async def listening_sockets():
    [bound] = await bind_all([TcpAddress("127.0.0.1", 0)])
    return bound.sockets


PLAIN = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"


def test_a_port_can_be_bound_again_at_once(run_async, connect):
    async def act():
        async with (
            sock.serve(lambda request: Response()) as server,
            await connect(server) as client,
        ):
            client.send(PLAIN)
            await client.answer()
        async with sock.serve(lambda request: Response(), port=server.port) as again:
            assert again.port == server.port

    run_async(act())


def test_accepted_sockets_do_not_block_and_do_not_wait_to_fill_packets(run_async):
    async def act():
        loop = asyncio.get_running_loop()
        accepted = loop.create_future()
        [listening] = await listening_sockets()
        listener = Listener(listening, accepted.set_result)
        listener.start()
        with socket.create_connection(listening.getsockname()):
            got = await accepted
            with got:
                assert got.gettimeout() == 0
                assert got.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        listener.close()
        assert listening.fileno() == -1

    run_async(act())


class Exhausted:
    """A listening socket that fails first."""

    def __init__(self, sock: socket.socket, *errors: int) -> None:
        self._sock = sock
        self._errors = list(errors)

    def fileno(self):
        return self._sock.fileno()

    def close(self):
        self._sock.close()

    def accept(self):
        if self._errors:
            raise OSError(number := self._errors.pop(0), errno.errorcode[number])
        return self._sock.accept()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_descriptors_or_memory_accepting_pauses_and_goes_on(
    run_async, events, monkeypatch, number
):
    monkeypatch.setattr("sock.server.listener._PAUSE", 0.05)

    async def act():
        accepted = asyncio.get_running_loop().create_future()
        [listening] = await listening_sockets()
        listener = Listener(Exhausted(listening, number), accepted.set_result)
        listener.start()
        with socket.create_connection(listening.getsockname()):
            (await accepted).close()
        listener.close()
        paused = [fields for event, fields in events if event == "accept.paused"]
        assert [(fields["error"].errno, fields["seconds"]) for fields in paused] == [(number, 0.05)]

    run_async(act())


def test_without_memory_for_a_connection_accepting_pauses_and_goes_on(
    run_async, events, monkeypatch
):
    monkeypatch.setattr("sock.server.listener._PAUSE", 0.05)
    errors = [MemoryError(), MemoryError()]

    async def act():
        accepted = asyncio.get_running_loop().create_future()
        [listening] = await listening_sockets()

        def accept(sock):
            if errors:
                raise errors.pop()
            return sock.accept()[0]

        listener = Listener(listening, accepted.set_result, accept)
        listener.start()
        with socket.create_connection(listening.getsockname()):
            (await accepted).close()
        listener.close()
        assert [event for event, _ in events if event == "accept.paused"] == ["accept.paused"] * 2

    run_async(act())


def test_a_connection_that_is_gone_before_it_is_accepted_is_passed_over(run_async, events):
    async def act():
        accepted = asyncio.get_running_loop().create_future()
        [listening] = await listening_sockets()
        listener = Listener(Exhausted(listening, errno.ECONNABORTED), accepted.set_result)
        listener.start()
        with socket.create_connection(listening.getsockname()):
            (await accepted).close()
        listener.close()
        assert not [event for event, _ in events if event == "accept.paused"]

    run_async(act())


def test_closing_while_it_pauses_ends_the_pause(run_async, told):
    async def act():
        paused = told("accept.paused")
        [listening] = await listening_sockets()
        listener = Listener(Exhausted(listening, errno.EMFILE), lambda sock: None)
        listener.start()
        with socket.create_connection(listening.getsockname()):
            await paused.wait()
            listener.close()
        assert listening.fileno() == -1

    run_async(act())


def test_a_loop_without_readers_accepts_all_the_same(run_async, monkeypatch, loop_kind):
    if loop_kind == "uvloop":
        pytest.skip("uvloop has readers, and cannot be patched")

    async def act():
        loop = asyncio.get_running_loop()
        add_reader = loop.add_reader

        def refuse(fd, *args):
            if fd == listening.fileno():
                raise NotImplementedError
            return add_reader(fd, *args)

        accepted = loop.create_future()
        [listening] = await listening_sockets()
        monkeypatch.setattr(loop, "add_reader", refuse)
        listener = Listener(listening, accepted.set_result)
        listener.start()
        with socket.create_connection(listening.getsockname()):
            (await accepted).close()
        listener.close()

    run_async(act())
