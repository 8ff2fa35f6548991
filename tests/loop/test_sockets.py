"""A connected socket becomes a pipe; its receiver that cannot be made is in another test file."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from sock.loop import accept, adopt


@pytest.mark.parametrize("native", [True], ids=["epoll"], indirect=True)
def test_a_connection_that_no_epoll_can_be_made_for_is_closed(run, monkeypatch, reactor):
    """There may be one descriptor left for it, and none for the epoll."""

    def refuses(reactor):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def scenario():
        monkeypatch.setattr("sock.loop.sockets.Epoll", refuses)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            with socket.create_connection(listening.getsockname()) as peer:
                with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                    adopt(reactor(), accept(reactor(), listening), lambda pipe: None)
                peer.settimeout(5)
                assert peer.recv(1) == b""

    run(scenario())
