from libc.stdint cimport uint8_t

from sock.engine.keepalive cimport Keepalive
from sock.live.tcp_connection cimport TcpConnection
from sock.loop.raw_pipe cimport RawPipe
from sock.loop.reactor cimport Reactor
from sock.loop.scope cimport Scope
from sock.wire.parser cimport Parser
from sock.wire.raw_parser cimport RawDeliver
from sock.wire.raw_writer cimport FrameBuffer
from sock.wire.writer cimport Writer


cdef class Lane(TcpConnection):
    cdef readonly object pipe
    cdef RawPipe _raw
    cdef readonly Parser parser
    cdef readonly Writer writer
    cdef public bint in_turn
    cdef public bint unread
    cdef public bint close_sent
    cdef public bint close_received
    cdef public bint deadline_changed
    cdef Py_ssize_t _max_pending
    cdef Py_ssize_t _max_out
    cdef FrameBuffer _out

    cdef _set_up_lane(
        self,
        Reactor reactor,
        request,
        handler,
        options,
        Keepalive keepalive,
        bint debug,
        Scope scope,
        pipe,
        Parser parser,
        Writer writer,
    )
    cdef int raw_received(self, const uint8_t *data, Py_ssize_t size) except -1
    cdef RawDeliver _deliver(self) noexcept
    cdef bint _deliver_slowly(self, event) except -1
    cdef bint _turn_goes_on(self) except -1
    cpdef turn(self)
    cpdef bint overdue(self) except -1
    cpdef feed(self, bytes data)
    cpdef push(self, message)
    cpdef append(self, data)
    cpdef queued(self)
    cpdef Py_ssize_t queued_size(self) noexcept
    cpdef flush(self)
    cpdef forget(self)
    cpdef finish_turn(self)
    cpdef limit_turn(self, Py_ssize_t pending)
    cpdef broken(self, error)
    cpdef fall_behind(self)
    cpdef note_pending(self, Py_ssize_t pending)
    cpdef end_tcp(self)
