from libc.stdint cimport uint8_t

from sock.live.live_connection cimport LiveConnection
from sock.loop.wakeable cimport Wakeable
from sock.wire.parser cimport Parser
from sock.wire.writer cimport Writer


cdef class RawPipe(Wakeable):
    """What a pipe can do that is a socket in C: take bytes that are nobody's object."""

    cdef Py_ssize_t raw_pending(self) noexcept
    cdef int raw_write(
        self, const uint8_t *first, Py_ssize_t size, const uint8_t *last, Py_ssize_t more
    ) except -1


cdef class Lane(LiveConnection):
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
    # What is queued: a buffer of our own, and behind it at most one large payload, in place.
    cdef uint8_t *_out
    cdef Py_ssize_t _out_size
    cdef Py_ssize_t _out_capacity
    cdef object _large
    cdef const uint8_t *_large_data
    cdef Py_ssize_t _large_size

    cdef int raw_received(self, const uint8_t *data, Py_ssize_t size) except -1
    cdef int raw_feed(self, const uint8_t *data, Py_ssize_t end, bytes whole) except -1
    cdef bint _deliver(self, event) except -1
    cdef bint _deliver_slowly(self, event) except -1
    cdef bint _late(self) except -1
    cdef int _encode(self, message) except -1
    cdef int _frame(self, int first, const uint8_t *payload, Py_ssize_t size, owner) except -1
    cdef uint8_t *_room(self, Py_ssize_t size) except NULL
    cdef int _settle_large(self) except -1
    cpdef feed(self, bytes data)
    cpdef push(self, message)
    cpdef append(self, data)
    cdef int _append(self, bytes whole) except -1
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
