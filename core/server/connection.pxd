cimport cython

from sock.loop.wakeable cimport Wakeable
from sock.server.reader cimport Reader
from sock.server.service cimport Service


@cython.final
cdef class Connection(Wakeable):
    cdef bint _advancing
    cdef object _alarm
    cdef Py_ssize_t _dropped_bytes
    cdef bint _fin_received
    cdef object _exchange
    cdef bint _full
    cdef bint _between_requests
    cdef bint _paused
    cdef Reader _reader
    cdef Service _service
    cdef object _state
    cdef Py_ssize_t _taken_before
    cdef public object pipe
    cdef public bint next_answer_is_last

    cpdef received(self, bytes data)
    cpdef ended(self)
    cpdef drained(self)
    cpdef lost(self)
    cpdef shutdown(self)
    cpdef cut(self)
    cpdef send(self, bytes data)
    cpdef hand_over(self, link, bytes head)
    cpdef go_on(self)
    cdef bint _defer_if_overdue(self) except -1
    cdef _fail(self, error)
    cdef _wait_for_more(self)
    cdef _end_reading(self)
    cdef _reject(self, status, detail)
    cdef _leave(self)
    cdef _close(self)
    cdef _release(self)
    cdef _cancel(self)
    cdef _set_alarm(self, seconds)
    cdef _watch_progress(self)
