"""The socket that a WSGI server gives away, and what is left to the server in its place.

    server                     where its socket is         the bytes behind the head
    -------------------------  --------------------------  -------------------------------------
    gunicorn, sync, gthread    `gunicorn.socket`           in the buffer under `wsgi.input`
    werkzeug                   `werkzeug.socket`           `wsgi.input` is a reader of the socket
    uWSGI                      `uwsgi.connection_fd()`     lost: nothing leads to its buffer
    gunicorn, gevent …         a socket that is not        the connection is refused
                               the kernel's alone
    all others                 nowhere                     the connection is refused

A WSGI server knows of no upgrade: it will write an answer, shut the connection down and close it.
So the connection gets a descriptor of its own, and the descriptor that the server has is made to
lead elsewhere: to one end of a pair of sockets. Nobody reads what the server writes there, and
what it reads there is the end. So the server needs no patch and ends its work as always, and a
middleware in between sees an ordinary response.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, final

from sock.adapters.conversion import address_of
from sock.hosting.takeover import duplicate_socket
from sock.loop import adopt
from sock.spec import HandlerError

from . import uwsgi
from .environment import server_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop import Pipe, Reactor
    from sock.loop.pipe import Receiver
    from sock.spec import Request

    from .environment import Environ

_KEYS: Final = ("gunicorn.socket", "werkzeug.socket")
_GREEN: Final = ("gevent", "eventlet")
_MAX_EARLY: Final = 64 * 1024
_USE: Final = "use gunicorn with --worker-class sync or gthread, or Flask's own server"


@final
class GivenSocket:
    """The socket of one request.

    Args:
        environ: of the request.
    """

    def __init__(self, environ: Environ) -> None:
        self._environ = environ
        self._left_to_server: socket.socket | None = None
        found = next((environ[key] for key in _KEYS if environ.get(key) is not None), None)
        self.by_uwsgi = "uwsgi.version" in environ
        """Whether the server is uWSGI."""
        if self.by_uwsgi:
            found = uwsgi.connection()
        self.problem = _problem(environ, found)
        """Why the connection cannot be taken over; "" if it can."""
        self._socket: Any = found
        """A socket of the server's, or of what uWSGI has only the descriptor."""

    def check(self) -> None:
        """Make sure that the connection can be taken over.

        Raises:
            RuntimeError: this server does not give it away.
        """
        if self.problem:
            raise RuntimeError(self.problem)

    def correct_addresses(self, request: Request) -> None:
        """Correct what the environ tells of both ends of the connection.

        If a proxy has named the client, its port is not known. uWSGI tells the name of the machine
        in place of the address that the peer has reached.

        Args:
            request: of the environ.
        """
        if self.by_uwsgi:
            with contextlib.suppress(AttributeError, OSError):
                reached = address_of(self._socket.getsockname())
                # Behind uWSGI's router the port is another one: the socket is one of the router's.
                if reached is not None and request.server and request.server[1] == reached[1]:
                    request.server = reached
        peer = None
        with contextlib.suppress(AttributeError, OSError):  # there is no socket, or no peer
            peer = address_of(self._socket.getpeername())
        if peer is not None and request.client is not None and request.client[0] != peer[0]:
            request.client = request.client[0], 0

    def take(self, reactor: Reactor, connect: Callable[[Pipe], Receiver]) -> bytes:
        """Take the connection from the server, whose thread waits meanwhile.

        Args:
            reactor: of the event loop that this is called in.
            connect: is called with the pipe.

        Returns:
            The bytes that the server has read behind the request.

        Raises:
            ConnectionResetError: the peer has gone.
            HandlerError: no descriptor is left.
        """
        descriptor = self._socket.fileno()
        if descriptor < 0:
            raise HandlerError("the server has closed the socket of this request already")
        ours = duplicate_socket(descriptor)
        try:
            early = self._bytes_behind_head()
            left, right = socket.socketpair()
        except BaseException as error:
            ours.close()
            os.set_blocking(descriptor, True)
            if isinstance(error, OSError) and not isinstance(error, ConnectionError):
                raise HandlerError(f"the server's socket cannot be taken over: {error}") from error
            raise
        try:
            adopt(reactor, ours, connect)
        except OSError as error:
            left.close()
            right.close()
            os.set_blocking(descriptor, True)
            raise HandlerError(f"the server's socket cannot be taken over: {error}") from error
        left.shutdown(socket.SHUT_WR)
        os.dup2(right.fileno(), descriptor, inheritable=False)
        right.close()
        self._left_to_server = left
        return early

    def end(self) -> None:
        """Close what was left to the server, which has finished its work."""
        if self._left_to_server is not None:
            self._left_to_server.close()
            self._left_to_server = None

    def _bytes_behind_head(self) -> bytes:
        reading: Any = self._environ.get("wsgi.input")
        unreader = getattr(getattr(reading, "reader", None), "unreader", None)
        if unreader is not None:  # gunicorn's
            early: bytes = unreader.buf.getvalue()
            unreader.buf = io.BytesIO()  # a thread of gthread would take them for a request
            return early
        if isinstance(reading, io.BufferedReader):  # werkzeug's; it does not wait for more now
            return reading.read1(_MAX_EARLY) or b""
        return b""


def _problem(environ: Environ, found: Any) -> str:
    server = server_of(environ)
    kind = type(found).__module__.partition(".")[0]
    if kind in _GREEN or _is_patched():
        name = kind if kind in _GREEN else "gevent or eventlet"
        return (
            f"{server} runs under {name}, which has put its own sockets and threads in the place of"
            f" Python's. Sock needs neither one for many connections: {_USE}"
        )
    if "uwsgi.version" in environ and (missing := uwsgi.missing_option()):
        return missing
    if found is None:
        return f"{server} does not give its socket away, and Sock needs it: {_USE}"
    if isinstance(found, ssl.SSLSocket):
        return (
            f"{server} speaks TLS on this connection by itself, and Sock cannot take that over: end"
            " TLS in a proxy in front of it, such as nginx"
        )
    if environ.get("wsgi.multiprocess") and "werkzeug.socket" in environ:
        return (
            "werkzeug starts a process for each request (processes=), and it ends with the request:"
            " use its threads (threaded=True), or gunicorn"
        )
    return ""


def _is_patched() -> bool:
    """Tell whether gevent or eventlet has replaced the threads of this process."""
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return (gevent is not None and gevent.is_module_patched("threading")) or (
        eventlet is not None and eventlet.is_monkey_patched("thread")
    )
