"""Sockets in an epoll of our own, compiled: the twin of `src/sock/loop/epoll.py`.

The differences: a pipe has a descriptor and no socket object; all sockets are received into one
buffer, and a `RawReceiver` takes the bytes from there. An event names its pipe by descriptor and
generation. So an event of a socket that has been closed since is ignored, also when a new socket
has the same descriptor.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_SetFromErrno
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EAGAIN, EINTR, ENOBUFS, ENOMEM, errno
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

import contextvars
import socket

from sock.loop import fork
from sock.loop.pipe import NO_RECEIVER, expect_dead_peer


def accept(listening, /):
    """Accept a connection that waits in a listening socket, as a descriptor that does not block."""
    cdef int fd = accept4(listening.fileno(), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)
    if fd >= 0:
        return fd
    if errno == EAGAIN or errno == EINTR:
        return None
    PyErr_SetFromErrno(OSError)


def refuse(sock, /):
    """Close a connection that was accepted and cannot be added."""
    if isinstance(sock, int):
        close(sock)
    else:
        sock.close()


cdef extern from "<sys/epoll.h>" nogil:
    int EPOLL_CLOEXEC
    int EPOLL_CTL_ADD
    int EPOLL_CTL_DEL
    int EPOLL_CTL_MOD
    uint32_t EPOLLIN
    uint32_t EPOLLOUT
    uint32_t EPOLLERR
    uint32_t EPOLLHUP
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int count, int timeout)


cdef extern from "<sys/socket.h>" nogil:
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ctypedef unsigned int socklen_t
    cdef struct sockaddr:
        pass
    int AF_INET
    int AF_INET6
    int MSG_NOSIGNAL
    int SHUT_RDWR
    int SHUT_WR
    int SOCK_NONBLOCK
    int SOCK_CLOEXEC
    int accept4(int fd, sockaddr *address, socklen_t *size, int flags)
    int getpeername(int fd, sockaddr *address, socklen_t *size)
    int getsockname(int fd, sockaddr *address, socklen_t *size)
    ssize_t recv(int fd, void *buffer, size_t size, int flags)
    ssize_t send(int fd, const void *buffer, size_t size, int flags)
    ssize_t sendmsg(int fd, const msghdr *message, int flags)
    int shutdown(int fd, int how)


cdef extern from "<arpa/inet.h>" nogil:
    const char *inet_ntop(int family, const void *address, char *text, socklen_t size)
    int inet_pton(int family, const char *text, void *address)
    unsigned short htons(unsigned short number)
    unsigned short ntohs(unsigned short number)


cdef extern from "<unistd.h>" nogil:
    int close(int fd)


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil


cdef extern from "clock.h":
    int64_t sock_coarse_time() noexcept nogil


cdef enum:
    MAX_EVENTS = 1024
    MAX_LOOKS = 4
    MANY = 8
    RECEIVE = 65536

cdef double RETRY = 0.1  # seconds after which the kernel may have memory for a send again


cdef object _address(const sockaddr_in6 *address):
    """Return host and port; None for an address that has none, such as that of a UNIX socket."""
    cdef char text[64]
    cdef const sockaddr_in *short_address = <const sockaddr_in *>address
    if address.sin6_family == AF_INET:
        inet_ntop(AF_INET, &short_address.sin_addr, text, sizeof(text))
    elif address.sin6_family == AF_INET6:
        inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof(text))
    else:
        return None
    return text.decode(), ntohs(address.sin6_port)  # both kinds of address have the port in the same place


cdef int _keep_address(sockaddr_in6 *kept, address) except -1:
    """Keep a host and a port that a proxy has named; None for an address that has none."""
    cdef sockaddr_in *short_address = <sockaddr_in *>kept
    cdef bytes host
    kept.sin6_family = 0
    if address is None:
        return 0
    host = (<str>address[0]).encode()
    kept.sin6_port = htons(address[1])  # both kinds of address have the port in the same place
    if inet_pton(AF_INET, host, &short_address.sin_addr) == 1:
        kept.sin6_family = AF_INET
    elif inet_pton(AF_INET6, host, &kept.sin6_addr) == 1:
        kept.sin6_family = AF_INET6
    return 0


@cython.final
cdef class Epoll:
    """The sockets of one event loop, as long as there are any."""

    def __cinit__(self):
        self._fd = -1

    def __init__(self, Reactor reactor not None):
        self.reactor = reactor
        self._pipes = []
        self._buffer = <uint8_t *>PyMem_Malloc(RECEIVE)
        self._events = <epoll_event *>PyMem_Malloc(MAX_EVENTS * sizeof(epoll_event))
        if self._buffer == NULL or self._events == NULL:
            raise MemoryError
        self._fd = epoll_create1(EPOLL_CLOEXEC)
        if self._fd < 0:
            PyErr_SetFromErrno(OSError)
        # The loop keeps the context as long as it reads, so it is that of no connection.
        contextvars.Context().run(reactor.loop.add_reader, self._fd, self.poll)

    def __dealloc__(self):
        if self._fd >= 0:
            close(self._fd)
        PyMem_Free(self._buffer)
        PyMem_Free(self._events)

    def add(self, sock):
        """Read a connected, non-blocking socket; who receives is to be set before the next turn.

        It is a socket, or a descriptor from `accept`; either is the pipe's from now on.
        """
        cdef int fd = sock if isinstance(sock, int) else sock.detach()
        cdef SocketPipe pipe = SocketPipe.__new__(SocketPipe)
        cdef epoll_event event
        self._generation += 1
        pipe._epoll = self
        pipe._receiver = NO_RECEIVER
        pipe._fd = fd
        pipe._generation = self._generation
        pipe._interest = EPOLLIN
        event.events = EPOLLIN
        event.data.u64 = <uint64_t>self._generation << 32 | <uint32_t>fd
        if epoll_ctl(self._fd, EPOLL_CTL_ADD, fd, &event) < 0:
            PyErr_SetFromErrno(OSError)  # the pipe closes the socket
        pipe.keep_addresses()
        while len(self._pipes) <= fd:
            self._pipes.append(None)
        self._pipes[fd] = pipe
        self._count += 1
        return pipe

    cdef int modify(self, SocketPipe pipe) except -1:
        """Choose which events of a socket are reported."""
        cdef epoll_event event
        event.events = pipe._interest
        event.data.u64 = <uint64_t>pipe._generation << 32 | <uint32_t>pipe._fd
        if epoll_ctl(self._fd, EPOLL_CTL_MOD, pipe._fd, &event) < 0:
            PyErr_SetFromErrno(OSError)
        return 0

    cdef int remove(self, int fd) except -1:
        """Forget a socket that is about to be closed; after the last one, close the epoll too."""
        # Closing it would be enough, unless another process has the socket too: its events would go on.
        epoll_ctl(self._fd, EPOLL_CTL_DEL, fd, NULL)
        self._pipes[fd] = None
        self._count -= 1
        if self._count == 0:
            self.reactor.loop.remove_reader(self._fd)
            close(self._fd)
            self._fd = -1
            self.reactor.epoll = None
        return 0

    def poll(self):
        """Handle the sockets that are ready."""
        cdef int fd, turn
        cdef uint64_t which
        cdef uint32_t what
        cdef SocketPipe pipe
        cdef Reactor reactor = self.reactor
        if self._polling or self._fd < 0:  # a callback is running the loop, and the buffer is in use
            return
        reactor.begin_turn()
        reactor.thread = PyThread_get_thread_ident()
        self._polling = True
        try:
            # While many sockets are ready, more will be. Looking again here costs a tenth of a turn of
            # the loop (bench, echo-1).
            for turn in range(MAX_LOOKS):
                if self._next >= self._told:
                    self._next, self._told = 0, epoll_wait(self._fd, self._events, MAX_EVENTS, 0)
                while self._next < self._told:
                    which, what = self._events[self._next].data.u64, self._events[self._next].events
                    self._next += 1
                    fd = <int><uint32_t>which
                    # An earlier event of this turn may have closed it, and its descriptor may be in use again.
                    pipe = <SocketPipe>self._pipes[fd]
                    if pipe is None or pipe._generation != which >> 32:
                        continue
                    pipe.ready(what)
                    # The epoll would report the same sockets first again, so the rest of the events
                    # is kept. The epoll stays readable, so there will be another turn.
                    if sock_coarse_time() > reactor.deadline:
                        reactor.end_long_turn()
                        return
                if self._told < MANY or self._fd < 0:
                    return
        finally:
            self._polling = False
            reactor.thread = 0


@cython.final
cdef class SocketPipe(RawPipe):
    """A `Pipe` over a socket. Made by `Epoll.add`."""

    tls = None

    def __cinit__(self):
        self._fd = -1

    def __dealloc__(self):
        if self._fd >= 0:
            close(self._fd)

    @property
    def receiver(self):
        """Reads the pipe; may be replaced at any time."""
        return self._receiver

    @receiver.setter
    def receiver(self, receiver):
        self._receiver = receiver
        self._raw_receiver = receiver if isinstance(receiver, RawReceiver) else None

    @property
    def pending(self):
        """Bytes that the kernel has not taken."""
        return self.raw_pending()

    @property
    def client(self):
        """Host and port of the peer, also when the pipe is gone."""
        return _address(&self._client)

    @client.setter
    def client(self, address):
        _keep_address(&self._client, address)

    @property
    def server(self):
        """Host and port that the peer reached, also when the pipe is gone."""
        return _address(&self._server)

    @server.setter
    def server(self, address):
        _keep_address(&self._server, address)

    cdef int keep_addresses(self) except -1:
        """Ask for both addresses; they become text only when they are asked for."""
        cdef socklen_t size = sizeof(sockaddr_in6)
        if getpeername(self._fd, <sockaddr *>&self._client, &size) < 0:
            self._client.sin6_family = 0
        size = sizeof(sockaddr_in6)
        if getsockname(self._fd, <sockaddr *>&self._server, &size) < 0:
            self._server.sin6_family = 0
        return 0

    def fileno(self):
        """Return the descriptor; -1 when it is closed."""
        return self._fd

    cdef int ready(self, uint32_t events) except -1:
        if events & EPOLLOUT:
            self._flush()
        if events & EPOLLIN:
            self._receive()
        elif events & (EPOLLHUP | EPOLLERR):
            self._close_socket()
        return 0

    def write(self, data, /):
        """Send at once what the kernel takes; keep the rest and send it later."""
        cdef const uint8_t[::1] view
        if type(data) is bytes:
            # A view costs a thousand instructions, for each message through TLS (bench, tls-1).
            if PyBytes_GET_SIZE(data):
                self.raw_write(
                    <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), NULL, 0
                )
            return
        view = data
        if view.shape[0]:
            self.raw_write(&view[0], view.shape[0], NULL, 0)

    def pause(self, dead_after=None, /):
        """Stop reading, and let the kernel find out meanwhile whether the peer is alive."""
        if self._fd >= 0:
            if dead_after is not None and dead_after != self._dead_after:
                self._dead_after = dead_after
                sock = socket.socket(fileno=self._fd)  # for these options only
                try:
                    expect_dead_peer(sock, dead_after)
                finally:
                    sock.detach()
            self._set_interest(self._interest & ~EPOLLIN)

    def resume(self):
        """Read again."""
        if self._fd >= 0 and not self._ended:
            self._set_interest(self._interest | EPOLLIN)

    def finish(self):
        """Send what is pending, then FIN."""
        if self._backlog is None:
            self._send_fin()
        else:
            self._closing = self._send_fin

    def close(self):
        """Send what is pending, then close."""
        if self._backlog is None:
            self._close_socket()
        elif self._fd >= 0:
            self._set_interest(self._interest & ~EPOLLIN)
            self._closing = self._close_socket

    def abort(self):
        """Close at once."""
        self._close_socket()

    cdef int _receive(self) except -1:
        cdef uint8_t *buffer = self._epoll._buffer
        cdef RawReceiver raw = self._raw_receiver  # it may be replaced during the call
        cdef ssize_t size
        if not self._interest & EPOLLIN:  # paused by an earlier event of the same turn
            return 0
        size = recv(self._fd, buffer, RECEIVE, 0)
        if size > 0:
            if raw is not None:
                raw.raw_received(buffer, size)
            else:
                try:
                    data = PyBytes_FromStringAndSize(<const char *>buffer, size)
                except MemoryError:  # the bytes are lost, so nothing behind them may be read
                    self._close_socket()
                    raise
                self._receiver.received(data)
        elif size == 0:
            self._ended = True
            # The epoll would report the end in every turn.
            self._set_interest(self._interest & ~EPOLLIN)
            self._receiver.ended()
        elif errno != EAGAIN and errno != EINTR:
            self._close_socket()  # ECONNRESET, ETIMEDOUT …
        return 0

    cdef Py_ssize_t raw_pending(self) noexcept:
        return len(self._backlog) if self._backlog is not None else 0

    cdef int raw_write(
        self, const uint8_t *first, Py_ssize_t size, const uint8_t *last, Py_ssize_t more
    ) except -1:
        cdef Py_ssize_t sent = 0
        if self._fd < 0:
            return 0
        if self._backlog is None:
            sent = self._send(first, size, last, more)
            if sent < 0 or sent == size + more:
                return 0
        try:
            if sent < size:
                self._keep(first + sent, size - sent)
                sent = size
            if sent < size + more:
                self._keep(last + (sent - size), size + more - sent)
        except MemoryError:  # a part has been sent, and nothing else may follow it
            self._close_socket()
            raise
        return 0

    cdef int _keep(self, const uint8_t *data, Py_ssize_t size) except -1:
        cdef Py_ssize_t before
        if self._backlog is None:
            self._backlog = bytearray()
        before = len(self._backlog)
        PyByteArray_Resize(self._backlog, before + size)
        memcpy(PyByteArray_AS_STRING(self._backlog) + before, data, size)
        return 0

    cdef Py_ssize_t _send(
        self, const uint8_t *first, Py_ssize_t size, const uint8_t *last, Py_ssize_t more
    ) except -2:
        """Send, and return how many bytes the kernel took; -1 if the connection is lost."""
        cdef iovec pieces[2]
        cdef msghdr message
        cdef ssize_t sent
        if more:
            pieces[0].iov_base, pieces[0].iov_len = <void *>first, size
            pieces[1].iov_base, pieces[1].iov_len = <void *>last, more
            memset(&message, 0, sizeof(message))
            message.msg_iov, message.msg_iovlen = pieces, 2
            sent = sendmsg(self._fd, &message, MSG_NOSIGNAL)
        else:
            sent = send(self._fd, first, size, MSG_NOSIGNAL)
        if sent < 0:
            sent = 0
            if errno == ENOBUFS or errno == ENOMEM:
                # The kernel has no memory. The epoll calls the socket writable all the same, so
                # waiting for that would spin.
                self._epoll.reactor.after(RETRY, self._retry)
                return 0
            if errno != EAGAIN and errno != EINTR:
                self._close_socket()
                return -1
        if sent < size + more:
            self._set_interest(self._interest | EPOLLOUT)
        return sent

    cpdef _retry(self):
        if self._fd >= 0 and self._backlog is not None:
            self._flush()

    cdef int _flush(self) except -1:
        cdef Py_ssize_t sent
        if self._backlog is None:
            self._set_interest(self._interest & ~EPOLLOUT)
            return 0
        sent = self._send(
            <const uint8_t *>PyByteArray_AS_STRING(self._backlog), len(self._backlog), NULL, 0
        )
        if sent < 0:
            return 0
        self.taken += sent
        if sent < len(self._backlog):
            del self._backlog[:sent]
            return 0
        self._backlog = None
        self._set_interest(self._interest & ~EPOLLOUT)
        if self._closing is not None:
            self._closing()
        self._receiver.drained()
        return 0

    cpdef _send_fin(self):
        if self._fd >= 0 and shutdown(self._fd, SHUT_WR) < 0:  # reset meanwhile
            self._close_socket()

    cdef int _set_interest(self, uint32_t interest) except -1:
        if interest != self._interest and self._fd >= 0:
            self._interest = interest
            self._epoll.modify(self)
        return 0

    cpdef _close_socket(self):
        cdef int fd = self._fd
        if fd < 0:
            return
        self._fd = -1
        self._interest = 0
        self._backlog = None
        try:
            self._epoll.remove(fd)
        finally:
            if fork.happened:
                shutdown(fd, SHUT_RDWR)
            close(fd)
        # Not now, because the receiver may be in the middle of using this pipe.
        self._epoll.reactor.wake(self)

    cpdef turn(self):
        """Tell the receiver that the pipe is gone."""
        receiver = self._receiver
        self._receiver, self._raw_receiver = NO_RECEIVER, None
        receiver.lost()

