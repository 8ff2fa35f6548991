"""Whether this process has a child that may hold its sockets too.

`close` ends a descriptor, not a connection: while a forked child has the same socket, TCP does not
end, and the peer waits for ever. So once there was a fork, a socket is shut down before it is
closed. Only then, as that is one more system call for each connection.

RFC 6455 §7.1.1.
"""

from __future__ import annotations

import os
import socket

happened = False
"""Whether this process has forked. A child begins anew: what it closes goes on in its parent."""


def _note_fork() -> None:
    global happened  # noqa: PLW0603 - of the whole process, as forks are
    happened = True


def _begin_anew() -> None:
    global happened  # noqa: PLW0603 - of the whole process, as forks are
    happened = False


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_note_fork, after_in_child=_begin_anew)


def shut(fd: int) -> None:
    """End TCP in both directions, or end listening, for every process that holds this socket.

    Does nothing to a socket that is no descriptor any more, or that is not connected.
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
        pass  # reset meanwhile
    finally:
        sock.detach()
