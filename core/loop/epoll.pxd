cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from sock.loop.raw_pipe cimport RawPipe, RawReceiver
from sock.loop.reactor cimport Reactor


cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        uint64_t u64
    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data


cdef extern from "<netinet/in.h>" nogil:
    ctypedef unsigned short sa_family_t
    cdef struct in_addr:
        pass
    cdef struct in6_addr:
        pass
    cdef struct sockaddr_in:
        sa_family_t sin_family
        unsigned short sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        sa_family_t sin6_family
        unsigned short sin6_port
        in6_addr sin6_addr


@cython.final
cdef class Epoll:
    cdef readonly Reactor reactor
    cdef int _fd
    cdef list _pipes
    cdef Py_ssize_t _count
    cdef uint32_t _generation
    cdef bint _polling
    cdef uint8_t *_buffer
    cdef epoll_event *_events
    cdef int _told
    cdef int _next

    cdef int modify(self, SocketPipe pipe) except -1
    cdef int remove(self, int fd) except -1


@cython.final
cdef class SocketPipe(RawPipe):
    cdef Epoll _epoll
    cdef int _fd
    cdef uint32_t _generation
    cdef uint32_t _interest
    cdef bytearray _backlog
    cdef object _closing
    cdef bint _ended
    cdef object _dead_after
    cdef object _receiver
    cdef RawReceiver _raw_receiver
    cdef readonly Py_ssize_t taken
    cdef sockaddr_in6 _client
    cdef sockaddr_in6 _server

    cdef int keep_addresses(self) except -1
    cdef int ready(self, uint32_t events) except -1
    cdef int _receive(self) except -1
    cdef Py_ssize_t _send(self, const uint8_t *first, Py_ssize_t size, const uint8_t *last, Py_ssize_t more) except -2
    cdef int _keep(self, const uint8_t *data, Py_ssize_t size) except -1
    cpdef _retry(self)
    cdef int _flush(self) except -1
    cdef int _set_interest(self, uint32_t interest) except -1
    cpdef _close_socket(self)
    cpdef _send_fin(self)
