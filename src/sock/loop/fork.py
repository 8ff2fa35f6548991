"""Whether a child of this process may hold its sockets too.

`close` ends a descriptor and not a connection: while a forked child has the same socket, TCP does
not end, and the peer waits for ever. So after a fork, a socket is shut down before it is closed.
Without a fork this is left out, because it costs one more system call for each connection.

RFC 6455 §7.1.1.
"""

from __future__ import annotations

import os
import socket

happened = False
"""Whether this process has forked. It is False in a child: its parent goes on with the sockets."""


def _note_fork() -> None:
    global happened  # noqa: PLW0603 - a fork concerns the whole process
    happened = True


def _begin_anew() -> None:
    global happened  # noqa: PLW0603 - a fork concerns the whole process
    happened = False


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_note_fork, after_in_child=_begin_anew)


def shut(fd: int) -> None:
    """End TCP in both directions, or end listening, for every process that holds this socket.

    Does nothing if the descriptor is not a socket any more, or not connected.
    """
    if fd < 0:
        return
    try:
        sock = socket.socket(fileno=fd)  # for a moment
    except OSError:
        return
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the peer has reset it meanwhile
    finally:
        sock.detach()
